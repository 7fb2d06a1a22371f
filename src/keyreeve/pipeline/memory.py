"""The state as it truly stands: what was saved, the steps that are newer, the mails come back."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from keyreeve.escalation.fold import fold
from keyreeve.model.case import OperationKind, State, Step
from keyreeve.model.identifiers import AccountId
from keyreeve.model.policy import LadderDays
from keyreeve.pipeline.workbench import RETURNED, Tools, audit_data, came_back, returned_data
from keyreeve.ports import AuditLog, FeedbackBox, Journal

_CHANGE_NO_STATE = (OperationKind.RESEND, OperationKind.ONBOARDING)
"""What is told by its steps and the audit log alone."""


class Records(Protocol):
    """What was written since the state was saved."""

    @property
    def journal(self) -> Journal:
        """Steps."""

    @property
    def audit(self) -> AuditLog:
        """What of them was told already."""

    @property
    def feedback(self) -> FeedbackBox:
        """What became of mails."""


def recall(
    project: str, account_id: AccountId, tools: Tools, days: LadderDays
) -> tuple[State, list[str]]:
    """The state with newer steps folded in, and the names of those that a stop left unrecorded.

    Their audit records are appended here, marked as recovered; they are written with the run's
    own, and only by a run that writes.
    """
    state = tools.states.load() or State(project=project, account_id=account_id)
    return refreshed(state, tools, days)


def refreshed(state: State, records: Records, days: LadderDays) -> tuple[State, list[str]]:
    """The same for a state that was loaded just now."""
    unsaved: list[Step] = []
    for step in records.journal.since_saved():
        after = fold(state, step, days)
        if after != state or step.kind in _CHANGE_NO_STATE:
            unsaved.append(step)
        state = after
    names = _recovered(unsaved, records) if unsaved else []
    return _mails_come_back(state, records), names


def _recovered(unsaved: list[Step], records: Records) -> list[str]:
    told = {
        (data.get("operation_id"), data.get("attempt"), data.get("step"))
        for data in records.audit.recent()
    }
    recovered = [
        step for step in unsaved if (step.operation_id, step.attempt, step.name.value) not in told
    ]
    for step in recovered:
        event = f"step.{step.kind}.{step.name}"
        records.audit.append(event, step.at, {**audit_data(step), "recovered": True})
    return [f"{step.operation_id}/{step.attempt}-{step.name}" for step in recovered]


def _mails_come_back(state: State, records: Records) -> State:
    """After the steps: they tell whose the mails were."""
    folded: dict[str, tuple[datetime, dict[str, object]]] = {}
    for key, feedback in records.feedback.unread().items():
        state, whose = came_back(state, feedback)
        if whose is not None:
            data = returned_data(key, feedback, whose)
            folded[key] = (feedback.at, data)
    told = {data.get("feedback") for data in records.audit.recent()} if folded else set()
    for key, (at, data) in folded.items():
        if key not in told:
            records.audit.append(RETURNED, at, data)
    return state
