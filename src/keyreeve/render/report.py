"""The report as one self-contained page, as CSV and as JSON: the same data three times.

The page's own style and script are named by their digests in its Content-Security-Policy, and
nothing else runs or loads. What others wrote reaches the script as JSON only, and the script puts
it into the page as text only.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup

from keyreeve.codec.values import Json, to_json
from keyreeve.codec.visible import one_line
from keyreeve.escalation.words import day
from keyreeve.model.case import Stage
from keyreeve.model.plan import Gate
from keyreeve.model.posture import PostureFinding
from keyreeve.render import charts, spreadsheet, wording
from keyreeve.render.environment import page_environment
from keyreeve.reporting.report import SCHEMA, AccountReport
from keyreeve.reporting.report_lines import CaseFinding, UserFinding, UserLine

_LONGEST: Final = 2000
_HEADER: Final = (
    *("user", "user_id", "arn", "owner", "created", "console", "mfa", "active_keys"),
    *("oldest_key_days", "excluded", "not_read"),
    *("control", "severity", "resource_type", "resource", "status", "waived_until"),
    *("observed", "threshold", "detail", "since"),
    *("stage", "day_0", "enforcement_on", "held_at", "held_because"),
)
_SHORT: Final = {
    "access_key_rotation": "key rotation",
    "access_key_stale": "stale key",
    "password_age": "password age",
    "console_mfa": "no MFA",
    "user_inactive": "inactive user",
    "inline_policies": "inline policies",
}
"""Controls as a badge says them; others by their id."""

_GATES: Final = {
    Gate.TOLD: "not told enough",
    Gate.RECIPIENT: "recipient",
    Gate.OVERLAP: "overlap",
    Gate.LOOKED_AGAIN: "looked again",
    Gate.BLAST_RADIUS: "blast radius",
    Gate.MAILBOX: "mail quota",
    Gate.WINDOW: "window",
    Gate.NEVER: "never touched",
    Gate.HUMAN: "a person's word",
    Gate.PASSWORD_CHANGE: "password change",
    Gate.EVIDENCE: "missing facts",
}
"""What holds, in a few words; the reason follows them."""


# --- JSON -------------------------------------------------------------------------------------


def document(report: AccountReport) -> dict[str, Json]:
    """`keyreeve.report/1`."""
    written = to_json(report)
    assert isinstance(written, dict)  # noqa: S101 - a dataclass becomes an object
    return {"schema": SCHEMA, **written}


# --- CSV --------------------------------------------------------------------------------------


def rows(report: AccountReport) -> str:
    """One line for each finding of each user, and of the account; users without one have a line."""
    return spreadsheet.written(_HEADER, _rows(report))


def _rows(report: AccountReport) -> Iterator[tuple[str, ...]]:
    clocks: dict[tuple[str | None, str, str], CaseFinding] = {
        (case.user_id, finding.control, finding.resource_id): finding
        for case in report.cases
        for finding in case.findings
    }
    for user in report.users:
        about = _about(user)
        for found in user.findings:
            clock = clocks.get((user.user_id, found.control, found.resource_id))
            yield (*about, *_found(found), *_clock(clock))
        if not user.findings:
            yield (*about, *("",) * (len(_HEADER) - len(about)))
    for finding in report.posture.findings if report.posture else ():
        yield (*("",) * 11, *_posture(finding), *("",) * 5)


def _about(user: UserLine) -> tuple[str, ...]:
    return (
        user.user_name,
        user.user_id or "",
        user.arn,
        user.owner or "",
        f"{user.created_at:%Y-%m-%d}",
        _yes(user.console),
        _yes(user.mfa),
        str(user.active_keys),
        "" if user.oldest_key_days is None else str(user.oldest_key_days),
        user.excluded or "",
        "; ".join(user.unread),
    )


def _found(found: UserFinding) -> tuple[str, ...]:
    return (
        found.control.value,
        found.severity.value,
        "AwsIamAccessKey" if found.resource_id.startswith("AKIA") else "AwsIamUser",
        found.resource_id,
        found.status.value,
        found.waived_until.isoformat() if found.waived_until else "",
        _plain(found.observed),
        _plain(found.threshold),
        found.detail,
        f"{found.since:%Y-%m-%d}" if found.since else "",
    )


def _clock(clock: CaseFinding | None) -> tuple[str, ...]:
    if clock is None:
        return ("", "", "", "", "")
    return (
        clock.stage.value,
        clock.opened_on.isoformat() if clock.opened_on else "",
        clock.enforcement_on.isoformat() if clock.enforcement_on else "open",
        "; ".join(held.gate for held in clock.held),
        "; ".join(held.reason for held in clock.held),
    )


def _posture(finding: PostureFinding) -> tuple[str, ...]:
    return (
        finding.control.value,
        finding.severity.value,
        finding.resource_type.value,
        finding.resource_id,
        "open",
        "",
        _plain(finding.observed),
        _plain(finding.threshold),
        finding.detail,
        f"{finding.since:%Y-%m-%d}" if finding.since else "",
    )


def _yes(value: bool | None) -> str:  # noqa: FBT001 - a cell's value
    return "" if value is None else ("yes" if value else "no")


def _plain(value: bool | int | str) -> str:  # noqa: FBT001 - a cell's value
    return _yes(value) if isinstance(value, bool) else str(value)


# --- the page ---------------------------------------------------------------------------------


def page(report: AccountReport) -> str:
    """One HTML file: no network, no style or script but its own."""
    style, script = _own("report.css"), _own("report.js")
    figures = report.figures
    template = page_environment().get_template("report.page.html")
    return template.render(
        report=report,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        policy=_policy(style, script),
        data=Markup(_embedded(report)),  # noqa: S704 - JSON without a character of markup
        ring=charts.ring(
            (
                ("ok", figures.in_order),
                ("flagged", figures.with_findings),
                ("excluded", figures.excluded),
                ("unread", figures.unread),
            )
        ),
        time=charts.over_time(report.days, [line.control.value for line in report.controls]),
        headline=headline(report),
        labels=wording.STAGE_LABELS,
        tones=wording.TONES,
        short={line.control.value: short(line.control.value) for line in report.controls},
        day_words=day,
    )


def headline(report: AccountReport) -> str:
    """The state of the account in two sentences."""
    figures = report.figures
    users, verb = wording.counted(figures.users, "user"), "is" if figures.users == 1 else "are"
    said = [f"{figures.in_order} of {users} {verb} in order."]
    pressing = [
        wording.counted(count, one, many)
        for count, one, many in (
            (figures.overdue, "case is overdue", "cases are overdue"),
            (figures.due_this_week, "date falls within a week", "dates fall within a week"),
            (figures.held, "case is held at a gate", "cases are held at a gate"),
        )
        if count
    ]
    said.append(f"{_listed(pressing)}." if pressing else "Nothing is due within a week.")
    return " ".join(said)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def short(control: str) -> str:
    """A control in two words."""
    return _SHORT.get(control, control.replace("_", " "))


@cache
def _own(name: str) -> str:
    return (files("keyreeve.render") / "templates" / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """What the browser may do: nothing but this style and this script."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(report: AccountReport) -> str:
    """The same JSON, with every text fit to be shown, and nothing that could end the element."""
    shown = {
        **document(report),
        "words": {
            "stages": {stage.value: wording.STAGE_LABELS[stage] for stage in Stage},
            "tones": {stage.value: wording.TONES[stage] for stage in Stage},
            "gates": {gate.value: words for gate, words in _GATES.items()},
            "controls": {line.control.value: line.title for line in report.controls},
            "short": {line.control.value: short(line.control.value) for line in report.controls},
        },
    }
    text = json.dumps(_visible(shown), ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        line = one_line(value)
        return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
    if isinstance(value, dict):
        return {_visible(key): _visible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_visible(item) for item in value]
    return value
