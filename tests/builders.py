"""Values that unit tests start from: the usual case, with only what a test is about spelt out.

NOW          Monday 2026-01-05 06:00 UTC, the day 0 of every example
user …       one IAM user with a tag that names its owner
console …    the same with a console password and MFA, nothing to complain about
record …     a finding on the ladder; `day_0` makes it one that was noticed
day …        evaluate → casebook → plan on one date, as the daily run does
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from keyreeve.controls.catalogue import CARDS
from keyreeve.controls.evaluation import evaluate
from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.fold import fold
from keyreeve.escalation.notices import compose
from keyreeve.escalation.operations import operation_id
from keyreeve.escalation.outlook import Outlook
from keyreeve.escalation.standing import told_today
from keyreeve.model.case import (
    Bounce,
    Case,
    FindingRecord,
    NoticeRecord,
    OperationKind,
    OperationRecord,
    Stage,
    State,
    Step,
    StepName,
    Thread,
)
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.effect import SendClosing, SendNotice
from keyreeve.model.finding import Finding
from keyreeve.model.identifiers import (
    AccessKeyId,
    AccountId,
    CaseId,
    ControlId,
    OperationId,
    RunId,
    UserId,
    UserName,
)
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.notice import Letterhead
from keyreeve.model.policy import EscalationPolicy, LadderDays, OwnerRules
from keyreeve.model.snapshot import (
    Absent,
    AccessKey,
    AccountSnapshot,
    Caller,
    CollectionGap,
    PasswordPolicy,
    User,
)
from keyreeve.model.usage import KeyUsage, UsageReading
from keyreeve.pipeline.daily import Account, Judgement, judge

NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
MONDAY = NOW.date()
ACCOUNT = AccountId("123456789012")
RUN = RunId("20260105T060000Z-0001")
TEAM = "msp-team@example.com"
KEY_1, KEY_2, KEY_3 = (AccessKeyId(f"AKIA{n}") for n in (1, 2, 3))
ROTATION, STALE = ControlId.ACCESS_KEY_ROTATION, ControlId.ACCESS_KEY_STALE
PASSWORD_AGE, MFA_CONTROL = ControlId.PASSWORD_AGE, ControlId.CONSOLE_MFA
INACTIVE, INLINE = ControlId.USER_INACTIVE, ControlId.INLINE_POLICIES
SECOND = timedelta(seconds=1)
LETTERHEAD = Letterhead(
    project_name="ETV", account_id=ACCOUNT, account_name=None, timezone="UTC", contact=TEAM
)


def ago(days: float, *, now: datetime = NOW) -> datetime:
    """The instant that many days before `now`."""
    return now - timedelta(days=days)


def on(day: int) -> date:
    """The date of ladder day `day`, counted from NOW's."""
    return MONDAY + timedelta(days=day)


# --- what was observed ----------------------------------------------------------------------------


def access_key(slot: int = 1, **changes: object) -> AccessKey:
    """Active, ten days old, used yesterday: no finding."""
    usual = AccessKey(
        slot=slot,
        active=True,
        last_rotated=ago(10),
        last_used=ago(1),
        key_id=AccessKeyId(f"AKIA{slot}"),
        created_at=ago(10),
    )
    return replace(usual, **changes)


def old_key(slot: int = 1, **changes: object) -> AccessKey:
    """Active, a hundred days old, used yesterday: due for rotation."""
    return access_key(slot, **{"created_at": ago(100), "last_rotated": ago(100), **changes})


def user(name: str = "ann", *keys: AccessKey, **changes: object) -> User:
    """No console password; the tag names an address of its own."""
    usual = User(
        name=UserName(name),
        arn=f"arn:aws:iam::{ACCOUNT}:user/{name}",
        created_at=ago(400),
        user_id=UserId(f"AIDA{name.upper()}"),
        tags={"email": f"{name}@example.com"},
        password_enabled=False,
        password_last_used=Absent.NEVER,
        password_last_changed=Absent.NEVER,
        mfa_active=False,
        keys=keys,
        observed_at=NOW,
    )
    return replace(usual, **changes)


def console(name: str = "ann", *keys: AccessKey, **changes: object) -> User:
    """A console password changed ten days ago and used yesterday, MFA on: no finding."""
    usual = {
        "password_enabled": True,
        "password_last_used": ago(1),
        "password_last_changed": ago(10),
        "mfa_active": True,
    }
    return user(name, *keys, **{**usual, **changes})


def snapshot(*users: User, **changes: object) -> AccountSnapshot:
    """An account that was read without a gap, by a role."""
    usual = AccountSnapshot(
        account_id=ACCOUNT,
        collected_at=NOW,
        report_generated_at=NOW,
        users=users,
        password_policy=PasswordPolicy(users_may_change=True),
        caller=Caller(
            account_id=ACCOUNT,
            arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/keyreeve/run",
            user_id="AROAKEYREEVE:run",
        ),
    )
    return replace(usual, **changes)


def gap_of(who: User, reason: str = "AccessDenied") -> CollectionGap:
    """Something about this user could not be read."""
    return CollectionGap(
        step="ListAccessKeys", reason=reason, user_name=who.name, user_id=who.user_id
    )


# --- settings and memory --------------------------------------------------------------------------


def policy(**changes: object) -> EscalationPolicy:
    """The defaults, with an MSP team."""
    usual = EscalationPolicy(
        project_name="ETV",
        mail_cc=(TEAM,),
        summary_to=(TEAM,),
        owner=OwnerRules(fallback=(TEAM,)),
    )
    return replace(usual, **changes)


def bounce(address: str, day: int = 0, **changes: object) -> Bounce:
    """A mail of ladder day `day` that the address refused for good."""
    usual = Bounce(
        address=address,
        on=on(day),
        reason="bounced (Permanent/General)",
        lasting=True,
        again_on=on(day + 7),
    )
    return replace(usual, **changes)


def notice_record(day: int, stage: Stage = Stage.NOTIFICATION, e: int | None = 14) -> NoticeRecord:
    """A notice accepted on ladder day `day`, which told E as ladder day `e`."""
    return NoticeRecord(
        stage=stage,
        on=on(day),
        at=NOW + timedelta(days=day),
        enforcement_on=None if e is None else on(e),
        message_id=f"mail-{day}",
        to="ann@example.com",
    )


def record(
    control: ControlId = ROTATION,
    resource_id: str = KEY_1,
    *,
    day_0: bool = False,
    **changes: object,
) -> FindingRecord:
    """A pending finding; with `day_0` one whose first notice was accepted at NOW."""
    usual = FindingRecord(
        control=control, resource_id=resource_id, first_seen_on=MONDAY, since=ago(100)
    )
    if day_0:
        usual = replace(
            usual,
            opened_on=MONDAY,
            opened_at=NOW,
            stage=Stage.NOTIFICATION,
            promised_on=on(14),
            days=LadderDays(),
            notices=(notice_record(0),),
        )
    return replace(usual, **changes)


def case(*records: FindingRecord, who: User | None = None, **changes: object) -> Case:
    """The case of `who` (ann) with these findings; opened if one of them is."""
    who = who or user()
    opened = next((r.opened_on for r in records if r.opened_on), None)
    if who.name != "ann":
        records = tuple(_told(r, f"{who.name}@example.com") for r in records)
    usual = Case(
        case_id=CaseId("20260105-0123456789abcdef"),
        user_id=who.user_id,
        user_name=who.name,
        first_seen_on=MONDAY,
        thread=Thread(root="root@keyreeve.invalid", subject=f"[ETV] IAM Compliance: {who.name}"),
        findings={r.key: r for r in records},
        opened_on=opened,
        anchor=NOW if opened else None,
        addresses=(f"{who.name}@example.com",) if opened else (),
        last_notice_on=opened,
        last_notice_stage=Stage.NOTIFICATION if opened else None,
    )
    return replace(usual, **changes)


def _told(of: FindingRecord, address: str) -> FindingRecord:
    return replace(of, notices=tuple(replace(notice, to=address) for notice in of.notices))


def rotation(*steps: StepName, **changes: object) -> OperationRecord:
    """The rotation of KEY_1 as far as these steps."""
    usual = OperationRecord(
        operation_id=OperationId("20260105-rotation"),
        kind=OperationKind.ROTATION,
        attempt=1,
        steps=steps,
        control=ROTATION,
        resource_id=KEY_1,
        old_key=KEY_1,
        begun_at=NOW,
    )
    return replace(usual, **changes)


def by_id(*operations: OperationRecord) -> dict[OperationId, OperationRecord]:
    """As a case keeps them."""
    return {operation.operation_id: operation for operation in operations}


def delivered(day: int = 7, **changes: object) -> OperationRecord:
    """A rotation whose private mail was accepted on ladder day `day`."""
    steps = (StepName.INTENT, StepName.CREATED, StepName.DELIVERED)
    return rotation(*steps, **{"new_key": KEY_3, "delivered_on": on(day), **changes})


def used(key_id: AccessKeyId, day: float | None = None, **changes: object) -> KeyUsage:
    """A key last used on ladder day `day`; None: never."""
    last = Absent.NEVER if day is None else NOW + timedelta(days=day)
    return replace(KeyUsage(key_id=key_id, last_used=last), **changes)


def reading(day: float, *keys: KeyUsage, **changes: object) -> UsageReading:
    """What a run of ladder day `day` has read."""
    usual = UsageReading(at=NOW + timedelta(days=day), keys={usage.key_id: usage for usage in keys})
    return replace(usual, **changes)


def key_record(key_id: AccessKeyId = KEY_1, **changes: object) -> KeyRecord:
    """A key of ann's, a hundred days old."""
    usual = KeyRecord(key_id=key_id, user_id=UserId("AIDAANN"), created_at=ago(100))
    return replace(usual, **changes)


def state(*cases: Case, **changes: object) -> State:
    """What is remembered of these cases."""
    usual = State(project="etv", account_id=ACCOUNT, users={c.user_id: c for c in cases})
    return replace(usual, **changes)


def step(
    kind: OperationKind, name: StepName, data: Mapping[str, object] | None = None, **changes: object
) -> Step:
    """A step of ann's case at NOW."""
    usual = Step(
        operation_id=OperationId("20260105-op"),
        attempt=1,
        name=name,
        kind=kind,
        run_id=RUN,
        case_id=case().case_id,
        user_id=UserId("AIDAANN"),
        user_name=UserName("ann"),
        at=NOW,
        on=MONDAY,
        data=data or {},
    )
    return replace(usual, **changes)


# --- one day --------------------------------------------------------------------------------------


def outlook(
    seen: AccountSnapshot,
    settings: EscalationPolicy | None = None,
    *,
    now: datetime = NOW,
    keys: Mapping[AccessKeyId, KeyRecord] | None = None,
    people: HumanDecisions | None = None,
    disarmed: frozenset[UserId] = frozenset(),
    usage: UsageReading | None = None,
) -> Outlook:
    """Today's facts, indexed as the daily run does it."""
    settings = settings or policy()
    judged = evaluate(seen, settings, now, keys or {})
    found: dict[UserId, dict[tuple[ControlId, str], Finding]] = {}
    for finding in judged.findings:
        found.setdefault(finding.user_id, {})[finding.key] = finding
    return Outlook(
        snapshot=seen,
        findings=found,
        keys=keys or {},
        people=people or HumanDecisions(),
        calendar=Calendar(settings),
        cards=CARDS,
        now=now,
        gaps=frozenset(gap.user_id for gap in judged.gaps if gap.user_id),
        disarmed=disarmed,
        usage=usage,
    )


def day(
    seen: AccountSnapshot,
    before: State | None = None,
    settings: EscalationPolicy | None = None,
    *,
    now: datetime = NOW,
    people: HumanDecisions | None = None,
    mailbox: int | None = None,
    accepted: int | None = None,
) -> Judgement:
    """Evaluate, bring the cases up to date, plan: the pure middle of the daily run."""
    account = Account(
        project="etv",
        account_id=ACCOUNT,
        run_id=RUN,
        policy=settings or policy(),
        tools=None,
        post=None,
    )
    people = people or HumanDecisions()
    return judge(account, before or state(), seen, people, now, mailbox, accepted)


def accepted_mails(judged: Judgement) -> State:
    """The state after every planned notice was accepted; acts are left undone."""
    after = judged.planned.state
    for plan in judged.planned.plan.users:
        if isinstance(plan.message, SendNotice | SendClosing):
            after = fold(after, _accepted(judged, after, plan.message), judged.outlook.policy.days)
    return after


def _accepted(judged: Judgement, now_state: State, message: SendNotice | SendClosing) -> Step:
    current, view = now_state.users[message.user_id], judged.outlook
    closing = isinstance(message, SendClosing)
    facts: dict[str, object] = {"topic": "closing" if closing else "notice", "to": message.to}
    if not closing:
        decisions = told_today(view.decisions(current), opens=message.opens)
        told = compose(current, decisions, view, LETTERHEAD).told
        first = current.opened_on is None
        facts |= {
            "stage": message.stage.value,
            "findings": [dict(entry) for entry in told],
            "message_id": f"{message.user_id}-{view.now.isoformat()}",
        }
        facts |= {"ledger_day": view.calendar.ledger_day(view.now).isoformat()} if first else {}
    return step(
        OperationKind.NOTICE,
        StepName.ACCEPTED,
        facts,
        operation_id=operation_id(ACCOUNT, current.case_id, OperationKind.NOTICE, str(view.now)),
        case_id=current.case_id,
        user_id=current.user_id,
        user_name=current.user_name,
        at=view.now,
        on=view.today(current),
    )


def kinds(effects: Iterable[object]) -> list[str]:
    """What a plan would do, in words."""
    return [effect.kind for effect in effects]
