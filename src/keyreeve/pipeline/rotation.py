"""One access key replaced, in write-ahead steps (promises: the order of effects).

    intent     {operation, old key, keys seen before}
    create     CreateAccessKey, one attempt                   the secret is only in memory
    escrow     PutObject credentials/…, if absent             the secret is durable from here
    created    {new key, escrow}
    keeping    {secret}, where it goes to Secrets Manager     readable by its owner alone
    deliver    read escrow, send the private mail             at least once
    delivered  {message id, when}

After a stop, a run finds the last step and goes on from there; nothing is repeated that could
have happened, and what cannot be told apart is left to a person.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NoReturn

from keyreeve.model.case import Case, OperationKind, OperationRecord, StepName
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.effect import CreateReplacementKey
from keyreeve.model.errors import (
    AwsFailure,
    Doubtful,
    KeyreeveError,
    LimitExceeded,
    Malformed,
)
from keyreeve.model.evidence import KEPT
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.notice import Accepted
from keyreeve.model.plan import Gate, Outcome, OutcomeKind
from keyreeve.model.policy import Orphans
from keyreeve.model.snapshot import LiveKey
from keyreeve.pipeline.credentials_file import key_csv, key_of
from keyreeve.pipeline.delivery import deliver, handed_over, mail_day, recipient
from keyreeve.pipeline.post_office import PostOffice
from keyreeve.pipeline.workbench import Deferred, Refused, Stuck, Workbench, failed_before
from keyreeve.ports import NewAccessKey

SLOTS = 2
TRIES = 5
"""Attempts of one operation, over all runs, before a person is asked."""
READS = 3
READ_PAUSE = 7.5
"""Seconds between the reads that look for a lost key: three reads over 15 s."""
OURS_WITHIN = timedelta(hours=1)
"""A key created further than this from the intent is somebody else's: never touched."""


class Rotation:
    """Carries one rotation as far as it will go today."""

    def __init__(self, bench: Workbench, office: PostOffice, act: CreateReplacementKey) -> None:
        self._bench = bench
        self._office = office
        self._act = act
        self._created_again = False

    def carry_out(self) -> Outcome:
        """Begin, or go on from the last step that is known."""
        operation = self._operation()
        last = operation.steps[-1] if operation else None
        if operation is None or last is StepName.ABANDONED:
            self._begin(operation)
        elif last in (StepName.INTENT, StepName.ORPHANED):
            self._bench.may_hand_over(self._act)
            self._recover(operation)
        return self._deliver()

    # --- create ---------------------------------------------------------------------------------

    def _begin(self, before: OperationRecord | None) -> None:
        """Look again, write the intent, create, escrow."""
        act, bench = self._act, self._bench
        if act.reconcile_only:
            raise Refused("the finding is gone")
        user = bench.still_allowed(act)
        case = self._case()
        self._office.open_for_business()
        mail_day(bench, case)
        recipient(bench, user, case)
        live = self._old_key_is_due()
        self._create(before.attempt + 1 if before else 1, live)

    def _old_key_is_due(self) -> tuple[LiveKey, ...]:
        """Exactly this key id, same CreateDate, still Active."""
        live = self._bench.live_keys(self._act)
        old = next((key for key in live if key.key_id == self._act.old_key), None)
        if old is None:
            raise Refused("the key is gone")
        if old.created_at != self._bench.created_at(self._act, old.key_id):
            raise Refused("the key's CreateDate is not the one that was planned with")
        if not old.active:
            raise Refused("the key is Inactive already")
        return live

    def _slot_to_free(self, live: tuple[LiveKey, ...]) -> AccessKeyId | None:
        """The key that may be deleted to make room, if there is none (S1.T3, opted in).

        Exactly this key id, same CreateDate, still Inactive (gate 4).
        """
        if len(live) < SLOTS:
            return None
        blocked = next((k for k in live if k.key_id == self._act.free_slot_of), None)
        planned = blocked and self._bench.created_at(self._act, blocked.key_id)
        if blocked is None or blocked.active or blocked.created_at != planned:
            raise Deferred(Gate.LOOKED_AGAIN, "both key slots are taken now")
        return blocked.key_id

    def _create(self, attempt: int, live: tuple[LiveKey, ...]) -> None:
        act, bench = self._act, self._bench
        if attempt > TRIES:
            self._stuck(attempt, f"{TRIES} attempts to create a key have failed")
        freed = self._slot_to_free(live)
        self._write(
            attempt,
            StepName.INTENT,
            {
                "control": act.control.value,
                "resource_id": act.resource_id,
                "old_key": act.old_key,
                "keys_before": [key.key_id for key in live],
                "ledger_day": bench.ledger_day.isoformat(),
                "wall": bench.tools.clock.now().isoformat(),
                "freed": freed,
            },
        )
        bench.tools.lease.check()
        if freed is not None:
            bench.tools.actuator.delete_access_key(act.user_name, freed)
            bench.tools.lease.check()
        try:
            new = bench.tools.actuator.create_access_key(act.user_name)
        except (Doubtful, Malformed) as failure:
            # The key may exist, and its secret is lost: read, never repeat.
            self._recover(self._known(), failure)
            return
        except AwsFailure as failure:
            self._abandon(attempt, failed_before(failure))
            if isinstance(failure, LimitExceeded):
                raise Deferred(Gate.LOOKED_AGAIN, "both key slots are taken now") from None
            raise
        self._escrow(attempt, new)

    def _escrow(self, attempt: int, new: NewAccessKey) -> None:
        act, bench = self._act, self._bench
        try:
            escrow = bench.tools.escrow.deposit(
                CredentialKind.ACCESS_KEY,
                act.user_id,
                act.operation_id,
                attempt,
                key_csv(act.user_name, new.key_id, new.secret),
            )
        except KeyreeveError:
            # Without escrow nobody would ever hold the secret: shut the key before anything else.
            self._shut_orphan(attempt, new.key_id)
            raise
        self._write(
            attempt,
            StepName.CREATED,
            {
                "new_key": new.key_id,
                "old_key": act.old_key,
                "created_at": new.created_at.isoformat(),
                "escrow": escrow,
            },
        )

    # --- recovery at intent ---------------------------------------------------------------------

    def _recover(self, operation: OperationRecord, failure: AwsFailure | None = None) -> None:
        """The intent is known, and nothing after it (promises: recovery at `intent`).

        After a `failure` of this run creating is tried once more: were it tried on and on, an
        outage of minutes would use up every try, and a person would be asked for nothing.
        """
        act, bench = self._act, self._bench
        escrow = bench.tools.escrow.find(
            CredentialKind.ACCESS_KEY, act.user_id, act.operation_id, operation.attempt
        )
        if escrow is not None and self._adopt(operation, escrow):
            return
        bench.live_user(act)
        unknown, live = self._unknown_keys(operation)
        if len(unknown) > 1:
            self._stuck(operation.attempt, "several unknown access keys have appeared")
        if unknown:
            self._orphan(operation, unknown[0], live)
        if failure is not None:
            if self._created_again:
                raise failure
            self._created_again = True
        self._create_again(operation)

    def _adopt(self, operation: OperationRecord, escrow: str) -> bool:
        """The secret is safe; only the record of it was lost. False if the key is not alive."""
        try:
            new = key_of(self._bench.tools.escrow.read(escrow))
        except ValueError:
            raise Stuck("the escrow object cannot be read") from None
        live = next((k for k in self._bench.live_keys(self._act) if k.key_id == new), None)
        if live is None or not live.active or new in operation.orphans:
            return False
        self._write(
            operation.attempt,
            StepName.CREATED,
            {
                "new_key": new,
                "old_key": self._act.old_key,
                "created_at": live.created_at.isoformat(),
                "escrow": escrow,
            },
        )
        return True

    def _unknown_keys(
        self, operation: OperationRecord
    ) -> tuple[list[LiveKey], tuple[LiveKey, ...]]:
        """Keys that were not there before; IAM is eventually consistent, so look three times."""
        known = {*operation.keys_before, *operation.orphans}
        live: tuple[LiveKey, ...] = ()
        for read in range(READS):
            live = self._bench.live_keys(self._act)
            unknown = [key for key in live if key.key_id not in known]
            if unknown:
                return unknown, live
            if read + 1 < READS:
                self._bench.tools.clock.sleep(READ_PAUSE)
        return [], live

    def _orphan(self, operation: OperationRecord, key: LiveKey, live: tuple[LiveKey, ...]) -> None:
        """One unknown, never-used key made just after our intent: ours, and its secret is lost."""
        begun = (operation.begun_at, operation.begun_by_wall)
        if not any(b and abs(key.created_at - b) <= OURS_WITHIN for b in begun):
            self._stuck(operation.attempt, f"the unknown access key {key.key_id} was created later")
        if self._bench.tools.reader.access_key_last_used(key.key_id) is not None:
            self._stuck(operation.attempt, f"the unknown access key {key.key_id} has been used")
        self._shut_orphan(operation.attempt, key.key_id, blocks=len(live) >= SLOTS)

    def _shut_orphan(self, attempt: int, key: AccessKeyId, *, blocks: bool = True) -> None:
        """Inactive at once; deleted in the same run if it blocks the slot and was never used."""
        act, tools = self._act, self._bench.tools
        tools.lease.check()
        tools.actuator.set_access_key_active(act.user_name, key, active=False)
        delete = blocks and self._bench.outlook.policy.orphans is Orphans.DELETE
        if delete and tools.reader.access_key_last_used(key) is None:
            tools.lease.check()
            tools.actuator.delete_access_key(act.user_name, key)
        else:
            delete = False
        self._write(attempt, StepName.ORPHANED, {"key_id": key, "deleted": delete})

    def _create_again(self, operation: OperationRecord) -> None:
        """The same operation, next attempt, if the finding and a slot are still there."""
        if self._act.reconcile_only:
            self._abandon(operation.attempt, "the finding is gone")
            raise Refused("the finding is gone")
        user = self._bench.still_allowed(self._act)
        self._office.open_for_business()
        mail_day(self._bench, self._case())
        recipient(self._bench, user, self._case())
        self._create(operation.attempt + 1, self._old_key_is_due())

    # --- deliver --------------------------------------------------------------------------------

    def _deliver(self) -> Outcome:
        act, bench = self._act, self._bench
        operation = self._known()
        if StepName.DELIVERED in operation.steps:
            return bench.outcome(act, OutcomeKind.ALREADY_DONE, "delivered before")
        if operation.attempt > TRIES and operation.returned is not None:
            self._stuck(operation.attempt, came_back(operation.returned))
        user = bench.may_hand_over(act)
        case = self._case()
        mail_day(bench, case)
        to = recipient(bench, user, case)
        if not any(k.key_id == operation.new_key and k.active for k in bench.live_keys(act)):
            self._abandon(operation.attempt, f"{operation.new_key} is gone or Inactive")
            raise Deferred(Gate.LOOKED_AGAIN, "the new key was gone before it was handed over")

        def announce(secret: str) -> None:
            if StepName.KEEPING not in operation.steps:
                kept: dict[str, object] = {"secret": secret, "region": bench.tools.vault.region}
                self._write(operation.attempt, StepName.KEEPING, kept)

        def remember(accepted: Accepted) -> None:
            facts = {"message_id": accepted.message_id, "to": to, "new_key": operation.new_key}
            self._write(operation.attempt, StepName.DELIVERED, {**facts, KEPT: accepted.kept})

        accepted = deliver(bench, self._office, act, operation, user, to, announce, remember)
        reason = f"{operation.new_key} created and {handed_over(bench, user)} {to}"
        return bench.outcome(act, OutcomeKind.DONE, reason, message_id=accepted.message_id)

    # --- small things ---------------------------------------------------------------------------

    def _case(self) -> Case:
        case = self._bench.case(self._act)
        if case is None:
            raise Refused("the case is closed")
        return case

    def _operation(self) -> OperationRecord | None:
        return self._case().operations.get(self._act.operation_id)

    def _known(self) -> OperationRecord:
        operation = self._operation()
        if operation is None:
            raise Refused("the operation is unknown")
        return operation

    def _stuck(self, attempt: int, reason: str) -> NoReturn:
        self._write(attempt, StepName.STUCK, {"reason": reason})
        raise Stuck(reason)

    def _abandon(self, attempt: int, reason: str) -> None:
        self._write(attempt, StepName.ABANDONED, {"reason": reason})

    def _write(self, attempt: int, name: StepName, data: dict[str, object]) -> None:
        act = self._act
        self._bench.write(act, OperationKind.ROTATION, act.operation_id, attempt, name, data)


def came_back(reason: str) -> str:
    """Why a person must look: the mail does not pass."""
    return f"the private mail has come back too often, and the last time it {reason}"
