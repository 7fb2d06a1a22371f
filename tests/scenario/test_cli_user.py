"""Joiners, movers, leavers over the command line, against the sandbox."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.holdings import give_everything
from tests.sandbox_fixture import aws
from tests.scenario.cli_command import MONDAY, Command
from tests.unit.governance.people import MODEL, TAGS

from keyreeve import wiring
from keyreeve.aws.iam_people import IamPeopleReader
from keyreeve.config import load
from keyreeve.model.access import PasswordRules
from keyreeve.model.errors import Throttled
from keyreeve.model.identifiers import UserName
from keyreeve.model.people import Member
from keyreeve.sandbox.process import Sandbox

ACCOUNT = "123456789012"
ANYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
MORE = """\
baseline: {access: access.yaml}
exclusions: [{user: "svc-*", reason: service user}]
"""
ACCESS = """\
roles:
  Administrator:
    group: Administrator
    role: AdministratorAccessRole
    policies: [arn:aws:iam::aws:policy/AdministratorAccess]
  Developer:
    group: Developers
    role: DeveloperRole
    policies: [arn:aws:iam::aws:policy/PowerUserAccess]
  Auditor:
    group: Auditor
    role: AuditorRole
    policies: [arn:aws:iam::aws:policy/SecurityAudit]
"""
ADA = ("--role", "Developer", "--department", "Eng", "--email", "ada@example.com")


class People(Command):
    """The command line, and the account as AWS's own API shows it."""

    @property
    def iam(self) -> Any:
        return aws(self.sandbox.url, "iam")

    def groups(self, name: str) -> set[str]:
        found = self.iam.list_groups_for_user(UserName=name)["Groups"]
        return {group["GroupName"] for group in found}

    def make(self, name: str, *groups: str, mfa: bool = False, **tags: str) -> None:
        rows = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.iam.create_user(UserName=name, Tags=rows)
        for group in groups:
            self.iam.add_user_to_group(UserName=name, GroupName=group)
        if mfa:
            self.enrol(name)

    def enrol(self, name: str) -> None:
        device = self.iam.create_virtual_mfa_device(VirtualMFADeviceName=name)
        self.iam.enable_mfa_device(
            UserName=name,
            SerialNumber=device["VirtualMFADevice"]["SerialNumber"],
            AuthenticationCode1="123456",
            AuthenticationCode2="654321",
        )

    def role(self, name: str, *, mfa: bool = True, group: str) -> None:
        condition = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}} if mfa else {}
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"},
            "Action": "sts:AssumeRole",
            **condition,
        }
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(statement))
        arn = f"arn:aws:iam::{self.account}:role/{name}"
        assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}
        self.iam.put_group_policy(
            GroupName=group, PolicyName="assume", PolicyDocument=_document(assume)
        )

    @property
    def account(self) -> str:
        return aws(self.sandbox.url, "sts").get_caller_identity()["Account"]

    def events(self, prefix: str) -> list[str]:
        return [event for event in self.audited() if event.startswith(prefix)]


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def people(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> People:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    command = People(sandbox, tmp_path, capsys, monkeypatch)
    command.settle(more=MORE)
    (tmp_path / "access.yaml").write_text(ACCESS)
    assert wiring.access_model(load(command.config)) == replace(
        MODEL, password_policy=PasswordRules()
    )
    there = {group["GroupName"] for group in command.iam.list_groups()["Groups"]}
    for group in {"MFA-Setup", "Administrator", "Developers", "Auditor", "Quarantine"} - there:
        command.iam.create_group(GroupName=group)
    return command


# --- joiners ----------------------------------------------------------------------------------


def test_a_joiner_gets_tags_onboarding_and_a_private_password_and_nothing_else(people: People):
    rehearsed = people("user", "onboard", "ada", *ADA, *people.at(0))
    assert rehearsed.code == 0, rehearsed.err
    assert "Rehearsed only" in rehearsed.out
    assert "ada" not in {user["UserName"] for user in people.iam.list_users()["Users"]}
    done = people("user", "onboard", "ada", *ADA, "--execute", *people.at(0))
    assert done.code == 0, done.err
    assert people.groups("ada") == {"MFA-Setup"}
    tags = people.iam.list_user_tags(UserName="ada")["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {**TAGS, "email": "ada@example.com"}
    assert people.iam.get_login_profile(UserName="ada")["LoginProfile"]["PasswordResetRequired"]
    assert people.iam.list_access_keys(UserName="ada")["AccessKeyMetadata"] == []
    (mail,) = people.sandbox.mails()
    assert mail.destinations == ("ada@example.com",) or list(mail.destinations) == [
        "ada@example.com"
    ]
    assert people.events("step.onboarding") == [
        "step.onboarding.intent",
        "step.onboarding.created",
        "step.onboarding.delivered",
    ]
    assert people("state", "verify").code == 0


def test_a_joiner_is_not_onboarded_twice(people: People):
    people("user", "onboard", "ada", *ADA, "--execute", *people.at(0))
    again = people("user", "onboard", "ada", *ADA, "--execute", *people.at(1))
    assert again.code == 2
    assert "was onboarded on 2026-01-05 already" in again.err
    assert len(people.sandbox.mails()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ada", "--role", "Root", "--department", "E", "--email", "ada@example.com"), "no role"),
        (("ada", "--role", "Developer", "--department", " ", "--email", "a@example.com"), "S2.8"),
        (("ada", "--role", "Developer", "--department", "E", "--email", "ada"), "no mail address"),
        (("ada", "--role", "Developer", "--department", "E", "--email", "msp@example.com"), "team"),
        (("a/b", *ADA), "no name for an IAM user"),
        (("svc-x", *ADA), "never touched: excluded"),
        (("aged.key", *ADA), "exists already"),
    ],
)
def test_who_cannot_be_onboarded_is_refused_before_anything_is_made(
    people: People, arguments: tuple[str, ...], said: str
):
    before = people.iam.list_users()["Users"]
    answer = people("user", "onboard", *arguments, "--execute", *people.at(0))
    assert answer.code == 2
    assert said in answer.err
    assert people.iam.list_users()["Users"] == before
    assert people.sandbox.mails() == people.sandbox.mails()[:0]


def test_without_tags_the_verb_does_not_even_begin(people: People):
    assert people("user", "onboard", "ada", "--role", "Developer", "--execute").code == 2


def test_a_group_name_that_does_not_exist_is_found_before_the_user_is_made(people: People):
    people.iam.delete_group(GroupName="Auditor")
    asked = ("--role", "Auditor", "--department", "E", "--email", "ada@example.com")
    answer = people("user", "onboard", "ada", *asked, "--execute", *people.at(0))
    assert answer.code == 2
    assert "there is no group 'Auditor'" in answer.err


# --- looking ----------------------------------------------------------------------------------


def test_list_and_show_tell_where_everybody_stands(people: People):
    people.make("bob", "MFA-Setup", mfa=True, **TAGS)
    people.make("eve", "MFA-Setup", mfa=True)
    rows = {row["name"]: row for row in people.json("user", "list")["users"]}
    assert rows["bob"]["move"]["outcome"] == "to_role_group"
    assert rows["eve"]["missing_tags"] == ["FunctionalGroup", "Department", "email"]
    assert "bob" in people("user", "list").out
    shown = people("user", "show", "bob")
    assert "would join" in shown.out
    assert "Developers" in shown.out
    assert people.json("user", "show", "eve")["move"]["outcome"] == "tags_missing"
    assert people("user", "show", "nobody").code == 2


# --- tags -------------------------------------------------------------------------------------


def test_tags_are_set_in_bulk_or_not_at_all(people: People):
    people.make("bob", "MFA-Setup")
    people.make("eve", "MFA-Setup", **TAGS)
    file = people.folder / "tags.csv"
    file.write_text(
        "user,FunctionalGroup,Department,email\n"
        "bob,Root,Eng,bob@example.com\n"
        "nobody,Developer,Eng,nobody@example.com\n"
        "eve,,,eve\n"
        "eve,Auditor,,\n"
    )
    answer = people("user", "tags", "--set", str(file), "--execute")
    assert answer.code == 2
    assert "line 5: eve stands in line 4 already" in answer.err
    file.write_text(file.read_text().replace("eve,Auditor,,\n", ""))
    answer = people("user", "tags", "--set", str(file), "--execute")
    assert answer.code == 2
    for said in ("line 2: FunctionalGroup 'Root'", "line 3: there is no user", "line 4: email"):
        assert said in answer.err
    assert people.iam.list_user_tags(UserName="bob")["Tags"] == []
    file.write_text(
        "user,FunctionalGroup,Department,email\nbob,Developer,Eng,bob@example.com\neve,Auditor,,\n"
    )
    rehearsed = people.json("user", "tags", "--set", str(file))
    assert [step["outcome"] for step in rehearsed["tags"]] == ["rehearsed", "rehearsed"]
    assert people("user", "tags", "--set", str(file), "--execute").code == 0
    rows = {row["name"]: row["tags"] for row in people.json("user", "list")["users"]}
    assert rows["bob"] == {**TAGS, "email": "bob@example.com"}
    assert rows["eve"] == {**TAGS, "FunctionalGroup": "Auditor"}
    assert people.json("user", "tags", "--set", str(file), "--execute")["tags"] == []
    assert people.events("user.tagged") == ["user.tagged", "user.tagged"]


def test_the_tag_report_names_who_lacks_what(people: People):
    people.make("bob", "MFA-Setup", FunctionalGroup="Developper")
    answer = people("user", "tags")
    assert answer.code == 1
    assert "FunctionalGroup=Developper" in answer.out
    assert "Department, email" in answer.out


# --- reconcile --------------------------------------------------------------------------------


def test_reconcile_moves_whom_events_have_missed(people: People):
    people.make("bob", "MFA-Setup", mfa=True, **TAGS)
    people.make("eve", "Developers", **TAGS)
    people.make("both", "Developers", "MFA-Setup", mfa=True, **TAGS)
    rehearsed = people("user", "reconcile")
    assert rehearsed.code == 1
    assert "To move" in rehearsed.out
    assert people.groups("bob") == {"MFA-Setup"}
    people("user", "reconcile", "--execute", *people.at(0))
    assert people.groups("bob") == {"Developers"}
    assert people.groups("eve") == {"MFA-Setup"}
    assert people.groups("both") == {"Developers"}
    again = people.json("user", "reconcile", "--execute", *people.at(0))
    assert again["moved"] == []
    assert people.events("user.moved")
    assert people("state", "verify").code == 0


def test_a_rehearsed_sweep_promises_no_move_that_the_sweep_would_refuse(people: People):
    people.make("bob", "Developers", mfa=True, **TAGS)
    people.iam.attach_user_policy(UserName="bob", PolicyArn=ADMIN)
    key = people.iam.create_access_key(UserName="bob")["AccessKey"]
    own = aws(people.sandbox.url, "iam", key["AccessKeyId"], key["SecretAccessKey"])
    own.tag_user(UserName="bob", Tags=[{"Key": "FunctionalGroup", "Value": "Administrator"}])
    rehearsed = people.json("user", "reconcile")
    assert "bob" not in {move["user_name"] for move in rehearsed["sweep"]["moves"]}
    (held,) = (move for move in rehearsed["sweep"]["held"] if move["user_name"] == "bob")
    assert held["outcome"] == "tagged_by_itself"
    done = people("user", "reconcile", "--execute", *people.at(0))
    assert people.groups("bob") == {"Developers"}
    assert people.groups("aged.key") == {"MFA-Setup"}
    assert " 1 moved" in done.out


def test_whom_reconcile_cannot_read_stops_nobody_else_and_is_told(people: People, monkeypatch: Any):
    for name in ("ann", "bob", "eve"):
        people.make(name, "MFA-Setup", mfa=True, **TAGS)
    real = IamPeopleReader.member

    def member(self: IamPeopleReader, user: UserName) -> Member:
        if user == "bob":
            raise Throttled("slow down", call="iam:GetUser")
        return real(self, user)

    monkeypatch.setattr(IamPeopleReader, "member", member)
    answer = people("user", "reconcile", "--execute", *people.at(0))
    assert answer.code == 1
    assert "slow down" in answer.out
    assert [people.groups(name) for name in ("ann", "bob", "eve")] == [
        {"Developers"},
        {"MFA-Setup"},
        {"Developers"},
    ]


def test_reconcile_does_not_shut_out_many_at_once_unless_the_number_is_accepted(people: People):
    for number in range(6):
        people.make(f"dev.{number}", "Developers", **TAGS)
    refused = people("user", "reconcile", "--execute", *people.at(0))
    assert refused.code == 4
    assert people.groups("dev.1") == {"Developers"}
    number = refused.err.rsplit("--accept ", 1)[1].split()[0]
    people("user", "reconcile", "--execute", "--accept", number, *people.at(0))
    assert people.groups("dev.1") == {"MFA-Setup"}


# --- demote -----------------------------------------------------------------------------------


def test_standing_rights_go_once_the_role_is_proved_assumable(people: People):
    people.make("bob", "Administrator", mfa=True, **{**TAGS, "FunctionalGroup": "Administrator"})
    people.iam.attach_user_policy(UserName="bob", PolicyArn=ADMIN)
    people.iam.put_user_policy(
        UserName="bob", PolicyName="temporary", PolicyDocument=json.dumps(ANYTHING)
    )
    demote = ("user", "demote", "bob", "--to-role", "Administrator")
    missing = people(*demote, "--execute", *people.at(0))
    assert missing.code == 2
    assert "there is no role 'AdministratorAccessRole'" in missing.err
    people.role("AdministratorAccessRole", group="Administrator")
    rehearsed = people(*demote)
    assert rehearsed.code == 0, rehearsed.err
    assert "Proved: bob can assume AdministratorAccessRole with MFA." in rehearsed.out
    assert people.iam.list_attached_user_policies(UserName="bob")["AttachedPolicies"]
    done = people.json(*demote, "--execute", *people.at(0))
    assert {(step["what"], step["outcome"]) for step in done["steps"]} == {
        ("detach", "done"),
        ("delete inline policy", "done"),
    }
    assert people.iam.list_attached_user_policies(UserName="bob")["AttachedPolicies"] == []
    assert people.iam.list_user_policies(UserName="bob")["PolicyNames"] == []
    assert people.json(*demote, "--execute", *people.at(0))["steps"] == []
    assert people.events("user.demotion") == [
        "user.demotion.begun",
        "user.demotion.step",
        "user.demotion.step",
        "user.demotion.begun",
    ]


@pytest.mark.parametrize(
    ("mfa", "groups", "denied", "said"),
    [
        (False, ("Administrator",), False, "without an MFA device"),
        (True, (), False, "not in Administrator"),
        (True, ("Administrator",), True, "denies sts:AssumeRole"),
    ],
)
def test_nothing_is_taken_from_whom_could_not_assume_the_role(
    people: People, mfa, groups, denied, said
):
    people.make("bob", *groups, mfa=mfa, **TAGS)
    people.iam.attach_user_policy(UserName="bob", PolicyArn=ADMIN)
    people.role("AdministratorAccessRole", group="Administrator")
    if denied:
        no = {"Sid": "No", "Effect": "Deny", "Action": "sts:*", "Resource": "*"}
        people.iam.put_user_policy(UserName="bob", PolicyName="no", PolicyDocument=_document(no))
    answer = people("user", "demote", "bob", "--to-role", "Administrator", "--execute")
    assert answer.code == 2
    assert said in answer.err
    assert people.iam.list_attached_user_policies(UserName="bob")["AttachedPolicies"]


# --- release ----------------------------------------------------------------------------------


def test_release_leads_out_of_quarantine_to_where_the_user_belongs(people: People):
    people.make("bob", "Quarantine", "MFA-Setup", mfa=True, **TAGS)
    people.make("eve", "Quarantine")
    assert "Would join Developers" in people("user", "release", "bob").out
    assert people.groups("bob") == {"Quarantine", "MFA-Setup"}
    assert people("user", "release", "bob", "--execute", *people.at(0)).code == 0
    assert people.groups("bob") == {"Developers"}
    people("user", "release", "eve", "--execute", *people.at(0))
    assert people.groups("eve") == set()
    assert people("user", "release", "bob", "--execute", *people.at(0)).code == 2
    assert people.events("user.release") == ["user.release.begun", "user.released"] * 2


# --- leavers ----------------------------------------------------------------------------------


def test_a_leaver_is_shut_out_and_kept_until_its_deletion_is_asked_for(people: People):
    people.make("bob", "Developers", "MFA-Setup", mfa=True, **TAGS)
    people.iam.create_login_profile(UserName="bob", Password="Correct-Horse-7-x")
    key = people.iam.create_access_key(UserName="bob")["AccessKey"]["AccessKeyId"]
    rehearsed = people("user", "offboard", "bob")
    assert rehearsed.code == 0, rehearsed.err
    assert people.groups("bob") == {"Developers", "MFA-Setup"}
    done = people.json("user", "offboard", "bob", "--execute", *people.at(0))
    assert {step["outcome"] for step in done["steps"]} == {"done"}
    assert "DeveloperRole" in done["remarks"][0]
    assert people.groups("bob") == set()
    (left,) = people.iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]
    assert (left["AccessKeyId"], left["Status"]) == (key, "Inactive")
    with pytest.raises(people.iam.exceptions.NoSuchEntityException):
        people.iam.get_login_profile(UserName="bob")
    policy = people.iam.get_user_policy(UserName="bob", PolicyName="KeyreeveOffboarded")
    issued = policy["PolicyDocument"]["Statement"][0]["Condition"]["DateLessThan"]
    assert issued == {"aws:TokenIssueTime": "2026-01-05T06:00:00Z"}
    assert people.json("user", "offboard", "bob", "--execute", *people.at(1))["steps"] == []
    begun = next(r for r in people.audit_records() if r["event"] == "user.offboarding.begun")
    assert begun["data"]["groups"] == ["Developers", "MFA-Setup"]
    assert begun["data"]["by"].startswith("arn:aws:")
    # The sweep does not bring a leaver back.
    moves = people.json("user", "reconcile")["sweep"]
    assert "bob" in {move["user_name"] for move in moves["left_alone"]}
    delete = ("user", "offboard", "bob", "--delete", "--after-days", "30")
    early = people(*delete, "--execute", *people.at(29))
    assert early.code == 2
    assert "30 days are over on 2026-02-04" in early.err
    assert people(*delete, *people.at(30)).code == 0
    gone = people.json(*delete, "--execute", *people.at(30))
    assert {step["outcome"] for step in gone["steps"]} == {"done"}
    assert "bob" not in {user["UserName"] for user in people.iam.list_users()["Users"]}
    assert people("state", "verify").code == 0


def test_whoever_was_let_back_in_is_not_deleted_by_the_wait_of_an_earlier_offboarding(
    people: People,
):
    people.make("bob", "Developers", **TAGS)
    assert people("user", "offboard", "bob", "--execute", *people.at(0)).code == 0
    people.iam.delete_user_policy(UserName="bob", PolicyName="KeyreeveOffboarded")
    people.iam.add_user_to_group(UserName="bob", GroupName="Developers")
    assert people("user", "offboard", "bob", "--execute", *people.at(100)).code == 0
    delete = ("user", "offboard", "bob", "--delete", "--after-days", "30", "--execute")
    early = people(*delete, *people.at(101))
    assert early.code == 2
    assert "30 days are over on 2026-05-15" in early.err
    assert people(*delete, *people.at(130)).code == 0


def test_every_role_whose_session_may_still_run_is_named_at_an_offboarding(people: People):
    """The group opens a role, whatever the tag says by now."""
    people.make("bob", "Developers", mfa=True, **{**TAGS, "FunctionalGroup": "Administrator"})
    remarks = people.json("user", "offboard", "bob")["remarks"]
    assert [word for said in remarks for word in said.split() if word.endswith("Role")] == [
        "AdministratorAccessRole",
        "DeveloperRole",
    ]


def test_nobody_has_no_name(people: People):
    for verb in ("show", "release", "offboard"):
        answer = people("user", verb, "")
        assert answer.code == 2
        assert "there is no user ''" in answer.err


def test_who_was_not_offboarded_is_not_deleted(people: People):
    people.make("bob", "Developers", **TAGS)
    answer = people("user", "offboard", "bob", "--delete", "--after-days", "1", "--execute")
    assert answer.code == 2
    assert "is not offboarded" in answer.err
    assert people("user", "offboard", "bob", "--delete", "--execute").code == 2
    for_ever = people("user", "offboard", "bob", "--delete", "--after-days", "9999999999")
    assert for_ever.code == 2
    assert "--after-days" in for_ever.err


def test_excluded_users_keyreeve_and_the_last_administrator_are_never_offboarded(people: People):
    people.make("svc-deploy", "Developers", **TAGS)
    own = aws(people.sandbox.url, "sts").get_caller_identity()["Arn"].rpartition("/")[2]
    for name, said in (("svc-deploy", "excluded"), (own, "Keyreeve itself")):
        answer = people("user", "offboard", name, "--execute")
        assert answer.code == 2, answer.out
        assert f"is never touched: {said}" in answer.err


def test_a_verb_waits_for_nobody_who_holds_the_lock(people: People):
    people.make("bob", "MFA-Setup", mfa=True, **TAGS)
    people.hold_lock()
    assert people("user", "reconcile", "--execute", *people.at(0)).code == 5
    assert people.groups("bob") == {"MFA-Setup"}


def test_without_an_access_model_the_verbs_say_what_is_missing(people: People):
    people.settle()
    answer = people("user", "list")
    assert answer.code == 2
    assert "no file says who may do what" in answer.err


# --- under the policy of its own role -----------------------------------------------------------


def test_the_people_role_is_enough_for_every_verb_and_touches_no_other_group(people: People):
    """Each call is refused by the sandbox unless the printed policy allows it."""
    people.role("DeveloperRole", group="Developers")
    people.make("bob", "Developers", mfa=True, **TAGS)
    people.iam.attach_user_policy(UserName="bob", PolicyArn=ADMIN)
    give_everything(people.iam, "bob")
    people.make("eve", "MFA-Setup", mfa=True, **TAGS)
    people.make("shut", "Quarantine", "MFA-Setup", **TAGS)
    file = people.folder / "tags.csv"
    file.write_text("user,Department\neve,Ops\n")
    documents = people.json("policy", "print", "--role", "people")["documents"]
    people.sandbox.authorise(documents)
    try:
        for verb in (
            ("list",),
            ("show", "eve"),
            ("tags", "--set", str(file), "--execute"),
            ("onboard", "ada", *ADA, "--execute"),
            ("reconcile", "--execute"),
            ("demote", "bob", "--to-role", "Developer", "--execute"),
            ("release", "shut", "--execute"),
            ("offboard", "bob", "--execute"),
        ):
            answer = people("user", *verb, *([] if verb[0] in ("list", "show") else people.at(0)))
            assert answer.code in (0, 1), (verb, answer.err)
            said = (answer.out + answer.err).replace("AWS failed inside (501", "")
            for bad in ("AccessDenied", "failed", "unexpected"):
                assert bad not in said, (verb, said)
        later = ("user", "offboard", "bob", "--delete", "--after-days", "1", "--execute")
        gone = people(*later, *people.at(2))
        assert gone.code == 0, gone.out + gone.err
        refused = [call for call in people.sandbox.calls() if call["status"] == 403]
        assert {call["operation"] for call in refused} <= {"cloudtrail:LookupEvents"}
        with pytest.raises(people.iam.exceptions.ClientError, match="AccessDenied"):
            people.iam.add_user_to_group(UserName="eve", GroupName="Quarantine")
    finally:
        people.sandbox.authorise(None)
    assert people.groups("eve") == {"Developers"}


def test_the_last_administrator_is_never_touched(people: People):
    people.role("DeveloperRole", group="Developers")
    for verb in (("offboard", "ada.admin"), ("demote", "ada.admin", "--to-role", "Developer")):
        answer = people("user", *verb, "--execute", *people.at(0))
        assert answer.code == 2, answer.out
        assert "the last administrator of the account" in answer.err
    assert "Administrator" in people.groups("ada.admin")
    # Whoever is in the group without a device could not take over.
    people.make("eve", "Administrator", **{**TAGS, "FunctionalGroup": "Administrator"})
    people.iam.detach_group_policy(GroupName="Administrator", PolicyArn=ADMIN)
    assert people("user", "offboard", "ada.admin", "--execute", *people.at(0)).code == 2
    people.enrol("eve")
    people.iam.add_user_to_group(UserName="eve", GroupName="Quarantine")
    assert people("user", "offboard", "ada.admin", "--execute", *people.at(0)).code == 2
    # Whoever is in Quarantine administers nothing, and may be the last who is left.
    people.iam.add_user_to_group(UserName="ada.admin", GroupName="Quarantine")
    assert people("user", "offboard", "ada.admin", *people.at(0)).code == 0
    people.iam.remove_user_from_group(UserName="ada.admin", GroupName="Quarantine")
    people.iam.remove_user_from_group(UserName="eve", GroupName="Quarantine")
    assert people("user", "offboard", "ada.admin", "--execute", *people.at(0)).code == 0


def test_the_access_report_names_an_administrator_by_a_groups_inline_policy(people: People):
    people.iam.create_group(GroupName="Billing")
    everything = json.dumps(ANYTHING)
    people.iam.put_group_policy(GroupName="Billing", PolicyName="pay", PolicyDocument=everything)
    people.make("bob", "Developers", "Billing", mfa=True, **TAGS)
    told = people("report", "--access", "--format", "json")
    assert told.code == 0, told.err
    rows = {row["user_name"]: row for row in json.loads(told.out)["report"]["people"]}
    assert "inline of a group: Billing/pay" in rows["bob"]["standing"]
    assert rows["bob"]["remarks"] == ["standing administrator rights, without a role session"]
