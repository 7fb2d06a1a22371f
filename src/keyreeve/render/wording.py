"""The words that mails are made of: stages, dates, days left, and the sentence that leads."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import date
from typing import Final

from keyreeve.escalation.words import day
from keyreeve.model.case import Stage
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.notice import CredentialsNotice, FindingLine, Notice
from keyreeve.model.review import Occasion

STAGE_LABELS: Final = {
    Stage.PENDING: "Pending",
    Stage.NOTIFICATION: "Notification",
    Stage.REMINDER: "Reminder",
    Stage.NEW_CREDENTIALS: "New credentials",
    Stage.WARNING: "Warning",
    Stage.COUNTDOWN: "Countdown",
    Stage.ENFORCEMENT: "Enforcement",
    Stage.OVERDUE: "Overdue",
}

TONES: Final = {
    Stage.PENDING: "green",
    Stage.NOTIFICATION: "green",
    Stage.REMINDER: "green",
    Stage.NEW_CREDENTIALS: "amber",
    Stage.WARNING: "amber",
    Stage.COUNTDOWN: "amber",
    Stage.ENFORCEMENT: "red",
    Stage.OVERDUE: "red",
}
"""Colours of the badges (S1.21); the words say the same without them."""

REVIEW_HEADLINES: Final = {
    Occasion.FORM: "Access review",
    Occasion.REMINDER: "Access review: reminder",
    Occasion.ESCALATION: "Access review: overdue",
}

INTRODUCTIONS: Final = {
    Stage.PENDING: (
        "Below is what was found and what to do about it. Once it is done, the matter closes by "
        "itself; you need not reply."
    ),
    Stage.NOTIFICATION: (
        "Below is what was found and what to do about it. Once it is done, the matter closes by "
        "itself; you need not reply."
    ),
    Stage.REMINDER: (
        "A friendly reminder: this is still open. It usually takes a few minutes, and there is "
        "time to do it calmly."
    ),
    Stage.NEW_CREDENTIALS: (
        "It is time to change over. Where new credentials were made for you, they come in a "
        "separate, private mail. An old access key still works for now; a password that was "
        "replaced does not."
    ),
    Stage.WARNING: (
        "The date is near. Below is exactly what will happen then, and what you can do before."
    ),
    Stage.COUNTDOWN: (
        "The date is very near. If something stands in the way, now is the moment to tell us."
    ),
    Stage.ENFORCEMENT: (
        "The date has come. Below is what has been done, and what is left for you to do."
    ),
    Stage.OVERDUE: (
        "Something here is past its date. What is overdue comes up once a week until it is settled."
    ),
}

_CODE: Final = re.compile(r"`([^`]+)`|(?<![A-Za-z0-9])((?:AKIA|ASIA)[A-Z0-9]{12,})")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_WEB: Final = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[\x21\x23-\x26\x28-\x3b\x3d\x3f-\x7e]*)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A run of text; `code` is set in a monospace face, for it must be copied exactly."""

    text: str
    code: bool

    @property
    def words(self) -> tuple[str, ...]:
        """Its words: an option such as `--status` is best not broken over two lines."""
        return tuple(self.text.split(" "))


def pieces(text: str) -> tuple[Piece, ...]:
    """`text` cut at access key ids and at `commands in backticks`."""
    found: list[Piece] = []
    end = 0
    for match in _CODE.finditer(text):
        found.append(Piece(text=text[end : match.start()], code=False))
        found.append(Piece(text=match[1] or match[2], code=True))
        end = match.end()
    found.append(Piece(text=text[end:], code=False))
    return tuple(piece for piece in found if piece.text)


def resource_with_key(finding: FindingLine) -> str:
    """The resource in words, with the exact key id even where the words leave it out."""
    if finding.key_id is None or finding.key_id in finding.resource:
        return finding.resource
    return f"{finding.resource} {finding.key_id}"


def month(first: date) -> str:
    """A month: `Jan 2026`."""
    return f"{first:%b %Y}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 day`, `3 days`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def days_left(days: int | None) -> str:
    """`4 days left`, `today`, `3 days ago`."""
    match days:
        case None:
            return "no date is set"
        case 0:
            return "today"
        case _ if days < 0:
            return f"{counted(-days, 'day')} ago"
        case _:
            return f"{counted(days, 'day')} left"


def deadline(enforcement_on: date | None, days: int | None) -> str:
    """`Mon 19 Jan 2026, 4 days left`."""
    if enforcement_on is None:
        return "no date is set at present"
    return f"{day(enforcement_on)}, {days_left(days)}" if days is not None else day(enforcement_on)


def lead(notice: Notice) -> str:
    """What the preview line and the body begin with, after the stage: the act and its date."""
    if notice.enforcement_on is None:
        return f"open on {day(notice.on)}, no date is set for the next step"
    promised = deadline(notice.enforcement_on, notice.days_left)
    if notice.stage is Stage.OVERDUE:
        ahead = notice.days_left is not None and notice.days_left > 0
        return f"next step on {promised}" if ahead else f"it was due on {promised}"
    number = _day_number(notice)
    action = "action" if number is None else f"day-{number} action"
    if notice.days_left == 0:
        return f"{action} today, {day(notice.enforcement_on)}"
    return f"{action} on {promised}"


def _day_number(notice: Notice) -> int | None:
    """How many days after its own day 0 the earliest finding is enforced."""
    return next(
        (
            (finding.enforcement_on - finding.opened_on).days
            for finding in notice.findings
            if finding.opened_on is not None
            and finding.enforcement_on is not None
            and finding.enforcement_on == notice.enforcement_on
        ),
        None,
    )


def attention(notice: Notice) -> str:
    """The sentence after the greeting: how many findings, about which account."""
    head, count = notice.letterhead, len(notice.findings)
    things, need = ("One thing", "needs") if count == 1 else (f"{count} things", "need")
    name = f" ({head.account_name})" if head.account_name else ""
    account = f"AWS account {head.account_id}{name}"
    return f"{things} about your IAM user in {account} {need} your attention."


def moved(notice: Notice) -> str:
    """What became of the promised date; empty if it stands."""
    if notice.moved_from is None:
        return ""
    if notice.moved_to is None:
        return f"The date has moved: it was {day(notice.moved_from)}; a new one is not set yet."
    return f"The date has moved: it was {day(notice.moved_from)} and is now {day(notice.moved_to)}."


def promised(finding: FindingLine) -> str:
    """What was promised for a finding whose E is another date by now; empty if the promise stands.

    It stands in every notice from then on; that E has moved since the last one, `moved` tells once.
    """
    first, now = finding.promised_on, finding.enforcement_on
    if first is None or first == now:
        return ""
    if now is None:
        return f"It was promised for {day(first)}."
    return f"Promised for {day(first)}, moved to {day(now)}."


def mail_link(text: str) -> str:
    """`mailto:…` if the text is an address, else empty: only then may it be a link."""
    return f"mailto:{text}" if _ADDRESS.fullmatch(text) else ""


def web_link(text: str | None) -> str:
    """The text if it is a web address, else empty."""
    return text if text is not None and _WEB.fullmatch(text) else ""


def import_command(attachment_name: str) -> str:
    """How the AWS CLI takes the attachment over."""
    return f"aws configure import --csv {shlex.quote('file://' + attachment_name)}"


def fetch_command(notice: CredentialsNotice) -> str:
    """How the AWS CLI fetches the secret: a key into the file to import, a password to be read."""
    if notice.place is None:
        return ""
    command = (
        f"aws secretsmanager get-secret-value --region {shlex.quote(notice.place.region)} "
        f"--secret-id {shlex.quote(notice.place.name)} --query SecretString --output text"
    )
    is_key = notice.kind is CredentialKind.ACCESS_KEY
    return f"{command} > {shlex.quote(notice.attachment_name)}" if is_key else command


def verify_command(user_name: str) -> str:
    """How to see that the new key works; the import names the profile after the user."""
    return f"aws sts get-caller-identity --profile {shlex.quote(user_name)}"
