"""The page of the commands, from the command line itself: `python -m keyreeve.cli.handbook`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Final

import click

from keyreeve.cli.app import SECTIONS, app

_EXITS: Final = {
    0: "done",
    1: "some parts failed or could not be read",
    2: "usage or configuration",
    3: "findings exist (`check --fail-on-findings`)",
    4: "refused: the facts look wrong, or too many users would be disturbed",
    5: "another run holds the lock",
    6: "could not start: no access to AWS, storage or mail",
    130: "interrupted",
}
_EVERYWHERE: Final = "--help"


def page() -> str:
    """docs/commands.md, whole."""
    lines = [
        "# Commands",
        "",
        "Generated from the command line itself; do not edit.",
        "What changes AWS needs `--execute` and else rehearses; mail on its own needs `--send`.",
        "`--help` behind any of them shows the same on a terminal.",
        "",
        "## Before the verb",
        "",
        "```text",
        "keyreeve [OPTIONS] VERB …",
        "```",
        "",
        *_options(_context(app, None, "keyreeve")),
        "## Exit codes",
        "",
        "| code | means |",
        "|---|---|",
        *(f"| {code} | {meaning} |" for code, meaning in _EXITS.items()),
        "",
    ]
    root = _context(app, None, "keyreeve")
    for title, verbs in SECTIONS.items():
        lines += [f"## {title}", ""]
        for verb in verbs:
            lines.extend(_verb(verb, app.get_command(root, verb), root))
    return "\n".join(lines).rstrip() + "\n"


def _context(command: click.Command, parent: click.Context | None, name: str) -> click.Context:
    """As click itself makes it; click keeps the help option that it makes for the first one."""
    return click.Context(command, parent=parent, info_name=name, **command.context_settings)


def _verb(name: str, command: click.Command | None, parent: click.Context) -> Iterator[str]:
    """A verb: its section, or for a group a section for each verb within. Hidden ones have none."""
    if command is None or command.hidden:
        return
    context = _context(command, parent, name)
    yield f"### `{context.command_path.removeprefix('keyreeve ')}`"
    yield ""
    yield from _prose(command.help or "")
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            yield from _verb(each, command.get_command(context, each), context)
        return
    yield "```text"
    yield f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}"
    yield "```"
    yield ""
    yield from _options(context)
    yield from _examples(command.epilog or "")


def _prose(text: str) -> Iterator[str]:
    """Its paragraphs, each on one line."""
    for paragraph in text.replace("\b\n", "").strip().split("\n\n"):
        yield " ".join(_plain(line.strip()) for line in paragraph.split("\n"))
        yield ""


def _options(context: click.Context) -> Iterator[str]:
    """A table of the options, if there are any but --help."""
    records = [
        record
        for parameter in context.command.get_params(context)
        if _EVERYWHERE not in parameter.opts and (record := parameter.get_help_record(context))
    ]
    if not records:
        return
    yield "| option | what it does |"
    yield "|---|---|"
    for names, told in records:
        yield f"| `{names.replace('|', chr(92) + '|')}` | {_plain(told)} |"
    yield ""


def _plain(text: str) -> str:
    """Words as they are: nothing in them is markup but what stands in backticks."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part.replace("|", r"\|") if index % 2 else re.sub(r"([|<>*\[\]])", r"\\\1", part)
        for index, part in enumerate(parts)
    )


def _examples(epilog: str) -> Iterator[str]:
    """The examples that end a verb's help."""
    lines = epilog.replace("\b\n", "").split("\n")[1:]
    if lines:
        yield "```console"
        yield from (_typed(line.strip(), lines[:at]) for at, line in enumerate(lines))
        yield "```"
        yield ""


def _typed(line: str, before: list[str]) -> str:
    """With a prompt, unless it goes on a line that ended with a backslash."""
    return f"    {line}" if before and before[-1].endswith("\\") else f"$ {line}"


if __name__ == "__main__":
    sys.stdout.write(page())
