from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    KEY_1,
    KEY_2,
    MFA_CONTROL,
    MONDAY,
    NOW,
    ROTATION,
    STALE,
    access_key,
    ago,
    bounce,
    by_id,
    case,
    console,
    gap_of,
    key_record,
    notice_record,
    old_key,
    on,
    outlook,
    policy,
    record,
    rotation,
    snapshot,
    state,
    user,
)
from tests.unit.escalation.cases import ANN, FLAGGED, LATER, MENDED, OPENED, book

from keyreeve.escalation.casebook import CaseEvent
from keyreeve.escalation.spared import status_of, waiver_for
from keyreeve.model.case import OperationKind, Population, Stage, StepName
from keyreeve.model.decisions import HumanDecisions, Waiver
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import UserId
from keyreeve.model.policy import Exclusion, Match
from keyreeve.model.snapshot import CollectionGap

# --- what people decided --------------------------------------------------------------------------


def waiver(**changes):
    usual = Waiver(
        waiver_id="w1",
        user="ann",
        control=None,
        resource_id=None,
        reason="vendor",
        requested_by="a",
        approved_by="b",
        expires_on=on(3),
        added_at=NOW,
        added_by="arn",
    )
    return replace(usual, **changes)


WAIVERS = {
    "by name": ({}, True),
    "by unique id": ({"user": ANN}, True),
    "of another user": ({"user": "bob"}, False),
    "of this control": ({"control": ROTATION}, True),
    "of another control": ({"control": STALE}, False),
    "of this key": ({"resource_id": KEY_1}, True),
    "of another key": ({"resource_id": KEY_2}, False),
    "on its last day": ({"expires_on": on(3)}, True),
    "expired yesterday": ({"expires_on": on(2)}, False),
    "revoked": ({"revoked_at": NOW}, False),
}


@pytest.mark.parametrize("row", WAIVERS)
def test_a_waiver_protects_what_it_names_until_it_expires(row):
    changes, protects = WAIVERS[row]
    people = HumanDecisions(waivers=(waiver(user="x"), waiver(**changes)))
    finding = outlook(snapshot(FLAGGED)).findings[ANN][ROTATION, KEY_1]
    assert (waiver_for(finding, people, on(3)) is not None) is protects
    status = status_of(finding, FLAGGED, people, policy(), on(3))
    assert status is (FindingStatus.WAIVED if protects else FindingStatus.OPEN)


EXCLUDED = policy(exclusions=(Exclusion(match=Match(user="ann"), reason="break-glass"),))


def test_exclusion_comes_before_waiver_and_an_unknown_user_is_not_excluded():
    finding = outlook(snapshot(FLAGGED)).findings[ANN][ROTATION, KEY_1]
    people = HumanDecisions(waivers=(waiver(),))
    assert status_of(finding, FLAGGED, people, EXCLUDED, on(3)) is FindingStatus.EXCLUDED
    assert status_of(finding, None, people, EXCLUDED, on(3)) is FindingStatus.WAIVED


@pytest.mark.parametrize(
    ("settings", "people"),
    [(EXCLUDED, None), (None, HumanDecisions(waivers=(waiver(),)))],
)
def test_what_people_set_aside_opens_nothing_and_closes_without_a_mail(settings, people):
    assert book(snapshot(FLAGGED), None, settings, people=people)[0].users == {}
    after, happened = book(snapshot(FLAGGED), state(OPENED), settings, people=people)
    assert after.users == {}
    assert happened == [(CaseEvent.FINDING_SET_ASIDE, KEY_1), (CaseEvent.CASE_CLOSED, "")]


def test_a_user_excluded_after_something_cleared_gets_no_closing_mail():
    assert book(snapshot(MENDED), state(OPENED), EXCLUDED)[0].users == {}


@pytest.mark.parametrize("changes", [{"orphan": True}, {"reinstated_until": NOW}])
def test_an_orphan_and_a_reinstated_key_do_not_walk_the_ladder(changes):
    keys = {KEY_1: key_record(**changes)}
    assert book(snapshot(FLAGGED), state(keys=keys))[0].users == {}


# --- who the user is ------------------------------------------------------------------------------


def test_a_renamed_user_keeps_the_case():
    renamed = user("anna", old_key(), user_id=ANN)
    after, happened = book(snapshot(renamed), state(OPENED))
    assert after.users[ANN].user_name == "anna"
    assert after.users[ANN].thread == OPENED.thread
    assert happened == [(CaseEvent.USER_RENAMED, "")]


def test_a_user_created_anew_under_the_same_name_starts_clean():
    other = user("ann", old_key(key_id=KEY_2), user_id=UserId("AIDANEW"))
    after, happened = book(snapshot(other), state(OPENED))
    assert list(after.users) == ["AIDANEW"]
    assert after.users[UserId("AIDANEW")].opened_on is None
    assert happened == [(CaseEvent.USER_GONE, ""), (CaseEvent.FINDING_SEEN, KEY_2)]


def test_a_user_who_is_gone_leaves_the_state():
    after, happened = book(snapshot(), state(OPENED, keys={KEY_1: key_record()}))
    assert (after.users, after.keys) == ({}, {})
    assert happened == [(CaseEvent.USER_GONE, "")]


# --- gaps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", [(FLAGGED,), (MENDED,), ()])
def test_a_gap_leaves_the_case_untouched(seen):
    hidden = snapshot(*seen, gaps=(gap_of(FLAGGED),))
    after, happened = book(hidden, state(OPENED))
    assert after.users == {ANN: OPENED}
    assert happened == []


def test_a_gap_opens_nothing():
    assert book(snapshot(FLAGGED, gaps=(gap_of(FLAGGED),)))[0].users == {}


def test_a_fact_that_a_control_misses_is_a_gap_too():
    after, _ = book(snapshot(console("ann", mfa_active=None)), state(OPENED))
    assert after.users == {ANN: OPENED}


def test_an_unreadable_account_changes_nothing_at_all():
    before = state(OPENED, keys={KEY_1: key_record()})
    gap = CollectionGap(step="GetCredentialReport", reason="too old")
    after, happened = book(snapshot(account_readable=False, gaps=(gap,)), before)
    assert (after, happened) == (before, [])


# --- keys that came back --------------------------------------------------------------------------


def test_a_key_made_active_again_by_somebody_else_opens_a_finding_at_day_0():
    before = state(keys={KEY_1: key_record(inactivated_at=ago(1))})
    after, happened = book(snapshot(FLAGGED), before)
    assert after.keys[KEY_1].reactivated_at == LATER
    assert after.users[ANN].findings[ROTATION, KEY_1].opened_on is None
    assert happened == [(CaseEvent.FINDING_SEEN, KEY_1), (CaseEvent.KEY_REACTIVATED, KEY_1)]


def test_a_key_made_active_again_before_the_next_run_opens_a_finding_at_day_0_too():
    told = notice_record(0, Stage.ENFORCEMENT)
    done = record(day_0=True, enforced_on=MONDAY, notices=(notice_record(0), told))
    before = state(case(done), keys={KEY_1: key_record(inactivated_at=NOW - timedelta(hours=1))})
    after, happened = book(snapshot(replace(FLAGGED, observed_at=LATER)), before)
    anew = after.users[ANN].findings[ROTATION, KEY_1]
    assert (anew.enforced_on, anew.opened_on, anew.first_seen_on) == (None, None, on(3))
    assert (CaseEvent.KEY_REACTIVATED, KEY_1) in happened


def profile_removed(on_day, *, told=True):
    notices = (notice_record(0), notice_record(on_day, Stage.ENFORCEMENT)) if told else ()
    done = record(MFA_CONTROL, "mfa", day_0=True, enforced_on=on(on_day), notices=notices)
    operation = rotation(
        StepName.DONE,
        kind=OperationKind.ENFORCEMENT,
        control=MFA_CONTROL,
        resource_id="mfa",
        act="delete_login_profile",
    )
    return state(case(done, operations=by_id(operation)))


@pytest.mark.parametrize(
    ("before", "anew"),
    [
        (profile_removed(2), True),
        (profile_removed(3), False),  # the report of this very day may be older than the act
        (profile_removed(2, told=False), False),
    ],
)
def test_a_password_given_back_after_it_was_removed_opens_a_finding_at_day_0(before, anew):
    after, _ = book(snapshot(console("ann", mfa_active=False)), before)
    seen = after.users[ANN].findings[MFA_CONTROL, "mfa"]
    assert (seen.opened_on is None) is anew


def test_whoever_cannot_be_written_to_gets_no_closing_mail():
    lost = user("ann", access_key(2), tags={})
    assert book(snapshot(lost), state(OPENED))[0].users == {}
    bounced = replace(OPENED, bounced=bounce("ann@example.com"))
    assert book(snapshot(MENDED), state(bounced))[0].users == {}


def test_a_doubted_user_list_closes_nothing():
    others = [user(f"u{n}") for n in range(10)]
    known = Population(users=frozenset(u.user_id for u in others) | {ANN})
    before = state(OPENED, keys={KEY_1: key_record()}, population=known)
    after, happened = book(snapshot(others[0]), before)
    assert after.users == {ANN: OPENED}
    assert after.keys == before.keys
    assert happened == []
    accepted, _ = book(snapshot(others[0]), before, accepted=10)
    assert accepted.users == {}


def test_a_user_whom_only_the_report_knows_is_kept():
    after, _ = book(snapshot(unconfirmed=frozenset({"ann"})), state(OPENED))
    assert after.users == {ANN: OPENED}
