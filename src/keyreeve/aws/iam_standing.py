"""What reaches one user, by where it hangs, from the pages of GetAccountAuthorizationDetails."""

from __future__ import annotations

from collections.abc import Sequence

from keyreeve.aws.iam_details import AWS_MANAGED, Record, boundary, granted, rows
from keyreeve.aws.policy_documents import decoded, default_version
from keyreeve.model.identifiers import UserName
from keyreeve.model.people import Standing


def standing_policies(pages: Sequence[Record], user: UserName) -> Standing | None:
    """What reaches one user, by where it hangs; None: no page describes the user."""
    row = next((r for r in rows(pages, "UserDetailList") if r["UserName"] == user), None)
    if row is None:
        return None
    policies = {each["Arn"]: default_version(each) for each in rows(pages, "Policies")}
    groups = {each["GroupName"]: each for each in rows(pages, "GroupDetailList")}
    attached = [policy["PolicyArn"] for policy in row.get("AttachedManagedPolicies", ())]
    return Standing(
        attached={
            arn: None if arn.split(":")[4] == AWS_MANAGED else policies[arn] for arn in attached
        },
        inline={
            policy["PolicyName"]: decoded(policy["PolicyDocument"])
            for policy in row.get("UserPolicyList", ())
        },
        groups={
            name: granted(groups[name], "GroupPolicyList", policies)
            for name in row.get("GroupList", ())
        },
        boundary=boundary(row, policies),
    )
