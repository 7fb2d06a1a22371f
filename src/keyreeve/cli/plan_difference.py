"""`keyreeve plan --against`: what differs from an earlier plan, as people read it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from keyreeve.cli import opening, screen, words
from keyreeve.codec.plan_difference import (
    Difference,
    Fields,
    NotComparable,
    Part,
    difference_document,
    differences,
    readable,
)
from keyreeve.model.errors import ConfigError

_SIGNS = {(False, True): "+", (True, False): "-", (True, True): "~"}
"""There before, there now."""


def earlier(path: Path) -> Fields:
    """The plan that was kept. ConfigError if it is none."""
    try:
        return readable(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=_where(path)) from None
    except NotComparable as error:
        raise _other(path, str(error)) from None
    except (ValueError, RecursionError):
        raise _other(path, "is no JSON") from None


def moment(path: Path, before: Fields) -> datetime:
    """As at which instant it was judged. ConfigError if it does not say."""
    try:
        at = datetime.fromisoformat(before["as_of"])
    except (KeyError, TypeError, ValueError):
        at = None
    if at is None or at.tzinfo is None:
        raise _other(path, "is a plan that something has cut or changed")
    return at


def show_difference(path: Path, before: Fields, after: Fields) -> None:
    """What differs, as a table or as JSON. ConfigError if the two cannot be compared."""
    try:
        found = differences(before, after)
    except NotComparable as error:
        raise _other(path, str(error)) from None
    if opening.options().json:
        screen.json_document({**difference_document(found), "exit_code": after["exit_code"]})
        return
    screen.line(f"Account {after['account_id']}, from {words.plain(str(after['on']))}")
    if not found:
        screen.line("The plan is the same.")
        return
    table = screen.Table(header=("", "DAY", "USER", "WHAT", "WHY"), folding=frozenset({3, 4}))
    for each in found:
        sign = _SIGNS[each.before is not None, each.after is not None]
        table.add(sign, each.on, each.about.get("user_name"), _what(each), _why(each))
    screen.table(table)
    screen.line()
    screen.line(_total(found))


def _where(path: Path) -> str:
    return f"--against {path}"


def _other(path: Path, what: str) -> ConfigError:
    return ConfigError(
        what,
        where=_where(path),
        remedy="Keep a plan with `keyreeve --output json plan --days 14 > plan.json`.",
    )


def _what(each: Difference) -> str:
    row = each.about
    match each.part:
        case Part.EFFECTS:
            kind = str(row.get("kind"))
            if words.is_act(kind):
                thing = row.get("old_key") or row.get("key_id") or row.get("resource_id") or ""
                return words.act_words(kind, str(thing))
            return (
                words.plain(str(row["stage"])) if "stage" in row else words.mail_words(None, kind)
            )
        case Part.HELD:
            return f"held at {words.plain(str(row.get('gate')))}"
        case Part.GAPS:
            return f"not read: {row.get('step')}"
        case Part.FIGURES:
            return "the day's figures"


def _why(each: Difference) -> str:
    if each.before is not None and each.after is not None:
        return "; ".join(
            f"{words.plain(name)}: {_said(each.before.get(name))} → {_said(each.after.get(name))}"
            for name in each.changed
        )
    reason = str(each.about.get("headline") or each.about.get("reason") or "")
    return reason if each.part is not Part.EFFECTS else words.plain(reason)


def _said(value: Any) -> str:
    """Of a field: lists as people write them, nothing as a dash."""
    match value:
        case None | "" | []:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case dict():
            return str(value.get("reason", value))
        case _:
            return str(value)


def _total(found: tuple[Difference, ...]) -> str:
    signs = [_SIGNS[each.before is not None, each.after is not None] for each in found]
    parts = (("+", "added"), ("-", "removed"), ("~", "changed"))
    return " · ".join(f"{signs.count(sign)} {word}" for sign, word in parts if sign in signs)
