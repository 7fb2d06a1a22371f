"""Findings in the forms of others: OCSF, ASFF, JUnit, and Security Hub itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from keyreeve.cli import opening, screen, words
from keyreeve.cli.progress import watched
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime

    from keyreeve.model.compliance import Citation
    from keyreeve.pipeline.reported import Found
    from keyreeve.pipeline.security_hub import Delivery, Sending
    from keyreeve.reporting.reported import Card
    from keyreeve.wiring import Door

PARTLY = 1
FORMATS = ("ocsf", "asff", "junit")


def written(kind: str, opened: Door) -> tuple[str, int]:
    """The document of one of FORMATS, and the exit code."""
    made = {"ocsf": ocsf, "asff": asff, "junit": junit}
    return made[kind](opened)


def ocsf(opened: Door) -> tuple[str, int]:
    """A JSON array of OCSF Compliance Findings, and the exit code: 1 if something was not read."""
    from keyreeve.codec import ocsf as form

    found = _found(opened)
    made = form.documents(found.findings, _cards(), _citations(), opened.now, found.partition)
    return _text(made), _told(found)


def asff(opened: Door) -> tuple[str, int]:
    """A JSON array of ASFF findings, as BatchImportFindings takes them; the exit code as above."""
    from keyreeve.codec import asff as form
    from keyreeve.wiring.security_hub import product_of

    found = _found(opened)
    made = form.documents(found.findings, _cards(), _citations(), product_of(opened), opened.now)
    return _text(made), _told(found)


def junit(opened: Door) -> tuple[str, int]:
    """JUnit XML, as build servers take it; the exit code as above."""
    from keyreeve.codec import junit as form

    found = _found(opened)
    text = form.document(found.findings, found.failed, found.judged_of_all, _cards(), opened.now)
    return text, _told(found)


def send(
    opened: Door,
    *,
    execute: bool,
    as_of: datetime | None = None,
) -> int:
    """Import into Security Hub; without `execute` only say what would be sent.

    1 if something was not read or not taken. ConfigError for another time than now, but for an
    emulator.
    """
    from keyreeve.pipeline.security_hub import deliver, prepare
    from keyreeve.wiring.security_hub import security_hub

    if execute and as_of is not None and not opened.sessions.only_loopback("securityhub"):
        raise ConfigError(
            "findings cannot be sent as at another time",
            where="--as-of",
            remedy="Leave out --execute to see what would be sent then.",
        )
    desk = security_hub(opened)
    found = _found(opened)
    delivery = prepare(found, desk.memory.read(), desk.product, _cards(), _citations(), opened.now)
    sending = None
    if execute:
        record = partial(_record, opened, delivery)
        sending = deliver(delivery, desk.importer, desk.memory, record)
    if opening.options().json:
        screen.json_document(_document(delivery, sending))
    else:
        _show(delivery, sending)
    unread = _told(found)
    return PARTLY if sending is not None and sending.failed else unread


def _found(opened: Door) -> Found:
    from keyreeve.pipeline.posture import survey
    from keyreeve.pipeline.reported import read_found
    from keyreeve.wiring.posture import survey_of

    with watched(quiet=opening.options().quiet) as progress:
        return read_found(
            opening.wired(opened), opened.now, progress, survey(survey_of(opened), opened.now)
        )


def _cards() -> Mapping[str, Card]:
    from keyreeve.controls.cards import ALL_CARDS

    return {control.value: card for control, card in ALL_CARDS.items()}


def _citations() -> Mapping[str, Sequence[Citation]]:
    """By control."""
    from keyreeve.controls.compliance import MAPPING

    return {control.value: cited for control, cited in MAPPING.items()}


def _text(documents: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(documents, indent=1, ensure_ascii=True) + "\n"


def _told(found: Found) -> int:
    """Say what was not judged: its findings are missing, which is not the same as none."""
    for gap in found.gaps:
        said = words.gap_words(gap.step, gap.reason, gap.user_name)
        screen.note(f"not read: {screen.safe(said)}")
    return 0 if found.all_read else PARTLY


def _record(opened: Door, delivery: Delivery, sending: Sending) -> None:
    """In the inbox of the audit log: no lock is needed, and the next run takes it in."""
    from keyreeve.storage.audit_inbox import leave

    data = {
        "product": delivery.product.arn,
        "imported": sending.imported,
        "archived": sending.archived,
        "not_imported": [each.id for each in sending.not_imported],
        "not_sent": sending.not_sent,
        "stopped": sending.stopped.what if sending.stopped else None,
        "by": opened.caller.arn,
    }
    leave(opened.store, "findings.sent", opened.now, data, opened.run_id)


def _document(delivery: Delivery, sending: Sending | None) -> dict[str, object]:
    """Rehearsed counts where nothing was sent."""
    stopped = sending.stopped if sending else None
    return {
        "schema": "keyreeve.report.security-hub/1",
        "executed": sending is not None,
        "product": delivery.product.arn,
        "new": len(delivery.found) - _known(delivery),
        "imported": sending.imported if sending else len(delivery.found),
        "archived": sending.archived if sending else len(delivery.gone),
        "not_imported": [
            {"id": each.id, "code": each.code, "message": each.message}
            for each in (sending.not_imported if sending else ())
        ],
        "not_sent": sending.not_sent if sending else 0,
        "stopped": {"call": stopped.call, "what": stopped.what} if stopped else None,
    }


def _known(delivery: Delivery) -> int:
    return sum(each.uid in delivery.known for each in delivery.found)


def _show(delivery: Delivery, sending: Sending | None) -> None:
    table = screen.Table(header=("CONTROL", "FINDINGS", "GONE"), right=frozenset({1, 2}))
    found = _by_control(each.control for each in delivery.found)
    gone = _by_control(each.control for each in delivery.gone)
    for control in dict.fromkeys((*found, *gone)):
        table.add(control, str(found[control]), str(gone[control]))
    screen.line(f"Security Hub · {delivery.product.arn}")
    if table.rows:
        screen.table(table)
    screen.line()
    if sending is None:
        new = len(delivery.found) - _known(delivery)
        screen.line(
            f"{words.count(len(delivery.found), 'finding')} ({new} new) to import, "
            f"{len(delivery.gone)} to archive."
        )
        screen.line("Rehearsed only: nothing was sent. --execute sends.")
        return
    screen.line(
        f"{words.count(sending.imported, 'finding')} imported, {sending.archived} archived."
    )
    for each in sending.not_imported:
        said = f"not taken: {each.id}: {each.code}: {each.message}"
        screen.line(screen.safe(said))
    if sending.stopped is not None:
        stopped = sending.stopped
        screen.line(
            f"{sending.not_sent} not sent: {screen.safe(f'{stopped.call}: {stopped.what}')}"
        )
        if stopped.remedy:
            screen.line(f"  {screen.safe(stopped.remedy)}")


def _by_control(controls: Iterable[str]) -> Counter[str]:
    return Counter(controls)
