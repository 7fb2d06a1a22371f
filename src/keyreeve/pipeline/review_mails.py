"""The mails of an access review: the form, reminders, and the team in copy once it is late.

A reviewer is mailed once a call, and each mail is remembered as soon as it was accepted, so asking
again after a stop mails whoever is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from keyreeve.governance.reviewing import occasion_of
from keyreeve.model.errors import AwsFailure, MailFailure
from keyreeve.model.evidence import KEPT
from keyreeve.model.identifiers import UserId
from keyreeve.model.notice import Accepted, Attachment, MailKind, OutgoingMail
from keyreeve.model.review import Occasion, ReviewFile, ReviewNotice, Task, Told
from keyreeve.pipeline.post_office import PostOffice
from keyreeve.pipeline.review import Reviewing, form_files, still_open
from keyreeve.pipeline.roster import Registrar
from keyreeve.pipeline.workbench import Deferred


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailed:
    """What became of one mail to a reviewer."""

    task: Task
    occasion: Occasion
    message_id: str | None = None
    failure: str | None = None
    """None with no message id: rehearsed."""


def remind(
    reviewing: Reviewing, file: ReviewFile, now: datetime, by: str, *, send: bool
) -> tuple[Mailed, ...]:
    """Mail everybody who has not answered. With `send` the lock must be held.

    One mail that fails keeps no other from going out. ConfigError if the review is closed.
    """
    still_open(file)
    today = reviewing.today(now)
    asked = [(task, occasion_of(file, task, today)) for task in file.campaign.tasks]
    pending = [(task, occasion) for task, occasion in asked if occasion is not None]
    if not send:
        return tuple(Mailed(task=task, occasion=occasion) for task, occasion in pending)
    account = reviewing.roster.account
    office = PostOffice(account.tools, account.run_id)
    done = []
    with Registrar(account, now, by, about="review") as registrar:
        registrar.keep()
        for task, occasion in pending:
            mail = _mail(reviewing, file, task, occasion, now)

            def remember(
                accepted: Accepted,
                mail: OutgoingMail = mail,
                task: Task = task,
                occasion: Occasion = occasion,
            ) -> None:
                told = _told(file, task, occasion, mail, accepted, now, by)
                reviewing.records.told(told)
                registrar.note("mailed", {**mailed_record(told), KEPT: accepted.kept})

            done.append(_sent(office, mail, task, occasion, remember))
            if done[-1].failure is not None:
                registrar.note("not_mailed", _failure_record(file, done[-1]))
    return tuple(done)


def _sent(
    office: PostOffice,
    mail: OutgoingMail,
    task: Task,
    occasion: Occasion,
    remember: Callable[[Accepted], None],
) -> Mailed:
    try:
        accepted = office.send(mail, UserId(task.reviewer.name), remember)
    except (MailFailure, AwsFailure) as failure:
        return Mailed(task=task, occasion=occasion, failure=failure.what)
    except Deferred as closed:
        return Mailed(task=task, occasion=occasion, failure=closed.reason)
    return Mailed(task=task, occasion=occasion, message_id=accepted.message_id)


def _mail(
    reviewing: Reviewing, file: ReviewFile, task: Task, occasion: Occasion, now: datetime
) -> OutgoingMail:
    account, campaign = reviewing.roster.account, file.campaign
    files = form_files(reviewing, campaign, task)
    form, sheet = files
    team = account.policy.mail_cc
    to = task.reviewer.email
    earlier = tuple(t.message_id for t in file.told if t.reviewer == task.reviewer.name)
    notice = ReviewNotice(
        letterhead=account.post.letterhead,
        campaign=campaign.name,
        occasion=occasion,
        on=reviewing.today(now),
        due=campaign.due,
        users=len(task.rows),
        form=form,
        sheet=sheet,
    )
    late = occasion is Occasion.ESCALATION
    return OutgoingMail(
        kind=MailKind.REVIEW,
        sender=account.post.sender,
        to=(to,),
        cc=tuple(each for each in team if late and each.casefold() != to.casefold()),
        reply_to=team[0] if team else None,
        subject=f"[{account.project}] Access review {campaign.name}: due {campaign.due}",
        body=reviewing.forms.mail(notice),
        sent_at=now,
        references=earlier,
        in_reply_to=earlier[-1] if earlier else None,
        attachments=(
            Attachment(name=form, content=files[form], media_type="text/html"),
            Attachment(name=sheet, content=files[sheet]),
        ),
    )


def _told(
    file: ReviewFile,
    task: Task,
    occasion: Occasion,
    mail: OutgoingMail,
    accepted: Accepted,
    now: datetime,
    by: str,
) -> Told:
    return Told(
        campaign_id=file.campaign.campaign_id,
        reviewer=task.reviewer.name,
        occasion=occasion,
        at=now,
        by=by,
        to=mail.to[0],
        cc=mail.cc,
        message_id=accepted.message_id,
    )


def mailed_record(told: Told) -> dict[str, object]:
    """What the audit log says of it."""
    return {
        "campaign_id": told.campaign_id,
        "reviewer": told.reviewer,
        "occasion": told.occasion.value,
        "to": told.to,
        "cc": list(told.cc),
        "message_id": told.message_id,
    }


def _failure_record(file: ReviewFile, mailed: Mailed) -> dict[str, object]:
    return {
        "campaign_id": file.campaign.campaign_id,
        "reviewer": mailed.task.reviewer.name,
        "reason": mailed.failure,
    }
