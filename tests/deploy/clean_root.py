"""A clean Debian: what debootstrap makes, with Python, cron and nothing of this machine.

Wheels were fetched beforehand and checked by their hashes; inside there is no package index, and
pip checks the hashes again.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.deploy.machine import run, wheels

SUITE = "bookworm"
PACKAGES = "python3,python3-venv,cron,ca-certificates"
WHEELS = "/wheels"
CHROOT = "/usr/sbin/chroot"


def clean_root(folder: Path) -> Path:
    """Made anew, which takes a minute or two; or a copy of the pristine one in $KEYREEVE_ROOT."""
    root = folder / "root"
    if pristine := os.environ.get("KEYREEVE_ROOT"):
        run("cp", "--archive", pristine, root)
    else:
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, root, _mirror())
    (root / WHEELS.lstrip("/")).mkdir()
    wheels(root / WHEELS.lstrip("/"))
    (root / "etc/pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {WHEELS}\n")
    return root


def _mirror() -> str:
    """Where this machine has its own Debian from."""
    said = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
               f"Release: {SUITE}")  # fmt: skip
    return said.splitlines()[0]


def within(root: Path, *command: str, env: Mapping[str, str] | None = None) -> str:
    """Run there as root."""
    path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    return run(CHROOT, root, *command, env={**path, **(env or {})})


@contextmanager
def daemon(root: Path, *command: str) -> Iterator[None]:
    """A daemon of the clean root, with processes and mounts of its own; all of them end with it."""
    space = ("unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc")
    started = subprocess.Popen([*space, CHROOT, str(root), *command], start_new_session=True)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def copied(source: Path, root: Path, place: str, owner: str) -> None:
    """A folder of this machine into the clean root, for a user there."""
    target = root / place.lstrip("/")
    shutil.copytree(source, target)
    within(root, "chown", "-R", f"{owner}:{owner}", place)
