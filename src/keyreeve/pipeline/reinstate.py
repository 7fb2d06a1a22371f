"""An Inactive key made Active again for a stated time and reason, in write-ahead steps.

enforcing ─▶ UpdateAccessKey(Active) ─▶ done       the daily run makes it Inactive when time is up

A stop between the two is mended by asking again on the same day: the key is Active by then, and
the step that is missing is written.  Whether anybody asks or not, the time that was stated ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.fold import fold
from keyreeve.escalation.operations import no_case, operation_id
from keyreeve.model.case import OperationKind, State, Step, StepName
from keyreeve.model.errors import AwsFailure, ConfigError, Doubtful, Malformed, NotFound
from keyreeve.model.identifiers import AccessKeyId, OperationId
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.snapshot import LiveKey
from keyreeve.pipeline.daily import Account
from keyreeve.pipeline.memory import recall
from keyreeve.pipeline.people import Person
from keyreeve.pipeline.workbench import audit_data, failed_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asks for."""

    person: Person
    key_id: AccessKeyId
    span: timedelta
    reason: str
    by: str
    """The STS caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinstated:
    """What was, or would be, done."""

    key_id: AccessKeyId
    until: datetime
    recovered: bool = False
    """The act was done by an earlier call that was stopped; only its record was missing."""


def rehearse(account: Account, request: Request, now: datetime) -> Reinstated:
    """The live checks alone. ConfigError if there is nothing to make Active."""
    _, recovered = _checked(account, request, _operation(account, request, now))
    return Reinstated(key_id=request.key_id, until=now + request.span, recovered=recovered)


def reinstate(account: Account, request: Request, now: datetime) -> Reinstated:
    """Check live, remember, act, remember. ConfigError if there is nothing to make Active."""
    tools = account.tools
    state, _ = recall(account.project, account.account_id, tools, account.policy.days)
    operation = _operation(account, request, now)
    key, recovered = _checked(account, request, operation)
    attempt = _attempt(account, operation, recovered=recovered)
    state = _finished(account, request, _known(state, request, key), now)
    # What `recall` has found out is in the log before the state calls it known.
    tools.states.save(replace(state, audit_head=tools.audit.flush()))
    until = now + request.span
    data = {
        "key_id": request.key_id,
        "until": until.isoformat(),
        "reason": request.reason,
        "by": request.by,
    }
    clerk = _Clerk(account, request, operation, attempt, _after_all(state, request, now))
    if not recovered:
        state = clerk.write(state, StepName.ENFORCING, data)
        tools.lease.check()
        try:
            tools.actuator.set_access_key_active(
                request.person.user_name, request.key_id, active=True
            )
        except (Doubtful, Malformed):
            raise  # it may be Active: the time that was stated ends all the same
        except AwsFailure as failure:
            given_up = {**data, "reason": failed_before(failure)}
            state = clerk.write(state, StepName.ABANDONED, given_up)
            tools.states.save(replace(state, audit_head=tools.audit.flush()))
            raise
    state = clerk.write(state, StepName.DONE, data)
    tools.states.save(replace(state, audit_head=tools.audit.flush()))
    return Reinstated(key_id=request.key_id, until=until, recovered=recovered)


def _finished(account: Account, request: Request, state: State, now: datetime) -> State:
    """With the act that made the key Inactive recorded, if a stopped run did not come to that.

    Otherwise the next run would take the key for one that its act had not reached yet.
    """
    case = state.users.get(request.person.user_id)
    for operation in case.operations.values() if case else ():
        if operation.steps[-1] is not StepName.ENFORCING:
            continue
        *_, begun = account.tools.journal.of(operation.operation_id)
        if begun.data.get("key_id") == request.key_id:
            done = replace(begun, name=StepName.DONE, run_id=account.run_id, at=max(begun.at, now))
            state = _write(account, state, done)
    return state


def _write(account: Account, state: State, step: Step) -> State:
    """Durable, in the audit log, and folded into the state."""
    account.tools.journal.write(step)
    account.tools.audit.append(f"step.{step.kind}.{step.name}", step.at, audit_data(step))
    return fold(state, step, account.policy.days)


class _Clerk:
    """Writes the steps of one request."""

    def __init__(
        self,
        account: Account,
        request: Request,
        operation: OperationId,
        attempt: int,
        now: datetime,
    ) -> None:
        self._account = account
        self._request = request
        self._operation = operation
        self._attempt = attempt
        self._now = now

    def write(self, state: State, name: StepName, data: dict[str, str]) -> State:
        """Durable, in the audit log, and folded into the state."""
        account, today = self._account, Calendar(self._account.policy).today(self._now)
        step = Step(
            operation_id=self._operation,
            attempt=self._attempt,
            name=name,
            kind=OperationKind.REINSTATEMENT,
            run_id=account.run_id,
            case_id=no_case(today),
            user_id=self._request.person.user_id,
            user_name=self._request.person.user_name,
            at=self._now,
            on=today,
            data=data,
        )
        return _write(account, state, step)


def _operation(account: Account, request: Request, now: datetime) -> OperationId:
    """One operation a key and day; several requests on one day are its attempts."""
    return operation_id(
        account.account_id,
        no_case(Calendar(account.policy).today(now)),
        OperationKind.REINSTATEMENT,
        request.key_id,
    )


def _attempt(account: Account, operation: OperationId, *, recovered: bool) -> int:
    latest = max((step.attempt for step in account.tools.journal.of(operation)), default=0)
    return latest if recovered else latest + 1


def _checked(account: Account, request: Request, operation: OperationId) -> tuple[LiveKey, bool]:
    """The key as it stands now, and whether an earlier call was stopped after its act."""
    name = request.person.user_name
    try:
        keys = account.tools.reader.access_keys(name)
    except NotFound:
        raise ConfigError(f"there is no user {name!r} any more", where="USER") from None
    key = next((key for key in keys if key.key_id == request.key_id), None)
    if key is None:
        held = ", ".join(each.key_id for each in keys) or "none"
        raise ConfigError(
            f"{name} has no access key {request.key_id}",
            where="KEY_ID",
            remedy=f"The user's keys: {held}.",
        )
    if not key.active:
        return key, False
    if _stopped(account, operation):
        return key, True
    raise ConfigError(
        f"{request.key_id} of {name} is Active already", where="KEY_ID", remedy="Nothing to do."
    )


def _stopped(account: Account, operation: OperationId) -> bool:
    steps = account.tools.journal.of(operation)
    return bool(steps) and steps[-1].name is StepName.ENFORCING


def _after_all(state: State, request: Request, now: datetime) -> datetime:
    """The steps' instant: later than whatever was done to the key, or they would look folded."""
    acted_at = state.keys[request.key_id].acted_at
    return now if acted_at is None else max(now, acted_at + timedelta(seconds=1))


def _known(state: State, request: Request, key: LiveKey) -> State:
    """The state with a record of the key: what is reinstated must be taken back one day."""
    if key.key_id in state.keys:
        return state
    record = KeyRecord(
        key_id=key.key_id,
        user_id=request.person.user_id,
        created_at=key.created_at,
        active=key.active,
    )
    return replace(state, keys={**state.keys, key.key_id: record})
