"""What CloudTrail's history tells of calls, of sign-ins and of what was injected."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.conformance.alarm_chain import code, policy
from tests.sandbox_fixture import MONDAY, aws, sandbox, session

from keyreeve.sandbox.account import HOME_ACCOUNT, OWN_KEY_ID, REGION
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

PASSWORD = "Long-Enough-Password-1!"


@pytest.fixture(autouse=True)
def small(sandbox: Sandbox) -> None:
    sandbox.reset("small", MONDAY)


def lookup(sandbox: Sandbox, region: str = REGION, **asked: Any) -> list[dict[str, Any]]:
    own = session(OWN_KEY_ID, "s", region=region)
    client = own.create_client("cloudtrail", endpoint_url=sandbox.url)
    attributes = [{"AttributeKey": key, "AttributeValue": value} for key, value in asked.items()]
    pages = client.get_paginator("lookup_events").paginate(LookupAttributes=attributes)
    return [event for page in pages for event in page["Events"]]


def event(sandbox: Sandbox, name: str) -> dict[str, Any]:
    [row] = lookup(sandbox, EventName=name)
    return dict(json.loads(row["CloudTrailEvent"]))


def test_a_call_becomes_an_event_of_cloudtrails_shape(sandbox: Sandbox) -> None:
    iam = aws(sandbox.url, "iam")
    iam.create_user(UserName="new", Tags=[{"Key": "email", "Value": "n@example.com"}])
    told = event(sandbox, "CreateUser")
    assert told["requestParameters"] == {
        "userName": "new",
        "tags": [{"key": "email", "value": "n@example.com"}],
    }
    assert told["responseElements"]["user"]["userName"] == "new"
    assert told["userIdentity"] == {
        "type": "IAMUser",
        "principalId": sandbox.user("keyreeve")["id"],
        "arn": f"arn:aws:iam::{HOME_ACCOUNT}:user/keyreeve",
        "accountId": HOME_ACCOUNT,
        "accessKeyId": OWN_KEY_ID,
        "userName": "keyreeve",
    }
    assert {name: told[name] for name in ("eventSource", "awsRegion", "eventTime", "readOnly")} == {
        "eventSource": "iam.amazonaws.com",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-05T06:00:00Z",
        "readOnly": False,
    }
    assert (told["recipientAccountId"], told["eventType"]) == (HOME_ACCOUNT, "AwsApiCall")
    assert "Botocore" in told["userAgent"]


def test_no_event_holds_a_secret(sandbox: Sandbox) -> None:
    iam = aws(sandbox.url, "iam")
    made = iam.create_access_key(UserName="no.mfa")["AccessKey"]
    iam.create_login_profile(UserName="aged.key", Password=PASSWORD, PasswordResetRequired=True)
    key, profile = event(sandbox, "CreateAccessKey"), event(sandbox, "CreateLoginProfile")
    assert key["responseElements"]["accessKey"]["accessKeyId"] == made["AccessKeyId"]
    assert profile["requestParameters"] == {
        "userName": "aged.key",
        "passwordResetRequired": True,
        "password": "HIDDEN_DUE_TO_SECURITY_REASONS",
    }
    everything = json.dumps([key, profile])
    assert made["SecretAccessKey"] not in everything
    assert PASSWORD not in everything


def test_a_failed_call_has_its_error(sandbox: Sandbox) -> None:
    iam = aws(sandbox.url, "iam")
    assert code(lambda: iam.delete_user(UserName="nobody")) == "NoSuchEntity"
    told = event(sandbox, "DeleteUser")
    assert told["errorCode"] == "NoSuchEntity"
    assert "nobody" in told["errorMessage"]
    assert told["responseElements"] is None


def test_a_refused_call_has_its_error(sandbox: Sandbox) -> None:
    sandbox.authorise([json.loads(policy({"Action": "cloudtrail:*", "Resource": "*"}))])
    code(lambda: aws(sandbox.url, "iam").create_group(GroupName="g"))
    assert event(sandbox, "CreateGroup")["errorCode"] == "AccessDenied"


def test_a_sessions_events_name_its_role(sandbox: Sandbox) -> None:
    iam = aws(sandbox.url, "iam")
    trusted = policy({"Principal": {"AWS": HOME_ACCOUNT}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusted)["Role"]
    answer = aws(sandbox.url, "sts").assume_role(RoleArn=role["Arn"], RoleSessionName="session")
    given = answer["Credentials"]
    own = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    aws(sandbox.url, "iam", *own).create_group(GroupName="g")
    told = event(sandbox, "CreateGroup")["userIdentity"]
    assert (told["type"], told["arn"]) == (
        "AssumedRole",
        f"arn:aws:sts::{HOME_ACCOUNT}:assumed-role/r/session",
    )
    assert told["sessionContext"]["sessionIssuer"]["arn"] == role["Arn"]
    assert told["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"


def test_events_are_found_by_one_attribute_the_newest_first(sandbox: Sandbox) -> None:
    iam = aws(sandbox.url, "iam")
    for name in ("one", "two"):
        iam.create_group(GroupName=name)
    iam.list_users()
    found = lookup(sandbox, EventName="CreateGroup")
    assert [row["Resources"][0]["ResourceName"] for row in found] == ["two", "one"]
    assert [row["EventName"] for row in lookup(sandbox, ResourceName="two")] == ["CreateGroup"]
    assert lookup(sandbox, EventId=found[0]["EventId"])[0]["EventName"] == "CreateGroup"
    assert {row["EventName"] for row in lookup(sandbox, ReadOnly="true")} >= {"ListUsers"}
    assert lookup(sandbox, Username="somebody.else") == []
    assert lookup(sandbox, region="eu-west-1", EventName="CreateGroup") == []


def test_the_calls_of_one_key_are_found_by_its_id_in_the_region_where_they_were_made(
    sandbox: Sandbox,
) -> None:
    made = aws(sandbox.url, "iam").create_access_key(UserName="no.mfa")["AccessKey"]
    key, secret = made["AccessKeyId"], made["SecretAccessKey"]
    for region, service, call in (
        (REGION, "sts", "get_caller_identity"),
        ("eu-west-1", "sts", "get_caller_identity"),
        ("eu-west-1", "s3", "list_buckets"),
        ("eu-west-1", "iam", "list_users"),  # IAM's events are in us-east-1 (E4)
    ):
        own = session(key, secret, region=region)
        getattr(own.create_client(service, endpoint_url=sandbox.url), call)()

    def calls(region: str) -> list[tuple[str, str]]:
        found = lookup(sandbox, region, AccessKeyId=key)
        records = [json.loads(row["CloudTrailEvent"]) for row in found]
        assert {it["userIdentity"]["accessKeyId"] for it in records} == {key}
        assert all(it["sourceIPAddress"] == "127.0.0.1" for it in records)
        assert all("Botocore" in it["userAgent"] for it in records)
        return [(it["eventSource"], it["eventName"]) for it in records]

    assert calls(REGION) == [
        ("iam.amazonaws.com", "ListUsers"),
        ("sts.amazonaws.com", "GetCallerIdentity"),
    ]
    assert calls("eu-west-1") == [
        ("s3.amazonaws.com", "ListBuckets"),
        ("sts.amazonaws.com", "GetCallerIdentity"),
    ]
    assert lookup(sandbox, AccessKeyId="AKIAIOSFODNN7EXAMPLE") == []


def test_pages_are_of_fifty_and_nothing_is_lost_between_them(sandbox: Sandbox) -> None:
    iam = aws(sandbox.url, "iam")
    for number in range(53):
        iam.create_group(GroupName=f"g{number}")
    first = aws(sandbox.url, "cloudtrail").lookup_events()
    assert len(first["Events"]) == 50
    ids = [row["EventId"] for row in lookup(sandbox)]
    assert len(ids) == len(set(ids))
    assert len(lookup(sandbox, EventName="CreateGroup")) == 53


def test_after_ninety_days_an_event_is_gone(sandbox: Sandbox) -> None:
    aws(sandbox.url, "iam").create_group(GroupName="g")
    sandbox.set_clock(MONDAY + timedelta(days=90))
    assert len(lookup(sandbox, EventName="CreateGroup")) == 1
    sandbox.set_clock(MONDAY + timedelta(days=91))
    assert lookup(sandbox, EventName="CreateGroup") == []


def test_a_reset_sandbox_gives_the_same_events_again(sandbox: Sandbox) -> None:
    seen = []
    for _ in "ab":
        sandbox.reset("small", MONDAY)
        aws(sandbox.url, "iam").create_group(GroupName="g")
        seen.append(event(sandbox, "CreateGroup"))
    assert seen[0]["eventID"] == seen[1]["eventID"]


@pytest.mark.parametrize(
    "call",
    [
        lambda url: aws(url, "s3").list_objects_v2(Bucket="keyreeve-sandbox", Prefix="a"),
        lambda url: aws(url, "s3").put_object(Bucket="keyreeve-sandbox", Key="a", Body=b"1"),
        lambda url: aws(url, "cloudwatch").put_metric_data(
            Namespace="N", MetricData=[{"MetricName": "m", "Value": 1}]
        ),
    ],
)
def test_data_events_are_not_in_the_history(sandbox: Sandbox, call: Any) -> None:
    call(sandbox.url)
    assert lookup(sandbox) == []


# --- people ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("details", "used", "answer"),
    [
        ({"mfa": True}, "Yes", "Success"),
        ({"mfa": False}, "No", "Success"),
        ({"failure": "Failed authentication"}, "No", "Failure"),
    ],
)
def test_a_sign_in_is_an_event_of_its_own_kind(
    sandbox: Sandbox, details: dict[str, Any], used: str, answer: str
) -> None:
    sandbox.act("no.mfa", "sign_in", **details)
    told = event(sandbox, "ConsoleLogin")
    assert told["eventType"] == "AwsConsoleSignIn"
    assert told["eventSource"] == "signin.amazonaws.com"
    assert told["additionalEventData"]["MFAUsed"] == used
    assert told["responseElements"] == {"ConsoleLogin": answer}
    assert told.get("errorMessage") == details.get("failure")


def test_the_root_user_signs_in_too(sandbox: Sandbox) -> None:
    sandbox.act("<root_account>", "sign_in", mfa=True)
    assert event(sandbox, "ConsoleLogin")["userIdentity"]["type"] == "Root"


def test_a_wrong_user_name_is_hidden(sandbox: Sandbox) -> None:
    sandbox.act("my-password", "sign_in", failure="No username found in supplied account")
    assert "my-password" not in json.dumps(event(sandbox, "ConsoleLogin"))


def test_what_a_user_does_in_the_console_is_told(sandbox: Sandbox) -> None:
    serial = sandbox.act("no.mfa", "enrol_mfa")["serial"]
    sandbox.act("no.mfa", "remove_mfa")
    enrolled, removed = event(sandbox, "EnableMFADevice"), event(sandbox, "DeactivateMFADevice")
    assert enrolled["userIdentity"]["userName"] == "no.mfa"
    expected = {"userName": "no.mfa", "serialNumber": serial}
    assert enrolled["requestParameters"] == removed["requestParameters"] == expected


def test_an_injected_event_is_as_it_was_given(sandbox: Sandbox) -> None:
    given = {"eventName": "EnableMFADevice", "requestParameters": None, "eventID": "mine"}
    assert sandbox.emit(given) == "mine"
    told = event(sandbox, "EnableMFADevice")
    assert (told["eventID"], told["requestParameters"]) == ("mine", None)
