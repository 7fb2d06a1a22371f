"""The sweep that finds what events missed (S2.8–S2.10)."""

from __future__ import annotations

import pytest
from tests.unit.governance.people import ALL, MODEL, member, tags

from keyreeve.governance.reconcile import reconcile, too_many
from keyreeve.model.people import Everybody
from keyreeve.model.policy import BlastLimits


def sweep(*members, groups=ALL, **more):
    return reconcile(MODEL, Everybody(members=members, groups=groups), **more)


def outcomes(moves):
    return {move.user_name: move.outcome.value for move in moves}


def test_an_account_in_order_is_clean():
    found = sweep(member("bob", "Developers"), member("new", "MFA-Setup", mfa=False))
    assert found.clean
    assert (found.users, found.governed, found.compliant) == (2, 2, 2)


def test_what_events_missed_is_found():
    found = sweep(
        member("in-onboarding", "MFA-Setup"),
        member("without-mfa", "Developers", mfa=False),
        member("both", "MFA-Setup", "Developers"),
        member("untagged", "MFA-Setup", tags={}),
        member("misspelt", "MFA-Setup", tags=tags("developer")),
        member("unknown", tags={}),
        member("svc-a", tags={}),
        member("shut", "Quarantine"),
        member("keyreeve", tags={}),
        member("fine", "Developers"),
        own=frozenset({"keyreeve"}),
    )
    assert outcomes(found.moves) == {
        "in-onboarding": "to_role_group",
        "without-mfa": "to_onboarding",
        "both": "to_role_group",
    }
    assert outcomes(found.held) == {
        "untagged": "tags_missing",
        "misspelt": "role_unknown",
        "unknown": "outside",
    }
    assert outcomes(found.left_alone) == {
        "svc-a": "excluded",
        "shut": "quarantined",
        "keyreeve": "own_identity",
    }
    assert [double.user_name for double in found.doubles] == ["both"]
    assert {gap.user_name: (gap.missing, gap.unknown_role) for gap in found.tag_gaps} == {
        "untagged": (("FunctionalGroup", "Department", "email"), None),
        "misspelt": ((), "developer"),
    }
    assert (found.users, found.governed, found.compliant) == (10, 6, 1)


def test_names_that_do_not_exist_are_found_even_if_nobody_needs_them():
    """S2.9."""
    found = sweep(member("bob", "Developers"), groups=ALL - {"MFA-Setup", "Auditor"})
    assert found.missing_groups == ("Auditor", "MFA-Setup")
    assert not found.clean


def test_a_user_in_two_role_groups_is_double():
    found = sweep(member("bob", "Developers", "Auditor"))
    assert [double.groups for double in found.doubles] == [("Auditor", "Developers")]
    assert found.moves[0].leave == ("Auditor",)


def test_missing_tags_of_a_user_in_place_are_found():
    found = sweep(member("bob", "MFA-Setup", mfa=False, tags=tags(email=None)))
    assert [gap.missing for gap in found.tag_gaps] == [("email",)]
    assert (found.moves, found.held, found.compliant) == ((), (), 0)


def test_two_administrators_without_mfa_do_not_both_leave():
    admins = [member(n, "Administrator", mfa=False, tags=tags("Administrator")) for n in "ab"]
    found = sweep(*admins)
    assert outcomes(found.moves) == {"a": "to_onboarding"}
    assert outcomes(found.held) == {"b": "last_administrator"}


def test_an_administrator_in_quarantine_keeps_the_account_for_nobody():
    found = sweep(
        member("a", "Administrator", tags=tags("Developer")),
        member("b", "Administrator", "Quarantine", tags=tags("Administrator")),
    )
    assert (found.moves, outcomes(found.held)) == ((), {"a": "last_administrator"})


@pytest.mark.parametrize(
    ("without", "with_mfa", "refused"),
    [(5, 0, False), (6, 0, True), (6, 18, False), (7, 17, True), (0, 30, False)],
)
def test_not_everybody_goes_back_to_onboarding_at_once(without, with_mfa, refused):
    """At most five users, or a quarter of those who are governed."""
    members = [member(f"a{n}", "Developers", mfa=False) for n in range(without)]
    members += [member(f"b{n}", "MFA-Setup") for n in range(with_mfa)]
    assert (too_many(sweep(*members), BlastLimits()) is not None) is refused
