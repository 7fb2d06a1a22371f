"""The overview of several projects as a page, as CSV and as JSON."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Final

from markupsafe import Markup

from keyreeve.codec.values import Json, to_json
from keyreeve.escalation.words import day
from keyreeve.model.projects import Alarm, NextAct, Overview, ProjectLine, ProjectStanding
from keyreeve.render import spreadsheet, wording
from keyreeve.render.environment import page_environment

SCHEMA: Final = "keyreeve.report.projects/1"
TONES: Final = {
    Alarm.NOT_READ: "red",
    Alarm.NOT_RUN: "red",
    Alarm.REFUSED: "red",
    Alarm.FAILED: "red",
    Alarm.PARTLY_READ: "amber",
    Alarm.PAUSED: "amber",
    Alarm.OBSERVING: "amber",
    Alarm.OVERDUE: "amber",
    Alarm.HELD: "navy",
}
"""Colours of the badges; the words say the same without them."""
_HEADER: Final = (
    *("project", "account_id", "config", "alarms", "last_run", "exit_code"),
    *("acts_due", "mails_due", "held", "failed", "overdue", "open_cases"),
    *("cases_by_stage", "next_act_on", "next_act", "could_not_be_read"),
)


def page(found: Overview) -> str:
    """One self-contained HTML file: no script, no network, its style named by its digest."""
    style = (files("keyreeve.render") / "templates" / "projects.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        page_environment()
        .get_template("projects.page.html")
        .render(
            found=found,
            headline=headline(found),
            policy=Markup(policy),  # noqa: S704 - our own words and a digest
            style=Markup(style),  # noqa: S704 - a file of the package
            tones=TONES,
            alarm=Alarm,
            next_act=next_act,
        )
    )


def rows(found: Overview) -> str:
    """CSV, one line a project; safe to open in a spreadsheet."""
    return spreadsheet.written(_HEADER, map(_cells, found.lines))


def document(found: Overview) -> dict[str, Json]:
    """`keyreeve.report.projects/1`."""
    return {
        "schema": SCHEMA,
        "as_of": to_json(found.as_of),
        "folder": found.folder,
        "complete": found.complete,
        "projects": [to_json(line) for line in found.lines],
    }


def headline(found: Overview) -> str:
    """What there is to look at, in one sentence."""
    troubled = sum(bool(line.alarms) for line in found.lines)
    projects = wording.counted(len(found.lines), "project")
    if not troubled:
        return f"{projects}: nothing to look at"
    return f"{projects}: {troubled} to look at"


def next_act(act: NextAct) -> str:
    """`Mon 19 Jan 2026: ann, access_key_rotation, and 2 more`."""
    more = f", and {act.more} more" if act.more else ""
    return f"{day(act.on)}: {act.user_name}, {act.control.value.replace('_', ' ')}{more}"


def _cells(line: ProjectLine) -> tuple[str, ...]:
    alarms = "; ".join(alarm.value for alarm in line.alarms)
    at = line.standing
    if at is None:
        empty = ("",) * (len(_HEADER) - 5)
        return (line.project, "", line.config, alarms, *empty, line.problem)
    stages = "; ".join(f"{stage.value}: {count}" for stage, count in at.cases_by_stage)
    return (
        *(line.project, at.account_id, line.config, alarms, *_last_run(at)),
        *(str(at.acts_due), str(at.mails_due), str(at.held)),
        "" if at.failed is None else str(at.failed),
        *(str(at.overdue), str(at.open_cases), stages),
        at.next_act.on.isoformat() if at.next_act else "",
        next_act(at.next_act) if at.next_act else "",
        "; ".join(at.gaps),
    )


def _last_run(at: ProjectStanding) -> tuple[str, str]:
    if at.last_run_at is None:
        return ("never", "")
    return (at.last_run_at.isoformat(), str(at.exit_code))
