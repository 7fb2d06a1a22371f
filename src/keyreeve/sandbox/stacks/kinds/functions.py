"""AWS::Lambda: functions, who may invoke them, what becomes of failed invocations."""

from __future__ import annotations

import io
import zipfile
from typing import Any, Final

from keyreeve.sandbox.stacks.calling import found_by, given, reading, removing, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed

_SETTINGS: Final = (
    "DeadLetterConfig",
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
    "TracingConfig",
    "VpcConfig",
)
_LAMBDA: Final = reading("lambda", "GetFunction", "FunctionName", "Configuration")
_SOURCE: Final = frozenset({"S3Bucket", "S3Key", "S3ObjectVersion", "ZipFile"})


def _make(site: Site, props: Props) -> str:
    name = str(props.get("FunctionName") or site.name(64))
    told = given(props, *_SETTINGS, "Architectures", "PackageType", "Tags")
    site.call("lambda", "CreateFunction", FunctionName=name, Code=_code(props), **told)
    return name


def _code(props: Props) -> dict[str, Any]:
    """Inline source becomes the package that CloudFormation makes of it."""
    code = dict(props["Code"])
    unknown = sorted(set(code) - _SOURCE)
    if unknown:
        raise Failed(f"#/Code: extraneous key [{unknown[0]}] is not permitted")
    if "ZipFile" in code:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            suffix = "py" if str(props.get("Runtime", "")).startswith("python") else "js"
            archive.writestr(f"index.{suffix}", code["ZipFile"])
        code["ZipFile"] = packed.getvalue()
    return code


def _put_code(site: Site, id_: str, new: Props, _: Props) -> None:
    told = given(new, "Architectures")
    site.call("lambda", "UpdateFunctionCode", FunctionName=id_, **_code(new), **told)


def _put(site: Site, id_: str, new: Props, old: Props) -> None:
    gone: dict[str, Any] = {
        "DeadLetterConfig": {},
        "Description": "",
        "Environment": {"Variables": {}},
        "KmsKeyArn": "",
        "Layers": [],
        "MemorySize": 128,
        "Timeout": 3,
        "TracingConfig": {"Mode": "PassThrough"},
    }
    told = {name: off for name, off in gone.items() if name in old and name not in new}
    told |= given(new, *_SETTINGS)
    site.call("lambda", "UpdateFunctionConfiguration", FunctionName=id_, **told)


def _put_concurrency(site: Site, id_: str, new: Props, _: Props) -> None:
    if "ReservedConcurrentExecutions" in new:
        told = given(new, "ReservedConcurrentExecutions")
        site.call("lambda", "PutFunctionConcurrency", FunctionName=id_, **told)
    else:
        site.call("lambda", "DeleteFunctionConcurrency", FunctionName=id_)


def _attributes(site: Site, id_: str, props: Props) -> Props:
    return {"Arn": _LAMBDA(site, id_, props)["FunctionArn"]}


FUNCTION: Final = Kind(
    type="AWS::Lambda::Function",
    make=_make,
    remove=removing("lambda", "DeleteFunction", "FunctionName"),
    facets=(
        Facet(properties=("Code", "Architectures"), put=_put_code, born=True),
        Facet(properties=_SETTINGS, put=_put, read=_LAMBDA, born=True),
        Facet(
            properties=("ReservedConcurrentExecutions",),
            put=_put_concurrency,
            read=reading("lambda", "GetFunctionConcurrency", "FunctionName"),
        ),
        tags(
            "lambda",
            ("TagResource", "Resource", "Tags"),
            ("UntagResource", "Resource", "TagKeys"),
            lambda site, id_: str(_attributes(site, id_, {})["Arn"]),
        ),
    ),
    fixed=frozenset({"FunctionName", "PackageType"}),
    required=frozenset({"Code", "Role"}),
    attributes=_attributes,
    present=found_by("lambda", "GetFunction", "FunctionName"),
    name="FunctionName",
    identifier=("FunctionName",),
)


# --- permissions --------------------------------------------------------------------------------

_OF_PERMISSION: Final = (
    "Action",
    "EventSourceToken",
    "FunctionUrlAuthType",
    "Principal",
    "PrincipalOrgID",
    "SourceAccount",
    "SourceArn",
)


def _allow(site: Site, props: Props) -> str:
    statement = site.name(100)
    told = given(props, "FunctionName", *_OF_PERMISSION)
    site.call("lambda", "AddPermission", StatementId=statement, **told)
    return statement


def _forbid(site: Site, id_: str, props: Props) -> None:
    told = given(props, "FunctionName")
    site.call("lambda", "RemovePermission", StatementId=id_, **told)


PERMISSION: Final = Kind(
    type="AWS::Lambda::Permission",
    make=_allow,
    remove=_forbid,
    fixed=frozenset({"FunctionName", *_OF_PERMISSION}),
    required=frozenset({"FunctionName", "Action", "Principal"}),
    attributes=lambda _site, id_, _props: {"Id": id_},
)


# --- asynchronous invocations -------------------------------------------------------------------

_OF_INVOCATION: Final = ("DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts")


def _make_invocation(site: Site, props: Props) -> str:
    """Put would take the place of another's settings; CloudFormation does not."""
    id_ = f"{props['FunctionName']}|{props['Qualifier']}"
    try:
        _read_invocation(site, id_, props)
    except Failed:
        return id_
    raise Failed(f"{id_} already exists", "AlreadyExists")


def _put_invocation(site: Site, _id: str, new: Props, _: Props) -> None:
    told = given(new, "FunctionName", "Qualifier", *_OF_INVOCATION)
    site.call("lambda", "PutFunctionEventInvokeConfig", **told)


def _read_invocation(site: Site, _id: str, props: Props) -> Props:
    told = given(props, "FunctionName", "Qualifier")
    return site.call("lambda", "GetFunctionEventInvokeConfig", **told)


def _remove_invocation(site: Site, _id: str, props: Props) -> None:
    told = given(props, "FunctionName", "Qualifier")
    site.call("lambda", "DeleteFunctionEventInvokeConfig", **told)


INVOCATION: Final = Kind(
    type="AWS::Lambda::EventInvokeConfig",
    make=_make_invocation,
    remove=_remove_invocation,
    facets=(Facet(properties=_OF_INVOCATION, put=_put_invocation, read=_read_invocation),),
    fixed=frozenset({"FunctionName", "Qualifier"}),
    required=frozenset({"FunctionName", "Qualifier"}),
)
KINDS: Final = (FUNCTION, PERMISSION, INVOCATION)
