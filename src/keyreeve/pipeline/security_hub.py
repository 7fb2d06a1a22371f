"""Findings to Security Hub: what is there is imported, what is there no more is archived.

1. compare what was found with what was sent before,
2. import in batches, and name what was not taken,
3. leave a record, and remember what Security Hub holds now.

What was not judged today (a gap) is neither imported nor archived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from keyreeve.codec import asff
from keyreeve.model.compliance import Citation
from keyreeve.model.errors import AwsFailure
from keyreeve.model.identifiers import AccountId
from keyreeve.pipeline.reported import Found
from keyreeve.ports.security_hub import BATCH, FindingImporter, NotImported, Sent, SentFindings
from keyreeve.reporting.reported import Card, Reported

Documents = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is to be sent."""

    product: asff.Product
    found: tuple[Reported, ...]
    """Each with the day on which it was first sent, if it was."""
    known: frozenset[str]
    """Uids that Security Hub holds already."""
    gone: tuple[Sent, ...]
    others: tuple[Sent, ...]
    """Remembered and not touched: not judged today, or of another region's product."""
    documents: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What came of it."""

    imported: int
    archived: int
    not_imported: tuple[NotImported, ...] = ()
    stopped: AwsFailure | None = None
    """The call that failed; what came after it was not sent."""
    not_sent: int = 0

    @property
    def failed(self) -> bool:
        """Whether anything was not taken."""
        return bool(self.not_imported) or self.stopped is not None


def prepare(
    found: Found,
    before: Iterable[Sent],
    product: asff.Product,
    cards: Mapping[str, Card],
    citations: Mapping[str, Sequence[Citation]],
    now: datetime,
) -> Delivery:
    """Everything as documents, in an order that is the same every day."""
    mine: dict[str, Sent] = {}
    others: list[Sent] = []
    for sent in before:
        if sent.product == product.arn:
            mine[sent.uid] = sent
        else:
            others.append(sent)
    there = tuple(_since_first_sent(each, mine.get(each.uid), now) for each in found.findings)
    present = {each.uid for each in there}
    gone: list[Sent] = []
    for uid, sent in mine.items():
        if uid not in present:
            ended = found.has_ended(sent.control, sent.user_id)
            (gone if ended else others).append(sent)
    known = frozenset(mine)
    return Delivery(
        product=product,
        found=there,
        known=known,
        gone=tuple(gone),
        others=tuple(others),
        documents=(
            *asff.documents(there, cards, citations, product, now, known=known),
            *asff.archived(
                [_as_reported(sent, product.account_id) for sent in gone], cards, product, now
            ),
        ),
    )


def deliver(
    delivery: Delivery,
    importer: FindingImporter,
    memory: SentFindings,
    record: Callable[[Sending], None],
) -> Sending:
    """Send it all, record that, and remember what arrived, whatever came between.

    StorageConflict, after the record, if another delivery was under way: repeated, it puts the
    memory right.
    """
    refused: dict[str, NotImported] = {}
    stopped, arrived = None, set[str]()
    for batch in _batches(delivery.documents):
        try:
            answers = importer.import_findings(batch)
        except AwsFailure as failure:
            stopped = failure
            break
        refused |= {answer.id: answer for answer in answers}
        arrived |= {str(document["Id"]) for document in batch} - set(refused)
    imported = sum(asff.identifier(each.uid) in arrived for each in delivery.found)
    sending = Sending(
        imported=imported,
        archived=len(arrived) - imported,
        not_imported=tuple(refused.values()),
        stopped=stopped,
        not_sent=len(delivery.documents) - len(arrived) - len(refused),
    )
    record(sending)
    memory.write(tuple(_remembered(delivery, arrived)))
    return sending


def _remembered(delivery: Delivery, arrived: set[str]) -> Iterator[Sent]:
    """What Security Hub holds as active; what could not be archived is tried again next time."""
    yield from delivery.others
    yield from (sent for sent in delivery.gone if asff.identifier(sent.uid) not in arrived)
    for each in delivery.found:
        if asff.identifier(each.uid) in arrived or each.uid in delivery.known:
            yield _as_sent(each, delivery.product.arn)


def _batches(documents: Documents) -> Iterator[Documents]:
    return (documents[start : start + BATCH] for start in range(0, len(documents), BATCH))


def _since_first_sent(finding: Reported, sent: Sent | None, now: datetime) -> Reported:
    """CreatedAt stays what Security Hub was told first."""
    return replace(finding, first_seen=sent.first_seen if sent else finding.first_seen or now)


def _as_sent(finding: Reported, product: str) -> Sent:
    if finding.first_seen is None:
        raise ValueError(f"{finding.uid} was never seen")
    return Sent(
        uid=finding.uid,
        product=product,
        control=finding.control,
        user_id=finding.owner.user_id if finding.owner else None,
        resource_type=finding.resource_type,
        resource_id=finding.resource_id,
        resource_name=finding.resource_name,
        severity=finding.severity,
        region=finding.region,
        first_seen=finding.first_seen,
    )


def _as_reported(sent: Sent, account_id: AccountId) -> Reported:
    return Reported(
        uid=sent.uid,
        control=sent.control,
        account_id=account_id,
        resource_type=sent.resource_type,
        resource_id=sent.resource_id,
        resource_name=sent.resource_name,
        severity=sent.severity,
        detail="",
        region=sent.region,
        first_seen=sent.first_seen,
    )
