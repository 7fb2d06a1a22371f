"""The private mail: one new credential, to its owner only (S1.12, S1.23, gate 2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from keyreeve.escalation.owner import may_receive_credentials
from keyreeve.model.case import Case, OperationRecord
from keyreeve.model.effect import CreateReplacementKey, ResetPassword
from keyreeve.model.notice import (
    Accepted,
    Attachment,
    CredentialKind,
    CredentialsNotice,
    MailKind,
    OutgoingMail,
)
from keyreeve.model.plan import Gate
from keyreeve.model.snapshot import User
from keyreeve.pipeline.post_office import PostOffice
from keyreeve.pipeline.workbench import Deferred, Workbench

HandOverAct = CreateReplacementKey | ResetPassword


def recipient(bench: Workbench, user: User, case: Case) -> str:
    """The one address that may receive the credential; Deferred if there is none."""
    owner = bench.outlook.owner(user)
    if owner.address is None:
        raise Deferred(Gate.RECIPIENT, owner.reason)
    refused = may_receive_credentials(
        owner.address, case, bench.outlook.shared, bench.outlook.policy
    )
    if refused is not None:
        raise Deferred(Gate.RECIPIENT, refused)
    return owner.address


def mail_day(bench: Workbench, case: Case) -> None:
    """Deferred unless mail may go out today (S1.25)."""
    if not bench.outlook.calendar.is_mail_day(bench.outlook.today(case)):
        raise Deferred(Gate.WINDOW, "today is no mail day")


def deliver(
    bench: Workbench,
    office: PostOffice,
    act: HandOverAct,
    operation: OperationRecord,
    to: str,
    remember: Callable[[Accepted], None],
) -> Accepted:
    """Read the escrow and send it. At least once: a lost answer means another mail, no new key."""
    if operation.escrow_key is None:
        raise Deferred(Gate.HUMAN, "the operation has no escrow object")
    csv = bench.tools.escrow.read(operation.escrow_key)
    is_key = isinstance(act, CreateReplacementKey)
    name = f"{operation.new_key}.csv" if is_key else "console-password.csv"
    notice = CredentialsNotice(
        letterhead=bench.post.letterhead,
        user_name=act.user_name,
        kind=CredentialKind.ACCESS_KEY if is_key else CredentialKind.PASSWORD,
        on=bench.outlook.calendar.today(bench.outlook.now),
        old_key=operation.old_key,
        new_key=operation.new_key,
        enforcement_on=_enforcement_on(bench, act),
        attachment_name=name,
    )
    what = "new access key" if is_key else "new console password"
    return office.send(
        OutgoingMail(
            kind=MailKind.CREDENTIALS,
            sender=bench.post.sender,
            to=(to,),
            cc=(),
            reply_to=None,
            subject=f"[{bench.post.letterhead.project_name}] Your {what}: {act.user_name}",
            body=bench.tools.renderer.credentials(notice),
            sent_at=bench.outlook.now,
            attachments=(Attachment(name=name, content=csv),),
        ),
        act.user_id,
        remember,
    )


def _enforcement_on(bench: Workbench, act: HandOverAct) -> date | None:
    """E as it will be once the replacement is delivered; None for passwords."""
    case = bench.case(act)
    record = case.findings.get((act.control, act.resource_id)) if case else None
    if case is None or record is None or not isinstance(act, CreateReplacementKey):
        return None
    return bench.outlook.decisions(case)[record.key].enforcement_on
