"""The alarms that source 2 asks for beyond CIS; two of them name what access.yaml says.

Each counts successful and refused calls alike: an attempt is worth a look.
"""

from __future__ import annotations

import re
from typing import Final

from keyreeve.governance.alarm_card import AlarmCard, Event, Placed, call, calls, either
from keyreeve.model.access import AccessModel

_ACCESS_KEYS: Final = ("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey")
_MFA: Final = ("DeactivateMFADevice", "DeleteVirtualMFADevice")
_GROUPS: Final = ("AddUserToGroup", "RemoveUserFromGroup")
_PASSWORDS: Final = ("CreateLoginProfile", "UpdateLoginProfile")

_REGEX_KNOWS: Final = re.compile(r"[\w:=@/-]+", re.ASCII)
"""Characters of a tag's key that AWS's regular expressions of filters can say as they are."""
_LONGEST_KEY: Final = 80
"""Of such a key: it stands in the pattern twice, four characters to the letter."""


def _of_iam(names: tuple[str, ...]) -> str:
    return f"{{($.eventSource=iam.amazonaws.com) && ({either(names)})}}"


OWN_ALARMS: Final[tuple[AlarmCard, ...]] = (
    AlarmCard(
        id="access-key-lifecycle",
        title="Access key made, changed or deleted",
        description="An access key was created, switched on or off, or deleted.",
        pattern=_of_iam(_ACCESS_KEYS),
        metric="AccessKeyLifecycle",
        source="S2.23",
        runbook="Compare with Keyreeve's audit log: its own rotations count, too.",
        matching=calls(_ACCESS_KEYS),
        passing=(call("ListAccessKeys", reads=True), call("GetAccessKeyLastUsed", reads=True)),
    ),
    AlarmCard(
        id="mfa-removal",
        title="MFA removed",
        description="An MFA device was deactivated or deleted.",
        pattern=_of_iam(_MFA),
        metric="MfaRemoval",
        source="S2.23, S2.T6",
        runbook="Ask the user: without a device he belongs into the onboarding group.",
        matching=calls(_MFA),
        passing=(call("EnableMFADevice"), call("ListMFADevices", reads=True)),
    ),
    AlarmCard(
        id="group-membership-changes",
        title="Group membership changed",
        description="A user was put into a group, or taken out of one.",
        pattern=_of_iam(_GROUPS),
        metric="GroupMembershipChanges",
        source="S2.23, S2.T9: a group is what a user may do",
        runbook="Right after an enrolment it was the onboarding function; else ask who moved whom.",
        matching=calls(_GROUPS),
        passing=(call("ListGroupsForUser", reads=True), call("CreateGroup")),
    ),
    AlarmCard(
        id="trust-policy-changes",
        title="Trust policy changed",
        description="Who may assume a role was changed.",
        pattern=_of_iam(("UpdateAssumeRolePolicy",)),
        metric="TrustPolicyChanges",
        source="S2.16–S2.18; CIS's filter of policies does not count this call",
        runbook="Read the new trust policy: MFA must still be asked for, and nobody new be named.",
        matching=calls(("UpdateAssumeRolePolicy",)),
        passing=(call("UpdateRole"), call("GetRole", reads=True)),
    ),
    AlarmCard(
        id="login-profile-changes",
        title="Console password set by an administrator",
        description="A console password was made or set for a user.",
        pattern=_of_iam(_PASSWORDS),
        metric="LoginProfileChanges",
        source="S2.23",
        runbook="Who sets another's password can sign in as him: ask why. Keyreeve's count too.",
        matching=calls(_PASSWORDS),
        passing=(call("ChangePassword"), call("GetLoginProfile", reads=True)),
    ),
)


def administrator_role_assumed(model: AccessModel, at: Placed) -> AlarmCard | None:
    """Assumption of the administrators' roles, not of every role (S2.T14). None: there are none."""
    arns = [_role(at, grant.role) for grant in model.grants if grant.administrator]
    if not arns:
        return None
    named = " || ".join(f'($.requestParameters.roleArn = "{arn}")' for arn in arns)
    return AlarmCard(
        id="administrator-role-assumed",
        title="Administrator role assumed",
        description="Somebody asked for a session that may do everything.",
        pattern=f'{{ ($.eventName = "AssumeRole*") && ({named}) }}',
        metric="AdministratorRoleAssumed",
        source="S2.15, S2.23, S2.T14",
        runbook="The session's name is the user's: ask what the rights are needed for.",
        matching=tuple(_assumed(arn) for arn in arns),
        passing=(
            _assumed(_role(at, "AWSServiceRoleForSupport")),
            _assumed(f"{arns[0]}-reader"),
            call("GetRole", reads=True, requestParameters={"roleArn": arns[0]}),
        ),
    )


def role_tag_changed(model: AccessModel) -> AlarmCard:
    """The alarm against promoting oneself by a tag (S2.T7).

    AWS: keys of IAM tags differ in no letter's case, so the pattern does not either.
    """
    key = model.tags.role
    value = _in_any_case(key)
    return AlarmCard(
        id="role-tag-changes",
        title="Role tag changed",
        description=f"The tag {key}, which decides on a user's group, was set or removed.",
        pattern=(
            "{($.eventSource=iam.amazonaws.com) && "
            f"((($.eventName=TagUser) && ($.requestParameters.tags[*].key = {value})) || "
            f"(($.eventName=UntagUser) && ($.requestParameters.tagKeys[*] = {value})))}}"
        ),
        metric="RoleTagChanges",
        source="S2.7, S2.T7",
        runbook="Only the provisioning role does this: set the tag back, look at the groups.",
        matching=(
            _tagged("Team", key),
            _tagged(key.swapcase() if value.startswith("%") else key),
            call("UntagUser", requestParameters={"userName": "alex", "tagKeys": ["Team", key]}),
        ),
        passing=(
            _tagged("Team"),
            _tagged(f"{key}Note"),
            call("UntagUser", requestParameters={"userName": "alex", "tagKeys": ["Team"]}),
            call("TagRole", requestParameters={"roleName": "x", "tags": [{"key": key}]}),
        ),
    )


def _role(at: Placed, name: str) -> str:
    return f"arn:{at.partition}:iam::{at.account_id}:role/{name}"


def _assumed(arn: str) -> Event:
    asked = {"roleArn": arn, "roleSessionName": "alex"}
    return call("AssumeRole", "sts.amazonaws.com", reads=True, requestParameters=asked)


def _tagged(*keys: str) -> Event:
    tags = [{"key": key, "value": "Administrator"} for key in keys]
    return call("TagUser", requestParameters={"userName": "alex", "tags": tags})


def _in_any_case(key: str) -> str:
    """As a regular expression; as a text where AWS's regular expressions cannot say the key."""
    if len(key) > _LONGEST_KEY or not _REGEX_KNOWS.fullmatch(key):
        return f'"{key}"'
    letters = (f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in key)
    return f"%^{''.join(letters)}$%"
