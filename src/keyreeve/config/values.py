"""The values that settings take: durations, days, addresses, zones, matches of tags.

Each parser raises `Impossible` with what is wrong and, where it can guess, what was meant.
Settings are typed strictly: a number in quotes is text, `yes` is text.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
    ValidationInfo,
    WithJsonSchema,
)

Place = tuple[str | int, ...]
"""Where a value stands: keys and indices from the top of the document."""

LONGEST = timedelta(days=36_500)
"""A century: longer spans are slips of the pen and would overflow the calendar."""

_UNITS = {
    "y": timedelta(days=365),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
}
_DURATION = re.compile(r"([0-9]{1,9})([ydhm])")
_ALMOST_DURATION = re.compile(r"\s*([0-9]{1,6})\s*([a-z]*)\s*", re.IGNORECASE)
_WORDS = (
    ("mo", 30, "d"),
    ("m", 1, "m"),
    ("h", 1, "h"),
    ("d", 1, "d"),
    ("w", 7, "d"),
    ("y", 365, "d"),
    ("", 1, "d"),
)
"""How a unit may have been written, months before minutes."""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}|localhost", re.IGNORECASE)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_MAILBOX = re.compile(r'(?P<name>"[^"\\]*"|[^",<>;:@()\[\]\\]*?)\s*<(?P<address>[^<>]*)>')
_LONGEST_LOCAL_PART = 64
_LONGEST_ADDRESS = 254
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


class Impossible(ValueError):
    """A value that cannot be meant.

    `at` names the settings below the checked section that the mistake is about, most telling
    first; the first that stands in the file gives the line. `also`: what else is wrong, of which
    pydantic would hear only after this was mended.
    """

    def __init__(
        self,
        what: str,
        *,
        meant: str = "",
        at: Iterable[Place] = ((),),
        also: Iterable[Impossible] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.meant = meant
        self.at = tuple(at)
        self.also = tuple(also)


def closest(word: object, choices: Iterable[str]) -> str:
    """The choice that looks most like the word; empty where none does."""
    by_folded = {choice.casefold(): choice for choice in choices}
    found = difflib.get_close_matches(str(word).casefold(), by_folded, n=1)
    return by_folded[found[0]] if found else ""


# --- durations and days -----------------------------------------------------------------------


def parse_duration(value: object) -> timedelta:
    """`75d`, `36h`, `10m`, and `6y` of 365 days each; zero is left to the caller."""
    if isinstance(value, timedelta):
        return value
    parts = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise Impossible(
            "not a duration: write a number and d, h, m or y, such as 75d, 36h, 10m",
            meant=_meant_duration(value),
        )
    number, unit = int(parts[1]), parts[2]
    if number > LONGEST / _UNITS[unit]:
        raise Impossible("longer than 100 years")
    return number * _UNITS[unit]


def _meant_duration(value: object) -> str:
    """A guess at what `75`, `75 days` or `2 weeks` was to say; empty where there is none."""
    text = str(value) if isinstance(value, (int, str)) else ""
    parts = _ALMOST_DURATION.fullmatch(text)
    if parts is None or int(parts[1]) > LONGEST.days:
        return ""
    word = parts[2].casefold()
    for start, factor, unit in _WORDS:
        if (word.startswith(start) if start else not word) and (
            meant := int(parts[1]) * factor
        ) <= LONGEST.days:
            return f"{meant}{unit}"
    return ""


def format_duration(span: timedelta) -> str:
    """As `parse_duration` reads it, in the largest unit that fits; whole minutes only."""
    for unit, length in _UNITS.items():
        if span and not span % length:
            return f"{span // length}{unit}"
    return "0d"


def _positive_duration(value: object) -> timedelta:
    span = parse_duration(value)
    if not span:
        raise Impossible("must be longer than zero")
    return span


def _whole_days(value: object) -> timedelta:
    span = parse_duration(value)
    if span % timedelta(days=1):
        raise Impossible("must be whole days")
    return span


_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^[0-9]+[ydhm]$"})
Duration = Annotated[
    timedelta,
    PlainValidator(_positive_duration),
    PlainSerializer(format_duration),
    _DURATION_SCHEMA,
]
WholeDays = Annotated[
    timedelta, PlainValidator(_whole_days), PlainSerializer(format_duration), _DURATION_SCHEMA
]


def _parse_day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise Impossible("not a date: write it as 2026-11-09")


Day = Annotated[
    date, PlainValidator(_parse_day), WithJsonSchema({"type": "string", "format": "date"})
]


def _parse_zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    name = str(value)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = available_timezones()
        cities = {zone.rpartition("/")[2]: zone for zone in sorted(zones)}
        meant = closest(name, zones) or cities.get(closest(name, cities), "")
        raise Impossible(f"no such time zone: {name!r}", meant=meant) from None


Zone = Annotated[
    ZoneInfo, PlainValidator(_parse_zone), PlainSerializer(str), WithJsonSchema({"type": "string"})
]

# --- text -------------------------------------------------------------------------------------


def _one_line(value: str) -> str:
    if not value.strip():
        raise Impossible("must not be empty")
    if any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _BIDIRECTIONAL
        for character in value
    ):
        raise Impossible("must be one line without control characters")
    return value


Line = Annotated[str, AfterValidator(_one_line)]
"""Text that may stand in a header, a table or a log line."""

ProjectName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_one_line)]

Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Share = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
Minutes = Annotated[float, Strict(), Field(ge=0, le=1440, allow_inf_nan=False)]


def _domain(value: str) -> str:
    if not _DOMAIN.fullmatch(value):
        meant = value.rpartition("@")[2]
        raise Impossible(
            f"not a domain: {value!r}", meant=meant if _DOMAIN.fullmatch(meant) else ""
        )
    return value.lower()


Domain = Annotated[Line, AfterValidator(_domain)]


def _address(value: str) -> str:
    local_part, _, domain = value.rpartition("@")
    if (
        len(value) > _LONGEST_ADDRESS
        or len(local_part) > _LONGEST_LOCAL_PART
        or not _LOCAL_PART.fullmatch(local_part)
        or not _DOMAIN.fullmatch(domain)
    ):
        mailbox = _MAILBOX.fullmatch(value)
        raise Impossible(
            f"not a mail address: {value!r}", meant=mailbox["address"] if mailbox else ""
        )
    return value


Address = Annotated[Line, AfterValidator(_address)]
"""`someone@example.com`, ASCII as SES asks for (a domain in its xn-- form)."""

Addresses = Annotated[tuple[Address, ...], Field(min_length=1)]


def _mailbox(value: str) -> str:
    parts = _MAILBOX.fullmatch(value.strip())
    if parts is not None:
        _address(parts["address"])
        return value.strip()
    if "<" in value:
        name, _, rest = value.partition("<")
        name = name.strip().replace('"', "")
        raise Impossible(
            "not a sender: special characters in the name need quotes", meant=f'"{name}" <{rest}'
        )
    return _address(value.strip())


Mailbox = Annotated[Line, AfterValidator(_mailbox)]
"""`someone@example.com` or `Name <someone@example.com>`."""


def _tag(value: str) -> str:
    if not value.partition("=")[0] or "=" not in value:
        raise Impossible("a tag is matched as key=value", meant=f"{value.strip('=')}=*")
    return value


TagMatch = Annotated[Line, AfterValidator(_tag)]
"""`key=value`; the value may be a glob."""


def _from_folder(value: str, info: ValidationInfo) -> Path:
    context: Any = info.context
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise Impossible(f"no home folder for {value!r}") from None
    return path if context is None else Path(context["folder"]) / path


FolderPath = Annotated[
    Path,
    PlainValidator(lambda value, info: _from_folder(_one_line(_text(value)), info)),
    PlainSerializer(str),
    WithJsonSchema({"type": "string"}),
]
"""A path; a relative one begins in the folder of the config file."""


def _text(value: object) -> str:
    if not isinstance(value, (str, Path)):
        raise Impossible("must be text")
    return str(value)
