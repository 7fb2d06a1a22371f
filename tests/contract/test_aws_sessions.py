"""The session factory: rehearsal guard, one attempt, loopback, silence."""

from __future__ import annotations

import http.client
import json
import logging
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, unquote

import botocore.endpoint
import botocore.session
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.loaders import Loader
from tests.contract.conftest import DROP

from keyreeve import __version__
from keyreeve.aws.failures import READS
from keyreeve.aws.iam_actuator import IamActuator
from keyreeve.aws.iam_reader import IamReader
from keyreeve.aws.sessions import DAILY, REHEARSAL, SERVICES, Sessions, _Models
from keyreeve.model.errors import (
    AccountUnreadable,
    AwsFailure,
    ConfigError,
    Doubtful,
    Malformed,
    Rejected,
    Throttled,
)
from keyreeve.model.snapshot import Caller
from keyreeve.pipeline.each_account import AT_ONCE, LOOKED_AT_ONCE
from keyreeve.sandbox.process import Sandbox

ACTS = {
    "create": lambda actuator: actuator.create_access_key("ada"),
    "inactive": lambda actuator: actuator.set_access_key_active("ada", "AKIA" * 5, active=False),
    "delete": lambda actuator: actuator.delete_access_key("ada", "AKIA" * 5),
    "reset": lambda actuator: actuator.reset_password("ada", "planted-password"),
    "delete profile": lambda actuator: actuator.delete_login_profile("ada"),
    "group": lambda actuator: actuator.add_to_group("ada", "quarantine"),
}
act = pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)

THROTTLED = (400, "<E><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></E>")
STORM = 150
"""Calls; the SDK repeats no more than 100 in a row for one client."""
READ_OF = {
    "iam": ("ListUsers", {}),
    "s3": ("ListBuckets", {}),
    "secretsmanager": ("DescribeSecret", {"SecretId": "x"}),
    "sesv2": ("GetAccount", {}),
    "sts": ("GetCallerIdentity", {}),
}
"""A call of each service that changes nothing."""

GARBLED = "<CreateAccessKeyResponse><SecretAccessKey>planted-in-the-answer</SecretAcc"
IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
    "<Arn>arn:aws:iam::123456789012:user/ada</Arn><UserId>AIDAX</UserId>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
UNDATED = (
    "<R><CreateAccessKeyResult><AccessKey><UserName>ada</UserName><AccessKeyId>AKIAX</AccessKeyId>"
    "<Status>Active</Status><SecretAccessKey>planted-in-the-answer</SecretAccessKey>"
    "<CreateDate>planted-in-the-answer</CreateDate></AccessKey></CreateAccessKeyResult></R>"
)
ASSUMED = (
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>"
    "<SecretAccessKey>s</SecretAccessKey><SessionToken>role-token</SessionToken>"
    "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>"
    "<Arn>arn:aws:sts::123456789012:assumed-role/keyreeve/keyreeve</Arn>"
    "<AssumedRoleId>AROAX:keyreeve</AssumedRoleId></AssumedRoleUser></AssumeRoleResult>"
    "</AssumeRoleResponse>"
)
DEVICES = (
    "<ListMFADevicesResponse><ListMFADevicesResult><MFADevices/><IsTruncated>false</IsTruncated>"
    "</ListMFADevicesResult></ListMFADevicesResponse>"
)


# --- rehearsal ----------------------------------------------------------------------------------


@pytest.mark.parametrize("once", [False, True], ids=["retrying", "one attempt"])
@pytest.mark.parametrize("service", SERVICES)
def test_in_rehearsal_no_call_leaves_that_is_not_known_to_read(scripted, service, once):
    client = Sessions(rehearsal=True).client(service, attempts_once=once)
    for operation in client.meta.service_model.operation_names:
        if f"{service}:{operation}" in READS or operation.startswith("AssumeRole"):
            continue
        with pytest.raises(Rejected) as refused:
            client._make_api_call(operation, {})
        assert refused.value.code == REHEARSAL
    assert scripted.asked == []


@act
def test_in_rehearsal_no_act_leaves(scripted, act):
    with pytest.raises(Rejected, match="a rehearsal changes nothing"):
        act(IamActuator(Sessions(rehearsal=True)))
    assert scripted.asked == []


def test_in_rehearsal_reading_goes_on(scripted, clock):
    scripted.answer(IDENTITY)
    caller = IamReader(Sessions(rehearsal=True), clock).caller()
    assert caller.account_id == "123456789012"


def test_a_rehearsal_in_another_account_may_assume_its_role_but_change_nothing(scripted, clock):
    scripted.answer(ASSUMED, DEVICES)
    sessions = Sessions(
        rehearsal=True, role_arn="arn:aws:iam::123456789012:role/keyreeve", external_id="x-7"
    )
    reader = IamReader(sessions, clock)
    reader.caller()
    reader.has_mfa_device("ada")
    assert scripted.actions() == ["AssumeRole", "ListMFADevices"]
    assert "ExternalId=x-7" in scripted.asked[0]
    with pytest.raises(Rejected):
        sessions.client("iam").create_access_key(UserName="ada")
    assert len(scripted.asked) == 2


def test_who_a_role_makes_us_is_known_from_the_answer_that_gave_it(scripted, clock):
    scripted.answer(ASSUMED)
    role = Sessions(rehearsal=True, role_arn="arn:aws:iam::123456789012:role/keyreeve")
    assert IamReader(role, clock).caller() == Caller(
        account_id="123456789012",
        arn="arn:aws:sts::123456789012:assumed-role/keyreeve/keyreeve",
        user_id="AROAX:keyreeve",
    )
    assert scripted.actions() == ["AssumeRole"]


def test_who_may_act_asks_who_it_is_with_the_credentials_that_it_acts_with(scripted, clock):
    scripted.answer(ASSUMED, IDENTITY)
    role = Sessions(rehearsal=False, role_arn="arn:aws:iam::123456789012:role/keyreeve")
    assert IamReader(role, clock).caller().user_id == "AIDAX"
    assert scripted.actions() == ["AssumeRole", "GetCallerIdentity"]
    assert scripted.signers[1] == "ASIAROLE"


@pytest.mark.parametrize("rehearsal", [True, False], ids=["looking", "acting"])
def test_accounts_behind_one_source_sign_each_for_itself_and_the_source_opens_each(
    scripted, clock, rehearsal
):
    def assumed(number: int) -> str:
        return ASSUMED.replace("ASIAROLE", f"ASIAROLE{number}")

    scripted.answer(assumed(1), DEVICES, assumed(2), DEVICES, DEVICES, DEVICES)
    source = Sessions(rehearsal=rehearsal)
    arn = "arn:aws:iam::12345678901{}:role/keyreeve"
    one, two = (
        Sessions(
            rehearsal=rehearsal, region=source.region, role_arn=arn.format(number), source=source
        )
        for number in (1, 2)
    )
    for sessions in (one, two, source, one):
        IamReader(sessions, clock).has_mfa_device("ada")
    own = scripted.signers[0]
    assert not own.startswith("ASIAROLE")
    assert scripted.signers == [own, "ASIAROLE1", own, "ASIAROLE2", own, "ASIAROLE1"]
    assert [arn.format(n) in unquote(scripted.asked[at]) for at, n in ((0, 1), (2, 2))] == [
        True
    ] * 2


@pytest.mark.parametrize("service", DAILY)
def test_who_looks_at_many_accounts_shares_a_client_that_signs_for_nobody(scripted, service):
    source = Sessions(rehearsal=True)
    looking, other, acting = (
        Sessions(
            rehearsal=rehearsal,
            region=source.region,
            role_arn=f"arn:aws:iam::{account}:role/keyreeve",
            source=source,
        )
        for rehearsal, account in ((True, "1" * 12), (True, "2" * 12), (False, "1" * 12))
    )
    shared = looking._common.unsigned(service, attempts_once=False)
    clients = [each.client(service) for each in (looking, other, acting, source)]
    wires = [client._endpoint.http_session for client in (shared, *clients)]
    shares = [wire is wires[0] for wire in wires[1:]]
    assert shares == [True, True, False, False]
    with pytest.raises(NoCredentialsError):
        shared._make_api_call(*READ_OF[service])
    assert scripted.asked == []


def test_accounts_that_are_looked_at_side_by_side_never_sign_for_each_other(scripted, clock):
    scripted.answer(
        lambda asked: (
            ASSUMED.replace("ASIAROLE", f"ASIA{parse_qs(asked)['ExternalId'][0]}")
            if "Action=AssumeRole" in asked
            else DEVICES
        )
    )
    source = Sessions(rehearsal=True)

    def look(number: int) -> None:
        sessions = Sessions(
            rehearsal=True,
            region=source.region,
            role_arn=f"arn:aws:iam::{number:012d}:role/keyreeve",
            external_id=f"{number:04d}",
            source=source,
        )
        reader = IamReader(sessions, clock)
        for turn in range(5):
            reader.has_mfa_device(f"user-{number:04d}-{turn}")

    with ThreadPoolExecutor(LOOKED_AT_ONCE) as pool:
        list(pool.map(look, range(100)))
    own = source.own_credentials().access_key
    for asked, signer in zip(scripted.asked, scripted.signers, strict=True):
        told = parse_qs(asked)
        user = told.get("UserName", [""])[0]
        assert signer == (f"ASIA{user[5:9]}" if user else own)
    assert len(scripted.asked) == 600


def test_a_storm_in_one_account_leaves_another_its_patience(scripted, clock, monkeypatch):
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda _: None)
    again: Counter[str] = Counter()

    def answer(asked: str) -> object:
        told = parse_qs(asked)
        again[user := told.get("UserName", [""])[0]] += 1
        if told["Action"] == ["AssumeRole"]:
            return ASSUMED
        return THROTTLED if user == "stormy" or again[user] == 1 else DEVICES

    scripted.answer(answer)
    source = Sessions(rehearsal=True)
    stormy, calm = (
        IamReader(
            Sessions(
                rehearsal=True,
                region=source.region,
                role_arn=f"arn:aws:iam::{account}:role/keyreeve",
                source=source,
            ),
            clock,
        )
        for account in ("1" * 12, "2" * 12)
    )
    for _ in range(STORM):
        with pytest.raises(Throttled):
            stormy.has_mfa_device("stormy")
    assert again["stormy"] < 5 * STORM  # its own patience has an end
    assert not calm.has_mfa_device("calm")
    assert again["calm"] == 2


def test_who_rehearses_behind_a_source_that_acts_still_changes_nothing(scripted, clock):
    scripted.answer(ASSUMED)
    source = Sessions(rehearsal=False)
    role = "arn:aws:iam::123456789012:role/keyreeve"
    member = Sessions(rehearsal=True, region=source.region, role_arn=role, source=source)
    IamReader(member, clock).caller()
    for sessions in (member, member.in_region("eu-north-1"), member.reading(None)):
        with pytest.raises(Rejected):
            sessions.client("iam").create_access_key(UserName="ada")
    assert scripted.actions() == ["AssumeRole"]


def test_every_read_is_an_operation_that_aws_has():
    session = botocore.session.Session()
    known = {
        f"{service}:{operation}"
        for service in SERVICES
        for operation in session.get_service_model(service).operation_names
    }
    assert known >= READS


@pytest.mark.parametrize("service", SERVICES)
def test_what_the_sdk_knows_of_a_service_is_what_its_own_loader_knows(service):
    for what in ("service-2", "endpoint-rule-set-1"):
        read, known = (loader.load_service_model(service, what) for loader in (_Models(), Loader()))
        assert json.dumps(read) == json.dumps(known)  # the order too


# --- one attempt --------------------------------------------------------------------------------


@act
@pytest.mark.parametrize(
    "answer",
    [DROP, (500, "<E/>"), (503, "<ErrorResponse><Error><Code>X</Code></Error></ErrorResponse>")],
    ids=["cut off", "500", "503"],
)
def test_an_act_is_sent_once_and_left_in_doubt_without_an_answer(scripted, act, answer):
    scripted.answer(answer)
    with pytest.raises(Doubtful):
        act(IamActuator(Sessions(rehearsal=False)))
    assert len(scripted.asked) == 1


def test_reading_is_tried_again(scripted, clock):
    scripted.answer(DROP, IDENTITY)
    assert IamReader(Sessions(rehearsal=False), clock).caller().user_id == "AIDAX"
    assert len(scripted.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        GARBLED,
        (500, GARBLED.replace("<", "<!")),
        "<CreateAccessKeyResponse/>",
        GARBLED.removesuffix("</SecretAcc") + "</SecretAccessKey></CreateAccessKeyResponse>",
        UNDATED,
    ],
    ids=["torn", "html", "empty", "elsewhere", "no date"],
)
def test_a_garbled_answer_is_told_apart_and_never_quoted(scripted, answer):
    scripted.answer(answer)
    with pytest.raises(Malformed) as failed:
        IamActuator(Sessions(rehearsal=False)).create_access_key("ada")
    assert len(scripted.asked) == 1
    told = "".join(traceback.format_exception(failed.value)) + repr(vars(failed.value))
    assert "planted-in-the-answer" not in told
    assert failed.value.__context__ is None
    assert failed.value.__cause__ is None


def test_a_call_that_was_never_sent_is_not_doubtful(clean_environment):
    clean_environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(AwsFailure) as failed:
        IamActuator(Sessions(rehearsal=False)).create_access_key("ada")
    assert not isinstance(failed.value, (Doubtful, Malformed))
    assert "network" in failed.value.remedy


def test_without_credentials_the_remedy_is_to_sign_in(scripted, clean_environment, clock):
    clean_environment.delenv("AWS_ACCESS_KEY_ID")
    clean_environment.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AccountUnreadable) as refused:
        IamReader(Sessions(rehearsal=False), clock).caller()
    assert "Sign in" in refused.value.remedy
    assert scripted.asked == []


# --- loopback -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "loopback"),
    [
        ("http://127.0.0.1:5000", True),
        ("http://127.8.9.10", True),
        ("http://localhost:4566", True),
        ("http://[::1]:5000", True),
        ("http://192.168.1.1:5000", False),
        ("http://0.0.0.0:5000", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        (None, False),
    ],
)
def test_only_loopback_addresses_pass_for_the_emulator(clean_environment, endpoint, loopback):
    if endpoint is not None:
        clean_environment.setenv("AWS_ENDPOINT_URL", endpoint)
    assert Sessions(rehearsal=False).only_loopback() is loopback


@pytest.mark.parametrize("service", DAILY)
def test_one_service_that_is_elsewhere_is_enough_to_fail(clean_environment, service):
    clean_environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    service_id = {"secretsmanager": "SECRETS_MANAGER"}.get(service, service.upper())
    clean_environment.setenv(f"AWS_ENDPOINT_URL_{service_id}", "https://aws.example.com")
    assert not Sessions(rehearsal=False).only_loopback()


def test_buckets_on_localhost_are_addressed_by_path(scripted, clean_environment):
    """`bucket.localhost` resolves on few machines."""
    clean_environment.setenv(
        "AWS_ENDPOINT_URL", scripted.endpoint.replace("127.0.0.1", "localhost")
    )
    scripted.answer("")
    Sessions(rehearsal=False).client("s3").head_bucket(Bucket="my-bucket")
    assert scripted.asked == ["HEAD /my-bucket"]


# --- manners ------------------------------------------------------------------------------------


def test_clients_are_made_once(clean_environment):
    sessions = Sessions(rehearsal=False, region="eu-west-1")
    assert sessions.client("iam") is sessions.client("iam")
    assert sessions.client("iam") is not sessions.client("iam", attempts_once=True)


def test_one_client_serves_all_accounts_that_go_at_once(clean_environment):
    """More at once than connections kept, and the SDK warns people on stderr of each one lost."""
    kept = Sessions(rehearsal=True).client("sts").meta.config.max_pool_connections
    assert kept >= max(AT_ONCE, LOOKED_AT_ONCE)


def test_requests_say_who_asks(clean_environment):
    client = Sessions(rehearsal=False).client("iam")
    assert f"keyreeve/{__version__}" in client.meta.config.user_agent


@pytest.mark.parametrize(
    ("given", "variables", "region"),
    [
        (None, {}, "ap-south-1"),
        (None, {"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        (None, {"AWS_REGION": "eu-north-1"}, "eu-north-1"),
        (None, {"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-north-1"),
        ("sa-east-1", {"AWS_REGION": "eu-north-1"}, "sa-east-1"),
    ],
)
def test_the_region_is_the_one_asked_for_then_the_environments_then_the_profiles(
    clean_environment, tmp_path, given, variables, region
):
    (tmp_path / "config").write_text("[profile acme]\nregion = ap-south-1\n")
    clean_environment.delenv("AWS_DEFAULT_REGION")
    for name, value in variables.items():
        clean_environment.setenv(name, value)
    sessions = Sessions(rehearsal=False, profile="acme", region=given)
    assert (sessions.region, sessions.client("sesv2").meta.region_name) == (region, region)


def test_region_and_profile_come_from_the_ordinary_chain(clean_environment, tmp_path):
    (tmp_path / "config").write_text("[profile acme]\nregion = ap-south-1\n")
    assert Sessions(rehearsal=False).client("sesv2").meta.region_name == "eu-west-1"
    assert (
        Sessions(rehearsal=False, region="sa-east-1").client("s3").meta.region_name == "sa-east-1"
    )
    clean_environment.delenv("AWS_DEFAULT_REGION")
    chosen = Sessions(rehearsal=False, profile="acme")
    assert chosen.client("sesv2").meta.region_name == "ap-south-1"


def test_a_profile_that_does_not_exist_is_a_mistake_on_the_command_line(clean_environment):
    with pytest.raises(ConfigError, match="nobody"):
        Sessions(rehearsal=False, profile="nobody")


def test_a_missing_region_is_named(clean_environment):
    clean_environment.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigError, match="region"):
        Sessions(rehearsal=False).client("sesv2")


@pytest.mark.parametrize("logger", ["botocore", "botocore.endpoint", "urllib3.connectionpool"])
def test_the_sdk_never_logs_at_debug(clean_environment, logger, caplog):
    caplog.set_level(logging.DEBUG)
    Sessions(rehearsal=False)
    assert not logging.getLogger(logger).isEnabledFor(logging.DEBUG)


def test_no_debug_switch_makes_the_sdk_print_what_it_sends(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    parsers = logging.getLogger("botocore.parsers")
    monkeypatch.setattr(parsers, "level", logging.DEBUG)
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 2)
    Sessions(rehearsal=True).client("sts").get_caller_identity()
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "")
    assert not parsers.isEnabledFor(logging.DEBUG)
