"""An access review as tests need it: good people, hostile names, every kind of row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from tests import samples

from keyreeve.model.identifiers import AccountId, UserId, UserName
from keyreeve.model.review import (
    Campaign,
    CampaignId,
    Occasion,
    Reviewer,
    ReviewerName,
    ReviewNotice,
    ShownKey,
    ShownUser,
    Task,
)

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
ANN = Reviewer(name=ReviewerName("ann"), email="ann@example.com", user=UserName("ann"))
BOSS = Reviewer(name=ReviewerName("boss"), email="boss@example.com")
HOSTILE = "<img src=x onerror=alert(1)>'\"&</script><script>alert(2)</script>"
FORMULA = '=HYPERLINK("http://evil.example.com";"x")'


def shown(name: str, **facts: Any) -> ShownUser:
    """A user in good order; `facts` are fields of ShownUser."""
    usual: dict[str, Any] = {
        "user_id": UserId("AIDA" + name.upper().replace(".", "").ljust(16, "0")[:16]),
        "user_name": UserName(name),
        "created_on": date(2024, 3, 1),
        "department": "Engineering",
        "email": f"{name}@example.com",
        "mfa": True,
        "groups": ("Developers",),
        "roles": ("DeveloperRole",),
        "standing": (),
        "console": True,
        "signed_in": "2026-01-02",
        "keys": (),
        "remarks": (),
    }
    return ShownUser(**(usual | facts))


def shown_key(**facts: Any) -> ShownKey:
    usual: dict[str, Any] = {
        "slot": 1,
        "key_id": "AKIAEXAMPLEEXAMPLE01",
        "active": True,
        "created_on": date(2025, 11, 3),
        "last_used": "2026-01-04",
    }
    return ShownKey(**(usual | facts))


PRIYA = shown("priya.sharma", keys=(shown_key(),))
TOMAS = shown(
    "tomas.lind",
    mfa=False,
    standing=("arn:aws:iam::aws:policy/AdministratorAccess", "inline: temporary"),
    keys=(shown_key(active=False, last_used="never"), shown_key(slot=2, key_id=None)),
    remarks=("standing administrator rights, without a role session", "no MFA device"),
)
QUIET = shown("gone.quiet", groups=(), roles=(), signed_in="2025-03-30", department="")
ZOE = shown("zoë.ünal", console=False, signed_in="never", groups=("Developers", "Billing"))
EVIL = shown(
    "evil", department=HOSTILE, email=FORMULA, groups=(HOSTILE,), remarks=(HOSTILE,), roles=()
)


def campaign(*rows: ShownUser, others: tuple[ShownUser, ...] = (), **facts: Any) -> Campaign:
    """Ann's part with these rows, and her boss's."""
    tasks = [Task(reviewer=ANN, rows=rows or (PRIYA, TOMAS, QUIET, ZOE))]
    if others:
        tasks.append(Task(reviewer=BOSS, rows=others))
    usual: dict[str, Any] = {
        "campaign_id": CampaignId("2026-01-05-quarter-1"),
        "name": "Quarter 1",
        "project": "ETV",
        "account_id": AccountId("123456789012"),
        "started_at": MONDAY,
        "started_by": "arn:aws:sts::123456789012:assumed-role/msp/lee",
        "due": date(2026, 1, 19),
        "tasks": tuple(tasks),
    }
    return Campaign(**(usual | facts))


def notice(occasion: Occasion = Occasion.FORM) -> ReviewNotice:
    """The mail with Ann's form; an escalation is a day late."""
    late = occasion is Occasion.ESCALATION
    return ReviewNotice(
        letterhead=samples.letterhead(),
        campaign="Quarter 1",
        occasion=occasion,
        on=date(2026, 1, 20) if late else MONDAY.date(),
        due=date(2026, 1, 19),
        users=4,
        form="review-2026-01-05-quarter-1-ann.html",
        sheet="review-2026-01-05-quarter-1-ann.csv",
    )
