"""Where one user belongs: every row is a promise of S2.6 or a trap of S2.T1–T7."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.governance.people import ALL, MODEL, member, tags

from keyreeve.governance.onboarding import Facts, governed, plan_move
from keyreeve.model.people import Outcome, TagAuthor

SELF = TagAuthor(arn="arn:aws:iam::123456789012:user/bob", user_name="bob")
ADA = TagAuthor(arn="arn:aws:iam::123456789012:user/ada", user_name="ada")


def facts(who, groups=ALL, **more):
    return Facts(user_name="bob", member=who, groups=groups, **more)


PLACES = [
    # groups, MFA, tags → outcome, add, leave
    (("MFA-Setup",), True, tags(), "to_role_group", "Developers", ("MFA-Setup",)),
    ((), True, tags(), "to_role_group", "Developers", ()),
    (("MFA-Setup", "Developers"), True, tags(), "to_role_group", None, ("MFA-Setup",)),
    (("Developers",), True, tags("Auditor"), "to_role_group", "Auditor", ("Developers",)),
    (("Developers", "Auditor"), True, tags(), "to_role_group", None, ("Auditor",)),
    (("Developers", "Billing"), True, tags(), "in_place", None, ()),
    (("MFA-Setup", "Billing"), True, tags(), "to_role_group", "Developers", ("MFA-Setup",)),
    (("Developers",), False, tags(), "to_onboarding", "MFA-Setup", ("Developers",)),
    (("MFA-Setup", "Developers"), False, tags(), "to_onboarding", None, ("Developers",)),
    (("MFA-Setup",), False, tags(), "in_place", None, ()),
    ((), False, tags(), "to_onboarding", "MFA-Setup", ()),
    (("Developers",), False, {}, "to_onboarding", "MFA-Setup", ("Developers",)),
    (("Developers", "Billing"), False, tags(), "to_onboarding", "MFA-Setup", ("Developers",)),
    # S2.8: anything missing leaves the user where it is
    (("MFA-Setup",), True, tags(None), "tags_missing", None, ()),
    (("MFA-Setup",), True, tags("  "), "tags_missing", None, ()),
    (("MFA-Setup",), True, tags(email=None), "tags_missing", None, ()),
    (("MFA-Setup",), True, tags(Department=""), "tags_missing", None, ()),
    # S2.T7: the allow-list, exactly as written
    (("MFA-Setup",), True, tags("Root"), "role_unknown", None, ()),
    (("MFA-Setup",), True, tags("developer"), "role_unknown", None, ()),
    (("MFA-Setup",), True, tags("Developer "), "role_unknown", None, ()),
    (("MFA-Setup",), True, tags("Quarantine"), "role_unknown", None, ()),
    # nobody said who this is
    ((), True, {}, "outside", None, ()),
    (("Billing",), False, {"email": "b@example.com"}, "outside", None, ()),
    # Quarantine is never left
    (("Quarantine", "MFA-Setup"), True, tags(), "quarantined", None, ()),
    (("Quarantine", "Developers"), False, tags(), "quarantined", None, ()),
    # leavers stay away
    ((), False, tags(**{"keyreeve-offboarded": "2026-01-05"}), "offboarded", None, ()),
    (("Quarantine",), True, tags(**{"keyreeve-offboarded": "x"}), "offboarded", None, ()),
    # a mark of one's own making keeps nobody from being moved
    (
        ("Developers",),
        False,
        tags(**{"keyreeve-offboarded": "x"}),
        "to_onboarding",
        "MFA-Setup",
        ("Developers",),
    ),
]


@pytest.mark.parametrize(("groups", "mfa", "given", "outcome", "add", "leave"), PLACES)
def test_where_a_user_belongs(groups, mfa, given, outcome, add, leave):
    move = plan_move(MODEL, facts(member("bob", *groups, mfa=mfa, tags=given)))
    assert (move.outcome, move.add, move.leave) == (outcome, add, leave)
    assert move.reason


@pytest.mark.parametrize(("groups", "mfa", "given", "outcome", "add", "leave"), PLACES)
def test_after_a_move_there_is_nothing_to_do(groups, mfa, given, outcome, add, leave):
    who = member("bob", *groups, mfa=mfa, tags=given)
    move = plan_move(MODEL, facts(who))
    after = replace(who, groups=(who.groups | ({move.add} - {None})) - set(move.leave))
    again = plan_move(MODEL, facts(after))
    assert again.outcome is (Outcome.IN_PLACE if move.outcome.moves else move.outcome)


@pytest.mark.parametrize(("groups", "mfa", "given", "outcome", "add", "leave"), PLACES)
def test_no_move_touches_a_group_that_the_model_does_not_know(
    groups, mfa, given, outcome, add, leave
):
    move = plan_move(MODEL, facts(member("bob", *groups, mfa=mfa, tags=given)))
    assert {move.add, *move.leave} <= {None, "MFA-Setup", "Developers", "Auditor", "Administrator"}


def test_a_user_who_is_gone_is_said_to_be_gone():
    assert plan_move(MODEL, facts(None)).outcome is Outcome.USER_GONE


@pytest.mark.parametrize("mfa", [True, False])
def test_excluded_users_and_keyreeve_itself_are_never_touched(mfa):
    who = member("svc-deploy", "MFA-Setup", "Developers", mfa=mfa)
    assert plan_move(MODEL, facts(who)).outcome is Outcome.EXCLUDED
    who = member("keyreeve", "MFA-Setup", mfa=mfa)
    assert plan_move(MODEL, facts(who), own=frozenset({"keyreeve"})).outcome is Outcome.OWN_IDENTITY


@pytest.mark.parametrize(
    ("groups", "mfa", "lacks", "named"),
    [
        (("MFA-Setup",), True, "Developers", "Developers"),
        # S2.9: access.yaml names an onboarding group that nobody is in, since it does not exist
        ((), True, "MFA-Setup", "MFA-Setup"),
        (("Developers",), False, "MFA-Setup", "MFA-Setup"),
    ],
)
def test_a_group_that_does_not_exist_is_told_apart_from_not_being_in_it(groups, mfa, lacks, named):
    move = plan_move(MODEL, facts(member("bob", *groups, mfa=mfa), ALL - {lacks}))
    assert move.outcome is Outcome.GROUP_MISSING
    assert f"{named}, and there is no such group" in move.reason


def test_a_role_tag_of_ones_own_making_is_refused():
    """S2.T7."""
    who = member("bob", "MFA-Setup")
    assert plan_move(MODEL, facts(who, tagged_by=SELF)).outcome is Outcome.TAGGED_BY_ITSELF
    assert plan_move(MODEL, facts(who, tagged_by=ADA)).outcome is Outcome.TO_ROLE_GROUP


def test_an_own_tag_does_not_keep_anybody_out_of_onboarding():
    who = member("bob", "Developers", mfa=False)
    assert plan_move(MODEL, facts(who, tagged_by=SELF)).outcome is Outcome.TO_ONBOARDING


def test_an_author_that_is_not_known_is_stated():
    move = plan_move(MODEL, facts(member("bob", "MFA-Setup"), author_unknown="too old"))
    assert move.outcome is Outcome.TO_ROLE_GROUP
    assert move.remarks == ("who set the role tag is not known: too old",)


@pytest.mark.parametrize(
    ("mfa", "role", "others", "outcome"),
    [
        (False, "Administrator", (), "last_administrator"),
        (False, "Administrator", ("ada",), "to_onboarding"),
        (True, "Developer", (), "last_administrator"),
        (True, "Developer", ("ada",), "to_role_group"),
    ],
)
def test_the_last_administrator_is_not_moved(mfa, role, others, outcome):
    who = member("bob", "Administrator", mfa=mfa, tags=tags(role))
    found = plan_move(MODEL, facts(who, administrators=frozenset({"bob", *others})))
    assert found.outcome == outcome


def test_the_last_administrator_may_leave_onboarding():
    who = member("bob", "Administrator", "MFA-Setup", tags=tags("Administrator"))
    found = plan_move(MODEL, facts(who, administrators=frozenset({"bob"})))
    assert (found.outcome, found.leave) == (Outcome.TO_ROLE_GROUP, ("MFA-Setup",))


def test_who_is_governed():
    assert governed(MODEL, member("bob"))
    assert governed(MODEL, member("bob", "Auditor", tags={}))
    assert governed(MODEL, member("bob", "MFA-Setup", tags={}))
    assert not governed(MODEL, member("bob", "Billing", tags={"FunctionalGroup": " "}))
