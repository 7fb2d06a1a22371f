"""One summary over all accounts, by mail: where there are several, none sends one of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keyreeve.codec.redaction import redact
from keyreeve.escalation.calendar import Calendar
from keyreeve.model.errors import KeyreeveError
from keyreeve.model.fleet import FleetSummary
from keyreeve.model.notice import MailKind, OutgoingMail, TeamNotice
from keyreeve.model.policy import EscalationPolicy
from keyreeve.pipeline.workbench import Post
from keyreeve.ports import Mailer, Renderer
from keyreeve.ports.fleet import FleetRecords
from keyreeve.reporting.fleet_words import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPost:
    """How the team is told."""

    post: Post
    mailer: Mailer
    renderer: Renderer
    policy: EscalationPolicy


def tell_team(
    office: FleetPost, records: FleetRecords, summary: FleetSummary, now: datetime
) -> FleetSummary:
    """On the summary's day, or on the first mail day after it; once a week.

    What keeps it from going out is in the summary that comes back, and stops nothing.
    """
    policy = office.policy
    if not policy.summary_to or not Calendar(policy).is_mail_day(summary.on):
        return summary
    week = summary.on - timedelta(days=(summary.on.weekday() - policy.summary_weekday) % 7)
    try:
        if not records.mailed(week):
            accepted = office.mailer.send(_mail(office, summary, now))
            records.remember_mail(week, accepted.message_id)
    except KeyreeveError as error:
        return replace(summary, unsent=redact(f"the weekly summary was not sent: {error.what}"))
    return summary


def _mail(office: FleetPost, summary: FleetSummary, now: datetime) -> OutgoingMail:
    headline, paragraphs = in_words(summary)
    notice = TeamNotice(
        letterhead=office.post.letterhead,
        on=summary.on,
        headline=headline,
        paragraphs=paragraphs,
    )
    return OutgoingMail(
        kind=MailKind.SUMMARY,
        sender=office.post.sender,
        to=office.policy.summary_to,
        cc=(),
        reply_to=None,
        subject=f"[{summary.project}] IAM Compliance summary",
        body=office.renderer.team(notice),
        sent_at=now,
    )
