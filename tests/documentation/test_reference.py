"""The reference is that of this version, and every page speaks of commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from tests.documentation import site_links
from tests.documentation.page import DOCS

from keyreeve.cli import handbook as commands
from keyreeve.cli.app import app
from keyreeve.config import handbook as settings
from keyreeve.config.schema import json_schema

ROOT = DOCS.parent
PAGES = sorted((*ROOT.glob("*.md"), *DOCS.rglob("*.md")))
_TYPED = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?(keyreeve .+)$")
_IN_PROSE = re.compile(r"`(keyreeve [a-z][^`]*)`")
_ABBREVIATED = re.compile(r"\||\s…|\s\[|\s{2,}|\s\(")
"""Where a page lists verbs, leaves something out, or begins to explain."""
DURATION = "^[0-9]+[ydhm]$"


def test_the_page_of_the_commands_is_up_to_date():
    """Mend with: python -m keyreeve.cli.handbook > docs/commands.md."""
    assert commands.page() == (DOCS / "commands.md").read_text()


def test_the_page_of_the_settings_is_up_to_date():
    """Mend with: python -m keyreeve.config.handbook > docs/settings.md."""
    assert settings.page() == (DOCS / "settings.md").read_text()


def test_every_setting_of_the_schema_stands_on_the_page_with_its_default():
    text = settings.page()
    for name, part in json_schema()["$defs"].items():
        for setting, given in part.get("properties", {}).items():
            row = next((r for r in text.splitlines() if r.startswith(f"| `{setting}` |")), "")
            assert row, f"{name}.{setting}"
            if given.get("pattern") == DURATION and "default" in given:
                assert re.match(DURATION, given["default"]), f"{name}.{setting}"
                assert f"| `{given['default']}` |" in text


def test_every_verb_has_its_section():
    text = commands.page()
    for names, command in every_verb(app, at_the_root(), ()):
        section = text.split(f"### `{' '.join(names)}`\n")[1].split("\n### ")[0]
        for parameter in command.params:
            assert max(parameter.opts, key=len) in section or isinstance(parameter, click.Argument)


def at_the_root() -> click.Context:
    """With the settings of the program: click keeps the help option that it makes for the first."""
    return click.Context(app, info_name="keyreeve", **app.context_settings)


def every_verb(
    group: click.Group, context: click.Context, above: tuple[str, ...]
) -> list[tuple[tuple[str, ...], click.Command]]:
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += every_verb(command, click.Context(command, context), (*above, name))
        else:
            found.append(((*above, name), command))
    return found


def typed_on(path: Path) -> list[str]:
    """Commands of a page, as far as they are whole: those of blocks, and those of prose."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [found[1] for line in text.splitlines() if (found := _TYPED.match(line.strip()))]
    whole = []
    for line in [*lines, *_IN_PROSE.findall(text)]:
        command = _ABBREVIATED.split(line.split(" #")[0].split(" > ")[0])[0]
        whole.append(command.removesuffix("&").strip().replace("'", ""))
    return whole


def understood(line: str) -> None:
    """Let click parse the line, verb by verb, and do nothing. UsageError for what it knows not."""
    command: click.Command = app
    words = shlex.split(line)[1:]
    context = at_the_root()
    while isinstance(command, click.Group):
        _, words, _ = command.make_parser(context).parse_args(args=list(words))
        if not words:
            return
        _, found, words = command.resolve_command(context, list(words))
        assert found is not None
        command, context = found, click.Context(found, context, info_name=found.name)
    _, rest, _ = command.make_parser(context).parse_args(args=list(words))
    assert not rest or not command.params or len(rest) <= len(command.params)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_says_to_type_is_understood(path: Path):
    for line in set(typed_on(path)):
        try:
            understood(line)
        except (click.UsageError, ValueError) as error:
            pytest.fail(f"{line}: {error}")


@pytest.mark.parametrize(
    "line", ["keyreeve chekc", "keyreeve check --fail-soon", "keyreeve case lst"]
)
def test_what_is_no_command_is_not_understood(line: str):
    with pytest.raises(click.UsageError):
        understood(line)


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path):
    (tmp_path / "other.html").write_text('<p id="here">')
    (tmp_path / "index.html").write_text(
        '<a href="other.html#here">a</a> <a href="https://example.com/">b</a>'
        '<a href="#gone">c</a> '
        '<a href="other.html#there">d</a> <a href="none.html">e</a> <img src="none.png">'
        '<script src="https://cdn.example.com/x.js"></script> <link href="//fonts.example.com/f">'
    )
    found = {line.partition(": ")[2] for line in site_links.broken(tmp_path)}
    assert found == {
        "#gone leads nowhere",
        "other.html#there leads nowhere",
        "none.html leads nowhere",
        "none.png leads nowhere",
        "https://cdn.example.com/x.js is fetched from elsewhere",
        "//fonts.example.com/f is fetched from elsewhere",
        "//fonts.example.com/f leads nowhere",
    }
