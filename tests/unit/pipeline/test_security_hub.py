"""What is sent to Security Hub, what is archived, and what is remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders import ACCOUNT, NOW
from tests.fakes.memory_store import MemoryStore

from keyreeve.codec import asff
from keyreeve.controls.catalogue import CARDS
from keyreeve.model.control import Severity
from keyreeve.model.errors import AwsFailure, StateUnreadable, StorageConflict, Throttled
from keyreeve.model.identifiers import ControlId, UserId, UserName
from keyreeve.model.posture import ResourceType
from keyreeve.pipeline.reported import Found
from keyreeve.pipeline.security_hub import Sending, deliver, prepare
from keyreeve.ports.security_hub import BATCH, NotImported, Sent
from keyreeve.reporting.reported import Owner, Reported
from keyreeve.storage.layout import SENT_FINDINGS
from keyreeve.storage.sent_findings import StoredSentFindings

PRODUCT = asff.Product(account_id=ACCOUNT, region="eu-west-1")
ROTATION = ControlId.ACCESS_KEY_ROTATION.value
ALL_CARDS = {control.value: card for control, card in CARDS.items()}


class Hub:
    """ports.security_hub.FindingImporter: keeps the documents; refuses and fails on demand."""

    def __init__(self, *, refusing: str = "", failing_at: int | None = None) -> None:
        self.batches: list[Sequence[Mapping[str, Any]]] = []
        self.refusing = refusing
        self.failing_at = failing_at

    def import_findings(self, documents: Sequence[Mapping[str, Any]]) -> tuple[NotImported, ...]:
        if len(self.batches) == self.failing_at:
            raise Throttled("slow down", call="securityhub:BatchImportFindings")
        self.batches.append(documents)
        return tuple(
            NotImported(id=d["Id"], code="InvalidInput", message="no")
            for d in documents
            if self.refusing and d["Id"].endswith(self.refusing)
        )

    @property
    def documents(self) -> list[Mapping[str, Any]]:
        return [document for batch in self.batches for document in batch]


def finding(number: int, control: str = ROTATION) -> Reported:
    user = UserId(f"AIDA{number}")
    return Reported(
        uid=f"{control}/{ACCOUNT}/{user}/AKIA{number}",
        control=control,
        account_id=ACCOUNT,
        resource_type=ResourceType.ACCESS_KEY,
        resource_id=f"AWS::IAM::AccessKey:AKIA{number}",
        resource_name=f"AKIA{number}",
        severity=Severity.MEDIUM,
        detail="old",
        owner=Owner(name=UserName(f"u{number}"), user_id=user, arn=None),
    )


def found(*findings: Reported, **changes: Any) -> Found:
    usual: dict[str, Any] = {
        "partition": "aws",
        "findings": findings,
        "gaps": (),
        "judged_controls": frozenset(ALL_CARDS),
        "unjudged_users": frozenset(),
        "all_read": True,
    }
    return Found(**(usual | changes))


class Desk:
    """One memory over several days."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.records: list[Sending] = []

    def memory(self) -> StoredSentFindings:
        return StoredSentFindings(self.store)

    def send(self, what: Found, hub: Hub, day: int = 0, product: asff.Product = PRODUCT) -> Sending:
        memory = self.memory()
        now = NOW + timedelta(days=day)
        delivery = prepare(what, memory.read(), product, ALL_CARDS, {}, now)
        return deliver(delivery, hub, memory, self.records.append)

    @property
    def sent(self) -> tuple[Sent, ...]:
        return self.memory().read()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_findings_leave_in_batches_of_a_hundred(desk: Desk):
    hub = Hub()
    sending = desk.send(found(*map(finding, range(250))), hub)
    assert [len(batch) for batch in hub.batches] == [BATCH, BATCH, 50]
    assert (sending.imported, sending.archived, sending.failed) == (250, 0, False)
    assert len(desk.sent) == 250


def test_what_is_gone_is_archived_once_and_forgotten(desk: Desk):
    desk.send(found(finding(1), finding(2)), Hub())
    second = Hub()
    sending = desk.send(found(finding(1)), second, day=1)
    assert (sending.imported, sending.archived) == (1, 1)
    states = {d["Id"]: d["RecordState"] for d in second.documents}
    assert states == {finding(1).uid: "ACTIVE", finding(2).uid: "ARCHIVED"}
    third = Hub()
    desk.send(found(finding(1)), third, day=2)
    assert [d["Id"] for d in third.documents] == [finding(1).uid]


@pytest.mark.parametrize(
    "missing",
    [
        {"unjudged_users": frozenset({UserId("AIDA2")})},
        {"judged_controls": frozenset(ALL_CARDS) - {ROTATION}},
        {"judged_controls": frozenset()},
    ],
    ids=["its user was not read", "its control was not judged", "nothing was judged"],
)
def test_what_was_not_judged_is_never_archived_and_stays_remembered(
    desk: Desk, missing: dict[str, Any]
):
    desk.send(found(finding(1), finding(2)), Hub())
    hub = Hub()
    desk.send(found(finding(1), **missing), hub, day=1)
    assert [d["Id"] for d in hub.documents] == [finding(1).uid]
    assert {s.uid for s in desk.sent} == {finding(1).uid, finding(2).uid}
    late = Hub()
    desk.send(found(finding(1)), late, day=2)
    assert "ARCHIVED" in {d["RecordState"] for d in late.documents}


def test_the_first_day_stays_the_first_day(desk: Desk):
    desk.send(found(finding(1)), Hub())
    hub = Hub()
    desk.send(found(finding(1)), hub, day=5)
    (document,) = hub.documents
    assert document["CreatedAt"].startswith("2026-01-05")
    assert document["UpdatedAt"].startswith("2026-01-10")
    assert "Severity" not in document, "of a known finding it is its customers'"


def test_what_was_not_taken_is_named_and_tried_again_as_new(desk: Desk):
    sending = desk.send(found(finding(1), finding(2)), Hub(refusing="AKIA2"))
    assert [each.id for each in sending.not_imported] == [finding(2).uid]
    assert sending.failed
    assert [each.uid for each in desk.sent] == [finding(1).uid]


def test_an_archiving_that_was_not_taken_is_tried_again(desk: Desk):
    desk.send(found(finding(2)), Hub())
    desk.send(found(), Hub(refusing="AKIA2"), day=1)
    assert [each.uid for each in desk.sent] == [finding(2).uid]
    hub = Hub()
    desk.send(found(), hub, day=2)
    assert [d["RecordState"] for d in hub.documents] == ["ARCHIVED"]
    assert desk.sent == ()


def test_a_call_that_fails_ends_it_and_what_arrived_before_is_remembered(desk: Desk):
    sending = desk.send(found(*map(finding, range(250))), Hub(failing_at=1))
    assert isinstance(sending.stopped, AwsFailure)
    assert (sending.imported, sending.not_sent) == (100, 150)
    assert len(desk.sent) == 100


def test_another_regions_findings_are_left_alone(desk: Desk):
    desk.send(found(finding(1)), Hub())
    elsewhere = replace(PRODUCT, region="us-east-1")
    hub = Hub()
    sending = desk.send(found(finding(1)), hub, day=1, product=elsewhere)
    assert sending.archived == 0
    assert {s.product for s in desk.sent} == {PRODUCT.arn, elsewhere.arn}


def test_two_deliveries_at_once_cannot_forget_what_the_other_sent(desk: Desk):
    slow = desk.memory()
    delivery = prepare(found(finding(1)), slow.read(), PRODUCT, ALL_CARDS, {}, NOW)
    desk.send(found(finding(2)), Hub())
    with pytest.raises(StorageConflict):
        deliver(delivery, Hub(), slow, desk.records.append)
    assert [each.imported for each in desk.records] == [1, 1], "both are recorded"


@pytest.mark.parametrize("content", [b"{", b"{}", b'{"schema": "x", "findings": []}'])
def test_a_memory_that_cannot_be_read_is_said_so_with_what_to_do(desk: Desk, content: bytes):
    desk.store.put(SENT_FINDINGS, content)
    with pytest.raises(StateUnreadable) as refused:
        desk.memory().read()
    assert "Delete it" in refused.value.remedy
