"""Two contracts: facts read over HTTP are those that were made; throw-away users leave nothing."""

from __future__ import annotations

import json
from abc import abstractmethod
from dataclasses import replace
from typing import Any, Protocol

import boto3
import pytest
from botocore.config import Config
from tests.fakes.monitoring import FakeMonitoring, FakeProbes
from tests.scenario.monitored_account import ACCOUNT, REGION, Monitored
from tests.unit.governance import monitored as m

from keyreeve.aws.iam_actuator import IamProbeUsers
from keyreeve.aws.monitoring import AwsMonitoring
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import Malformed, NotFound, Rejected
from keyreeve.model.identifiers import AccountId, UserName
from keyreeve.model.monitoring import Monitoring, Recorded, Subscription
from keyreeve.pipeline.verify import gather
from keyreeve.ports.monitoring import PROBE_PATH, MonitoringReader, ProbeUsers

NAMES = {"keyreeve-etv-root-use", "keyreeve-etv-mfa-removal"}
WANTED = (m.wanted("root-use"), m.wanted("mfa-removal"))
PROBE = UserName("keyreeve-verify-1")
NOTHING = {"Effect": "Deny", "Action": "*", "Resource": "*"}


# --- facts ----------------------------------------------------------------------------------------


@pytest.fixture
def made(moto_endpoint: str) -> Monitored:
    return Monitored(moto_endpoint, WANTED)


@pytest.fixture
def reader(moto_endpoint: str) -> AwsMonitoring:
    return AwsMonitoring(Sessions(rehearsal=True, region=REGION), AccountId(ACCOUNT))


def facts(reader: MonitoringReader) -> Monitoring:
    return gather(reader, AccountId(ACCOUNT), NAMES)


def comparable(found: Monitoring) -> Monitoring:
    """Without what AWS alone decides: ids, order, JSON's blanks."""

    def sids(policy: str) -> Any:
        rows = json.loads(policy)["Statement"]
        return json.dumps([{**row, "Sid": ""} for row in rows], sort_keys=True)

    (key,) = found.keys.values()
    (topic,) = found.topics.values()
    return replace(
        found,
        topics={m.TOPIC: replace(topic, key_id=m.KEY, policy=sids(topic.policy))},
        keys={m.KEY: replace(key, arn=m.KEY, policy=sids(key.policy))},
    )


def test_the_account_that_is_made_by_calls_is_the_one_that_unit_tests_take_for_whole(
    made: Monitored, reader: AwsMonitoring
) -> None:
    given = facts(FakeMonitoring(m.whole(*WANTED)))

    assert comparable(facts(reader)) == comparable(given)


@pytest.mark.parametrize("kind", ["fake", "moto"])
def test_what_does_not_exist_is_not_found(
    kind: str, made: Monitored, reader: AwsMonitoring
) -> None:
    asked: MonitoringReader = (
        reader if kind == "moto" else FakeMonitoring(Monitoring(account_id=ACCOUNT))
    )
    with pytest.raises(NotFound):
        asked.topic(f"{m.TOPIC}-gone")
    with pytest.raises(NotFound):
        asked.key("11111111-2222-3333-4444-555555555555")
    with pytest.raises(NotFound):
        asked.key("alias/gone")


def test_a_key_is_found_by_its_alias_too(made: Monitored, reader: AwsMonitoring) -> None:
    made.kms.create_alias(AliasName="alias/alerts", TargetKeyId=made.key)

    assert reader.key("alias/alerts") == reader.key(made.key)


def test_the_state_of_a_key_is_told(made: Monitored, reader: AwsMonitoring) -> None:
    made.kms.disable_key(KeyId=made.key)

    assert reader.key(made.key).state == "Disabled"


@pytest.mark.parametrize(
    ("selectors", "recorded"),
    [
        (
            [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}],
            Recorded(reads=False),
        ),
        (
            [{"ReadWriteType": "All", "IncludeManagementEvents": False}],
            Recorded(reads=False, writes=False),
        ),
        (
            [
                {
                    "ReadWriteType": "All",
                    "IncludeManagementEvents": True,
                    "ExcludeManagementEventSources": ["kms.amazonaws.com"],
                }
            ],
            Recorded(excluded=frozenset({"kms.amazonaws.com"})),
        ),
    ],
)
def test_what_a_trail_takes_down_is_read_from_its_selectors(
    made: Monitored, reader: AwsMonitoring, selectors: list[dict[str, Any]], recorded: Recorded
) -> None:
    made.cloudtrail.put_event_selectors(TrailName="keyreeve-etv", EventSelectors=selectors)

    assert reader.trails()[0].recorded == recorded


@pytest.mark.parametrize(
    ("fields", "recorded"),
    [
        ([("eventCategory", "Equals", ["Management"])], Recorded()),
        (
            [
                ("eventCategory", "Equals", ["Management"]),
                ("readOnly", "Equals", ["false"]),
                ("eventSource", "NotEquals", ["kms.amazonaws.com"]),
            ],
            Recorded(reads=False, excluded=frozenset({"kms.amazonaws.com"})),
        ),
        (
            [("eventCategory", "Equals", ["Data"]), ("resources.type", "Equals", ["x"])],
            Recorded(reads=False, writes=False),
        ),
    ],
)
def test_what_a_trail_takes_down_is_read_from_its_advanced_selectors(
    made: Monitored,
    reader: AwsMonitoring,
    fields: list[tuple[str, str, list[str]]],
    recorded: Recorded,
) -> None:
    rows = [{"Field": name, operator: values} for name, operator, values in fields]
    made.cloudtrail.put_event_selectors(
        TrailName="keyreeve-etv", AdvancedEventSelectors=[{"FieldSelectors": rows}]
    )

    assert reader.trails()[0].recorded == recorded


def test_a_log_group_of_another_account_is_none_of_ours(
    made: Monitored, moto_endpoint: str
) -> None:
    elsewhere = AwsMonitoring(Sessions(rehearsal=True, region=REGION), AccountId("210987654321"))

    assert elsewhere.trails()[0].log_group is None


# --- answers that the emulator does not give ------------------------------------------------------


def subscribed(arn: str, token: str = "") -> str:
    more = f"<NextToken>{token}</NextToken>" if token else ""
    return (
        "<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions><member>"
        f"<SubscriptionArn>{arn}</SubscriptionArn><Protocol>email</Protocol>"
        f"<Endpoint>{arn[:4]}@example.com</Endpoint></member></Subscriptions>{more}"
        "</ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>"
    )


ATTRIBUTES = (
    "<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes><entry><key>Policy</key>"
    "<value>{}</value></entry></Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>"
)


FILTERING = (
    "<GetSubscriptionAttributesResponse><GetSubscriptionAttributesResult><Attributes>{}"
    "</Attributes></GetSubscriptionAttributesResult></GetSubscriptionAttributesResponse>"
)


def test_subscriptions_are_read_to_the_end_and_unconfirmed_ones_told_apart(scripted: Any) -> None:
    scripted.answers = [
        ATTRIBUTES,
        subscribed("PendingConfirmation", "2"),
        subscribed("Deleted", "3"),
        subscribed("arn:aws:sns:us-east-1:1:t:x"),
        FILTERING.format(""),
    ]
    topic = AwsMonitoring(Sessions(rehearsal=True), AccountId(ACCOUNT)).topic(m.TOPIC)

    assert topic.key_id is None
    assert topic.subscriptions == (
        Subscription(protocol="email", endpoint="Pend@example.com", confirmed=False),
        Subscription(protocol="email", endpoint="arn:@example.com", confirmed=True),
    )


@pytest.mark.parametrize(
    ("policy", "scope", "deaf"),
    [
        ("{}", None, False),
        ('{"kind": ["alarm"]}', None, True),
        ('{"kind": ["alarm"]}', "MessageAttributes", True),
        ('{"kind": [{"exists": false}]}', None, False),
        ('{"kind": [{"exists": false}, "alarm"]}', None, True),
        ('{"NewStateValue": ["ALARM"]}', "MessageBody", False),
    ],
)
def test_a_subscription_whose_filter_no_alarm_passes_is_deaf(
    made: Monitored, reader: AwsMonitoring, policy: str, scope: str | None, *, deaf: bool
) -> None:
    """AWS: a filter policy looks at message attributes unless its scope says otherwise."""
    (row,) = made.sns.list_subscriptions_by_topic(TopicArn=m.TOPIC)["Subscriptions"]
    given = {"FilterPolicyScope": scope} if scope else {}
    for name, value in {**given, "FilterPolicy": policy}.items():
        made.sns.set_subscription_attributes(
            SubscriptionArn=row["SubscriptionArn"], AttributeName=name, AttributeValue=value
        )

    assert [each.deaf for each in reader.topic(m.TOPIC).subscriptions] == [deaf]


def test_the_unit_that_an_alarm_takes_is_told(made: Monitored, reader: AwsMonitoring) -> None:
    cloudwatch = made.cloudwatch
    cloudwatch.put_metric_alarm(
        AlarmName="with-unit",
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Unit="Seconds",
    )

    (found,) = (alarm for alarm in reader.alarms() if alarm.name == "with-unit")
    assert found.unit == "Seconds"


def test_pages_that_never_end_are_refused(scripted: Any) -> None:
    scripted.answers = [ATTRIBUTES, subscribed("a", "2"), subscribed("b", "2")]
    with pytest.raises(Malformed):
        AwsMonitoring(Sessions(rehearsal=True), AccountId(ACCOUNT)).topic(m.TOPIC)


# --- throw-away users -----------------------------------------------------------------------------


class Probed(Protocol):
    """Throw-away users, and what the account holds."""

    probes: ProbeUsers

    @abstractmethod
    def user(self, name: str, path: str) -> None: ...
    @abstractmethod
    def device(self, name: str) -> None: ...
    @abstractmethod
    def names(self) -> set[str]: ...
    @abstractmethod
    def device_count(self) -> int: ...


class InMemory:
    def __init__(self) -> None:
        self.fake = FakeProbes()
        self.probes = self.fake

    def user(self, name: str, path: str) -> None:
        self.fake.users[name] = path

    def device(self, name: str) -> None:
        self.fake.devices.add(name)

    def names(self) -> set[str]:
        return set(self.fake.users)

    def device_count(self) -> int:
        return len(self.fake.devices)


class OverIam:
    def __init__(self, endpoint: str) -> None:
        self.probes = IamProbeUsers(Sessions(rehearsal=False), f"arn:aws:iam::{ACCOUNT}")
        self.iam = boto3.client(
            "iam",
            endpoint_url=endpoint,
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="planted-secret",
            region_name=REGION,
            config=Config(proxies={}),
        )

    def user(self, name: str, path: str) -> None:
        self.iam.create_user(UserName=name, Path=path)
        self.iam.create_access_key(UserName=name)
        self.iam.put_user_policy(UserName=name, PolicyName="any", PolicyDocument=m.policy(NOTHING))

    def device(self, name: str) -> None:
        self.iam.create_virtual_mfa_device(VirtualMFADeviceName=name, Path=PROBE_PATH)

    def names(self) -> set[str]:
        return {row["UserName"] for row in self.iam.list_users()["Users"]}

    def device_count(self) -> int:
        return len(self.iam.list_virtual_mfa_devices()["VirtualMFADevices"])


@pytest.fixture(params=["fake", "moto"])
def probed(request: pytest.FixtureRequest) -> Probed:
    if request.param == "fake":
        return InMemory()
    return OverIam(request.getfixturevalue("moto_endpoint"))


def test_a_throw_away_user_is_used_and_leaves_nothing(probed: Probed) -> None:
    probes = probed.probes
    probes.create(PROBE)
    assert probed.names() == {PROBE}
    for act in (
        probes.make_and_delete_access_key,
        probes.put_and_delete_policy,
        probes.make_and_delete_mfa_device,
    ):
        act(PROBE)
        act(PROBE)
    assert probes.leftovers() == (PROBE,)
    assert probed.device_count() == 0
    probes.remove(PROBE)
    assert probed.names() == set()
    assert probes.leftovers() == ()


def test_leftovers_are_users_and_devices_of_the_path_and_no_others(probed: Probed) -> None:
    probed.user("carol", "/")
    probed.user("keyreeve-verify-7", PROBE_PATH)
    probed.device("keyreeve-verify-8")

    assert probed.probes.leftovers() == ("keyreeve-verify-7", "keyreeve-verify-8")
    for name in probed.probes.leftovers():
        probed.probes.remove(name)
    assert probed.names() == {"carol"}
    assert probed.device_count() == 0


def test_a_user_of_another_path_is_never_removed(probed: Probed) -> None:
    probed.user("carol", "/")
    with pytest.raises(Rejected):
        probed.probes.remove(UserName("carol"))

    assert probed.names() == {"carol"}


def test_removing_who_is_gone_is_no_error(probed: Probed) -> None:
    probed.probes.remove(PROBE)

    assert probed.names() == set()


def test_acts_for_a_user_that_is_gone_are_not_found(probed: Probed) -> None:
    with pytest.raises(NotFound):
        probed.probes.make_and_delete_access_key(PROBE)
    with pytest.raises(NotFound):
        probed.probes.put_and_delete_policy(PROBE)
