"""PeopleReader and PeopleActuator: one contract, over the fake and over the emulator."""

from __future__ import annotations

import json

import pytest
from tests.contract.conftest import MotoSeed
from tests.fakes.people import FakePeople
from tests.holdings import give_everything
from tests.sandbox_fixture import MONDAY, aws, sandbox

from keyreeve.aws.iam_actuator import IamPeopleActuator
from keyreeve.aws.iam_people import IamPeopleReader
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import AlreadyExists, Conflict, NotFound
from keyreeve.model.people import Held, HeldKind, Role, Standing
from keyreeve.model.snapshot import GrantedPolicies

__all__ = ["sandbox"]

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "sts:AssumeRole",
        }
    ],
}
DENY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
}
PASSWORD = "Correct-Horse-7-Staple"


class Faked:
    """The fake, furnished as the emulator is."""

    def __init__(self) -> None:
        self.reader = self.actuator = self._people = FakePeople()

    def group(self, name, *members):
        self._people.groups.add(name)
        for user in members:
            self._people.add_to_group(user, name)

    def user(self, name, **tags):
        self._people.user(name, **tags)

    def mfa_device(self, name):
        self._people.enrol(name)

    def own_policy(self, user, name, document):
        self._people.inline.setdefault(user, {})[name] = document

    def attached_policy(self, user, name, document):
        arn = f"arn:aws:iam::123456789012:policy/{name}"
        self._people.documents[arn] = document
        self._people.attached.setdefault(user, set()).add(arn)
        return arn

    def group_policy(self, group, name, document):
        inline = (f"{group}/{name}",)
        self._people.granted[group] = GrantedPolicies(documents=(document,), group_inline=inline)

    def role(self, name):
        arn = f"arn:aws:iam::123456789012:role/{name}"
        self._people.roles[name] = Role(name=name, arn=arn, trust=TRUST, max_session_seconds=3600)


class Emulated:
    """The adapters over moto."""

    def __init__(self, endpoint) -> None:
        sessions = Sessions(rehearsal=False)
        self.reader, self.actuator = IamPeopleReader(sessions), IamPeopleActuator(sessions)
        self._seed = MotoSeed(endpoint)

    def group(self, name, *members):
        self._seed.group(name, *members)

    def user(self, name, **tags):
        self._seed.user(name, tags=tags)

    def mfa_device(self, name):
        self._seed.mfa_device(name)

    def own_policy(self, user, name, document):
        self._seed.user_policy(user, name, document)

    def attached_policy(self, user, name, document):
        arn = self._seed.managed_policy(name, document)
        self._seed.attach_to_user(user, arn)
        return arn

    def group_policy(self, group, name, document):
        self._seed.group_policy(group, name, document)

    def role(self, name):
        self._seed._iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))


@pytest.fixture(params=["fake", "moto"])
def people(request):
    if request.param == "fake":
        return Faked()
    return Emulated(request.getfixturevalue("moto_endpoint"))


# --- the reader -------------------------------------------------------------------------------


def test_a_member_is_read_with_tags_groups_and_mfa(people):
    people.user("ada", FunctionalGroup="Developer", email="ada@example.com")
    people.group("Developers", "ada")
    people.group("Auditor", "ada")
    people.group("empty")
    ada = people.reader.member("ada")
    assert ada.name == "ada"
    assert ada.user_id
    assert ada.arn.endswith(":user/ada")
    assert ada.tags == {"FunctionalGroup": "Developer", "email": "ada@example.com"}
    assert ada.groups == {"Developers", "Auditor"}
    assert not ada.has_mfa
    people.mfa_device("ada")
    assert people.reader.member("ada").has_mfa
    assert len(people.reader.mfa_devices("ada")) == 1


def test_a_member_who_is_gone_is_not_found(people):
    with pytest.raises(NotFound):
        people.reader.member("nobody")
    with pytest.raises(NotFound):
        people.reader.mfa_devices("nobody")


def test_everybody_is_read_alike(people):
    people.user("ada", FunctionalGroup="Developer")
    people.user("bob")
    people.group("Developers", "ada")
    people.group("empty")
    people.mfa_device("bob")
    everybody = people.reader.everybody()
    assert everybody.groups == {"Developers", "empty"}
    read = {member.name: member for member in everybody.members}
    assert read == {name: people.reader.member(name) for name in ("ada", "bob")}


def test_an_account_of_nobody_is_read_as_such(people):
    everybody = people.reader.everybody()
    assert (everybody.members, everybody.groups) == ((), frozenset())


def test_a_group_without_members_is_not_a_group_that_is_missing(people):
    people.user("ada")
    people.group("empty")
    people.group("Developers", "ada")
    assert people.reader.group_members("empty") == frozenset()
    assert people.reader.group_members("Developers") == {"ada"}
    with pytest.raises(NotFound):
        people.reader.group_members("nowhere")


def test_a_role_tells_whom_it_trusts(people):
    people.role("DeveloperRole")
    role = people.reader.role("DeveloperRole")
    assert (role.name, role.trust, role.max_session_seconds) == ("DeveloperRole", TRUST, 3600)
    assert role.arn.endswith(":role/DeveloperRole")
    with pytest.raises(NotFound):
        people.reader.role("NoRole")


def test_what_reaches_a_user_is_told_by_where_it_hangs(people):
    people.user("ada")
    people.user("bob")
    people.group("Developers", "ada")
    arn = people.attached_policy("ada", "own", DENY)
    people.own_policy("ada", "inline", DENY)
    people.group_policy("Developers", "team", DENY)
    assert people.reader.standing("ada") == Standing(
        attached={arn: DENY},
        inline={"inline": DENY},
        groups={
            "Developers": GrantedPolicies(documents=(DENY,), group_inline=("Developers/team",))
        },
    )
    assert people.reader.standing("bob") == Standing()
    with pytest.raises(NotFound):
        people.reader.standing("nobody")


# --- the actuator -----------------------------------------------------------------------------


def test_a_new_user_bears_its_tags_from_the_first_moment(people):
    made = people.actuator.create_user("eve", {"FunctionalGroup": "Auditor", "Straße": "höher 7"})
    read = people.reader.member("eve")
    assert (read.user_id, read.arn) == (made.user_id, made.arn)
    assert read.tags == {"FunctionalGroup": "Auditor", "Straße": "höher 7"}
    assert read.groups == frozenset()
    with pytest.raises(AlreadyExists):
        people.actuator.create_user("eve", {})


def test_a_login_profile_is_made_once_and_for_users_only(people):
    people.user("ada")
    people.actuator.create_login_profile("ada", PASSWORD)
    with pytest.raises(AlreadyExists):
        people.actuator.create_login_profile("ada", PASSWORD)
    with pytest.raises(NotFound):
        people.actuator.create_login_profile("nobody", PASSWORD)


def test_joining_twice_is_joining_once(people):
    people.user("ada")
    people.group("Developers")
    people.actuator.add_to_group("ada", "Developers")
    people.actuator.add_to_group("ada", "Developers")
    assert people.reader.member("ada").groups == {"Developers"}


def test_leaving_takes_away_one_group_only(people):
    people.user("ada")
    people.user("bob")
    people.group("Developers", "ada", "bob")
    people.group("Auditor", "ada")
    people.actuator.remove_from_group("ada", "Developers")
    assert people.reader.member("ada").groups == {"Auditor"}
    assert people.reader.member("bob").groups == {"Developers"}


@pytest.mark.parametrize(
    ("user", "group"), [("ada", "Auditor"), ("ada", "nowhere"), ("nobody", "Auditor")]
)
def test_leaving_needs_user_group_and_membership(people, user, group):
    """One answer for three reasons (S2.T5): whoever asks must find out which."""
    people.user("ada")
    people.group("Auditor")
    with pytest.raises(NotFound):
        people.actuator.remove_from_group(user, group)


@pytest.mark.parametrize(("user", "group"), [("ada", "nowhere"), ("nobody", "Auditor")])
def test_joining_needs_both_user_and_group(people, user, group):
    people.user("ada")
    people.group("Auditor")
    with pytest.raises(NotFound):
        people.actuator.add_to_group(user, group)


def test_tags_are_set_one_by_one_and_others_stay(people):
    people.user("ada", FunctionalGroup="Developer", team="red")
    people.actuator.tag_user("ada", {"FunctionalGroup": "Auditor", "email": "a@example.com"})
    assert people.reader.member("ada").tags == {
        "FunctionalGroup": "Auditor",
        "team": "red",
        "email": "a@example.com",
    }
    with pytest.raises(NotFound):
        people.actuator.tag_user("nobody", {"a": "b"})


def test_an_inline_policy_is_put_replaced_and_deleted(people):
    people.user("ada")
    people.actuator.put_user_policy("ada", "deny", DENY)
    people.actuator.put_user_policy("ada", "deny", DENY)
    people.actuator.delete_user_policy("ada", "deny")
    with pytest.raises(NotFound):
        people.actuator.delete_user_policy("ada", "deny")
    with pytest.raises(NotFound):
        people.actuator.put_user_policy("nobody", "deny", DENY)


def test_only_what_is_attached_can_be_detached(people):
    people.user("ada")
    arn = people.attached_policy("ada", "own", DENY)
    people.actuator.detach_user_policy("ada", arn)
    assert people.reader.standing("ada").attached == {}
    with pytest.raises(NotFound):
        people.actuator.detach_user_policy("ada", "arn:aws:iam::123456789012:policy/none")


def test_a_device_is_taken_off_and_then_deleted(people):
    people.user("ada")
    people.mfa_device("ada")
    (serial,) = people.reader.mfa_devices("ada")
    people.actuator.deactivate_mfa_device("ada", serial)
    assert people.reader.mfa_devices("ada") == ()
    people.actuator.delete_virtual_mfa_device(serial)
    with pytest.raises(NotFound):
        people.actuator.delete_virtual_mfa_device(serial)
    with pytest.raises(NotFound):
        people.actuator.deactivate_mfa_device("ada", serial)


def test_a_deleted_user_is_gone(people):
    people.user("ada")
    people.actuator.delete_user("ada")
    with pytest.raises(NotFound):
        people.reader.member("ada")
    with pytest.raises(NotFound):
        people.actuator.delete_user("ada")


# --- what stands in the way of a deletion (the sandbox: moto lacks some of the calls) ---------


@pytest.fixture(params=["fake", "sandbox"])
def holder(request, monkeypatch):
    """Reader and actuator, and what eve holds."""
    if request.param == "fake":
        people = FakePeople()
        people.user("eve")
        held = [Held(kind=kind, id=f"ID{number}") for number, kind in enumerate(HeldKind)]
        people.holdings["eve"] = held
        return people, people, set(held)
    sandbox = request.getfixturevalue("sandbox")
    sandbox.reset("empty", at=MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    iam = aws(sandbox.url, "iam")
    iam.create_user(UserName="eve")
    sessions = Sessions(rehearsal=False)
    held = give_everything(iam, "eve")
    return IamPeopleReader(sessions), IamPeopleActuator(sessions), held


def test_a_user_is_not_deleted_before_what_it_holds(holder):
    reader, actuator, given = holder
    held = reader.held("eve")
    assert set(held) == given
    assert {each.kind for each in held} == set(HeldKind)
    for each in held:
        with pytest.raises(Conflict):
            actuator.delete_user("eve")
        actuator.delete_held("eve", each)
        with pytest.raises(NotFound):
            actuator.delete_held("eve", each)
    assert reader.held("eve") == ()
    actuator.delete_user("eve")
    with pytest.raises(NotFound):
        reader.held("eve")


# --- answers that neither gives of itself -----------------------------------------------------


def test_who_is_deleted_while_everybody_is_read_stops_nobody(moto_endpoint, monkeypatch):
    seed = MotoSeed(moto_endpoint)
    for name in ("ada", "gone"):
        seed.user(name)
    reader = IamPeopleReader(Sessions(rehearsal=False))
    listed = reader.mfa_devices

    def devices(user):
        if user == "gone":
            seed._iam.delete_user(UserName="gone")
        return listed(user)

    monkeypatch.setattr(reader, "mfa_devices", devices)
    assert [member.name for member in reader.everybody().members] == ["ada"]
