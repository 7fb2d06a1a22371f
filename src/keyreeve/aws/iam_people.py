"""Reads users and their groups, live: what onboarding decides by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final

from keyreeve.aws.event_lookup import EVENT_PAGES, Event, EventLookup
from keyreeve.aws.failures import calling
from keyreeve.aws.iam_reader import all_pages
from keyreeve.aws.iam_standing import standing_policies
from keyreeve.aws.sessions import Sessions
from keyreeve.governance.mfa_events import sets_tag, tag_author
from keyreeve.model.errors import NotFound
from keyreeve.model.identifiers import UserId, UserName
from keyreeve.model.people import Everybody, Held, HeldKind, Member, Role, Standing, TagAuthor

_SIDE_BY_SIDE: Final = 8
"""Calls at a time, where users are asked for one by one."""


class IamPeopleReader:
    """`ports.people.PeopleReader` over IAM."""

    def __init__(self, sessions: Sessions) -> None:
        self._iam = sessions.client("iam")

    def member(self, user: UserName) -> Member:
        """GetUser, ListGroupsForUser, ListMFADevices. NotFound if the user is gone."""
        found = self._user(user)
        return replace(found, groups=self._groups(user), has_mfa=bool(self.mfa_devices(user)))

    @calling("iam:ListMFADevices")
    def mfa_devices(self, user: UserName) -> tuple[str, ...]:
        """Serial numbers of the user's active devices. NotFound if the user is gone."""
        pages = all_pages(self._iam.list_mfa_devices, UserName=user)
        return tuple(row["SerialNumber"] for page in pages for row in page["MFADevices"])

    @calling("iam:GetGroup")
    def group_members(self, group: str) -> frozenset[UserName]:
        """GetGroup, all pages. NotFound if there is no such group."""
        pages = all_pages(self._iam.get_group, GroupName=group)
        return frozenset(UserName(row["UserName"]) for page in pages for row in page["Users"])

    def everybody(self) -> Everybody:
        """All users with tags, groups and MFA; the names of all groups.

        Whoever has a virtual device is known from one listing; passkeys and hardware devices are
        in no listing, so the others are asked for one by one. Who is deleted meanwhile is nobody.
        """
        everybody = self._details()
        virtual = self._with_virtual_device()
        others = [member.name for member in everybody.members if member.name not in virtual]
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            asked = dict(zip(others, pool.map(self._has_device, others), strict=True))
        return replace(
            everybody,
            members=tuple(
                replace(member, has_mfa=has_mfa)
                for member in everybody.members
                if (has_mfa := member.name in virtual or asked[member.name]) is not None
            ),
        )

    def _has_device(self, user: UserName) -> bool | None:
        """None: the user is gone since it was listed."""
        try:
            return bool(self.mfa_devices(user))
        except NotFound:
            return None

    @calling("iam:GetRole")
    def role(self, name: str) -> Role:
        """GetRole. NotFound."""
        found = self._iam.get_role(RoleName=name)["Role"]
        trust: Any = found["AssumeRolePolicyDocument"]
        return Role(
            name=found["RoleName"],
            arn=found["Arn"],
            trust=json.loads(trust) if isinstance(trust, str) else trust,
            # AWS: absent means the default of one hour.
            max_session_seconds=found.get("MaxSessionDuration", 3600),
        )

    def held(self, user: UserName) -> tuple[Held, ...]:
        """What the user has beside password, keys and devices. NotFound if the user is gone."""
        found = (
            (HeldKind.SSH_KEY, self._ssh_keys(user)),
            (HeldKind.SERVICE_CREDENTIAL, self._service_credentials(user)),
            (HeldKind.CERTIFICATE, self._certificates(user)),
        )
        return tuple(Held(kind=kind, id=id_) for kind, ids in found for id_ in ids)

    @calling("iam:ListSSHPublicKeys")
    def _ssh_keys(self, user: UserName) -> list[str]:
        pages = all_pages(self._iam.list_ssh_public_keys, UserName=user)
        return [row["SSHPublicKeyId"] for page in pages for row in page["SSHPublicKeys"]]

    @calling("iam:ListServiceSpecificCredentials")
    def _service_credentials(self, user: UserName) -> list[str]:
        return [
            row["ServiceSpecificCredentialId"]
            for page in all_pages(self._iam.list_service_specific_credentials, UserName=user)
            for row in page["ServiceSpecificCredentials"]
        ]

    @calling("iam:ListSigningCertificates")
    def _certificates(self, user: UserName) -> list[str]:
        pages = all_pages(self._iam.list_signing_certificates, UserName=user)
        return [row["CertificateId"] for page in pages for row in page["Certificates"]]

    @calling("iam:GetAccountAuthorizationDetails")
    def standing(self, user: UserName) -> Standing:
        """What reaches the user. NotFound if the user is gone."""
        parts: Any = ["User", "Group", "LocalManagedPolicy"]
        pages = all_pages(self._iam.get_account_authorization_details, Filter=parts, MaxItems=1000)
        found = standing_policies(list(pages), user)
        if found is None:
            raise NotFound(f"there is no user {user}", call="iam:GetAccountAuthorizationDetails")
        return found

    @calling("iam:GetUser")
    def _user(self, user: UserName) -> Member:
        return _member(self._iam.get_user(UserName=user)["User"])

    @calling("iam:ListGroupsForUser")
    def _groups(self, user: UserName) -> frozenset[str]:
        pages = all_pages(self._iam.list_groups_for_user, UserName=user)
        return frozenset(row["GroupName"] for page in pages for row in page["Groups"])

    @calling("iam:GetAccountAuthorizationDetails")
    def _details(self) -> Everybody:
        pages = list(
            all_pages(
                self._iam.get_account_authorization_details, Filter=["User", "Group"], MaxItems=1000
            )
        )
        return Everybody(
            members=tuple(_member(row) for page in pages for row in page["UserDetailList"]),
            groups=frozenset(row["GroupName"] for page in pages for row in page["GroupDetailList"]),
        )

    @calling("iam:ListVirtualMFADevices")
    def _with_virtual_device(self) -> frozenset[UserName]:
        pages = all_pages(self._iam.list_virtual_mfa_devices, AssignmentStatus="Assigned")
        names = (
            row.get("User", {}).get("UserName")
            for page in pages
            for row in page["VirtualMFADevices"]
        )
        return frozenset(UserName(name) for name in names if name)


class CloudTrailTagHistory:
    """`ports.people.TagHistory` over CloudTrail's last 90 days, newest first.

    TagUser and CreateUser are looked up by their names: CloudTrail indexes the user whom a TagUser
    is about only where it chooses to. Beyond a thousand events of each nothing is known.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._lookup = EventLookup(sessions)

    def author(self, user: UserName, tag: str) -> TagAuthor | None:
        """Who gave the user this tag last; None: CloudTrail does not tell.

        A user of that name may have been made anew since the last TagUser: the later event tells.
        """
        found = [self._newest(call, user, tag) for call in ("TagUser", "CreateUser")]
        events = [event for event in found if event is not None]
        if not events:
            return None
        newest = max(events, key=lambda event: event.at)  # at the same second: TagUser
        return replace(tag_author(newest.record, tag), at=newest.at)

    def _newest(self, call: str, user: UserName, tag: str) -> Event | None:
        for page in self._lookup.pages("EventName", call, limit=EVENT_PAGES):
            for event in page.events:
                if sets_tag(event.record, user, tag):
                    return event
        return None


def _member(row: Mapping[str, Any]) -> Member:
    """A row of GetUser or of the authorization details; MFA is asked for elsewhere."""
    return Member(
        name=UserName(row["UserName"]),
        user_id=UserId(row["UserId"]),
        arn=row["Arn"],
        tags={tag["Key"]: tag["Value"] for tag in row.get("Tags", ())},
        groups=frozenset(row.get("GroupList", ())),
        has_mfa=False,
    )
