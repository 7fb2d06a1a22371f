"""Whether a role may be assumed: the caller's policies, the role's trust policy, the MFA code.

Source: IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation": within an
account a trust policy that names the principal itself is enough; across accounts both sides must
allow. A code that comes along counts as MFA for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from keyreeve.language.policy_document import PolicyDocument
from keyreeve.language.policy_evaluator import Answer, Decision, Policies, evaluate
from keyreeve.sandbox.callers import Caller
from keyreeve.sandbox.calls import Request
from keyreeve.sandbox.judgement import Judgement
from keyreeve.sandbox.otp import is_shown
from keyreeve.sandbox.principals import EVERYTHING, stored
from keyreeve.sandbox.questions import Questions
from keyreeve.sandbox.world import World

_REFUSED: Final = (
    "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {resource}"
)
_WRONG_CODE: Final = "MultiFactorAuthentication failed with invalid MFA one time pass code."
_WRONG_DEVICE: Final = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA "
    "serial number is valid and associated with this user."
)
_NOBODY: Final = PolicyDocument(statements=())


def judge(world: World, caller: Caller, policies: Policies, request: Request) -> Judgement:
    """Every question about this AssumeRole, by both sides."""
    asked = tuple(
        replace(question, principal=caller.principal(_kept(question.resource)))
        for question in Questions(world, caller, request).all()
    )
    wrong = mfa_mistake(world, caller, request.params.get("SerialNumber"), request.token_code)
    if wrong is not None:
        refusal = asked[0], Answer(decision=Decision.IMPLICIT_DENY)
        return Judgement(asked=asked, refused=refusal, words=wrong)
    for question in asked:
        for side in _sides(caller, policies, question.resource):
            answer = evaluate(side, question)
            if not answer.allowed:
                return Judgement(asked=asked, refused=(question, answer), words=_REFUSED)
    return Judgement(asked=asked)


def mfa_mistake(world: World, caller: Caller, serial: str | None, given: str | None) -> str | None:
    """What is wrong with the code that was given, in AWS's words; None: nothing, or none given."""
    if serial is None and given is None:
        return None
    owned = caller.user is not None and serial in caller.user.mfa_devices
    device = caller.iam.virtual_mfa_devices.get(serial) if owned else None
    if device is None:
        return _WRONG_DEVICE
    shown = is_shown(device.base32_string_seed, given or "", world.clock.now())
    return None if shown else _WRONG_CODE


def role_of(arn: str) -> Any:
    """The role of that ARN, in whichever account; None: there is none."""
    from moto.iam.models import iam_backends

    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[4] not in iam_backends:  # noqa: PLR2004 - an ARN's parts
        return None
    roles: Any = iam_backends[parts[4]]["aws"].roles
    return next((role for role in roles.values() if role.arn == arn), None)


def _sides(caller: Caller, policies: Policies, arn: str) -> Iterator[Policies]:
    role = role_of(arn)
    trust = _NOBODY if role is None else stored(role.assume_role_policy_document)
    if role is None or role.account_id == caller.account_id:
        yield replace(policies, resource=(trust,), resource_decides=True)
        return
    yield policies
    yield Policies(identity=(EVERYTHING,), resource=(trust,), resource_decides=True)


def _kept(arn: str) -> Mapping[str, str]:
    """The users that the role's trust policy named, by what they were then."""
    found: Mapping[str, str] = getattr(role_of(arn), "trusted_ids", {})
    return found
