"""What is asked of an account depends on what it is asked for; whose answers they are is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.scenario.people import MONDAY, aged, bystanders
from tests.scenario.village import Village

from keyreeve.cli.progress import Silence
from keyreeve.model.errors import AccountUnreadable
from keyreeve.pipeline.collect import collect


class Asked:
    """The account's reader, and what it was asked."""

    def __init__(self, village: Village) -> None:
        village.account.now = MONDAY
        self._reader = village.account
        self.names: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.names.append(name)
        return getattr(self._reader, name)


def test_only_who_may_reset_a_password_asks_for_the_policy_of_passwords():
    village = Village(aged(), *bystanders(2))
    asked, fewer = Asked(village), Asked(village)
    acting, _ = collect(asked, village.policy, {}, MONDAY, Silence())
    looking, _ = collect(fewer, village.policy, {}, MONDAY, Silence(), resetting=False)
    assert looking == replace(acting, password_policy=None)
    assert set(asked.names) - set(fewer.names) == {"password_policy"}


@pytest.mark.parametrize("part", ["details", "credential_report"])
def test_answers_of_another_account_are_neither_judged_nor_acted_upon(part):
    """One user of many is enough."""
    here = Village(*(people := [*bystanders(2), aged()]))
    elsewhere = aged().arn.replace("123456789012", "999999999999")
    there = Village(*people[:-1], replace(people[-1], arn=elsewhere))
    reader = Asked(here)
    setattr(reader, part, getattr(Asked(there), part))
    with pytest.raises(AccountUnreadable, match="about account 999999999999"):
        collect(reader, here.policy, {}, MONDAY, Silence())
