"""GetAccountAuthorizationDetails as posture reads it: who holds which policies, and the roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from keyreeve.aws.policy_documents import decoded, default_version
from keyreeve.model.account_facts import Holder, HolderKind, Identities
from keyreeve.model.snapshot import Absent

Record = Mapping[str, Any]
"""One structure of the answer, as the SDK gives it."""

PARTS: Final = ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy")
_AWS: Final = "aws"
_INLINE: Final = {
    HolderKind.USER: ("UserDetailList", "UserName", "UserPolicyList"),
    HolderKind.GROUP: ("GroupDetailList", "GroupName", "GroupPolicyList"),
    HolderKind.ROLE: ("RoleDetailList", "RoleName", "RolePolicyList"),
}


def identities(pages: Sequence[Record]) -> Identities:
    """All pages of one answer. Of AWS's own policies those that somebody holds.

    KeyError or TypeError for what is not as documented; the reader calls that Malformed.
    """
    holders = tuple(
        _holder(kind, row) for kind in HolderKind for row in _rows(pages, _INLINE[kind][0])
    )
    used = {arn for each in holders for arn in (*each.attached, each.boundary)}
    return Identities(
        holders=holders,
        policies={
            row["Arn"]: default_version(row)
            for row in _rows(pages, "Policies")
            if row["Arn"] in used or row["Arn"].split(":")[4] != _AWS
        },
    )


def _rows(pages: Sequence[Record], part: str) -> Iterable[Record]:
    return (row for page in pages for row in page.get(part, ()))


def _holder(kind: HolderKind, row: Record) -> Holder:
    _, name, inline = _INLINE[kind]
    role = kind is HolderKind.ROLE
    return Holder(
        kind=kind,
        name=row[name],
        arn=row["Arn"],
        path=row["Path"],
        created_at=row["CreateDate"],
        attached=tuple(each["PolicyArn"] for each in row.get("AttachedManagedPolicies", ())),
        inline={
            each["PolicyName"]: decoded(each["PolicyDocument"]) for each in row.get(inline, ())
        },
        boundary=row.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        tags={tag["Key"]: tag["Value"] for tag in row.get("Tags", ())},
        groups=tuple(row.get("GroupList", ())),
        trust=decoded(row["AssumeRolePolicyDocument"]) if role else None,
        # AWS: without a date the role was not used in the tracking period.
        last_used=row.get("RoleLastUsed", {}).get("LastUsedDate", Absent.NEVER) if role else None,
    )
