"""`plan --days 14` against what then happens when nobody acts."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import pytest
from tests.scenario.people import (
    administrator,
    aged,
    bystanders,
    console,
    key,
    no_mfa,
    old_password,
    person,
    quiet,
    spare,
)
from tests.scenario.village import Silence, Village

from keyreeve.model.plan import Outcome
from keyreeve.model.policy import Enforcement, FinalAct
from keyreeve.pipeline.collect import collect
from keyreeve.pipeline.forecast import forecast

DAYS = 14
Effects = dict[date, list[tuple[str, str, str]]]


def everybody(**policy) -> Village:
    return Village(
        aged(),
        spare(),
        old_password(),
        no_mfa(),
        quiet("gone.quiet", key(30, None)),
        administrator("ada.admin"),
        person("turning", **console(changed=70, mfa=True)),
        person("two", key(100), key(90)),
        person("blocked", key(400, 300, active=False), key(100)),
        person("nobody", key(100), tags={}),
        person("shared.a", key(90), tags={"email": "ops@example.com"}),
        person("shared.b", key(91), tags={"email": "ops@example.com"}),
        *bystanders(6),
        **policy,
    )


def told(outcomes: list[Outcome]) -> list[tuple[str, str, str]]:
    return sorted(
        (o.user_name, o.effect_kind, o.kind.value)
        for o in outcomes
        if o.effect_kind != "send_summary"
    )


def foretold(village: Village, day: int) -> Effects:
    """The forecast made before the run of `day`."""
    village.account.now = village.at(day)
    account = village.wired()
    state = village.state
    snapshot, _ = collect(village.account, village.policy, state.keys, village.at(day), Silence())
    people = account.tools.people.read()
    days = forecast(account, state, snapshot, people, village.at(day), DAYS, Silence())
    return {item.on: told(list(item.outcomes)) for item in days}


def happened(village: Village, day: int) -> Effects:
    out: Effects = defaultdict(list)
    for later in range(day, day + DAYS + 1):
        report = village.run(later)
        out[report.plan.on] = told(list(report.outcomes))
    return out


POLICIES = {
    "defaults": {},
    "strict": {
        "enforcement": Enforcement(
            console_mfa=FinalAct.QUARANTINE,
            user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS,
            password_age=FinalAct.DELETE_LOGIN_PROFILE,
        )
    },
    "holidays": {"holidays": frozenset({date(2026, 1, 12), date(2026, 1, 19), date(2026, 1, 26)})},
    "free slot": {"free_slot_after_days": 5},
}


@pytest.mark.parametrize("lived", [0, 1, 5, 8, 12])
@pytest.mark.parametrize("name", POLICIES)
def test_the_forecast_is_what_then_happens_when_nobody_acts(name: str, lived: int):
    village = everybody(**POLICIES[name])
    if lived:
        village.live(0, lived - 1)
    expected = foretold(village, lived)
    assert happened(village, lived) == expected
    assert any(expected.values())


def test_the_forecast_foresees_a_key_that_turns_75_days_old_on_the_way():
    village = Village(person("turning", key(70)), *bystanders(6))
    village.run(0)
    assert foretold(village, 1) == happened(village, 1)


def test_the_forecast_changes_nothing():
    village = everybody()
    village.live(0, 6)
    mails, keys, objects = len(village.mailer.sent), village.account.snapshot(), village.store.puts
    before = (list(objects), village.state)
    foretold(village, 7)
    assert (list(village.store.puts), village.state) == before
    assert len(village.mailer.sent) == mails
    village.account.now = keys.collected_at
    assert village.account.snapshot() == keys
