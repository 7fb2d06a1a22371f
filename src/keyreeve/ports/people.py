"""What onboarding and the joiner–mover–leaver cycle need: users, groups, tags, alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from keyreeve.model.identifiers import UserId, UserName
from keyreeve.model.people import Everybody, Held, Member, Role, Standing, TagAuthor


class PeopleReader(Protocol):
    """Reads users and groups, live. Paginates to the end or raises."""

    def member(self, user: UserName) -> Member:
        """GetUser, ListGroupsForUser, ListMFADevices. NotFound if the user is gone."""

    def mfa_devices(self, user: UserName) -> tuple[str, ...]:
        """ListMFADevices: serial numbers. NotFound if the user is gone."""

    def group_members(self, group: str) -> frozenset[UserName]:
        """GetGroup. NotFound if there is no such group."""

    def everybody(self) -> Everybody:
        """All users with tags, groups and MFA; the names of all groups."""

    def role(self, name: str) -> Role:
        """GetRole. NotFound."""

    def held(self, user: UserName) -> tuple[Held, ...]:
        """ListSSHPublicKeys, ListServiceSpecificCredentials, ListSigningCertificates. NotFound."""

    def standing(self, user: UserName) -> Standing:
        """GetAccountAuthorizationDetails: what reaches the user. NotFound if the user is gone."""


class TagHistory(Protocol):
    """CloudTrail's memory of who tagged whom."""

    def author(self, user: UserName, tag: str) -> TagAuthor | None:
        """Who gave the user this tag last; None: CloudTrail does not tell (older, or too many)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """CreateUser's answer."""

    user_id: UserId
    arn: str
    created_at: datetime


class PeopleActuator(Protocol):
    """Changes users and their groups. Each call is tried exactly once; `Doubtful` when unsure."""

    def create_user(self, user: UserName, tags: Mapping[str, str]) -> NewUser:
        """CreateUser with tags, at path `/`. AlreadyExists."""

    def create_login_profile(self, user: UserName, password: str) -> None:
        """CreateLoginProfile with PasswordResetRequired. AlreadyExists; NotFound."""

    def add_to_group(self, user: UserName, group: str) -> None:
        """AddUserToGroup; no error for a member. NotFound if user or group is missing."""

    def remove_from_group(self, user: UserName, group: str) -> None:
        """RemoveUserFromGroup. NotFound if user, group or membership is missing."""

    def tag_user(self, user: UserName, tags: Mapping[str, str]) -> None:
        """TagUser: sets these, leaves others. NotFound."""

    def detach_user_policy(self, user: UserName, arn: str) -> None:
        """DetachUserPolicy. NotFound if it is not attached."""

    def delete_user_policy(self, user: UserName, policy: str) -> None:
        """DeleteUserPolicy: an inline one. NotFound."""

    def put_user_policy(self, user: UserName, policy: str, document: Mapping[str, Any]) -> None:
        """PutUserPolicy: an inline one, made or replaced. NotFound if the user is missing."""

    def deactivate_mfa_device(self, user: UserName, serial: str) -> None:
        """DeactivateMFADevice. NotFound."""

    def delete_virtual_mfa_device(self, serial: str) -> None:
        """DeleteVirtualMFADevice, once it is nobody's. NotFound."""

    def delete_held(self, user: UserName, held: Held) -> None:
        """DeleteSSHPublicKey, DeleteServiceSpecificCredential, DeleteSigningCertificate.

        NotFound.
        """

    def delete_user(self, user: UserName) -> None:
        """DeleteUser. Conflict while anything is still attached to the user; NotFound."""


class Alerts(Protocol):
    """Where a person is told at once."""

    def tell(self, subject: str, text: str) -> None:
        """Publish. Said twice is better than not at all: this one may be repeated."""
