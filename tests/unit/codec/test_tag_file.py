"""Tags in bulk: every mistake by its line."""

from __future__ import annotations

import pytest

from keyreeve.codec.tag_file import read_tags
from keyreeve.model.access import RequiredTags

HEADER = "user,FunctionalGroup,Department,email\n"


def read(text: str):
    return read_tags(text, RequiredTags())


def test_rows_are_read_with_their_lines_and_empty_cells_say_nothing():
    text = (
        "\ufeff" + HEADER + '\nbob, Developer ,"Eng: north",b@example.com\r\neve,,,e@example.com\n'
    )
    rows, mistakes = read(text)
    assert mistakes == ()
    assert [(row.line, row.user, dict(row.tags)) for row in rows] == [
        (
            3,
            "bob",
            {"FunctionalGroup": "Developer", "Department": "Eng: north", "email": "b@example.com"},
        ),
        (4, "eve", {"email": "e@example.com"}),
    ]


def test_columns_may_stand_in_any_order_and_be_few():
    rows, mistakes = read("email,user\ne@example.com,eve\n")
    assert (mistakes, rows[0].user, dict(rows[0].tags)) == ((), "eve", {"email": "e@example.com"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["line 1: a header is missing: user,FunctionalGroup,Department,email"]),
        ("user,Role\n", ["line 1: no such column: 'Role'"]),
        ("email\n", ["line 1: the column user is missing"]),
        ("user,email,email\n", ["line 1: the column email stands twice"]),
        (HEADER + "bob,Developer\n", ["line 2: 2 cells, and the header has 4"]),
        (HEADER + ",Developer,E,x@y.z\n", ["line 2: no user"]),
        (HEADER + "bob,a\tb,E,x\n", ["line 2: FunctionalGroup is no tag's value: 'a\\tb'"]),
        (
            HEADER + "bob,a,R|D,x\n",
            ["line 2: Department is no tag's value: 'R|D' holds '|', which IAM allows in no tag"],
        ),
        (HEADER + f"bob,{'x' * 257},E,x\n", ["line 2: FunctionalGroup is no tag's value: "]),
        (HEADER + "b,,,\nb,,,\n", ["line 3: b stands in line 2 already"]),
        (HEADER + '"bob,,,\n', ["line 2: no CSV: "]),
        (
            HEADER + "bob\n,D,E,e\n",
            ["line 2: 1 cells, and the header has 4", "line 3: no user"],
        ),
    ],
)
def test_every_mistake_is_told_by_its_line(text: str, said: list[str]):
    _, mistakes = read(text)
    assert len(mistakes) == len(said)
    for mistake, begins in zip(mistakes, said, strict=True):
        assert mistake.startswith(begins)
