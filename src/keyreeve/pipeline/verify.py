"""`baseline verify`, the part that changes nothing: facts of every link, then the chains.

1  read trails, metric filters, alarms; then the topics that the alarms name, and their keys
2  follow each alarm's chain to its end or to the first broken link
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from keyreeve.governance.alarm_chain import Chain, Expected, follow
from keyreeve.governance.alarms import Alarm, metric_namespace, resource_name
from keyreeve.model.errors import NotFound
from keyreeve.model.identifiers import AccountId
from keyreeve.model.monitoring import MetricAlarm, MetricFilter, Monitoring
from keyreeve.ports.monitoring import MonitoringReader

T = TypeVar("T")


def verify(
    alarms: Iterable[Alarm], reader: MonitoringReader, *, project: str, account_id: AccountId
) -> tuple[Chain, ...]:
    """The chain of each alarm. `project`: as the names of its stacks bear it.

    AwsFailure where a fact cannot be read: nothing is called whole by guess.
    """
    wanted = [
        (
            alarm,
            Expected(name=resource_name(project, alarm.id), namespace=metric_namespace(project)),
        )
        for alarm in alarms
    ]
    facts = gather(reader, account_id, {expected.name for _, expected in wanted})
    return tuple(follow(alarm, expected, facts) for alarm, expected in wanted)


def gather(reader: MonitoringReader, account_id: AccountId, names: set[str]) -> Monitoring:
    """Everything that bears on the alarms of these names, or on any filter's metric."""
    filters, alarms = reader.filters(), reader.alarms()
    told = [arn for alarm in _near(alarms, filters, names) for arn in alarm.actions]
    topics = _found((arn for arn in told if ":sns:" in arn), reader.topic)
    keys = (topic.key_id for topic in topics.values() if topic.key_id is not None)
    return Monitoring(
        account_id=account_id,
        trails=reader.trails(),
        filters=filters,
        alarms=alarms,
        topics=topics,
        keys=_found(keys, reader.key),
    )


def _near(
    alarms: Iterable[MetricAlarm], filters: Iterable[MetricFilter], names: set[str]
) -> list[MetricAlarm]:
    written = {(metric.namespace, metric.name) for each in filters for metric in each.metrics}
    return [a for a in alarms if a.name in names or (a.namespace, a.metric) in written]


def _found(names: Iterable[str], ask: Callable[[str], T]) -> Mapping[str, T]:
    """What is there of it: each is asked for once."""
    found: dict[str, T] = {}
    for name in dict.fromkeys(names):
        try:
            found[name] = ask(name)
        except NotFound:
            continue
    return found
