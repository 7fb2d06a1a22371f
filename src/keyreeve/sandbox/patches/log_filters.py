"""Metric filters make metrics; patterns can be tried, and searched by.

AWS: each log event that comes in is put to the group's metric filters; TestMetricFilter puts sample
messages to a pattern; PutMetricFilter refuses a malformed pattern and replaces a filter of the same
name; FilterLogEvents searches by the same patterns.  moto stores filters and looks no further, adds
another of the same name, finds every event by a pattern of JSON, and lacks TestMetricFilter.
"""

from __future__ import annotations

import json
from typing import Any

from keyreeve.sandbox.chain import metrics
from keyreeve.sandbox.patches.replacing import add, replace
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Put log events to the filters."""
    from moto.logs.exceptions import InvalidParameterException
    from moto.logs.metric_filters import MetricFilters
    from moto.logs.models import LogsBackend, LogStream
    from moto.logs.responses import LogsResponse

    stock_put, stock_add = LogsBackend.put_log_events, MetricFilters.add_filter

    def put_log_events(
        self: Any, log_group_name: str, log_stream_name: str, log_events: list[dict[str, Any]]
    ) -> Any:
        told = stock_put(self, log_group_name, log_stream_name, log_events)
        metrics.from_log_events(
            world, self, log_group_name, [event["message"] for event in log_events]
        )
        return told

    def add_filter(
        self: Any,
        filter_name: str,
        filter_pattern: str,
        log_group_name: str,
        metric_transformations: Any,
    ) -> None:
        checked(filter_pattern)
        self.delete_filter(filter_name, log_group_name)
        stock_add(self, filter_name, filter_pattern, log_group_name, metric_transformations)
        self.metric_filters[-1]["creationTime"] = int(world.clock.now().timestamp() * 1000)

    def checked(pattern: str) -> str:
        if not metrics.is_pattern(pattern):
            raise InvalidParameterException("Invalid metric filter pattern")
        return pattern

    def test_metric_filter(self: Any) -> str:
        pattern = checked(self._get_param("filterPattern"))
        matches = [
            {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
            for number, message in enumerate(self._get_param("logEventMessages"), start=1)
            if metrics.matches(pattern, message, _json(message))
        ]
        return json.dumps({"matches": matches})

    stock_found = LogStream.filter_log_events

    def filter_log_events(
        self: Any, start_time: int, end_time: int, filter_pattern: str | None
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = stock_found(self, start_time, end_time, "")
        pattern = checked(filter_pattern or "")
        return [
            row for row in found if metrics.matches(pattern, row["message"], _json(row["message"]))
        ]

    replace(LogsBackend, put_log_events=put_log_events)
    replace(LogStream, filter_log_events=filter_log_events)
    replace(MetricFilters, add_filter=add_filter)
    add(LogsResponse, test_metric_filter=test_metric_filter)


def _json(message: str) -> Any:
    try:
        return json.loads(message)
    except ValueError:
        return None
