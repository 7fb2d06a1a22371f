"""Sessions that are remembered, and refused when they ask for too much.

AWS: GetSessionToken gives credentials that work; AssumeRole keeps to the role's MaxSessionDuration,
to one hour from a role's session, and to names of 2 to 64 characters. moto answers GetSessionToken
with the same example key for everybody, and AssumeRole without looking at the role.
With enforcement off nothing is refused that moto would not refuse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from keyreeve.language.policy_document import MalformedPolicy, PolicyDocument, parse_document
from keyreeve.sandbox.assuming import mfa_mistake, role_of
from keyreeve.sandbox.callers import Caller, caller_of
from keyreeve.sandbox.issuing import remember
from keyreeve.sandbox.patches.managed_policies import ensure
from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.principals import managed_document
from keyreeve.sandbox.sessions import SessionKind
from keyreeve.sandbox.world import World

_HOUR: Final = 3_600
_SHORTEST: Final = 900
_LONGEST_TOKEN: Final = 129_600
_USUAL_TOKEN: Final = 43_200
_NAME: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


def apply(world: World) -> None:
    """Remember every session that STS gives out."""
    from moto.core.responses import ActionResult
    from moto.sts.responses import TokenResponse

    stock: Callable[[Any], Any] = TokenResponse.assume_role
    stock_identity: Callable[[Any], Any] = TokenResponse.get_caller_identity

    def assume_role(self: Any) -> Any:
        caller = caller_of(world, self.get_access_key())
        role = role_of(self._get_param("RoleArn"))
        if world.settings.enforce:
            _check_role_session(self, caller, role)
        answer = stock(self)
        made = answer.result["Credentials"]
        remember(
            *(world, SessionKind.ROLE, made, made.account_id),
            timedelta(seconds=self._get_int_param("DurationSeconds", _HOUR)),
            role_id=role.id if role else "",
            name=made.session_name,
            mfa_at=_mfa_of(world, self, caller),
            policy=_session_policy(self, role),
            tags={tag["Key"]: tag["Value"] for tag in self._get_param("Tags", [])},
        )
        return answer

    def get_session_token(self: Any) -> Any:
        return ActionResult({"Credentials": _token(world, self)})

    def get_caller_identity(self: Any) -> Any:
        caller = caller_of(world, self.get_access_key())
        if caller is None or caller.session is None or caller.session.kind is not SessionKind.ROOT:
            return stock_identity(self)
        account_id = caller.account_id
        return ActionResult({"UserId": account_id, "Account": account_id, "Arn": caller.arn})

    replace(
        TokenResponse,
        assume_role=assume_role,
        get_session_token=get_session_token,
        get_caller_identity=get_caller_identity,
    )


def _token(world: World, response: Any) -> Mapping[str, Any]:
    """Credentials of the caller's own user, for GetSessionToken."""
    from moto.iam.models import iam_backends
    from moto.sts.exceptions import STSClientError

    caller = caller_of(world, response.get_access_key())
    seconds = response._get_int_param("DurationSeconds", _USUAL_TOKEN)
    if world.settings.enforce:
        serial, code = response._get_param("SerialNumber"), response._get_param("TokenCode")
        if caller is not None and (wrong := mfa_mistake(world, caller, serial, code)):
            raise STSClientError("AccessDenied", wrong)
        _check_duration(seconds, _LONGEST_TOKEN)
    account_id = response.current_account
    made = iam_backends[account_id]["aws"].create_temp_access_key()
    session = remember(
        *(world, SessionKind.TOKEN, made, account_id, timedelta(seconds=seconds)),
        user_id=caller.unique_id if caller else "",
        mfa_at=_mfa_of(world, response, None),
    )
    return {
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": response.backend.get_session_token(duration=seconds).expiration,
    }


def _mfa_of(world: World, response: Any, caller: Caller | None) -> Any:
    """When MFA was shown: with this call, else with the session that makes it."""
    if response._get_param("SerialNumber"):
        return world.clock.now()
    return caller.session.mfa_at if caller is not None and caller.session is not None else None


def _check_role_session(response: Any, caller: Caller | None, role: Any) -> None:
    """After the policies have allowed it: what the parameters may say."""
    from moto.sts.exceptions import STSClientError, STSValidationError

    if role is None:
        raise STSClientError("AccessDenied", "Not authorized to perform sts:AssumeRole")
    name = response._get_param("RoleSessionName")
    if not _NAME.fullmatch(name):
        raise STSValidationError(
            f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy "
            r"constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*"
        )
    seconds = response._get_int_param("DurationSeconds", _HOUR)
    _check_duration(seconds, 12 * _HOUR)
    if seconds > int(role.max_session_duration or _HOUR):
        raise STSValidationError(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    if caller is not None and caller.role is not None and seconds > _HOUR:
        raise STSValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining"
        )


def _check_duration(seconds: int, longest: int) -> None:
    from moto.sts.exceptions import STSValidationError

    if not _SHORTEST <= seconds <= longest:
        edge = f"less than or equal to {longest}"
        if seconds < _SHORTEST:
            edge = f"greater than or equal to {_SHORTEST}"
        raise STSValidationError(
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to "
            f"satisfy constraint: Member must have value {edge}"
        )


def _session_policy(response: Any, role: Any) -> PolicyDocument | None:
    """The given document and the managed policies, as one; None: the session is not narrowed."""
    from moto.iam.exceptions import MalformedPolicyDocument
    from moto.iam.models import iam_backends

    text = response._get_param("Policy")
    arns = [row["arn"] for row in response._get_param("PolicyArns", [])]
    if role is None or not (text or arns):
        return None
    backend: Any = iam_backends[role.account_id]["aws"]
    try:
        found = [parse_document(json.loads(text))] if text else []
    except (MalformedPolicy, ValueError) as error:
        raise MalformedPolicyDocument(
            f"The policy is not in the valid JSON format: {error}"
        ) from None
    for arn in arns:
        ensure(backend, arn)
        found.append(managed_document(backend.get_policy(arn)))
    return PolicyDocument(statements=tuple(it for each in found for it in each.statements))
