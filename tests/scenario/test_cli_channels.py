"""Channels over the command line: a webhook on 127.0.0.1 by apprise, and a topic of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_channel import Webhook
from tests.sandbox_fixture import MONDAY, aws, sandbox
from tests.scenario.cli_command import Command

from keyreeve.sandbox.account import HOME_ACCOUNT, REGION
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]
TOPIC = f"arn:aws:sns:{REGION}:{HOME_ACCOUNT}:msp-team"
CHANNELS = f"""\
channels:
  - {{kind: apprise, url_env: KEYREEVE_CHAT, what: [team, summary, run]}}
  - {{kind: sns, topic_arn: "{TOPIC}", what: [summary]}}
"""


@pytest.fixture
def hook() -> Iterator[Webhook]:
    made = Webhook()
    yield made
    made.close()


@pytest.fixture
def keyreeve(
    sandbox: Sandbox, hook: Webhook, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> Command:
    sandbox.reset("small", at=MONDAY)
    sns = aws(sandbox.url, "sns")
    sns.subscribe(
        TopicArn=sns.create_topic(Name="msp-team")["TopicArn"],
        Protocol="email",
        Endpoint="msp@example.com",
    )
    sandbox.confirm("msp@example.com")
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    monkeypatch.setenv("KEYREEVE_CHAT", hook.url)
    command.settle(more=CHANNELS)
    return command


def titles(hook: Webhook) -> list[str]:
    return [title for title, _ in hook.heard()]


def test_a_run_tells_both_and_a_rehearsal_neither(keyreeve: Command, hook: Webhook):
    assert keyreeve("run", *keyreeve.at(0)).code == 0
    assert hook.heard() == []
    ran = keyreeve.run(0)
    assert ran.code == 0, ran.out + ran.err
    assert any("weekly summary of 2026-01-05" in title for title in titles(hook))
    assert titles(hook)[-1] == "ETV: run of 2026-01-05"
    keyreeve.sandbox.settle()
    (alert,) = keyreeve.sandbox.alerts()
    assert alert["subject"] == "ETV: weekly summary of 2026-01-05"
    assert "users have open findings" in alert["message"]


def test_the_summary_sent_by_hand_is_told_and_a_failing_channel_named(
    keyreeve: Command, hook: Webhook
):
    sent = keyreeve("summary", "--send", *keyreeve.at(0))
    assert sent.code == 0, sent.err
    assert titles(hook) == ["ETV: weekly summary of 2026-01-05"]
    hook.status = 500
    sent = keyreeve.json("summary", "--send", *keyreeve.at(0))
    (said,) = sent["not_told"]
    assert "apprise KEYREEVE_CHAT was not told (summary)" in said
    assert sent["message_id"]
    again = keyreeve("summary", "--send", *keyreeve.at(0))
    assert again.code == 1
    assert "KEYREEVE_CHAT was not told" in again.out


def test_a_run_whose_channel_fails_does_its_work_and_exits_with_1(keyreeve: Command, hook: Webhook):
    hook.status = 500
    ran = keyreeve.run(0)
    assert ran.code == 1
    assert "apprise KEYREEVE_CHAT was not told" in " ".join(ran.out.split())
    assert keyreeve.sandbox.mails(), "the mails went out all the same"
    assert hook.url not in ran.out + ran.err


def test_the_doctor_says_of_each_channel_whether_it_is_usable(
    keyreeve: Command, hook: Webhook, monkeypatch: pytest.MonkeyPatch
):
    checks = {c["check"]: c for c in keyreeve.json("doctor")["checks"]}
    assert checks["channel apprise KEYREEVE_CHAT"]["verdict"] == "ok"
    assert "hears run, summary, team" in checks["channel apprise KEYREEVE_CHAT"]["found"]
    assert checks["channel sns msp-team"]["verdict"] == "ok"
    assert hook.heard() == []
    monkeypatch.delenv("KEYREEVE_CHAT")
    aws(keyreeve.sandbox.url, "sns").delete_topic(TopicArn=TOPIC)
    checks = {c["check"]: c for c in keyreeve.json("doctor")["checks"]}
    broken = checks["channel apprise KEYREEVE_CHAT"]
    assert broken["verdict"] == "broken"
    assert "is not set" in broken["found"]
    assert checks["channel sns msp-team"]["verdict"] == "broken"


def test_another_time_than_now_is_not_told_to_the_world(
    keyreeve: Command, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KEYREEVE_CHAT", "slack://TokenA12345/TokenB12345/TokenC1234567890123456789")
    refused = keyreeve.run(0)
    assert refused.code == 2
    assert "--as-of" in refused.err
    assert "Token" not in refused.err
