"""Metric filters make metrics; patterns can be tried; a log group's key can be changed.

AWS: each log event that comes in is put to the group's metric filters; TestMetricFilter puts sample
messages to a pattern; PutMetricFilter refuses a malformed pattern and replaces a filter of the same
name; AssociateKmsKey and DisassociateKmsKey.  moto stores filters and looks no further, adds
another of the same name, and lacks the others.
"""

from __future__ import annotations

import json
from typing import Any

from keyreeve.sandbox.chain import metrics
from keyreeve.sandbox.patches.replacing import add, replace
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Put log events to the filters."""
    from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
    from moto.logs.metric_filters import MetricFilters
    from moto.logs.models import LogsBackend
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

    def group_of(self: Any) -> Any:
        named = self._get_param("logGroupName") or self._get_param("resourceIdentifier") or ""
        name = named.partition(":log-group:")[2].removesuffix(":*") or named
        if name not in self.logs_backend.groups:
            raise ResourceNotFoundException("The specified log group does not exist.")
        return self.logs_backend.groups[name]

    def associate_kms_key(self: Any) -> str:
        group_of(self).kms_key_id = self._get_param("kmsKeyId")
        return "{}"

    def disassociate_kms_key(self: Any) -> str:
        group_of(self).kms_key_id = None
        return "{}"

    replace(LogsBackend, put_log_events=put_log_events)
    replace(MetricFilters, add_filter=add_filter)
    add(
        LogsResponse,
        test_metric_filter=test_metric_filter,
        associate_kms_key=associate_kms_key,
        disassociate_kms_key=disassociate_kms_key,
    )


def _json(message: str) -> Any:
    try:
        return json.loads(message)
    except ValueError:
        return None
