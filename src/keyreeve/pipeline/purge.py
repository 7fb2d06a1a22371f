"""Escrow at the end of its retention: what is known of it, and its deletion in two steps.

    look again   pause, hold; the user; the key that must not be Active
    intent       {escrow, of, secret}        and into the audit log, durably
    discard      the owner's copy in Secrets Manager
    purge        the escrow object, all versions, the newest last
    done

After a stop the object is still listed, and the next run begins anew.  Only after the very last
deletion it is not: then the intent is the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from keyreeve.escalation.fold import replay
from keyreeve.escalation.purge import Escrowed
from keyreeve.model.case import OperationKind, Step, StepName
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.effect import PurgeEscrow
from keyreeve.model.errors import (
    KeyreeveError,
    NotFound,
    StateUnreadable,
    StorageConflict,
    StorageUnreachable,
)
from keyreeve.model.identifiers import AccessKeyId, UserName
from keyreeve.model.plan import Gate, Outcome, OutcomeKind
from keyreeve.model.policy import EscalationPolicy
from keyreeve.pipeline.credentials_file import key_of
from keyreeve.pipeline.workbench import Deferred, Refused, Stuck, Tools, Workbench
from keyreeve.ports import Deposit, VaultItem

# --- what is known ----------------------------------------------------------------------------


def old_escrow(tools: Tools, policy: EscalationPolicy, now: datetime) -> tuple[Escrowed, ...]:
    """Escrow objects whose case began so long ago that their retention may be over."""
    begun_by = now - timedelta(days=policy.backup_retention_days)
    return tuple(
        _told(tools, deposit)
        for deposit in tools.escrow.deposits()
        if _case_began(deposit) <= begun_by.date()
    )


def _case_began(deposit: Deposit) -> date:
    """Operations are called after the date of their case; what is not is too young to judge."""
    try:
        return date.fromisoformat(deposit.operation_id[:8])
    except ValueError:
        return date.max


def _told(tools: Tools, deposit: Deposit) -> Escrowed:
    """What the steps say; where the key's id is not in them, it is read from the object."""
    told = Escrowed(
        key=deposit.key,
        kind=deposit.kind,
        user_id=deposit.user_id,
        user_name=UserName(""),
        operation_id=deposit.operation_id,
        attempt=deposit.attempt,
        operation=None,
    )
    try:
        steps = tools.journal.of(deposit.operation_id)
        own = [step for step in steps if step.attempt == deposit.attempt]
        if not own:
            return replace(told, unreadable="none of its steps is there")
        return replace(
            told,
            user_name=steps[-1].user_name,
            operation=replay(steps),
            made_at=own[0].at,
            new_key=_new_key(tools, deposit, own),
            kept=any(step.name is StepName.KEEPING for step in steps),
            unreadable=_out_of_sight(tools, steps),
        )
    except (StateUnreadable, StorageConflict, Stuck) as unreadable:
        return replace(told, unreadable=str(unreadable))


def _out_of_sight(tools: Tools, steps: Iterable[Step]) -> str | None:
    """Why the owner's copy would outlive its escrow; None: it is where this run looks, or nowhere.

    Secrets Manager calls a secret of another region gone: AWS makes no error of its deletion.
    """
    regions = {str(s.data["region"]) for s in steps if "region" in s.data}
    if regions and (elsewhere := sorted(regions - {tools.vault.region})):
        there = " and ".join(elsewhere)
        return f"its copy lies in Secrets Manager of {there}, and this run is in another region"
    return None


def _new_key(tools: Tools, deposit: Deposit, steps: Iterable[Step]) -> AccessKeyId | None:
    if deposit.kind is CredentialKind.PASSWORD:
        return None
    told = next((s.data.get("new_key") for s in steps if s.name is StepName.CREATED), None)
    if told:
        return AccessKeyId(str(told))
    try:
        return key_of(tools.escrow.read(deposit.key))
    except ValueError:
        raise StateUnreadable("its escrow object cannot be read", where=deposit.key) from None
    except StorageUnreachable as denied:
        # Who only rehearses may not read escrow, and that is no reason to show no plan at all.
        raise StateUnreadable("its escrow object may not be read", where=deposit.key) from denied


# --- the deletion -----------------------------------------------------------------------------


def purge(bench: Workbench, act: PurgeEscrow) -> Outcome:
    """Look again, write, delete, write."""
    tools = bench.tools
    _look_again(bench, act)
    item = VaultItem.of(act.user_id, act.escrow_key)
    secret = tools.vault.name(item) if act.in_vault else None
    _write(bench, act, StepName.INTENT, secret)
    # What is deleted can tell nothing any more: the record comes first.
    bench.state = replace(bench.state, audit_head=tools.audit.flush())
    tools.lease.check()
    if secret is not None:
        tools.vault.discard(item)
    try:
        tools.escrow.purge(act.escrow_key)
    except StorageUnreachable as failure:
        # A role that may not delete versions is no reason to end the run of everybody else.
        raise KeyreeveError(failure.what, where=failure.where, remedy=failure.remedy) from None
    _write(bench, act, StepName.DONE, secret)
    return bench.outcome(act, OutcomeKind.DONE, f"{act.escrow_key} deleted: its retention is over")


def _look_again(bench: Workbench, act: PurgeEscrow) -> None:
    """Deferred by people; Refused where the operation is not over after all."""
    people = bench.tools.people.read()
    today = bench.outlook.calendar.today(bench.outlook.now)
    if people.pause is not None:
        raise Deferred(Gate.HUMAN, f"paused: {people.pause.reason}")
    if people.observes(bench.outlook.policy):
        raise Deferred(Gate.HUMAN, "disarmed: observing until `keyreeve arm`")
    for hold in people.holds:
        if hold.user in (act.user_id, act.user_name) and hold.until > today:
            raise Deferred(Gate.HUMAN, f"held until {hold.until.isoformat()}: {hold.reason}")
    if _user_is_gone(bench, act):
        return
    if act.key_id is not None and any(
        key.key_id == act.key_id and key.active for key in bench.live_keys(act)
    ):
        raise Refused(f"the access key {act.key_id} is Active")


def _user_is_gone(bench: Workbench, act: PurgeEscrow) -> bool:
    """As the plan was made for it; Refused if that has changed."""
    try:
        live = bench.tools.reader.user(act.user_name)
    except NotFound:
        there = False
    else:
        there = live.user_id == act.user_id
    if there is act.user_gone:
        raise Refused("the user was renamed, deleted or read anew since the report")
    return act.user_gone


def _write(bench: Workbench, act: PurgeEscrow, name: StepName, secret: str | None) -> None:
    data = {"escrow": act.escrow_key, "of": act.of, "secret": secret}
    bench.write(act, OperationKind.PURGE, act.operation_id, 1, name, data)
