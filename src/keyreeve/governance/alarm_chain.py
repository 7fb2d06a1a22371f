"""Every alarm followed link by link; the first broken one is named (S2.24, S2.26, S2.27).

    1  trail          a trail writes such events of all regions to a log group
    2  metric filter  there counts the card's samples, and none of those that are only near
    3  metric         what the filter writes is what the alarm watches
    4  alarm          fires on as many events as were wanted, and its actions are on
    5  action         an SNS topic that exists
    6  topic policy   lets CloudWatch publish
    7  key            of an encrypted topic: can be used, and by CloudWatch
    8  subscription   somebody has confirmed one, and it filters no alarm out

Links 6 and 7 are put to our evaluator of policies, as CloudWatch would ask.  Sources: SNS Developer
Guide, "Amazon SNS key management"; CloudWatch User Guide, "Using Amazon CloudWatch alarms".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keyreeve.governance.alarm_card import Event
from keyreeve.governance.alarm_reach import may_publish, may_use_key
from keyreeve.governance.alarm_threshold import why_silent
from keyreeve.governance.alarms import Alarm
from keyreeve.language.filter_pattern import MalformedPattern, parse_pattern
from keyreeve.model.monitoring import (
    MetricAlarm,
    MetricFilter,
    Monitoring,
    Topic,
    Trail,
    WrittenMetric,
)

_NO_UNIT: Final = "None"
"""AWS's word for no unit."""
AWS_OWN_KEY: Final = "alias/aws/sns"
_DEPLOY_TRAIL: Final = "`keyreeve baseline deploy audit-trail --execute` makes one that does."
_START: Final = "`aws cloudtrail start-logging` starts it again; find out who stopped it."
_DEPLOY: Final = "`keyreeve baseline deploy monitoring --execute` sets it right."


_UNFILTER: Final = (
    "Take the filter policy off: it asks for message attributes, and alarms bear none. `aws sns "
    "set-subscription-attributes --attribute-name FilterPolicy --attribute-value '{}'`."
)


class Step(StrEnum):
    """The links, in order."""

    TRAIL = "trail"
    FILTER = "metric filter"
    METRIC = "metric"
    ALARM = "alarm"
    ACTION = "action"
    TOPIC_POLICY = "topic policy"
    KEY = "key"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link: what was found, and where it is broken, what to do."""

    step: Step
    found: str
    sound: bool = True
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The links of one alarm up to the first that is broken, or all of them."""

    alarm: Alarm
    links: tuple[Link, ...]
    watching: MetricAlarm | None = None
    """The alarm that AWS has for it, as far as the chain was followed."""

    @property
    def broken(self) -> Link | None:
        """The first broken link; None: the chain is whole."""
        return next((link for link in self.links if not link.sound), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How filter and alarm are called, and what lies between them, where Keyreeve made them."""

    name: str
    namespace: str


def follow(alarm: Alarm, expected: Expected, facts: Monitoring) -> Chain:
    """The chain of one alarm. Filter and alarm of other names will do if they do the work."""
    walk = _Walk(alarm, expected, facts)
    try:
        walk.to_the_topics()
    except _Broken:
        return Chain(alarm=alarm, links=tuple(walk.links), watching=walk.alarm)
    links = (*walk.links, *walk.best_of_topics())
    return Chain(alarm=alarm, links=links, watching=walk.alarm)


class _Broken(Exception):
    """The walk ends here; the broken link is the last."""


class _Walk:
    """One alarm's way; each step adds its link."""

    def __init__(self, alarm: Alarm, expected: Expected, facts: Monitoring) -> None:
        self._wanted = alarm
        self._card = alarm.card
        self._expected = expected
        self._facts = facts
        self._topics: tuple[Topic, ...] = ()
        self.alarm: MetricAlarm | None = None
        self.links: list[Link] = []

    def to_the_topics(self) -> None:
        """Links 1 to 5. _Broken at the first that is."""
        groups = self._trail()
        found = self._filter(groups)
        self.alarm = self._watching(found)
        metric = self._metric(found, self.alarm)
        alarm = self._fires(self.alarm, metric)
        self._action(alarm)

    def best_of_topics(self) -> tuple[Link, ...]:
        """Links 6 to 8 of the topic that brings the alarm furthest."""
        ways = [self._beyond(topic) for topic in self._topics]
        return max(ways, key=lambda way: sum(link.sound for link in way))

    def _add(self, step: Step, found: str) -> None:
        self.links.append(Link(step=step, found=found))

    def _end(self, step: Step, found: str, remedy: str) -> _Broken:
        self.links.append(_broken(step, found, remedy))
        return _Broken()

    # --- 1 ---

    def _trail(self) -> frozenset[str]:
        """The log groups that such events reach."""
        trails = self._facts.trails
        if not trails:
            raise self._end(Step.TRAIL, "the account has no trail", _DEPLOY_TRAIL)
        filtered = {each.log_group for each in self._candidates()}
        ranked = sorted(trails, key=lambda trail: trail.log_group not in filtered)
        sound = [trail for trail in ranked if self._why_deaf(trail) is None]
        if not sound:
            nearest = ranked[0]
            what = f"{nearest.name} {self._why_deaf(nearest)}"
            raise self._end(Step.TRAIL, what, _DEPLOY_TRAIL if nearest.logging else _START)
        self._add(Step.TRAIL, f"{sound[0].name} → {sound[0].log_group}")
        return frozenset(str(trail.log_group) for trail in sound)

    def _why_deaf(self, trail: Trail) -> str | None:
        """Why the card's events do not reach a log group by this trail."""
        if trail.log_group is None:
            return "delivers to no log group of this account and region"
        if not trail.multi_region:
            return "takes down one region only"
        if not trail.global_events:
            return "leaves out the events of global services (IAM, STS, sign-in)"
        if not trail.logging:
            return "has stopped logging"
        if trail.delivery_error:
            return f"cannot deliver to {trail.log_group}: {trail.delivery_error}"
        for event in self._card.matching:
            recorded = trail.recorded
            if event["eventSource"] in recorded.excluded:
                return f"leaves out the events of {event['eventSource']}"
            if not (recorded.reads if event["readOnly"] else recorded.writes):
                kind = "reading" if event["readOnly"] else "writing"
                return f"does not take down {kind} calls such as {event['eventName']}"
        return None

    # --- 2 ---

    def _candidates(self) -> list[MetricFilter]:
        """By name, then by the metric that is written."""
        wanted = (self._expected.namespace, self._card.metric)
        named = [each for each in self._facts.filters if each.name == self._expected.name]
        return named + [
            each
            for each in self._facts.filters
            if each not in named and wanted in {(m.namespace, m.name) for m in each.metrics}
        ]

    def _filter(self, groups: frozenset[str]) -> MetricFilter:
        candidates = self._candidates()
        if not candidates:
            missing = f"there is no filter {self._expected.name}"
            raise self._end(Step.FILTER, missing, _DEPLOY)
        reached = [each for each in candidates if each.log_group in groups]
        if not reached:
            found = candidates[0]
            where = f"{found.name} lies in {found.log_group}, the trail writes to {_named(groups)}"
            raise self._end(Step.FILTER, where, _DEPLOY)
        for each in reached:
            if self._why_wrong(each) is None:
                self._add(Step.FILTER, f"{each.name}: {self._counted()}")
                return each
        found = reached[0]
        raise self._end(Step.FILTER, f"{found.name} {self._why_wrong(found)}", _DEPLOY)

    def _why_wrong(self, found: MetricFilter) -> str | None:
        try:
            pattern = parse_pattern(found.pattern)
        except MalformedPattern as error:
            return f"has a pattern that cannot be read: {error}"
        for event in self._card.matching:
            if not pattern.matches(event):
                return f"does not count {_told(event)}"
        for event in self._card.passing:
            if pattern.matches(event):
                return f"counts {_told(event)}, which is none of its business"
        return None

    def _counted(self) -> str:
        good, near = len(self._card.matching), len(self._card.passing)
        return f"counts {good} of {good} samples, and none of {near} that are only near"

    # --- 3 ---

    def _watching(self, found: MetricFilter) -> MetricAlarm | None:
        written = {(metric.namespace, metric.name) for metric in found.metrics}
        alarms = self._facts.alarms
        watching = [each for each in alarms if (each.namespace, each.metric) in written]
        named = [each for each in alarms if each.name == self._expected.name]
        # One that works under another name is better than a broken one under its own.
        both = [each for each in named if each in watching]
        return next(iter([*both, *watching, *named]), None)

    def _metric(self, found: MetricFilter, alarm: MetricAlarm | None) -> WrittenMetric:
        if not found.metrics:
            raise self._end(Step.METRIC, f"{found.name} writes no metric", _DEPLOY)
        watched = (alarm.namespace, alarm.metric) if alarm else None
        metric = next(
            (m for m in found.metrics if watched in (None, (m.namespace, m.name))), found.metrics[0]
        )
        path = f"{metric.namespace} {metric.name}"
        if alarm and watched != (metric.namespace, metric.name):
            seen = f"{alarm.namespace} {alarm.metric}".strip() or "no metric of its own"
            raise self._end(
                Step.METRIC, f"{found.name} writes {path}, but {alarm.name} watches {seen}", _DEPLOY
            )
        if alarm and alarm.dimensions != metric.dimensions:
            differing = _named(alarm.dimensions ^ metric.dimensions)
            raise self._end(Step.METRIC, f"{path}: filter and alarm differ in {differing}", _DEPLOY)
        if alarm and alarm.unit and alarm.unit != (metric.unit or _NO_UNIT):
            units = (
                f"writes the unit {metric.unit or _NO_UNIT}, but {alarm.name} takes {alarm.unit}"
            )
            raise self._end(Step.METRIC, f"{found.name} {units} only", _DEPLOY)
        if _number(metric.value) <= 0:
            raise self._end(Step.METRIC, f"{path}: an event adds {metric.value}", _DEPLOY)
        self._add(Step.METRIC, f"{path}, {metric.value} for each event")
        return metric

    # --- 4, 5 ---

    def _fires(self, alarm: MetricAlarm | None, metric: WrittenMetric) -> MetricAlarm:
        if alarm is None:
            raise self._end(Step.ALARM, f"there is no alarm {self._expected.name}", _DEPLOY)
        if not alarm.actions_enabled:
            switch = f"`aws cloudwatch enable-alarm-actions --alarm-names {alarm.name}`"
            raise self._end(Step.ALARM, f"{alarm.name}: its actions are switched off", switch)
        reason = why_silent(alarm, self._wanted, float(metric.value))
        if reason is not None:
            raise self._end(Step.ALARM, f"{alarm.name}: {reason}", _DEPLOY)
        events = "each event" if self._wanted.threshold == 1 else f"{self._wanted.threshold} events"
        self._add(Step.ALARM, f"{alarm.name} fires on {events}, now {alarm.state}")
        return alarm

    def _action(self, alarm: MetricAlarm) -> None:
        actions = alarm.actions
        topics = [action for action in actions if ":sns:" in action]
        if not topics:
            what = f"only {_named(actions)}" if actions else "nothing"
            raise self._end(Step.ACTION, f"{alarm.name} does {what}; no topic is told", _DEPLOY)
        self._topics = tuple(self._facts.topics[arn] for arn in topics if arn in self._facts.topics)
        if not self._topics:
            raise self._end(Step.ACTION, f"{topics[0]} does not exist", _DEPLOY)
        self._add(Step.ACTION, _named(topic.arn for topic in self._topics))

    # --- 6, 7, 8 ---

    def _beyond(self, topic: Topic) -> tuple[Link, ...]:
        links = []
        for link in (self._policy(topic), self._key(topic), _subscription(topic)):
            links.append(link)
            if not link.sound:
                break
        return tuple(links)

    @property
    def _arn(self) -> str:
        return self.alarm.arn if self.alarm else ""

    def _policy(self, topic: Topic) -> Link:
        reason = may_publish(topic, self._arn, self._facts.account_id)
        if reason is None:
            return Link(step=Step.TOPIC_POLICY, found="lets CloudWatch publish")
        return _broken(
            Step.TOPIC_POLICY,
            f"{topic.arn}: {reason}",
            f"Allow cloudwatch.amazonaws.com sns:Publish in the topic's policy. {_DEPLOY}",
        )

    def _key(self, topic: Topic) -> Link:
        if topic.key_id is None:
            return Link(step=Step.KEY, found="the topic is not encrypted")
        key = self._facts.keys.get(topic.key_id)
        if topic.key_id.endswith(AWS_OWN_KEY) or (key is not None and key.aws_managed):
            return _broken(
                Step.KEY,
                f"{topic.key_id} is AWS's own key: its policy never lets CloudWatch in",
                f"Encrypt the topic with a key of your own. {_DEPLOY}",
            )
        if key is None:
            return _broken(Step.KEY, f"{topic.key_id} does not exist", _DEPLOY)
        if key.state != "Enabled":
            remedy = "Enable it, or cancel its deletion: `aws kms enable-key`."
            return _broken(Step.KEY, f"{key.arn} cannot be used: {key.state}", remedy)
        reason = may_use_key(key, topic, self._arn, self._facts.account_id)
        if reason is None:
            return Link(step=Step.KEY, found="lets CloudWatch use it")
        remedy = (
            "Allow cloudwatch.amazonaws.com kms:Decrypt and kms:GenerateDataKey* in its policy."
        )
        return _broken(Step.KEY, f"{key.arn}: {reason}", f"{remedy} {_DEPLOY}")


def _subscription(topic: Topic) -> Link:
    waiting = [each.endpoint for each in topic.subscriptions if not each.confirmed]
    confirmed = [each for each in topic.subscriptions if each.confirmed]
    deaf = [each.endpoint for each in confirmed if each.deaf]
    heard = [each.endpoint for each in confirmed if not each.deaf]
    late = f"; not confirmed: {_named(waiting)}" if waiting else ""
    late += f"; filtered out: {_named(deaf)}" if deaf else ""
    if heard:
        return Link(step=Step.SUBSCRIPTION, found=f"{_named(heard)}{late}")
    if deaf:
        what = f"{topic.arn}: every confirmed subscription filters alarms out{late}"
        return _broken(Step.SUBSCRIPTION, what, _UNFILTER)
    if waiting:
        remedy = "Each follows the link in the mail “AWS Notification – Subscription Confirmation”."
        return _broken(Step.SUBSCRIPTION, f"{topic.arn}: nobody has confirmed{late}", remedy)
    remedy = f"Name addresses in `baseline.alerts`. {_DEPLOY}"
    return _broken(Step.SUBSCRIPTION, f"{topic.arn} has no subscription", remedy)


def _broken(step: Step, found: str, remedy: str) -> Link:
    return Link(step=step, found=found, sound=False, remedy=remedy)


def _told(event: Event) -> str:
    """A sample in a few words."""
    code = event.get("errorCode")
    return f"{event['eventName']} " + (
        f"({code})" if code else f"by {event['userIdentity']['type']}"
    )


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0
