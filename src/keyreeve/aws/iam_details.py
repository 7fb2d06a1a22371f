"""The pages of GetAccountAuthorizationDetails, joined: users know what reaches them.

Nothing is guessed: a user without an id, a group or a policy that no page describes, a document
that the SDK could not decode raise KeyError or TypeError, and the reader calls that Malformed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from keyreeve.aws.policy_documents import decoded, default_version
from keyreeve.model.identifiers import UserId, UserName
from keyreeve.model.people import Standing
from keyreeve.model.snapshot import Absent, GrantedPolicies, PermissionsBoundary, User
from keyreeve.ports import AccountDetails

Record = Mapping[str, Any]
"""One structure of the answer, as the SDK gives it."""

Document = Mapping[str, Any]
"""A policy document, decoded; one object however many users it reaches."""

_AWS_MANAGED = "aws"
"""What stands for the account in the ARN of a policy that AWS manages."""


def account_details(pages: Sequence[Record]) -> AccountDetails:
    """All pages of one answer. Groups and policies may stand on later pages than their users."""
    if pages[-1]["IsTruncated"]:  # it has to say that it is the last
        raise ValueError("IsTruncated")
    policies = {row["Arn"]: default_version(row) for row in _rows(pages, "Policies")}
    groups = {
        row["GroupName"]: _granted(row, "GroupPolicyList", policies)
        for row in _rows(pages, "GroupDetailList")
    }
    users = tuple(_user(row, policies, groups) for row in _rows(pages, "UserDetailList"))
    return AccountDetails(users=users, groups=frozenset(groups))


def standing_policies(pages: Sequence[Record], user: UserName) -> Standing | None:
    """What reaches one user, by where it hangs; None: no page describes the user."""
    row = next((r for r in _rows(pages, "UserDetailList") if r["UserName"] == user), None)
    if row is None:
        return None
    policies = {each["Arn"]: default_version(each) for each in _rows(pages, "Policies")}
    groups = {each["GroupName"]: each for each in _rows(pages, "GroupDetailList")}
    attached = [policy["PolicyArn"] for policy in row.get("AttachedManagedPolicies", ())]
    return Standing(
        attached={
            arn: None if arn.split(":")[4] == _AWS_MANAGED else policies[arn] for arn in attached
        },
        inline={
            policy["PolicyName"]: decoded(policy["PolicyDocument"])
            for policy in row.get("UserPolicyList", ())
        },
        groups={
            name: _granted(groups[name], "GroupPolicyList", policies)
            for name in row.get("GroupList", ())
        },
        boundary=_boundary(row, policies),
    )


def _rows(pages: Sequence[Record], part: str) -> Iterable[Record]:
    # Nobody may vanish with a list of users that is missing; whoever needs a group or a policy
    # that was not listed will miss it by name.
    return chain.from_iterable(
        page[part] if part == "UserDetailList" else page.get(part, ()) for page in pages
    )


def _user(
    row: Record, policies: Mapping[str, Document], groups: Mapping[str, GrantedPolicies]
) -> User:
    names = tuple(row.get("GroupList", ()))
    own = _granted(row, "UserPolicyList", policies)
    via = [groups[name] for name in names]
    return User(
        name=UserName(_given(row, "UserName")),
        arn=_given(row, "Arn"),
        created_at=row["CreateDate"],
        user_id=UserId(_given(row, "UserId")),
        path=row["Path"],
        tags={tag["Key"]: tag["Value"] for tag in row.get("Tags", ())},
        groups=names,
        inline_policies=tuple(policy["PolicyName"] for policy in row.get("UserPolicyList", ())),
        granted=GrantedPolicies(
            managed=own.managed.union(*(group.managed for group in via)),
            documents=tuple(chain(own.documents, *(group.documents for group in via))),
            boundary=_boundary(row, policies),
        ),
        password_enabled=None,
        password_last_used=Absent.UNKNOWN,
        password_last_changed=Absent.UNKNOWN,
        mfa_active=None,
    )


def _granted(row: Record, inline: str, policies: Mapping[str, Document]) -> GrantedPolicies:
    """What is attached to a user or a group itself."""
    attached = [policy["PolicyArn"] for policy in row.get("AttachedManagedPolicies", ())]
    own = [decoded(policy["PolicyDocument"]) for policy in row.get(inline, ())]
    customer = [policies[arn] for arn in attached if arn.split(":")[4] != _AWS_MANAGED]
    return GrantedPolicies(managed=frozenset(attached), documents=(*own, *customer))


def _boundary(row: Record, policies: Mapping[str, Document]) -> PermissionsBoundary | None:
    """None: the user has none."""
    attached = row.get("PermissionsBoundary")
    if attached is None:
        return None
    arn = _given(attached, "PermissionsBoundaryArn")
    document = None if arn.split(":")[4] == _AWS_MANAGED else policies[arn]
    return PermissionsBoundary(arn=arn, document=document)


def _given(row: Record, field: str) -> str:
    """A text that must be there."""
    value: str = row[field]
    if not value:
        raise KeyError(field)
    return value
