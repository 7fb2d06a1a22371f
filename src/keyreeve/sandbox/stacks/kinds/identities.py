"""AWS::IAM: groups, roles, who is in a group."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import unquote

from keyreeve.sandbox.stacks.calling import (
    found_by,
    given,
    items,
    nothing,
    putting,
    reading,
    removing,
    tags,
)
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site


def inline(owner: str) -> Facet:
    """Policies: those written into a group or role."""

    def put(site: Site, id_: str, new: Props, old: Props) -> None:
        after = {it["PolicyName"]: it["PolicyDocument"] for it in items(new, "Policies")}
        before = {it["PolicyName"]: it["PolicyDocument"] for it in items(old, "Policies")}
        holder = {f"{owner}Name": id_}
        for name in before:
            if name not in after:
                site.call("iam", f"Delete{owner}Policy", **holder, PolicyName=name)
        for name, document in after.items():
            if before.get(name) != document:
                named = {"PolicyName": name, "PolicyDocument": document}
                site.call("iam", f"Put{owner}Policy", **holder, **named)

    def read(site: Site, id_: str, props: Props) -> Props:
        """Those of the template first, in its order, then what somebody added."""
        holder = {f"{owner}Name": id_}
        there = site.call("iam", f"List{owner}Policies", **holder)["PolicyNames"]
        wanted = [it["PolicyName"] for it in items(props, "Policies")]
        found = []
        for name in sorted(there, key=lambda it: (it not in wanted, _place(wanted, it), it)):
            told = site.call("iam", f"Get{owner}Policy", **holder, PolicyName=name)
            found.append({"PolicyName": name, "PolicyDocument": document_of(told)})
        return {"Policies": found}

    return Facet(properties=("Policies",), put=put, read=read, undo=True)


def attached(owner: str) -> Facet:
    """ManagedPolicyArns."""

    def put(site: Site, id_: str, new: Props, old: Props) -> None:
        after, before = items(new, "ManagedPolicyArns"), items(old, "ManagedPolicyArns")
        holder = {f"{owner}Name": id_}
        for arn in before:
            if arn not in after:
                site.call("iam", f"Detach{owner}Policy", **holder, PolicyArn=arn)
        for arn in after:
            if arn not in before:
                site.call("iam", f"Attach{owner}Policy", **holder, PolicyArn=arn)

    def read(site: Site, id_: str, props: Props) -> Props:
        told = site.call("iam", f"ListAttached{owner}Policies", **{f"{owner}Name": id_})
        there = [it["PolicyArn"] for it in told["AttachedPolicies"]]
        wanted = items(props, "ManagedPolicyArns")
        return {
            "ManagedPolicyArns": sorted(
                there, key=lambda it: (it not in wanted, _place(wanted, it))
            )
        }

    return Facet(properties=("ManagedPolicyArns",), put=put, read=read, undo=True)


def document_of(told: Props) -> Any:
    """A policy document as botocore or moto hands it over."""
    document = told["PolicyDocument"]
    return json.loads(unquote(document)) if isinstance(document, str) else document


def _place(names: list[Any], name: Any) -> int:
    return names.index(name) if name in names else len(names)


# --- groups -------------------------------------------------------------------------------------


def _make_group(site: Site, props: Props) -> str:
    name = str(props.get("GroupName") or site.name(128))
    site.call("iam", "CreateGroup", GroupName=name, **given(props, "Path"))
    return name


GROUP: Final = Kind(
    type="AWS::IAM::Group",
    make=_make_group,
    remove=removing("iam", "DeleteGroup", "GroupName"),
    facets=(
        Facet(
            properties=("Path",),
            put=putting("iam", "UpdateGroup", "GroupName", NewPath="Path"),
            read=reading("iam", "GetGroup", "GroupName", "Group"),
            born=True,
        ),
        inline("Group"),
        attached("Group"),
    ),
    fixed=frozenset({"GroupName"}),
    attributes=reading("iam", "GetGroup", "GroupName", "Group"),
    present=found_by("iam", "GetGroup", "GroupName"),
    name="GroupName",
    identifier=("GroupName",),
)


# --- roles --------------------------------------------------------------------------------------


def _make_role(site: Site, props: Props) -> str:
    name = str(props.get("RoleName") or site.name(64))
    told = given(
        props,
        "AssumeRolePolicyDocument",
        "Description",
        "MaxSessionDuration",
        "Path",
        "PermissionsBoundary",
        "Tags",
    )
    site.call("iam", "CreateRole", RoleName=name, **told)
    return name


def _role(site: Site, id_: str, _: Props) -> dict[str, Any]:
    told = site.call("iam", "GetRole", RoleName=id_)["Role"]
    boundary = told.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    found = given(told, "Arn", "RoleId", "Description", "MaxSessionDuration", "Tags")
    trust = {"PolicyDocument": told["AssumeRolePolicyDocument"]}
    return found | {
        "AssumeRolePolicyDocument": document_of(trust),
        "PermissionsBoundary": boundary,
    }


def _put_words(site: Site, id_: str, new: Props, _: Props) -> None:
    told = {
        "Description": new.get("Description", ""),
        "MaxSessionDuration": new.get("MaxSessionDuration", 3600),
    }
    site.call("iam", "UpdateRole", RoleName=id_, **told)


def _put_boundary(site: Site, id_: str, new: Props, _: Props) -> None:
    if "PermissionsBoundary" in new:
        told = given(new, "PermissionsBoundary")
        site.call("iam", "PutRolePermissionsBoundary", RoleName=id_, **told)
    else:
        site.call("iam", "DeleteRolePermissionsBoundary", RoleName=id_)


ROLE: Final = Kind(
    type="AWS::IAM::Role",
    make=_make_role,
    remove=removing("iam", "DeleteRole", "RoleName"),
    facets=(
        Facet(
            properties=("AssumeRolePolicyDocument",),
            put=putting(
                "iam",
                "UpdateAssumeRolePolicy",
                "RoleName",
                PolicyDocument="AssumeRolePolicyDocument",
            ),
            read=_role,
            born=True,
        ),
        Facet(
            properties=("Description", "MaxSessionDuration"),
            put=_put_words,
            read=_role,
            born=True,
        ),
        Facet(properties=("PermissionsBoundary",), put=_put_boundary, read=_role, born=True),
        tags(
            "iam",
            ("TagRole", "RoleName", "Tags"),
            ("UntagRole", "RoleName", "TagKeys"),
            read=_role,
        ),
        inline("Role"),
        attached("Role"),
    ),
    fixed=frozenset({"RoleName", "Path"}),
    required=frozenset({"AssumeRolePolicyDocument"}),
    attributes=lambda site, id_, props: given(_role(site, id_, props), "Arn", "RoleId"),
    present=found_by("iam", "GetRole", "RoleName"),
    name="RoleName",
    identifier=("RoleName",),
)


# --- members ------------------------------------------------------------------------------------


def _put_members(site: Site, _id: str, new: Props, old: Props) -> None:
    after = {(str(new["GroupName"]), name) for name in items(new, "Users")} if new else set()
    before = {(str(old["GroupName"]), name) for name in items(old, "Users")} if old else set()
    for group, user in sorted(before - after):
        site.call("iam", "RemoveUserFromGroup", GroupName=group, UserName=user)
    for group, user in sorted(after - before):
        site.call("iam", "AddUserToGroup", GroupName=group, UserName=user)


MEMBERS: Final = Kind(
    type="AWS::IAM::UserToGroupAddition",
    make=lambda site, _: site.name(),
    remove=nothing,
    facets=(Facet(properties=("GroupName", "Users"), put=_put_members, undo=True),),
    required=frozenset({"GroupName", "Users"}),
)
KINDS: Final = (GROUP, ROLE, MEMBERS)
