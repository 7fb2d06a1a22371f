"""AWS::Logs: groups and metric filters."""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.stacks.calling import given, removing, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed


def _make_group(site: Site, props: Props) -> str:
    name = str(props.get("LogGroupName") or site.name(512))
    told = given(props, "KmsKeyId", "LogGroupClass", "Tags")
    site.call("logs", "CreateLogGroup", logGroupName=name, **told)
    return name


def _group(site: Site, id_: str, _: Props) -> dict[str, Any]:
    rows = site.call("logs", "DescribeLogGroups", logGroupNamePrefix=id_)["logGroups"]
    row = next((it for it in rows if it["logGroupName"] == id_), None)
    if row is None:
        raise Failed(f"The specified log group does not exist: {id_}", "NotFound")
    return given(row, Arn="arn", RetentionInDays="retentionInDays", KmsKeyId="kmsKeyId")


def _group_there(site: Site, id_: str, props: Props) -> bool:
    try:
        _group(site, id_, props)
    except Failed:
        return False
    return True


def _put_retention(site: Site, id_: str, new: Props, _: Props) -> None:
    if "RetentionInDays" in new:
        told = given(new, "RetentionInDays")
        site.call("logs", "PutRetentionPolicy", logGroupName=id_, **told)
    else:
        site.call("logs", "DeleteRetentionPolicy", logGroupName=id_)


def _put_key(site: Site, id_: str, new: Props, _: Props) -> None:
    if "KmsKeyId" in new:
        site.call("logs", "AssociateKmsKey", logGroupName=id_, **given(new, "KmsKeyId"))
    else:
        site.call("logs", "DisassociateKmsKey", logGroupName=id_)


GROUP: Final = Kind(
    type="AWS::Logs::LogGroup",
    make=_make_group,
    remove=removing("logs", "DeleteLogGroup", "logGroupName"),
    facets=(
        Facet(properties=("RetentionInDays",), put=_put_retention, read=_group),
        Facet(properties=("KmsKeyId",), put=_put_key, read=_group, born=True),
        tags(
            "logs",
            ("TagResource", "resourceArn", "tags"),
            ("UntagResource", "resourceArn", "tagKeys"),
            lambda site, id_: str(_group(site, id_, {})["Arn"]).removesuffix(":*"),
        ),
    ),
    fixed=frozenset({"LogGroupName", "LogGroupClass"}),
    attributes=_group,
    present=_group_there,
    name="LogGroupName",
    identifier=("LogGroupName",),
)


# --- metric filters -----------------------------------------------------------------------------


def _filter_name(site: Site, props: Props) -> str:
    return str(props.get("FilterName") or site.name(512))


def _put_filter(site: Site, id_: str, new: Props, _: Props) -> None:
    told = given(new, "LogGroupName", "FilterPattern", "MetricTransformations")
    site.call("logs", "PutMetricFilter", filterName=id_, **told)


def _filters(site: Site, id_: str, props: Props) -> list[dict[str, Any]]:
    told = site.call(
        "logs",
        "DescribeMetricFilters",
        logGroupName=props["LogGroupName"],
        filterNamePrefix=id_,
    )
    return [it for it in told["metricFilters"] if it["filterName"] == id_]


def _read_filter(site: Site, id_: str, props: Props) -> Props:
    rows = _filters(site, id_, props)
    if not rows:
        raise Failed(f"The specified metric filter does not exist: {id_}", "NotFound")
    moves = [_as_listed(it) for it in rows[0]["metricTransformations"]]
    return {"FilterPattern": rows[0]["filterPattern"], "MetricTransformations": moves}


def _as_listed(move: Props) -> Props:
    told = {_title(key): value for key, value in move.items()}
    if told.get("Dimensions"):
        rows = told["Dimensions"].items()
        told["Dimensions"] = [{"Key": name, "Value": value} for name, value in rows]
    return told


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _remove_filter(site: Site, id_: str, props: Props) -> None:
    told = given(props, "LogGroupName")
    site.call("logs", "DeleteMetricFilter", filterName=id_, **told)


FILTER: Final = Kind(
    type="AWS::Logs::MetricFilter",
    make=_filter_name,
    remove=_remove_filter,
    facets=(
        Facet(
            properties=("FilterPattern", "MetricTransformations"),
            put=_put_filter,
            read=_read_filter,
        ),
    ),
    fixed=frozenset({"FilterName", "LogGroupName"}),
    required=frozenset({"FilterPattern", "LogGroupName", "MetricTransformations"}),
    present=lambda site, id_, props: bool(_filters(site, id_, props)),
    name="FilterName",
    identifier=("LogGroupName", "FilterName"),
    identify=lambda _site, identifier: str(identifier["FilterName"]),
)
KINDS: Final = (GROUP, FILTER)
