"""The policy documents of the access model: who may assume what, and what MFA opens.

trust              on a role: whom it trusts                          always with MFA
assume_own_role    on a group: its own role, and nothing else
self_management    on a role group: one's own password, keys, certificates, MFA
deny_without_mfa   on a role group: all but a look at oneself
onboarding         on the onboarding group: password change and enrolment, and nothing else
quarantine         on the quarantine group: nothing at all
deny_role_tag      on every group and role: nobody promotes himself by a tag

The stages of onboarding are groups, since no condition key tells whether a user has a device:
`onboarding` exempts iam:ChangePassword from its deny, so that a forced change works before MFA,
and whoever has enrolled leaves that group for one with `deny_without_mfa`, which exempts it no
more. docs/onboarding-steps.md shows what comes of it, step by step.

Source: IAM User Guide, "AWS: Allows MFA-authenticated IAM users to manage their own credentials"
(aws-facts E4), in its present wording, and differing from it where a reason is given.

- A user may bear a path: `user/*/${aws:username}` stands beside `user/${aws:username}`. A name
  is unique in its account whatever its path, so both name the same person.
- Enrolment is refused to plain access keys. AWS exempts it for them too, and a user may have
  eight devices: a stolen key could enrol its thief's device, and MFA would guard nothing.
- Devices are removed with MFA only; AWS says never to exempt that, and here it is not even
  allowed otherwise.
- iam:DeleteVirtualMFADevice, which AWS's text leaves out, is allowed for a device that bears the
  user's name, so that a lost one does not keep that name for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from keyreeve.governance.statements import Json, allow, deny, deny_all_but, document
from keyreeve.model.access import AccessModel, Grant, TrustModel

WITH_MFA: Final[Json] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
"""For what allows: IfExists would let plain access keys through, which lack the key (E4)."""
WITHOUT_MFA: Final[Json] = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
"""For what denies: without IfExists plain access keys would slip through."""
PLAIN_KEY: Final[Json] = {"Null": {"aws:MultiFactorAuthPresent": "true"}}
"""Long-term credentials: the console, too, works with temporary ones, which have the key."""

LOOK_AT_ONESELF: Final = (
    "iam:GetMFADevice",
    "iam:GetUser",
    "iam:ListAccessKeys",
    "iam:ListMFADevices",
    "iam:ListSigningCertificates",
)
"""What the console's page "Security credentials" shows of a user (S2.5)."""
LOOK_AROUND: Final = (
    "iam:GetAccountPasswordPolicy",
    "iam:ListAccountAliases",
    "iam:ListVirtualMFADevices",
)
"""What it asks about the account (S2.5): these actions know no resource."""
ENROL: Final = ("iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:ResyncMFADevice")
SESSION: Final = ("sts:GetSessionToken",)
"""How MFA reaches the command line. No policy controls it (STS API Reference); it is named because
AWS's own text names it."""

_PASSWORD: Final = ("iam:ChangePassword",)
_KEYS: Final = (
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:GetAccessKeyLastUsed",
    "iam:UpdateAccessKey",
)
_CERTIFICATES: Final = (
    "iam:DeleteSigningCertificate",
    "iam:UpdateSigningCertificate",
    "iam:UploadSigningCertificate",
)
_SSH_KEYS: Final = (
    "iam:DeleteSSHPublicKey",
    "iam:GetSSHPublicKey",
    "iam:ListSSHPublicKeys",
    "iam:UpdateSSHPublicKey",
    "iam:UploadSSHPublicKey",
)
_SERVICE_CREDENTIALS: Final = (
    "iam:CreateServiceSpecificCredential",
    "iam:DeleteServiceSpecificCredential",
    "iam:ListServiceSpecificCredentials",
    "iam:ResetServiceSpecificCredential",
    "iam:UpdateServiceSpecificCredential",
)
_TAGGING: Final = ("iam:CreateUser", "iam:TagUser", "iam:UntagUser")


def of_aws(arn: str) -> bool:
    """Whether a managed policy is one of AWS's own."""
    return arn.split(":")[4] == "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The account that the documents are for.

    Templates give CloudFormation's own words, "${AWS::Partition}" and "${AWS::AccountId}".
    """

    partition: str
    account_id: str

    def iam(self, resource: str) -> str:
        """An ARN of this account's IAM."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"

    def policy(self, arn: str) -> str:
        """A managed policy as it is called here: AWS's own have an ARN in each partition."""
        return f"arn:{self.partition}:{arn.split(':', 2)[2]}" if of_aws(arn) else arn

    def themselves(self) -> tuple[str, str]:
        """The user who asks, with and without a path; AWS's text has only the latter."""
        return self.iam("user/${aws:username}"), self.iam("user/*/${aws:username}")


def trust(model: AccessModel, grant: Grant, at: Place) -> Json:
    """Who may assume the grant's role: with MFA, under his own name, and not on an old proof.

    TrustModel.GROUP trusts the account and leaves the rest to `assume_own_role`, since a group is
    no principal (S2.17, S2.T13); TrustModel.USERS names users (S2.16). ValueError without any.

    The proof of MFA (aws:MultiFactorAuthAge, seconds) may be as old as a session may become: a
    role of one hour asks who has been signed in for longer to sign in again.

    sts:RoleSessionName must be the user's name: CloudTrail then names a person in every record of
    the session, and whoever is no IAM user, such as another role, is kept out, since he has no
    aws:username. The console's "Switch role" sets it so by itself; at the command line give
    `--role-session-name USER`. sts:SourceIdentity would outlive role chaining, but the console
    cannot set it.
    """
    statement = {
        "Sid": "AssumeWithMfa",
        "Effect": "Allow",
        "Principal": {"AWS": _trusted(model, grant, at)},
        "Action": "sts:AssumeRole",
        "Condition": {
            **WITH_MFA,
            "NumericLessThanEquals": {
                "aws:MultiFactorAuthAge": str(int(grant.max_session.total_seconds()))
            },
            "StringEquals": {"sts:RoleSessionName": "${aws:username}"},
        },
    }
    return document([statement])


def _trusted(model: AccessModel, grant: Grant, at: Place) -> list[str]:
    if model.trust is TrustModel.GROUP:
        return [at.iam("root")]
    if not grant.trusted_users:
        raise ValueError(f"nobody is trusted to assume {grant.role}")
    return [at.iam(f"user/{name}") for name in grant.trusted_users]


def assume_own_role(grant: Grant, at: Place) -> Json:
    """All that a role group grants beside `self_management` (S2.15): the door to its own role."""
    role = at.iam(f"role/{grant.role}")
    return document([allow("AssumeOwnRole", ("sts:AssumeRole",), role)])


def self_management(at: Place) -> Json:
    """One's own credentials, and nobody else's (S2.T8).

    `deny_without_mfa` belongs beside it: these statements ask for MFA only where a device is
    removed.
    """
    own = at.themselves()
    named = at.iam("mfa/${aws:username}")
    return document(
        [
            allow("LookAround", LOOK_AROUND, "*"),
            allow("LookAtOneself", LOOK_AT_ONESELF, *own),
            allow("ChangeOwnPassword", _PASSWORD, *own),
            allow("ManageOwnAccessKeys", _KEYS, *own),
            allow("ManageOwnSigningCertificates", _CERTIFICATES, *own),
            allow("ManageOwnSshKeys", _SSH_KEYS, *own),
            allow("ManageOwnServiceCredentials", _SERVICE_CREDENTIALS, *own),
            *_enrols(at),
            allow("RemoveOwnMfa", ("iam:DeactivateMFADevice",), *own, WITH_MFA),
            allow("DeleteOwnDevice", ("iam:DeleteVirtualMFADevice",), named, WITH_MFA),
        ]
    )


def onboarding(at: Place) -> Json:
    """What a user may do who has no MFA yet: change the password, enrol the own device (S2.4).

    AWS advises against iam:ChangePassword in the exemption, since it then stays possible without
    MFA; here it does not, because the exemption ends with the membership of this group. Without
    it the forced change at the first sign-in, before any MFA, could never succeed (S1.T6).

    The deny, too, is needed: a user who stands in a role group as well would otherwise keep all
    of that group's rights (S2.T9).
    """
    own = at.themselves()
    exempt = (*LOOK_AROUND, *LOOK_AT_ONESELF, *_PASSWORD, *ENROL, *SESSION)
    return document(
        [
            allow("LookAround", LOOK_AROUND, "*"),
            allow("LookAtOneself", LOOK_AT_ONESELF, *own),
            allow("ChangeOwnPassword", _PASSWORD, *own),
            *_enrols(at),
            deny_all_but("NothingElseWithoutMfa", exempt, "*", WITHOUT_MFA),
        ]
    )


def _enrols(at: Place) -> tuple[Json, ...]:
    """The own device. Its name is free since 2022-11, so the device is not limited, its user is.

    A device that nobody has enabled opens nothing.
    """
    create, *enable = ENROL
    return (
        allow("CreateDevice", (create,), at.iam("mfa/*")),
        allow("EnrolOwnDevice", enable, *at.themselves()),
        allow("GetSessionWithMfa", SESSION, "*"),
        deny("NoEnrolmentByPlainAccessKey", ENROL, "*", PLAIN_KEY),
    )


def deny_without_mfa(at: Place) -> Json:  # noqa: ARG001 - as all its neighbours are asked
    """The strict deny: without MFA only a look at oneself, and enrolment where there is no device.

    No iam:ChangePassword: whoever is here has enrolled. Enrolment stays exempt for the console's
    sessions alone (see NoEnrolmentByPlainAccessKey): who lost MFA while in a role group must find
    the way back, and the console asks everybody else for the device.
    """
    exempt = (*LOOK_AROUND, *LOOK_AT_ONESELF, *ENROL, *SESSION)
    return document(
        [
            deny_all_but("NothingElseWithoutMfa", exempt, "*", WITHOUT_MFA),
            deny("NoEnrolmentByPlainAccessKey", ENROL, "*", PLAIN_KEY),
        ]
    )


def quarantine(at: Place) -> Json:  # noqa: ARG001 - as all its neighbours are asked
    """Nothing, with or without MFA; ended by taking the user out of the group.

    A session of sts:GetSessionToken can still be had, since no policy refuses it; this one then
    refuses whatever the session asks for.
    """
    return document([deny("Nothing", ("*",), "*")])


def deny_role_tag(model: AccessModel, at: Place) -> Json:  # noqa: ARG001 - as above
    """Nobody but the provisioners sets or removes the tag that chooses a group (S2.T7).

    IAM's tag keys ignore case: `functionalgroup` would overwrite `FunctionalGroup`, so the
    comparison ignores it as well. aws:PrincipalArn of a session is its role's ARN.
    """
    named: Json = {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": [model.tags.role]}}
    others: Json = {}
    if model.provisioners:
        others = {"ArnNotEquals": {"aws:PrincipalArn": list(model.provisioners)}}
    return document([deny("NobodyPromotesHimself", _TAGGING, "*", named, others)])
