"""One orphaned key deleted: ours, Inactive for a day, never used, its secret written nowhere."""

from __future__ import annotations

from keyreeve.model.case import OperationKind, StepName
from keyreeve.model.effect import DeleteOrphanedKey
from keyreeve.model.plan import Outcome, OutcomeKind
from keyreeve.pipeline.workbench import Stuck, Workbench


def delete_orphan(bench: Workbench, act: DeleteOrphanedKey) -> Outcome:
    """Look again, delete, remember. Stuck if anybody has touched the key."""
    bench.may_hand_over(act)
    key = next((k for k in bench.live_keys(act) if k.key_id == act.key_id), None)
    if key is None:
        _remember(bench, act)
        return bench.outcome(act, OutcomeKind.ALREADY_DONE, "the key is gone")
    if key.active:
        raise Stuck(f"somebody made the orphaned key {act.key_id} Active")
    if bench.tools.reader.access_key_last_used(act.key_id) is not None:
        raise Stuck(f"the orphaned key {act.key_id} has been used")
    bench.tools.lease.check()
    bench.tools.actuator.delete_access_key(act.user_name, act.key_id)
    _remember(bench, act)
    return bench.outcome(act, OutcomeKind.DONE, f"{act.key_id} deleted: nobody holds its secret")


def _remember(bench: Workbench, act: DeleteOrphanedKey) -> None:
    data = {"key_id": act.key_id, "deleted": True}
    bench.write(act, OperationKind.ENFORCEMENT, act.operation_id, 1, StepName.ORPHANED, data)
