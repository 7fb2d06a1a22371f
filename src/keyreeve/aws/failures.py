"""What the SDK raises → `model.errors`: the only place that reads ClientError codes.

An error text never carries the answer's body: a cut-off answer to CreateAccessKey holds a secret.
AWS's own words are redacted, for they may quote the request: SignatureDoesNotMatch quotes all
headers that were signed, the session token among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from keyreeve.codec.redaction import redact
from keyreeve.model.errors import (
    AccessDenied,
    AlreadyExists,
    AwsFailure,
    Conflict,
    Doubtful,
    KeyreeveError,
    LimitExceeded,
    Malformed,
    NotFound,
    Rejected,
    Throttled,
)

P = ParamSpec("P")
R = TypeVar("R")

READS: Final = frozenset(
    {
        "accessanalyzer:ListAnalyzers",
        "accessanalyzer:ListFindingsV2",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackDriftDetectionStatus",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStackResourceDrifts",
        "cloudformation:DescribeStacks",
        "cloudformation:DetectStackDrift",
        "cloudformation:GetTemplate",
        "cloudformation:ListStackResources",
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:GetTrailStatus",
        "cloudtrail:LookupEvents",
        "cloudwatch:DescribeAlarmHistory",
        "cloudwatch:DescribeAlarms",
        "config:DescribeConfigurationRecorderStatus",
        "config:DescribeConfigurationRecorders",
        "guardduty:GetDetector",
        "guardduty:ListDetectors",
        "iam:GenerateCredentialReport",
        "iam:GetAccessKeyLastUsed",
        "iam:GetAccountAuthorizationDetails",
        "iam:GetAccountPasswordPolicy",
        "iam:GetAccountSummary",
        "iam:GetCredentialReport",
        "iam:GetGroup",
        "iam:GetLoginProfile",
        "iam:GetPolicy",
        "iam:GetRole",
        "iam:GetUser",
        "iam:ListAccessKeys",
        "iam:ListAccountAliases",
        "iam:ListGroupsForUser",
        "iam:ListMFADevices",
        "iam:ListSSHPublicKeys",
        "iam:ListServerCertificates",
        "iam:ListServiceSpecificCredentials",
        "iam:ListSigningCertificates",
        "iam:ListUserPolicies",
        "iam:ListUserTags",
        "iam:ListUsers",
        "iam:ListVirtualMFADevices",
        "iam:SimulatePrincipalPolicy",
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "kms:GetPublicKey",
        "logs:DescribeLogGroups",
        "logs:DescribeMetricFilters",
        "organizations:ListAccounts",
        "organizations:ListAccountsForParent",
        "organizations:ListOrganizationalUnitsForParent",
        "s3:GetBucketEncryption",
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetBucketLocation",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketPolicyStatus",
        "s3:GetBucketVersioning",
        "s3:GetObject",
        "s3:GetObjectLockConfiguration",
        "s3:GetPublicAccessBlock",
        "s3:HeadBucket",
        "s3:HeadObject",
        "s3:ListBuckets",
        "s3:ListObjectVersions",
        "s3:ListObjectsV2",
        "secretsmanager:DescribeSecret",
        "sesv2:GetAccount",
        "sesv2:GetEmailIdentity",
        "sesv2:GetSuppressedDestination",
        "sesv2:ListSuppressedDestinations",
        "sns:GetSubscriptionAttributes",
        "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic",
        "sts:GetCallerIdentity",
    }
)
"""Calls that change nothing (`service:Operation`); all that a rehearsal may send.

GenerateCredentialReport makes AWS write a report, which is no change to the account.
"""

_SIGN_IN = "Sign in again (`aws sso login`), or check --profile, AWS_PROFILE and AWS_ACCESS_KEY_ID."
_DENIED = "Add this action to the role's policy; `keyreeve doctor` lists what is missing."

_BY_CODE: Final[dict[str, type[AwsFailure]]] = {
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnauthorizedOperation"),
        AccessDenied,
    ),
    **dict.fromkeys(
        (
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
        ),
        Throttled,
    ),
    **dict.fromkeys(
        (
            "NoSuchBucket",
            "NoSuchEntity",
            "NoSuchKey",
            "NotFoundException",
            "ResourceNotFoundException",
        ),
        NotFound,
    ),
    # The report is gone or was never made: Generate is the answer to both.
    **dict.fromkeys(("ReportExpired", "ReportNotPresent"), NotFound),
    **dict.fromkeys(
        (
            "AlreadyExistsException",
            "BucketAlreadyExists",
            "BucketAlreadyOwnedByYou",
            "EntityAlreadyExists",
            "ResourceExistsException",
        ),
        AlreadyExists,
    ),
    **dict.fromkeys(
        ("LimitExceeded", "LimitExceededException", "ServiceQuotaExceededException"),
        LimitExceeded,
    ),
    **dict.fromkeys(
        (
            "ConcurrentModification",
            "ConcurrentModificationException",
            "ConditionalRequestConflict",
            "ConflictException",
            "DeleteConflict",
            "EntityTemporarilyUnmodifiable",
            "OperationAborted",
            "PreconditionFailed",
            "ReportInProgress",
        ),
        Conflict,
    ),
}

_BAD_CREDENTIALS: Final = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "MissingAuthenticationToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

# Codes that nobody listed, among them the bare numbers that a HEAD answer is left with.
_BY_STATUS: Final[dict[int, type[AwsFailure]]] = {
    401: AccessDenied,
    403: AccessDenied,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    429: Throttled,
}

_MEMBER: Final = re.compile(r"[A-Za-z]{1,64}")
"""How AWS names the members of its answers."""
_CARRY_SECRETS: Final = frozenset(
    {"iam:CreateLoginProfile", "iam:UpdateLoginProfile", "s3:PutObject"}
)
"""Requests with a password in the clear: their refusals are told by the code alone."""

_NO_CREDENTIALS = (
    CredentialRetrievalError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
_CUT_OFF = (HTTPClientError, IncompleteReadError, SSLError)
_SERVER_ERROR = 500


def translate(error: Exception, call: str) -> AwsFailure:
    """The failure that an SDK error means; `call` is `service:Operation`.

    `AwsFailure` itself means: no answer, and no effect (never sent, or a call that only reads).
    """
    match error:
        case AwsFailure():
            return error
        case ClientError():
            return _refused(error, call)
        case ResponseParserError():
            return Malformed("the answer cannot be read", call=call, code="ResponseParserError")
        case KeyError():
            return Malformed(_lacking(error), call=call, code="KeyError")
        case BotoCoreError():
            return _unanswered(error, call)
        case _:
            name = type(error).__name__
            return Malformed(f"the answer cannot be read ({name})", call=call, code=name)


def _lacking(error: KeyError) -> str:
    """Names the member that the answer lacks; what is no such name may quote the request."""
    name = str(error.args[0]) if error.args else ""
    return f"the answer lacks {name!r}" if _MEMBER.fullmatch(name) else "the answer lacks a member"


def calling(call: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate what makes `call` and reads its answer: it then raises only `model.errors`."""

    def decorate(ask: Callable[P, R]) -> Callable[P, R]:
        @wraps(ask)
        def translated(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return ask(*args, **kwargs)
            except KeyreeveError:
                raise
            except Exception as error:  # noqa: BLE001 - once sent, any error leaves the call in doubt
                failure = translate(error, call)
            # Raised out here so that the SDK's error, which may quote a secret, is not chained.
            raise failure

        return translated

    return decorate


def _refused(error: ClientError, call: str) -> AwsFailure:
    """An answer that is an error."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = "" if call in _CARRY_SECRETS else str(error.response.get("Error", {}).get("Message", ""))
    text = redact(text) or code
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _BAD_CREDENTIALS:
        return AccessDenied(
            f"AWS does not accept the credentials: {text}", call=call, code=code, remedy=_SIGN_IN
        )
    known = _BY_CODE.get(code)
    if known is None and status >= _SERVER_ERROR:
        return _no_answer(f"AWS failed inside ({status} {code})", call=call, code=code)
    kind = known or _BY_STATUS.get(status, Rejected)
    remedy = _DENIED if kind is AccessDenied else ""
    return kind(text, call=call, code=code, remedy=remedy)


def _unanswered(error: BotoCoreError, call: str) -> AwsFailure:
    """No answer at all: never sent, or cut off."""
    code = type(error).__name__
    if isinstance(error, _NO_CREDENTIALS):
        return AccessDenied(redact(str(error)), call=call, code=code, remedy=_SIGN_IN)
    if isinstance(error, NoRegionError):
        return Rejected(
            "no region is set", call=call, code=code, remedy="Use --region or AWS_REGION."
        )
    if isinstance(error, _NEVER_SENT):
        return AwsFailure(
            str(error), call=call, code=code, remedy="Check the network and AWS_ENDPOINT_URL."
        )
    if isinstance(error, _CUT_OFF):
        return _no_answer(f"no answer ({code})", call=call, code=code)
    # What the SDK refuses to send. Its text may quote the parameters, so only its name is told.
    return Rejected(f"the request is not acceptable ({code})", call=call, code=code)


def _no_answer(what: str, *, call: str, code: str) -> AwsFailure:
    kind = AwsFailure if call in READS else Doubtful
    return kind(what, call=call, code=code)
