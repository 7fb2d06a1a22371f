"""`ports.access.AccessReader` over IAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keyreeve.aws.failures import calling
from keyreeve.aws.iam_reader import all_pages
from keyreeve.aws.policy_documents import decoded, default_version
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import NotFound
from keyreeve.ports.access import AccessFacts, Document, LiveRole


class IamAccessReader:
    """Names and documents; nothing about credentials."""

    def __init__(self, sessions: Sessions) -> None:
        self._iam = sessions.client("iam")

    @calling("iam:GetAccountAuthorizationDetails")
    def facts(self) -> AccessFacts:
        """Groups, roles and customer managed policies; all pages."""
        groups: set[str] = set()
        roles: dict[str, LiveRole] = {}
        policies: dict[str, Document] = {}
        for page in all_pages(
            self._iam.get_account_authorization_details,
            Filter=["Group", "Role", "LocalManagedPolicy"],
            MaxItems=1000,
        ):
            groups |= {row["GroupName"] for row in page.get("GroupDetailList", ())}
            roles |= {row["RoleName"]: _role(row) for row in page.get("RoleDetailList", ())}
            policies |= {row["Arn"]: default_version(row) for row in page.get("Policies", ())}
        return AccessFacts(groups=frozenset(groups), roles=roles, policies=policies)

    def has_policy(self, arn: str) -> bool:
        """GetPolicy; NoSuchEntity means no."""
        try:
            self._get_policy(arn)
        except NotFound:
            return False
        return True

    @calling("iam:GetPolicy")
    def _get_policy(self, arn: str) -> None:
        self._iam.get_policy(PolicyArn=arn)


def _role(row: Mapping[str, Any]) -> LiveRole:
    return LiveRole(
        name=row["RoleName"],
        arn=row["Arn"],
        trust=decoded(row["AssumeRolePolicyDocument"]),
        attached=frozenset(each["PolicyArn"] for each in row.get("AttachedManagedPolicies", ())),
        inline=tuple(each["PolicyName"] for each in row.get("RolePolicyList", ())),
    )
