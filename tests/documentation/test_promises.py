"""docs/promises.md: each promise names its proofs; each proof has figures at full size."""

from __future__ import annotations

import re
from pathlib import Path

from tests.proofs.catalogue import PROOFS
from tests.proofs.record import BEGIN, END

PAGE = (Path(__file__).parents[2] / "docs" / "promises.md").read_text(encoding="utf-8")
PAIRS = {(promise, name) for name, entry in PROOFS.items() for promise in entry.promises}


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("| ").split(" | ")]


def test_every_promise_names_the_proofs_that_bear_it_out():
    head, _, _ = PAGE.partition(BEGIN)
    rows = {row[0]: row[2] for row in map(cells, re.findall(r"^\| P\d.*$", head, re.MULTILINE))}
    assert rows.keys() == {promise for promise, _ in PAIRS}
    lacking = {(promise, name) for promise, name in PAIRS if f"`{name}`" not in rows[promise]}
    assert lacking == set()


def test_every_proof_has_its_figures_at_full_size_and_found_nothing():
    figures = PAGE.partition(BEGIN)[2].partition(END)[0]
    rows = [cells(row) for row in re.findall(r"^\| P\d.*$", figures, re.MULTILINE)]
    assert {(promise, name.strip("`")) for promise, name, *_ in rows} == PAIRS
    assert {(violations, size.partition(",")[0]) for _, _, _, violations, size, *_ in rows} == {
        ("0", "full")
    }
