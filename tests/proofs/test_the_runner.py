"""The runner tells what was found, and does not hide a proof that broke off."""

from __future__ import annotations

from pathlib import Path

from tests.proofs.figure import SEED, Figure, Size, found
from tests.proofs.record import Run, measured, record

RUNS = (
    Run(
        name="a",
        seconds=2.0,
        figures=(
            Figure(promise="P2", what="stops", tried=1200),
            Figure(promise="P10", what="edits", tried=3, violations=("edit 2 of seed 1",)),
        ),
    ),
    Run(name="b", seconds=3.5, figures=(Figure(promise="P2", what="kills", tried=7),)),
)


def test_a_promise_adds_up_over_its_proofs_in_the_order_of_the_promises():
    told = [(m.promise, m.tried, m.violations, m.seconds) for m in measured(RUNS)]
    assert told == [("P2", "1,200 stops · 7 kills", 0, 5.5), ("P10", "3 edits", 1, 2.0)]


def test_the_page_keeps_its_words_and_gets_the_new_figures(tmp_path: Path):
    page = tmp_path / "promises.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    record(page, RUNS, Size.FULL, SEED)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    command = "`python -m tests.proofs --proof a`"
    assert f"| P10 | `a` | 3 edits | 1 | full, {SEED} | 2 s | {command} |" in text


def test_figures_of_other_proofs_stay_and_the_promises_are_in_order(tmp_path: Path):
    page = tmp_path / "promises.md"
    page.write_text("<!-- figures -->\n<!-- /figures -->\n")
    record(page, RUNS, Size.FULL, SEED)
    record(page, [Run(name="a", seconds=1.0, figures=RUNS[0].figures[:1])], Size.CI, 7)
    rows = [line.split("|")[1:6] for line in page.read_text().splitlines() if "| P" in line]
    told = [[cell.strip() for cell in row] for row in rows]
    assert [row[:2] for row in told] == [["P2", "`a`"], ["P2", "`b`"], ["P10", "`a`"]]
    assert told[0][4] == "ci, 7"
    assert told[2][4] == f"full, {SEED}"


def test_violations_are_found_by_promise():
    figures = [figure for run in RUNS for figure in run.figures]
    assert found(figures, "P10") == ("edit 2 of seed 1",)
    assert found(figures, "P2") == ()
