"""The only module that changes IAM. Every call is sent at most once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import NotFound
from keyreeve.model.identifiers import AccessKeyId, UserName
from keyreeve.ports import NewAccessKey


class IamActuator:
    """`ports.CredentialActuator` over IAM.

    Without an answer the call raises Doubtful, with an unreadable one Malformed: either way the
    effect may have happened, and the caller finds out by reading.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._iam = sessions.client("iam", attempts_once=True)

    @calling("iam:CreateAccessKey")
    def create_access_key(self, user: UserName) -> NewAccessKey:
        """CreateAccessKey. LimitExceeded when both slots are taken."""
        key = self._iam.create_access_key(UserName=user)["AccessKey"]
        if not (key["AccessKeyId"] and key["SecretAccessKey"]):
            raise KeyError("SecretAccessKey")
        return NewAccessKey(
            key_id=AccessKeyId(key["AccessKeyId"]),
            secret=key["SecretAccessKey"],
            created_at=key["CreateDate"],
        )

    @calling("iam:UpdateAccessKey")
    def set_access_key_active(self, user: UserName, key: AccessKeyId, *, active: bool) -> None:
        """UpdateAccessKey."""
        self._iam.update_access_key(
            UserName=user, AccessKeyId=key, Status="Active" if active else "Inactive"
        )

    @calling("iam:DeleteAccessKey")
    def delete_access_key(self, user: UserName, key: AccessKeyId) -> None:
        """DeleteAccessKey: proven orphans and opted-in slots only."""
        self._iam.delete_access_key(UserName=user, AccessKeyId=key)

    @calling("iam:UpdateLoginProfile")
    def reset_password(self, user: UserName, password: str) -> None:
        """UpdateLoginProfile with PasswordResetRequired. NotFound without a login profile."""
        self._iam.update_login_profile(UserName=user, Password=password, PasswordResetRequired=True)

    @calling("iam:DeleteLoginProfile")
    def delete_login_profile(self, user: UserName) -> None:
        """DeleteLoginProfile. NotFound without a login profile."""
        self._iam.delete_login_profile(UserName=user)

    @calling("iam:AddUserToGroup")
    def add_to_group(self, user: UserName, group: str) -> None:
        """AddUserToGroup. NotFound if user or group is missing."""
        self._iam.add_user_to_group(UserName=user, GroupName=group)


class PasswordPolicyActuator:
    """The account password policy, whole: AWS knows no partial update (E2)."""

    def __init__(self, sessions: Sessions) -> None:
        self._iam = sessions.client("iam", attempts_once=True)

    def current(self) -> Mapping[str, Any] | None:
        """GetAccountPasswordPolicy; None: the account has none of its own."""
        try:
            return self._read()
        except NotFound:
            return None

    @calling("iam:GetAccountPasswordPolicy")
    def _read(self) -> Mapping[str, Any]:
        policy: Mapping[str, Any] = self._iam.get_account_password_policy()["PasswordPolicy"]
        return policy

    @calling("iam:UpdateAccountPasswordPolicy")
    def replace(self, settings: Mapping[str, Any]) -> None:
        """UpdateAccountPasswordPolicy with every setting."""
        self._iam.update_account_password_policy(**settings)
