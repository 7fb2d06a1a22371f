"""The sandbox's own machinery, over HTTP: clock, report, mail, faults, people, fingerprint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.sandbox_fixture import MONDAY, aws, sandbox

from keyreeve.codec.mail_feedback import read, records
from keyreeve.model.errors import ConfigError
from keyreeve.model.feedback import MailFeedback
from keyreeve.sandbox.old_account import old_account
from keyreeve.sandbox.process import Sandbox, SandboxFailed, events
from keyreeve.sandbox.wire import HANGING

__all__ = ["sandbox"]

RAW = b"Message-ID: <own@here>\r\nTo: b@example.org\r\nSubject: x\r\n\r\n\xff\r\n"


@pytest.fixture(autouse=True)
def small(sandbox: Sandbox) -> None:
    sandbox.reset("small", MONDAY)


def code(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "accepted"


def send(sandbox: Sandbox, *to: str) -> Any:
    return aws(sandbox.url, "sesv2").send_email(
        FromEmailAddress="IAM <iam@example.com>",
        Destination={"ToAddresses": list(to)},
        Content={"Raw": {"Data": RAW}},
    )


def test_iam_tells_the_time_of_the_clock_which_stands_still(sandbox: Sandbox) -> None:
    later = MONDAY + timedelta(days=3, hours=2)
    sandbox.set_clock(later)
    iam = aws(sandbox.url, "iam")
    key = iam.create_access_key(UserName="no.mfa")["AccessKey"]
    iam.create_login_profile(UserName="aged.key", Password="Long-Enough-Password-1!")
    told = iam.get_login_profile(UserName="aged.key")["LoginProfile"]
    assert key["CreateDate"] == told["CreateDate"] == sandbox.now == later


def test_a_report_is_served_for_four_hours_then_expired_then_made_anew(sandbox: Sandbox) -> None:
    iam = aws(sandbox.url, "iam")
    assert code(iam.get_credential_report) == "ReportNotPresent"
    assert [iam.generate_credential_report()["State"] for _ in "ab"] == ["STARTED", "COMPLETE"]
    sandbox.set_clock(MONDAY + timedelta(hours=3, minutes=59))
    iam.generate_credential_report()
    assert iam.get_credential_report()["GeneratedTime"] == MONDAY
    sandbox.set_clock(MONDAY + timedelta(hours=4))
    assert code(iam.get_credential_report) == "ReportExpired"
    iam.generate_credential_report()
    assert iam.get_credential_report()["GeneratedTime"] == MONDAY + timedelta(hours=4)


def test_without_the_cache_every_report_is_new(sandbox: Sandbox) -> None:
    sandbox.configure(report_cache=False)
    iam = aws(sandbox.url, "iam")
    iam.generate_credential_report()
    sandbox.act("aged.key", "delete_user")
    iam.generate_credential_report()
    assert b"aged.key" not in iam.get_credential_report()["Content"]


def test_a_sent_mail_keeps_every_byte_and_gets_the_ids_of_ses(sandbox: Sandbox) -> None:
    message_id = send(sandbox, "b@example.org")["MessageId"]
    (mail,) = sandbox.mails()
    assert (mail.raw, mail.destinations, mail.at) == (RAW, ("b@example.org",), MONDAY)
    assert mail.wire_id == f"<{message_id}@email.amazonses.com>"
    head = f"Message-ID: {mail.wire_id}\r\nDate: Mon, 05 Jan 2026 06:00:00 +0000\r\n".encode()
    assert mail.delivered == head + RAW.partition(b"\r\n")[2]
    assert sandbox.mails(since=1) == []


@pytest.mark.parametrize(
    ("kind", "alive"), [("bounce", []), ("complaint", []), ("reject", ["b@example.org"])]
)
def test_moto_never_bounces_so_the_sandbox_tells_it_as_ses_does(
    sandbox: Sandbox, kind: str, alive: list[str]
) -> None:
    message_id = send(sandbox, "b@example.org", "c@example.org")["MessageId"]
    (mail,) = sandbox.mails()
    ((name, message),) = records(sandbox.feedback(mail, kind))
    told = read(message)
    assert name == f"Records[0] ({kind}-{message_id})"
    assert isinstance(told, MailFeedback)
    assert (told.kind, told.lasting, told.at) == (kind, not alive, MONDAY)
    assert told.is_about(mail.wire_id)
    assert told.reached_not("b@example.org")
    assert told.reached_not("c@example.org") is (kind == "reject")
    with pytest.raises(ConfigError, match="tells no 'silence'"):
        sandbox.feedback(mail, "silence")


def test_the_quota_counts_recipients_within_a_day(sandbox: Sandbox) -> None:
    sandbox.configure(mail_quota=2)
    send(sandbox, "b@example.org", "c@example.org")
    assert code(lambda: send(sandbox, "d@example.org")) == "TooManyRequestsException"
    sandbox.set_clock(MONDAY + timedelta(hours=24))
    assert code(lambda: send(sandbox, "d@example.org")) == "accepted"


def test_in_ses_own_sandbox_recipients_must_be_verified(sandbox: Sandbox) -> None:
    sandbox.configure(mail_production=False)
    assert code(lambda: send(sandbox, "b@example.org")) == "MessageRejected"
    assert code(lambda: send(sandbox, "b@example.com")) == "accepted"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("answer", ["error", "drop", "malformed"])
def test_a_fault_strikes_once_on_its_side_of_the_effect(
    sandbox: Sandbox, when: str, answer: str
) -> None:
    iam = aws(sandbox.url, "iam")
    sandbox.plant_fault("CreateAccessKey", user="no.mfa", when=when, answer=answer)
    iam.create_access_key(UserName="aged.key")
    with pytest.raises(Exception):  # noqa: B017, PT011 - the SDK has one error for each answer
        iam.create_access_key(UserName="no.mfa")
    assert len(sandbox.user("no.mfa")["keys"]) == (when == "after")
    iam.create_access_key(UserName="no.mfa")


def test_a_fault_strikes_only_the_part_of_the_bucket_that_it_names(sandbox: Sandbox) -> None:
    s3 = aws(sandbox.url, "s3")
    bucket = {"Bucket": "keyreeve-sandbox"}
    sandbox.plant_fault(service="s3", key="ops/", count=None, code="SlowDown", status=503)
    s3.put_object(**bucket, Key="p/state.json", Body=b"{}")
    assert code(lambda: s3.put_object(**bucket, Key="p/ops/1", Body=b"{}")) == "SlowDown"
    assert code(lambda: s3.list_objects_v2(**bucket, Prefix="p/ops/")) == "SlowDown"
    assert s3.list_objects_v2(**bucket, Prefix="p/")["KeyCount"] == 1


@pytest.mark.parametrize(
    ("service", "call", "planted"),
    [
        ("iam", lambda it: it.list_users(), "Throttling"),
        ("sts", lambda it: it.get_caller_identity(), "AccessDenied"),
        ("s3", lambda it: it.get_object(Bucket="keyreeve-sandbox", Key="x"), "SlowDown"),
        ("sesv2", lambda it: it.get_account(), "TooManyRequestsException"),
    ],
)
def test_planted_errors_speak_the_protocol_of_the_service(
    sandbox: Sandbox, service: str, call: Callable[[Any], Any], planted: str
) -> None:
    sandbox.plant_fault(service=service, code=planted, status=400)
    assert code(lambda: call(aws(sandbox.url, service))) == planted


def test_calls_are_remembered_in_order_without_secrets(sandbox: Sandbox) -> None:
    iam, s3 = aws(sandbox.url, "iam"), aws(sandbox.url, "s3")
    iam.update_login_profile(UserName="no.mfa", Password="Planted-Secret-1234!")
    s3.put_object(Bucket="keyreeve-sandbox", Key="é/a", Body=b"Planted", IfNoneMatch="*")
    send(sandbox, "b@example.org")
    calls = sandbox.calls()
    assert [(it["number"], it["service"], it["operation"]) for it in calls] == [
        (1, "iam", "UpdateLoginProfile"),
        (2, "s3", "PutObject"),
        (3, "sesv2", "SendEmail"),
    ]
    assert calls[1]["params"]["Key"] == "é/a"
    assert "Planted" not in str(calls)
    sandbox.forget_calls()
    assert sandbox.calls() == []


def test_the_fingerprint_ignores_reading_and_notices_every_change(sandbox: Sandbox) -> None:
    iam, s3 = aws(sandbox.url, "iam"), aws(sandbox.url, "s3")
    before = sandbox.fingerprint()
    iam.generate_credential_report()
    iam.get_account_authorization_details()
    s3.list_objects_v2(Bucket="keyreeve-sandbox")
    assert sandbox.fingerprint() == before
    changes: list[Callable[[], object]] = [
        lambda: iam.create_access_key(UserName="no.mfa"),
        lambda: iam.update_login_profile(UserName="no.mfa", PasswordResetRequired=True),
        lambda: iam.tag_user(UserName="no.mfa", Tags=[{"Key": "a", "Value": "b"}]),
        lambda: iam.add_user_to_group(UserName="no.mfa", GroupName="Quarantine"),
        lambda: s3.put_object(Bucket="keyreeve-sandbox", Key="x", Body=b""),
        lambda: s3.delete_object(Bucket="keyreeve-sandbox", Key="x"),
        lambda: send(sandbox, "b@example.org"),
    ]
    seen = {before}
    for change in changes:
        change()
        seen.add(sandbox.fingerprint())
    assert len(seen) == 1 + len(changes)


def test_the_same_account_gets_the_same_ids_and_a_recreated_user_another(sandbox: Sandbox) -> None:
    first, before = sandbox.user("no.mfa")["id"], sandbox.fingerprint()
    sandbox.act("no.mfa", "delete_user")
    sandbox.act("no.mfa", "create_user", created="0d")
    assert sandbox.user("no.mfa")["id"] != first
    sandbox.reset("small")
    assert sandbox.fingerprint() == before


@pytest.mark.parametrize(
    ("name", "act", "details", "field"),
    [
        ("aged.key", "rotate_key", {}, "keys"),
        ("aged.key", "use_key", {"service": "ec2", "region": "eu-west-1"}, "keys"),
        ("aged.key", "create_key", {}, "keys"),
        ("aged.key", "delete_key", {"key": "newest"}, "keys"),
        ("aged.key", "set_key_status", {"active": False}, "keys"),
        ("no.mfa", "sign_in", {"at": "2026-01-01T00:00:00Z"}, "login_profile"),
        ("no.mfa", "change_password", {}, "login_profile"),
        ("no.mfa", "delete_password", {}, "login_profile"),
        ("no.mfa", "enrol_mfa", {}, "mfa"),
        ("ada.admin", "remove_mfa", {}, "mfa"),
        ("no.mfa", "tag", {"tags": {"email": "new@example.com"}}, "tags"),
        ("no.mfa", "untag", {"keys": ["email"]}, "tags"),
    ],
)
def test_what_people_do_shows_in_the_account(
    sandbox: Sandbox, name: str, act: str, details: dict[str, object], field: str
) -> None:
    before = sandbox.user(name)
    sandbox.act(name, act, **details)
    after = sandbox.user(name)
    assert {key for key in after if after[key] != before[key]} == {field}


def test_a_renamed_user_keeps_id_tags_and_keys(sandbox: Sandbox) -> None:
    before = sandbox.user("aged.key")
    sandbox.act("aged.key", "rename", to="renamed")
    after = sandbox.user("renamed")
    assert all(after[field] == before[field] for field in ("id", "tags", "keys", "groups"))


def test_an_impossible_act_is_refused_with_a_reason(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match="no user nobody"):
        sandbox.act("nobody", "sign_in")
    with pytest.raises(SandboxFailed, match="has no password"):
        sandbox.act("aged.key", "sign_in")
    with pytest.raises(SandboxFailed, match="AccessKeysPerUser"):
        sandbox.act("stale.key", "create_key")


def test_the_story_of_the_demo_account_can_be_told(sandbox: Sandbox) -> None:
    sandbox.reset("demo", MONDAY)
    for day, hour, name, act, details in events("demo"):
        sandbox.set_clock(MONDAY + timedelta(days=day, hours=hour - MONDAY.hour))
        # Steps that need what Keyreeve makes on day 7 find the user's own key here.
        sandbox.act(name, act, **details)
    assert not {"ext-j.smith", "viktor.horvat"} & set(sandbox.account()["users"])


def test_an_old_account_has_as_many_users_as_asked_for(sandbox: Sandbox) -> None:
    sandbox.reset(old_account(150, 60))
    iam = aws(sandbox.url, "iam")
    pages = [len(page["Users"]) for page in iam.get_paginator("list_users").paginate()]
    assert pages == [100, 51]  # Keyreeve's own among them


def test_the_sandbox_listens_on_loopback_only(sandbox: Sandbox) -> None:
    assert sandbox.url.startswith("http://127.0.0.1:")
    assert sandbox.environment()["AWS_ENDPOINT_URL"] == sandbox.url


def gone(pid: int) -> bool:
    for _ in range(200):
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            time.sleep(0.05)
            continue
        return True
    return False


def test_the_sandbox_ends_with_its_context() -> None:
    with Sandbox(account={"users": [{"name": "one"}]}, at=MONDAY) as running:
        pid = running.pid
        assert list(running.account()["users"]) == ["one", "keyreeve"]
    assert gone(pid)


def test_the_sandbox_ends_when_its_parent_is_killed() -> None:
    program = (
        "import time; from datetime import UTC, datetime;"
        "from keyreeve.sandbox.process import Sandbox;"
        "box = Sandbox(account='empty', at=datetime(2026, 1, 5, tzinfo=UTC)).__enter__();"
        "print(box.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert gone(pid)


def test_a_bad_account_is_refused_before_anything_is_made(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match="unknown group Nowhere"):
        sandbox.reset({"users": [{"name": "one", "groups": ["Nowhere"]}]})
    assert "no.mfa" in sandbox.account()["users"]


def test_a_dropped_connection_is_a_doubt_for_the_sdk(sandbox: Sandbox) -> None:
    sandbox.plant_fault("ListUsers", answer="drop")
    with pytest.raises(BotoCoreError):
        aws(sandbox.url, "iam").list_users()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_held_call_waits_while_others_are_served_and_ends_without_an_answer(
    sandbox: Sandbox, when: str
) -> None:
    iam = aws(sandbox.url, "iam")
    sandbox.plant_fault("CreateAccessKey", answer="hang", when=when)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(iam.create_access_key, UserName="no.mfa")
        while not any(call["code"] == HANGING for call in sandbox.calls()):
            assert not held.done()
        assert "no.mfa" in [user["UserName"] for user in iam.list_users()["Users"]]
        assert not held.done()
        sandbox.clear_faults()
        assert isinstance(held.exception(), BotoCoreError)
    assert len(sandbox.user("no.mfa")["keys"]) == (when == "after")


def test_a_second_account_is_reached_by_assuming_a_role_in_it(sandbox: Sandbox) -> None:
    sandbox.add_account({"account_id": "210987654321", "users": [{"name": "far"}]})
    before = sandbox.fingerprint()
    arn = "arn:aws:iam::210987654321:role/Keyreeve"
    given = aws(sandbox.url, "sts").assume_role(RoleArn=arn, RoleSessionName="run")["Credentials"]
    own = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    there = aws(sandbox.url, "iam", *own)
    assert [user["UserName"] for user in there.list_users()["Users"]] == ["far", "keyreeve"]
    assert "far" in sandbox.account("210987654321")["users"]
    assert sandbox.fingerprint() == before
