"""S2.4–S2.10 lived through over HTTP: the stacks' own policies enforced, the function's own zip.

One account for all: the stacks are deployed once, and people come and go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.scenario.governed import GROUPS, OPS, Governed, Joiner, refused

from keyreeve.sandbox.process import Sandbox

ONBOARDING = "MFA-Setup"
NEEDED = ("identity", "audit-trail", "monitoring", "onboarding")


@pytest.fixture(scope="module")
def deployed(sandbox: Sandbox, tmp_path_factory: Any) -> Iterator[Governed]:
    with pytest.MonkeyPatch.context() as patch:
        governed = Governed(sandbox, tmp_path_factory.mktemp("joiners"), patch)
        governed.begin()
        governed.deploy(*NEEDED)
        sandbox.confirm(OPS)
        yield governed


@pytest.fixture
def account(deployed: Governed) -> Iterator[Governed]:
    """What the tests before have left is there; alerts are counted from here."""
    deployed.heard = len(deployed.sandbox.alerts())
    yield deployed
    deployed.sandbox.enforce(on=False)


def joined(account: Governed, name: str, role: str) -> Joiner:
    """Onboarded, password changed, device enrolled, moved."""
    person = account.onboard(name, role)
    session = person.sign_in(mfa=False)
    person.change_password(session)
    person.enrol(person.sign_in(mfa=False))
    account.sandbox.settle()
    return person


def test_four_people_join_one_for_each_role(account):
    people = {role: account.onboard(f"joiner.{role.lower()}", role) for role in GROUPS}
    account.sandbox.enforce()
    for role, person in people.items():
        group, assumed = GROUPS[role]
        assert account.groups(person.name) == {ONBOARDING}
        first = person.sign_in(mfa=False)
        assert first.must_change_password
        person.change_password(first)
        second = person.sign_in(mfa=False)
        assert not second.must_change_password
        nothing_else(person, second, assumed)
        person.enrol(second)
        account.sandbox.settle()
        assert account.groups(person.name) == {group}
        # Who has a device is asked for it; the session of before carries no MFA.
        assert refused(person.assume, role=assumed, session=second)
        proved = person.sign_in(mfa=True)
        session = person.assume(assumed, proved)
        assert session["AssumedRoleUser"]["Arn"].endswith(f"/{assumed}/{person.name}")
        others = {GROUPS[other][1] for other in GROUPS if other != role}
        assert all(refused(person.assume, role=other, session=proved) for other in others)
    assert "needs a person" not in account.alerted()


def nothing_else(person, session, role):
    """Before MFA: neither the account, nor others, nor the role."""
    iam = person.client("iam", session)
    assert refused(iam.list_users)
    assert refused(iam.create_access_key, UserName=person.name)
    assert refused(iam.add_user_to_group, UserName=person.name, GroupName="Administrator")
    assert refused(
        iam.tag_user,
        UserName=person.name,
        Tags=[{"Key": "FunctionalGroup", "Value": "Administrator"}],
    )
    assert refused(person.client("s3", session).list_buckets)
    assert refused(person.assume, role=role, session=session)


def test_who_removes_mfa_is_back_in_onboarding(account):
    account.sandbox.enforce()
    person = joined(account, "leaver", "Developer")
    assert account.groups("leaver") == {"Developers"}
    session = person.sign_in(mfa=True)
    person.client("iam", session).deactivate_mfa_device(
        UserName="leaver", SerialNumber=person.serial
    )
    account.sandbox.settle()
    assert account.groups("leaver") == {ONBOARDING}


def test_nobody_promotes_himself_by_a_tag_not_even_with_mfa_or_as_a_developer(account):
    account.sandbox.enforce()
    person = joined(account, "climber", "Developer")
    session = person.sign_in(mfa=True)
    tag = [{"Key": "functionalgroup", "Value": "Administrator"}]
    assert refused(person.client("iam", session).tag_user, UserName="climber", Tags=tag)
    assert account.groups("climber") == {"Developers"}


def enrolled_by_an_administrator(account, name, **tags):
    """A user that nobody onboarded, whose device an administrator enables (S2.T2)."""
    iam = account.client("iam")
    iam.create_user(UserName=name, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    iam.add_user_to_group(UserName=name, GroupName=ONBOARDING)
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    iam.enable_mfa_device(
        UserName=name,
        SerialNumber=made["SerialNumber"],
        AuthenticationCode1=account.sandbox.otp(made["SerialNumber"]),
        AuthenticationCode2=account.sandbox.otp(made["SerialNumber"], 1),
    )
    account.sandbox.settle()


def test_the_enrolled_user_is_moved_whoever_called(account):
    enrolled_by_an_administrator(
        account, "helped", FunctionalGroup="Auditor", Department="IT", email="helped@example.com"
    )
    assert account.groups("helped") == {"Auditor"}


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({}, "without the tags FunctionalGroup, Department, email"),
        ({"FunctionalGroup": "Developer", "email": "x@example.com"}, "without the tag Department"),
        (
            {"FunctionalGroup": "Developers", "Department": "IT", "email": "x@example.com"},
            "the tag FunctionalGroup is 'Developers', and access.yaml knows: Administrator",
        ),
    ],
)
def test_who_lacks_a_tag_or_has_a_wrong_one_stays_and_somebody_is_told(account, tags, said):
    name = f"untagged{len(tags)}{'Department' in tags}"
    enrolled_by_an_administrator(account, name, **tags)
    assert account.groups(name) == {ONBOARDING}
    assert said in account.alerted()


def test_a_group_that_is_gone_is_told_and_costs_nobody_their_group(account):
    iam = account.client("iam")
    iam.update_group(GroupName="NetworkAdministrators", NewGroupName="NetworkAdmins")
    tags = {"FunctionalGroup": "NetworkAdministrator", "Department": "IT", "email": "s@example.com"}
    try:
        enrolled_by_an_administrator(account, "stranded", **tags)
    finally:
        iam.update_group(GroupName="NetworkAdmins", NewGroupName="NetworkAdministrators")
    assert account.groups("stranded") == {ONBOARDING}
    told = "access.yaml names the group NetworkAdministrators, and there is no such group"
    assert told in account.alerted()


def enabled(name: str, **more: Any) -> dict[str, Any]:
    """CloudTrail's record of EnableMFADevice."""
    return {
        "eventSource": "iam.amazonaws.com",
        "eventName": "EnableMFADevice",
        "eventType": "AwsApiCall",
        "readOnly": False,
        "requestParameters": {"userName": name, "serialNumber": f"arn:aws:iam::1:mfa/{name}"},
        "userIdentity": {
            "type": "IAMUser",
            "userName": "somebody.else",
            "arn": "arn:aws:iam::123456789012:user/somebody.else",
        },
        **more,
    }


def test_a_failed_call_moves_nobody(account):
    account.onboard("waiting", "Developer")
    account.sandbox.emit(enabled("waiting", errorCode="InvalidAuthenticationCode"))
    account.sandbox.settle()
    assert account.groups("waiting") == {ONBOARDING}


def test_an_event_is_a_hint_and_the_device_is_looked_for(account):
    account.onboard("deviceless", "Developer")
    account.sandbox.emit(enabled("deviceless"))
    account.sandbox.settle()
    assert account.groups("deviceless") == {ONBOARDING}


def test_a_second_event_about_the_same_enrolment_changes_nothing(account):
    person = joined(account, "twice", "Developer")
    changes = {"AddUserToGroup", "RemoveUserFromGroup"}
    since = account.sandbox.calls()[-1]["number"]
    account.sandbox.emit(enabled("twice"))
    account.sandbox.settle()
    assert account.groups(person.name) == {"Developers"}
    assert not [c for c in account.sandbox.calls(since) if c["operation"] in changes]


def test_every_outcome_is_a_line_in_the_functions_log(account):
    joined(account, "logged", "Developer")
    logs = account.client("logs")
    group = "/aws/lambda/keyreeve-etv-onboarding"
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    lines = [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])[
            "events"
        ]
    ]
    outcomes = [json.loads(line) for line in lines if line.startswith('{"keyreeve"')]
    moved = [it for it in outcomes if it.get("outcome") == "to_role_group"]
    assert [it["user_name"] for it in moved].count("logged") == 1


def test_the_alarm_against_promoting_oneself_fires_when_the_role_tag_is_changed(account):
    account.onboard("target", "Developer")
    # An alarm tells again only once it was quiet for its period.
    account.sandbox.set_clock(account.sandbox.now + timedelta(minutes=10))
    account.sandbox.settle()
    account.client("iam").tag_user(
        UserName="target", Tags=[{"Key": "FunctionalGroup", "Value": "Administrator"}]
    )
    account.sandbox.settle()
    assert "role-tag" in account.alerted()
