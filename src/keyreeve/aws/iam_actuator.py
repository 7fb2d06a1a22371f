"""The only module that changes IAM. Every call is sent at most once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from keyreeve.aws.failures import calling
from keyreeve.aws.iam_reader import all_pages
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import NotFound, Rejected
from keyreeve.model.identifiers import AccessKeyId, UserId, UserName
from keyreeve.model.people import Held, HeldKind
from keyreeve.ports import NewAccessKey
from keyreeve.ports.monitoring import PROBE_PATH
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

    def delete_held(self, user: UserName, held: Held) -> None:
        """The call that its kind asks for. NotFound."""
        match held.kind:
            case HeldKind.SSH_KEY:
                self._delete_ssh_key(user, held.id)
            case HeldKind.SERVICE_CREDENTIAL:
                self._delete_service_credential(user, held.id)
            case HeldKind.CERTIFICATE:
                self._delete_certificate(user, held.id)

    @calling("iam:DeleteSSHPublicKey")
    def _delete_ssh_key(self, user: UserName, id_: str) -> None:
        self._iam.delete_ssh_public_key(UserName=user, SSHPublicKeyId=id_)

    @calling("iam:DeleteServiceSpecificCredential")
    def _delete_service_credential(self, user: UserName, id_: str) -> None:
        self._iam.delete_service_specific_credential(UserName=user, ServiceSpecificCredentialId=id_)

    @calling("iam:DeleteSigningCertificate")
    def _delete_certificate(self, user: UserName, id_: str) -> None:
        self._iam.delete_signing_certificate(UserName=user, CertificateId=id_)

    @calling("iam:DeleteUser")
    def delete_user(self, user: UserName) -> None:
        """DeleteUser. Conflict while anything is still attached to the user; NotFound."""
        self._iam.delete_user(UserName=user)


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


class IamProbeUsers:
    """`ports.monitoring.ProbeUsers` over IAM: users below PROBE_PATH and no others."""

    def __init__(self, sessions: Sessions, account_arn: str) -> None:
        """`account_arn`: `arn:aws:iam::123456789012`."""
        self._iam = sessions.client("iam", attempts_once=True)
        self._devices = f"{account_arn}:mfa{PROBE_PATH}"

    def leftovers(self) -> tuple[UserName, ...]:
        """ListUsers and ListVirtualMFADevices of the path."""
        return tuple(UserName(name) for name in sorted({*self._users(), *self._owners()}))

    @calling("iam:CreateUser")
    def create(self, user: UserName) -> None:
        """CreateUser, without any right."""
        self._iam.create_user(UserName=user, Path=PROBE_PATH)

    def make_and_delete_access_key(self, user: UserName) -> None:
        """CreateAccessKey, DeleteAccessKey; the secret goes nowhere."""
        self._delete_key(user, self._make_key(user))

    def put_and_delete_policy(self, user: UserName) -> None:
        """PutUserPolicy with one that denies everything, DeleteUserPolicy."""
        self._put_policy(user)
        self._delete_policy(user, _PROBE_POLICY)

    def make_and_delete_mfa_device(self, user: UserName) -> None:
        """CreateVirtualMFADevice, DeleteVirtualMFADevice; it is never enabled."""
        self._make_device(user)
        self._delete_device(user)

    def remove(self, user: UserName) -> None:
        """Keys, policies and device first, since DeleteUser refuses while they are there."""
        try:
            path = self._path(user)
        except NotFound:
            path = None
        if path not in (None, PROBE_PATH):
            raise Rejected(
                f"{user} lies below {path}, not below {PROBE_PATH}",
                call="iam:DeleteUser",
                remedy="Nothing was changed.",
            )
        with suppress(NotFound):
            self._delete_device(user)
        if path is None:
            return
        with suppress(NotFound):  # somebody else was quicker
            for key in self._keys(user):
                self._delete_key(user, key)
            for policy in self._policies(user):
                self._delete_policy(user, policy)
            self._delete_user(user)

    @calling("iam:ListUsers")
    def _users(self) -> list[str]:
        pages = all_pages(self._iam.list_users, PathPrefix=PROBE_PATH)
        return [row["UserName"] for page in pages for row in page["Users"]]

    @calling("iam:ListVirtualMFADevices")
    def _owners(self) -> list[str]:
        pages = all_pages(self._iam.list_virtual_mfa_devices, AssignmentStatus="Unassigned")
        serials = [row["SerialNumber"] for page in pages for row in page["VirtualMFADevices"]]
        return [s.removeprefix(self._devices) for s in serials if s.startswith(self._devices)]

    @calling("iam:GetUser")
    def _path(self, user: UserName) -> str:
        return self._iam.get_user(UserName=user)["User"]["Path"]

    @calling("iam:CreateAccessKey")
    def _make_key(self, user: UserName) -> str:
        return self._iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]

    @calling("iam:ListAccessKeys")
    def _keys(self, user: UserName) -> list[str]:
        pages = all_pages(self._iam.list_access_keys, UserName=user)
        return [row["AccessKeyId"] for page in pages for row in page["AccessKeyMetadata"]]

    @calling("iam:DeleteAccessKey")
    def _delete_key(self, user: UserName, key: str) -> None:
        self._iam.delete_access_key(UserName=user, AccessKeyId=key)

    @calling("iam:PutUserPolicy")
    def _put_policy(self, user: UserName) -> None:
        self._iam.put_user_policy(
            UserName=user, PolicyName=_PROBE_POLICY, PolicyDocument=_DENY_EVERYTHING
        )

    @calling("iam:ListUserPolicies")
    def _policies(self, user: UserName) -> list[str]:
        pages = all_pages(self._iam.list_user_policies, UserName=user)
        return [name for page in pages for name in page["PolicyNames"]]

    @calling("iam:DeleteUserPolicy")
    def _delete_policy(self, user: UserName, policy: str) -> None:
        self._iam.delete_user_policy(UserName=user, PolicyName=policy)

    @calling("iam:CreateVirtualMFADevice")
    def _make_device(self, user: UserName) -> None:
        self._iam.create_virtual_mfa_device(Path=PROBE_PATH, VirtualMFADeviceName=user)

    @calling("iam:DeleteVirtualMFADevice")
    def _delete_device(self, user: UserName) -> None:
        self._iam.delete_virtual_mfa_device(SerialNumber=f"{self._devices}{user}")

    @calling("iam:DeleteUser")
    def _delete_user(self, user: UserName) -> None:
        self._iam.delete_user(UserName=user)


_PROBE_POLICY = "keyreeve-verify"
_DENY_EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
    }
)
