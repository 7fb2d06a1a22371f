"""What is true of every finding today: the situations that the machine decides in.

Built once per run from facts, settings and people's decisions; asked again after each act, since
an act changes the case and with it what the day's notice must say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from keyreeve.escalation.authority import Library, cannot_change_password, is_administrator
from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.cutover import CutOver, cut_over_of
from keyreeve.escalation.extensions import added_to
from keyreeve.escalation.machine import HandOver, Situation, decide
from keyreeve.escalation.operations import enforcement_begun, enforcement_id, hand_over_operation
from keyreeve.escalation.owner import (
    Owner,
    bounces,
    find_owner,
    may_receive_credentials,
    not_arriving,
    shared_addresses,
)
from keyreeve.escalation.told import last_to_another, told_to
from keyreeve.escalation.words import CANNOT_FETCH, REPLACEMENT_GONE
from keyreeve.model.case import Case, FindingRecord, OperationRecord, StepName
from keyreeve.model.control import ControlCard
from keyreeve.model.decisions import Hold, HumanDecisions
from keyreeve.model.finding import Finding
from keyreeve.model.identifiers import AccessKeyId, ControlId, UserId
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.plan import Decision, Gate
from keyreeve.model.policy import EscalationPolicy, FinalAct
from keyreeve.model.snapshot import AccessKey, AccountSnapshot, Moment, User
from keyreeve.model.usage import UsageReading

FindingKey = tuple[ControlId, str]
SLOTS = 2
"""AWS's limit of access keys a user; Inactive ones count (aws-facts E2)."""
REFUSED = (Gate.BLAST_RADIUS, "the facts of the day look wrong, and a person must look at them")
"""What an owner is told where the run is refused (gate 5)."""
FIXED_ACT = "deactivate_access_key"
"""The act of the controls that no setting concerns."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """The day's facts, indexed."""

    snapshot: AccountSnapshot
    findings: Mapping[UserId, Mapping[FindingKey, Finding]]
    keys: Mapping[AccessKeyId, KeyRecord]
    people: HumanDecisions
    calendar: Calendar
    cards: Mapping[ControlId, ControlCard]
    now: datetime
    gaps: frozenset[UserId] = field(default_factory=frozenset)
    disarmed: frozenset[UserId] = field(default_factory=frozenset)
    """Users whom an act of ours has shut out since the report."""
    usage: UsageReading | None = None
    """How the keys that are being replaced are used; None: nobody asked."""

    @property
    def policy(self) -> EscalationPolicy:
        """The settings."""
        return self.calendar.policy

    @cached_property
    def users(self) -> Mapping[UserId, User]:
        """Users by unique id."""
        return {user.user_id: user for user in self.snapshot.users if user.user_id}

    @cached_property
    def shared(self) -> frozenset[str]:
        """Addresses of more than one user."""
        return shared_addresses(self.snapshot.users, self.policy.owner)

    @cached_property
    def library(self) -> Library:
        """The policy documents of the snapshot, parsed once each."""
        return Library()

    @cached_property
    def administrators(self) -> frozenset[UserId]:
        """Non-excluded administrators with a live credential.

        Who is one for certain; where nobody is, who may be one: somebody must be left.
        """
        standing = [
            user
            for user in self.snapshot.users
            if user.user_id
            and user.user_id not in self.disarmed
            and self._has_live_credential(user)
            and self.policy.exclusion_for(user) is None
        ]
        for hopeful in (False, True):
            found = frozenset(
                user.user_id
                for user in standing
                if user.user_id and is_administrator(user, hopeful=hopeful, library=self.library)
            )
            if found:
                return found
        return frozenset()

    def _has_live_credential(self, user: User) -> bool:
        """An Active key or a password, keys made Inactive since the report left out."""
        return bool(user.password_enabled) or any(
            key.active and not (key.key_id and self._inactivated(key.key_id)) for key in user.keys
        )

    def _inactivated(self, key: AccessKeyId) -> bool:
        record = self.keys.get(key)
        return record is not None and record.inactivated_at is not None

    def _reinstated(self, key: AccessKeyId) -> bool:
        record = self.keys.get(key)
        return record is not None and record.reinstated_until is not None

    def today(self, case: Case) -> date:
        """The ladder's date for this case."""
        return self.calendar.today(self.now, case.anchor)

    def owner(self, user: User) -> Owner:
        """Where the user's notices go."""
        return find_owner(user, self.policy.owner)

    def unreachable(self, case: Case) -> str | None:
        """Why nobody can be told about the case, if so."""
        owner = self.owner(self.users[case.user_id])
        if owner.address is None:
            return owner.reason
        return _comes_back(owner.address) if bounces(case, owner.address) else None

    def not_arriving(self, case: Case) -> bool:
        """Whether nothing private may go out, as far as mails came back."""
        address = self.owner(self.users[case.user_id]).address
        return address is not None and not_arriving(case, address, self.today(case)) is not None

    def is_silent(self, case: Case) -> bool:
        """Whether no notice goes out: nobody to tell, or an address whose week is not over."""
        if case.bounced is not None and self.today(case) >= case.bounced.again_on:
            return self.owner(self.users[case.user_id]).address is None
        return self.unreachable(case) is not None

    def hold(self, case: Case) -> Hold | None:
        """The hold that a person put on the case, if it holds today."""
        today = self.today(case)
        return next(
            (
                hold
                for hold in self.people.holds
                if hold.user in (case.user_name, case.user_id) and hold.until > today
            ),
            None,
        )

    def heard(self, case: Case, record: FindingRecord) -> FindingRecord:
        """The finding with the notices that its present owner got."""
        return told_to(record, self.owner(self.users[case.user_id]).address)

    def extension_days(self, case: Case, record: FindingRecord) -> int:
        """Days that people added to E since the finding opened, up to the cap.

        What was added before is in the promise already.
        """
        added = added_to(case, record, self.people, self.policy.timezone)
        return min(added, self.policy.max_extension_days)

    # --- decisions --------------------------------------------------------------------------------

    def decisions(
        self, case: Case, not_today: Collection[FindingKey] = (), *, refused: bool = False
    ) -> dict[FindingKey, Decision]:
        """Where every finding of the case stands.

        A `refused` run can name no date: what comes due in it is open until people accept.
        """
        return {
            key: decide(
                self.heard(case, record),
                self.situation(case, record, not_today=key in not_today, refused=refused),
                self.calendar,
                self.policy.days,
            )
            for key, record in case.findings.items()
        }

    def situation(
        self,
        case: Case,
        record: FindingRecord,
        *,
        not_today: bool = False,
        refused: bool = False,
    ) -> Situation:
        """Everything about one finding but its clock."""
        user = self.users[case.user_id]
        hand_over = self._hand_over(record.control)
        operation = hand_over_operation(case, record)
        gone = operation is not None and self.replacement_gone(case, operation)
        given_on = operation.delivered_on if operation and not gone else None
        acts = self._acts(record, user, reset_made=given_on is not None)
        why_nothing = None if given_on else self._why_nothing(case, record, user, operation)
        if gone:
            why_nothing = REPLACEMENT_GONE
        hold_back = self._hand_over_held(case, record, user, operation)
        if hold_back and hold_back[0] is Gate.PASSWORD_CHANGE and acts:
            # There is an act for just this case: the owner is told why no reset is made.
            why_nothing, hold_back = hold_back[1], None
        act_held = self._act_held(case)
        if refused and _date_has_come(record, self.today(case)):
            act_held = act_held or REFUSED
        if refused and self._hand_over_day_has_come(case, record):
            hold_back = hold_back or REFUSED
        hold = self.hold(case)
        return Situation(
            today=self.today(case),
            acts=acts,
            act=self._act(record.control) if acts else "",
            hand_over=hand_over if why_nothing is None else HandOver.NOTHING,
            handed_over_on=given_on,
            why_nothing=why_nothing,
            hand_over_held=None if why_nothing or given_on else hold_back,
            act_held=act_held,
            held_until=hold.until if hold else None,
            extension_days=self.extension_days(case, record),
            overlap_days=self.policy.enforcement.minimum_overlap_days,
            first_in_case=case.opened_on is None,
            noticed_today=case.last_notice_on == self.today(case),
            not_today=not_today,
            cut_over=cut_over_of(case, record, self.usage, self.policy) is CutOver.SEEN,
            reconcile=enforcement_begun(case, record),
            acts_left=self._acts_left(case, record),
            last_to_another=last_to_another(record, self.owner(user).address),
        )

    def _hand_over_day_has_come(self, case: Case, record: FindingRecord) -> bool:
        """Whether day 7 of a finding is reached that something is handed out for."""
        if record.opened_on is None or self._hand_over(record.control) is HandOver.NOTHING:
            return False
        days = (record.days or self.policy.days).new_credentials
        return self.today(case) >= record.opened_on + timedelta(days=days)

    def replacement_gone(self, case: Case, operation: OperationRecord) -> bool:
        """The owner deleted the key that was handed over, or made it Inactive."""
        if operation.new_key is None or operation.delivered_on is None:
            return False
        if operation.delivered_on >= self.today(case):
            return False  # handed over by this very run, after the facts were taken
        record = self.keys.get(operation.new_key)
        return record is None or record.active is False

    def _hand_over(self, control: ControlId) -> HandOver:
        match control:
            case ControlId.ACCESS_KEY_ROTATION:
                return HandOver.KEY
            case ControlId.PASSWORD_AGE:
                return HandOver.PASSWORD
            case _:
                return HandOver.NOTHING

    def _acts(self, record: FindingRecord, user: User, *, reset_made: bool) -> bool:
        act = self.policy.final_act(record.control)
        if act is None:
            return True
        if record.control is ControlId.PASSWORD_AGE and reset_made:
            return False
        if act is FinalAct.DEACTIVATE_UNUSED_KEYS and record.enforced_on is None:
            return bool(self.unused_keys(user))
        return act.disruptive

    def _act(self, control: ControlId) -> str:
        """What stage 5 does for the control, by name; keys become Inactive whatever is set."""
        act = self.policy.final_act(control)
        return FIXED_ACT if act is None else act.value

    def unused_keys(self, user: User) -> list[AccessKeyId]:
        """Active keys of an inactive user that were not used within the same threshold.

        A never-used key counts from its creation: a fresh replacement is no unused key.  A key
        that was brought back for a while is a person's word, and ends when its time is up.
        """
        limit = self.policy.thresholds_for(user).user_inactive
        return [
            key.key_id
            for key in user.keys
            if key.active
            and key.key_id is not None
            and not self._inactivated(key.key_id)
            and not self._reinstated(key.key_id)
            and not any(
                isinstance(at, datetime) and self.now - at < limit
                for at in (key.last_used, key.since)
            )
        ]

    def keys_to_shut(self, case: Case, record: FindingRecord) -> list[AccessKeyId]:
        """What `deactivate_unused_keys` has to do: all of them on E, afterwards those left over.

        A stop or a failed call may come between two keys of one user.  One that was shut once and
        is Active again is somebody's word; one that has come to be unused since E was not meant.
        """
        user = self.users[case.user_id]
        unused = self.unused_keys(user)
        if record.enforced_on is None:
            return unused
        if not self._shut_a_key(case, record):
            return []
        limit, zone = self.policy.thresholds_for(user).user_inactive, self.policy.timezone
        idle = {
            key.key_id: max(at for at in (key.last_used, key.since) if isinstance(at, datetime))
            for key in user.keys
            if key.key_id in unused and isinstance(key.since, datetime)
        }
        return [
            key
            for key in unused
            if key in idle
            and (idle[key] + limit).astimezone(zone).date() <= record.enforced_on
            and not self._was_shut(case, record, key)
        ]

    def _was_shut(self, case: Case, record: FindingRecord, key: AccessKeyId) -> bool:
        account = self.snapshot.account_id
        operation = case.operations.get(enforcement_id(account, case, record, key))
        return operation is not None and StepName.DONE in operation.steps

    def _shut_a_key(self, case: Case, record: FindingRecord) -> bool:
        """Whether it was this act that enforced the finding: settings change."""
        return any(
            self._was_shut(case, record, key.key_id)
            for key in self.users[case.user_id].keys
            if key.key_id is not None
        )

    def _acts_left(self, case: Case, record: FindingRecord) -> bool:
        if record.enforced_on is None:
            return False
        unused = self.policy.final_act(record.control) is FinalAct.DEACTIVATE_UNUSED_KEYS
        return unused and bool(self.keys_to_shut(case, record))

    def _why_nothing(
        self, case: Case, record: FindingRecord, user: User, begun: OperationRecord | None
    ) -> str | None:
        """The code of the reason why nothing can be handed out, as the facts stand today."""
        if begun is not None and begun.stuck is not None:
            return None  # a person must look, and until then nothing is said to be settled
        blocked_by_orphan = begun is not None and begun.steps[-1:] == (StepName.ORPHANED,)
        if begun is not None and begun.unfinished and not blocked_by_orphan:
            return None
        match record.control:
            case ControlId.ACCESS_KEY_ROTATION:
                return self._no_key(case, AccessKeyId(record.resource_id), user)
            case ControlId.PASSWORD_AGE:
                inactive = any(c is ControlId.USER_INACTIVE for c, _ in case.findings)
                return "dormant" if inactive else None
            case ControlId.ACCESS_KEY_STALE:
                return "spare"
            case _:
                return "none_needed"

    def _no_key(self, case: Case, old: AccessKeyId, user: User) -> str | None:
        if (ControlId.ACCESS_KEY_STALE, old) in self._open(case):
            return "spare"
        known = self.keys.get(old)
        alive = {key.key_id for key in user.keys if key.active}
        if known is not None and known.replaced_by in alive:
            return "already_replaced"
        if self._dormant(user):
            return "dormant"
        blocking = self.blocking_key(case, old)
        if blocking is None:
            return None
        if (ControlId.ACCESS_KEY_ROTATION, blocking.key_id or "") in self._open(case):
            return "both_slots_aged"
        return f"slots_taken:{blocking.key_id or blocking.slot}"

    def _open(self, case: Case) -> Mapping[FindingKey, FindingRecord]:
        return {k: r for k, r in case.findings.items() if r.enforced_on is None}

    def _dormant(self, user: User) -> bool:
        """Whether none of the user's keys was used within the inactivity threshold (S1.T5)."""
        limit = self.policy.thresholds_for(user).user_inactive
        uses = [key.last_used for key in user.keys if isinstance(key.last_used, datetime)]
        return not any(self.now - used < limit for used in uses)

    def blocking_key(self, case: Case, old: AccessKeyId) -> AccessKey | None:
        """The key in the other slot, if it leaves no room for a replacement (S1.T3)."""
        user = self.users[case.user_id]
        others = [key for key in user.keys if key.key_id != old]
        if len(user.keys) < SLOTS or not others:
            return None
        other = others[0]
        return None if self.may_free(other) else other

    def may_free(self, key: AccessKey) -> bool:
        """Whether `free_slot` lets Keyreeve delete this key: Inactive, by us, long enough."""
        after = self.policy.free_slot_after_days
        record = self.keys.get(key.key_id) if key.key_id else None
        if after is None or record is None or key.active or record.inactivated_at is None:
            return False
        return self.now - record.inactivated_at >= timedelta(days=after)

    def slot_to_free(self, case: Case, old: AccessKeyId) -> AccessKeyId | None:
        """The key that may be deleted before a replacement is made, if the slots are full."""
        user = self.users[case.user_id]
        if len(user.keys) < SLOTS:
            return None
        return next(
            (key.key_id for key in user.keys if key.key_id != old and self.may_free(key)), None
        )

    def _hand_over_held(
        self, case: Case, record: FindingRecord, user: User, operation: OperationRecord | None
    ) -> tuple[Gate, str] | None:
        """A gate before new credentials that nobody can date."""
        if self._hand_over(record.control) is HandOver.NOTHING:
            return None
        if operation is not None and operation.stuck is not None:
            return (Gate.HUMAN, operation.stuck)
        held = self._recipient_held(case, self.owner(user))
        held = held or _untold(case, record, self.today(case))
        if held is not None or record.control is not ControlId.PASSWORD_AGE:
            return held
        begun = operation is not None and operation.unfinished
        if not begun and (why := self.cannot_fetch(user)) is not None:
            return (Gate.RECIPIENT, why)
        reason = cannot_change_password(user, self.snapshot.password_policy, self.library)
        return (Gate.PASSWORD_CHANGE, reason) if reason is not None else self._never(case)

    def cannot_fetch(self, user: User) -> str | None:
        """Why a new password would lock its owner out: fetching it takes another way in."""
        if self.policy.delivery_for(user).by_mail:
            return None
        in_use = any(
            key.active
            and not (key.key_id and self._inactivated(key.key_id))
            and self.in_use(user, key.last_used)
            for key in user.keys
        )
        return None if in_use else CANNOT_FETCH

    def in_use(self, user: User, last_used: Moment | None) -> bool:
        """Whether a use is so recent that somebody works with the key."""
        limit = self.policy.thresholds_for(user).user_inactive
        return isinstance(last_used, datetime) and self.now - last_used < limit

    def _recipient_held(self, case: Case, owner: Owner) -> tuple[Gate, str] | None:
        """Gate 2, and of gate 1 what concerns the address."""
        if owner.address is None:
            return (Gate.RECIPIENT, owner.reason)
        if bounces(case, owner.address):
            return (Gate.TOLD, _comes_back(owner.address))
        refused = may_receive_credentials(
            owner.address, case, self.shared, self.policy, self.today(case)
        )
        return (Gate.RECIPIENT, refused) if refused is not None else None

    def _never(self, case: Case) -> tuple[Gate, str] | None:
        """Gate 8, as far as it is not structural: Keyreeve itself, the last administrator."""
        if self.is_self(case.user_id):
            return (Gate.NEVER, "this is the identity that Keyreeve runs as")
        if self.administrators == {case.user_id}:
            return (Gate.NEVER, "this is the last administrator")
        return None

    def is_self(self, user_id: UserId) -> bool:
        """Whether Keyreeve runs as this user."""
        caller = self.snapshot.caller
        return caller is not None and caller.user_id == user_id

    def _act_held(self, case: Case) -> tuple[Gate, str] | None:
        """A gate before stage 5 that nobody can date."""
        never = self._never(case)
        if never is not None:
            return never
        owner = self.owner(self.users[case.user_id])
        if owner.address is None:
            return (Gate.TOLD, f"the owner cannot be reached: {owner.reason}")
        if bounces(case, owner.address):
            return (Gate.TOLD, _comes_back(owner.address))
        return None


def _date_has_come(record: FindingRecord, today: date) -> bool:
    """Whether the date told last is over, or none was told."""
    told = record.notices[-1].enforcement_on if record.notices else today
    return record.opened_on is not None and (told is None or told <= today)


def _untold(case: Case, record: FindingRecord, today: date) -> tuple[Gate, str] | None:
    """Gate 1 before a hand-over: one earlier notice of this finding that did not come back."""
    if record.opened_on is None or not case.returned:
        return None
    told = any(notice.on < today for notice in record.notices)
    return None if told and case.addresses else (Gate.TOLD, "no notice has reached the owner yet")


def _comes_back(address: str) -> str:
    return f"mail to {address} bounces"
