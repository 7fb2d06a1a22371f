"""Reads what stands between an event and the mail that tells of it, in one account and region.

CloudTrail → CloudWatch Logs → CloudWatch → SNS → KMS
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from keyreeve.aws.failures import calling
from keyreeve.aws.pages import by_token
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import NotFound
from keyreeve.model.identifiers import AccountId
from keyreeve.model.monitoring import (
    AlarmHistoryItem,
    Key,
    MetricAlarm,
    MetricFilter,
    Recorded,
    Subscription,
    Topic,
    Trail,
    WrittenMetric,
)

_PENDING: Final = frozenset({"PendingConfirmation", "pending confirmation"})
"""What stands for the ARN of a subscription that nobody has confirmed."""
_DELETED: Final = "Deleted"
_ABSENT: Final = [{"exists": False}]
"""The one rule of a filter policy that a message without attributes meets."""


class AwsMonitoring:
    """`ports.monitoring.MonitoringReader` over the SDK."""

    def __init__(self, sessions: Sessions, account_id: AccountId) -> None:
        self._account = account_id
        self._trail = sessions.client("cloudtrail")
        self._logs = sessions.client("logs")
        self._watch = sessions.client("cloudwatch")
        self._sns = sessions.client("sns")
        self._kms = sessions.client("kms")
        self._region = str(self._trail.meta.region_name)

    def trails(self) -> tuple[Trail, ...]:
        """DescribeTrails, shadow trails too; GetTrailStatus and GetEventSelectors of each."""
        return tuple(self._whole(row) for row in self._trails())

    @calling("logs:DescribeMetricFilters")
    def filters(self) -> tuple[MetricFilter, ...]:
        """DescribeMetricFilters of every log group."""
        pages = by_token(self._logs.describe_metric_filters, "nextToken")
        return tuple(_filter(row) for page in pages for row in page["metricFilters"])

    @calling("cloudwatch:DescribeAlarms")
    def alarms(self) -> tuple[MetricAlarm, ...]:
        """DescribeAlarms; no composite ones."""
        pages = by_token(self._watch.describe_alarms, "NextToken", AlarmTypes=["MetricAlarm"])
        return tuple(_alarm(row) for page in pages for row in page["MetricAlarms"])

    def topic(self, arn: str) -> Topic:
        """GetTopicAttributes, ListSubscriptionsByTopic, GetSubscriptionAttributes. NotFound."""
        attributes = self._attributes(arn)
        return Topic(
            arn=arn,
            policy=attributes["Policy"],
            key_id=attributes.get("KmsMasterKeyId") or None,
            subscriptions=self._subscriptions(arn),
        )

    def key(self, key_id: str) -> Key:
        """DescribeKey and GetKeyPolicy, by id, ARN or alias. NotFound."""
        found = self._key(key_id)
        return Key(
            arn=found["Arn"],
            state=found["KeyState"],
            aws_managed=found["KeyManager"] == "AWS",
            policy=self._key_policy(found["KeyId"]),
        )

    @calling("cloudwatch:DescribeAlarmHistory")
    def history(self, alarm: str) -> tuple[AlarmHistoryItem, ...]:
        """DescribeAlarmHistory, in no order that is promised."""
        pages = by_token(self._watch.describe_alarm_history, "NextToken", AlarmName=alarm)
        return tuple(
            AlarmHistoryItem(
                at=row["Timestamp"], kind=row["HistoryItemType"], summary=row["HistorySummary"]
            )
            for page in pages
            for row in page["AlarmHistoryItems"]
        )

    # --- CloudTrail ---

    @calling("cloudtrail:DescribeTrails")
    def _trails(self) -> list[Mapping[str, Any]]:
        found = self._trail.describe_trails(includeShadowTrails=True)
        return [row for row in found["trailList"] if row["IsMultiRegionTrail"] or self._ours(row)]

    def _ours(self, row: Mapping[str, Any]) -> bool:
        return bool(row["HomeRegion"] == self._region)

    def _whole(self, row: Mapping[str, Any]) -> Trail:
        # AWS: a shadow trail is known by its ARN only.
        name = row["Name"] if self._ours(row) else row["TrailARN"]
        status = self._status(name)
        group = row.get("CloudWatchLogsLogGroupArn")
        return Trail(
            name=row["Name"],
            arn=row["TrailARN"],
            multi_region=row["IsMultiRegionTrail"],
            global_events=row["IncludeGlobalServiceEvents"],
            logging=status["IsLogging"],
            log_group=self._group(group) if group else None,
            delivery_error=status.get("LatestCloudWatchLogsDeliveryError", ""),
            recorded=self._recorded(name),
        )

    def _group(self, arn: str) -> str | None:
        """An organization's trail may deliver to another account: its filters are not ours."""
        _, _, _, region, account, _, name = arn.removesuffix(":*").split(":", 6)
        return name if (region, account) == (self._region, self._account) else None

    @calling("cloudtrail:GetTrailStatus")
    def _status(self, name: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._trail.get_trail_status(Name=name)
        return answer

    @calling("cloudtrail:GetEventSelectors")
    def _recorded(self, name: str) -> Recorded:
        answer = self._trail.get_event_selectors(TrailName=name)
        advanced = answer.get("AdvancedEventSelectors") or []
        if advanced:
            return _by_fields([_fields(each) for each in advanced])
        return _by_kind(answer.get("EventSelectors") or [])

    # --- SNS, KMS ---

    @calling("sns:GetTopicAttributes")
    def _attributes(self, arn: str) -> Mapping[str, str]:
        found: Mapping[str, str] = self._sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        return found

    def _subscriptions(self, arn: str) -> tuple[Subscription, ...]:
        return tuple(
            Subscription(
                protocol=row["Protocol"],
                endpoint=row["Endpoint"],
                confirmed=(confirmed := row["SubscriptionArn"] not in _PENDING),
                deaf=confirmed and self._deaf(row["SubscriptionArn"]),
            )
            for row in self._subscribed(arn)
            if row["SubscriptionArn"] != _DELETED
        )

    @calling("sns:ListSubscriptionsByTopic")
    def _subscribed(self, arn: str) -> list[Mapping[str, Any]]:
        pages = by_token(self._sns.list_subscriptions_by_topic, "NextToken", TopicArn=arn)
        return [row for page in pages for row in page["Subscriptions"]]

    def _deaf(self, subscription: str) -> bool:
        try:
            told = self._subscription(subscription)
        except NotFound:  # gone since it was listed
            return True
        wanted = json.loads(told.get("FilterPolicy") or "{}")
        by_body = told.get("FilterPolicyScope") == "MessageBody"
        return not by_body and any(rule != _ABSENT for rule in wanted.values())

    @calling("sns:GetSubscriptionAttributes")
    def _subscription(self, arn: str) -> Mapping[str, str]:
        found: Mapping[str, str] = self._sns.get_subscription_attributes(SubscriptionArn=arn)[
            "Attributes"
        ]
        return found

    @calling("kms:DescribeKey")
    def _key(self, key_id: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._kms.describe_key(KeyId=key_id)["KeyMetadata"]
        return found

    @calling("kms:GetKeyPolicy")
    def _key_policy(self, key_id: str) -> str:
        return str(self._kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])


def _by_kind(selectors: list[Mapping[str, Any]]) -> Recorded:
    """AWS: a trail without selectors takes down all management events; several add up."""
    if not selectors:
        return Recorded()
    managing = [each for each in selectors if each.get("IncludeManagementEvents", True)]
    kinds = {each.get("ReadWriteType", "All") for each in managing}
    left_out = [frozenset(each.get("ExcludeManagementEventSources") or ()) for each in managing]
    return Recorded(
        writes=bool(kinds & {"All", "WriteOnly"}),
        reads=bool(kinds & {"All", "ReadOnly"}),
        excluded=frozenset.intersection(*left_out) if left_out else frozenset(),
    )


Fields = Mapping[str, Mapping[str, Any]]
"""Of one advanced selector: field → its operators."""


def _fields(selector: Mapping[str, Any]) -> Fields:
    return {each["Field"]: each for each in selector["FieldSelectors"]}


def _by_fields(selectors: list[Fields]) -> Recorded:
    """Advanced selectors: what `eventCategory` Management leaves in."""
    managing = [
        each for each in selectors if "Management" in each["eventCategory"].get("Equals", ())
    ]
    reads = [set(each.get("readOnly", {}).get("Equals", ("true", "false"))) for each in managing]
    left_out = [frozenset(each.get("eventSource", {}).get("NotEquals", ())) for each in managing]
    return Recorded(
        writes=any("false" in each for each in reads),
        reads=any("true" in each for each in reads),
        excluded=frozenset.intersection(*left_out) if left_out else frozenset(),
    )


def _filter(row: Mapping[str, Any]) -> MetricFilter:
    return MetricFilter(
        name=row["filterName"],
        log_group=row["logGroupName"],
        pattern=row.get("filterPattern", ""),
        metrics=tuple(
            WrittenMetric(
                namespace=each["metricNamespace"],
                name=each["metricName"],
                value=each["metricValue"],
                dimensions=frozenset(each.get("dimensions") or ()),
                unit=each.get("unit", ""),
            )
            for each in row["metricTransformations"]
        ),
    )


def _alarm(row: Mapping[str, Any]) -> MetricAlarm:
    return MetricAlarm(
        name=row["AlarmName"],
        arn=row["AlarmArn"],
        namespace=row.get("Namespace", ""),
        metric=row.get("MetricName", ""),
        dimensions=frozenset(each["Name"] for each in row.get("Dimensions", ())),
        unit=row.get("Unit", ""),
        statistic=row.get("Statistic") or row.get("ExtendedStatistic", ""),
        period_seconds=row.get("Period", 0),
        evaluation_periods=row["EvaluationPeriods"],
        datapoints_to_alarm=row.get("DatapointsToAlarm"),
        threshold=row.get("Threshold", 0),
        comparison=row["ComparisonOperator"],
        missing_data=row.get("TreatMissingData", "missing"),
        actions_enabled=row["ActionsEnabled"],
        actions=tuple(row.get("AlarmActions", ())),
        state=row["StateValue"],
    )
