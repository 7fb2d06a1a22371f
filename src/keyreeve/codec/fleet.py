"""A fleet as JSON: its summary for programs, and what a state machine takes and leaves.

A state machine's items hold no role and no external id: who runs an account reads those in the
config.

    accounts.json    one item an account, an array at the top: what a distributed map reads
    manifest.json    what its ResultWriter leaves: the keys of files of results, by status
    SUCCEEDED_0.json  an array: each child execution with Input and Output, JSON in text
    FAILED_0.json     the same with Error and Cause

Source: Step Functions Developer Guide, "ResultWriter (Map)", "Exporting results to Amazon S3".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, cast

from keyreeve.codec.redaction import redact
from keyreeve.codec.values import Json, from_json, to_json
from keyreeve.model.fleet import FleetRow, FleetSummary, Member, Standing, StoredStanding
from keyreeve.model.identifiers import AccountId

SUMMARY_SCHEMA: Final = "keyreeve.fleet/1"
STATUS_SCHEMA: Final = "keyreeve.fleet.status/1"
TOTALS: Final = ("users", "findings", "cases", "acts", "mails", "held", "overdue", "failed", "gaps")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_SUCCEEDED: Final = "SUCCEEDED"
_CAUSE_LENGTH: Final = 500


def row_document(row: FleetRow) -> dict[str, Json]:
    """The JSON of one account's row."""
    return cast("dict[str, Json]", to_json(row))


_ADDED: Final = ("flagged", "by_control", "cases_by_stage", "named")
"""Fields that rows of earlier versions lack; they are read as empty."""


def row_read(document: object) -> FleetRow:
    """A row read back, that of an earlier version too. ValueError for what is none."""
    if isinstance(document, Mapping) and "account_id" in document:
        document = {**_nothing_named(), **document}
    return from_json(FleetRow, document)


@cache
def _nothing_named() -> Mapping[str, Json]:
    nothing = FleetRow(account_id=AccountId(""), name="", standing=Standing.DONE, exit_code=0)
    written = row_document(nothing)
    return {field: written[field] for field in _ADDED}


def summary_document(summary: FleetSummary) -> dict[str, Json]:
    """The JSON of a fleet's day."""
    return {
        "schema": SUMMARY_SCHEMA,
        "project": summary.project,
        "on": to_json(summary.on),
        "as_of": to_json(summary.as_of),
        "executed": summary.executed,
        "exit_code": summary.exit_code,
        "standings": {each.value: summary.count(each) for each in Standing if summary.count(each)},
        "totals": {figure: summary.total(figure) for figure in TOTALS},
        "unsent": summary.unsent,
        "accounts": [to_json(row) for row in summary.rows],
    }


def status_document(rows: Iterable[StoredStanding]) -> dict[str, Json]:
    """The JSON of `org status`."""
    return {"schema": STATUS_SCHEMA, "accounts": [to_json(row) for row in rows]}


# --- items --------------------------------------------------------------------------------------


def items(members: Iterable[Member]) -> bytes:
    """accounts.json of these accounts."""
    rows = [{"account_id": m.account_id, "name": m.name, "barred": m.barred} for m in members]
    return (json.dumps(rows, indent=1) + "\n").encode()


def items_read(content: bytes) -> tuple[Member, ...]:
    """accounts.json read back; roles are in the config. ValueError for what is none."""
    return tuple(map(item_member, json.loads(content)))


def item_member(item: object) -> Member:
    """The account of an item, without its role. ValueError for what is no item."""
    found = item if isinstance(item, Mapping) else {}
    account, name, barred = (found.get(key) for key in ("account_id", "name", "barred"))
    if not (isinstance(account, str) and _ACCOUNT.fullmatch(account)):
        raise ValueError("expected an item with the account_id of twelve digits")
    return Member(
        account_id=AccountId(account), name=str(name or account), barred=str(barred or "")
    )


# --- results ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a map has heard of its accounts."""

    rows: Mapping[AccountId, FleetRow] = field(default_factory=dict)
    failures: Mapping[AccountId, str] = field(default_factory=dict)
    """Why a child execution ended without a row."""


def gathered(manifest: bytes, fetch: Callable[[str], bytes]) -> Gathered:
    """Every result of the manifest; `fetch`: a file by its key. ValueError for foreign files."""
    files: Mapping[str, Any] = json.loads(manifest)["ResultFiles"]
    rows: dict[AccountId, FleetRow] = {}
    failures: dict[AccountId, str] = {}
    for status, listed in files.items():
        for each in listed:
            for child in json.loads(fetch(each["Key"])):
                if status == _SUCCEEDED:
                    row = row_read(json.loads(child["Output"]))
                    rows[row.account_id] = row
                else:
                    account = item_member(json.loads(child["Input"])["item"]).account_id
                    failures[account] = _why(child, status)
    return Gathered(rows=rows, failures=failures)


def _why(child: Mapping[str, Any], status: str) -> str:
    """AWS's word and the cause; that of a function is JSON with an errorMessage."""
    cause = str(child.get("Cause") or "")
    try:
        told = json.loads(cause)
        cause = str(told["errorMessage"]) if "errorMessage" in told else cause
    except (ValueError, TypeError):
        pass
    error = child.get("Error") or status
    return redact(f"{error}: {cause}" if cause else str(error))[:_CAUSE_LENGTH]
