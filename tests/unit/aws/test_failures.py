"""Every error of the SDK becomes one of ours."""

from __future__ import annotations

import botocore.exceptions as sdk
import pytest
from botocore.parsers import ResponseParserError

from keyreeve.aws.failures import calling, translate
from keyreeve.model.errors import (
    AccessDenied,
    AlreadyExists,
    AwsFailure,
    Conflict,
    Doubtful,
    LimitExceeded,
    LockLost,
    Malformed,
    NotFound,
    Rejected,
    Throttled,
)

READ, CHANGE = "iam:GetUser", "iam:CreateAccessKey"
URL = {"endpoint_url": "https://iam.amazonaws.com"}


def refused(code: str, status: int = 400, message: str = "no") -> sdk.ClientError:
    return sdk.ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        "Whatever",
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused("AccessDenied", 403), AccessDenied),
        (refused("AccessDeniedException"), AccessDenied),
        (refused("403", 403), AccessDenied),
        (refused("ExpiredToken", 403), AccessDenied),
        (refused("InvalidClientTokenId", 403), AccessDenied),
        (refused("Throttling"), Throttled),
        (refused("RequestLimitExceeded", 503), Throttled),
        (refused("SlowDown", 503), Throttled),
        (refused("TooManyRequestsException", 429), Throttled),
        (refused("NoSuchEntity", 404), NotFound),
        (refused("NoSuchBucket", 404), NotFound),
        (refused("404", 404), NotFound),
        (refused("ReportExpired", 410), NotFound),
        (refused("ReportInProgress", 404), Conflict),
        (refused("EntityAlreadyExists", 409), AlreadyExists),
        (refused("LimitExceeded", 409), LimitExceeded),
        (refused("EntityTemporarilyUnmodifiable", 409), Conflict),
        (refused("ConcurrentModification", 409), Conflict),
        (refused("PreconditionFailed", 412), Conflict),
        (refused("ConditionalRequestConflict", 409), Conflict),
        (refused("PasswordPolicyViolation"), Rejected),
        (refused("ValidationError"), Rejected),
        (refused("ServiceFailure", 500), Doubtful),
        (refused("500", 500), Doubtful),
        (ResponseParserError("<html>"), Malformed),
        (KeyError("AccessKey"), Malformed),
        (ValueError("x"), Malformed),
        (sdk.ReadTimeoutError(**URL), Doubtful),
        (sdk.ConnectionClosedError(**URL), Doubtful),
        (sdk.SSLError(error="cut", **URL), Doubtful),
        (sdk.HTTPClientError(error="cut"), Doubtful),
        (sdk.NoCredentialsError(), AccessDenied),
        (sdk.PartialCredentialsError(provider="env", cred_var="x"), AccessDenied),
        (sdk.UnauthorizedSSOTokenError(), AccessDenied),
        (sdk.NoRegionError(), Rejected),
        (sdk.ParamValidationError(report="Password, value: planted"), Rejected),
        (sdk.EndpointConnectionError(error="refused", **URL), AwsFailure),
        (sdk.ConnectTimeoutError(**URL), AwsFailure),
        (sdk.ProxyConnectionError(proxy_url="http://proxy"), AwsFailure),
    ],
)
def test_an_error_of_a_change_is_translated(error, kind):
    failure = translate(error, CHANGE)
    assert type(failure) is kind
    assert failure.call == CHANGE
    assert str(failure).startswith("iam:CreateAccessKey: ")
    assert "planted" not in str(failure)


@pytest.mark.parametrize(
    "error",
    [
        refused("ServiceFailure", 500),
        sdk.ReadTimeoutError(**URL),
        sdk.ConnectionClosedError(**URL),
    ],
)
def test_reading_is_never_doubtful_since_it_has_no_effect(error):
    assert type(translate(error, READ)) is AwsFailure


@pytest.mark.parametrize(
    "error", [refused("ExpiredToken", 403), refused("RequestExpired"), sdk.NoCredentialsError()]
)
def test_lacking_credentials_come_with_the_way_to_get_some(error):
    assert "aws sso login" in translate(error, READ).remedy


def test_a_failure_is_not_translated_twice_and_ours_pass():
    failure = NotFound("gone", call=READ)
    assert translate(failure, CHANGE) is failure

    @calling(CHANGE)
    def act():
        raise LockLost("over")

    with pytest.raises(LockLost):
        act()


def test_words_that_quote_the_request_are_kept_without_its_secrets():
    """SignatureDoesNotMatch quotes what was signed."""
    quoted = "should have been 'POST\n/\n\nx-amz-security-token:IQoJcanary\n'"
    failure = translate(refused("SignatureDoesNotMatch", 403, quoted), READ)
    assert "canary" not in str(failure)
    assert "should have been" in str(failure)


@pytest.mark.parametrize("call", ["iam:UpdateLoginProfile", "s3:PutObject"])
def test_calls_that_carry_a_password_are_told_by_their_code_alone(call: str):
    failure = translate(refused("ValidationError", 400, "'canary' is too weak"), call)
    assert failure.what == "ValidationError"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("AccessKey", "the answer lacks 'AccessKey'"),
        ("http://127.0.0.1/ b'Password=planted-secret'", "the answer lacks a member"),
        ("x" * 65, "the answer lacks a member"),
    ],
)
def test_what_an_answer_lacks_is_told_by_a_name_and_never_by_what_quotes_a_request(key, told):
    assert translate(KeyError(key), "iam:UpdateLoginProfile").what == told
