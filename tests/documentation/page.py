"""The blocks of a page of the documentation: what is typed, what it prints, files that it shows.

    ```console                     a terminal: `$ ` is typed, a line that ends with `\\` goes on;
    $ keyreeve --version           whatever follows is printed
    keyreeve, version 0.1.0
    ```

In what is printed, `…` stands for anything within a line, and a line of its own for any lines.
A block in another language is a file when the line before names it: "`trust.json`:".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`(?P<name>[^`]+)`:\s*$")
_INSTALLERS = ("pip", "pipx", "uv", "uvx", "python3", ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command, and what the page says that it prints (empty: not said)."""

    where: str
    """Page and line."""
    typed: str
    printed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that the reader is told to write, or to add to."""

    where: str
    name: str
    content: str


def blocks(page: str) -> Iterator[Step | File]:
    """In the order of the page. AssertionError for a block that is neither."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        where = f"{page}:{text.count(chr(10), 0, found.start()) + 1}"
        named = _NAMED.search(text[: found.start()].rstrip())
        if found["language"] == "console":
            yield from _steps(found["body"], where)
        elif named:
            yield File(where=where, name=named["name"], content=found["body"])
        else:
            assert found["language"] in ("", "text", "{toctree}"), where


def installs(step: Step) -> bool:
    """Whether the command brings Keyreeve onto a machine: such are typed by `make wheels`."""
    return step.typed.split()[0] in _INSTALLERS


def _steps(body: str, where: str) -> Iterator[Step]:
    for block in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        lines = block.splitlines()
        end = next(i for i, line in enumerate(lines) if not line.endswith("\\"))
        typed = " ".join(line.removesuffix("\\").strip() for line in lines[: end + 1])
        yield Step(where=where, typed=typed, printed="\n".join(lines[end + 1 :]).strip("\n"))


def agrees(promised: str, printed: str) -> bool:
    """Whether this was printed, but for what the page leaves open."""
    lines = [re.escape(line.rstrip()) for line in promised.strip("\n").split("\n")]
    pattern = "\n".join(lines).replace(re.escape("…"), "…")
    pattern = re.sub(r"^…\n", "(?:.*\n)*?", pattern, flags=re.MULTILINE)
    pattern = re.sub(r"\n…$", "(?:\n.*)*", pattern).replace("…", ".*")
    said = "\n".join(line.rstrip() for line in printed.strip("\n").split("\n"))
    return re.fullmatch(pattern, said) is not None
