"""AWS as the SDK's clients show it, made of memory: every adapter of the house works on it.

It answers in the SDK's words, fails as the SDK fails, and keeps a record of every call.  A whole
case takes some hundredths of a second, so that every call of it can fail in every way.
"""

# ruff: noqa: N802, N803 - operations and parameters are called as AWS calls them
from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, HTTPClientError
from botocore.session import Session
from tests.proofs.history import Call, History, Key, Mail
from tests.scenario.reported_account import ReportedAccount

from keyreeve.model import errors
from keyreeve.model.identifiers import AccessKeyId, UserName

BUCKET = "keyreeve"
REGION = "us-east-1"
ATTEMPTS = 5
"""Of a client that retries, as `aws/sessions.py` sets it."""
_SERVICES = ("cloudtrail", "iam", "s3", "sesv2", "sts")
_TRANSIENT = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestTimeout"}
)
_CODES: Mapping[type[errors.KeyreeveError], tuple[str, int]] = {
    errors.NotFound: ("NoSuchEntity", 404),
    errors.LimitExceeded: ("LimitExceeded", 409),
}
_OPERATIONS = {
    service: {
        xform_name(operation): operation
        for operation in Session().get_service_model(service).operation_names
    }
    for service in _SERVICES
}


def refusal(operation: str, code: str, status: int, message: str = "planted") -> ClientError:
    """An answer that is an error, as the SDK raises it; `operation` is `service:Operation`."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation.partition(":")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call before it is answered."""

    operation: str
    """`iam:GetUser` …"""
    params: Mapping[str, Any]
    user: str | None
    """Whom it is about."""

    @property
    def key(self) -> str:
        """The S3 object's key, or what is listed."""
        return str(self.params.get("Key") or self.params.get("Prefix") or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a planted failure does with one call."""

    error: Callable[[str], Exception] | None = None
    after: bool = False
    """The effect happens before the error."""
    spoil: Callable[[Any], Any] | None = None
    """Or the answer comes otherwise than it was."""


@dataclass(frozen=True, slots=True)
class _Object:
    content: bytes
    etag: str
    metadata: Mapping[str, str]
    modified: datetime


class MemoryAws:
    """One account, one bucket, one outbox."""

    def __init__(self, account: ReportedAccount) -> None:
        self.account = account
        self.calls: list[Call | Mail] = []
        self.objects: dict[str, _Object] = {}
        self.fails: Callable[[Asked], Answer | None] = lambda _: None
        """Asked before each attempt."""
        self._count = 0

    def fork(self) -> MemoryAws:
        """The same world, to be lived on in another way."""
        twin = copy(self)
        twin.account = copy(self.account)
        twin.account._users = dict(self.account._users)
        twin.account._must_change = set(self.account._must_change)
        twin.account.deleted, twin.account.shut = [*self.account.deleted], [*self.account.shut]
        twin.calls, twin.objects = [*self.calls], dict(self.objects)
        return twin

    @property
    def now(self) -> datetime:
        return self.account.now

    def mails(self, since: int = 0) -> list[Mail]:
        return [event for event in self.calls[since:] if isinstance(event, Mail)]

    def acts(self, since: int = 0) -> list[Call]:
        """Calls that changed IAM."""
        return [
            event
            for event in self.calls[since:]
            if isinstance(event, Call) and event.effect and event.operation in MUTATIONS
        ]

    def history(self, team: frozenset[str]) -> History:
        keys = [
            Key(key_id=str(key.key_id), user=name, active=key.active)
            for name in self.account.people
            for key in self.account.access_keys(UserName(name))
        ]
        escrow = {k: o.content for k, o in self.objects.items() if "credentials/" in k}
        return History(calls=tuple(self.calls), keys=tuple(keys), escrow=escrow, team=team)

    # --- one call -----------------------------------------------------------------------------

    def call(self, operation: str, params: Mapping[str, Any], attempts: int) -> Any:
        """As the SDK: what may pass is tried again, the rest raised."""
        for attempt in range(1, attempts + 1):
            try:
                return self._attempt(
                    Asked(operation=operation, params=params, user=self._of(params))
                )
            except (ClientError, HTTPClientError) as error:
                if attempt == attempts or not _passes(error):
                    raise
        raise AssertionError

    def _attempt(self, asked: Asked) -> Any:
        answer = self.fails(asked) or Answer()
        if answer.error is not None and not answer.after:
            self._record(asked, effect=False, answered=False)
            raise answer.error(asked.operation)
        told, error = self._done(asked)
        lost = answer.error is not None or (answer.spoil is not None and error is None)
        made = told.get("AccessKey", {}).get("AccessKeyId")
        self._record(asked, effect=error is None, answered=not lost, made=made)
        if answer.error is not None:
            raise answer.error(asked.operation)
        if error is not None:
            raise error
        return answer.spoil(told) if answer.spoil else told

    def _done(self, asked: Asked) -> tuple[Any, ClientError | None]:
        """What the account says to it."""
        try:
            return getattr(self, "_" + asked.operation.replace(":", "_"))(**asked.params), None
        except errors.KeyreeveError as error:
            code, status = _CODES[type(error)]
            return {}, refusal(asked.operation, code, status, error.what)
        except ClientError as error:
            return {}, error

    def _record(
        self, asked: Asked, *, effect: bool, answered: bool, made: str | None = None
    ) -> None:
        told = {
            name: value
            for name, value in asked.params.items()
            if isinstance(value, str) and name != "Password"
        }
        call = Call(
            at=self.now,
            operation=asked.operation,
            user=asked.user,
            params=told,
            effect=effect,
            answered=answered,
            made=made,
        )
        if asked.operation != "sesv2:SendEmail" or not effect:
            self.calls.append(call)
            return
        to = asked.params["Destination"]
        self.calls.append(
            Mail(
                at=self.now,
                to=(*to["ToAddresses"], *to["CcAddresses"]),
                raw=asked.params["Content"]["Raw"]["Data"],
            )
        )

    def _of(self, params: Mapping[str, Any]) -> str | None:
        """Whom a call is about: by name, key, address or id."""
        if "UserName" in params:
            return str(params["UserName"])
        key = params.get("AccessKeyId")
        owners = [n for n, u in self.account._users.items() if key in {k.key_id for k in u.keys}]
        if key is not None:
            return owners[0] if owners else None
        for address in params.get("Destination", {}).get("ToAddresses", ()):
            if address.partition("@")[0] in self.account._users:
                return address.partition("@")[0]
        return None

    # --- IAM, STS -----------------------------------------------------------------------------

    def _sts_GetCallerIdentity(self) -> Any:
        caller = self.account.caller()
        return {"Account": caller.account_id, "Arn": caller.arn, "UserId": caller.user_id}

    def _iam_GenerateCredentialReport(self) -> Any:
        return {"State": "COMPLETE"}

    def _iam_GetCredentialReport(self) -> Any:
        report = self.account.credential_report()
        return {"Content": report.content, "GeneratedTime": report.generated_at}

    def _iam_GetAccountAuthorizationDetails(self, **_: Any) -> Any:
        details = self.account.details()
        return {
            "UserDetailList": [
                {
                    "UserName": user.name,
                    "UserId": user.user_id,
                    "Arn": user.arn,
                    "Path": "/",
                    "CreateDate": user.created_at,
                    "Tags": [{"Key": k, "Value": v} for k, v in user.tags.items()],
                    "GroupList": list(user.groups),
                    "UserPolicyList": [],
                    "AttachedManagedPolicies": [],
                }
                for user in details.users
            ],
            "GroupDetailList": [{"GroupName": name} for name in sorted(details.groups)],
            "Policies": [],
            "IsTruncated": False,
        }

    def _iam_GetAccountPasswordPolicy(self) -> Any:
        policy = self.account.password_policy()
        return {
            "PasswordPolicy": {
                "MinimumPasswordLength": policy.minimum_length,
                "RequireUppercaseCharacters": policy.require_uppercase,
                "RequireLowercaseCharacters": policy.require_lowercase,
                "RequireNumbers": policy.require_numbers,
                "RequireSymbols": policy.require_symbols,
                "AllowUsersToChangePassword": policy.users_may_change,
            }
        }

    def _iam_ListAccessKeys(self, UserName: Any) -> Any:
        keys = self.account.access_keys(UserName)
        return {
            "AccessKeyMetadata": [
                {
                    "AccessKeyId": key.key_id,
                    "Status": "Active" if key.active else "Inactive",
                    "CreateDate": key.created_at,
                }
                for key in keys
            ],
            "IsTruncated": False,
        }

    def _iam_GetAccessKeyLastUsed(self, AccessKeyId: Any) -> Any:
        used = self.account.access_key_last_used(AccessKeyId)
        return {"AccessKeyLastUsed": {"LastUsedDate": used} if used else {}}

    def _iam_GetUser(self, UserName: Any) -> Any:
        user = self.account.user(UserName)
        told: dict[str, Any] = {
            "UserId": user.user_id,
            "UserName": user.name,
            "Arn": user.arn,
            "CreateDate": user.created_at,
            "Tags": [{"Key": k, "Value": v} for k, v in user.tags.items()],
        }
        if user.password_last_used:
            told["PasswordLastUsed"] = user.password_last_used
        return {"User": told}

    def _iam_GetLoginProfile(self, UserName: Any) -> Any:
        if not self.account.has_login_profile(UserName):
            raise errors.NotFound("no login profile", call="iam:GetLoginProfile")
        must = self.account.must_change_password(UserName)
        return {"LoginProfile": {"UserName": UserName, "PasswordResetRequired": must}}

    def _iam_ListMFADevices(self, UserName: Any) -> Any:
        devices = [{"SerialNumber": "mfa"}] if self.account.has_mfa_device(UserName) else []
        return {"MFADevices": devices, "IsTruncated": False}

    def _iam_CreateAccessKey(self, UserName: Any) -> Any:
        made = self.account.create_access_key(UserName)
        return {
            "AccessKey": {
                "AccessKeyId": made.key_id,
                "SecretAccessKey": made.secret,
                "CreateDate": made.created_at,
            }
        }

    def _iam_UpdateAccessKey(self, UserName: Any, AccessKeyId: AccessKeyId, Status: str) -> Any:
        active = Status == "Active"
        self.account.set_access_key_active(UserName, AccessKeyId, active=active)
        return {}

    def _iam_DeleteAccessKey(self, UserName: Any, AccessKeyId: AccessKeyId) -> Any:
        self.account.delete_access_key(UserName, AccessKeyId)
        return {}

    def _iam_UpdateLoginProfile(self, UserName: Any, Password: str, **_: Any) -> Any:
        self.account.reset_password(UserName, Password)
        return {}

    def _iam_DeleteLoginProfile(self, UserName: Any) -> Any:
        self.account.delete_login_profile(UserName)
        return {}

    def _iam_AddUserToGroup(self, UserName: Any, GroupName: str) -> Any:
        self.account.add_to_group(UserName, GroupName)
        return {}

    def _cloudtrail_LookupEvents(self, **_: Any) -> Any:
        return {"Events": []}

    # --- SES ----------------------------------------------------------------------------------

    def _sesv2_SendEmail(self, **_: Any) -> Any:
        return {"MessageId": f"{sum(isinstance(e, Mail) for e in self.calls) + 1:04d}"}

    def _sesv2_GetAccount(self) -> Any:
        quota = {"Max24HourSend": 50_000.0, "SentLast24Hours": 0.0, "MaxSendRate": 14.0}
        return {"SendQuota": quota}

    # --- S3 -----------------------------------------------------------------------------------

    def _s3_PutObject(self, Key: str, Body: bytes, Metadata: Any, **given: Any) -> Any:
        found = self.objects.get(Key)
        if "IfNoneMatch" in given and found is not None:
            raise refusal("s3:PutObject", "PreconditionFailed", 412)
        if "IfMatch" in given and found is None:
            raise refusal("s3:PutObject", "NoSuchKey", 404)
        if "IfMatch" in given and found is not None and found.etag != given["IfMatch"]:
            raise refusal("s3:PutObject", "PreconditionFailed", 412)
        self._count += 1
        etag = f'"{self._count:032x}"'
        self.objects[Key] = _Object(Body, etag, Metadata, self.now)
        return {"ETag": etag}

    def _s3_GetObject(self, Key: str, **_: Any) -> Any:
        found = self.objects.get(Key)
        if found is None:
            raise refusal("s3:GetObject", "NoSuchKey", 404)
        return {
            "Body": io.BytesIO(found.content),
            "ETag": found.etag,
            "LastModified": found.modified,
            "Metadata": found.metadata,
        }

    def _s3_ListObjectsV2(self, Prefix: str, StartAfter: str = "", **_: Any) -> Any:
        rows = [
            {"Key": key, "Size": len(found.content), "LastModified": found.modified}
            for key, found in sorted(self.objects.items())
            if key.startswith(Prefix) and key > StartAfter
        ]
        return {"Contents": rows, "IsTruncated": False}

    def _s3_ListObjectVersions(self, Prefix: str, **_: Any) -> Any:
        rows = [
            {
                "Key": key,
                "VersionId": "null",
                "IsLatest": True,
                "LastModified": found.modified,
            }
            for key, found in sorted(self.objects.items())
            if key.startswith(Prefix)
        ]
        return {"Versions": rows, "IsTruncated": False}

    def _s3_DeleteObject(self, Key: str, **_: Any) -> Any:
        self.objects.pop(Key, None)
        return {}


MUTATIONS = frozenset(
    f"iam:{name}"
    for name in (
        "AddUserToGroup",
        "CreateAccessKey",
        "DeleteAccessKey",
        "DeleteLoginProfile",
        "UpdateAccessKey",
        "UpdateLoginProfile",
    )
)
"""What changes IAM; whatever else is called has no handler here and is noticed."""


class MemorySessions:
    """`aws.sessions.Sessions`, for one MemoryAws."""

    profile = None
    region = REGION
    rehearsal = False

    def __init__(self, aws: MemoryAws) -> None:
        self._aws = aws

    def client(self, service: str, *, attempts_once: bool = False) -> Any:
        return _Client(self._aws, service, 1 if attempts_once else ATTEMPTS)

    def only_loopback(self) -> bool:
        return True


class _Client:
    """`boto3.client(service)`."""

    def __init__(self, aws: MemoryAws, service: str, attempts: int) -> None:
        self.meta = SimpleNamespace(region_name=REGION, endpoint_url="https://memory.invalid")
        self._aws, self._service, self._attempts = aws, service, attempts

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = f"{self._service}:{_OPERATIONS[self._service][name]}"
        return lambda **params: self._aws.call(operation, params, self._attempts)


def _passes(error: Exception) -> bool:
    """What the SDK's standard mode tries again."""
    if not isinstance(error, ClientError):
        return True
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in _TRANSIENT or status in (500, 502, 503, 504)
