"""The pages of GetAccountAuthorizationDetails, joined: users know what reaches them.

Nothing is guessed: a user without an id, a group or a policy that no page describes, a document
that the SDK could not decode raise KeyError or TypeError, and the reader calls that Malformed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from keyreeve.aws.policy_documents import decoded, default_version
from keyreeve.model.identifiers import UserId, UserName
from keyreeve.model.snapshot import Absent, GrantedPolicies, PermissionsBoundary, User
from keyreeve.ports import AccountDetails

Record = Mapping[str, Any]
"""One structure of the answer, as the SDK gives it."""

Document = Mapping[str, Any]
"""A policy document, decoded; one object however many users it reaches."""

AWS_MANAGED: Final = "aws"
"""What stands for the account in the ARN of a policy that AWS manages."""


def account_details(pages: Sequence[Record]) -> AccountDetails:
    """All pages of one answer. Groups and policies may stand on later pages than their users."""
    if pages[-1]["IsTruncated"]:  # it has to say that it is the last
        raise ValueError("IsTruncated")
    policies = {row["Arn"]: default_version(row) for row in rows(pages, "Policies")}
    groups = {
        row["GroupName"]: granted(row, "GroupPolicyList", policies)
        for row in rows(pages, "GroupDetailList")
    }
    grants = _Grants(policies, groups)
    users = tuple(_user(row, grants) for row in rows(pages, "UserDetailList"))
    return AccountDetails(users=users, groups=frozenset(groups))


def rows(pages: Sequence[Record], part: str) -> Iterable[Record]:
    """One of the lists, of all pages. KeyError for a page without users."""
    # Nobody may vanish with a list of users that is missing; whoever needs a group or a policy
    # that was not listed will miss it by name.
    return chain.from_iterable(
        page[part] if part == "UserDetailList" else page.get(part, ()) for page in pages
    )


class _Grants:
    """What reaches users; most of a team are granted the very same."""

    def __init__(
        self, policies: Mapping[str, Document], groups: Mapping[str, GrantedPolicies]
    ) -> None:
        self._policies = policies
        self._groups = groups
        self._shared: dict[tuple[tuple[str, ...], tuple[str, ...]], GrantedPolicies] = {}

    def of(self, row: Record, groups: tuple[str, ...]) -> GrantedPolicies:
        """Own policies, those of the groups, and the boundary."""
        if row.get("UserPolicyList") or "PermissionsBoundary" in row:
            return self._joined(row, groups)
        attached = row.get("AttachedManagedPolicies", ())
        same = groups, tuple(policy["PolicyArn"] for policy in attached)
        if same not in self._shared:
            self._shared[same] = self._joined(row, groups)
        return self._shared[same]

    def _joined(self, row: Record, groups: tuple[str, ...]) -> GrantedPolicies:
        own = granted(row, "UserPolicyList", self._policies)
        via = [self._groups[name] for name in groups]
        return GrantedPolicies(
            managed=own.managed.union(*(group.managed for group in via)),
            documents=tuple(chain(own.documents, *(group.documents for group in via))),
            group_inline=tuple(chain.from_iterable(group.group_inline for group in via)),
            boundary=boundary(row, self._policies),
        )


def _user(row: Record, grants: _Grants) -> User:
    groups = tuple(row.get("GroupList", ()))
    return User(
        name=UserName(_given(row, "UserName")),
        arn=_given(row, "Arn"),
        created_at=row["CreateDate"],
        user_id=UserId(_given(row, "UserId")),
        path=row["Path"],
        tags={tag["Key"]: tag["Value"] for tag in row.get("Tags", ())},
        groups=groups,
        inline_policies=tuple(policy["PolicyName"] for policy in row.get("UserPolicyList", ())),
        granted=grants.of(row, groups),
        password_enabled=None,
        password_last_used=Absent.UNKNOWN,
        password_last_changed=Absent.UNKNOWN,
        mfa_active=None,
    )


def granted(row: Record, inline: str, policies: Mapping[str, Document]) -> GrantedPolicies:
    """What is attached to a user or a group itself."""
    attached = [policy["PolicyArn"] for policy in row.get("AttachedManagedPolicies", ())]
    own = [decoded(policy["PolicyDocument"]) for policy in row.get(inline, ())]
    customer = [policies[arn] for arn in attached if arn.split(":")[4] != AWS_MANAGED]
    names = [policy["PolicyName"] for policy in row.get(inline, ())]
    return GrantedPolicies(
        managed=frozenset(attached),
        documents=(*own, *customer),
        group_inline=tuple(f"{row['GroupName']}/{name}" for name in names if "GroupName" in row),
    )


def boundary(row: Record, policies: Mapping[str, Document]) -> PermissionsBoundary | None:
    """None: the user has none."""
    attached = row.get("PermissionsBoundary")
    if attached is None:
        return None
    arn = _given(attached, "PermissionsBoundaryArn")
    document = None if arn.split(":")[4] == AWS_MANAGED else policies[arn]
    return PermissionsBoundary(arn=arn, document=document)


def _given(row: Record, field: str) -> str:
    """A text that must be there."""
    value: str = row[field]
    if not value:
        raise KeyError(field)
    return value
