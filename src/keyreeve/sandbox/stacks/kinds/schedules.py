"""AWS::Scheduler::Schedule."""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.stacks.calling import given
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed

_SETTINGS: Final = (
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "GroupName",
    "KmsKeyArn",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
    "Target",
)


def _make(site: Site, props: Props) -> str:
    name = str(props.get("Name") or site.name(64))
    site.call("scheduler", "CreateSchedule", Name=name, **_told(props))
    return name


def _put(site: Site, id_: str, new: Props, _: Props) -> None:
    site.call("scheduler", "UpdateSchedule", Name=id_, **_told(new))


def _told(props: Props) -> dict[str, Any]:
    """AWS: a call that does not name the state means ENABLED; moto would have none."""
    return {"State": "ENABLED", **given(props, *_SETTINGS)}


def _read(site: Site, id_: str, props: Props) -> Props:
    return site.call("scheduler", "GetSchedule", Name=id_, **given(props, "GroupName"))


def _there(site: Site, id_: str, props: Props) -> bool:
    try:
        _read(site, id_, props)
    except Failed:
        return False
    return True


def _remove(site: Site, id_: str, props: Props) -> None:
    site.call("scheduler", "DeleteSchedule", Name=id_, **given(props, "GroupName"))


SCHEDULE: Final = Kind(
    type="AWS::Scheduler::Schedule",
    make=_make,
    remove=_remove,
    facets=(Facet(properties=_SETTINGS, put=_put, read=_read, born=True),),
    fixed=frozenset({"Name"}),
    required=frozenset({"FlexibleTimeWindow", "ScheduleExpression", "Target"}),
    attributes=_read,
    present=_there,
    name="Name",
    identifier=("Name",),
)
KINDS: Final = (SCHEDULE,)
