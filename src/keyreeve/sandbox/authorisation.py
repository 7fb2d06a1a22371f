"""AWS's authorisation for keys that policies were given for: action, resource and conditions.

moto's own looks at actions only. Here every call of such a key is put as the questions that AWS
would ask (`language.authorizations`), with the context that the request and the account give, to
the policy evaluator. A guarded key has no other rights: what is attached to its user is not read.
The sandbox speaks no TLS and stands for an endpoint that does: `aws:SecureTransport` is true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any, Final

from keyreeve.language.authorizations import ACTIONS, MISSING_OBJECT, Kind, actions_of
from keyreeve.language.policy_evaluator import (
    EVERY_RESOURCE,
    Answer,
    Decision,
    Policies,
    evaluate,
)
from keyreeve.language.policy_evaluator import Request as Question
from keyreeve.language.policy_values import Context
from keyreeve.sandbox.account import REGION
from keyreeve.sandbox.calls import Request
from keyreeve.sandbox.world import World

_S3_KEYS: Final[Mapping[str, str]] = {
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
    "prefix": "s3:prefix",
    "max-keys": "s3:max-keys",
    "versionId": "s3:versionid",
}
"""Parameters, as calls.py keeps them, that S3 tells the policies about."""
_SECRET_KEYS: Final[Mapping[str, str]] = {
    "Name": "secretsmanager:name",
    "SecretId": "secretsmanager:secretid",
    "BlockPublicPolicy": "secretsmanager:blockpublicpolicy",
    "ForceDeleteWithoutRecovery": "secretsmanager:forcedeletewithoutrecovery",
}
_AWS_OWN_KEY: Final = "alias/aws/secretsmanager"
"""Its key policy lets in the whole account through Secrets Manager: nobody's policy is asked."""
_SECRET_KEY_USES: Final[Mapping[str, tuple[str, ...]]] = {
    "CreateSecret": ("kms:GenerateDataKey", "kms:Decrypt"),
    "PutSecretValue": ("kms:GenerateDataKey", "kms:Decrypt"),
    "GetSecretValue": ("kms:Decrypt",),
}
"""What Secrets Manager does with a secret's key in the caller's name; CreateSecret tries it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What AWS asked about a call, and the first question that was answered with no."""

    asked: tuple[Question, ...]
    refused: tuple[Question, Answer] | None = None

    def message(self, caller: str) -> str:
        """As AWS words it."""
        if self.refused is None:
            return ""
        question, answer = self.refused
        if question.action.startswith("ses:"):
            return (
                f"User `{caller}' is not authorized to perform `{question.action}' "
                f"on resource `{question.resource}'"
            )
        why = f"because no identity-based policy allows the {question.action} action"
        if answer.decision is Decision.EXPLICIT_DENY:
            why = "with an explicit deny in an identity-based policy"
        return (
            f"User: {caller} is not authorized to perform: {question.action} "
            f"on resource: {question.resource} {why}"
        )


def judge(world: World, request: Request) -> Judgement | None:
    """Before the call is served. None: the key is not guarded."""
    documents = world.guards.get(request.access_key or "")
    if documents is None:
        return None
    return _judged(Policies(identity=documents), tuple(Account.of(request).questions(request)))


def judge_missing(world: World, request: Request) -> Judgement | None:
    """After a call for an object that is not there: whether the caller may learn that."""
    documents = world.guards.get(request.access_key or "")
    if documents is None or request.operation not in ("GetObject", "HeadObject"):
        return None
    question = Account.of(request).question(
        MISSING_OBJECT,
        f"arn:aws:s3:::{request.params['Bucket']}",
        {"s3:prefix": (request.params["Key"],)},
    )
    return _judged(Policies(identity=documents), (question,))


def caller_of(request: Request) -> str:
    """The ARN of who signed."""
    return Account.of(request).caller.arn


def _judged(policies: Policies, asked: tuple[Question, ...]) -> Judgement:
    for question in asked:
        answer = evaluate(policies, question)
        if not answer.allowed:
            return Judgement(asked=asked, refused=(question, answer))
    return Judgement(asked=asked)


class Account:
    """One moto account, as the questions need it."""

    def __init__(self, account_id: str, backend: Any, caller: Any) -> None:
        self._id = account_id
        self._iam = backend
        self.caller = caller

    @classmethod
    def of(cls, request: Request) -> Account:
        """The account of the key that signed. LookupError if nobody has the key."""
        from moto.iam.models import iam_backends

        for account_id, partitions in list(iam_backends.items()):
            backend = partitions["aws"]
            key = backend.access_keys.get(request.access_key or "")
            if key is not None and key.user_name is not None:
                return cls(account_id, backend, backend.users[key.user_name])
        raise LookupError(f"nobody has the key {request.access_key}")

    def questions(self, request: Request) -> Iterator[Question]:
        """All that must be allowed for the call."""
        operation = f"{request.service}:{request.operation}"
        actions = actions_of(operation, version="versionId" in request.params)
        if actions is None:
            yield self.question(operation, EVERY_RESOURCE, {})
            return
        for action in actions:
            resource, context = self._about(ACTIONS[action], request)
            yield self.question(action, resource, context)
        if request.service == "s3":
            yield from self._object_key_questions(request)
        if request.service == "secretsmanager":
            yield from self._secret_key_questions(request)

    def question(self, action: str, resource: str, context: Context) -> Question:
        """With everything that AWS tells about the caller."""
        tags = self._tags(self.caller)
        common: dict[str, tuple[str, ...]] = {
            "aws:username": (self.caller.name,),
            "aws:userid": (self.caller.id,),
            "aws:principalarn": (self.caller.arn,),
            "aws:principalaccount": (self._id,),
            "aws:principaltype": ("User",),
            "aws:resourceaccount": (self._id,),
            "aws:requestedregion": (REGION,),
            "aws:securetransport": ("true",),
            "aws:sourceip": ("127.0.0.1",),
            **{f"aws:principaltag/{key.lower()}": (value,) for key, value in tags.items()},
        }
        return Question(action=action, resource=resource, context={**common, **context})

    def _about(self, kind: Kind, request: Request) -> tuple[str, Context]:
        """The resource and the keys that belong to it."""
        params = request.params
        match kind:
            case Kind.USER:
                return self._user(params)
            case Kind.GROUP:
                group = self._iam.groups.get(params["GroupName"])
                return group.arn if group else self._arn("group", params["GroupName"]), {}
            case Kind.ROLE:
                policy = params.get("PolicyArn")
                context = {"iam:policyarn": (policy,)} if policy else {}
                return self._arn("role", params["RoleName"]), context
            case Kind.POLICY:
                return params.get("PolicyArn") or self._arn("policy", params["PolicyName"]), {}
            case Kind.MFA | Kind.TOPIC:
                return params.get("SerialNumber") or params["TopicArn"], {}
            case Kind.BUCKET:
                return f"arn:aws:s3:::{params['Bucket']}", self._s3_context(params)
            case Kind.OBJECT:
                arn = f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"
                return arn, self._s3_context(params)
            case Kind.IDENTITY:
                return self._identity(params)
            case Kind.SECRET:
                return self._secret(params)
            case _:
                return EVERY_RESOURCE, {}

    def _user(self, params: Mapping[str, Any]) -> tuple[str, Context]:
        name = params.get("UserName")
        if name is None:
            key = self._iam.access_keys.get(params.get("AccessKeyId", ""))
            name = key.user_name if key else self.caller.name
        user = self._iam.users.get(name)
        if user is None:
            return self._arn("user", name), {}
        tags = self._tags(user)
        return user.arn, {
            f"{service}:resourcetag/{key.lower()}": (value,)
            for service in ("aws", "iam")
            for key, value in tags.items()
        }

    def _tags(self, user: Any) -> Mapping[str, str]:
        tags: Mapping[str, str] = self._iam.tagger.get_tag_dict_for_resource(user.arn)
        return tags

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:iam::{self._id}:{kind}/{name}"

    def _s3_context(self, params: Mapping[str, Any]) -> Context:
        from moto.s3.models import s3_backends

        context = {key: (str(params[name]),) for name, key in _S3_KEYS.items() if name in params}
        owner = s3_backends.bucket_accounts.get(params["Bucket"])
        if owner is not None:
            context["aws:resourceaccount"] = (owner[1],)
        return context

    def _object_key_questions(self, request: Request) -> Iterator[Question]:
        """S3 uses the key of SSE-KMS in the caller's name."""
        params = request.params
        used, action = None, "kms:Decrypt"
        if request.operation == "PutObject":
            used, action = params.get("SSEKMSKeyId"), "kms:GenerateDataKey"
        elif request.operation == "GetObject":
            used = _key_of(self._id, params)
        if used:
            stored = f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"
            yield self._key_question(action, used, "s3", {"aws:s3:arn": stored})

    def _secret_key_questions(self, request: Request) -> Iterator[Question]:
        params = request.params
        found = self._secret_named(params.get("SecretId"))
        used = found.kms_key_id if found else params.get("KmsKeyId")
        if used and used != _AWS_OWN_KEY:
            arn, _ = self._secret(params)
            for action in _SECRET_KEY_USES.get(request.operation, ()):
                yield self._key_question(action, used, "secretsmanager", {"secretarn": arn})

    def _key_question(
        self, action: str, key: str, service: str, encryption: Mapping[str, str]
    ) -> Question:
        arn = key if key.startswith("arn:") else f"arn:aws:kms:{REGION}:{self._id}:key/{key}"
        context: dict[str, tuple[str, ...]] = {
            "kms:viaservice": (f"{service}.{REGION}.amazonaws.com",),
            **{f"kms:encryptioncontext:{name}": (said,) for name, said in encryption.items()},
        }
        if "alias/" in key:
            context["kms:resourcealiases"] = (key[key.index("alias/") :],)
        return self.question(action, arn, context)

    def _secret(self, params: Mapping[str, Any]) -> tuple[str, Context]:
        """A secret that is not there yet, or no more, is asked about by its name."""
        name = params.get("SecretId") or params["Name"]
        found = self._secret_named(params.get("SecretId"))
        arn = f"arn:aws:secretsmanager:{REGION}:{self._id}:secret:{name}-??????"
        given = {row["Key"]: row["Value"] for row in params.get("Tags", ())}
        there = {row["Key"]: row["Value"] for row in (found and found.tags) or ()}
        context: dict[str, tuple[str, ...]] = {
            **{key: (_said(params[p]),) for p, key in _SECRET_KEYS.items() if p in params},
            **{f"aws:requesttag/{key.lower()}": (value,) for key, value in given.items()},
            **{f"aws:resourcetag/{key.lower()}": (value,) for key, value in there.items()},
        }
        if given:
            context["aws:tagkeys"] = tuple(given)
        return found.arn if found else arn, context

    def _secret_named(self, name: str | None) -> Any:
        """By name or ARN; None for one that is not there."""
        from moto.secretsmanager.models import secretsmanager_backends

        return secretsmanager_backends[self._id][REGION].secrets.get(name) if name else None

    def _identity(self, params: Mapping[str, Any]) -> tuple[str, Context]:
        sender = params.get("FromEmailAddress")
        if sender is None:
            return self._identity_arn(params["EmailIdentity"]), {}
        address = parseaddr(sender)[1]
        to = params.get("Destination", {})
        recipients = tuple(address for group in to.values() for address in group)
        context = {"ses:fromaddress": (address,), "ses:recipients": recipients}
        return self._identity_arn(self._verified(address)), context

    def _verified(self, address: str) -> str:
        """The identity that SES sends with: the address itself, or its domain."""
        from moto.ses.models import ses_backends

        known = ses_backends[self._id][REGION].email_identities
        return address if address in known else address.rpartition("@")[2]

    def _identity_arn(self, name: str) -> str:
        return f"arn:aws:ses:{REGION}:{self._id}:identity/{name}"


def _said(value: object) -> str:
    """As policies write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _key_of(account_id: str, params: Mapping[str, Any]) -> str | None:
    """The KMS key that an object, or the version that is asked for, is encrypted with."""
    from moto.s3.models import s3_backends

    bucket = s3_backends[account_id]["aws"].buckets.get(params["Bucket"])
    versions = bucket.keys.getlist(params["Key"], []) if bucket else []
    wanted = params.get("versionId")
    found = [it for it in versions if wanted in (None, it.version_id)][-1:]
    return getattr(found[0], "kms_key_id", None) if found else None  # a marker has no key
