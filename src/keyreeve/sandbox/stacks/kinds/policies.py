"""AWS::IAM::ManagedPolicy and AWS::IAM::Policy."""

from __future__ import annotations

from typing import Final

from keyreeve.sandbox.stacks.calling import found_by, given, items, nothing
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.kinds.identities import document_of
from keyreeve.sandbox.stacks.shaping import plain

_HOLDERS: Final = {"Groups": "Group", "Roles": "Role", "Users": "User"}
_MOST_VERSIONS: Final = 5


def _targets(props: Props) -> list[tuple[str, str]]:
    return [(owner, name) for kind, owner in _HOLDERS.items() for name in items(props, kind)]


# --- managed ------------------------------------------------------------------------------------


def _make(site: Site, props: Props) -> str:
    name = str(props.get("ManagedPolicyName") or site.name(128))
    told = given(props, "PolicyDocument", "Path", "Description")
    return str(site.call("iam", "CreatePolicy", PolicyName=name, **told)["Policy"]["Arn"])


def _versions(site: Site, arn: str) -> list[str]:
    """Those that are not in use, oldest first."""
    told = site.call("iam", "ListPolicyVersions", PolicyArn=arn)["Versions"]
    spare = [it["VersionId"] for it in told if not it["IsDefaultVersion"]]
    return sorted(spare, key=lambda it: int(it[1:]))


def _put_document(site: Site, arn: str, new: Props, _: Props) -> None:
    spare = _versions(site, arn)
    if len(spare) >= _MOST_VERSIONS - 1:
        site.call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=spare[0])
    told = given(new, "PolicyDocument")
    site.call("iam", "CreatePolicyVersion", PolicyArn=arn, SetAsDefault=True, **told)


def _read_document(site: Site, arn: str, _: Props) -> Props:
    version = site.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
    told = site.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=version)
    document = told["PolicyVersion"]["Document"]
    return {"PolicyDocument": document_of({"PolicyDocument": document})}


def _put_attachments(site: Site, arn: str, new: Props, old: Props) -> None:
    after, before = _targets(new), _targets(old)
    for owner, name in before:
        if (owner, name) not in after:
            site.call("iam", f"Detach{owner}Policy", PolicyArn=arn, **{f"{owner}Name": name})
    for owner, name in after:
        if (owner, name) not in before:
            site.call("iam", f"Attach{owner}Policy", PolicyArn=arn, **{f"{owner}Name": name})


def _read_attachments(site: Site, arn: str, props: Props) -> Props:
    """Those of the template in its order, then whoever was given the policy besides."""
    told = site.call("iam", "ListEntitiesForPolicy", PolicyArn=arn)
    found: dict[str, list[str]] = {}
    for kind, owner in _HOLDERS.items():
        names = {row[f"{owner}Name"] for row in told[f"Policy{kind}"]}
        wanted = items(props, kind)
        found[kind] = [*(n for n in wanted if n in names), *sorted(names - set(wanted))]
    return found


def _remove(site: Site, arn: str, _: Props) -> None:
    for version in _versions(site, arn):
        site.call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version)
    site.call("iam", "DeletePolicy", PolicyArn=arn)


MANAGED: Final = Kind(
    type="AWS::IAM::ManagedPolicy",
    make=_make,
    remove=_remove,
    facets=(
        Facet(properties=("PolicyDocument",), put=_put_document, read=_read_document, born=True),
        Facet(properties=tuple(_HOLDERS), put=_put_attachments, read=_read_attachments, undo=True),
    ),
    fixed=frozenset({"ManagedPolicyName", "Path", "Description"}),
    required=frozenset({"PolicyDocument"}),
    attributes=lambda _site, arn, _props: {"PolicyArn": arn},
    present=found_by("iam", "GetPolicy", "PolicyArn"),
    identifier=("PolicyArn",),
)


# --- inline, in several holders -----------------------------------------------------------------


def _put_inline(site: Site, _id: str, new: Props, old: Props) -> None:
    after = {(*target, new["PolicyName"]) for target in _targets(new)}
    before = {(*target, old["PolicyName"]) for target in _targets(old)}
    for owner, name, policy in sorted(before - after):
        site.call("iam", f"Delete{owner}Policy", PolicyName=policy, **{f"{owner}Name": name})
    for owner, name, policy in sorted(after):
        told = {f"{owner}Name": name, "PolicyDocument": new["PolicyDocument"]}
        site.call("iam", f"Put{owner}Policy", PolicyName=policy, **told)


def _read_inline(site: Site, _id: str, props: Props) -> Props:
    """The first holder's that is not as it should be; AWS does not look here, the sandbox does."""
    found = props["PolicyDocument"]
    for owner, name in _targets(props):
        named = {f"{owner}Name": name, "PolicyName": props["PolicyName"]}
        found = document_of(site.call("iam", f"Get{owner}Policy", **named))
        if plain(found) != plain(props["PolicyDocument"]):
            break
    return {**props, "PolicyDocument": found}


INLINE: Final = Kind(
    type="AWS::IAM::Policy",
    make=lambda site, _: site.name(128),
    remove=nothing,
    facets=(
        Facet(
            properties=("PolicyName", "PolicyDocument", *_HOLDERS),
            put=_put_inline,
            read=_read_inline,
            undo=True,
        ),
    ),
    required=frozenset({"PolicyName", "PolicyDocument"}),
)
KINDS: Final = (MANAGED, INLINE)
