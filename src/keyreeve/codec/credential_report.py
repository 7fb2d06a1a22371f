"""AWS's credential report, read without believing it.

Columns are found by name (AWS adds some). Dates may end in `+00:00` or `Z`, lines in LF or CRLF,
booleans come in any case. Source: the IAM user guide, "Getting credential reports".

N/A, no_information   it did not happen                                → NEVER
not_supported         AWS does not say (root; some partitions)         → UNKNOWN, None
anything else         not understood: the row becomes a gap, the others go on

A gap without a user's name concerns the whole account: nobody knows who is missing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final

from keyreeve.model.errors import AccountUnreadable
from keyreeve.model.identifiers import UserName
from keyreeve.model.snapshot import Absent, AccessKey, CollectionGap, Moment

ROOT: Final = "<root_account>"

_USER_COLUMNS: Final = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "mfa_active",
)
_KEY_COLUMNS: Final = (
    "active",
    "last_rotated",
    "last_used_date",
    "last_used_region",
    "last_used_service",
)
_COLUMNS: Final = _USER_COLUMNS + tuple(
    f"access_key_{slot}_{column}" for slot in (1, 2) for column in _KEY_COLUMNS
)

_ROOT_USES: Final = tuple(
    _COLUMNS.index(name)
    for name in ("password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date")
)

_ABSENT: Final = {
    "N/A": Absent.NEVER,
    "no_information": Absent.NEVER,
    "not_supported": Absent.UNKNOWN,
}
_BOOLEANS: Final = {"true": True, "false": False}
_QUOTED: Final = 40
"""Characters of a strange cell that a gap repeats."""
_NOWHERE: Final = frozenset(("", *_ABSENT))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One user as the report tells it; never the root user."""

    user: UserName
    arn: str
    created_at: datetime
    password_enabled: bool | None
    password_last_used: Moment
    password_last_changed: Moment
    mfa_active: bool | None
    keys: tuple[AccessKey, ...]
    """The occupied slots only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedReport:
    """What could be read of a report, and what could not."""

    rows: tuple[ReportRow, ...]
    gaps: tuple[CollectionGap, ...] = ()
    root_seen: bool = False
    """Whether the root user had a row (AWS's reports always have one; the emulator's do not)."""
    root_last_used: Moment | None = None
    """The root user's latest sign-in or use of a key; None: its row was not understood."""

    @property
    def complete(self) -> bool:
        """Whether everybody is either in `rows` or named in `gaps`."""
        return all(gap.user_name is not None for gap in self.gaps)


class _NotUnderstood(ValueError):
    """A row that cannot be read, with the reason."""


def parse(content: bytes) -> ParsedReport:
    """Read a report. AccountUnreadable if it is none; what is wrong with a row becomes a gap."""
    text = _text(content)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = _header(reader)
    found = _Found(header)
    whole = True
    try:
        for cells in filter(None, reader):
            whole = found.take(reader.line_num, cells)
    except csv.Error as error:
        found.lost_from(reader.line_num, str(error))
    if not text.endswith(("\n", "\r")) and (not whole or reader.line_num == 1):
        found.lost_from(reader.line_num, "the report is cut off")
    return found.report()


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _no_report("it is not UTF-8 text") from None
    if not text.strip():
        raise _no_report("it is empty")
    return text


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        header = [name.strip().lower() for name in next(reader)]
    except (csv.Error, StopIteration):
        raise _no_report("its first line is no list of columns") from None
    if not {"user", "arn"} & set(header):
        raise _no_report("its first line is no list of columns")
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        raise _no_report(f"these columns are missing: {', '.join(missing)}")
    twice = [name for name in _COLUMNS if header.count(name) > 1]
    if twice:
        raise _no_report(f"these columns occur twice: {', '.join(twice)}")
    return header


def _no_report(what: str) -> AccountUnreadable:
    return AccountUnreadable(
        f"this is no credential report: {what}",
        where="credential report",
        remedy="Get one with `aws iam get-credential-report` (its Content, decoded from base64).",
    )


class _Found:
    """What was read so far."""

    def __init__(self, header: list[str]) -> None:
        self._width = len(header)
        self._pick: Callable[[list[str]], tuple[str, ...]] = itemgetter(
            *(header.index(name) for name in _COLUMNS)
        )
        self._rows: dict[tuple[str, datetime], ReportRow] = {}
        self._repeated: set[tuple[str, datetime]] = set()
        self._gaps: list[CollectionGap] = []
        self._root_seen = False
        self._root_last_used: Moment | None = None

    def take(self, number: int, cells: list[str]) -> bool:
        """Take one row; False: it could not be understood."""
        try:
            chosen = self._chosen(cells)
            if chosen[0] == ROOT:
                self._root_seen = True
                self._root_last_used = _root_use(chosen)
                return True
            row = _row(chosen)
        except _NotUnderstood as reason:
            self._gap(number, str(reason), _owner(cells))
            return False
        identity = (row.user, row.created_at)
        if identity in self._rows:
            # Which of the two is true, nobody can say.
            self._repeated.add(identity)
            self._gap(number, "this user has two rows", row.user)
        else:
            self._rows[identity] = row
        return True

    def lost_from(self, number: int, reason: str) -> None:
        """Nothing is known of this row and what should follow."""
        self._gap(number, reason, None)

    def report(self) -> ParsedReport:
        """All of it."""
        for identity in self._repeated:
            del self._rows[identity]
        return ParsedReport(
            rows=tuple(self._rows.values()),
            gaps=tuple(self._gaps),
            root_seen=self._root_seen,
            root_last_used=self._root_last_used,
        )

    def _chosen(self, cells: list[str]) -> tuple[str, ...]:
        if len(cells) != self._width:
            raise _NotUnderstood(f"it has {len(cells)} columns, the first row {self._width}")
        return self._pick(cells)

    def _gap(self, number: int, reason: str, user: UserName | None) -> None:
        self._gaps.append(CollectionGap(step=f"row {number}", reason=reason, user_name=user))


def _row(cells: tuple[str, ...]) -> ReportRow:
    user, arn, created, enabled, used, changed, mfa = cells[:7]
    if not user:
        raise _NotUnderstood("it names no user")
    password_enabled = _boolean(enabled)
    return ReportRow(
        user=UserName(user),
        arn=arn,
        created_at=_instant(created),
        password_enabled=password_enabled,
        password_last_used=_moment(used),
        password_last_changed=_once(_moment(changed)) if password_enabled else _moment(changed),
        mfa_active=_boolean(mfa),
        keys=tuple(key for key in (_key(1, cells[7:12]), _key(2, cells[12:17])) if key is not None),
    )


def _root_use(cells: tuple[str, ...]) -> Moment | None:
    """The latest of sign-in and both keys; a key that is not there says N/A.

    A strange root row never makes a gap of its own: the users' judgement does not need it.
    """
    try:
        moments = [_moment(cells[at]) for at in _ROOT_USES]
    except _NotUnderstood:
        return None
    used = [moment for moment in moments if isinstance(moment, datetime)]
    if used:
        return max(used)
    return Absent.UNKNOWN if Absent.UNKNOWN in moments else Absent.NEVER


def _key(slot: int, cells: tuple[str, ...]) -> AccessKey | None:
    """A slot is occupied if its key is active or was ever rotated."""
    status, rotated, used, region, service = cells
    if status == "false" and rotated == "N/A":  # as most second slots are
        return None
    active = _boolean(status)
    last_rotated = _moment(rotated)
    if active is None:
        raise _NotUnderstood(f"access_key_{slot}_active is {status!r}")
    if not active and not isinstance(last_rotated, datetime):
        return None
    return AccessKey(
        slot=slot,
        active=active,
        last_rotated=_once(last_rotated),
        last_used=_moment(used),
        last_used_region=None if region in _NOWHERE else region,
        last_used_service=None if service in _NOWHERE else service,
    )


def _once(moment: Moment) -> Moment:
    """A password or key that exists was made once: "never" only says that nobody knows when."""
    return Absent.UNKNOWN if moment is Absent.NEVER else moment


def _boolean(text: str) -> bool | None:
    value = _BOOLEANS.get(text)
    if value is None:
        value = _BOOLEANS.get(text.lower())
    if value is None and text not in _ABSENT:
        raise _NotUnderstood(f"{text[:_QUOTED]!r} is neither true nor false")
    return value


def _moment(text: str) -> Moment:
    absent = _ABSENT.get(text)
    return _instant(text) if absent is None else absent


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise _NotUnderstood(f"{text[:_QUOTED]!r} is no date") from None
    if instant.tzinfo is None:
        raise _NotUnderstood(f"{text[:_QUOTED]!r} is a date without time zone")
    return instant


def _owner(cells: list[str]) -> UserName | None:
    """Whose row it is that cannot be read: what stands before the ARN, else the ARN's end.

    A name with a comma that nobody quoted fills two cells.
    """
    at = next((n for n, cell in enumerate(cells) if cell.startswith("arn:")), None)
    if at is None:
        return None
    return UserName(",".join(cells[:at]) or cells[at].rpartition("/")[2]) or None
