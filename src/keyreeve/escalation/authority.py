"""Who is an administrator, and who could change a generated password (S1.T6).

A deliberately coarse reading of policy documents, until the evaluator of `language/` stands:
where it errs, it errs towards holding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from keyreeve.model.snapshot import GrantedPolicies, PasswordPolicy, User

ADMINISTRATOR_ACCESS = "AdministratorAccess"
CHANGE_PASSWORD = "IAMUserChangePassword"  # noqa: S105 - the name of an AWS-managed policy
_DENYING = ("AWSDenyAll", "AWSCompromisedKeyQuarantine", "AWSExposedCredentialPolicy")
"""AWS-managed policies that deny IAM actions to the user itself."""
_MFA_PRESENT = "aws:multifactorauthpresent"


def is_administrator(granted: GrantedPolicies) -> bool:
    """AdministratorAccess, or an unconditioned Allow of `*` on `*`, own or by group."""
    if any(_policy_name(arn) == ADMINISTRATOR_ACCESS for arn in granted.managed):
        return True
    return any(
        statement.get("Effect") == "Allow"
        and not statement.get("Condition")
        and "*" in _listed(statement.get("Action"))
        and "*" in _listed(statement.get("Resource"))
        for statement in _statements(granted.documents)
    )


def cannot_change_password(user: User, account: PasswordPolicy | None) -> str | None:
    """None if the user could change a generated password, else the reason to hold the reset."""
    if account is None:
        return "the account's password policy could not be read"
    if account.hard_expiry:
        return "the account's password policy has HardExpiry: an expired password locks out"
    attached = {_policy_name(arn) for arn in user.granted.managed}
    if not account.users_may_change and CHANGE_PASSWORD not in attached:
        return (
            "neither the account's password policy (AllowUsersToChangePassword) nor "
            "IAMUserChangePassword lets the user change a password"
        )
    denying = sorted(name for name in attached if name.startswith(_DENYING))
    if denying:
        return f"the policy {denying[0]} denies iam:ChangePassword"
    for statement in _statements(user.granted.documents):
        if _denies_change(statement) and not (_only_without_mfa(statement) and user.mfa_active):
            sid = statement.get("Sid", "without Sid")
            return f"a policy statement ({sid}) denies iam:ChangePassword"
    return None


def _denies_change(statement: Mapping[str, Any]) -> bool:
    if statement.get("Effect") != "Deny":
        return False
    action = "iam:changepassword"
    if "NotAction" in statement:
        return not _matches(action, _listed(statement["NotAction"]))
    return _matches(action, _listed(statement.get("Action")))


def _only_without_mfa(statement: Mapping[str, Any]) -> bool:
    """Whether the deny's one condition is that the session has no MFA (aws-facts E4)."""
    condition = statement.get("Condition")
    if not isinstance(condition, Mapping) or len(condition) != 1:
        return False
    operator, block = next(iter(condition.items()))
    if operator not in ("Bool", "BoolIfExists") or not isinstance(block, Mapping):
        return False
    return len(block) == 1 and all(
        key.lower() == _MFA_PRESENT and [str(v).lower() for v in _listed(value)] == ["false"]
        for key, value in block.items()
    )


def _statements(documents: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for document in documents:
        for statement in _listed(document.get("Statement")):
            if isinstance(statement, Mapping):
                yield statement


def _matches(action: str, patterns: list[Any]) -> bool:
    # Brackets are literal in IAM, but special to fnmatch.
    return any(
        fnmatchcase(action, str(pattern).lower().replace("[", "[[]")) for pattern in patterns
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _policy_name(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
