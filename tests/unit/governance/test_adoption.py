from __future__ import annotations

from dataclasses import replace

import pytest

from keyreeve.governance.adoption import found
from keyreeve.model.access import AccessModel, Grant
from keyreeve.model.baseline import BaselineSettings, Choice, Inventory, Kind, StackName, Trail
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import AccountId

MODEL = AccessModel(
    grants=(
        Grant(
            functional_group="Developer",
            group="Developers",
            role="DeveloperRole",
            policies=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
        ),
    )
)
EMPTY = Inventory(account_id=AccountId("123456789012"), partition="aws")
TRAIL = Trail(
    name="management",
    arn="arn:aws:cloudtrail:us-east-1:123456789012:trail/management",
    home_region="us-east-1",
    multi_region=True,
    logging=True,
    log_group="trail-logs",
)
FULL = replace(
    EMPTY,
    groups=frozenset({"MFA-Setup", "Developers", "Accounting"}),
    roles=frozenset({"DeveloperRole", "Other"}),
    trails=(TRAIL,),
    detector="d-1",
    recorder="default",
    external_analyzer="outside",
    unused_analyzer="unused",
    password_policy=True,
)


def choices(inventory, settings=None):
    return {
        (row.kind, row.name): row.choice
        for row in found(MODEL, settings or BaselineSettings(), inventory)
    }


def test_in_an_empty_account_nothing_is_found():
    assert choices(EMPTY) == {}


def test_whatever_is_there_is_adopted_and_what_is_not_ours_is_not_named():
    assert choices(FULL) == dict.fromkeys(
        (
            (Kind.GROUP, "MFA-Setup"),
            (Kind.GROUP, "Developers"),
            (Kind.ROLE, "DeveloperRole"),
            (Kind.PASSWORD_POLICY, "account"),
            (Kind.TRAIL, "management"),
            (Kind.DETECTOR, "d-1"),
            (Kind.EXTERNAL_ANALYZER, "outside"),
            (Kind.UNUSED_ANALYZER, "unused"),
            (Kind.RECORDER, "default"),
        ),
        Choice.ADOPT,
    )


@pytest.mark.parametrize("lack", [{"multi_region": False}, {"logging": False}, {"log_group": None}])
def test_a_trail_that_no_alarm_can_hear_is_left_alone_and_one_of_our_own_is_made(lack):
    deaf = replace(EMPTY, trails=(replace(TRAIL, **lack),))
    assert choices(deaf) == {(Kind.TRAIL, "management"): Choice.SKIP}


@pytest.mark.parametrize("choice", list(Choice))
def test_a_choice_of_the_config_is_kept(choice):
    settings = BaselineSettings(existing={"group/Developers": choice})
    assert choices(FULL, settings)[Kind.GROUP, "Developers"] is choice


@pytest.mark.parametrize("what", ["trail/management", "recorder/default", "detector/d-1"])
def test_what_needs_others_of_its_stack_cannot_be_imported(what):
    with pytest.raises(ConfigError, match="cannot be imported"):
        found(MODEL, BaselineSettings(existing={what: Choice.IMPORT}), FULL)


def test_a_choice_about_no_kind_is_a_mistake():
    with pytest.raises(ConfigError, match="Kinds: group, role"):
        found(MODEL, BaselineSettings(existing={"groups/Developers": Choice.SKIP}), FULL)


def test_each_row_belongs_to_a_stack():
    rows = found(MODEL, BaselineSettings(), FULL)
    assert {row.stack for row in rows} == {
        StackName.IDENTITY,
        StackName.AUDIT_TRAIL,
        StackName.DETECTION,
        StackName.CONFIGURATION,
    }


@pytest.mark.parametrize(
    "given", ["group/developers", "group/Accounting", "role/Developers", "role/Other"]
)
def test_a_choice_about_a_name_that_access_yaml_does_not_have_is_refused(given):
    """In silence, a group that was to be skipped would get the policies of the stack."""
    with pytest.raises(ConfigError, match=r"access\.yaml names no") as told:
        choices(FULL, BaselineSettings(existing={given: Choice.SKIP}))
    assert told.value.where == f"baseline.existing: {given}"


def test_a_choice_about_what_is_not_there_yet_is_kept_for_later():
    chosen = {"group/Developers": Choice.SKIP, "detector/d-9": Choice.SKIP}
    assert choices(EMPTY, BaselineSettings(existing=chosen)) == {}
