"""The pure parts of what follows from a call: alarms' datapoints, inputs, CloudTrail's spelling."""

from __future__ import annotations

import json
from collections.abc import Sequence
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.sandbox.afterwork import Afterwork
from keyreeve.sandbox.chain.alarm_state import Rule, State, judge
from keyreeve.sandbox.chain.history import is_read
from keyreeve.sandbox.chain.inputs import text_for
from keyreeve.sandbox.chain.metrics import matches
from keyreeve.sandbox.chain.permissions import service_may
from keyreeve.sandbox.chain.spelling import elements, error, event_name, parameters
from keyreeve.sandbox.turn import Turn

AT_LEAST_ONE = "GreaterThanOrEqualToThreshold"


def rule(needed: int = 1, missing: str = "missing", comparison: str = AT_LEAST_ONE) -> Rule:
    return Rule(comparison=comparison, threshold=1.0, needed=needed, missing=missing)


@pytest.mark.parametrize(
    ("asked", "values", "state"),
    [
        (rule(), [1.0], State.ALARM),
        (rule(), [0.0], State.OK),
        (rule(comparison="GreaterThanThreshold"), [1.0], State.OK),
        (rule(comparison="LessThanThreshold"), [0.0], State.ALARM),
        (rule(comparison="LessThanOrEqualToThreshold"), [1.0], State.ALARM),
        (rule(needed=2), [1.0, 0.0, 1.0], State.ALARM),
        (rule(needed=2), [1.0, 0.0, 0.0], State.OK),
        (rule(needed=2), [1.0, None, None], State.OK),
        (rule(needed=2, missing="breaching"), [1.0, None, None], State.ALARM),
        (rule(), [None], State.INSUFFICIENT_DATA),
        (rule(missing="notBreaching"), [None], State.OK),
        (rule(missing="breaching"), [None], State.ALARM),
    ],
)
def test_the_state_follows_from_the_datapoints(
    asked: Rule, values: Sequence[float | None], state: State
) -> None:
    assert judge(asked, values, State.OK)[0] is state


@given(st.sampled_from(State), st.integers(1, 5))
def test_ignored_silence_leaves_the_state(standing: State, periods: int) -> None:
    assert judge(rule(missing="ignore"), [None] * periods, standing)[0] is standing


EVENT = {"detail": {"who": 'a "b"', "n": 3, "rows": [{"x": 1}]}, "time": "t"}
ARN = "arn:aws:events:us-east-1:1:rule/r"


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({}, json.dumps(EVENT)),
        ({"Input": "{}"}, "{}"),
        ({"InputPath": "$.detail.rows[0].x"}, "1"),
        ({"InputPath": "$.detail['n']"}, "3"),
        ({"InputPath": "$.nowhere"}, "null"),
    ],
)
def test_a_target_gets_what_it_names(target: dict[str, Any], text: str) -> None:
    assert text_for(target, EVENT, ARN) == text


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ('{"a": <who>, "b": <n>}', {"a": 'a "b"', "b": 3}),
        ('{"a": "by <who>"}', {"a": 'by a "b"'}),
        ('"<n> of <missing>"', "3 of "),
        ('{"r": "<aws.events.rule-name>", "e": <aws.events.event>}', {"r": "r", "e": EVENT}),
        ('"<unknown>"', "<unknown>"),
    ],
)
def test_a_transformer_makes_json_whatever_the_values(template: str, made: Any) -> None:
    paths = {"who": "$.detail.who", "n": "$.detail.n", "missing": "$.no.such"}
    transformer = {"InputPathsMap": paths, "InputTemplate": template}
    assert json.loads(text_for({"InputTransformer": transformer}, EVENT, ARN)) == made


@given(st.text())
def test_no_value_breaks_the_text_around_it(value: str) -> None:
    transformer = {"InputPathsMap": {"v": "$.v"}, "InputTemplate": '{"a": "x <v> y", "b": <v>}'}
    made = json.loads(text_for({"InputTransformer": transformer}, {"v": value}, ARN))
    assert made == {"a": f"x {value} y", "b": value}


@pytest.mark.parametrize(
    ("service", "operation", "given_", "told"),
    [
        ("iam", "GetUser", {}, None),
        ("iam", "ListUsers", {"MaxItems": "5"}, {"maxItems": 5}),
        (
            "iam",
            "CreateVirtualMFADevice",
            {"VirtualMFADeviceName": "d"},
            {"virtualMFADeviceName": "d"},
        ),
        (
            "iam",
            "UntagUser",
            {"UserName": "u", "TagKeys.member.1": "a", "TagKeys.member.2": "b"},
            {"userName": "u", "tagKeys": ["a", "b"]},
        ),
        ("kms", "DisableKey", {"KeyId": "k"}, {"keyId": "k"}),
        (
            "secretsmanager",
            "TagResource",
            {"SecretId": "s", "Tags": [{"Key": "Team", "Value": "V"}]},
            {"secretId": "s", "tags": [{"key": "Team", "value": "V"}]},
        ),
        ("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": "p"}},
         {"queueName": "q", "attributes": {"Policy": "p"}}),
        ("s3", "PutBucketPolicy", {"Bucket": "b", "policy": ""},
         {"bucketName": "b", "Host": "s3.amazonaws.com"}),
        ("nowhere", "DoThing", {"AName": "x"}, {"aName": "x"}),
    ],
)  # fmt: skip
def test_parameters_are_spelt_as_cloudtrail_does(
    service: str, operation: str, given_: dict[str, Any], told: dict[str, Any] | None
) -> None:
    assert parameters(service, operation, given_, ()) == told


def test_an_answers_secrets_are_left_out() -> None:
    xml = (
        b"<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>u</UserName>"
        b"<AccessKeyId>AKIA</AccessKeyId><SecretAccessKey>hush</SecretAccessKey></AccessKey>"
        b"</CreateAccessKeyResult></CreateAccessKeyResponse>"
    )
    assert elements(xml) == {"accessKey": {"userName": "u", "accessKeyId": "AKIA"}}
    assert elements(b'{"ARN": "a", "SecretString": "hush"}') == {"aRN": "a"}
    assert elements(b"") is None
    assert elements(b"<not xml") is None


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"<E><Error><Code>C</Code><Message>m</Message></Error></E>", "C", "m"),
        (b'{"__type": "x#C", "message": "m"}', "C", "m"),
        (b"broken", "InternalFailure", ""),
    ],
)
def test_an_errors_code_is_read_in_every_protocol(content: bytes, code: str, message: str) -> None:
    assert error(content) == (code, message)


def test_names_and_reads_are_cloudtrails() -> None:
    assert event_name("lambda", "AddPermission") == "AddPermission20150331v2"
    assert event_name("iam", "CreateUser") == "CreateUser"
    assert [is_read(it) for it in ("ListUsers", "AssumeRole", "CreateUser")] == [True, True, False]


@pytest.mark.parametrize(
    ("pattern", "hits"),
    [
        ("", True),
        ("ERROR", True),
        ("ERROR missing", False),
        ("ERROR -disk", False),
        ("?WARN ?ERROR", True),
        ('"disk full"', True),
        ('{ $.a = "b" }', False),
    ],
)
def test_terms_match_plain_lines(pattern: str, hits: bool) -> None:  # noqa: FBT001 - a table
    assert matches(pattern, "ERROR disk full", None) is hits


def test_a_policy_that_is_none_lets_nobody_in() -> None:
    for policy in (None, "", "{", "{}", {"Statement": "?"}):
        assert not service_may(policy, "sns.amazonaws.com", "sqs:SendMessage", "arn")


def test_who_steps_aside_lets_another_have_a_turn() -> None:
    turn, had = Turn(), Event()

    def other() -> None:
        with turn:
            had.set()

    with turn:
        Thread(target=other, daemon=True).start()
        assert not had.wait(0.05)
        with turn.aside():
            assert had.wait(5)
    with turn.aside():
        pass


def test_jobs_are_done_in_order_and_one_that_fails_holds_up_nobody() -> None:
    work, done = Afterwork(Turn()), []
    work.submit(lambda: done.append(1))
    work.submit(lambda: done.append(1 // 0))
    work.submit(lambda: done.append(2))
    assert work.settle(5)
    assert (done, work.idle) == ([1, 2], True)


def test_jobs_of_an_earlier_world_are_not_begun() -> None:
    turn = Turn()
    work, done = Afterwork(turn), []
    with turn:
        work.submit(lambda: done.append(1))
        work.drop()
    assert work.settle(5)
    assert done == []
