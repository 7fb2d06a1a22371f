"""Alarms by the sandbox's clock: their state, their history, their actions.

AWS: a new alarm has INSUFFICIENT_DATA; a change of state runs the actions of the new state; that an
action failed shows in the alarm's history and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from keyreeve.sandbox.chain import topics
from keyreeve.sandbox.chain.alarm_state import COMPARISONS, Rule, State, judge
from keyreeve.sandbox.chain.metrics import Datum, series_of
from keyreeve.sandbox.world import World

SERVICE = "cloudwatch.amazonaws.com"
_REGIONS = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "EU (Ireland)",
    "eu-central-1": "EU (Frankfurt)",
}


def evaluate_all(world: World) -> None:
    """Look at every alarm, as CloudWatch does every minute."""
    from moto.cloudwatch.models import cloudwatch_backends

    for _, _, backend in list(cloudwatch_backends.iter_backends()):
        alarms: dict[str, Any] = backend.alarms  # type: ignore[attr-defined]
        evaluate(world, backend, alarms.values())


def evaluate(world: World, backend: Any, alarms: Iterable[Any]) -> None:
    """Look at these alarms now; those on a mathematical expression keep their state."""
    for alarm in list(alarms):
        if not alarm.metric_name or alarm.comparison_operator not in COMPARISONS:
            continue
        rule = Rule(
            comparison=alarm.comparison_operator,
            threshold=float(alarm.threshold),
            needed=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
            missing=alarm.treat_missing_data or "missing",
        )
        standing = State(alarm.state_value)
        found, reason = judge(rule, _values(world, backend, alarm), standing)
        if found is not standing:
            data = {"version": "1.0", "statistic": alarm.statistic, "threshold": rule.threshold}
            alarm.update_state(reason, json.dumps(data), found.value)


def _values(world: World, backend: Any, alarm: Any) -> list[float | None]:
    """One value per evaluation period, the newest first; each period ends with its last instant."""
    dimensions = frozenset((it.name, it.value) for it in alarm.dimensions)
    key = (alarm.namespace, alarm.metric_name, dimensions)
    series = [*series_of(backend).get(key, ()), *_live(world, backend, key)]
    now, period = world.naive_now(), timedelta(seconds=int(alarm.period))
    found: list[float | None] = []
    for number in range(int(alarm.evaluation_periods)):
        until = now - number * period
        rows = list(_within(series, until - period, until))
        found.append(_statistic(alarm.statistic or "Sum", rows) if rows else None)
    return found


def _within(series: list[Datum], after: Any, until: Any) -> Iterator[Datum]:
    for row in reversed(series):
        if after < row[0] <= until:
            yield row


def _live(world: World, backend: Any, key: tuple[str, str, Any]) -> Iterator[Datum]:
    """What SQS tells of a queue, as of now."""
    from moto.sqs.models import sqs_backends

    namespace, metric, dimensions = key
    if (namespace, metric) != ("AWS/SQS", "ApproximateNumberOfMessagesVisible"):
        return
    queues: Any = sqs_backends[backend.account_id][backend.region_name].queues
    queue = queues.get(dict(dimensions).get("QueueName"))
    if queue is not None:
        count = float(queue.approximate_number_of_messages)
        yield world.naive_now(), count, count, count, 1.0


def _statistic(name: str, rows: list[Datum]) -> float:
    total, count = sum(row[1] for row in rows), sum(row[4] for row in rows)
    match name:
        case "Sum":
            return total
        case "SampleCount":
            return count
        case "Minimum":
            return min(row[2] for row in rows)
        case "Maximum":
            return max(row[3] for row in rows)
        case _:
            return total / count if count else 0.0


# --- history --------------------------------------------------------------------------------


def history_of(backend: Any) -> list[dict[str, Any]]:
    """All that happened to the alarms of one CloudWatch, the oldest first."""
    found: list[dict[str, Any]] = vars(backend).setdefault("alarm_history", [])
    return found


def note(world: World, alarm: Any, kind: str, summary: str, data: object) -> None:
    """One more item: ConfigurationUpdate, StateUpdate or Action."""
    history_of(_backend(alarm)).append(
        {
            "AlarmName": alarm.name,
            "AlarmType": "CompositeAlarm" if alarm.rule else "MetricAlarm",
            "Timestamp": world.naive_now(),
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data),
        }
    )


def _backend(alarm: Any) -> Any:
    from moto.cloudwatch.models import cloudwatch_backends

    return cloudwatch_backends[account_of(alarm)][alarm.region_name]


def account_of(alarm: Any) -> str:
    """The account that an alarm belongs to."""
    return str(alarm.alarm_arn.split(":")[4])


def changed(world: World, alarm: Any, old: str) -> None:
    """An alarm has got another state: history now, actions afterwards."""
    states = {"oldState": {"stateValue": old}, "newState": {"stateValue": alarm.state_value}}
    states["newState"]["stateReason"] = alarm.state_reason
    note(world, alarm, "StateUpdate", f"Alarm updated from {old} to {alarm.state_value}", states)
    if not alarm.actions_enabled:
        return
    actions = {
        State.ALARM: alarm.alarm_actions,
        State.OK: alarm.ok_actions,
        State.INSUFFICIENT_DATA: alarm.insufficient_data_actions,
    }[State(alarm.state_value)]
    message = json.dumps(_message(world, alarm, old))
    subject = f'{alarm.state_value}: "{alarm.name}" in {_region_name(alarm)}'
    for action in actions or ():
        world.afterwork.submit(partial(_act, world, alarm, action, subject, message))


def _act(world: World, alarm: Any, action: str, subject: str, message: str) -> None:
    if action.split(":")[2:3] != ["sns"]:
        failed: str | None = "the sandbox carries out actions on topics only"
    else:
        facts = {
            "aws:sourcearn": alarm.alarm_arn,
            "aws:sourceaccount": account_of(alarm),
            "aws:sourceowner": account_of(alarm),
        }
        failed = topics.announce(action, SERVICE, subject, message, facts, facts)
    told = {"actionState": "Failed" if failed else "Succeeded", "notificationResource": action}
    if failed:
        told["error"] = failed
        summary = f'Failed to execute action {action}. Received error: "{failed}"'
    else:
        summary = f"Successfully executed action {action}"
    note(world, alarm, "Action", summary, told)


def _region_name(alarm: Any) -> str:
    return _REGIONS.get(alarm.region_name, alarm.region_name)


def _message(world: World, alarm: Any, old: str) -> dict[str, Any]:
    """As CloudWatch writes to a topic."""
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": account_of(alarm),
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "Region": _region_name(alarm),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": old,
        "OKActions": list(alarm.ok_actions or ()),
        "AlarmActions": list(alarm.alarm_actions or ()),
        "InsufficientDataActions": list(alarm.insufficient_data_actions or ()),
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic",
            "Statistic": (alarm.statistic or "").upper(),
            "Unit": alarm.unit,
            "Dimensions": [{"name": it.name, "value": it.value} for it in alarm.dimensions],
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data or "missing",
        },
    }
