"""`baseline verify` on the sandbox: whole chains, seeded breaks, what people and programs read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from tests.sandbox_fixture import MONDAY
from tests.scenario.monitored_account import GROUP, NAMESPACE, REGION, Monitored

from keyreeve.cli.baseline_verify import verify
from keyreeve.cli.options import Options, Output
from keyreeve.config import Config
from keyreeve.governance.alarm_card import Account
from keyreeve.governance.alarms import CATALOGUE, Alarm, cards
from keyreeve.model.access import AccessModel, Grant
from keyreeve.model.baseline import AlarmSetting, BaselineSettings
from keyreeve.model.errors import ConfigError
from keyreeve.ports.monitoring import PROBE_PATH
from keyreeve.sandbox.process import Sandbox

MODEL = AccessModel(
    grants=(
        Grant(
            functional_group="Administrator",
            group="Administrator",
            role="AdministratorAccessRole",
            policies=("arn:aws:iam::aws:policy/AdministratorAccess",),
        ),
    )
)
HERE = Account(partition="aws", account_id="123456789012")
WANTED = {alarm.id: alarm for alarm in cards(MODEL, BaselineSettings(), HERE)}
ROOT_USE = WANTED["root-use"]


@dataclass(frozen=True)
class Answer:
    code: int
    out: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def broken(self) -> dict[str, str]:
        return {row["id"]: row["broken"] for row in self.json["alarms"] if not row["whole"]}


class Verify:
    """The command, as `keyreeve … baseline verify …` calls it."""

    def __init__(self, config: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._config = config
        self._capsys = capsys
        monkeypatch.setattr(Config, "access_model", lambda _: MODEL, raising=False)
        monkeypatch.setattr(Config, "baseline_settings", lambda _: self.settings, raising=False)
        self.settings = BaselineSettings(region=REGION)

    def __call__(self, *arguments: str, output: Output = Output.TABLE) -> Answer:
        self._capsys.readouterr()
        options = Options(config=self._config, output=output)
        code = verify.main(list(arguments), obj=options, standalone_mode=False)
        return Answer(code, self._capsys.readouterr().out)

    def json(self, *arguments: str) -> Answer:
        return self(*arguments, output=Output.JSON)


@pytest.fixture
def command(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Verify:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "config.yaml"
    config.write_text(
        "project_name: ETV\n"
        "storage: {bucket: keyreeve-sandbox}\n"
        "mail: {sender: iam@example.com, cc: [msp@example.com], transport: ses}\n"
    )
    return Verify(config, capsys, monkeypatch)


@pytest.fixture
def account(command: Verify, sandbox: Sandbox) -> Monitored:
    made = Monitored(sandbox.url, WANTED.values())
    if hasattr(sandbox, "confirm"):  # a sandbox that lets subscribers wait for their confirmation
        sandbox.confirm("msp@example.com")
    return made


def test_an_account_as_the_stacks_make_it_is_whole(command: Verify, account: Monitored) -> None:
    answer = command.json()

    assert answer.code == 0
    assert answer.json["schema"] == "keyreeve.baseline.verify/1"
    assert answer.json["account_id"] == "123456789012"
    assert answer.json["whole"] is True
    assert [row["id"] for row in answer.json["alarms"]] == [card.id for card in CATALOGUE]
    assert all(len(row["links"]) == 8 for row in answer.json["alarms"])
    assert command().out.splitlines()[-1] == "All 22 alarms arrive at msp@example.com."


def test_an_account_without_monitoring_is_broken_at_the_first_link(command: Verify) -> None:
    answer = command.json()

    assert answer.code == 1
    assert set(answer.broken().values()) == {"trail"}
    assert len(answer.broken()) == 22


def refilter(account: Monitored, alarm: Alarm, **changes: Any) -> None:
    account.logs.delete_metric_filter(logGroupName=GROUP, filterName=f"keyreeve-etv-{alarm.id}")
    account.filter(alarm, **changes)


def other_metric(name: str = "Other") -> list[dict[str, str]]:
    return [{"metricNamespace": NAMESPACE, "metricName": name, "metricValue": "1"}]


def lose_filter(account: Monitored) -> None:
    account.logs.delete_metric_filter(logGroupName=GROUP, filterName="keyreeve-etv-root-use")


def misdirect(account: Monitored) -> None:
    account.sns.delete_topic(TopicArn=account.topic)
    account.alarm(ROOT_USE, AlarmActions=[account.topic])


def by_awss_key(account: Monitored) -> None:
    account.sns.set_topic_attributes(
        TopicArn=account.topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns"
    )


def nobody(account: Monitored) -> None:
    for row in account.sns.list_subscriptions_by_topic(TopicArn=account.topic)["Subscriptions"]:
        account.sns.unsubscribe(SubscriptionArn=row["SubscriptionArn"])


ONE = {"root-use"}
ALL = set(WANTED)
BREAKS: dict[str, tuple[Callable[[Monitored], Any], str, set[str]]] = {
    "logging stopped": (
        lambda a: a.cloudtrail.stop_logging(Name="keyreeve-etv"),
        "trail",
        ALL,
    ),
    "filter deleted": (lose_filter, "metric filter", ONE),
    "filter of other events": (
        lambda a: refilter(a, ROOT_USE, filterPattern="{ $.eventName = Root }"),
        "metric filter",
        ONE,
    ),
    "filter of another metric": (
        lambda a: refilter(a, ROOT_USE, metricTransformations=other_metric()),
        "metric",
        ONE,
    ),
    "alarm on another metric": (lambda a: a.alarm(ROOT_USE, MetricName="Other"), "metric", ONE),
    "alarm deleted": (
        lambda a: a.cloudwatch.delete_alarms(AlarmNames=["keyreeve-etv-root-use"]),
        "alarm",
        ONE,
    ),
    "actions off": (lambda a: a.alarm(ROOT_USE, ActionsEnabled=False), "alarm", ONE),
    "threshold out of reach": (lambda a: a.alarm(ROOT_USE, Threshold=9), "alarm", ONE),
    "no action": (lambda a: a.alarm(ROOT_USE, AlarmActions=[]), "action", ONE),
    "topic deleted": (misdirect, "action", ALL),
    "topic policy of EventBridge only": (
        lambda a: a.let_publish(a.topic, "events.amazonaws.com"),
        "topic policy",
        ALL,
    ),
    "key policy forgets CloudWatch": (lambda a: a.let_use_key("kms:DescribeKey"), "key", ALL),
    "key policy forgets half": (lambda a: a.let_use_key("kms:Decrypt"), "key", ALL),
    "key disabled": (lambda a: a.kms.disable_key(KeyId=a.key), "key", ALL),
    "AWS's own key": (by_awss_key, "key", ALL),
    "nobody subscribed": (nobody, "subscription", ALL),
}


@pytest.mark.parametrize("seeded", BREAKS)
def test_a_break_made_by_calls_is_named_for_the_alarms_that_it_stops(
    seeded: str, command: Verify, account: Monitored
) -> None:
    seed, step, stopped = BREAKS[seeded]
    seed(account)
    answer = command.json()

    assert answer.code == 1
    assert answer.broken() == dict.fromkeys(stopped, step)


def test_people_read_each_cause_once_with_the_remedy(command: Verify, account: Monitored) -> None:
    account.let_use_key("kms:Decrypt")
    account.alarm(ROOT_USE, AlarmActions=[])
    out = command().out

    assert out.count("BROKEN  key: arn:aws:kms:") == 1
    assert "→ Allow cloudwatch.amazonaws.com kms:Decrypt and kms:GenerateDataKey*" in out
    assert "BROKEN  action: keyreeve-etv-root-use does nothing; no topic is told" in out
    assert out.splitlines()[-1] == "0 of 22 alarms arrive."


def test_what_differs_from_the_catalogue_is_told_with_its_reason(
    command: Verify, account: Monitored
) -> None:
    command.settings = BaselineSettings(
        region=REGION,
        alarms={
            "vpc-changes": AlarmSetting(enabled=False, reason="no VPC here"),
            "root-use": AlarmSetting(threshold=2, reason="drills"),
        },
    )
    account.alarm(Alarm(card=ROOT_USE.card, threshold=2))
    account.cloudwatch.delete_alarms(AlarmNames=["keyreeve-etv-vpc-changes"])
    answer = command.json()

    assert answer.code == 0
    assert answer.json["switched_off"] == [{"id": "vpc-changes", "reason": "no VPC here"}]
    assert next(r for r in answer.json["alarms"] if r["id"] == "root-use")["reason"] == "drills"
    out = command().out
    assert "vpc-changes  switched off       no VPC here" in out
    assert "root-use     fires on 2 events  drills" in out


def test_an_alarm_that_nobody_knows_is_a_mistake_of_the_config(command: Verify) -> None:
    command.settings = BaselineSettings(
        region=REGION, alarms={"vpc": AlarmSetting(enabled=False, reason="x")}
    )
    with pytest.raises(ConfigError, match="no alarm 'vpc'"):
        command()


def test_without_execute_a_live_trial_is_only_announced(
    command: Verify, account: Monitored
) -> None:
    answer = command("--live")

    assert answer.code == 0
    assert "would be tried     iam-policy-changes, access-key-lifecycle, mfa-removal" in answer.out
    assert account.client("iam").list_users(PathPrefix=PROBE_PATH)["Users"] == []


def test_execute_without_live_is_refused(command: Verify) -> None:
    with pytest.raises(click.UsageError, match="--execute is for --live"):
        command("--execute")


def test_a_live_trial_clears_up_what_an_earlier_one_left_behind(
    command: Verify, account: Monitored
) -> None:
    iam = account.client("iam")
    iam.create_user(UserName="keyreeve-verify-old", Path=PROBE_PATH)
    iam.create_access_key(UserName="keyreeve-verify-old")
    account.cloudtrail.stop_logging(Name="keyreeve-etv")
    answer = command.json("--live", "--execute")

    assert {row["result"] for row in answer.json["live"]} == {"not tried"}
    assert iam.list_users(PathPrefix=PROBE_PATH)["Users"] == []


@pytest.mark.skipif(
    not hasattr(Sandbox, "alerts"), reason="this sandbox keeps alarms and does not run them"
)
def test_a_live_trial_ends_in_somebodys_mailbox_and_leaves_nothing(
    command: Verify, account: Monitored, sandbox: Sandbox
) -> None:
    """S2.24, S2.26: the whole way, over HTTP."""
    answer = command.json("--live", "--execute", "--timeout", "1m")

    tried = ["iam-policy-changes", "access-key-lifecycle", "mfa-removal"]
    assert {row["alarm"]: row["result"] for row in answer.json["live"]} == dict.fromkeys(
        tried, "told"
    )
    assert answer.code == 0
    sandbox.settle()
    subjects = " ".join(alert["subject"] for alert in sandbox.alerts())
    assert all(f"keyreeve-etv-{name}" in subjects for name in tried)
    assert {alert["to"] for alert in sandbox.alerts()} == {"msp@example.com"}
    iam = account.client("iam")
    assert iam.list_users(PathPrefix=PROBE_PATH)["Users"] == []
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"] == []
