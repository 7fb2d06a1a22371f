"""Who may change users: the role of the verbs of `user`, and that of the onboarding function.

people       what `keyreeve user …` and `keyreeve review …` look at, rehearse, and do with
             --execute; checks, the doctor and `state repair` are for other roles
onboarding   the function that moves users; its stack adds its log group and the alert topic

Both may add to no group but those of the access model, and neither to Quarantine: that is the
ladder's.  The people role makes users, sets passwords and puts inline policies: nothing in IAM can
say which ones, so it is worth an administrator's care, and nobody needs it every day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from keyreeve.governance.installation import Installation
from keyreeve.governance.onboarding import model_groups
from keyreeve.governance.own_policies import (
    ACCOUNT_READS,
    USER_READS,
    denies,
    never_secrets,
    project_reads,
    storage_writes,
)
from keyreeve.governance.statements import Json, allow, deny
from keyreeve.model.access import QUARANTINE_GROUP, AccessModel
from keyreeve.model.effect import SEND_ACTION

ANYWHERE: Final = (
    "cloudtrail:LookupEvents",
    "iam:GetAccountAuthorizationDetails",
    "iam:ListVirtualMFADevices",
)
"""Reads that no resource can limit."""
MEMBER_READS: Final = ("iam:GetUser", "iam:ListGroupsForUser", "iam:ListMFADevices")
HELD_READS: Final = (
    "iam:ListSSHPublicKeys",
    "iam:ListServiceSpecificCredentials",
    "iam:ListSigningCertificates",
)
"""What a leaver holds beside password, keys and devices: read before a deletion."""
MOVES: Final = ("iam:AddUserToGroup", "iam:RemoveUserFromGroup")
LAST_USE: Final = "iam:GetAccessKeyLastUsed"
USER_ACTS: Final = (
    "iam:CreateLoginProfile",
    "iam:CreateUser",
    "iam:DeactivateMFADevice",
    "iam:DeleteAccessKey",
    "iam:DeleteLoginProfile",
    "iam:DeleteSSHPublicKey",
    "iam:DeleteServiceSpecificCredential",
    "iam:DeleteSigningCertificate",
    "iam:DeleteUser",
    "iam:DeleteUserPolicy",
    "iam:DetachUserPolicy",
    "iam:PutUserPolicy",
    "iam:TagUser",
    "iam:UpdateAccessKey",
    "iam:UpdateLoginProfile",
)
"""What the verbs of `user` do to a user."""


class PeopleRole(StrEnum):
    """Roles that exist where there is an access model."""

    PEOPLE = "people"
    ONBOARDING = "onboarding"


def people_statements(at: Installation, model: AccessModel, role: PeopleRole) -> list[Json]:
    """Each with a Sid that says what it is for."""
    if role is PeopleRole.ONBOARDING:
        return list(_moves(at, model))
    return list(_people(at, model))


def _moves(at: Installation, model: AccessModel) -> Iterator[Json]:
    yield allow("SweepAccount", ANYWHERE, "*")
    yield allow("ReadMembers", MEMBER_READS, at.iam("user/*"))
    groups = at.groups(sorted(model_groups(model)))
    yield allow("ReadGroups", ("iam:GetGroup",), *groups)
    yield allow("MoveMembers", MOVES, *groups)
    yield deny("NeverQuarantine", MOVES, *at.groups((QUARANTINE_GROUP,)))


def _people(at: Installation, model: AccessModel) -> Iterator[Json]:
    yield allow("ReadAccount", {*ACCOUNT_READS, *ANYWHERE}, "*")
    yield allow("ReadUsers", _user_reads(at), at.iam("user/*"))
    yield allow("ReadWhatLeaversHold", HELD_READS, at.iam("user/*"))
    yield allow("ReadGroups", ("iam:GetGroup",), at.iam("group/*"))
    yield allow("ReadRoles", ("iam:GetRole",), *_roles(at, model))
    yield allow("ActOnUsers", USER_ACTS, at.iam("user/*"))
    yield allow("DeleteDevices", ("iam:DeleteVirtualMFADevice",), at.iam("mfa/*"))
    yield allow("AddMembers", ("iam:AddUserToGroup",), *at.groups(sorted(model_groups(model))))
    # A leaver leaves every group, those of others included.
    yield allow("RemoveMembers", ("iam:RemoveUserFromGroup",), at.iam("group/*"))
    yield deny("NeverIntoQuarantine", ("iam:AddUserToGroup",), *at.groups((QUARANTINE_GROUP,)))
    yield from denies(at, USER_ACTS)
    if at.sender is not None:
        only = {"StringEquals": {"ses:FromAddress": at.sender}}
        yield allow("SendMail", (SEND_ACTION,), *at.identities(), only)
    if at.bucket is not None:
        yield from project_reads(at, at.bucket)
        yield from storage_writes(at, at.bucket)
    yield from never_secrets(at)


def _user_reads(at: Installation) -> frozenset[str]:
    """A review takes keys' last use from the credential report, unless its clock is compressed."""
    reads = frozenset({*USER_READS, *MEMBER_READS})
    return reads if at.policy.compressed is not None else reads - {LAST_USE}


def _roles(at: Installation, model: AccessModel) -> Iterable[str]:
    """IAM roles under any path."""
    for name in sorted(grant.role for grant in model.grants):
        yield at.iam(f"role/{name}")
        yield at.iam(f"role/*/{name}")
