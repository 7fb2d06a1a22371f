"""What a call is about, and the tags that it brings, as each protocol writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.language.authorizations import ACTIONS, Kind
from keyreeve.sandbox.calls import Request, recognise
from keyreeve.sandbox.stack_resources import stack_resource
from keyreeve.sandbox.tags_given import given_tags, tag_context

PLACE = "eu-west-1:123456789012"
TOPIC = f"arn:aws:sns:{PLACE}:alerts"
GROUP = f"arn:aws:logs:{PLACE}:log-group:/trail"


def about(kind: Kind, **params: Any) -> str:
    asked = Request(
        service="s", operation="O", user=None, params=params, access_key=None, region="eu-west-1"
    )
    return stack_resource(kind, "123456789012", asked)


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        (Kind.TOPIC, {"Name": "alerts"}, TOPIC),
        (Kind.TOPIC, {"TopicArn": TOPIC}, TOPIC),
        (Kind.TOPIC, {"TargetArn": TOPIC}, TOPIC),
        (Kind.TOPIC, {}, "*"),
        (Kind.QUEUE, {"QueueName": "q"}, f"arn:aws:sqs:{PLACE}:q"),
        (Kind.QUEUE, {"QueueUrl": "http://here/1/q"}, f"arn:aws:sqs:{PLACE}:q"),
        (Kind.FUNCTION, {"FunctionName": "f"}, f"arn:aws:lambda:{PLACE}:function:f"),
        (Kind.RULE, {"Name": "r"}, f"arn:aws:events:{PLACE}:rule/r"),
        (Kind.RULE, {"Rule": "r"}, f"arn:aws:events:{PLACE}:rule/r"),
        (Kind.ALARM, {"AlarmNames": ["a", "b"]}, f"arn:aws:cloudwatch:{PLACE}:alarm:a"),
        (Kind.STACK, {"StackName": "s"}, f"arn:aws:cloudformation:{PLACE}:stack/s/*"),
        (Kind.TRAIL, {"Name": "t"}, f"arn:aws:cloudtrail:{PLACE}:trail/t"),
        (Kind.LOG_GROUP, {"logGroupName": "/trail"}, f"{GROUP}:log-stream:"),
        (Kind.LOG_GROUP, {"logGroupIdentifier": f"{GROUP}:*"}, f"{GROUP}:log-stream:"),
        (
            Kind.LOG_GROUP,
            {"logGroupName": "/trail", "logStreamName": "s"},
            f"{GROUP}:log-stream:s",
        ),
        (Kind.KEY, {"KeyId": "abc"}, f"arn:aws:kms:{PLACE}:key/abc"),
        (Kind.KEY, {}, "*"),
        (
            Kind.PRODUCT,
            {"ProductArn": f"arn:aws:securityhub:{PLACE}:product/123456789012/default"},
            f"arn:aws:securityhub:{PLACE}:product/123456789012/default",
        ),
    ],
)
def test_the_baselines_calls_name_their_resource(
    kind: Kind, params: dict[str, Any], expected: str
) -> None:
    assert about(kind, **params) == expected


TAGS = st.dictionaries(
    st.text(min_size=1), st.text(), min_size=1, max_size=4
)  # keys and values of any characters


@given(TAGS)
def test_tags_are_the_same_in_every_protocol(tags: dict[str, str]) -> None:
    flat = {}
    for number, (key, value) in enumerate(tags.items(), start=1):
        flat |= {f"Tags.member.{number}.Key": key, f"Tags.member.{number}.Value": value}
    rows = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
    for written in (flat, rows, {"Tags": tags}, {"tags": tags}):
        assert given_tags(written) == tags
        assert set(tag_context(written)["aws:tagkeys"]) == set(tags)


def test_untagging_names_keys_without_values() -> None:
    for written in ({"TagKeys.member.1": "Team"}, {"TagKeys": ["Team"]}):
        assert given_tags(written) == {}
        assert tag_context(written) == {"aws:tagkeys": ("Team",)}


def test_a_call_without_tags_tells_nothing_of_tags() -> None:
    assert tag_context({"UserName": "ann", "TagsOfMine": "x"}) == {}


def test_every_action_with_a_kind_is_written_as_service_and_operation() -> None:
    assert all(action.count(":") == 1 and action == action.strip() for action in ACTIONS)


def environ(path: str, service: str, method: str = "POST") -> dict[str, Any]:
    scope = f"AWS4-HMAC-SHA256 Credential=AKIA/20260105/eu-west-1/{service}/aws4_request"
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "HTTP_AUTHORIZATION": scope,
        "HTTP_X_AMZ_SECURITY_TOKEN": "token",
    }


def test_a_rest_call_is_known_by_its_path_and_its_code_is_not_kept() -> None:
    body = {"FunctionName": "f", "Code": {"ZipFile": "QUJD"}, "Environment": {"Variables": {}}}
    found = recognise(environ("/2015-03-31/functions", "lambda"), json.dumps(body).encode())
    assert (found.operation, found.params) == ("CreateFunction", {"FunctionName": "f"})
    assert (found.region, found.token) == ("eu-west-1", "token")
    assert "token" not in repr(found)
    path = "/2015-03-31/functions/f/invocations"
    invoked = recognise(environ(path, "lambda"), b'{"password": "x"}')
    assert (invoked.operation, invoked.params) == ("Invoke", {"FunctionName": "f"})


def test_a_code_for_sts_is_seen_and_not_remembered() -> None:
    given = environ("/", "sts") | {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
    found = recognise(given, b"Action=AssumeRole&TokenCode=123456&SerialNumber=s")
    assert found.token_code == "123456"
    assert found.params == {"SerialNumber": "s"}
    assert "123456" not in repr(found)
    assert "123456" not in repr(found.answered(1, 200))
