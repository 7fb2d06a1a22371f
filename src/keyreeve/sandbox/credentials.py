"""Which credentials AWS accepts at all, before it asks what they may do.

AWS: an unknown key or token is InvalidClientTokenId, an old one ExpiredToken. A session from
GetSessionToken may call IAM only if it was begun with MFA, and of STS only AssumeRole and
GetCallerIdentity (STS API Reference). A console session whose password must be changed reaches
nothing else.
"""

from __future__ import annotations

import hmac
from typing import Final

from keyreeve.language.policy_evaluator import Answer, Decision
from keyreeve.sandbox.callers import Caller, caller_of
from keyreeve.sandbox.calls import Request
from keyreeve.sandbox.faults import Fault
from keyreeve.sandbox.judgement import Judgement
from keyreeve.sandbox.questions import Questions
from keyreeve.sandbox.sessions import Session, SessionKind
from keyreeve.sandbox.world import World

_INVALID: Final = "The security token included in the request is invalid"
_EXPIRED: Final = "The security token included in the request is expired"
_OF_STS: Final = ("AssumeRole", "GetCallerIdentity")
_FOR_KEYS: Final = ("GetFederationToken", "GetSessionToken")
"""What no session at all may call."""
_WHILE_EXPIRED: Final = (
    ("iam", "ChangePassword"),
    ("iam", "GetAccountPasswordPolicy"),
    ("sts", "GetCallerIdentity"),
)
"""What the console does for a user whose password must be changed."""


def refused(world: World, request: Request) -> Fault | None:
    """Keys that nobody has, tokens that do not belong to them, sessions that are over."""
    caller = caller_of(world, request.access_key)
    if caller is None:
        return _invalid(request)
    session = caller.session
    if session is None:
        return None if request.token is None else _invalid(request)
    if not hmac.compare_digest(session.token, request.token or ""):
        return _invalid(request)
    if world.clock.now() >= session.expires:
        code = (
            "ExpiredToken" if request.form or request.service == "s3" else "ExpiredTokenException"
        )
        return Fault(code=code, status=403, message=_EXPIRED)
    if _is_kept_from_iam(session, request):
        return _invalid(request)
    return None


def _invalid(request: Request) -> Fault:
    if request.service == "s3":
        text = "The AWS Access Key Id you provided does not exist in our records."
        return Fault(code="InvalidAccessKeyId", status=403, message=text)
    code = "InvalidClientTokenId" if request.form else "UnrecognizedClientException"
    return Fault(code=code, status=403, message=_INVALID)


def _is_kept_from_iam(session: Session, request: Request) -> bool:
    if session.kind is not SessionKind.TOKEN or session.mfa_at is not None:
        return False
    return request.service == "iam"


def limited(caller: Caller, request: Request, questions: Questions) -> Judgement | None:
    """What no policy can open to this kind of session; None: policies decide."""
    session = caller.session
    if session is None:
        return None
    words = _limit(session, request)
    if words is None:
        return None
    question = questions.question(f"{request.service}:{request.operation}", "*", {})
    refusal = question, Answer(decision=Decision.EXPLICIT_DENY)
    return Judgement(asked=(question,), refused=refusal, words=words)


def _limit(session: Session, request: Request) -> str | None:
    asked = (request.service, request.operation)
    if session.must_change_password and asked not in _WHILE_EXPIRED:
        return "The password of {caller} must be changed first."
    if session.kind is SessionKind.ROOT and asked == ("sts", "AssumeRole"):
        return "Roles may not be assumed by root accounts."
    if request.service != "sts":
        return None
    by_token = session.kind is SessionKind.TOKEN and request.operation not in _OF_STS
    if by_token or request.operation in _FOR_KEYS:
        return f"Cannot call {request.operation} with session credentials"
    return None
