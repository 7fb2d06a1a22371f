"""Answers to an access review as reviewers send them back: the form's JSON, or a spreadsheet.

The spreadsheet has one user a line; `decision`, `until` and `reason` are the reviewer's, every
other column says what was shown and comes back as it went out.  Cells that a spreadsheet program
would take for a date or a number hold a word too, so that saving changes nothing.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Final

from keyreeve.codec.review import row_digest
from keyreeve.codec.seal import parse
from keyreeve.codec.visible import spreadsheet_cell
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import UserId
from keyreeve.model.review import Campaign, Sheet, SheetRow, ShownKey, ShownUser, Task

SCHEMA: Final = "keyreeve.review.answers/1"
ANSWERED: Final = ("decision", "until", "reason")
_FIRST: Final = ("campaign", "reviewer", "user", *ANSWERED)
_SHOWN: Final = (
    *("department", "email", "groups", "roles", "standing_rights", "mfa", "console", "keys"),
    *("remarks", "created", "user_id", "digest"),
)
COLUMNS: Final = (*_FIRST, *_SHOWN)


def shown_cells(campaign: Campaign, task: Task) -> dict[UserId, dict[str, str]]:
    """What each row of a reviewer's sheet says, by column; its digest among it."""
    return {row.user_id: _cells(campaign, task, row) for row in task.rows}


def write_sheet(campaign: Campaign, task: Task) -> str:
    """CSV to be filled in; safe to open in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for cells in shown_cells(campaign, task).values():
        writer.writerow([cells.get(column, "") for column in COLUMNS])
    return out.getvalue()


def _cells(campaign: Campaign, task: Task, row: ShownUser) -> dict[str, str]:
    cells = {
        "campaign": campaign.campaign_id,
        "reviewer": task.reviewer.name,
        "user": row.user_name,
        "department": row.department,
        "email": row.email,
        "groups": "; ".join(row.groups),
        "roles": "; ".join(row.roles),
        "standing_rights": "; ".join(row.standing),
        "mfa": "MFA" if row.mfa else "no MFA",
        "console": console_words(row),
        "keys": "; ".join(map(key_words, row.keys)) or "no access key",
        "remarks": "; ".join(row.remarks),
        "created": f"created {row.created_on}",
        "user_id": row.user_id,
        "digest": row_digest(campaign.campaign_id, task.reviewer.name, row),
    }
    return {column: spreadsheet_cell(cell).strip() for column, cell in cells.items()}


def console_words(row: ShownUser) -> str:
    """The console password and its last use."""
    if row.console is None:
        return "console password: unknown"
    if not row.console:
        return "no console password"
    return f"console password, last sign-in {row.signed_in}"


def key_words(key: ShownKey) -> str:
    """One access key in words."""
    name = f"key {key.key_id}" if key.key_id else f"key {key.slot}"
    state = "Active" if key.active else "Inactive"
    made = f"created {key.created_on}" if key.created_on else "age unknown"
    return f"{name}: {state}, {made}, last used {key.last_used}"


# --- reading back ---------------------------------------------------------------------------------


def read_sheet(content: bytes, where: str) -> Sheet:
    """A file of answers, unchecked but for its form. ConfigError, naming `where`, if it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _no_sheet(where, "it is no UTF-8 text; save it as `CSV UTF-8`") from None
    try:
        return _from_json(text) if text.lstrip().startswith("{") else _from_csv(text)
    except (ValueError, csv.Error) as error:
        raise _no_sheet(where, str(error)) from None


def _no_sheet(where: str, why: str) -> ConfigError:
    return ConfigError(
        f"these are no answers to an access review: {why}",
        where=where,
        remedy="Nothing was kept. Give the file that the form has saved, or the filled-in sheet.",
    )


def _from_json(text: str) -> Sheet:
    document = parse(text.encode("utf-8"))
    if document.get("schema") != SCHEMA:
        raise ValueError(f"schema: expected {SCHEMA}")
    rows = document.get("rows")
    if not isinstance(rows, list):
        raise ValueError("rows: expected a list")  # noqa: TRY004 - content, not types
    return Sheet(
        campaign_id=_text(document, "campaign", "document"),
        reviewer=_text(document, "reviewer", "document"),
        rows=tuple(_json_row(row, f"rows[{index}]") for index, row in enumerate(rows)),
    )


def _json_row(row: object, where: str) -> SheetRow:
    if not isinstance(row, dict):
        raise ValueError(f"{where}: expected an object")  # noqa: TRY004
    known = {"user_id", "user_name", "digest", *ANSWERED}
    unknown = sorted(set(row) - known)
    if unknown:
        raise ValueError(f"{where}: unknown field {unknown[0]!r}")
    return SheetRow(
        where=where,
        user_id=_text(row, "user_id", where),
        user_name=_text(row, "user_name", where),
        decision=_text(row, "decision", where),
        until=_text(row, "until", where),
        reason=_text(row, "reason", where),
        cells={"digest": _text(row, "digest", where)},
    )


def _text(row: Mapping[str, object], name: str, where: str) -> str:
    value = row.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{where}: {name}: expected text, found {json.dumps(value)[:40]}")  # noqa: TRY004
    return value


def _from_csv(text: str) -> Sheet:
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = [cell.strip() for cell in next(reader, [])]
    lacking = [column for column in COLUMNS if column not in header]
    if lacking:
        raise ValueError(f"the column {lacking[0]} is missing")
    rows = tuple(_csv_rows(reader, header))
    if not rows:
        raise ValueError("it has no line below its header")
    ids = {(row.cells["campaign"], row.cells["reviewer"]) for row in rows}
    if len(ids) > 1:
        raise ValueError("its lines belong to several campaigns or reviewers")
    ((campaign, reviewer),) = ids
    return Sheet(campaign_id=campaign, reviewer=reviewer, rows=rows)


def _csv_rows(reader: Iterator[list[str]], header: list[str]) -> Iterator[SheetRow]:
    for number, cells in enumerate(reader, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise ValueError(f"line {number}: {len(cells)} cells, and the header has {len(header)}")
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        yield SheetRow(
            where=f"line {number}",
            user_id=row["user_id"],
            user_name=row["user"],
            decision=row["decision"].casefold().replace(" ", "-"),
            until=row["until"],
            reason=row["reason"],
            cells={column: row[column] for column in COLUMNS if column not in ANSWERED},
        )
