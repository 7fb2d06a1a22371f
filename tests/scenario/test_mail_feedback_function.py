"""Mails that come back, on AWS: stack deployed, SES's word published, function run, case held.

The zip is run by AWS's own runtime client, as its own role, whose policies are enforced; runs are
those of the command line.  One account for all: the stack is deployed once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.scenario.cli_command import MONDAY
from tests.scenario.test_daily_run_function import Function, actions, attached

from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.chain.permissions import service_may
from keyreeve.sandbox.process import Mail, Sandbox

NAME = "keyreeve-etv-mail-feedback"
TOPIC = f"arn:aws:sns:us-east-1:{HOME_ACCOUNT}:{NAME}"
OWNER, OTHER = "aged.key@example.com", "old.password@example.com"
SES = "ses.amazonaws.com"


class Hearing(Function):
    """The account, and what SES tells it of its mails."""

    def lives(self, day: int) -> None:
        """The daily run, by hand."""
        self.past(day * 24 * 60)
        answer = self("run", "--execute", "--as-of", self.now.isoformat())
        assert answer.code == 0, answer.err

    def first_to(self, address: str) -> Mail:
        return next(mail for mail in self.sandbox.mails() if mail.destinations[0] == address)

    def comes_back(self, mail: Mail, kind: str = "bounce") -> None:
        """SES publishes; topic, subscription and function do the rest."""
        [record] = self.sandbox.feedback(mail, kind)["Records"]
        self.client("sns").publish(TopicArn=TOPIC, Message=record["Sns"]["Message"])
        self.sandbox.settle()

    def case(self) -> Any:
        users = json.loads(self.stored("state.json"))["users"].values()
        return next(case for case in users if case["user_name"] == "aged.key")

    def standing(self) -> set[str]:
        """Its alarms that are in alarm, a minute later."""
        self.past(int((self.now - MONDAY) / timedelta(minutes=1)) + 1)
        rows = self.client("cloudwatch").describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"]
        assert len(rows) == 2
        return {r["AlarmName"].removeprefix(f"{NAME}-") for r in rows if r["StateValue"] == "ALARM"}

    def dead(self) -> list[Any]:
        queues = self.client("sqs")
        url = queues.get_queue_url(QueueName=f"{NAME}-dead")["QueueUrl"]
        found = queues.receive_message(QueueUrl=url).get("Messages", [])
        for message in found:
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in found]


@pytest.fixture(scope="module")
def account(sandbox: Sandbox, tmp_path_factory: Any) -> Iterator[Hearing]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("hearing")
        hearing = Hearing(sandbox, folder, patch)
        hearing.prepare(folder)
        hearing.deploy("mail-feedback")
        hearing.lives(0)
        sandbox.enforce()
        yield hearing
        sandbox.clear_faults()
        sandbox.enforce(on=False)


def test_ses_and_nobody_elses_service_may_publish_and_only_of_this_account(account: Hearing):
    told = account.client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"]
    for service, source, allowed in (
        (SES, HOME_ACCOUNT, True),
        (SES, "210987654321", False),
        ("events.amazonaws.com", HOME_ACCOUNT, False),
    ):
        facts = {"aws:sourceaccount": source}
        assert service_may(told, service, "sns:Publish", TOPIC, facts) is allowed


def test_its_role_may_do_what_the_shipped_policy_says_and_its_own_log_and_queue(account: Hearing):
    iam = account.client("iam")
    assert iam.list_role_policies(RoleName=NAME)["PolicyNames"] == ["feedback-works"]
    told = account.json("policy", "print", "--role", "mail-feedback")["documents"]
    assert actions(attached(iam, NAME)) == actions(told)


def test_a_mail_that_came_back_reaches_the_state_and_counts_as_not_told(account: Hearing):
    assert not account.case().get("returned")
    before, mail = set(account.keys("feedback/")), account.first_to(OWNER)

    account.comes_back(mail, "delivery")
    assert set(account.keys("feedback/")) == before

    account.comes_back(mail)
    [kept] = set(account.keys("feedback/")) - before
    assert OWNER.encode() in account.stored(kept)
    account.lives(1)
    [returned] = account.case()["returned"].values()
    assert (returned["address"], returned["lasting"]) == (OWNER, True)
    assert account.standing() == set()


def test_what_cannot_be_kept_is_alarmed_and_not_lost(account: Hearing):
    before, mail = set(account.keys("feedback/")), account.first_to(OTHER)
    account.sandbox.plant_fault("PutObject", key="feedback/", code="AccessDenied", status=403)
    account.comes_back(mail, "complaint")
    assert set(account.keys("feedback/")) - before  # Lambda tries twice more
    assert account.standing() == {"failed"}

    before = set(account.keys("feedback/"))
    account.past(3 * 24 * 60)
    account.sandbox.plant_fault(
        "PutObject", key="feedback/", code="AccessDenied", status=403, count=9
    )
    account.comes_back(mail)
    assert set(account.keys("feedback/")) == before
    assert account.standing() == {"failed", "dead-letters"}

    # Mended, the function is invoked with what lies in the queue.
    account.sandbox.clear_faults()
    [event] = account.dead()
    told = account.client("lambda").invoke(FunctionName=NAME, Payload=json.dumps(event))
    [kept] = json.loads(told["Payload"].read())["kept"]
    assert set(account.keys("feedback/")) - before == {kept}
    account.past(4 * 24 * 60)
    assert account.standing() == set()
