"""The state as it truly stands: what was saved, and the steps that are newer."""

from __future__ import annotations

from keyreeve.escalation.fold import fold
from keyreeve.model.case import OperationKind, State, Step
from keyreeve.model.identifiers import AccountId
from keyreeve.model.policy import LadderDays
from keyreeve.pipeline.workbench import Tools, audit_data


def recall(
    project: str, account_id: AccountId, tools: Tools, days: LadderDays
) -> tuple[State, list[str]]:
    """The state with newer steps folded in, and the names of those that a stop left unrecorded.

    Their audit records are appended here, marked as recovered; they are written with the run's
    own, and only by a run that writes.
    """
    state = tools.states.load() or State(project=project, account_id=account_id)
    unsaved: list[Step] = []
    for step in tools.journal.since_saved():
        after = fold(state, step, days)
        if after != state or step.kind is OperationKind.RESEND:  # which changes no state
            unsaved.append(step)
        state = after
    if not unsaved:
        return state, []
    told = {
        (data.get("operation_id"), data.get("attempt"), data.get("step"))
        for data in tools.audit.recent()
    }
    recovered = [
        step for step in unsaved if (step.operation_id, step.attempt, step.name.value) not in told
    ]
    for step in recovered:
        event = f"step.{step.kind}.{step.name}"
        tools.audit.append(event, step.at, {**audit_data(step), "recovered": True})
    return state, [f"{step.operation_id}/{step.attempt}-{step.name}" for step in recovered]
