"""What is asked of an account depends on what it is asked for; what is found does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scenario.people import MONDAY, aged, bystanders, console, key, person
from tests.scenario.village import Village

from keyreeve.cli.progress import Silence
from keyreeve.controls.evaluation import evaluate
from keyreeve.model.errors import AccountUnreadable
from keyreeve.model.snapshot import User
from keyreeve.pipeline.collect import collect

_KEYS = st.builds(
    key,
    st.integers(0, 200),
    st.none() | st.integers(0, 200),
    active=st.booleans(),
)
# Two keys of one second could not be told apart by their ids.
_SLOTS = st.lists(_KEYS, max_size=2, unique_by=lambda key: key.created_at)
_FACTS = st.builds(
    console,
    changed=st.integers(0, 200),
    signed_in=st.none() | st.integers(0, 200),
    mfa=st.booleans(),
)


@st.composite
def _people(draw: st.DrawFn) -> list[User]:
    names = [f"somebody.{number}" for number in range(draw(st.integers(1, 6)))]
    return [person(name, *draw(_SLOTS), **draw(st.just({}) | _FACTS)) for name in names]


class Asked:
    """The account's reader, and what it was asked."""

    def __init__(self, village: Village) -> None:
        self._reader = village.account
        self.names: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.names.append(name)
        return getattr(self._reader, name)


def read(people: list[User], **how: bool) -> tuple[list[tuple[object, ...]], list[str]]:
    """The findings but for the names of keys, and what was asked."""
    village = Village(*people)
    village.account.now = MONDAY
    asked = Asked(village)
    snapshot, _ = collect(asked, village.policy, {}, MONDAY, Silence(), **how)
    found = evaluate(snapshot, village.policy, MONDAY)
    assert not found.gaps
    rows = [(f.user_name, f.control, f.observed, f.slot) for f in found.findings]
    return rows, asked.names


@given(_people())
def test_what_is_counted_without_the_ids_of_keys_is_what_is_found_with_them(people):
    named, asked = read(people)
    counted, fewer = read(people, key_ids=False)
    assert counted == named
    assert "access_keys" not in fewer
    assert ("access_keys" in asked) == any(slot is not None for *_, slot in named)


def test_only_who_may_reset_a_password_asks_for_the_policy_of_passwords():
    people = [aged(), *bystanders(2)]
    (found, asked), (same, fewer) = read(people), read(people, resetting=False)
    assert found == same
    assert set(asked) - set(fewer) == {"password_policy"}


@pytest.mark.parametrize("of", ["details", "report"])
def test_answers_of_another_account_are_neither_judged_nor_acted_upon(of):
    village = Village(aged(), *bystanders(2))
    village.account.now = MONDAY
    other = Village(
        *(replace(user, arn=user.arn.replace("123456789012", "999999999999")) for user in (aged(),))
    )
    other.account.now = MONDAY
    reader = Asked(village)
    read_there = {"details": "details", "report": "credential_report"}[of]
    setattr(reader, read_there, getattr(other.account, read_there))
    with pytest.raises(AccountUnreadable, match="about account 999999999999"):
        collect(reader, village.policy, {}, MONDAY, Silence())
