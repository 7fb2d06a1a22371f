"""The zip of a Lambda function: Keyreeve's own modules and a few files, the same bytes each time.

AWS's runtime has boto3 and nothing else: a function may import no more than that and Keyreeve, or
brings its libraries along (`run_package`).
Names are sorted, timestamps and permissions fixed: the digest is the name of the uploaded code.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest instant that a zip can name."""
_MODE: Final = 0o644
_REGULAR_FILE: Final = 0o100000
_PACKAGE: Final = "keyreeve"
LEFT_OUT: Final = frozenset({"__pycache__", "sandbox", "requirements-run.lock"})
"""What no function needs."""


def function_package(files: Mapping[str, bytes]) -> bytes:
    """A zip of the package and `files` (by path). ValueError for a path that leads out."""
    return zipped({**own_modules(), **files})


def own_modules() -> dict[str, bytes]:
    """Keyreeve itself, by path."""
    return _below(resources.files(_PACKAGE), _PACKAGE)


def zipped(content: Mapping[str, bytes]) -> bytes:
    """A zip of these files, by path. ValueError for a path that leads out."""
    return appended(b"", content)


def appended(package: bytes, content: Mapping[str, bytes]) -> bytes:
    """The zip with these files behind those that it has, which stay as they are packed.

    ValueError for a path that leads out, or is taken.
    """
    out = io.BytesIO(package)
    with zipfile.ZipFile(out, "a") as archive:
        taken = frozenset(archive.namelist())
        for path in sorted(content):
            if path.startswith("/") or ".." in path.split("/") or "\\" in path:
                raise ValueError(f"{path!r} leads out of the package")
            if path in taken:
                raise ValueError(f"{path!r} is in the package already")
            entry = zipfile.ZipInfo(path, date_time=_EPOCH)
            entry.compress_type = _way(path)
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = (_REGULAR_FILE | _MODE) << 16
            archive.writestr(entry, content[path], compresslevel=9)
    return out.getvalue()


def _way(path: str) -> int:
    """The SDK's descriptions of services are most of a package, and compressed already."""
    return zipfile.ZIP_STORED if path.endswith(".gz") else zipfile.ZIP_DEFLATED


def _below(folder: Traversable, path: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in folder.iterdir():
        if entry.name in LEFT_OUT:
            continue
        if entry.is_dir():
            found |= _below(entry, f"{path}/{entry.name}")
        else:
            found[f"{path}/{entry.name}"] = entry.read_bytes()
    return found
