"""The hand-over: one new credential, to its owner only (S1.12, S1.23, gate 2).

csv              the private mail, with the CSV attached
secrets_manager  the secret is kept where its owner alone may read it, then the private mail
                 says where; nothing is attached
both             kept, and attached
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from keyreeve.escalation.owner import may_receive_credentials
from keyreeve.model.case import Case, OperationRecord
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.effect import CreateReplacementKey, ResetPassword
from keyreeve.model.notice import (
    Accepted,
    Attachment,
    CredentialsNotice,
    MailKind,
    OutgoingMail,
    SecretPlace,
)
from keyreeve.model.plan import Gate
from keyreeve.model.snapshot import User
from keyreeve.pipeline.credentials_file import proved
from keyreeve.pipeline.post_office import PostOffice
from keyreeve.pipeline.workbench import Deferred, Workbench
from keyreeve.ports import VaultItem

HandOverAct = CreateReplacementKey | ResetPassword


def recipient(bench: Workbench, user: User, case: Case, *, vouched: bool = False) -> str:
    """The one address that may receive the credential; Deferred if there is none.

    `vouched`: a person sends it, having been shown to whom.
    """
    owner = bench.outlook.owner(user)
    if owner.address is None:
        raise Deferred(Gate.RECIPIENT, owner.reason)
    refused = may_receive_credentials(
        owner.address,
        case,
        bench.outlook.shared,
        bench.outlook.policy,
        None if vouched else bench.outlook.today(case),
    )
    if refused is not None:
        raise Deferred(Gate.RECIPIENT, refused)
    return owner.address


def mail_day(bench: Workbench, case: Case) -> None:
    """Deferred unless mail may go out today (S1.25)."""
    if not bench.outlook.calendar.is_mail_day(bench.outlook.today(case)):
        raise Deferred(Gate.WINDOW, "today is no mail day")


def handed_over(bench: Workbench, user: User) -> str:
    """How, in an outcome's words; the address follows."""
    way = bench.outlook.policy.delivery_for(user)
    return "mailed to" if way.by_mail else "kept in Secrets Manager for"


def deliver(
    bench: Workbench,
    office: PostOffice,
    act: HandOverAct,
    operation: OperationRecord,
    user: User,
    to: str,
    announce: Callable[[str], None],
    remember: Callable[[Accepted], None],
) -> Accepted:
    """Read the escrow and hand it over. At least once: a lost answer is another mail, no new key.

    `announce` is told the secret's name before it is kept, `remember` that the mail was accepted.
    """
    if operation.escrow_key is None:
        raise Deferred(Gate.HUMAN, "the operation has no escrow object")
    csv = proved(
        bench.tools.escrow.read(operation.escrow_key),
        operation.new_key,
        operation.escrow_key,
    )
    way = bench.outlook.policy.delivery_for(user)
    place = None
    if way.by_vault:
        office.open_for_business()
        item = VaultItem.of(act.user_id, operation.escrow_key)
        place = _keep(bench, item, user, csv, announce)
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
        attached=way.by_mail,
        place=place,
        kept_until=_kept_until(bench, operation) if place else None,
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
            attachments=(Attachment(name=name, content=csv),) if way.by_mail else (),
        ),
        act.user_id,
        remember,
    )


def _keep(
    bench: Workbench, item: VaultItem, user: User, csv: bytes, announce: Callable[[str], None]
) -> SecretPlace:
    """The same secret however often this is repeated; readable by nobody but the user."""
    vault = bench.tools.vault
    announce(vault.name(item))
    bench.tools.lease.check()
    return vault.keep(item, user.arn, csv.decode())


def _kept_until(bench: Workbench, operation: OperationRecord) -> date:
    """The earliest end of the retention: it counts from the first delivery."""
    outlook = bench.outlook
    since = operation.delivered_at or outlook.now
    return outlook.calendar.today(since + timedelta(days=outlook.policy.backup_retention_days))


def _enforcement_on(bench: Workbench, act: HandOverAct) -> date | None:
    """E as it will be once the replacement is delivered; None for passwords."""
    case = bench.case(act)
    record = case.findings.get((act.control, act.resource_id)) if case else None
    if case is None or record is None or not isinstance(act, CreateReplacementKey):
        return None
    return bench.outlook.decisions(case)[record.key].enforcement_on
