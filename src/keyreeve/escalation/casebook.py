"""Today's findings folded into yesterday's cases: what opens, what stays, what has cleared.

Nothing here is decided about mails or acts.  A user with a collection gap is left exactly as it
was: a gap neither opens, advances nor closes anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.keybook import CACHED, observe
from keyreeve.escalation.operations import (
    enforcement_begun,
    hand_over_operation,
    waits_to_be_handed_over,
)
from keyreeve.escalation.owner import bounces, find_owner
from keyreeve.escalation.past_mails import mails_of, still_kept
from keyreeve.escalation.spared import status_of
from keyreeve.escalation.words import how_cleared
from keyreeve.model.case import Case, FindingRecord, Stage, State, StepName, Thread
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.finding import Evaluation, Finding, FindingStatus
from keyreeve.model.identifiers import AccessKeyId, CaseId, ControlId, UserId, UserName
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.months import Ended, Ending
from keyreeve.model.snapshot import AccountSnapshot, User


class CaseEvent(StrEnum):
    """What happened to a case by itself; goes to the audit log."""

    FINDING_SEEN = "finding_seen"
    FINDING_CLEARED = "finding_cleared"
    FINDING_SET_ASIDE = "finding_set_aside"
    """Waived or excluded since."""
    CASE_CLOSED = "case_closed"
    USER_GONE = "user_gone"
    USER_RENAMED = "user_renamed"
    KEY_REACTIVATED = "key_reactivated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event of the casebook."""

    event: CaseEvent
    user_id: UserId
    user_name: UserName
    detail: str
    control: ControlId | None = None
    resource_id: str = ""
    ended: tuple[Ended, ...] = ()
    """Findings that end with it, for figures over months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Casebook:
    """The state after today's findings, and what happened on the way."""

    state: State
    happenings: tuple[Happening, ...]


def bring_up_to_date(
    state: State,
    snapshot: AccountSnapshot,
    evaluation: Evaluation,
    people: HumanDecisions,
    calendar: Calendar,
    now: datetime,
    *,
    keep_absent: bool = False,
) -> Casebook:
    """Fold today's findings into the cases.

    `keep_absent`: so many users are missing that the list itself is doubted; theirs stay (P9).
    """
    return _Clerk(
        state, snapshot, evaluation, people, calendar, now, keep_absent=keep_absent
    ).work()


class _Clerk:
    """One pass over the account; keeps what the pass needs at hand."""

    def __init__(
        self,
        state: State,
        snapshot: AccountSnapshot,
        evaluation: Evaluation,
        people: HumanDecisions,
        calendar: Calendar,
        now: datetime,
        *,
        keep_absent: bool,
    ) -> None:
        self._state = state
        self._snapshot = snapshot
        self._people = people
        self._calendar = calendar
        self._policy = calendar.policy
        self._now = now
        self._today = calendar.today(now)
        self._gaps = {gap.user_id for gap in evaluation.gaps if gap.user_id}
        self._present = {user.user_id for user in snapshot.users if user.user_id}
        self._findings: dict[UserId, list[Finding]] = {}
        for finding in evaluation.findings:
            if finding.user_id is not None:
                self._findings.setdefault(finding.user_id, []).append(finding)
        self._happenings: list[Happening] = []
        self._reactivated_keys: set[AccessKeyId] = set()
        if keep_absent:
            self._gaps |= state.users.keys() - self._present
        self._gaps |= {
            case.user_id
            for case in state.users.values()
            if case.user_name in snapshot.unconfirmed and case.user_id not in self._present
        }

    def work(self) -> Casebook:
        if not self._snapshot.account_readable:
            return Casebook(state=self._state, happenings=())
        lag = timedelta(0) if self._policy.compressed else CACHED
        keys, reactivated = observe(
            self._state.keys, self._snapshot, self._now, frozenset(self._gaps), lag
        )
        self._reactivated_keys = {record.key_id for record in reactivated}
        users = {user.user_id: user for user in self._snapshot.users if user.user_id}
        cases: dict[UserId, Case] = {}
        past = still_kept(self._state.past_mails, self._today)
        for user_id, case in self._state.users.items():
            if user_id not in users and user_id not in self._gaps:
                ended = [_ended(record, Ending.USER_GONE) for record in case.findings.values()]
                self._note(CaseEvent.USER_GONE, case, "the user no longer exists", ended=ended)
        for user_id, user in users.items():
            before = self._state.users.get(user_id)
            after = before if user_id in self._gaps else self._user(user, before, keys)
            if after is not None:
                cases[user_id] = after
            elif before is not None:
                past |= mails_of(before, self._today)
        for user_id in self._gaps - cases.keys():
            if user_id in self._state.users:
                cases[user_id] = self._state.users[user_id]
        for record in reactivated:
            self._reactivated(record, users)
        state = replace(self._state, users=cases, keys=keys, past_mails=past)
        return Casebook(state=state, happenings=tuple(self._happenings))

    # --- one user -----------------------------------------------------------------------------

    def _user(
        self, user: User, case: Case | None, keys: Mapping[AccessKeyId, KeyRecord]
    ) -> Case | None:
        open_now = self._open_findings(user, keys)
        if case is None:
            return self._open_case(user, open_now) if open_now else None
        if case.user_name != user.name:
            self._note(CaseEvent.USER_RENAMED, case, f"renamed from {case.user_name}")
            case = replace(case, user_name=user.name)
        case = self._without_cleared(case, open_now, user)
        fresh = {f.key: self._fresh(f, case) for f in open_now if f.key not in case.findings}
        return self._settle(replace(case, findings={**case.findings, **fresh}), user)

    def _open_findings(self, user: User, keys: Mapping[AccessKeyId, KeyRecord]) -> list[Finding]:
        """Findings that walk the ladder today."""
        if user.user_id is None:
            return []
        out = []
        for finding in self._findings.get(user.user_id, []):
            if finding.control is ControlId.INLINE_POLICIES:
                continue
            if self._status(finding, user) is not FindingStatus.OPEN:
                continue
            key = keys.get(finding.access_key_id) if finding.access_key_id else None
            if key is not None and (key.orphan or key.reinstated_until is not None):
                continue
            out.append(finding)
        return out

    def _status(self, finding: Finding, user: User) -> FindingStatus:
        return status_of(finding, user, self._people, self._policy, self._today)

    def _open_case(self, user: User, findings: list[Finding]) -> Case | None:
        if user.user_id is None:
            return None
        case_id = _case_id(self._state, user.user_id, self._now, self._today)
        account = f" ({self._policy.account_name})" if self._policy.account_name else ""
        case = Case(
            case_id=case_id,
            user_id=user.user_id,
            user_name=user.name,
            first_seen_on=self._today,
            thread=Thread(
                root=f"{case_id}@keyreeve.invalid",
                subject=f"[{self._policy.project_name}] IAM Compliance: {user.name}{account}",
            ),
            findings={},
        )
        return replace(case, findings={f.key: self._fresh(f, case) for f in findings})

    def _fresh(self, finding: Finding, case: Case) -> FindingRecord:
        self._note(CaseEvent.FINDING_SEEN, case, finding.detail, finding.key)
        return FindingRecord(
            control=finding.control,
            resource_id=finding.resource_id,
            first_seen_on=self._calendar.today(self._now, case.anchor),
            since=finding.since,
        )

    def _without_cleared(self, case: Case, open_now: list[Finding], user: User) -> Case:
        """The case with the records that go on; the others have cleared, or were set aside."""
        still = {finding.key for finding in open_now}
        flagged = {f.key: f for f in self._findings.get(case.user_id, [])}
        kept: dict[tuple[ControlId, str], FindingRecord] = {}
        cleared = list(case.cleared)
        for key, record in case.findings.items():
            if key in still and self._opens_anew(case, record):
                continue  # a fresh record takes its place
            if key in still or _untold(record) or enforcement_begun(case, record):
                kept[key] = record
            elif key in flagged:
                status = self._status(flagged[key], user)
                ended = [_ended(record, Ending.SET_ASIDE)]
                self._note(CaseEvent.FINDING_SET_ASIDE, case, status.value, key, ended)
            else:
                words = how_cleared(record, user, removed=_password_removed(case, record))
                ended = [_ended(record, _by_whom(case, record))]
                self._note(CaseEvent.FINDING_CLEARED, case, words, key, ended)
                if record.opened_on is not None:
                    cleared.append(words)
        return replace(case, findings=kept, cleared=tuple(dict.fromkeys(cleared)))

    def _opens_anew(self, case: Case, record: FindingRecord) -> bool:
        """Somebody has undone the act: a new finding at day 0."""
        if record.enforced_on is None:
            return False
        if record.resource_id in self._reactivated_keys:
            return True
        # A day later every report is younger than the act: there is a new login profile.
        removed = _password_removed(case, record)
        return removed and not _untold(record) and record.enforced_on < self._today

    def _settle(self, case: Case, user: User) -> Case | None:
        """Close the case if nothing is left: silently, or with one closing mail owed."""
        if case.findings:
            return replace(case, closing_due=False) if case.closing_due else case
        if any(
            operation.unfinished or waits_to_be_handed_over(operation, user)
            for operation in case.operations.values()
        ):
            return replace(case, closing_due=False) if case.closing_due else case
        excluded = self._policy.exclusion_for(user) is not None
        # Without a cleared finding everything was set aside by people: nothing to announce.
        address = find_owner(user, self._policy.owner).address
        silent = address is None or excluded or bounces(case, address)
        if case.opened_on is None or silent or not self._policy.closing_mail or not case.cleared:
            self._note(CaseEvent.CASE_CLOSED, case, "nothing is left to do")
            return None
        return replace(case, closing_due=True)

    # --- words for the log ------------------------------------------------------------------------

    def _note(
        self,
        event: CaseEvent,
        case: Case,
        detail: str,
        finding: tuple[ControlId, str] | None = None,
        ended: Iterable[Ended] = (),
    ) -> None:
        self._happenings.append(
            Happening(
                event=event,
                user_id=case.user_id,
                user_name=case.user_name,
                detail=detail,
                control=finding[0] if finding else None,
                resource_id=finding[1] if finding else "",
                ended=tuple(ended),
            )
        )

    def _reactivated(self, record: KeyRecord, users: Mapping[UserId, User]) -> None:
        user = users[record.user_id]
        self._happenings.append(
            Happening(
                event=CaseEvent.KEY_REACTIVATED,
                user_id=record.user_id,
                user_name=user.name,
                detail="made Active again outside Keyreeve",
                resource_id=record.key_id,
            )
        )


def _untold(record: FindingRecord) -> bool:
    """The act is done and its owner does not know yet: the record stays until the notice."""
    return record.enforced_on is not None and not any(
        n.stage is Stage.ENFORCEMENT and n.on >= record.enforced_on for n in record.notices
    )


def _password_removed(case: Case, record: FindingRecord) -> bool:
    """Whether the finding's act has taken the console password away."""
    return any(
        operation.act == "delete_login_profile"
        and operation.steps[-1:] == (StepName.DONE,)
        and (operation.control, operation.resource_id) == record.key
        for operation in case.operations.values()
    )


def _by_whom(case: Case, record: FindingRecord) -> Ending:
    """Whose doing it is that a finding is there no more."""
    if record.enforced_on is not None:
        return Ending.ENFORCED
    reset = hand_over_operation(case, record) if record.control is ControlId.PASSWORD_AGE else None
    by_us = reset is not None and StepName.CREATED in reset.steps
    return Ending.NEW_PASSWORD if by_us else Ending.OWNER


def _ended(record: FindingRecord, how: Ending) -> Ended:
    """An act that was done goes before whatever happened after it."""
    return Ended(
        control=record.control,
        resource_id=record.resource_id,
        opened_on=record.opened_on,
        how=how if record.enforced_on is None else Ending.ENFORCED,
    )


def _case_id(state: State, user_id: UserId, now: datetime, today: date) -> CaseId:
    """The date first, then a digest of account, unique id and instant."""
    text = f"{state.project}/{state.account_id}/{user_id}/{now.isoformat()}"
    return CaseId(f"{today:%Y%m%d}-{sha256(text.encode()).hexdigest()[:16]}")
