"""The zip that every function of Keyreeve can run from: itself, and the libraries of the run lock.

It says of itself what it fits (`keyreeve-package.json`), so that a stack declares no other
processor or Python than the wheels were made for.  A deployment adds the config.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keyreeve import __version__
from keyreeve.local.lambda_package import appended, own_modules, zipped
from keyreeve.local.wheels import Architecture, Target, fetched, unpacked
from keyreeve.model.errors import ConfigError

CONTENT: Final = "keyreeve-package.json"
_SCHEMA: Final = "keyreeve.package/1"
UNPACKED_LIMIT: Final = 250 * 1024 * 1024
"""Bytes. AWS: "Lambda quotas", deployment package, unzipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPackage:
    """A package, and what it says of itself."""

    content: bytes
    """The zip."""
    target: Target
    version: str
    """Of Keyreeve."""
    wheels: Mapping[str, str]
    """File name → SHA-256, as the lock has it."""
    unpacked: int
    """Bytes on the function's disk."""

    @property
    def sha256(self) -> str:
        """Of the zip, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def with_files(self, files: Mapping[str, bytes]) -> bytes:
        """The zip with these behind what is packed; the same bytes for the same files.

        ValueError where one would take the place of what is packed, or leads out.
        """
        return appended(self.content, files)


def make(lock: bytes, target: Target, *, source: Path | None = None) -> RunPackage:
    """Get the wheels, from pip's index or from the folder `source`, and pack them.

    ConfigError where that is impossible, or the result is larger than AWS takes.
    """
    with tempfile.TemporaryDirectory(prefix="keyreeve-package-") as folder:
        wheels = fetched(lock, target, Path(folder) / "wheels", source=source)
        named = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in wheels}
        libraries = unpacked(wheels)
    told = {
        "schema": _SCHEMA,
        "keyreeve": __version__,
        "architecture": target.architecture.value,
        "python": target.python,
        "wheels": named,
    }
    said = json.dumps(told, indent=1, sort_keys=True).encode() + b"\n"
    made = read(zipped({**libraries, **own_modules(), CONTENT: said}), where="package lambda")
    if made.unpacked > UNPACKED_LIMIT:
        raise ConfigError(
            f"the package has {made.unpacked} bytes unpacked, and AWS takes {UNPACKED_LIMIT}",
            where="package lambda",
        )
    return made


def read(content: bytes, *, where: str) -> RunPackage:
    """What a zip says of itself. ConfigError if it was not made by `keyreeve package lambda`."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            told = json.loads(archive.read(CONTENT))
            size = sum(entry.file_size for entry in archive.infolist())
        return _read(content, told, size)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"this is no package of Keyreeve ({error})",
            where=where,
            remedy=f"`keyreeve package lambda --out {Path(where).name or 'FILE.zip'}` makes one.",
        ) from None


def _read(content: bytes, told: Mapping[str, Any], size: int) -> RunPackage:
    if told["schema"] != _SCHEMA:
        raise ValueError(f"schema {told['schema']}, expected {_SCHEMA}")
    return RunPackage(
        content=content,
        target=Target(architecture=Architecture(told["architecture"]), python=told["python"]),
        version=told["keyreeve"],
        wheels=told["wheels"],
        unpacked=size,
    )
