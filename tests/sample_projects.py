"""An overview as it would really be: some in order, some not, two that could not be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from keyreeve.model.case import Stage
from keyreeve.model.identifiers import AccountId, ControlId, UserName
from keyreeve.model.projects import NextAct, Overview, ProjectLine, ProjectStanding
from keyreeve.reporting.projects import overview, project_line, unread_line

AS_OF = datetime(2026, 1, 15, 7, 30, tzinfo=UTC)


def at(**changes: object) -> ProjectStanding:
    """In order: it ran this morning, nothing is held."""
    usual = ProjectStanding(
        account_id=AccountId("123456789012"),
        last_run_at=AS_OF - timedelta(hours=1, minutes=30),
        exit_code=0,
        acts_due=2,
        mails_due=7,
        held=0,
        failed=0,
        overdue=0,
        cases_by_stage=((Stage.NOTIFICATION, 4), (Stage.COUNTDOWN, 1)),
        next_act=NextAct(
            on=date(2026, 1, 19),
            user_name=UserName("priya.sharma"),
            control=ControlId.ACCESS_KEY_ROTATION,
            more=2,
        ),
    )
    return replace(usual, **changes)


def line(name: str, **changes: object) -> ProjectLine:
    """One project of the folder `customers`."""
    return project_line(f"customers/{name.lower()}/config.yaml", name, at(**changes), AS_OF)


def projects() -> Overview:
    """Eight projects."""
    lines = (
        line("Acme", account_id=AccountId("210987654321")),
        line("Brightwater", cases_by_stage=(), acts_due=0, mails_due=0, next_act=None),
        line("ETV", held=3, overdue=2, cases_by_stage=((Stage.REMINDER, 6), (Stage.OVERDUE, 2))),
        line("Fjordline", last_run_at=AS_OF - timedelta(days=3)),
        line("Harbour & Sons", exit_code=1, failed=2),
        line("Kestrel", last_run_at=None, exit_code=None, failed=None, cases_by_stage=()),
        line(
            "Meridian",
            exit_code=4,
            gaps=(
                "ListAccessKeys, build-agent: AccessDenied",
                "GetAccountPasswordPolicy: no answer",
            ),
            refusal="37 of 100 users with a live credential are flagged for the first time",
            pause="freeze until the audit is over",
        ),
        unread_line(
            "customers/orchard/config.yaml",
            "Orchard",
            "customers/orchard/config.yaml:12:3: mail.sender: not a mail address (and 1 more)",
            "Nothing was done: mend the 2 mistakes and run again.",
        ),
        unread_line(
            "customers/sable.yaml",
            "Sable",
            "sts:GetCallerIdentity: the security token has expired",
            "Sign in again, or name a profile.",
        ),
    )
    return overview("customers", lines, AS_OF)


def hostile_projects(text: str) -> Overview:
    """Every text that comes from outside, everywhere it may stand."""
    act = NextAct(
        on=date(2026, 1, 19), user_name=UserName(text), control=ControlId.ACCESS_KEY_ROTATION
    )
    lines = (
        project_line(text, text, at(gaps=(text,), refusal=text, pause=text, next_act=act), AS_OF),
        unread_line(text, text, text, text),
    )
    return overview(text, lines, AS_OF)
