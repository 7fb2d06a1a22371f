"""The libraries of the run lock as wheels for another machine than this one, by their hashes.

pip chooses and verifies; it asks the package index that it is configured for, or a folder.
The lock is shipped with the product: what runs on AWS is what was tested.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Final

from keyreeve.codec.redaction import redact
from keyreeve.model.errors import ConfigError

LOCK: Final = "requirements-run.lock"
_GLIBC: Final = range(34, 16, -1)
"""Minor versions of glibc 2 whose wheels run there: Amazon Linux 2023 has 2.34."""
_DATA: Final = re.compile(r"[^/]+\.data/(?P<scheme>[^/]+)/(?P<path>.+)")
"""PEP 427: what does not lie where it is imported from."""
_IMPORTED: Final = frozenset({"purelib", "platlib"})
_LAST_LINES: Final = 6


class Architecture(StrEnum):
    """A function's processor, in AWS's words."""

    ARM64 = "arm64"
    X86_64 = "x86_64"

    @property
    def machine(self) -> str:
        """As the platform tags of wheels call it."""
        return "aarch64" if self is Architecture.ARM64 else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the wheels must fit."""

    architecture: Architecture
    python: str
    """Such as 3.13."""

    def options(self) -> list[str]:
        """As pip takes them: CPython, the newest C library first."""
        machine = self.architecture.machine
        platforms = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC]
        named = [f"--platform={each}" for each in (*platforms, f"manylinux2014_{machine}")]
        return [*named, f"--python-version={self.python}", "--implementation=cp"]


def run_lock() -> bytes:
    """The pins and hashes that this version was tested with."""
    return (resources.files("keyreeve") / LOCK).read_bytes()


def fetched(lock: bytes, target: Target, into: Path, *, source: Path | None) -> tuple[Path, ...]:
    """The wheels of the lock, in a new folder `into`; sorted by name.

    `source`: a folder of wheels, and no network. ConfigError if pip is not there, a wheel is
    missing, or one has another hash than the lock.
    """
    into.mkdir()
    listed = into.with_suffix(".lock")
    listed.write_bytes(lock)
    places = [] if source is None else ["--no-index", f"--find-links={source.absolute()}"]
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--require-hashes", "--no-deps", "--only-binary=:all:", "--no-input"),
        *(*target.options(), *places, f"--dest={into}", f"--requirement={listed}"),
    ]
    done = subprocess.run(  # noqa: S603 - pip, with our own arguments
        command, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        raise _unfetched(done.stderr, target, source)
    return tuple(sorted(into.glob("*.whl")))


def _unfetched(said: str, target: Target, source: Path | None) -> ConfigError:
    where = "pip download" if source is None else f"--wheels {source}"
    if "No module named pip" in said:
        return ConfigError(
            "this Python has no pip, which gets the wheels",
            where=sys.executable,
            remedy="`python -m ensurepip`, or run Keyreeve from an environment that has pip.",
        )
    lines = [line for line in redact(said).splitlines() if line and "WARNING" not in line]
    return ConfigError(
        "\n".join(lines[-_LAST_LINES:]),
        where=where,
        remedy=(
            f"Every library of the lock is needed as a wheel for Python {target.python} on Linux, "
            f"{target.architecture}. Where pip's index cannot be reached, --wheels names a folder."
        ),
    )


def unpacked(wheels: Iterable[Path]) -> dict[str, bytes]:
    """What is imported from the wheels, and their licences, by path. ValueError where two differ.

    Scripts, headers and data files are left out: a function starts none.
    """
    found: dict[str, bytes] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                path = None if entry.is_dir() else _place(entry.filename)
                if path is None:
                    continue
                content = archive.read(entry)
                if found.setdefault(path, content) != content:
                    raise ValueError(f"{wheel.name} and another wheel have different {path}")
    return found


def _place(path: str) -> str | None:
    """Where a wheel's file is imported from; None: nowhere."""
    data = _DATA.fullmatch(path)
    if data is None:
        return path
    return data["path"] if data["scheme"] in _IMPORTED else None
