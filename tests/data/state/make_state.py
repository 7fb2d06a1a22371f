"""The state behind `v1.json`: every record of the model once, with every field filled.

While schema 1 is not released, a changed model rewrites the file: `python -m
tests.data.state.make_state`. Afterwards it never changes: a new schema gets a new file.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from keyreeve.codec.state import SavedState, encode
from keyreeve.model.case import (
    AuditHead,
    Bounce,
    Case,
    DayLedger,
    FindingRecord,
    HeldRecord,
    LastRun,
    MailSort,
    NoticeRecord,
    OperationKind,
    OperationRecord,
    PastMail,
    Population,
    Resent,
    Stage,
    State,
    StepName,
    Thread,
    Told,
)
from keyreeve.model.identifiers import ControlId
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.policy import LadderDays

V1 = Path(__file__).with_name("v1.json")

DAY_0 = date(2026, 1, 5)
AT = datetime(2026, 1, 5, 11, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
OLD, NEW = "AKIAIOSFODNN7EXAMPLE", "AKIAZ7KQ3M5TWEXAMPLE"
USER, OTHER = "AIDACKCEVSQ6C2EXAMPLE", "AIDAJQABLZS4A3QDU576Q"
CASE_ID = "20260105-0123456789abcdef"
OPERATION = "20260105-aaaaaaaaaaaaaaaaaaaa"
RUN = "20260112T060000Z-1a2b"


def _rotation() -> FindingRecord:
    return FindingRecord(
        control=ControlId.ACCESS_KEY_ROTATION,
        resource_id=OLD,
        first_seen_on=DAY_0,
        opened_on=DAY_0,
        opened_at=AT,
        stage=Stage.NEW_CREDENTIALS,
        notices=(
            NoticeRecord(
                stage=Stage.NOTIFICATION, on=DAY_0, at=AT, enforcement_on=date(2026, 1, 19)
            ),
            NoticeRecord(
                stage=Stage.REMINDER,
                on=date(2026, 1, 8),
                at=AT + timedelta(days=3),
                enforcement_on=None,
                message_id="0100-0@us-east-1.amazonses.com",
                to="zoë@example.com",
                no_replacement="slot_blocked",
                act="deactivate_access_key",
            ),
        ),
        promised_on=date(2026, 1, 19),
        days=LadderDays(),
        no_replacement=Told(reason="slot_blocked", on=DAY_0),
        enforced_on=None,
        held=HeldRecord(gate="overlap", reason="delivered two days ago", since=DAY_0),
        since=AT - timedelta(days=80),
    )


def _operation() -> OperationRecord:
    return OperationRecord(
        operation_id=OPERATION,
        kind=OperationKind.ROTATION,
        attempt=2,
        steps=(StepName.INTENT, StepName.CREATED, StepName.DELIVERED),
        control=ControlId.ACCESS_KEY_ROTATION,
        resource_id=OLD,
        old_key=OLD,
        new_key=NEW,
        keys_before=(OLD,),
        begun_at=AT + timedelta(days=7),
        escrow_key=f"credentials/access-keys/{USER}/{OPERATION}-2.csv",
        delivered_on=date(2026, 1, 12),
        delivered_at=AT + timedelta(days=7),
        delivered_message_id="0100-1@us-east-1.amazonses.com",
        delivered_to="zoë@example.com",
        resent=(
            Resent(
                message_id="0100-2@us-east-1.amazonses.com",
                to="zoë@example.com",
                on=date(2026, 1, 12),
                at=AT + timedelta(days=7),
            ),
        ),
        returned="bounced (Transient/MailboxFull)",
        orphans=("AKIAORPHANEDEXAMPLE0",),
    )


def _case() -> Case:
    rotation = _rotation()
    mfa = FindingRecord(control=ControlId.CONSOLE_MFA, resource_id="mfa", first_seen_on=DAY_0)
    return Case(
        case_id=CASE_ID,
        user_id=USER,
        user_name="zoë",
        first_seen_on=DAY_0,
        thread=Thread(
            root=f"{CASE_ID}@keyreeve.invalid",
            subject="[ETV] IAM Compliance: zoë",
            message_ids=("0100-0@us-east-1.amazonses.com",),
        ),
        findings={rotation.key: rotation, mfa.key: mfa},
        operations={OPERATION: _operation()},
        opened_on=DAY_0,
        anchor=AT,
        addresses=("zoë@example.com",),
        last_notice_on=date(2026, 1, 8),
        last_notice_stage=Stage.REMINDER,
        closing_due=False,
        cleared=("Console password was changed.",),
        team_told={"unreachable": DAY_0},
        bounced=Bounce(
            address="old@example.com",
            on=DAY_0,
            reason="bounced (Permanent/General)",
            lasting=True,
            again_on=date(2026, 1, 12),
        ),
        returned={
            "0100-9": Bounce(
                address="zoë@example.com",
                on=DAY_0,
                reason="bounced (Transient/MailboxFull)",
                lasting=False,
                again_on=date(2026, 1, 12),
            )
        },
    )


def sample_state() -> State:
    return State(
        project="ETV",
        account_id="123456789012",
        users={USER: _case()},
        keys={
            OLD: KeyRecord(
                key_id=OLD, user_id=USER, created_at=AT - timedelta(days=80), replaced_by=NEW
            ),
            NEW: KeyRecord(
                key_id=NEW, user_id=USER, created_at=AT, slot=2, made_by_us=True, replaces=OLD
            ),
        },
        ledger={DAY_0: DayLedger(opened=frozenset({USER, OTHER}), created=frozenset({USER}))},
        past_mails={
            "0100-8": PastMail(
                case_id="20251201-0123456789abcdef",
                user_id=OTHER,
                user_name="björn",
                sort=MailSort.ACCESS_KEY,
                to=("björn@example.com",),
                on=DAY_0,
                closed_on=date(2026, 1, 9),
                new_key=NEW,
                old_key=OLD,
                returned="bounced (Permanent/General)",
            )
        },
        population=Population(users=frozenset({USER, OTHER}), flagged=frozenset({USER})),
        last_run=LastRun(run_id=RUN, as_of=AT + timedelta(days=7), on=date(2026, 1, 12)),
        summary_sent_on=DAY_0,
        audit_head=AuditHead(run_id=RUN, segment=7, sequence=9, digest="ab" * 32),
    )


def saved_state() -> SavedState:
    return SavedState(
        state=sample_state(),
        saved_at=datetime(2026, 1, 12, 6, 0, 3, tzinfo=UTC),
        saved_by=RUN,
    )


def content() -> bytes:
    saved = saved_state()
    return encode(saved.state, saved_at=saved.saved_at, saved_by=saved.saved_by)


if __name__ == "__main__":
    V1.write_bytes(content())
