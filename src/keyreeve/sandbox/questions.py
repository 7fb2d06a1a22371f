"""The questions that AWS asks about a call: action, resource, and all that it knows besides.

The sandbox speaks no TLS and stands for an endpoint that does: `aws:SecureTransport` is true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from typing import Any, Final

from keyreeve.language.authorizations import ACTIONS, Kind, actions_of
from keyreeve.language.policy_evaluator import EVERY_RESOURCE
from keyreeve.language.policy_evaluator import Request as Question
from keyreeve.language.policy_values import Context
from keyreeve.sandbox.account import REGION
from keyreeve.sandbox.callers import Caller
from keyreeve.sandbox.calls import Request
from keyreeve.sandbox.iam_resources import iam_resource, role_to_assume
from keyreeve.sandbox.stack_resources import PASSED, stack_resource
from keyreeve.sandbox.tags_given import given_tags, tag_context
from keyreeve.sandbox.world import World

_PREFIXES: Final[Mapping[str, str]] = {"monitoring": "cloudwatch", "sesv2": "ses"}
"""Services whose actions begin with another word than their requests are signed for."""
_TAGGED_AT_BIRTH: Final[Mapping[str, str]] = {
    "iam:CreatePolicy": "iam:TagPolicy",
    "iam:CreateRole": "iam:TagRole",
    "iam:CreateUser": "iam:TagUser",
    "iam:CreateVirtualMFADevice": "iam:TagMFADevice",
    "sts:AssumeRole": "sts:TagSession",
}
"""What is asked besides when the call brings tags."""
_IAM_KINDS: Final = (Kind.USER, Kind.GROUP, Kind.ROLE, Kind.POLICY, Kind.MFA)
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


class Questions:
    """Of one caller about one call."""

    def __init__(self, world: World, caller: Caller, request: Request) -> None:
        self._world = world
        self._caller = caller
        self._id = caller.account_id
        self._request = request

    def all(self) -> Iterator[Question]:
        """All that must be allowed for the call."""
        request = self._request
        operation = f"{request.service}:{request.operation}"
        renamed = f"{_PREFIXES.get(request.service, request.service)}:{request.operation}"
        version = "versionId" in request.params
        actions = actions_of(operation, version=version) or actions_of(renamed, version=version)
        if actions_of(operation) == ():
            return
        if actions is None:
            yield self.question(renamed, self._unknown(), tag_context(request.params))
            return
        for action in (*actions, *self._besides(actions)):
            resource, context = self._about(action)
            yield self.question(action, resource, context)
        yield from self._passed(renamed)
        if request.service == "s3":
            yield from self._object_key_questions(request)
        if request.service == "secretsmanager":
            yield from self._secret_key_questions(request)

    def question(self, action: str, resource: str, context: Context) -> Question:
        """With everything that AWS tells about the caller."""
        now = self._world.clock.now()
        common: dict[str, tuple[str, ...]] = {
            "aws:resourceaccount": (self._id,),
            "aws:requestedregion": (self._request.region,),
            "aws:securetransport": ("true",),
            "aws:sourceip": ("127.0.0.1",),
            "aws:currenttime": (now.strftime("%Y-%m-%dT%H:%M:%SZ"),),
            "aws:epochtime": (str(int(now.timestamp())),),
            "aws:viaawsservice": ("false",),
            "aws:principalisawsservice": ("false",),
            **self._caller.context(now),
        }
        return Question(action=action, resource=resource, context={**common, **context})

    def _besides(self, actions: tuple[str, ...]) -> Iterator[str]:
        if given_tags(self._request.params):
            yield from (_TAGGED_AT_BIRTH[it] for it in actions if it in _TAGGED_AT_BIRTH)

    def _passed(self, operation: str) -> Iterator[Question]:
        """iam:PassRole, where the call hands a role to a service."""
        param, service = PASSED.get(operation, ("", ""))
        arn = self._request.params.get(param)
        if arn:
            yield self.question("iam:PassRole", str(arn), {"iam:passedtoservice": (service,)})

    def _unknown(self) -> str:
        """Of an action in no table: `*`, but for S3, whose calls say what they are about."""
        params = self._request.params
        if self._request.service != "s3" or not params.get("Bucket"):
            return EVERY_RESOURCE
        return "arn:aws:s3:::" + "/".join(filter(None, (params["Bucket"], params.get("Key"))))

    def _about(self, action: str) -> tuple[str, Context]:
        """The resource and the keys that belong to it."""
        params, kind = self._request.params, ACTIONS[action]
        if action.startswith("sts:"):
            return role_to_assume(self._caller, params, self._request.token_code)
        if kind in _IAM_KINDS:
            return iam_resource(kind, self._caller, params)
        match kind:
            case Kind.BUCKET:
                return f"arn:aws:s3:::{params['Bucket']}", self._s3_context(params)
            case Kind.OBJECT:
                arn = f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"
                return arn, self._s3_context(params)
            case Kind.IDENTITY:
                return self._identity(params)
            case Kind.SECRET:
                return self._secret(params)
            case Kind.NONE:
                return EVERY_RESOURCE, {**tag_context(params), **_counted(action, params)}
            case _:
                return stack_resource(kind, self._id, self._request), tag_context(params)

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

    def secret(self) -> Any:
        """The secret that the call names; None: none, or it is not there."""
        return self._secret_named(self._request.params.get("SecretId"))

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


def _counted(action: str, params: Mapping[str, Any]) -> Context:
    """CloudWatch tells the policies into which namespace a metric goes, and nothing else of it."""
    counts = action == "cloudwatch:PutMetricData"
    return {"cloudwatch:namespace": (str(params["Namespace"]),)} if counts else {}


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
