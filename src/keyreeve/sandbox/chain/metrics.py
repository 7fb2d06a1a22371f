"""Log events → metrics by metric filters, and metrics as series that alarms look at.

AWS: CloudWatch Logs User Guide, "Creating metrics from log events using filters": a filter's value
is a number or a field of the event; its default value is published for what does not match.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from keyreeve.language.filter_pattern import MalformedPattern, Pattern, parse_pattern
from keyreeve.sandbox.world import World

Datum = tuple[datetime, float, float, float, float]
"""Instant (naive UTC), sum, least, greatest, count."""
Series = dict[tuple[str, str, frozenset[tuple[str, str]]], list[Datum]]
"""Namespace, name and dimensions → what was put there, in order."""
_TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')


def put(
    world: World,
    account_id: str,
    region: str,
    namespace: str,
    values: Mapping[str, float],
    dimensions: Mapping[str, str],
) -> None:
    """Publish values by metric name, as of now."""
    from moto.cloudwatch.models import cloudwatch_backends

    rows = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    cloudwatch_backends[account_id][region].put_metric_data(
        namespace,
        [
            {"MetricName": name, "Value": value, "Dimensions": rows, "Timestamp": world.naive_now()}
            for name, value in values.items()
        ],
    )


def series_of(backend: Any) -> Series:
    """All series of one CloudWatch; they are gone with a reset."""
    found: Series = vars(backend).setdefault("series", {})
    return found


def index(backend: Any, data: Iterable[Any]) -> set[tuple[str, str]]:
    """Take moto's data into the series; the namespaces and names that they belong to."""
    touched = set()
    for datum in data:
        dimensions = frozenset((it.name, it.value) for it in datum.dimensions)
        key = (datum.namespace, datum.name, dimensions)
        series_of(backend).setdefault(key, []).append(_row(datum))
        touched.add(key[:2])
    return touched


def _row(datum: Any) -> Datum:
    at = datum.timestamp
    at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
    if hasattr(datum, "value"):
        return at, datum.value, datum.value, datum.value, 1.0
    return at, datum.sum, datum.min, datum.max, datum.sample_count


def from_log_events(world: World, logs: Any, group: str, messages: Iterable[str]) -> None:
    """What the group's metric filters make of new log events."""
    filters = logs.filters.get_matching_filters(log_group_name=group)
    if not filters:
        return
    events = [(message, _json(message)) for message in messages]
    for each in filters:
        matched = [(m, e) for m, e in events if matches(each["filterPattern"], m, e)]
        for transformation in each["metricTransformations"]:
            for value, dimensions in _values(transformation, matched, len(events)):
                put(
                    world,
                    logs.account_id,
                    logs.region_name,
                    transformation["metricNamespace"],
                    {transformation["metricName"]: value},
                    dimensions,
                )


def _values(
    transformation: Mapping[str, Any], matched: list[tuple[str, Any]], all_events: int
) -> Iterable[tuple[float, dict[str, str]]]:
    named = transformation.get("dimensions") or {}
    for _, event in matched:
        value = _number(transformation["metricValue"], event)
        dimensions = {name: _field(path, event) for name, path in named.items()}
        if value is not None and None not in dimensions.values():
            yield value, {name: str(it) for name, it in dimensions.items()}
    default = transformation.get("defaultValue")
    if default is not None and all_events > len(matched):
        yield float(default), {}


def _number(text: str, event: Any) -> float | None:
    said = _field(text, event) if text.startswith("$") else text
    try:
        return float(said)
    except (TypeError, ValueError):
        return None


def _field(path: str, event: Any) -> Any:
    for name in path.removeprefix("$.").split("."):
        event = event.get(name) if isinstance(event, dict) else None
    return event


def matches(pattern: str, message: str, event: Any) -> bool:
    """Whether a log event matches a filter's pattern, of JSON or of terms."""
    text = pattern.strip()
    if not text.startswith("{"):
        return _terms_match(text, message)
    return isinstance(event, Mapping) and _parsed(text).matches(event)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Pattern:
    return parse_pattern(text)


def is_pattern(text: str) -> bool:
    """Whether AWS would store it."""
    if not text.strip().startswith("{"):
        return True
    try:
        _parsed(text.strip())
    except MalformedPattern:
        return False
    return True


def _terms_match(text: str, message: str) -> bool:
    """Every term stands in the message, none of those with `-`, one of those with `?` alone."""
    terms = [(sign, quoted or plain) for sign, quoted, plain in _TERM.findall(text)]
    either = [term for sign, term in terms if sign == "?"]
    needed = [term for sign, term in terms if sign == ""]
    if any(sign == "-" and term in message for sign, term in terms):
        return False
    if needed or not either:
        return all(term in message for term in needed)
    return any(term in message for term in either)


def _json(message: str) -> Any:
    try:
        return json.loads(message)
    except ValueError:
        return None
