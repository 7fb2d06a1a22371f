"""Pages read by expat: what the SDK makes of them, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from benchmarks.account import account
from benchmarks.iam import Answers, written
from botocore.handlers import json_decode_policies
from botocore.parsers import ResponseParserError, create_parser

from keyreeve.aws.authorization_pages import OPERATION, page_of

NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
MODEL = botocore.session.Session().get_service_model("iam").operation_model(OPERATION)
EVERYTHING = {f"Filter.member.{n}": v for n, v in enumerate(("User", "Group", "Role"), 1)}
EVERYTHING |= {"Filter.member.4": "LocalManagedPolicy"}


def answer(**asked: str) -> bytes:
    inner = Answers(account(40, NOW)).answer(OPERATION, {**EVERYTHING, **asked})
    return written(OPERATION, str(inner)).encode()


def by_the_sdk(body: bytes) -> dict[str, Any]:
    response = {"body": body, "headers": {}, "status_code": 200}
    parsed = create_parser("query").parse(response, MODEL.output_shape)
    json_decode_policies(parsed, MODEL)
    return parsed


def within(ours: Any, theirs: Any) -> None:
    """Whatever is there is the same; what is left out is nobody's concern."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name, value in ours.items():
            within(value, theirs[name])
    elif isinstance(ours, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            within(one, other)
    else:
        assert ours == theirs


@pytest.mark.parametrize("asked", [{"MaxItems": "1000"}, {"MaxItems": "17"}], ids=["all", "a page"])
def test_a_page_reads_as_the_sdk_reads_it(asked: dict[str, str]):
    body = answer(**asked)
    ours = page_of(body)
    within(ours, by_the_sdk(body))
    assert ours["IsTruncated"] is ("17" in asked.values())
    assert len(ours["UserDetailList"]) == min(40, int(asked["MaxItems"]))


def test_every_member_that_the_readers_name_is_there():
    page = page_of(answer(MaxItems="1000"))
    assert {
        "IsTruncated",
        "UserDetailList",
        "GroupDetailList",
        "RoleDetailList",
        "Policies",
    } == set(page)
    named = {name for user in page["UserDetailList"] for name in user}
    assert named == {
        *("Path", "UserName", "UserId", "Arn", "CreateDate", "UserPolicyList", "GroupList"),
        *("AttachedManagedPolicies", "Tags"),
    }
    assert {"RoleName", "AssumeRolePolicyDocument"} <= set(page["RoleDetailList"][0])
    assert {"Arn", "PolicyVersionList"} == set(page["Policies"][0])


def test_a_document_that_is_no_json_stays_a_text():
    torn = re.sub(rb"<PolicyDocument>[^<]*<", b"<PolicyDocument>%7Btorn<", answer())
    policies = [p for u in page_of(torn)["UserDetailList"] for p in u.get("UserPolicyList", ())]
    assert {policy["PolicyDocument"] for policy in policies} == {"%7Btorn"}


STRANGE = {
    "torn": lambda body: body[:-30],
    "no XML": lambda _: b"{}",
    "an id twice": lambda body: body.replace(b"<UserId>", b"<UserId>x</UserId><UserId>", 1),
    "two lists of users": lambda body: body.replace(
        b"<GroupDetailList>", b"<UserDetailList/><GroupDetailList>"
    ),
    "an element within a name": lambda body: body.replace(b"<UserName>", b"<UserName><b/>", 1),
    "neither true nor false": lambda body: body.replace(b">false</IsT", b">perhaps</IsT"),
    "no date": lambda body: re.sub(rb"<CreateDate>[^<]*<", b"<CreateDate>soon<", body, count=1),
    "a date without zone": lambda body: body.replace(b"Z</CreateDate>", b"</CreateDate>", 1),
}


@pytest.mark.parametrize("spoil", STRANGE.values(), ids=STRANGE)
def test_what_is_not_as_documented_is_refused_and_never_quoted(spoil):
    with pytest.raises(ResponseParserError) as refused:
        page_of(spoil(answer(MaxItems="1000")))
    assert str(refused.value).startswith("the page cannot be read (")
    assert len(str(refused.value)) < 60
    assert refused.value.__context__ is None


@pytest.mark.parametrize("body", [b"<html/>", f"<{OPERATION}Response/>".encode()])
def test_an_answer_without_a_result_is_no_page(body: bytes):
    with pytest.raises(KeyError):
        page_of(body)
