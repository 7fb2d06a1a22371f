"""An aged key and an old password, lived up to a day; what the promises forbid at the end."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable

from tests.scenario.people import aged, bystanders, old_password
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
    extra = sum((sent - (usual + NOTICES)).values())
    if extra > 1:
        found.append(f"{extra} mails too many: {sent - (usual + NOTICES)}")
    missing = usual - sent
    if missing:
        found.append(f"never mailed: {missing}")
    for day, count in _private_days(village).items():
        if count > 2:
            found.append(f"{count} private mails to one user on {day}")
    return found


NOTICES = Counter(
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
