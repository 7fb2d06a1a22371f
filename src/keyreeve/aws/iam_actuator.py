"""The only module that changes IAM. Every call is sent at most once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.model.identifiers import AccessKeyId, UserId, UserName
from keyreeve.ports import NewAccessKey
from keyreeve.ports.people import NewUser


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


class IamPeopleActuator:
    """`ports.people.PeopleActuator` over IAM; in doubt as above."""

    def __init__(self, sessions: Sessions) -> None:
        self._iam = sessions.client("iam", attempts_once=True)

    @calling("iam:CreateUser")
    def create_user(self, user: UserName, tags: Mapping[str, str]) -> NewUser:
        """CreateUser with tags, at path `/`. AlreadyExists."""
        rows = [{"Key": key, "Value": value} for key, value in tags.items()]
        made = self._iam.create_user(UserName=user, Tags=rows)["User"]  # type: ignore[arg-type]
        return NewUser(
            user_id=UserId(made["UserId"]), arn=made["Arn"], created_at=made["CreateDate"]
        )

    @calling("iam:CreateLoginProfile")
    def create_login_profile(self, user: UserName, password: str) -> None:
        """CreateLoginProfile with PasswordResetRequired. AlreadyExists; NotFound."""
        self._iam.create_login_profile(UserName=user, Password=password, PasswordResetRequired=True)

    @calling("iam:AddUserToGroup")
    def add_to_group(self, user: UserName, group: str) -> None:
        """AddUserToGroup; no error for a member. NotFound if user or group is missing."""
        self._iam.add_user_to_group(UserName=user, GroupName=group)

    @calling("iam:RemoveUserFromGroup")
    def remove_from_group(self, user: UserName, group: str) -> None:
        """RemoveUserFromGroup. NotFound if user, group or membership is missing."""
        self._iam.remove_user_from_group(UserName=user, GroupName=group)

    @calling("iam:TagUser")
    def tag_user(self, user: UserName, tags: Mapping[str, str]) -> None:
        """TagUser: sets these, leaves others. NotFound."""
        rows = [{"Key": key, "Value": value} for key, value in tags.items()]
        self._iam.tag_user(UserName=user, Tags=rows)  # type: ignore[arg-type]

    @calling("iam:DetachUserPolicy")
    def detach_user_policy(self, user: UserName, arn: str) -> None:
        """DetachUserPolicy. NotFound if it is not attached."""
        self._iam.detach_user_policy(UserName=user, PolicyArn=arn)

    @calling("iam:DeleteUserPolicy")
    def delete_user_policy(self, user: UserName, policy: str) -> None:
        """DeleteUserPolicy: an inline one. NotFound."""
        self._iam.delete_user_policy(UserName=user, PolicyName=policy)

    @calling("iam:PutUserPolicy")
    def put_user_policy(self, user: UserName, policy: str, document: Mapping[str, Any]) -> None:
        """PutUserPolicy: an inline one, made or replaced. NotFound if the user is missing."""
        self._iam.put_user_policy(
            UserName=user, PolicyName=policy, PolicyDocument=json.dumps(document)
        )

    @calling("iam:DeactivateMFADevice")
    def deactivate_mfa_device(self, user: UserName, serial: str) -> None:
        """DeactivateMFADevice. NotFound."""
        self._iam.deactivate_mfa_device(UserName=user, SerialNumber=serial)

    @calling("iam:DeleteVirtualMFADevice")
    def delete_virtual_mfa_device(self, serial: str) -> None:
        """DeleteVirtualMFADevice, once it is nobody's. NotFound."""
        self._iam.delete_virtual_mfa_device(SerialNumber=serial)

    @calling("iam:DeleteUser")
    def delete_user(self, user: UserName) -> None:
        """DeleteUser. Conflict while anything is still attached to the user; NotFound."""
        self._iam.delete_user(UserName=user)
