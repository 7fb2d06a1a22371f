"""AWS::CloudTrail::Trail."""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.stacks.calling import given, items, reading, removing, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed
from keyreeve.sandbox.stacks.shaping import truth

_SETTINGS: Final = (
    "CloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn",
    "EnableLogFileValidation",
    "IncludeGlobalServiceEvents",
    "IsMultiRegionTrail",
    "IsOrganizationTrail",
    "KMSKeyId",
    "S3BucketName",
    "S3KeyPrefix",
    "SnsTopicName",
)
_OFF: Final[Props] = {
    "CloudWatchLogsLogGroupArn": "",
    "CloudWatchLogsRoleArn": "",
    "EnableLogFileValidation": False,
    "IncludeGlobalServiceEvents": True,
    "IsMultiRegionTrail": False,
    "IsOrganizationTrail": False,
    "KMSKeyId": "",
    "S3KeyPrefix": "",
    "SnsTopicName": "",
}


def _make(site: Site, props: Props) -> str:
    name = str(props.get("TrailName") or site.name(128))
    told = given(props, *_SETTINGS, TagsList="Tags")
    site.call("cloudtrail", "CreateTrail", Name=name, **told)
    return name


def _put(site: Site, id_: str, new: Props, old: Props) -> None:
    gone = {name: off for name, off in _OFF.items() if name in old and name not in new}
    site.call("cloudtrail", "UpdateTrail", Name=id_, **given(new, *_SETTINGS), **gone)


def _trail(site: Site, id_: str, _: Props) -> dict[str, Any]:
    rows = site.call("cloudtrail", "DescribeTrails", trailNameList=[id_])["trailList"]
    if not rows:
        raise Failed(f"Unknown trail: {id_}", "NotFound")
    row = dict(rows[0])
    row["EnableLogFileValidation"] = row.get("LogFileValidationEnabled", False)
    row |= {"Arn": row["TrailARN"], **given(row, KMSKeyId="KmsKeyId")}
    return row


def _there(site: Site, id_: str, props: Props) -> bool:
    try:
        _trail(site, id_, props)
    except Failed:
        return False
    return True


def _put_logging(site: Site, id_: str, new: Props, old: Props) -> None:
    on = truth(new["IsLogging"])
    if on or old:
        site.call("cloudtrail", "StartLogging" if on else "StopLogging", Name=id_)


def _read_logging(site: Site, id_: str, _: Props) -> Props:
    return {"IsLogging": site.call("cloudtrail", "GetTrailStatus", Name=id_)["IsLogging"]}


def _put_selectors(site: Site, id_: str, new: Props, _: Props) -> None:
    """Without selectors a trail takes down what a new one does: management events."""
    told = given(new, "EventSelectors", "AdvancedEventSelectors")
    usual = {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}
    site.call("cloudtrail", "PutEventSelectors", TrailName=id_, **(told or usual))


def _put_insights(site: Site, id_: str, new: Props, _: Props) -> None:
    chosen = items(new, "InsightSelectors")
    site.call("cloudtrail", "PutInsightSelectors", TrailName=id_, InsightSelectors=chosen)


TRAIL: Final = Kind(
    type="AWS::CloudTrail::Trail",
    make=_make,
    remove=removing("cloudtrail", "DeleteTrail", "Name"),
    facets=(
        Facet(properties=_SETTINGS, put=_put, read=_trail, born=True),
        Facet(
            properties=("EventSelectors", "AdvancedEventSelectors"),
            put=_put_selectors,
            read=reading("cloudtrail", "GetEventSelectors", "TrailName"),
        ),
        Facet(
            properties=("InsightSelectors",),
            put=_put_insights,
            read=reading("cloudtrail", "GetInsightSelectors", "TrailName"),
        ),
        tags(
            "cloudtrail",
            ("AddTags", "ResourceId", "TagsList"),
            ("RemoveTags", "ResourceId", "TagsList"),
            lambda site, id_: str(_trail(site, id_, {})["TrailARN"]),
        ),
        Facet(properties=("IsLogging",), put=_put_logging, read=_read_logging),
    ),
    fixed=frozenset({"TrailName"}),
    required=frozenset({"S3BucketName", "IsLogging"}),
    attributes=_trail,
    present=_there,
    name="TrailName",
    identifier=("TrailName",),
)
KINDS: Final = (TRAIL,)
