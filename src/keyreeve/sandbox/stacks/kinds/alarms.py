"""AWS::CloudWatch::Alarm."""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.stacks.calling import given, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed

_SETTINGS: Final = (
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluateLowSampleCountPercentile",
    "EvaluationPeriods",
    "ExtendedStatistic",
    "InsufficientDataActions",
    "MetricName",
    "Metrics",
    "Namespace",
    "OKActions",
    "Period",
    "Statistic",
    "Threshold",
    "ThresholdMetricId",
    "TreatMissingData",
    "Unit",
)


def _make(site: Site, props: Props) -> str:
    name = str(props.get("AlarmName") or site.name())
    site.call("cloudwatch", "PutMetricAlarm", AlarmName=name, **given(props, *_SETTINGS, "Tags"))
    return name


def _put(site: Site, id_: str, new: Props, _: Props) -> None:
    site.call("cloudwatch", "PutMetricAlarm", AlarmName=id_, **given(new, *_SETTINGS))


def _rows(site: Site, id_: str) -> list[dict[str, Any]]:
    told = site.call("cloudwatch", "DescribeAlarms", AlarmNames=[id_])
    return list(told["MetricAlarms"])


def _read(site: Site, id_: str, _: Props) -> Props:
    rows = _rows(site, id_)
    if not rows:
        raise Failed(f"There is no alarm {id_}", "NotFound")
    return rows[0] | {"Arn": rows[0]["AlarmArn"]}


def _remove(site: Site, id_: str, _: Props) -> None:
    site.call("cloudwatch", "DeleteAlarms", AlarmNames=[id_])


ALARM: Final = Kind(
    type="AWS::CloudWatch::Alarm",
    make=_make,
    remove=_remove,
    facets=(
        Facet(properties=_SETTINGS, put=_put, read=_read, born=True),
        tags(
            "cloudwatch",
            ("TagResource", "ResourceARN", "Tags"),
            ("UntagResource", "ResourceARN", "TagKeys"),
            lambda site, id_: str(_rows(site, id_)[0]["AlarmArn"]),
        ),
    ),
    fixed=frozenset({"AlarmName"}),
    attributes=_read,
    present=lambda site, id_, _: bool(_rows(site, id_)),
    name="AlarmName",
    identifier=("AlarmName",),
)
KINDS: Final = (ALARM,)
