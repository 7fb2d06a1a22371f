"""What works when: the steps of a user by situation, as the policy evaluator finds them; pure.

`python -m keyreeve.governance.onboarding_steps` writes the page docs/onboarding-steps.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Final

from keyreeve.governance.access_policies import (
    LOOK_AROUND,
    LOOK_AT_ONESELF,
    Place,
    assume_own_role,
    deny_role_tag,
    deny_without_mfa,
    onboarding,
    self_management,
    trust,
)
from keyreeve.language.policy_document import PolicyDocument, parse_document
from keyreeve.language.policy_evaluator import Policies, Principal, Request, evaluate
from keyreeve.language.policy_values import Context
from keyreeve.model.access import AccessModel, Grant

AT: Final = Place(partition="aws", account_id="123456789012")
USER: Final = "ann"
GRANT: Final = Grant(
    functional_group="Developer", group="Developers", role="DeveloperRole", policies=()
)
MODEL: Final = AccessModel(grants=(GRANT,), provisioners=(AT.iam("role/provisioner"),))
"""Ann is a developer to be; nothing in the documents depends on these names but the ARNs."""

_MFA: Final = "aws:multifactorauthpresent"


class Situation(StrEnum):
    """How the user asks."""

    BEFORE_PASSWORD = "before the password change"  # noqa: S105 - words of the page
    BEFORE_MFA = "signed in without MFA"
    AFTER_MFA = "signed in with MFA"
    PLAIN_KEY = "plain access key"

    @property
    def context(self) -> Context:
        """What AWS says about MFA then; of the forced change at sign-in AWS says nothing."""
        match self:
            case Situation.BEFORE_PASSWORD | Situation.PLAIN_KEY:
                return {}
            case Situation.BEFORE_MFA:
                return {_MFA: ("false",)}
            case Situation.AFTER_MFA:
                return {_MFA: ("true",), "aws:multifactorauthage": ("60",)}

    @property
    def known(self) -> bool:
        """Whether a key that the context lacks is absent; else nobody knows its value."""
        return self is not Situation.BEFORE_PASSWORD


class Membership(StrEnum):
    """Where the user is."""

    ONBOARDING = "in the onboarding group"
    ROLE_GROUP = "in a role group"
    BOTH = "in both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One question to AWS."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a person does, and the calls that it needs."""

    title: str
    calls: tuple[Call, ...]


def _on(resource: str, *actions: str, **context: str) -> tuple[Call, ...]:
    keys = {name.replace("_", ":"): (value,) for name, value in context.items()}
    return tuple(Call(action=a, resource=AT.iam(resource), context=keys) for a in actions)


def _at_large(*actions: str) -> tuple[Call, ...]:
    return tuple(Call(action=action) for action in actions)


_OWN: Final = f"user/{USER}"
_ROLE: Final = f"role/{GRANT.role}"

STEPS: Final = (
    Step(title="change the own password", calls=_on(_OWN, "iam:ChangePassword")),
    Step(title="read the rules for passwords", calls=_at_large("iam:GetAccountPasswordPolicy")),
    Step(
        title='open the page "Security credentials"',
        calls=(*_at_large(*LOOK_AROUND), *_on(_OWN, *LOOK_AT_ONESELF)),
    ),
    Step(
        title="enrol an own virtual MFA device, under any name",
        calls=(
            *_on("mfa/anns-phone", "iam:CreateVirtualMFADevice"),
            *_on(_OWN, "iam:EnableMFADevice"),
        ),
    ),
    Step(title="enrol an own security key", calls=_on(_OWN, "iam:EnableMFADevice")),
    Step(title="resynchronise the own device", calls=_on(_OWN, "iam:ResyncMFADevice")),
    Step(title="get a session with an MFA code", calls=_at_large("sts:GetSessionToken")),
    Step(
        title="assume the own role under the own name",
        calls=_on(_ROLE, "sts:AssumeRole", sts_rolesessionname=USER),
    ),
    Step(
        title="assume the own role under another name",
        calls=_on(_ROLE, "sts:AssumeRole", sts_rolesessionname="bob"),
    ),
    Step(
        title="assume another role",
        calls=_on("role/AdministratorAccessRole", "sts:AssumeRole", sts_rolesessionname=USER),
    ),
    Step(title="remove the own device from oneself", calls=_on(_OWN, "iam:DeactivateMFADevice")),
    Step(
        title="delete the device that bears the own name",
        calls=_on(f"mfa/{USER}", "iam:DeleteVirtualMFADevice"),
    ),
    Step(
        title="delete another device",
        calls=_on("mfa/bob", "iam:DeleteVirtualMFADevice"),
    ),
    Step(
        title="create, deactivate and delete an own access key",
        calls=_on(_OWN, "iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey"),
    ),
    Step(
        title="add an own certificate, SSH key or Git credential",
        calls=_on(
            _OWN,
            "iam:UploadSigningCertificate",
            "iam:UploadSSHPublicKey",
            "iam:CreateServiceSpecificCredential",
        ),
    ),
    Step(
        title="do any of this to somebody else",
        calls=_on(
            "user/bob",
            "iam:ChangePassword",
            "iam:CreateAccessKey",
            "iam:DeactivateMFADevice",
            "iam:EnableMFADevice",
            "iam:GetUser",
        ),
    ),
    Step(
        title="reset a password as administrators do",
        calls=_on(_OWN, "iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
    ),
    Step(
        title="give oneself another functional group",
        calls=tuple(
            Call(action=action, resource=AT.iam(_OWN), context={"aws:tagkeys": (key,)})
            for action in ("iam:TagUser", "iam:UntagUser")
            for key in ("FunctionalGroup", "functionalgroup")
        ),
    ),
    Step(
        title="join another group, or leave this one",
        calls=_on("group/Administrator", "iam:AddUserToGroup", "iam:RemoveUserFromGroup"),
    ),
    Step(
        title="change the own policies",
        calls=_on(_OWN, "iam:AttachUserPolicy", "iam:DeleteUserPolicy", "iam:PutUserPolicy"),
    ),
    Step(
        title="use any other service",
        calls=_at_large("ec2:RunInstances", "iam:ListUsers", "s3:ListAllMyBuckets"),
    ),
)


@cache
def policies(membership: Membership) -> tuple[PolicyDocument, ...]:
    """What reaches the user by her groups."""
    onboard = [onboarding(AT)]
    role_group = [self_management(AT), deny_without_mfa(AT), assume_own_role(GRANT, AT)]
    found = {
        Membership.ONBOARDING: onboard,
        Membership.ROLE_GROUP: role_group,
        Membership.BOTH: [*onboard, *role_group],
    }
    return tuple(map(parse_document, [*found[membership], deny_role_tag(MODEL, AT)]))


def allowed(call: Call, membership: Membership, situation: Situation) -> bool:
    """AWS's answer. In doubt no: what depends on what nobody knows cannot be relied upon."""
    assumes = call.action == "sts:AssumeRole"
    trusted = (parse_document(trust(MODEL, GRANT, AT)),) if assumes else ()
    request = Request(
        action=call.action,
        resource=call.resource,
        context={"aws:username": (USER,), **call.context, **situation.context},
        principal=Principal(account=AT.account_id, names=frozenset({AT.iam(_OWN)})),
        complete=situation.known,
    )
    found = Policies(identity=policies(membership), resource=trusted, resource_decides=assumes)
    return evaluate(found, request).allowed


def page() -> str:
    """docs/onboarding-steps.md, whole."""
    lines = [
        "# What works when",
        "",
        "Generated from the policies in `src/keyreeve/governance/access_policies.py` by the policy",
        "evaluator; do not edit. A test states every cell.",
        "",
        "A new user stands in the onboarding group alone, changes the password at the first",
        "sign-in, enrols an own device, signs in again with it, and is moved to the role group.",
        "",
        "- *before the password change*: the sign-in page lets nobody further. AWS does not say",
        "  whether such a request bears `aws:MultiFactorAuthPresent`, so only what is allowed",
        "  either way counts as allowed.",
        "- *signed in without MFA*: the console; the key is there, and false.",
        "- *signed in with MFA*: also a session of `sts:GetSessionToken` with an MFA code, and",
        "  `sts:AssumeRole` with a code in the call itself.",
        "- *plain access key*: long-term credentials without a code; the key is not there.",
        "",
        "Who is in both groups, as after the act `quarantine`, has what both allow less what",
        "either denies: enrolment leads out, a forced password change needs MFA first.",
        "",
    ]
    for membership in Membership:
        lines.extend(_table(membership))
    return "\n".join(lines).rstrip() + "\n"


def _table(membership: Membership) -> Iterator[str]:
    yield f"## A user {membership.value}"
    yield ""
    yield f"| step | {' | '.join(situation.value for situation in Situation)} |"
    yield f"|---|{'---|' * len(Situation)}"
    for step in STEPS:
        cells = (_cell(step, membership, situation) for situation in Situation)
        yield f"| {step.title} | {' | '.join(cells)} |"
    yield ""


def _cell(step: Step, membership: Membership, situation: Situation) -> str:
    works = all(allowed(call, membership, situation) for call in step.calls)
    return "**allowed**" if works else "denied"


if __name__ == "__main__":
    sys.stdout.write(page())
