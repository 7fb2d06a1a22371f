"""The run stopped before and after each of its calls, then run again: nothing is lost or doubled.

The days are those on which something happens: a first notice, new credentials, enforcement.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import pytest
from tests.scenario.people import aged, bystanders, old_password
from tests.scenario.peril import Fate, Stopped
from tests.scenario.village import Village

from keyreeve.model.notice import MailKind
from keyreeve.model.snapshot import AccessKey

DAYS = (0, 3, 7, 10, 11, 14, 15, 16, 17)
"""Days of runs; on the others nothing would happen."""


def village_on(day: int) -> Village:
    """Lived up to the day before."""
    village = Village(aged(), old_password(), *bystanders(4))
    live_on(village, -1, before=day)
    return village


def live_on(village: Village, day: int, before: int = 30) -> None:
    """The days that follow."""
    for later in DAYS:
        if day < later < before:
            village.run(later)


def calls_of(day: int) -> list[str]:
    fate = Fate()
    village_on(day).run(day, fate=fate)
    return fate.calls


def secrets(village: Village) -> dict[str, bytes]:
    """Access key id → its escrowed CSV."""
    found = {}
    for row in village.store.list("credentials/access-keys/"):
        content = village.store.get(row.key).content
        (line,) = csv.DictReader(io.StringIO(content.decode()))
        found[line["Access key ID"]] = content
    return found


def our_keys(village: Village) -> Iterable[AccessKey]:
    (user,) = [u for u in village.account.snapshot().users if u.name == "aged.key"]
    return [k for k in user.keys if k.key_id.startswith("AKIAFORECAST")]


def problems(village: Village) -> list[str]:
    """What the promises forbid, found in the account and the mailboxes at the end."""
    found = []
    escrow = secrets(village)
    active = [k for k in our_keys(village) if k.active]
    if len(active) != 1:
        found.append(f"{len(active)} active keys made by us")
    found += [f"the secret of {k.key_id} is lost" for k in active if k.key_id not in escrow]
    mailed = {m.attachments[0].content for m in village.mails(MailKind.CREDENTIALS, "aged.key")}
    if {escrow.get(k.key_id) for k in active} - mailed:
        found.append("the active key was never mailed")
    old = next(iter(village.account.keys_of("aged.key")))
    if village.account.keys_of("aged.key")[old]:
        found.append("the old key is still active")
    if any(day < 14 for day in _ends(village)):
        found.append("the old key was made inactive before day 14")
    found += _mail_problems(village)
    if village.case("aged.key") or village.case("old.password"):
        found.append("a case is still open")
    return found


def _ends(village: Village) -> list[int]:
    """Ladder days on which the old key was made Inactive."""
    old = next(iter(village.account.keys_of("aged.key")))
    return [(at - village.start).days for at, key in village.account.shut if key == old]


def _mail_problems(village: Village) -> list[str]:
    found = []
    usual = Counter(
        {(MailKind.CREDENTIALS, "aged.key"): 1, (MailKind.CREDENTIALS, "old.password"): 1}
    )
    sent = Counter((m.kind, m.to[0].split("@")[0]) for m in village.mailer.sent)
    extra = sum((sent - (usual + _NOTICES)).values())
    if extra > 1:
        found.append(f"{extra} mails too many: {sent - (usual + _NOTICES)}")
    missing = usual - sent
    if missing:
        found.append(f"never mailed: {missing}")
    for day, count in _private_days(village).items():
        if count > 2:
            found.append(f"{count} private mails to one user on {day}")
    return found


_NOTICES = Counter(
    {
        (MailKind.NOTICE, "aged.key"): 6,
        (MailKind.CLOSING, "aged.key"): 1,
        (MailKind.NOTICE, "old.password"): 3,
        (MailKind.CLOSING, "old.password"): 1,
        (MailKind.SUMMARY, "msp-team"): 3,
    }
)
"""Mails of the two cases when nothing goes wrong."""


def _private_days(village: Village) -> Counter:
    return Counter((m.sent_at.date(), m.to[0]) for m in village.mails(MailKind.CREDENTIALS))


def test_without_a_stop_everybody_gets_what_the_ladder_promises():
    village = village_on(30)
    assert problems(village) == []
    assert Counter((m.kind, m.to[0].split("@")[0]) for m in village.mailer.sent) == (
        _NOTICES
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
