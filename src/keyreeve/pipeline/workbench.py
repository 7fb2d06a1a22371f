"""What every operation works with: the ports, today's outlook, and the state as it grows.

Each step is durable before it is believed: `write` puts the write-once object, folds it into the
state and adds it to the audit log, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from keyreeve.escalation.fold import fold
from keyreeve.escalation.operations import no_case
from keyreeve.escalation.outlook import Outlook
from keyreeve.escalation.owner import not_arriving
from keyreeve.escalation.past_mails import take_back_late
from keyreeve.escalation.returned import take_back
from keyreeve.escalation.spared import status_of, waiver_for
from keyreeve.model.case import Case, OperationKind, PastMail, State, Step, StepName
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.effect import (
    Act,
    DeactivateAccessKey,
    DeleteLoginProfile,
    Effect,
    Quarantine,
    finding_key,
)
from keyreeve.model.errors import AwsFailure, NotFound, StorageConflict
from keyreeve.model.evidence import KEPT
from keyreeve.model.feedback import MailFeedback
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import (
    AccessKeyId,
    CaseId,
    ControlId,
    OperationId,
    RunId,
    UserId,
)
from keyreeve.model.notice import Letterhead
from keyreeve.model.plan import Gate, Outcome, OutcomeKind
from keyreeve.model.snapshot import Absent, LiveKey, LiveUser, User
from keyreeve.ports import (
    AccountReader,
    Archive,
    AuditLog,
    Clock,
    CredentialActuator,
    DecisionsOfPeople,
    Escrow,
    FeedbackBox,
    Journal,
    Lease,
    Mailer,
    Randomness,
    Renderer,
    SecretVault,
    StateStore,
)
from keyreeve.ports.channels import Subscription

RETURNED = "mail.returned"
"""The audit log's event for a mail that came back."""
_ENFORCES = (DeactivateAccessKey, DeleteLoginProfile, Quarantine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The outside world of one account, as ports."""

    reader: AccountReader
    actuator: CredentialActuator
    mailer: Mailer
    renderer: Renderer
    states: StateStore
    journal: Journal
    escrow: Escrow
    vault: SecretVault
    audit: AuditLog
    people: DecisionsOfPeople
    feedback: FeedbackBox
    archive: Archive
    lease: Lease
    clock: Clock
    randomness: Randomness
    channels: tuple[Subscription, ...] = ()
    """Where the team hears besides by mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Whose mail it is."""

    sender: str
    letterhead: Letterhead
    sign_in_url: str
    """Where a new console password is used."""


class Deferred(Exception):
    """The act does not happen today: a gate that only live facts could show, or none left."""

    def __init__(self, gate: Gate, reason: str) -> None:
        super().__init__(reason)
        self.gate = gate
        self.reason = reason


class Refused(Exception):
    """There is nothing to do any more: the finding was mended, or its subject is gone."""


class Stuck(Exception):
    """A person must look; nothing more is tried for this operation."""


class Workbench:
    """Ports, outlook and the growing state of one run."""

    def __init__(
        self, tools: Tools, post: Post, outlook: Outlook, state: State, run_id: RunId
    ) -> None:
        self.tools = tools
        self.post = post
        self.outlook = outlook
        self.state = state
        self.run_id = run_id
        self.ledger_day = outlook.calendar.ledger_day(outlook.now)
        self.stamp = _stamp(outlook)
        self._surprised: set[UserId] = set()
        """Whose mail came back under this run: the plan was made without knowing it."""

    # --- steps --------------------------------------------------------------------------------

    def write(
        self,
        effect: Effect,
        kind: OperationKind,
        operation: OperationId,
        attempt: int,
        name: StepName,
        data: Mapping[str, object],
    ) -> None:
        """Make the step durable, believe it, and put it into the audit log.

        A run that has lost its lock may still finish the step under way: what it wrote stands.
        Deferred if that was the beginning of the act, which is then the next run's to go on with.
        """
        case = self.case(effect)
        on = self.outlook.today(case) if case else self.outlook.calendar.today(self.outlook.now)
        step = Step(
            operation_id=operation,
            attempt=attempt,
            name=name,
            kind=kind,
            run_id=self.run_id,
            case_id=case.case_id if case else no_case(on),
            user_id=effect.user_id,
            user_name=effect.user_name,
            at=self.stamp,
            on=on,
            data={key: value for key, value in data.items() if value is not None},
        )
        stands = self._write_once(step)
        self.state = fold(self.state, stands, self.outlook.policy.days)
        self.tools.audit.append(f"step.{kind}.{name}", stands.at, audit_data(stands))
        if stands != step and name in (StepName.INTENT, StepName.ENFORCING):
            raise Deferred(Gate.LOOKED_AGAIN, f"run {stands.run_id} has begun it already")

    def _write_once(self, step: Step) -> Step:
        """The step as it stands afterwards. StorageConflict if something else lies there."""
        try:
            self.tools.journal.write(step)
        except StorageConflict:
            for known in self.tools.journal.of(step.operation_id):
                if (known.attempt, known.name) == (step.attempt, step.name):
                    return known
            raise
        return step

    # --- facts --------------------------------------------------------------------------------

    def case(self, effect: Effect) -> Case | None:
        """The effect's case as it stands now."""
        return self.state.users.get(effect.user_id)

    def case_id(self, effect: Effect) -> CaseId:
        """The effect's case id, or the id of having none."""
        case = self.case(effect)
        return case.case_id if case else no_case(self.outlook.calendar.today(self.outlook.now))

    def still_allowed(self, act: Act) -> User:
        """Look again (gates 1, 4): identity, exclusion, people's decisions, mails come back.

        The user, with tags and last sign-in live: one look shows both, so none can be missed.
        Refused if gone, re-created, excluded or waived; Deferred if held, paused or extended
        meanwhile, or if a mail to the owner has come back.
        """
        self.tools.lease.check()
        people = self._not_paused()
        live = self.live_user(act)
        user = replace(
            self.outlook.users[act.user_id],
            name=live.name,
            tags=live.tags,
            password_last_used=live.password_last_used or Absent.NEVER,
        )
        if self.outlook.policy.exclusion_for(user) is not None:
            raise Refused("the user is excluded now")
        self._not_waived(act, user, people)
        self._not_held(act, people)
        self._not_extended(act, people)
        self._still_told(act, user)
        return user

    def may_hand_over(self, act: Act) -> User:
        """What must still be true to deliver what exists already: no pause, no hold, same user.

        A waiver or an exclusion does not stop it: the owner may already depend on it.
        """
        self.tools.lease.check()
        people = self._not_paused()
        live = self.live_user(act)
        self._not_held(act, people)
        user = replace(
            self.outlook.users[act.user_id], name=live.name, arn=live.arn, tags=live.tags
        )
        self._still_told(act, user)
        return user

    def may_write(self, message: Effect) -> None:
        """Asked before each notice: Deferred if people have paused or held meanwhile."""
        self._not_held(message, self._not_paused())

    def live_user(self, act: Act) -> LiveUser:
        """GetUser; Refused unless it is the same user as planned."""
        try:
            live = self.tools.reader.user(act.user_name)
        except NotFound:
            raise Refused("the user is gone") from None
        if live.user_id != act.user_id:
            raise Refused("the user was deleted and created anew: another unique id")
        return live

    def _not_paused(self) -> HumanDecisions:
        people = self.tools.people.read()
        if people.pause is not None:
            raise Deferred(Gate.HUMAN, f"paused: {people.pause.reason}")
        if people.observes(self.outlook.policy):
            raise Deferred(Gate.HUMAN, "disarmed: observing until `keyreeve arm`")
        return people

    def _not_waived(self, act: Act, user: User, people: HumanDecisions) -> None:
        findings = self.outlook.findings.get(act.user_id, {})
        key = finding_key(act)
        finding = findings.get(key) if key else None
        if finding is None:
            return
        today = self.outlook.calendar.today(self.outlook.now)
        status = status_of(finding, user, people, self.outlook.policy, today)
        if status is FindingStatus.WAIVED:
            waiver = waiver_for(finding, people, today)
            raise Refused(f"waived: {waiver.reason if waiver else ''}")

    def _not_held(self, effect: Effect, people: HumanDecisions) -> None:
        case = self.case(effect)
        if case is None:
            return
        today = self.outlook.today(case)
        for hold in people.holds:
            if hold.user in (case.user_name, case.user_id) and hold.until > today:
                raise Deferred(Gate.HUMAN, f"held until {hold.until.isoformat()}: {hold.reason}")

    def _still_told(self, act: Act, user: User) -> None:
        """Gate 1, live: the mail system may have sent something back since the plan was made."""
        self.hear()
        case = self.case(act)
        if case is None or act.control is None:
            return
        if act.user_id in self._surprised:
            raise Deferred(Gate.TOLD, "a mail to the owner has just come back")
        address = self.outlook.owner(user).address
        planned = self.outlook.owner(self.outlook.users[act.user_id]).address
        if isinstance(act, _ENFORCES) and (address or "").lower() != (planned or "").lower():
            raise Deferred(Gate.TOLD, "the owner's address has changed since this run began")
        lost = not_arriving(case, address, self.outlook.today(case)) if address else None
        if lost is not None:
            raise Deferred(Gate.TOLD, lost)

    def hear(self) -> None:
        """Fold in the mails that have come back until now, and put them into the audit log."""
        for key, feedback in self.tools.feedback.unread().items():
            self.state, whose = came_back(self.state, feedback)
            if whose is None:
                continue
            if isinstance(whose, Case):
                self._surprised.add(whose.user_id)
            data = returned_data(key, feedback, whose)
            self.tools.audit.append(RETURNED, self.stamp, data)

    def _not_extended(self, act: Act, people: HumanDecisions) -> None:
        """An extension moves E: what was planned for today is then due on another day."""
        if not isinstance(act, _ENFORCES) or act.control is None:
            return
        known = self.outlook.people.extensions
        names = (act.user_name, act.user_id)
        if any(new.user in names for new in people.extensions if new not in known):
            raise Deferred(Gate.HUMAN, "extended since this run began")

    def live_keys(self, act: Act) -> tuple[LiveKey, ...]:
        """ListAccessKeys; Refused if the user is gone."""
        try:
            return self.tools.reader.access_keys(act.user_name)
        except NotFound:
            raise Refused("the user is gone") from None

    def created_at(self, act: Act, key: AccessKeyId) -> datetime | None:
        """The CreateDate that the plan was made with."""
        record = self.state.keys.get(key)
        if record is not None:
            return record.created_at
        user = self.outlook.users.get(act.user_id)
        keys = user.keys if user else ()
        return next((k.created_at for k in keys if k.key_id == key), None)

    def signed_in_since_report(self, user: User) -> bool:
        """Whether the sign-in of `still_allowed` is later than the report that was judged by."""
        used, seen = user.password_last_used, user.observed_at
        return isinstance(used, datetime) and seen is not None and used > seen

    # --- outcomes -----------------------------------------------------------------------------

    def outcome(
        self,
        effect: Effect,
        kind: OutcomeKind,
        reason: str,
        *,
        gate: Gate | None = None,
        message_id: str | None = None,
    ) -> Outcome:
        """The outcome of an effect, also put into the audit log unless a step has told it."""
        outcome = Outcome(
            kind=kind,
            effect_kind=effect.kind,
            user_id=effect.user_id,
            user_name=effect.user_name,
            resource_id=effect.resource_id,
            reason=reason,
            gate=gate,
            message_id=message_id,
        )
        self.tools.audit.append(
            f"outcome.{kind}",
            self.stamp,
            {
                "effect": effect.kind,
                "user_id": effect.user_id,
                "user_name": effect.user_name,
                "resource_id": effect.resource_id,
                "reason": reason,
                "gate": gate.value if gate else None,
            },
        )
        return outcome


def audit_data(step: Step) -> dict[str, object]:
    """What the audit log says about a step; the digests of what was kept stand beside its data."""
    data = dict(step.data)
    kept = {KEPT: data.pop(KEPT)} if KEPT in data else {}
    return {
        "operation_id": step.operation_id,
        "attempt": step.attempt,
        "step": step.name.value,
        "case_id": step.case_id,
        "user_id": step.user_id,
        "user_name": step.user_name,
        "run_id": step.run_id,
        "data": data,
        **kept,
    }


def came_back(state: State, feedback: MailFeedback) -> tuple[State, Case | PastMail | None]:
    """The state without the mail, and whose it was: of an open case, else of one closed since."""
    state, user_id = take_back(state, feedback)
    return (state, state.users[user_id]) if user_id else take_back_late(state, feedback)


def returned_data(key: str, feedback: MailFeedback, case: Case | PastMail) -> dict[str, object]:
    """What the audit log says about a mail that came back."""
    return {
        "feedback": key,
        "kind": feedback.kind.value,
        "message_id": feedback.message_id,
        "recipients": list(feedback.recipients),
        "lasting": feedback.lasting,
        "reason": feedback.reason,
        "at": feedback.at.isoformat(),
        "case_id": case.case_id,
        "user_id": case.user_id,
        "user_name": case.user_name,
    }


def _stamp(outlook: Outlook) -> datetime:
    """The instant that steps carry: never before the report that the run judged by.

    The report is made after `now` was taken.  An act stamped with `now` alone would look older
    than the report, and tomorrow's cached copy of it like somebody else's change.
    """
    made = outlook.snapshot.report_generated_at
    return max(outlook.now, made) if made is not None else outlook.now


def failed_before(failure: AwsFailure) -> str:
    """One line about a failed call, for outcomes and steps."""
    return f"{failure.call}: {failure.what}"


def control_value(control: ControlId | None) -> str | None:
    """The control's id for a step's data."""
    return control.value if control else None
