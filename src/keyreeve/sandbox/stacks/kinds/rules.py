"""AWS::Events::Rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from keyreeve.sandbox.stacks.calling import given, items, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed

_SETTINGS: Final = ("Description", "EventPattern", "RoleArn", "ScheduleExpression", "State")


def _bus(props: Props) -> dict[str, Any]:
    return given(props, "EventBusName")


def _make(site: Site, props: Props) -> str:
    return str(props.get("Name") or site.name(64))


def _put(site: Site, id_: str, new: Props, _: Props) -> None:
    site.call("events", "PutRule", Name=id_, **_bus(new), **given(new, *_SETTINGS))


def _rule(site: Site, id_: str, props: Props) -> Props:
    return site.call("events", "DescribeRule", Name=id_, **_bus(props))


def _there(site: Site, id_: str, props: Props) -> bool:
    try:
        _rule(site, id_, props)
    except Failed:
        return False
    return True


def _put_targets(site: Site, id_: str, new: Props, old: Props) -> None:
    after, before = items(new, "Targets"), items(old, "Targets")
    kept = {it["Id"] for it in after}
    gone = [it["Id"] for it in before if it["Id"] not in kept]
    if gone:
        site.call("events", "RemoveTargets", Rule=id_, Ids=gone, **_bus(old))
    if after:
        told = site.call("events", "PutTargets", Rule=id_, Targets=after, **_bus(new))
        for failure in told.get("FailedEntries", ()):
            raise Failed(f"{failure['TargetId']}: {failure.get('ErrorMessage', '')}")


def _read_targets(site: Site, id_: str, props: Props) -> Props:
    told = site.call("events", "ListTargetsByRule", Rule=id_, **_bus(props))["Targets"]
    wanted = [it["Id"] for it in items(props, "Targets")]
    return {
        "Targets": sorted(
            told, key=lambda it: wanted.index(it["Id"]) if it["Id"] in wanted else len(wanted)
        )
    }


def _remove(site: Site, id_: str, props: Props) -> None:
    site.call("events", "DeleteRule", Name=id_, **_bus(props))


def _of_arn(_site: Site, identifier: Props) -> str:
    return str(identifier["Arn"]).rpartition("/")[2]


RULE: Final = Kind(
    type="AWS::Events::Rule",
    make=_make,
    remove=_remove,
    facets=(
        Facet(properties=_SETTINGS, put=_put, read=_rule),
        Facet(properties=("Targets",), put=_put_targets, read=_read_targets, undo=True),
        replace(
            tags(
                "events",
                ("TagResource", "ResourceARN", "Tags"),
                ("UntagResource", "ResourceARN", "TagKeys"),
                lambda site, id_: str(_rule(site, id_, {})["Arn"]),
            ),
            born=False,
        ),
    ),
    fixed=frozenset({"Name", "EventBusName"}),
    attributes=_rule,
    present=_there,
    name="Name",
    identifier=("Arn",),
    identify=_of_arn,
)
KINDS: Final = (RULE,)
