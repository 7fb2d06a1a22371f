"""Decisions turned into effects, user by user, within the numbers that a day allows.

Acts of all users are planned before any notice, so that the room for credentials mails is
reserved first (gate 6).  Users are served in the order of their earliest promise; cases open in
the order of their oldest credential.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from keyreeve.escalation.acts import (
    act_for,
    hand_over_for,
    unfinished_acts,
)
from keyreeve.escalation.limits import Budget, allowed_users, refusal
from keyreeve.escalation.orphans import orphans_over
from keyreeve.escalation.outlook import FindingKey, Outlook
from keyreeve.escalation.purge import Escrowed, retention_over
from keyreeve.escalation.reinstatements import reinstatements_over
from keyreeve.escalation.slots import slot_blocked
from keyreeve.escalation.standing import (
    days_to_90,
    headline,
    population_of,
    strongest,
    told_today,
)
from keyreeve.escalation.team import team_notices
from keyreeve.model.case import (
    Case,
    DayLedger,
    FindingRecord,
    HeldRecord,
    OperationKind,
    State,
    StepName,
)
from keyreeve.model.effect import (
    Act,
    CreateReplacementKey,
    Message,
    NoticeReason,
    ResetPassword,
    SendClosing,
    SendNotice,
)
from keyreeve.model.finding import Evaluation
from keyreeve.model.identifiers import RunId
from keyreeve.model.plan import (
    Decision,
    DecisionReason,
    Gate,
    Held,
    Plan,
    Refusal,
    UserPlan,
)
from keyreeve.model.snapshot import CollectionGap

_FAR = date.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The plan, and the state with today's stages and holds written in."""

    plan: Plan
    state: State


@dataclass(slots=True)
class _Draft:
    """One user's plan while it grows."""

    case: Case
    decisions: dict[FindingKey, Decision]
    acts: list[Act] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    not_today: set[FindingKey] = field(default_factory=set)
    message: Message | None = None

    @property
    def earliest(self) -> date:
        dates = [d.enforcement_on for d in self.decisions.values() if d.enforcement_on]
        return min(dates, default=_FAR)

    @property
    def promised(self) -> date:
        """The earliest date that was promised: acts run in this order, whatever E is now."""
        dates = [r.promised_on for r in self.case.findings.values() if r.promised_on]
        return min(dates, default=self.earliest)

    @property
    def oldest(self) -> float:
        """The instant since which the oldest credential is flagged; oldest opens first."""
        since = [r.since.timestamp() for r in self.case.findings.values() if r.since]
        return min(since, default=float("inf"))


def make_plan(
    *,
    run_id: RunId,
    state: State,
    outlook: Outlook,
    evaluation: Evaluation,
    mailbox: int | CollectionGap | None,
    accepted: int | None = None,
    escrowed: tuple[Escrowed, ...] = (),
) -> Planned:
    """What today's run would do. `accepted` is the number given with `--accept-blast-radius`."""
    return _Planner(run_id, state, outlook, evaluation, mailbox, accepted, escrowed).plan()


class _Planner:
    def __init__(
        self,
        run_id: RunId,
        state: State,
        outlook: Outlook,
        evaluation: Evaluation,
        mailbox: int | CollectionGap | None,
        accepted: int | None,
        escrowed: tuple[Escrowed, ...],
    ) -> None:
        self._run_id = run_id
        self._state = state
        self._outlook = outlook
        self._evaluation = evaluation
        self._escrowed = escrowed
        self._calendar = outlook.calendar
        self._policy = outlook.policy
        self._now = outlook.now
        self._today = self._calendar.today(self._now)
        self._population = sum(
            1
            for user in outlook.snapshot.users
            if user.has_live_credential and self._policy.exclusion_for(user) is None
        )
        self._people = population_of(outlook, state.population)
        self._refusal = self._refuse(accepted)
        self._allowed = allowed_users(self._population, self._policy.limits)
        ledger = state.ledger.get(self._calendar.ledger_day(self._now), DayLedger())
        self._budget = Budget.of(self._allowed, ledger, mailbox)
        self._admins = set(outlook.administrators)

    def plan(self) -> Planned:
        drafts = [self._draft(case) for case in self._movable_cases()]
        if not self._still:
            drafts.sort(key=lambda draft: (draft.promised, draft.case.user_name))
            for draft in drafts:
                self._count_begun(draft.case)
            for draft in drafts:
                self._acts(draft)
            reinstated = reinstatements_over(
                self._state.keys.values(),
                outlook=self._outlook,
                budget=self._budget,
                administrators=self._admins,
                refused=self._refusal is not None,
            )
            if self._refusal is None:
                reinstated += orphans_over(self._state.keys.values(), self._outlook)
            drafts.sort(key=lambda draft: (draft.case.opened_on is None, draft.oldest))
            for draft in drafts:
                self._message(draft)
            drafts.sort(key=lambda draft: (draft.promised, draft.case.user_name))
        else:
            reinstated = []
            for draft in drafts:
                self._list_held(draft)
        users = [*map(self._user_plan, drafts), *self._without_evidence(), *self._purges()]
        state = self._written(drafts)
        return Planned(plan=self._assembled([*reinstated, *users], state), state=state)

    def _purges(self) -> list[UserPlan]:
        """Last of all, and only on facts that nobody doubts."""
        if self._still or self._refusal is not None:
            return []
        return retention_over(self._escrowed, self._state, self._outlook, self._run_id)

    @property
    def _still(self) -> bool:
        """Whether nothing moves today: a pause, `first_run: observe`, or unreadable facts."""
        return (
            self._outlook.people.pause is not None
            or self._outlook.people.observes(self._policy)
            or not self._outlook.snapshot.account_readable
        )

    def _refuse(self, accepted: int | None) -> Refusal | None:
        found = refusal(self._state.population, self._people, self._population, self._policy.limits)
        if found is None or not self._outlook.snapshot.account_readable:
            return None
        return None if accepted == found.number else found

    # --- drafts -----------------------------------------------------------------------------------

    def _movable_cases(self) -> list[Case]:
        """Cases of users that were read today; a gap holds everything still."""
        if not self._outlook.snapshot.account_readable:
            return []
        return [
            case
            for case in self._state.users.values()
            if case.user_id in self._outlook.users and case.user_id not in self._outlook.gaps
        ]

    def _draft(self, case: Case) -> _Draft:
        decisions = self._outlook.decisions(case, refused=self._refusal is not None)
        return _Draft(case=case, decisions=decisions)

    def _count_begun(self, case: Case) -> None:
        """What a stop cut off may take effect today: it takes its place before anything new."""
        for operation in case.operations.values():
            if operation.unfinished and StepName.CREATED not in operation.steps:
                creates = operation.kind is OperationKind.ROTATION
                counted = self._budget.created if creates else self._budget.disrupted
                counted.add(case.user_id)

    def _acts(self, draft: _Draft) -> None:
        """Acts that are due and pass the gates that count; the others are held for another day."""
        user = self._outlook.users[draft.case.user_id]
        excluded = self._policy.exclusion_for(user)
        unreachable = self._outlook.unreachable(draft.case)
        if unreachable is not None:
            self._unreachable(draft, unreachable)
        for act in unfinished_acts(draft.case, self._outlook):
            self._resume(draft, act if excluded is None else replace(act, reconcile_only=True))
        for key, decision in _by_promise(draft):
            record = draft.case.findings[key]
            if decision.held is not None:
                self._hold(draft, record, *self._in_full(*decision.held))
            if decision.credentials_due:
                self._due(draft, record, hand_over_for(draft.case, record, self._outlook))
            if decision.act_due:
                gone = key not in self._outlook.findings.get(draft.case.user_id, {})
                only_look = gone or decision.reason is not DecisionReason.ENFORCEMENT_DUE
                for act in act_for(draft.case, record, self._outlook):
                    self._due(draft, record, replace(act, reconcile_only=only_look))
        if draft.not_today:
            draft.decisions = self._outlook.decisions(
                draft.case, draft.not_today, refused=self._refusal is not None
            )

    def _in_full(self, gate: Gate, reason: str) -> tuple[Gate, str]:
        """An owner is told that the facts look wrong; the team, which and by how much."""
        if self._refusal is None or gate is not Gate.BLAST_RADIUS:
            return gate, reason
        return gate, f"the run is refused: {self._refusal.reason}"

    def _resume(self, draft: _Draft, act: Act) -> None:
        """What a stop cut off goes on; a refused run only delivers what exists already."""
        operation = draft.case.operations[act.operation_id]
        exists = StepName.CREATED in operation.steps
        if self._refusal is not None and not exists:
            return
        if not exists and self._unread_quota_holds(draft, act):
            return
        if exists and self._outlook.not_arriving(draft.case):
            return  # it stays in escrow until it can be handed over
        if exists and not self._budget.take_mail(1):
            return
        draft.acts.append(act)

    def _unread_quota_holds(self, draft: _Draft, act: Act) -> bool:
        """What is only an intent yet would make a credential; what exists already is delivered."""
        reason = self._budget.no_credentials
        if reason is None or act.reconcile_only:
            return False
        if not isinstance(act, CreateReplacementKey | ResetPassword):
            return False
        record = draft.case.findings.get((act.control, act.resource_id))
        if record is not None:
            draft.not_today.add(record.key)
            self._hold(draft, record, Gate.MAILBOX, reason)
        return True

    def _due(self, draft: _Draft, record: FindingRecord, act: Act) -> None:
        if any(planned.operation_id == act.operation_id for planned in draft.acts):
            return  # being resumed already
        gate = self._gate(draft.case, act)
        if gate is None:
            draft.acts.append(act)
            return
        draft.not_today.add(record.key)
        self._hold(draft, record, *gate)

    def _gate(self, case: Case, act: Act) -> tuple[Gate, str] | None:
        """The first gate that counts and does not hold for the act (gates 5, 6 and 8)."""
        user_id = case.user_id
        if act.reconcile_only:
            return None  # it only looks
        if self._refusal is not None:
            return self._in_full(Gate.BLAST_RADIUS, "")
        if act.disruptive and self._admins == {user_id}:
            return (Gate.NEVER, "this is the last administrator")
        begun = case.operations.get(act.operation_id)
        if begun is not None and begun.unfinished:
            self._admins.discard(user_id)
            return None  # it has its place
        hands_over = isinstance(act, CreateReplacementKey | ResetPassword)
        if hands_over and self._budget.no_credentials is not None:
            return (Gate.MAILBOX, self._budget.no_credentials)
        if hands_over and not self._budget.has_room(1):
            return (Gate.MAILBOX, "today's mail quota has no room for the credentials mail")
        counted = self._budget.disrupted if act.disruptive else self._budget.created
        if not self._budget.take(counted, user_id):
            what = "disturbed" if act.disruptive else "given new keys"
            return (
                Gate.BLAST_RADIUS,
                f"{self._allowed} users a day may be {what} here, and today's are spoken for",
            )
        if hands_over:
            self._budget.take_mail(1)
        else:
            self._admins.discard(user_id)
        return None

    def _hold(self, draft: _Draft, record: FindingRecord, gate: Gate, reason: str) -> None:
        decision = draft.decisions[record.key]
        draft.held.append(
            Held(
                gate=gate,
                reason=reason,
                user_id=draft.case.user_id,
                user_name=draft.case.user_name,
                control=record.control,
                resource_id=record.resource_id,
                enforcement_on=decision.enforcement_on,
                days_to_90=days_to_90(record, self._now),
            )
        )

    def _unreachable(self, draft: _Draft, reason: str) -> None:
        for record in draft.case.findings.values():
            self._hold(draft, record, Gate.RECIPIENT, f"the owner cannot be reached: {reason}")

    def _list_held(self, draft: _Draft) -> None:
        pause = self._outlook.people.pause
        reason = f"paused: {pause.reason}" if pause else "observing until `keyreeve arm`"
        for key, decision in draft.decisions.items():
            if decision.credentials_due or decision.act_due:
                self._hold(draft, draft.case.findings[key], Gate.HUMAN, reason)

    # --- messages ---------------------------------------------------------------------------------

    def _message(self, draft: _Draft) -> None:
        """The day's one notice, if any finding is reason enough."""
        case = draft.case
        today = self._outlook.today(case)
        user = self._outlook.users[case.user_id]
        address = self._outlook.owner(user).address
        silent = address is None or self._outlook.is_silent(case)
        if address is None or silent or not self._calendar.is_mail_day(today):
            return
        if case.last_notice_on == today or self._outlook.hold(case) is not None:
            return
        opens = self._refusal is None
        told = told_today(draft.decisions, opens=opens)
        reason = NoticeReason.RESOLVED if case.closing_due else notice_reason(draft, told)
        if reason is None or not self._may_open(draft):
            return
        if not self._budget.take_mail(1 + len(self._policy.mail_cc)):
            return
        if reason is NoticeReason.RESOLVED:
            draft.message = SendClosing(
                user_id=case.user_id,
                user_name=case.user_name,
                due_on=today,
                reason=reason.value,
                to=address,
            )
            return
        draft.message = SendNotice(
            user_id=case.user_id,
            user_name=case.user_name,
            due_on=today,
            reason=reason.value,
            stage=headline(told.values()),
            to=address,
            opens=opens,
        )

    def _may_open(self, draft: _Draft) -> bool:
        """The blast radius also limits how many cases open on one mail day."""
        if draft.case.opened_on is not None:
            return True
        if self._refusal is not None or draft.case.user_id in self._budget.closed:
            return False
        return self._budget.take(self._budget.opened, draft.case.user_id)

    # --- the end ---------------------------------------------------------------------------------

    def _user_plan(self, draft: _Draft) -> UserPlan:
        return UserPlan(
            user_id=draft.case.user_id,
            user_name=draft.case.user_name,
            acts=tuple(draft.acts),
            message=draft.message,
            held=tuple(self._as_it_stands(draft, held) for held in draft.held),
            earliest=None if draft.earliest is _FAR else draft.earliest,
            postponed=tuple(sorted(draft.not_today)),
        )

    def _as_it_stands(self, draft: _Draft, held: Held) -> Held:
        """With the E that the hold itself has moved."""
        key = (held.control, held.resource_id) if held.control else None
        decision = draft.decisions.get(key) if key else None
        return replace(held, enforcement_on=decision.enforcement_on) if decision else held

    def _without_evidence(self) -> list[UserPlan]:
        """Cases of users who could not be read: everything stands still."""
        reasons = {gap.user_id: gap.reason for gap in self._evaluation.gaps if gap.user_id}
        return [
            UserPlan(
                user_id=case.user_id,
                user_name=case.user_name,
                held=(
                    Held(
                        gate=Gate.EVIDENCE,
                        reason=reasons.get(case.user_id, "the account could not be read"),
                        user_id=case.user_id,
                        user_name=case.user_name,
                    ),
                ),
            )
            for case in self._state.users.values()
            if case.user_id in self._outlook.gaps or not self._outlook.snapshot.account_readable
        ]

    def _written(self, drafts: list[_Draft]) -> State:
        """Stages and holds of today, written into the cases."""
        users = dict(self._state.users)
        for draft in drafts:
            users[draft.case.user_id] = replace(
                draft.case,
                findings={
                    key: self._placed(draft, record) for key, record in draft.case.findings.items()
                },
            )
        return replace(self._state, users=users)

    def _placed(self, draft: _Draft, record: FindingRecord) -> FindingRecord:
        held = next((h for h in draft.held if (h.control, h.resource_id) == record.key), None)
        before = record.held
        if held is None:
            kept = None
        elif before is not None and before.gate == held.gate.value:
            kept = replace(before, reason=held.reason)
        else:
            kept = HeldRecord(gate=held.gate.value, reason=held.reason, since=self._today)
        decision = draft.decisions[record.key]
        return replace(
            record, stage=decision.stage, enforcement_on=decision.enforcement_on, held=kept
        )

    def _assembled(self, users: list[UserPlan], state: State) -> Plan:
        outlook = self._outlook
        team = () if self._still else team_notices(state, outlook, users, self._today)
        return Plan(
            run_id=self._run_id,
            account_id=outlook.snapshot.account_id,
            as_of=self._now,
            on=self._today,
            users=tuple(users),
            team=team,
            summary_due=not self._still and self._summary_due(),
            observing=outlook.people.observes(self._policy),
            findings=self._evaluation.findings,
            gaps=self._evaluation.gaps,
            refusal=self._refusal,
            population=self._population,
            allowed=self._allowed,
            slot_blocked=slot_blocked(self._movable_cases(), outlook),
        )

    def _summary_due(self) -> bool:
        """On its day, or on the first mail day after it; once."""
        today, policy = self._today, self._policy
        if not (policy.own_summary and policy.summary_to):
            return False
        if not self._calendar.is_mail_day(today):
            return False
        latest = today - timedelta(days=(today.weekday() - policy.summary_weekday) % 7)
        if self._state.summary_sent_on is not None:
            return self._state.summary_sent_on < latest
        last = self._state.last_run
        return latest == today or (last is not None and last.on < latest)


def notice_reason(draft: _Draft, told: Mapping[FindingKey, Decision]) -> NoticeReason | None:
    """The strongest reason among the findings told; an act planned for today is one."""
    if told and any(act.disruptive and act.kind != "reset_password" for act in draft.acts):
        return NoticeReason.ACT_DONE
    return strongest(told.values())


def _by_promise(draft: _Draft) -> list[tuple[FindingKey, Decision]]:
    return sorted(
        draft.decisions.items(), key=lambda item: (item[1].enforcement_on or _FAR, item[0])
    )
