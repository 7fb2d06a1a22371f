"""AWS's authorisation: action, resource and conditions.

moto's own looks at actions only. Here a call is put as the questions that AWS would ask
(`questions`), with the context that the request and the account give, to the policy evaluator.

A guarded key may do what the documents given for it allow; what is attached to its user is not
read. With `Settings.enforce` every other key and session is judged by the policies that its
principal really has; a call without signature, or signed in its address, is not.
Not judged: signatures, resource policies of S3, KMS, SNS and SQS, service control policies, and
what CloudFormation does in the caller's name.
"""

from __future__ import annotations

from keyreeve.language.authorizations import MISSING_OBJECT
from keyreeve.language.policy_evaluator import Policies
from keyreeve.sandbox import assuming, credentials, secrets_guard
from keyreeve.sandbox.callers import Caller, caller_of
from keyreeve.sandbox.calls import Request
from keyreeve.sandbox.faults import Fault
from keyreeve.sandbox.judgement import Judgement, judged
from keyreeve.sandbox.principals import policies_of
from keyreeve.sandbox.questions import Questions
from keyreeve.sandbox.world import World


def stranger(world: World, request: Request) -> Fault | None:
    """Before anything else: credentials that AWS does not accept at all."""
    if not world.settings.enforce or request.access_key is None:
        return None
    return credentials.refused(world, request)


def judge(world: World, request: Request) -> Judgement | None:
    """Before the call is served. None: nobody judges this key."""
    known = _judged_by(world, request)
    if known is None:
        return None
    caller, policies, guarded = known
    questions = Questions(world, caller, request)
    if not guarded:
        limited = credentials.limited(caller, request, questions)
        if limited is not None:
            return limited
        if (request.service, request.operation) == ("sts", "AssumeRole"):
            return assuming.judge(world, caller, policies, request)
        if request.service == "secretsmanager":
            return secrets_guard.judge(caller, policies, questions)
    return judged(policies, questions.all())


def judge_missing(world: World, request: Request) -> Judgement | None:
    """After a call for an object that is not there: whether the caller may learn that."""
    known = _judged_by(world, request)
    if known is None or request.operation not in ("GetObject", "HeadObject"):
        return None
    caller, policies, _ = known
    question = Questions(world, caller, request).question(
        MISSING_OBJECT,
        f"arn:aws:s3:::{request.params['Bucket']}",
        {"s3:prefix": (request.params["Key"],)},
    )
    return judged(policies, (question,))


def arn_of(world: World, request: Request) -> str:
    """The ARN of who signed. LookupError if nobody has the key."""
    return _caller(world, request).arn


def _judged_by(world: World, request: Request) -> tuple[Caller, Policies, bool] | None:
    documents = world.guards.get(request.access_key or "")
    if documents is not None:
        return _caller(world, request), Policies(identity=documents), True
    if not world.settings.enforce or request.access_key is None:
        return None
    caller = _caller(world, request)
    return caller, policies_of(caller), False


def _caller(world: World, request: Request) -> Caller:
    found = caller_of(world, request.access_key)
    if found is None:
        raise LookupError(f"nobody has the key {request.access_key}")
    return found
