"""The run stopped before and after each of its calls, then run again: nothing is lost or doubled.

The days are those on which something happens: a first notice, new credentials, enforcement.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from tests.scenario.peril import Fate, Stopped
from tests.scenario.two_cases import NOTICES, live_on, problems, village_on

from keyreeve.model.notice import MailKind


def calls_of(day: int) -> list[str]:
    fate = Fate()
    village_on(day).run(day, fate=fate)
    return fate.calls


def test_without_a_stop_everybody_gets_what_the_ladder_promises():
    village = village_on(30)
    assert problems(village) == []
    assert Counter((m.kind, m.to[0].split("@")[0]) for m in village.mailer.sent) == (
        NOTICES
        + Counter(
            {
                (MailKind.CREDENTIALS, "aged.key"): 1,
                (MailKind.CREDENTIALS, "old.password"): 1,
            }
        )
    )


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("day", [0, 7, 14])
def test_a_stop_at_any_call_loses_nothing_and_doubles_at_most_one_mail(day: int, after: bool):  # noqa: FBT001
    broken = {}
    for number, call in enumerate(calls_of(day)):
        village = village_on(day)
        with suppress(Stopped):
            village.run(day, fate=Fate(number, after=after))
        village.run(day + 0.01)
        live_on(village, day)
        if found := problems(village):
            broken[f"{number} {call}"] = found
    assert broken == {}


@pytest.mark.parametrize("day", [7, 14])
def test_after_a_stop_the_next_day_is_early_enough(day: int):
    broken = {}
    for number, call in enumerate(calls_of(day)):
        village = village_on(day)
        with suppress(Stopped):
            village.run(day, fate=Fate(number, after=True))
        village.run(day + 1)
        live_on(village, day + 1)
        village.live(18, 22)
        found = [
            text for text in problems(village) if "mails too many" not in text
        ]  # a delayed act is told of with one notice more
        if found:
            broken[f"{number} {call}"] = found
    assert broken == {}


def test_a_second_stop_in_the_run_that_recovers_loses_nothing_either():
    broken = {}
    calls = calls_of(7)
    worst = [n for n, call in enumerate(calls) if "create_access_key" in call or "csv" in call]
    for first in worst:
        for second in range(len(calls)):
            village = village_on(7)
            for part, stop in enumerate((first, second)):
                with suppress(Stopped):
                    village.run(7 + part / 100, fate=Fate(stop, after=True))
            village.run(7.05)
            live_on(village, 7)
            found = [text for text in problems(village) if "2 mails too many" not in text]
            if found:
                broken[f"{first} then {second}"] = found
    assert broken == {}
