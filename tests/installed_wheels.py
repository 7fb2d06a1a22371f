"""Wheels of the libraries that are installed here, and a lock of them: packing without a network.

They hold what this environment runs with, for its own Python and processor; their hashes are their
own.  What the real lock says of real wheels is shown by `make zips`.
"""

from __future__ import annotations

import hashlib
import platform
import re
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

from keyreeve.local.wheels import Architecture, Target, run_lock

HERE = Target(
    architecture=Architecture.ARM64 if platform.machine() == "aarch64" else Architecture.X86_64,
    python=f"{sys.version_info.major}.{sys.version_info.minor}",
)
_PIN = re.compile(rb"^([a-z0-9-]+)==([^ ;\\]+)", re.MULTILINE)


def installed_wheels(folder: Path) -> bytes:
    """Write them there; the lock that has their hashes."""
    lines = []
    for name, version in _PIN.findall(run_lock()):
        wheel = _wheel(distribution(name.decode()), folder)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name.decode()}=={version.decode()} --hash=sha256:{digest}\n")
    return "".join(lines).encode()


def _wheel(found: Distribution, folder: Path) -> Path:
    """PEP 427, out of what was installed; stored, for nobody sends it anywhere."""
    *_, tag = (
        line.split(": ")[1]
        for line in (found.read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag: ")
    )
    name = re.sub(r"[-_.]+", "_", found.metadata["Name"])
    path = folder / f"{name}-{found.version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(found.files or (), key=str):
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                entry = zipfile.ZipInfo(str(file))
                archive.writestr(entry, Path(str(file.locate())).read_bytes())
    return path
