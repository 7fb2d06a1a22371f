"""P14 at CI size, and the violations that its proof must find."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.proofs import secrecy
from tests.proofs.figure import SEED, Figure, Mutant, Size, found
from tests.proofs.shown_values import VALUES, shown_values

SOURCE = Path(secrecy.logs.__file__).parent


def test_no_secret_leaves_its_sinks():
    figures = list(secrecy.prove(Size.CI, SEED))
    assert found(figures, "P14") == ()
    tried = {figure.what: figure.tried for figure in figures}
    assert tried["forced exceptions, secrets by both ways"] >= 14
    assert tried["loud processes"] == len(secrecy.SHORT)
    assert tried["showings of values"] >= 48


@pytest.mark.parametrize("mutant", secrecy.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_leak_is_found(mutant: Mutant):
    with mutant.plant():
        figure = _hasty()
    where = secrecy.SHOWN_AS[mutant.name]
    assert [violation for violation in figure.violations if re.search(where, violation)]


def test_the_same_haste_finds_nothing_where_nothing_is_planted():
    figure = _hasty()
    assert figure.violations == ()
    assert figure.tried == 2


def _hasty() -> Figure:
    return secrecy.forced(Size.CI, SEED, secrecy.FEWEST, config=secrecy.BY_BOTH, hasty=True)


def test_a_value_that_shows_its_secret_is_found():
    _, violations = shown_values({"bare": str(VALUES["NewAccessKey"].secret)})
    assert len(violations) >= 8


def test_nothing_writes_values_down_but_the_codec():
    """asdict and pickle show every field, whatever `repr` says."""
    writers = re.compile(r"\b(pickle|marshal|shelve|asdict|astuple)\b")
    for path in SOURCE.rglob("*.py"):
        if path.parent.name != "sandbox":
            assert not writers.search(path.read_text()), path
