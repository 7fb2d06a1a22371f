"""Mails that people ask for: the private mail once more, and the weekly summary now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from keyreeve.controls.catalogue import CARDS
from keyreeve.escalation.operations import operation_id
from keyreeve.escalation.outlook import Outlook
from keyreeve.model.case import Case, OperationKind, OperationRecord, StepName
from keyreeve.model.effect import CreateReplacementKey, ResetPassword
from keyreeve.model.errors import ConfigError, StorageConflict
from keyreeve.model.evidence import KEPT
from keyreeve.model.identifiers import AccessKeyId, ControlId
from keyreeve.model.notice import Accepted, Summary
from keyreeve.model.plan import Outcome
from keyreeve.pipeline.daily import Account, months_of, week_of, with_open_findings
from keyreeve.pipeline.delivery import HandOverAct, deliver, recipient
from keyreeve.pipeline.execution import Execution, summary_effect
from keyreeve.pipeline.people import Person, Standing, standing
from keyreeve.pipeline.post_office import PostOffice
from keyreeve.pipeline.removals import with_removals
from keyreeve.pipeline.usage import change_over_rows
from keyreeve.pipeline.workbench import Deferred, Workbench
from keyreeve.ports import Progress
from keyreeve.reporting.summary import summarise


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """The private mail that was, or would be, sent again."""

    operation: OperationRecord
    to: str
    message_id: str | None = None
    """None: rehearsed."""


def resend(
    account: Account, person: Person, now: datetime, progress: Progress, *, send: bool
) -> Resent:
    """Send the newest escrowed credential of the user again, to the owner only (gate 2).

    ConfigError if there is none, or if nobody may receive it. With `send` the lock must be held.
    """
    facts = standing(account, now, progress)
    bench = _bench(account, facts)
    case = facts.case(person)
    operation = _newest(case)
    to = _recipient(bench, facts.judged.outlook, case)
    _still_usable(account, person, operation)
    _still_kept(account, operation)
    if not send:
        return Resent(operation=operation, to=to)
    act = _act(bench, case, operation)
    again = operation_id(
        account.account_id,
        case.case_id,
        OperationKind.RESEND,
        operation.operation_id,
        account.run_id,
    )

    def announce(secret: str) -> None:
        if StepName.KEEPING not in operation.steps:
            # Beside the operation's own steps: the end of the escrow is judged by those alone.
            own = operation.operation_id
            kept = {"secret": secret, "region": account.tools.vault.region}
            data = {"of": own, **kept, "by": _caller(facts)}
            bench.write(act, OperationKind.RESEND, own, operation.attempt, StepName.KEEPING, data)

    def remember(accepted: Accepted) -> None:
        sent = {"to": to, "message_id": accepted.message_id, "by": _caller(facts)}
        if operation.returned is not None:
            # Its own steps outlive the case, and the end of the escrow is judged by them.
            own = operation.operation_id
            bench.write(act, operation.kind, own, operation.attempt, StepName.DELIVERED, sent)
        data = {"of": operation.operation_id, **sent, KEPT: accepted.kept}
        bench.write(act, OperationKind.RESEND, again, 1, StepName.ACCEPTED, data)

    office = PostOffice(account.tools, account.run_id)
    user = facts.judged.outlook.users[case.user_id]
    accepted = deliver(bench, office, act, operation, user, to, announce, remember)
    _save(bench)
    return Resent(operation=operation, to=to, message_id=accepted.message_id)


def summary_now(account: Account, now: datetime, progress: Progress) -> tuple[Standing, Summary]:
    """The weekly summary as it would read now."""
    facts = standing(account, now, progress)
    judged = facts.judged
    summary = summarise(
        with_open_findings(judged),
        judged.planned.state,
        judged.people,
        CARDS,
        account.post.letterhead,
        len(facts.snapshot.users),
        judged.sweep,
        week_of(account, now),
        months_of(account, now),
        change_over_rows(judged.outlook, judged.planned.state),
    )
    return facts, with_removals(account.reviews, summary, facts.snapshot)


def send_summary(
    account: Account, now: datetime, progress: Progress
) -> tuple[Outcome, Summary, tuple[Outcome, ...]]:
    """Send the summary now, whatever day it is; the lock must be held. MailFailure if refused.

    Its outcome, the summary, and an outcome for each channel that was not told of it.
    """
    facts, summary = summary_now(account, now, progress)
    bench = _bench(account, facts)
    effect = summary_effect(facts.judged.plan, account.policy.summary_to)
    execution = Execution(bench, progress)
    outcome = execution.send_summary(effect, summary)
    _save(bench)
    return outcome, summary, tuple(execution.channel_failures)


def _bench(account: Account, facts: Standing) -> Workbench:
    """Over the state as the last run left it: only a run brings cases up to date."""
    return Workbench(account.tools, account.post, facts.judged.outlook, facts.state, account.run_id)


def _save(bench: Workbench) -> None:
    state = replace(bench.state, audit_head=bench.tools.audit.flush())
    bench.tools.lease.check()
    bench.tools.states.save(state)


def _caller(facts: Standing) -> str | None:
    caller = facts.snapshot.caller
    return caller.arn if caller else None


def _newest(case: Case) -> OperationRecord:
    """The newest rotation or reset whose secret lies in escrow."""
    escrowed = [
        operation
        for operation in case.operations.values()
        if operation.escrow_key is not None and operation.begun_at is not None
    ]
    if not escrowed:
        raise ConfigError(
            f"no credentials were made for {case.user_name} in this case",
            where="USER",
            remedy=f"`keyreeve case show {case.user_name}` tells what was done and what is due.",
        )
    return max(escrowed, key=lambda operation: (operation.begun_at, operation.operation_id))


def _recipient(bench: Workbench, outlook: Outlook, case: Case) -> str:
    try:
        return recipient(bench, outlook.users[case.user_id], case, vouched=True)
    except Deferred as held:
        raise ConfigError(
            f"credentials may not be sent: {held.reason}",
            where="recipient",
            remedy="Credentials go only to the owner's own address that got the earlier notices.",
        ) from None
    except KeyError:
        raise ConfigError(f"{case.user_name} is gone from the account", where="USER") from None


def _still_usable(account: Account, person: Person, operation: OperationRecord) -> None:
    """A key that is gone or Inactive helps nobody, nor does a password that was changed since."""
    if operation.new_key is None:
        _still_the_password(account, person)
        return
    keys = account.tools.reader.access_keys(person.user_name)
    if not any(key.key_id == operation.new_key and key.active for key in keys):
        raise ConfigError(
            f"the escrowed key {operation.new_key} is Inactive or gone",
            where="USER",
            remedy="Nothing was sent: it would not work.",
        )


def _still_the_password(account: Account, person: Person) -> None:
    """Whoever signs in with a reset password must change it: then the escrowed one is no more."""
    if account.tools.reader.must_change_password(person.user_name):
        return
    raise ConfigError(
        f"the escrowed password of {person.user_name} was changed or removed since",
        where="USER",
        remedy="Nothing was sent: it would not work.",
    )


def _still_kept(account: Account, operation: OperationRecord) -> None:
    """What was purged at the end of its retention cannot be sent again."""
    try:
        account.tools.escrow.read(operation.escrow_key or "")
    except StorageConflict:
        days = account.policy.backup_retention_days
        raise ConfigError(
            f"the credentials are gone: they are kept for {days} days after their delivery",
            where="USER",
            remedy=(
                "The owner makes a new access key; an administrator sets a new password "
                "(aws iam update-login-profile)."
            ),
        ) from None


def _act(bench: Workbench, case: Case, operation: OperationRecord) -> HandOverAct:
    """The act whose mail is sent again."""
    today = bench.outlook.today(case)
    if operation.kind is OperationKind.PASSWORD_RESET:
        return ResetPassword(
            user_id=case.user_id,
            user_name=case.user_name,
            due_on=today,
            reason="resend",
            operation_id=operation.operation_id,
            control=operation.control or ControlId.PASSWORD_AGE,
            resource_id=operation.resource_id or "password",
        )
    return CreateReplacementKey(
        user_id=case.user_id,
        user_name=case.user_name,
        due_on=today,
        reason="resend",
        operation_id=operation.operation_id,
        control=operation.control or ControlId.ACCESS_KEY_ROTATION,
        old_key=operation.old_key or AccessKeyId(operation.resource_id or ""),
    )
