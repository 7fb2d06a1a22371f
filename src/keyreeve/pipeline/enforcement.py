"""One disruptive act, in write-ahead steps.

    look again   gates and facts, live
    enforcing    {what, promised date}
    enforce      one call, one attempt
    done         {when}

After a stop at `enforcing`: the thing is done → it was us; else it is begun anew when the gates
hold again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from keyreeve.escalation.operations import hand_over_operation
from keyreeve.escalation.words import REPLACEMENT_GONE
from keyreeve.model.case import OperationKind, StepName
from keyreeve.model.effect import (
    DeactivateAccessKey,
    DeactivationCause,
    DeleteLoginProfile,
    Quarantine,
    finding_key,
)
from keyreeve.model.errors import AwsFailure, Doubtful, Malformed, NotFound
from keyreeve.model.identifiers import ControlId, UserName
from keyreeve.model.plan import Gate, Outcome, OutcomeKind
from keyreeve.model.snapshot import LiveKey, Moment, User
from keyreeve.pipeline.workbench import (
    Deferred,
    Refused,
    Workbench,
    control_value,
    failed_before,
)

SLOTS = 2

Enforced = DeactivateAccessKey | DeleteLoginProfile | Quarantine


class Postponed(Deferred):
    """The call of an earlier run never took effect, and the gates do not hold today."""

    def __init__(self, reason: str) -> None:
        super().__init__(Gate.TOLD, reason)


class Enforcement:
    """Carries one act of stage 5 out."""

    def __init__(self, bench: Workbench, act: Enforced) -> None:
        self._bench = bench
        self._act = act

    def carry_out(self) -> Outcome:
        """Look again, write, act, write."""
        last, attempt = self._begun()
        enforcing = last is StepName.ENFORCING
        try:
            if self._is_done(enforcing=enforcing):
                return self._was_done(attempt, enforcing=enforcing)
            self._look_again()
        except (Refused, Postponed) as no:
            if enforcing:
                self._write(attempt, StepName.ABANDONED, {"reason": str(no)})
            raise
        if not enforcing:
            attempt = attempt + 1 if last is not None else 1
            self._write(attempt, StepName.ENFORCING, self._facts())
        self._bench.tools.lease.check()
        try:
            self._do()
        except (Doubtful, Malformed):
            # Read, never repeat: a second run of the same day reads again.
            if not self._is_done(enforcing=False):
                raise
        except AwsFailure as failure:
            self._write(attempt, StepName.ABANDONED, {"reason": failed_before(failure)})
            raise
        self._write(attempt, StepName.DONE, self._facts())
        return self._bench.outcome(self._act, OutcomeKind.DONE, _done_words(self._act))

    def _was_done(self, attempt: int, *, enforcing: bool) -> Outcome:
        """It is so already: by us, if we had begun; else by its owner."""
        if self._act.control is None and not enforcing:
            # A reinstatement that its owner ended: remembered, or it would be tried every day.
            self._write(attempt + 1, StepName.DONE, self._facts())
        if enforcing:
            self._write(attempt, StepName.DONE, self._facts())
            return self._bench.outcome(
                self._act, OutcomeKind.DONE, f"{_done_words(self._act)} (found after a stop)"
            )
        return self._bench.outcome(
            self._act, OutcomeKind.ALREADY_DONE, "it was so before Keyreeve acted"
        )

    def _look_again(self) -> None:
        """Every live gate; Refused if there is nothing to do any more."""
        if self._act.reconcile_only:
            raise Postponed("begun before a stop and not done; it waits for its date")
        self._still_due(self._bench.still_allowed(self._act))

    # --- look again ---------------------------------------------------------------------------

    def _is_done(self, *, enforcing: bool) -> bool:
        """Whether it is so already; Refused if its subject is gone."""
        act, reader = self._act, self._bench.tools.reader
        match act:
            case DeactivateAccessKey():
                live = self._bench.live_keys(act)
                key = next((k for k in live if k.key_id == act.key_id), None)
                if key is None:
                    raise Refused("the key is gone")
                if key.created_at != self._bench.created_at(act, act.key_id):
                    raise Refused("the key's CreateDate is not the one that was planned with")
                return not key.active
            case DeleteLoginProfile():
                return not reader.has_login_profile(act.user_name)
            case Quarantine():
                # Adding twice changes nothing; the groups were read when this run began.
                return enforcing and act.group in self._bench.outlook.users[act.user_id].groups
            case _:
                assert_never(act)

    def _still_due(self, user: User) -> None:
        """The finding itself, live: a user who mended it since the report is left alone (P10)."""
        if isinstance(self._act, Quarantine) and not self._bench.tools.reader.has_login_profile(
            user.name
        ):
            raise Refused("the user has no console password any more")
        match self._act.control:
            case ControlId.CONSOLE_MFA:
                if self._bench.tools.reader.has_mfa_device(user.name):
                    raise Refused("an MFA device is active now")
            case ControlId.USER_INACTIVE:
                limit = self._bench.outlook.policy.thresholds_for(user).user_inactive
                if _recent(user.password_last_used, self._bench.outlook.now, limit):
                    raise Refused("the user has signed in since the report")
            case ControlId.PASSWORD_AGE:
                if self._bench.signed_in_since_report(user):
                    raise Deferred(
                        Gate.LOOKED_AGAIN,
                        "the user signed in after the report was made; the next report tells more",
                    )
            case _:
                pass
        if isinstance(self._act, DeactivateAccessKey):
            self._key_still_due(self._act, user)

    def _key_still_due(self, act: DeactivateAccessKey, user: User) -> None:
        thresholds = self._bench.outlook.policy.thresholds_for(user)
        limit = {
            DeactivationCause.STALE: thresholds.access_key_stale,
            DeactivationCause.UNUSED: thresholds.user_inactive,
        }.get(act.cause)
        used = self._bench.tools.reader.access_key_last_used(act.key_id)
        now = self._bench.outlook.now
        if limit is not None and _recent(used, now, limit):
            raise Refused("the key has been used since the report")
        live = self._bench.live_keys(act)
        key = next((key for key in live if key.key_id == act.key_id), None)
        if key is None or not key.active:
            raise Refused("the key was made Inactive or deleted meanwhile")
        if limit is not None and _recent(key.created_at, now, limit):
            raise Refused("the key is too young to be called unused")
        others = [key for key in live if key.active and key.key_id != act.key_id]
        if act.cause is DeactivationCause.STALE and not others:
            raise Refused("it is the only live key now")
        if act.cause is DeactivationCause.ROTATION:
            self._replacement_stands(act, user, live, used)

    def _replacement_stands(
        self,
        act: DeactivateAccessKey,
        user: User,
        live: tuple[LiveKey, ...],
        used: datetime | None,
    ) -> None:
        """The replacement is alive, or the reason why there is none still holds (gate 3)."""
        case = self._bench.case(act)
        finding = finding_key(act)
        record = case.findings.get(finding) if case and finding else None
        if case is None or record is None:
            return
        operation = hand_over_operation(case, record)
        told = record.no_replacement.reason if record.no_replacement else ""
        if operation is not None and operation.delivered_on is not None:
            alive = any(key.key_id == operation.new_key and key.active for key in live)
            if not alive and told != REPLACEMENT_GONE:
                raise Deferred(Gate.OVERLAP, "the replacement is gone or Inactive")
            return
        limit = self._bench.outlook.policy.thresholds_for(user).user_inactive
        if told == "dormant" and _recent(used, self._bench.outlook.now, limit):
            raise Deferred(Gate.LOOKED_AGAIN, "the key has been used since the report")
        if told.startswith("slots_taken") and len(live) < SLOTS:
            raise Deferred(Gate.LOOKED_AGAIN, "a slot has become free for a replacement")

    # --- act ------------------------------------------------------------------------------------

    def _do(self) -> None:
        act, actuator = self._act, self._bench.tools.actuator
        match act:
            case DeactivateAccessKey():
                actuator.set_access_key_active(act.user_name, act.key_id, active=False)
            case DeleteLoginProfile():
                self._take_password(act.user_name)
            case Quarantine():
                actuator.add_to_group(act.user_name, act.group)
            case _:
                assert_never(act)

    def _take_password(self, name: UserName) -> None:
        """Gone already is as good; but only a second look says so, not one answer."""
        tools = self._bench.tools
        try:
            tools.actuator.delete_login_profile(name)
        except NotFound:
            if tools.reader.has_login_profile(name):
                raise

    # --- steps ----------------------------------------------------------------------------------

    def _begun(self) -> tuple[StepName | None, int]:
        """The last step that is known and its attempt; (None, 0) if nothing was begun."""
        if self._act.control is None:
            steps = self._bench.tools.journal.of(self._act.operation_id)
            return (steps[-1].name, steps[-1].attempt) if steps else (None, 0)
        case = self._bench.case(self._act)
        begun = case.operations.get(self._act.operation_id) if case else None
        return (begun.steps[-1], begun.attempt) if begun else (None, 0)

    def _facts(self) -> dict[str, object]:
        act = self._act
        case = self._bench.case(act)
        finding = finding_key(act)
        record = case.findings.get(finding) if case and finding else None
        promised = record.promised_on.isoformat() if record and record.promised_on else None
        opened = record.opened_on.isoformat() if record and record.opened_on else None
        key = act if isinstance(act, DeactivateAccessKey) else None
        return {
            "control": control_value(act.control),
            "resource_id": finding[1] if finding else act.resource_id,
            "act": act.kind,
            "key_id": key.key_id if key else None,
            "cause": key.cause.value if key else None,
            "group": act.group if isinstance(act, Quarantine) else None,
            "opened_on": opened,
            "promised_on": promised,
            "ledger_day": self._bench.ledger_day.isoformat(),
        }

    def _write(self, attempt: int, name: StepName, data: dict[str, object]) -> None:
        act = self._act
        self._bench.write(act, OperationKind.ENFORCEMENT, act.operation_id, attempt, name, data)


def _recent(moment: Moment | None, now: datetime, limit: timedelta) -> bool:
    return isinstance(moment, datetime) and now - moment < limit


def _done_words(act: Enforced) -> str:
    match act:
        case DeactivateAccessKey():
            return f"{act.key_id} made Inactive"
        case DeleteLoginProfile():
            return "console password removed"
        case Quarantine():
            return f"added to the group {act.group}"
        case _:
            assert_never(act)
