"""Which AWS call a request is, as far as it may be remembered: never a secret, never a body."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from keyreeve.language.policy_evaluator import Request as Question
from keyreeve.sandbox.account import REGION

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
_SMITHY = re.compile(r"/service/[^/]+/operation/(?P<operation>\w+)")
_HIDDEN = frozenset(
    {
        "Password",
        "NewPassword",
        "OldPassword",
        "AuthenticationCode1",
        "AuthenticationCode2",
        "TokenCode",
        "SecretString",
        "SecretBinary",
        "ZipFile",
        "Action",
        "Version",
    }
)
_S3_HEADERS = {
    "HTTP_IF_MATCH": "IfMatch",
    "HTTP_IF_NONE_MATCH": "IfNoneMatch",
    "HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION": "ServerSideEncryption",
    "HTTP_X_AMZ_SERVER_SIDE_ENCRYPTION_AWS_KMS_KEY_ID": "SSEKMSKeyId",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One AWS call as the sandbox saw it."""

    number: int
    """Counts from 1, in the order of arrival."""
    service: str
    """As botocore names it: iam, sts, s3, sesv2 …"""
    operation: str
    user: str | None
    """The IAM user that the call names, if any."""
    params: dict[str, Any]
    access_key: str | None
    """Whose signature it bore."""
    status: int
    """HTTP status; 0: the connection was dropped."""
    code: str | None = None
    """The error code, if one was planted or authorisation refused."""
    asked: tuple[Question, ...] = ()
    """What AWS asked the policies of a guarded key (authorisation.py)."""

    def as_json(self) -> dict[str, Any]:
        """For the control endpoint."""
        told = asdict(replace(self, asked=()))
        told["asked"] = [
            {"action": q.action, "resource": q.resource, "context": q.context} for q in self.asked
        ]
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call before it was answered."""

    service: str
    operation: str
    user: str | None
    params: dict[str, Any]
    access_key: str | None
    region: str = REGION
    """That the signature names."""
    token: str | None = field(default=None, repr=False)
    """The session token, if one came along; never remembered."""
    token_code: str | None = field(default=None, repr=False)
    """STS: the code of an MFA device; never remembered."""
    form: bool = False
    """Of the query protocol, which answers in XML."""
    agent: str = ""
    """The caller's program."""
    hidden: tuple[str, ...] = ()
    """Parameters that were given and are not kept."""

    @property
    def object_key(self) -> str:
        """S3: the object's key, or the prefix that is listed; else empty."""
        return str(self.params.get("Key") or self.params.get("prefix") or "")

    def answered(
        self,
        number: int,
        status: int,
        code: str | None = None,
        asked: tuple[Question, ...] = (),
    ) -> Call:
        """The call as it is kept."""
        return Call(
            number=number,
            service=self.service,
            operation=self.operation,
            user=self.user,
            params=self.params,
            access_key=self.access_key,
            status=status,
            code=code,
            asked=asked,
        )


def recognise(environ: dict[str, Any], body: bytes) -> Request:
    """What a signed request asks for; an operation that cannot be told is `Unknown`."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    service = scope["service"] if scope else "s3"
    path = environ.get("PATH_INFO", "/")
    form: dict[str, str] = {}
    if service == "ses" and path.startswith("/v2/"):
        service = "sesv2"
        operation, named = _routed(service, environ)
        params = named | _mail_params(body)
    elif environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        operation = form.get("Action", "Unknown")
        params = {name: value for name, value in form.items() if name not in _HIDDEN}
    elif service == "s3":
        operation, _ = _routed(service, environ)
        params = _object_params(environ, path, len(body))
    elif named_in_path := _SMITHY.fullmatch(path):
        operation, params = named_in_path["operation"], {}
    elif "HTTP_X_AMZ_TARGET" not in environ:
        operation, named = _routed(service.replace("-", ""), environ)
        params = named | (_named_params(body) if operation != "Invoke" else {})
    else:
        operation = environ.get("HTTP_X_AMZ_TARGET", "Unknown").rpartition(".")[2]
        params = _json_params(body)
    return Request(
        service=service,
        operation=operation,
        user=params.get("UserName"),
        params=params,
        access_key=scope["key"] if scope else None,
        region=scope["region"] if scope else REGION,
        token=environ.get("HTTP_X_AMZ_SECURITY_TOKEN"),
        token_code=form.get("TokenCode"),
        form=bool(form),
        agent=sys.intern(environ.get("HTTP_USER_AGENT", "")),
        hidden=tuple(name for name in form if name in _HIDDEN - {"Action", "Version"}),
    )


def _routed(service: str, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Operation and path parameters by method and path, as the service's model has them."""
    from botocore.exceptions import UnknownServiceError
    from moto.core.request import Request as MotoRequest
    from moto.core.routing import get_service_router
    from werkzeug.exceptions import HTTPException

    try:
        operation, named = get_service_router(service).match(MotoRequest(environ.copy()))
    except (HTTPException, NotImplementedError, UnknownServiceError):
        return "Unknown", {}
    return str(operation.name), dict(named)


def _json_params(body: bytes) -> dict[str, Any]:
    """What a JSON request names; what it keeps secret is not kept."""
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return {}
    if not isinstance(given, dict):
        return {}
    return {name: value for name, value in given.items() if name not in _HIDDEN}


def _named_params(body: bytes) -> dict[str, Any]:
    """Names and tags of a REST request: not the code of a function, nor its settings."""
    given = _json_params(body)
    kept = {name: it for name, it in given.items() if isinstance(it, str) or name.lower() == "tags"}
    return kept | _product_of(given.get("Findings"))


def _product_of(findings: Any) -> dict[str, Any]:
    """Security Hub: for which product findings are imported; what they say is not kept."""
    if not isinstance(findings, list):
        return {}
    named = {str(it.get("ProductArn", "")) for it in findings if isinstance(it, dict)}
    return {"ProductArn": named.pop()} if len(named) == 1 else {}


def _mail_params(body: bytes) -> dict[str, Any]:
    """A mail's envelope; its content is not kept."""
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return {}
    return {name: value for name, value in given.items() if name != "Content"}


def _object_params(environ: dict[str, Any], path: str, size: int) -> dict[str, Any]:
    # WSGI hands over the bytes of the path as if they were Latin-1.
    text = path.encode("latin-1", "replace").decode("utf-8", "replace")
    bucket, _, key = text.lstrip("/").partition("/")
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    named = {"Bucket": bucket, "Key": key, "ContentLength": size}
    conditions = {name: environ[head] for head, name in _S3_HEADERS.items() if head in environ}
    return {name: value for name, value in (named | query | conditions).items() if value != ""}
