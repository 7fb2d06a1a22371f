from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.model.errors import ConfigError
from keyreeve.sandbox.calls import Request, recognise
from keyreeve.sandbox.faults import read_fault
from keyreeve.sandbox.patches.login_profile import policy_mistake
from keyreeve.sandbox.patches.pagination import page
from keyreeve.sandbox.view import delivered
from keyreeve.sandbox.world import SentMail, SettableClock

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)


def request(operation: str = "CreateAccessKey", user: str | None = "a") -> Request:
    return Request(service="iam", operation=operation, user=user, params={}, access_key=None)


@given(st.lists(st.integers()), st.integers(1, 9))
def test_pages_joined_are_the_list(items: list[int], size: int) -> None:
    found: list[int] = []
    marker = None
    while True:
        part, marker = page(items, size, marker)
        assert len(part) <= size
        found += part
        if marker is None:
            break
    assert found == items


def test_a_clock_stands_still_in_whole_seconds() -> None:
    clock = SettableClock(MONDAY.replace(microsecond=7))
    assert clock.now() == clock.now() == MONDAY


@pytest.mark.parametrize(
    ("fault", "hits"),
    [
        ({}, [True, False, False, False]),
        ({"count": None}, [True, True, True, True]),
        ({"skip": 2}, [False, False, True, False]),
        ({"operation": "CreateAccessKey", "count": 2}, [True, True, False, False]),
        ({"operation": "ListUsers"}, [False] * 4),
        ({"service": "s3"}, [False] * 4),
        ({"user": "b"}, [False] * 4),
    ],
)
def test_a_fault_counts_its_matching_calls(fault: dict[str, object], hits: list[bool]) -> None:
    planted = read_fault(fault)
    assert [planted.strikes(request()) for _ in hits] == hits


@pytest.mark.parametrize("fault", [{"what": 1}, {"when": "never"}, {"answer": "silence"}])
def test_a_misspelt_fault_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        read_fault(fault)


def test_a_query_call_is_recognised_without_its_secrets() -> None:
    environ = {
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=AKIA1/20260105/us-east-1/iam/aws4",
        "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8",
        "PATH_INFO": "/",
    }
    body = b"Action=ChangePassword&Version=2010-05-08&OldPassword=a&NewPassword=b&UserName=x"
    seen = recognise(environ, body)
    assert (seen.service, seen.operation, seen.user) == ("iam", "ChangePassword", "x")
    assert seen.params == {"UserName": "x"}
    assert seen.access_key == "AKIA1"


@pytest.mark.parametrize(
    ("password", "accepted"),
    [("short1!", False), ("alllowercase", False), ("Passw0rds", True), ("passw0rd!", True)],
)
def test_without_a_policy_the_default_one_of_aws_holds(password: str, accepted: bool) -> None:  # noqa: FBT001
    assert (policy_mistake(password, None) is None) is accepted


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
def test_delivery_replaces_two_headers_folded_ones_too_and_nothing_else(newline: bytes) -> None:
    lines = [
        b"Subject: x",
        b"message-id:",
        b" <own@here>",
        b"Date: never",
        b"X: y",
        b"",
        b"Date: body",
    ]
    mail = SentMail(
        message_id="0100",
        region="eu-west-1",
        source="a@example.com",
        destinations=(),
        raw=newline.join(lines),
        at=MONDAY,
    )
    assert delivered(mail).split(newline) == [
        b"Message-ID: <0100@eu-west-1.amazonses.com>",
        b"Date: Mon, 05 Jan 2026 06:00:00 +0000",
        b"Subject: x",
        b"X: y",
        b"",
        b"Date: body",
    ]
