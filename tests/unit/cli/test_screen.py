"""What reaches the terminal: aligned, safe, and for programs one document."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve import demo
from keyreeve.cli import main, screen
from keyreeve.cli.options import Day, Instant, Span
from keyreeve.cli.plain_table import cells, plain_table

TEXT = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Mn", "Me", "Cf", "Zl", "Zp")), max_size=12
)


@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=6))
def test_columns_stand_below_each_other_whatever_the_script(rows: list[tuple[str, str, str]]):
    drawn = plain_table(("ONE", "TWO", "THREE"), rows).split("\n")
    first = max(cells(text) for text in ("ONE", *(row[0] for row in rows)))
    for line, row in zip(drawn[1:], rows, strict=True):
        assert line.startswith(row[0].rstrip() if not any(row[1:]) else row[0])
        if row[1] and not row[1].isspace():
            assert cells(line[: len(row[0]) + first - cells(row[0])]) == first


def test_wide_characters_count_twice():
    assert plain_table(("A", "B"), [("日本", "x"), ("ab", "y")]).split("\n") == [
        "A     B",
        "日本  x",
        "ab    y",
    ]


@pytest.mark.parametrize("text", ["e\u0301", "a\u20dd", "नी"])
def test_marks_of_every_kind_take_no_cell_of_their_own(text: str):
    assert cells(text) == 1


def test_numbers_stand_to_the_right():
    drawn = plain_table(("N",), [("1",), ("100",)], right=frozenset({0}))
    assert drawn == "  N\n  1\n100"


@pytest.mark.parametrize("evil", ["\x1b[2J", "a\nb", "\u202eevil", "\x9b31m", "\x07", "\u2028"])
def test_no_name_steers_the_terminal(evil: str, capsys: Any):
    table = screen.Table(header=("USER",))
    table.add(evil)
    screen.table(table)
    screen.block(evil.replace("\n", ""))
    screen.labelled("ok", "ok", evil, evil)
    out = capsys.readouterr().out
    assert all(character == "\n" or character.isprintable() for character in out)
    assert len(out.splitlines()) == 5


def test_one_document_for_programs(capsys: Any):
    document = {"schema": "x/1", "name": "Ünïcode\x1b\x9b2J\u2028\u202e\x7f\U000e0041"}
    screen.json_document(document)
    out = capsys.readouterr().out
    assert json.loads(out) == document
    assert "Ünïcode" in out
    assert out.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("kind", "text", "right"),
    [
        (Instant(), "2026-01-05T06:00:00Z", True),
        (Instant(), "2026-01-05T11:30:00+05:30", True),
        (Instant(), "2026-01-05T06:00:00", False),
        (Instant(), "2026-01-05", False),
        (Instant(), "yesterday", False),
        (Day(), "2026-01-31", True),
        (Day(), "2026-02-30", False),
        (Span(), "24h", True),
        (Span(), "0h", False),
        (Span(), "24 hours", False),
    ],
)
def test_times_dates_and_spans_say_what_they_mean(kind: Any, text: str, right: bool):  # noqa: FBT001
    if right:
        assert kind.convert(text, None, None)
    else:
        with pytest.raises(Exception, match=text):
            kind.convert(text, None, None)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn_on(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything that is drawn in colour where colour is wanted, and what the demo is told."""
    told: list[bool] = []

    def play(output: Path, *, coloured: bool) -> int:
        told.append(coloured)
        return 0

    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(demo, "play", play)
    monkeypatch.setenv("TERM", "xterm-256color")
    table = screen.Table(header=("STATUS",))
    table.add("failed")
    screen.heading("Findings")
    screen.labelled("ok", "failed", "text")
    screen.table(table)
    assert main(["demo"]) == 0
    assert [bool(shown) for shown in told] == ["\x1b[" in terminal.getvalue()]
    return terminal.getvalue()


@pytest.mark.parametrize(
    ("value", "coloured"), [(None, True), ("", True), ("1", False), ("0", False)]
)
def test_no_color_counts_everywhere_alike_where_it_is_set_and_not_empty(
    *, value: str | None, coloured: bool, monkeypatch: pytest.MonkeyPatch
):
    """Source: no-color.org."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if value is not None:
        monkeypatch.setenv("NO_COLOR", value)
    assert ("\x1b[" in drawn_on(Terminal(), monkeypatch)) is coloured


def test_what_is_no_terminal_gets_no_colour(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" not in drawn_on(io.StringIO(), monkeypatch)
