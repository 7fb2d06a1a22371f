"""AWS Organizations, on moto: every page, every unit below a unit, and each account's own state."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws
from tests.contract.conftest import ScriptedAws

from keyreeve.aws import organization
from keyreeve.aws.organization import OrganizationOfCaller
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import AccountUnreadable


@pytest.fixture
def tree(clean_environment):
    """A root with one account in it, a unit with two, and a unit below that with one."""
    clean_environment.setenv("AWS_ACCESS_KEY_ID", "k")
    clean_environment.setenv("AWS_SECRET_ACCESS_KEY", "s")
    clean_environment.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        api = boto3.client("organizations", region_name="us-east-1")
        api.create_organization()
        root = api.list_roots()["Roots"][0]["Id"]
        upper = api.create_organizational_unit(ParentId=root, Name="u")["OrganizationalUnit"]["Id"]
        lower = api.create_organizational_unit(ParentId=upper, Name="l")["OrganizationalUnit"]["Id"]
        ids = {}
        for name, parent in (("top", root), ("one", upper), ("two", upper), ("deep", lower)):
            made = api.create_account(AccountName=name, Email=f"{name}@example.com")
            ids[name] = made["CreateAccountStatus"]["AccountId"]
            if parent != root:
                api.move_account(
                    AccountId=ids[name], SourceParentId=root, DestinationParentId=parent
                )
        api.close_account(AccountId=ids["two"])
        yield ids | {"root": root, "upper": upper, "lower": lower}


def names(*, include=(), exclude=()):
    found = OrganizationOfCaller(Sessions(rehearsal=True)).accounts(tuple(include), tuple(exclude))
    return {account.name for account in found} - {"master"}


def test_without_a_choice_everybody_is_meant(tree):
    assert names() == {"top", "one", "two", "deep"}


def test_a_unit_means_all_accounts_below_it(tree):
    assert names(include=[tree["upper"]]) == {"one", "two", "deep"}
    assert names(include=[tree["lower"], tree["top"]]) == {"deep", "top"}
    assert names(include=[tree["root"]], exclude=[tree["upper"]]) == {"top"}
    assert names(exclude=[tree["one"]]) == {"top", "two", "deep"}


def test_a_closed_account_is_told_with_its_state(tree):
    found = OrganizationOfCaller(Sessions(rehearsal=True)).accounts((), ())
    states = {account.name: account.state for account in found}
    assert states["one"] == "ACTIVE"
    assert states["two"] != "ACTIVE"


def test_an_id_that_names_nothing_is_an_error_and_no_empty_list(tree):
    with pytest.raises(AccountUnreadable, match="neither an account nor a unit"):
        names(include=["999999999999"])
    with pytest.raises(AccountUnreadable):
        names(exclude=["ou-none-none"])


def account(number, **more):
    return {"Id": f"{number:012}", "Name": f"n{number}", "Status": "ACTIVE", **more}


def test_all_pages_are_read_and_the_newer_word_for_the_state_wins(scripted: ScriptedAws):
    scripted.answer(
        json.dumps({"Accounts": [account(1, State="CLOSED")], "NextToken": "t"}),
        json.dumps({"Accounts": [account(2)]}),
    )
    found = OrganizationOfCaller(Sessions(rehearsal=True)).accounts((), ())
    assert [(each.name, each.state) for each in found] == [("n1", "CLOSED"), ("n2", "ACTIVE")]


def test_without_an_organisation_nobody_is_taken_for_looked_at(scripted: ScriptedAws):
    scripted.answer(json.dumps({"Accounts": []}))
    with pytest.raises(AccountUnreadable) as refused:
        OrganizationOfCaller(Sessions(rehearsal=True)).accounts((), ())
    assert refused.value.remedy == organization._REMEDY


def test_who_may_not_list_is_told_who_may(scripted: ScriptedAws):
    scripted.answer((400, json.dumps({"__type": "AWSOrganizationsNotInUseException"})))
    with pytest.raises(AccountUnreadable, match="AWSOrganizationsNotInUse") as refused:
        OrganizationOfCaller(Sessions(rehearsal=True)).accounts((), ())
    assert refused.value.remedy
