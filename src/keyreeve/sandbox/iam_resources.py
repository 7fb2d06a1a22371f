"""The ARN and the condition keys of what a call to IAM or STS is about.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity
and Access Management" and "… AWS Security Token Service".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keyreeve.language.authorizations import Kind
from keyreeve.language.policy_values import Context
from keyreeve.sandbox.callers import Caller
from keyreeve.sandbox.tags_given import resource_tags, tag_context

About = tuple[str, Context]
Params = Mapping[str, Any]


def iam_resource(kind: Kind, caller: Caller, params: Params) -> About:
    """Resource and keys of a call about one of IAM's own things. KeyError for another kind."""
    arn, tags = _FOUND[kind](caller, params)
    context = {**_said(params), **tag_context(params), **resource_tags(tags, "iam")}
    boundary = params.get("PermissionsBoundary") or _boundary(kind, caller, params)
    if boundary:
        context["iam:permissionsboundary"] = (boundary,)
    return arn, context


def role_to_assume(caller: Caller, params: Params, code: str | None) -> About:
    """Of sts:AssumeRole, seen from the caller's own policies."""
    arn = str(params.get("RoleArn", ""))
    keys = {
        "sts:externalid": params.get("ExternalId"),
        "sts:rolesessionname": params.get("RoleSessionName"),
        "sts:sourceidentity": params.get("SourceIdentity"),
        "sts:durationseconds": params.get("DurationSeconds"),
    }
    told: dict[str, tuple[str, ...]] = {key: (str(it),) for key, it in keys.items() if it}
    if code is not None:
        # It has been checked by now: what the call shows counts, as if the session had shown it.
        told |= {"aws:multifactorauthpresent": ("true",), "aws:multifactorauthage": ("0",)}
    role = next((it for it in caller.iam.roles.values() if it.arn == arn), None)
    tags = {} if role is None else {tag["Key"]: tag["Value"] for tag in role.tags}
    return arn, {**told, **tag_context(params), **resource_tags(tags, "iam")}


def _said(params: Params) -> dict[str, tuple[str, ...]]:
    policy = params.get("PolicyArn")
    return {"iam:policyarn": (str(policy),)} if policy else {}


def _boundary(kind: Kind, caller: Caller, params: Params) -> str | None:
    """The one that the user or role has already."""
    holder = None
    if kind is Kind.USER:
        holder = caller.iam.users.get(params.get("UserName", ""))
    elif kind is Kind.ROLE:
        holder = _role_named(caller, params)
    return getattr(holder, "permissions_boundary_arn", None)


def _user(caller: Caller, params: Params) -> tuple[str, Mapping[str, str]]:
    arn = params.get("PolicySourceArn") or params.get("Arn")
    if arn:
        return str(arn), {}
    name = params.get("UserName")
    if name is None:
        key = caller.iam.access_keys.get(params.get("AccessKeyId", ""))
        name = key.user_name if key else caller.name
    user = caller.iam.users.get(name)
    if user is None:
        return _arn(caller, "user", params.get("Path"), str(name)), {}
    return str(user.arn), caller.iam.tagger.get_tag_dict_for_resource(user.arn)


def _group(caller: Caller, params: Params) -> tuple[str, Mapping[str, str]]:
    name = str(params.get("GroupName", ""))
    group = caller.iam.groups.get(name)
    return (group.arn if group else _arn(caller, "group", params.get("Path"), name)), {}


def _role_named(caller: Caller, params: Params) -> Any:
    name = params.get("RoleName")
    return next((role for role in caller.iam.roles.values() if role.name == name), None)


def _role(caller: Caller, params: Params) -> tuple[str, Mapping[str, str]]:
    role = _role_named(caller, params)
    if role is None:
        return _arn(caller, "role", params.get("Path"), str(params.get("RoleName", ""))), {}
    return str(role.arn), {tag["Key"]: tag["Value"] for tag in role.tags}


def _policy(caller: Caller, params: Params) -> tuple[str, Mapping[str, str]]:
    arn = params.get("PolicyArn")
    name = str(params.get("PolicyName", ""))
    return str(arn or _arn(caller, "policy", params.get("Path"), name)), {}


def _mfa(caller: Caller, params: Params) -> tuple[str, Mapping[str, str]]:
    name = str(params.get("VirtualMFADeviceName", ""))
    return str(params.get("SerialNumber") or _arn(caller, "mfa", params.get("Path"), name)), {}


def _arn(caller: Caller, kind: str, path: str | None, name: str) -> str:
    return f"arn:aws:iam::{caller.account_id}:{kind}{path or '/'}{name}"


_FOUND = {
    Kind.USER: _user,
    Kind.GROUP: _group,
    Kind.ROLE: _role,
    Kind.POLICY: _policy,
    Kind.MFA: _mfa,
}
