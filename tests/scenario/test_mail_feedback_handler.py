"""The handler in process, over the sandbox's S3: what it writes stops the act."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sandbox_fixture import aws
from tests.scenario.on_the_wire import CONFIG, PREFIX, run, wire

from keyreeve.handlers.mail_feedback import handle
from keyreeve.model.errors import ConfigError
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Mail, Sandbox

__all__ = ["wire"]

OWNER = "aged.key@example.com"


@pytest.fixture
def lambda_(wire: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    monkeypatch.setenv("KEYREEVE_CONFIG", str(path))
    return wire


def last_to(sandbox: Sandbox, address: str) -> Mail:
    return [mail for mail in sandbox.mails() if mail.destinations[0] == address][-1]


def private(sandbox: Sandbox) -> list[Mail]:
    return [mail for mail in sandbox.mails() if mail.destinations == (OWNER,)]


@pytest.mark.parametrize("kind", ["bounce", "complaint", "reject"])
def test_what_the_handler_hears_undelivers_the_credentials_and_holds_the_act(
    lambda_: Sandbox, kind: str
):
    for day in range(8):
        run(lambda_, day)
    (mail,) = private(lambda_)
    answer = handle(lambda_.feedback(mail, kind))
    assert [len(answer[word]) for word in ("kept", "ignored", "unreadable")] == [1, 0, 0]
    report = run(lambda_, 8)
    case = next(c for c in report.state.users.values() if c.user_name == "aged.key")
    (bounce,) = case.returned.values()
    assert (bounce.address, bounce.lasting) == (OWNER, kind != "reject")
    assert len(private(lambda_)) == (2 if kind == "reject" else 1)  # the address itself is well
    subjects = b"".join(
        m.raw for m in lambda_.mails() if m.destinations == ("msp-team@example.com",)
    )
    assert b"the new access key did not arrive" in subjects


def test_the_handler_calls_nothing_but_put_object_below_feedback(lambda_: Sandbox):
    run(lambda_, 0)
    event = lambda_.feedback(last_to(lambda_, OWNER))
    lambda_.forget_calls()
    (key,) = handle(event)["kept"]
    (call,) = lambda_.calls()
    assert (call["service"], call["operation"]) == ("s3", "PutObject")
    body = aws(lambda_.url, "s3").get_object(Bucket=BUCKET, Key=PREFIX + key)["Body"].read()
    assert OWNER.encode() in body


def test_one_unreadable_record_stops_no_other_and_is_named(lambda_: Sandbox):
    run(lambda_, 0)
    mail = last_to(lambda_, OWNER)
    broken = {"EventSource": "aws:sns", "Sns": {"MessageId": "m-7", "Message": "{"}}
    (good,) = lambda_.feedback(mail)["Records"]
    (delivered,) = lambda_.feedback(mail, "delivery")["Records"]
    answer = handle({"Records": [broken, delivered, good]})
    assert len(answer["kept"]) == 1
    assert [one["record"] for one in answer["unreadable"]] == ["Records[0] (m-7)"]
    assert "no condition" in answer["ignored"][0]["reason"]


def test_without_a_config_the_handler_says_what_to_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KEYREEVE_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="KEYREEVE_CONFIG"):
        handle({"Records": []})
