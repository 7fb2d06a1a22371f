"""AWS::StepFunctions::StateMachine, its definition given as text."""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.stacks.calling import found_by, given, reading, removing
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site

_ARN: Final = "stateMachineArn"


def _make(site: Site, props: Props) -> str:
    name = str(props.get("StateMachineName") or site.name(80))
    told = given(props, type="StateMachineType")
    made = site.call("stepfunctions", "CreateStateMachine", name=name, **told, **_settings(props))
    return str(made[_ARN])


def _put(site: Site, id_: str, new: Props, _: Props) -> None:
    site.call("stepfunctions", "UpdateStateMachine", **{_ARN: id_}, **_settings(new))


def _settings(props: Props) -> dict[str, Any]:
    return given(props, definition="DefinitionString", roleArn="RoleArn")


def _read(site: Site, id_: str, props: Props) -> Props:
    told = reading("stepfunctions", "DescribeStateMachine", _ARN)(site, id_, props)
    return {"DefinitionString": told["definition"], "RoleArn": told["roleArn"]}


def _attributes(site: Site, id_: str, props: Props) -> Props:
    told = reading("stepfunctions", "DescribeStateMachine", _ARN)(site, id_, props)
    return {"Arn": id_, "Name": told["name"]}


def _there(site: Site, id_: str, props: Props) -> bool:
    """Asked by name before it is made: moto would answer with the one that is there."""
    place = f"arn:{site.partition}:states:{site.region}:{site.account}:stateMachine:"
    arn = id_ if id_.startswith("arn:") else place + id_
    return found_by("stepfunctions", "DescribeStateMachine", _ARN)(site, arn, props)


MACHINE: Final = Kind(
    type="AWS::StepFunctions::StateMachine",
    make=_make,
    remove=removing("stepfunctions", "DeleteStateMachine", _ARN),
    facets=(Facet(properties=("DefinitionString", "RoleArn"), put=_put, read=_read, born=True),),
    fixed=frozenset({"StateMachineName", "StateMachineType"}),
    required=frozenset({"RoleArn"}),
    attributes=_attributes,
    present=_there,
    name="StateMachineName",
)
KINDS: Final = (MACHINE,)
