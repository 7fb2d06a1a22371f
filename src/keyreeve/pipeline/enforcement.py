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

from keyreeve.model.case import OperationKind, OperationRecord, StepName
from keyreeve.model.effect import (
    DeactivateAccessKey,
    DeactivationCause,
    DeleteLoginProfile,
    Quarantine,
    finding_key,
)
from keyreeve.model.errors import AwsFailure, Doubtful, Malformed, NotFound
from keyreeve.model.identifiers import ControlId
from keyreeve.model.plan import Gate, Outcome, OutcomeKind
from keyreeve.model.snapshot import LiveUser, User
from keyreeve.pipeline.workbench import (
    Deferred,
    Refused,
    Workbench,
    control_value,
    failed_before,
)

Enforced = DeactivateAccessKey | DeleteLoginProfile | Quarantine


class Enforcement:
    """Carries one act of stage 5 out."""

    def __init__(self, bench: Workbench, act: Enforced) -> None:
        self._bench = bench
        self._act = act

    def carry_out(self) -> Outcome:
        """Look again, write, act, write."""
        begun = self._operation()
        enforcing = begun is not None and begun.steps[-1:] == (StepName.ENFORCING,)
        attempt = begun.attempt if begun else 1
        if self._is_done():
            return self._was_done(attempt, enforcing=enforcing)
        if self._act.reconcile_only:
            # The call never took effect, and the gates do not hold today: begin anew another day.
            if enforcing:
                self._write(attempt, StepName.ABANDONED, {"reason": "did not take effect"})
            raise Deferred(Gate.TOLD, "begun before a stop and not done; it waits for its date")
        user = self._bench.still_allowed(self._act)
        self._still_due(user, self._bench.live_user(self._act))
        if not enforcing:
            attempt = begun.attempt + 1 if begun else 1
            self._write(attempt, StepName.ENFORCING, self._facts())
        self._bench.tools.lease.check()
        try:
            self._do()
        except (Doubtful, Malformed):
            # Read, never repeat: a second run of the same day reads again.
            if not self._is_done():
                raise
        except AwsFailure as failure:
            self._write(attempt, StepName.ABANDONED, {"reason": failed_before(failure)})
            raise
        self._write(attempt, StepName.DONE, self._facts())
        return self._bench.outcome(self._act, OutcomeKind.DONE, _done_words(self._act))

    def _was_done(self, attempt: int, *, enforcing: bool) -> Outcome:
        """It is so already: by us, if we had begun; else by its owner."""
        if enforcing:
            self._write(attempt, StepName.DONE, self._facts())
            return self._bench.outcome(
                self._act, OutcomeKind.DONE, f"{_done_words(self._act)} (found after a stop)"
            )
        return self._bench.outcome(
            self._act, OutcomeKind.ALREADY_DONE, "it was so before Keyreeve acted"
        )

    # --- look again ---------------------------------------------------------------------------

    def _is_done(self) -> bool:
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
                return False  # adding twice changes nothing
            case _:
                assert_never(act)

    def _still_due(self, user: User, live: LiveUser) -> None:
        """The finding itself, live: a user who mended it since the report is left alone (P10)."""
        match self._act.control:
            case ControlId.CONSOLE_MFA:
                if self._bench.tools.reader.has_mfa_device(live.name):
                    raise Refused("an MFA device is active now")
            case ControlId.USER_INACTIVE:
                limit = self._bench.outlook.policy.thresholds_for(user).user_inactive
                if _recent(live.password_last_used, self._bench.outlook.now, limit):
                    raise Refused("the user has signed in since the report")
            case ControlId.PASSWORD_AGE:
                used, seen = live.password_last_used, user.observed_at
                if used and seen and used > seen:
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
        if limit is not None and _recent(used, self._bench.outlook.now, limit):
            raise Refused("the key has been used since the report")

    # --- act ------------------------------------------------------------------------------------

    def _do(self) -> None:
        act, actuator = self._act, self._bench.tools.actuator
        match act:
            case DeactivateAccessKey():
                actuator.set_access_key_active(act.user_name, act.key_id, active=False)
            case DeleteLoginProfile():
                try:
                    actuator.delete_login_profile(act.user_name)
                except NotFound:
                    return
            case Quarantine():
                actuator.add_to_group(act.user_name, act.group)
            case _:
                assert_never(act)

    # --- steps ----------------------------------------------------------------------------------

    def _operation(self) -> OperationRecord | None:
        case = self._bench.case(self._act)
        return case.operations.get(self._act.operation_id) if case else None

    def _facts(self) -> dict[str, object]:
        act = self._act
        case = self._bench.case(act)
        finding = finding_key(act)
        record = case.findings.get(finding) if case and finding else None
        promised = record.promised_on.isoformat() if record and record.promised_on else None
        key = act if isinstance(act, DeactivateAccessKey) else None
        return {
            "control": control_value(act.control),
            "resource_id": finding[1] if finding else act.resource_id,
            "act": act.kind,
            "key_id": key.key_id if key else None,
            "cause": key.cause.value if key else None,
            "group": act.group if isinstance(act, Quarantine) else None,
            "promised_on": promised,
            "ledger_day": self._bench.ledger_day.isoformat(),
        }

    def _write(self, attempt: int, name: StepName, data: dict[str, object]) -> None:
        act = self._act
        self._bench.write(act, OperationKind.ENFORCEMENT, act.operation_id, attempt, name, data)


def _recent(moment: datetime | None, now: datetime, limit: timedelta) -> bool:
    return moment is not None and now - moment < limit


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
