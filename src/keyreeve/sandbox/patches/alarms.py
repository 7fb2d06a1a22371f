"""Alarms are evaluated, act, and have a history.

AWS: a new alarm has INSUFFICIENT_DATA, an updated one keeps its state; new datapoints and the
passing of time move it; a new state runs actions; DescribeAlarmHistory.  moto begins with OK,
resets the state at an update, moves it by SetAlarmState alone, runs nothing, tells no history.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.chain import alarms, metrics
from keyreeve.sandbox.patches.pagination import page
from keyreeve.sandbox.patches.replacing import add, replace
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Let metrics move alarms."""
    from moto.cloudwatch.models import Alarm, CloudWatchBackend
    from moto.cloudwatch.responses import CloudWatchResponse
    from moto.core.responses import ActionResult

    stock_data, stock_alarm = CloudWatchBackend.put_metric_data, CloudWatchBackend.put_metric_alarm
    stock_state = Alarm.update_state

    def put_metric_data(self: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        before = len(self.metric_data)
        stock_data(self, namespace, metric_data)
        touched = metrics.index(self, self.metric_data[before:])
        watching = [it for it in self.alarms.values() if (it.namespace, it.metric_name) in touched]
        alarms.evaluate(world, self, watching)

    def put_metric_alarm(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        known = self.alarms.get(name)
        alarm = stock_alarm(self, name, *args, **kwargs)
        alarm.state_value = known.state_value if known else "INSUFFICIENT_DATA"
        if known:
            alarm.state_reason, alarm.state_reason_data = (
                known.state_reason,
                known.state_reason_data,
            )
            alarm.state_updated_timestamp = known.state_updated_timestamp
        done = "updated" if known else "created"
        alarms.note(world, alarm, "ConfigurationUpdate", f'Alarm "{name}" {done}', {"type": done})
        return alarm

    def update_state(self: Any, reason: str, reason_data: str, state_value: str) -> None:
        old = self.state_value
        stock_state(self, reason, reason_data, state_value)
        if old != state_value:
            alarms.changed(world, self, old)

    def describe_alarm_history(self: Any) -> Any:
        found = _asked_for(self, alarms.history_of(self.cloudwatch_backend))
        part, marker = page(found, self._get_param("MaxRecords"), self._get_param("NextToken"))
        return ActionResult({"AlarmHistoryItems": list(part), "NextToken": marker})

    replace(CloudWatchBackend, put_metric_data=put_metric_data, put_metric_alarm=put_metric_alarm)
    replace(Alarm, update_state=update_state)
    add(CloudWatchResponse, describe_alarm_history=describe_alarm_history)


def _asked_for(response: Any, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest first, unless asked otherwise."""
    name, kind = response._get_param("AlarmName"), response._get_param("HistoryItemType")
    since, until = response._get_param("StartDate"), response._get_param("EndDate")
    found = [
        item
        for item in items
        if name in (None, item["AlarmName"])
        and kind in (None, item["HistoryItemType"])
        and (since is None or item["Timestamp"] >= _naive(since))
        and (until is None or item["Timestamp"] <= _naive(until))
    ]
    ascending = response._get_param("ScanBy") == "TimestampAscending"
    return found if ascending else found[::-1]


def _naive(at: Any) -> Any:
    return at.replace(tzinfo=None)
