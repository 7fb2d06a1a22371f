"""An account's users and groups in memory: what the people ports read and change.

`lag` reads after a change still show what was before: IAM is eventually consistent. `fail` plans
an error for the next call of a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from keyreeve.model.errors import AlreadyExists, AwsFailure, Conflict, NotFound
from keyreeve.model.identifiers import UserId, UserName
from keyreeve.model.people import Everybody, Held, Member, Role, Standing, TagAuthor
from keyreeve.model.snapshot import GrantedPolicies, PasswordPolicy
from keyreeve.ports.people import NewUser

ACCOUNT = "123456789012"
BORN = datetime(2026, 1, 5, 6, tzinfo=UTC)


class FakePeople:
    """PeopleReader, PeopleActuator and TagHistory at once."""

    def __init__(self, *groups: str) -> None:
        self.members: dict[str, Member] = {}
        self.groups = set(groups)
        self.roles: dict[str, Role] = {}
        self.devices: dict[str, list[str]] = {}
        self.loose_devices: set[str] = set()
        self.passwords: dict[str, str] = {}
        self.signed_in: set[str] = set()
        self.attached: dict[str, set[str]] = {}
        self.inline: dict[str, dict[str, Mapping[str, Any]]] = {}
        self.documents: dict[str, Mapping[str, Any]] = {}
        self.granted: dict[str, GrantedPolicies] = {}
        self.authors: dict[str, TagAuthor] = {}
        self.holdings: dict[str, list[Held]] = {}
        self.calls: list[tuple[str, ...]] = []
        self.lag = 0
        self._stale: list[dict[str, Member]] = []
        self._planned: dict[str, list[AwsFailure]] = {}
        self._number = 0

    # --- how a test furnishes it ------------------------------------------------------------------

    def user(self, name: str, *groups: str, mfa: bool = False, **tags: str) -> None:
        self._number += 1
        self.groups |= set(groups)
        self.members[name] = Member(
            name=UserName(name),
            user_id=UserId(f"AIDA{self._number:016d}"),
            arn=f"arn:aws:iam::{ACCOUNT}:user/{name}",
            tags=tags,
            groups=frozenset(groups),
            has_mfa=False,
        )
        self.devices[name] = []
        if mfa:
            self.enrol(name)

    def enrol(self, name: str) -> None:
        self.devices[name].append(f"arn:aws:iam::{ACCOUNT}:mfa/{name}")

    def unenrol(self, name: str) -> None:
        self.devices[name].clear()

    def fail(self, call: str, failure: AwsFailure) -> None:
        self._planned.setdefault(call, []).append(failure)

    def in_groups(self, name: str) -> set[str]:
        return set(self.members[name].groups)

    # --- PeopleReader -----------------------------------------------------------------------------

    def member(self, user: UserName) -> Member:
        self._asked("member", user)
        shown = self._stale.pop(0) if self._stale else self.members
        found = shown.get(user) or self._user(user)
        return replace(found, has_mfa=bool(self.devices[user]))

    def mfa_devices(self, user: UserName) -> tuple[str, ...]:
        self._asked("mfa_devices", user)
        self._user(user)
        return tuple(self.devices[user])

    def held(self, user: UserName) -> tuple[Held, ...]:
        self._asked("held", user)
        self._user(user)
        return tuple(self.holdings.get(user, ()))

    def group_members(self, group: str) -> frozenset[UserName]:
        self._asked("group_members", group)
        self._group(group)
        return frozenset(m.name for m in self.members.values() if group in m.groups)

    def everybody(self) -> Everybody:
        self._asked("everybody")
        return Everybody(
            members=tuple(
                replace(member, has_mfa=bool(self.devices[member.name]))
                for member in self.members.values()
            ),
            groups=frozenset(self.groups),
        )

    def role(self, name: str) -> Role:
        self._asked("role", name)
        if name not in self.roles:
            raise NotFound(f"no role {name}", call="iam:GetRole", code="NoSuchEntity")
        return self.roles[name]

    def standing(self, user: UserName) -> Standing:
        self._asked("standing", user)
        member = self._user(user)
        return Standing(
            attached={arn: self.documents.get(arn) for arn in sorted(self.attached.get(user, ()))},
            inline=dict(self.inline.get(user, {})),
            groups={name: self.granted.get(name, GrantedPolicies()) for name in member.groups},
        )

    # --- what AccountReader and CredentialActuator tell of the same users -------------------------

    def password_policy(self) -> PasswordPolicy:
        return PasswordPolicy(minimum_length=14, custom=True)

    def has_login_profile(self, user: UserName) -> bool:
        return user in self.passwords

    def must_change_password(self, user: UserName) -> bool:
        return user in self.passwords and user not in self.signed_in

    def reset_password(self, user: UserName, password: str) -> None:
        self._asked("reset_password", user)
        self.passwords[user] = password

    # --- TagHistory -------------------------------------------------------------------------------

    def author(self, user: UserName, tag: str) -> TagAuthor | None:
        self._asked("author", user, tag)
        return self.authors.get(user)

    # --- PeopleActuator ---------------------------------------------------------------------------

    def create_user(self, user: UserName, tags: Mapping[str, str]) -> NewUser:
        self._asked("create_user", user)
        if user in self.members:
            raise AlreadyExists("taken", call="iam:CreateUser", code="EntityAlreadyExists")
        self.user(user, **tags)
        made = self.members[user]
        return NewUser(user_id=made.user_id, arn=made.arn, created_at=BORN)

    def create_login_profile(self, user: UserName, password: str) -> None:
        self._asked("create_login_profile", user)
        self._user(user)
        if user in self.passwords:
            raise AlreadyExists("taken", call="iam:CreateLoginProfile", code="EntityAlreadyExists")
        self.passwords[user] = password

    def add_to_group(self, user: UserName, group: str) -> None:
        self._before("add_to_group", user, group)
        self._group(group)
        member = self._user(user)
        self.members[user] = replace(member, groups=member.groups | {group})
        self._after("add_to_group")

    def remove_from_group(self, user: UserName, group: str) -> None:
        self._before("remove_from_group", user, group)
        self._group(group)
        member = self._user(user)
        if group not in member.groups:
            raise NotFound("no member", call="iam:RemoveUserFromGroup", code="NoSuchEntity")
        self.members[user] = replace(member, groups=member.groups - {group})
        self._after("remove_from_group")

    def tag_user(self, user: UserName, tags: Mapping[str, str]) -> None:
        self._asked("tag_user", user)
        member = self._user(user)
        self.members[user] = replace(member, tags={**member.tags, **tags})

    def detach_user_policy(self, user: UserName, arn: str) -> None:
        self._asked("detach_user_policy", user, arn)
        self._user(user)
        if arn not in self.attached.get(user, ()):
            raise NotFound("not attached", call="iam:DetachUserPolicy", code="NoSuchEntity")
        self.attached[user].discard(arn)

    def delete_user_policy(self, user: UserName, policy: str) -> None:
        self._asked("delete_user_policy", user, policy)
        self._user(user)
        if self.inline.get(user, {}).pop(policy, None) is None:
            raise NotFound("no policy", call="iam:DeleteUserPolicy", code="NoSuchEntity")

    def put_user_policy(self, user: UserName, policy: str, document: Mapping[str, Any]) -> None:
        self._asked("put_user_policy", user, policy)
        self._user(user)
        self.inline.setdefault(user, {})[policy] = document

    def deactivate_mfa_device(self, user: UserName, serial: str) -> None:
        self._asked("deactivate_mfa_device", user, serial)
        self._user(user)
        if serial not in self.devices[user]:
            raise NotFound("no device", call="iam:DeactivateMFADevice", code="NoSuchEntity")
        self.devices[user].remove(serial)
        self.loose_devices.add(serial)

    def delete_virtual_mfa_device(self, serial: str) -> None:
        self._asked("delete_virtual_mfa_device", serial)
        if serial not in self.loose_devices:
            raise NotFound("no device", call="iam:DeleteVirtualMFADevice", code="NoSuchEntity")
        self.loose_devices.discard(serial)

    def delete_held(self, user: UserName, held: Held) -> None:
        self._asked("delete_held", user, held.id)
        self._user(user)
        if held not in self.holdings.get(user, ()):
            raise NotFound("no such credential", call="iam:Delete", code="NoSuchEntity")
        self.holdings[user].remove(held)

    def delete_user(self, user: UserName) -> None:
        self._asked("delete_user", user)
        member = self._user(user)
        policies = self.attached.get(user) or self.inline.get(user)
        if (
            member.groups
            or policies
            or self.holdings.get(user)
            or user in self.passwords
            or self.devices[user]
        ):
            raise Conflict("not empty", call="iam:DeleteUser", code="DeleteConflict")
        del self.members[user]

    # --- within -----------------------------------------------------------------------------------

    def _asked(self, call: str, *about: str) -> None:
        """Remember the call, and fail it if that was planned."""
        self.calls.append((call, *about))
        if self._planned.get(call):
            raise self._planned[call].pop(0)

    def _before(self, call: str, *about: str) -> None:
        self.calls.append((call, *about))
        self._seen = dict(self.members)
        if self._planned.get(call) and self._planned[call][0].code != "AFTERWARDS":
            raise self._planned[call].pop(0)

    def _after(self, call: str) -> None:
        self._stale = [self._seen] * self.lag
        if self._planned.get(call):
            raise self._planned[call].pop(0)

    def _user(self, user: str) -> Member:
        if user not in self.members:
            raise NotFound(f"no user {user}", call="iam:GetUser", code="NoSuchEntity")
        return self.members[user]

    def _group(self, group: str) -> None:
        if group not in self.groups:
            raise NotFound(f"no group {group}", call="iam:GetGroup", code="NoSuchEntity")
