"""The wheel in an empty environment of each Python that is named, installed as the pages say.

    python -m tests.packaging.empty_environments [--emulator] [--tool pipx] dist python3 …

The commands are those of docs/install.md and docs/quickstart.md, typed into a shell of their own.
pip finds the wheel in the folder and its libraries, at the locked versions, where it always looks.
With --emulator also the extra that `keyreeve demo` needs, which is some fifty libraries more.
A machine without pipx or uvx tries what it has, and says so; who asks for one by --tool wants it
tried, so that its absence is a failure.
One line for each thing that was tried; 1 if one did not work.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tests.documentation.page import Step, agrees, blocks

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "tests" / "data" / "credential-reports" / "aws.csv"
NOT_HIS = ("PYTHON", "VIRTUAL_ENV", "AWS_", "KEYREEVE_", "PYENV", "COV_")
"""Variables of this environment that the empty one must not see."""
TOOLS = ("pipx", "uvx")
"""Ways onto a machine that not every machine has."""
INIT = (
    "keyreeve init --yes --access --project-name ETV --storage s3://etv-iam-compliance "
    '--sender "IAM Compliance <iam@example.com>" --cc msp@example.com'
)


@dataclass(frozen=True)
class Look:
    """One use of what was installed, which needs no AWS."""

    typed: str
    code: int
    holds: Callable[[str], bool]
    """Of what it printed; where that is nothing, of its errors."""


LOOKS = (
    Look("pip check --verbose --verbose", 0, lambda said: "No broken requirements" in said),
    Look("keyreeve --help", 0, lambda said: "Every day" in said),
    Look(
        "keyreeve --output json -q check --credential-report report.csv "
        "--as-of 2026-11-20T06:00:00Z",
        0,
        lambda said: bool(json.loads(said)["findings"]),
    ),
    Look(INIT, 0, lambda said: "Wrote access.yaml" in said),
    Look(
        "keyreeve policy print --role reader --account 123456789012",
        0,
        lambda said: bool(json.loads(said)["Statement"]),
    ),
    Look(
        "sed -i 's/#access: null/access: access.yaml/' config.yaml"
        " && keyreeve baseline render identity",
        0,
        lambda said: "AWS::IAM::Role" in said,
    ),
    Look("keyreeve sandbox", 2, lambda said: "pip install 'keyreeve[sandbox]'" in said),
)
"""Last: an extra that was not asked for is not there, and is named."""


class Machine:
    """A home with one Python in it."""

    def __init__(self, home: Path, python: str, dist: Path) -> None:
        self.home = home
        self.python = _real(python)
        self._environment = _environment(home, dist)
        _write_program(home / "bin" / "python3", f'exec "{self.python}" "$@"')
        _write_report(home / "report.csv")
        self.version = self.shell("python3 --version").stdout.strip()

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Lines typed into bash; stops at the first that fails."""
        return subprocess.run(
            ["bash", "-e", "-c", script],  # noqa: S607 - whichever bash there is
            cwd=self.home,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def follow(self, steps: list[Step]) -> str | None:
        """What went wrong with a block of a page; None: nothing."""
        for number, step in enumerate(steps):
            before = "\n".join(each.typed for each in steps[:number] if each.typed.startswith("."))
            done = self.shell(f"{before}\n{step.typed}")
            if done.returncode:
                return f"{step.typed}\n{done.stdout}{done.stderr}"
            if step.printed and not agrees(step.printed, done.stdout):
                return f"{step.typed} printed {done.stdout!r}"
        return None

    def look(self, look: Look) -> str | None:
        """What is wrong with one use of what is installed; None: nothing."""
        done = self.shell(f". keyreeve/bin/activate\n{look.typed}")
        said = done.stdout or done.stderr
        fits = done.returncode == look.code and look.holds(said)
        said = done.stdout + done.stderr
        return None if fits else f"{look.typed} ended with {done.returncode}\n{said}"


def install_blocks(page: str) -> Iterator[list[Step]]:
    """The blocks of a page that bring Keyreeve onto a machine."""
    steps = (block for block in blocks(page) if isinstance(block, Step))
    for _, group in groupby(steps, lambda step: step.where):
        block = list(group)
        if any(re.match(r"(pip|pipx) install '?keyreeve|uvx", step.typed) for step in block):
            yield block


Tried = Iterator[tuple[str, str | None]]
"""Each thing that is tried, with what was wrong about it."""


def tried(python: str, dist: Path, tools: Collection[str], *, emulator: bool) -> Tried:
    """In an empty environment of this Python; `tools`: those that must not be lacking."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder), python, dist)
        yield from installed(machine, tools)
        for look in LOOKS:
            name = " ".join(look.typed.split("&& ")[-1].split()[:3])
            yield f"{machine.version} · {name}", machine.look(look)
        if emulator:
            for block in install_blocks("quickstart.md"):
                yield f"{machine.version} · with the emulator", machine.follow(block)
            yield f"{machine.version} · the emulator is there", _imports(machine)


def installed(machine: Machine, tools: Collection[str]) -> Tried:
    """As the page says, one way after the other; what is asked for and was not tried is wrong."""
    lacking = set(tools)
    for block in install_blocks("install.md"):
        tool = block[0].typed.split()[0]
        name = f"{machine.version} · {tool}"
        if tool not in TOOLS or shutil.which(tool):
            lacking.discard(tool)
            yield name, machine.follow(block)
        elif tool not in tools:
            print(f"–   {name}: not on this machine")
    for tool in sorted(lacking):
        yield f"{machine.version} · {tool}", "asked for, and not on this machine or page"


def _imports(machine: Machine) -> str | None:
    done = machine.shell(". keyreeve/bin/activate\npython -c 'import keyreeve.sandbox.server'")
    return done.stderr if done.returncode else None


def _real(python: str) -> str:
    """Where an interpreter lies, behind all names and shims."""
    command = [python, "-c", "import sys; print(sys._base_executable)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _environment(home: Path, dist: Path) -> dict[str, str]:
    kept = {name: v for name, v in os.environ.items() if not name.startswith(NOT_HIS)}
    pins = home / "constraints.txt"
    locked = re.findall(
        r"^([^\s#]+==[^\\\n]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    )
    pins.write_text("".join(f"{pin}\n" for pin in locked))
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{home / 'bin'}:{kept['PATH']}",
        "PIP_CONSTRAINT": str(pins),
        "PIP_FIND_LINKS": f"{dist} {kept.get('PIP_FIND_LINKS', '')}",
        "PIP_NO_COMPILE": "1",
        "PIP_QUIET": "1",
        "UV_FIND_LINKS": str(dist),
        "UV_CONSTRAINT": str(pins),
        "UV_PYTHON": str(home / "bin" / "python3"),
        "PIPX_HOME": str(home / "pipx"),
        "PIPX_BIN_DIR": str(home / "bin"),
    }


def _write_program(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _write_report(path: Path) -> None:
    """A credential report in which everything can be judged."""
    header, *rows = REPORT.read_text().splitlines()
    path.write_text("\n".join([header, *(row for row in rows if row.startswith("ada,"))]) + "\n")


def main(arguments: Sequence[str]) -> int:
    """0 if everything worked."""
    parser = argparse.ArgumentParser(description="The wheel in empty environments.")
    parser.add_argument("--emulator", action="store_true")
    parser.add_argument("--tool", action="append", choices=TOOLS, default=[])
    parser.add_argument("dist", type=Path)
    parser.add_argument("pythons", nargs="+")
    asked = parser.parse_args(arguments)
    failed = 0
    for python in asked.pythons:
        found = tried(python, asked.dist.resolve(), asked.tool, emulator=asked.emulator)
        for what, wrong in found:
            print(f"{'BAD' if wrong else 'ok '} {what}{f': {wrong}' if wrong else ''}", flush=True)
            failed += wrong is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
