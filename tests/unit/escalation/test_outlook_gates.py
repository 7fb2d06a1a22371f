from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    ACCOUNT,
    INACTIVE,
    KEY_1,
    MFA_CONTROL,
    NOW,
    ROTATION,
    SECOND,
    STALE,
    access_key,
    ago,
    bounce,
    by_id,
    case,
    console,
    delivered,
    key_record,
    old_key,
    on,
    outlook,
    policy,
    record,
    snapshot,
    user,
)
from tests.unit.escalation.situations import (
    ADMIN,
    AGED,
    CLOSED,
    PASSWORD,
    QUARANTINE,
    situation,
)

from keyreeve.escalation.machine import HandOver
from keyreeve.model.case import OperationKind
from keyreeve.model.decisions import Extension, Hold, HumanDecisions
from keyreeve.model.plan import Gate
from keyreeve.model.policy import (
    CompressedClock,
    Delivery,
    Enforcement,
    Exclusion,
    FinalAct,
    Match,
    OwnerRules,
)
from keyreeve.model.snapshot import Caller

# --- gates before the hand-over -------------------------------------------------------------------

CHANGED = {"addresses": ("old@example.com",)}
SELF = {"caller": Caller(account_id=ACCOUNT, arn="arn", user_id="AIDAANN")}
HELD = {
    "nothing": (user("ann", AGED), {}, {}, None),
    "no address": (
        user("ann", AGED, tags={}),
        {},
        {},
        (Gate.RECIPIENT, "no tag email, and the user name is no address"),
    ),
    "address changed": (
        user("ann", AGED),
        {"told": case(record(day_0=True), **CHANGED)},
        {},
        (Gate.RECIPIENT, "the owner's address changed since the first notice"),
    ),
    "outside the domains": (
        user("ann", AGED),
        {"settings": policy(owner=OwnerRules(domains=("corp.example",)))},
        {},
        (Gate.RECIPIENT, "ann@example.com is outside mail.owner.domains"),
    ),
    "delivery through Secrets Manager": (
        user("ann", AGED),
        {"settings": policy(delivery=Delivery.SECRETS_MANAGER)},
        {},
        None,
    ),
}


@pytest.mark.parametrize("row", HELD)
def test_gates_before_a_replacement(row):
    who, more, facts, held = HELD[row]
    assert situation(who, facts=facts, **more).hand_over_held == held


def test_a_shared_mailbox_receives_no_credentials():
    ann = user("ann", AGED, tags={"email": "ops@example.com"})
    bob = user("bob", tags={"email": "ops@example.com"})
    told = case(record(day_0=True), addresses=("ops@example.com",))
    at = outlook(snapshot(ann, bob)).situation(told, record(day_0=True))
    assert at.hand_over_held == (Gate.RECIPIENT, "ops@example.com belongs to more than one user")


RESETS = {
    "a user who may change the password": (console("ann"), {}, None),
    "one who may not": (
        console("ann"),
        {"password_policy": None},
        (Gate.PASSWORD_CHANGE, "the account's password policy could not be read"),
    ),
    "Keyreeve itself": (
        console("ann"),
        SELF,
        (Gate.NEVER, "this is the identity that Keyreeve runs as"),
    ),
    "the last administrator": (
        console("ann", granted=ADMIN),
        {},
        (Gate.NEVER, "this is the last administrator"),
    ),
}


@pytest.mark.parametrize("row", RESETS)
def test_gates_before_a_reset(row):
    who, facts, held = RESETS[row]
    assert situation(who, PASSWORD, facts=facts).hand_over_held == held


def test_where_e_has_an_act_for_it_the_owner_is_told_why_no_reset_is_made():
    at = situation(console("ann"), PASSWORD, settings=QUARANTINE, facts={"password_policy": CLOSED})
    assert at.hand_over_held is None
    assert at.hand_over is HandOver.NOTHING
    assert at.why_nothing.startswith("neither the account's password policy")
    assert at.acts


def test_no_password_is_reset_for_an_address_that_bounces():
    told = case(PASSWORD, bounced=bounce("ann@example.com"))
    held = situation(console("ann"), PASSWORD, told=told).hand_over_held
    assert held is not None


# --- gates before the act -------------------------------------------------------------------------


def act_held(who, *crew, told=None, facts=None):
    seen = snapshot(who, *crew, **(facts or {}))
    told = told or case(record(day_0=True), who=who)
    return outlook(seen).situation(told, record(day_0=True)).act_held


def test_gates_before_an_act_that_nobody_can_date():
    ann = user("ann", AGED)
    assert act_held(ann) is None
    assert act_held(ann, facts=SELF) == (
        Gate.NEVER,
        "this is the identity that Keyreeve runs as",
    )
    unreachable = user("ann", AGED, tags={})
    reason = "no tag email, and the user name is no address"
    assert act_held(unreachable) == (Gate.TOLD, f"the owner cannot be reached: {reason}")
    bounced = case(record(day_0=True), bounced=bounce("Ann@example.com"))
    assert act_held(ann, told=bounced) == (Gate.TOLD, "mail to ann@example.com bounces")
    elsewhere = case(record(day_0=True), bounced=bounce("old@example.com"))
    assert act_held(ann, told=elsewhere) is None


@pytest.mark.parametrize(
    ("others", "last"),
    [
        ((), True),
        ((user("bob", access_key(), granted=ADMIN),), False),
        ((user("bob", access_key()),), True),
        ((user("bob", access_key(active=False), granted=ADMIN),), True),
        ((console("bob", granted=ADMIN),), False),
        ((user("root-spare", access_key(), granted=ADMIN),), True),
    ],
)
def test_the_last_administrator_is_the_last_who_is_not_excluded_and_has_a_way_in(others, last):
    ann = user("ann", AGED, granted=ADMIN)
    settings = policy(exclusions=(Exclusion(match=Match(user="root-*"), reason="spare"),))
    view = outlook(snapshot(ann, *others), settings)
    held = view.situation(case(record(day_0=True)), record(day_0=True)).act_held
    assert held == ((Gate.NEVER, "this is the last administrator") if last else None)


# --- what E does ----------------------------------------------------------------------------------

ACTS = {
    "a key": (record(), policy(), True),
    "a spare": (record(STALE, KEY_1), policy(), True),
    "MFA by default": (record(MFA_CONTROL, "mfa"), policy(), False),
    "MFA with quarantine": (
        record(MFA_CONTROL, "mfa"),
        policy(enforcement=Enforcement(console_mfa=FinalAct.QUARANTINE)),
        True,
    ),
    "password by default": (PASSWORD, policy(), False),
    "password with quarantine": (PASSWORD, QUARANTINE, True),
}


@pytest.mark.parametrize("row", ACTS)
def test_whether_e_changes_anything(row):
    seen, settings, acts = ACTS[row]
    assert situation(console("ann", AGED), seen, settings=settings).acts is acts


UNUSED = policy(enforcement=Enforcement(user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS))


def test_where_no_key_is_unused_there_is_no_act_for_an_inactive_user():
    seen = record(INACTIVE, "user", day_0=True)
    assert situation(console("ann", old_key(last_used=ago(80))), seen, settings=UNUSED).acts
    assert not situation(console("ann", old_key()), seen, settings=UNUSED).acts
    shut = {KEY_1: key_record(inactivated_at=NOW)}
    idle = console("ann", old_key(last_used=ago(80)))
    assert not situation(idle, seen, settings=UNUSED, keys=shut).acts
    done = replace(seen, enforced_on=on(14))
    assert situation(console("ann", old_key()), done, settings=UNUSED).acts


def test_after_a_reset_e_changes_nothing_more():
    made = delivered(7, kind=OperationKind.PASSWORD_RESET, resource_id="password")
    told = case(PASSWORD, operations=by_id(made))
    at = situation(console("ann"), PASSWORD, told=told, settings=QUARANTINE)
    assert (at.acts, at.handed_over_on) == (False, on(7))


# --- people ---------------------------------------------------------------------------------------


def hold(who="ann", until=10):
    return Hold(user=who, until=on(until), reason="leave", added_at=NOW, added_by="arn")


def extension(days, *, who="ann", added=NOW):
    return Extension(
        user=who, days=days, reason="r", added_at=added, added_by="arn", extension_id=f"{days}"
    )


@pytest.mark.parametrize(
    ("held", "until"),
    [
        (hold(), 10),
        (hold("AIDAANN", 1), 1),
        (hold("bob"), None),
        (hold(until=0), None),
    ],
)
def test_a_hold_by_name_or_id_lasts_until_its_date(held, until):
    at = situation(user("ann", AGED), people=HumanDecisions(holds=(held,)))
    assert at.held_until == (None if until is None else on(until))


@pytest.mark.parametrize(
    ("extensions", "days"),
    [
        ((), 0),
        ((extension(5),), 5),
        ((extension(5), extension(7, who="AIDAANN")), 12),
        ((extension(20), extension(20)), 30),
        ((extension(5, who="bob"),), 0),
        ((extension(5, added=NOW - SECOND),), 0),
    ],
)
def test_extensions_since_the_finding_opened_add_up_to_the_cap(extensions, days):
    people = HumanDecisions(extensions=extensions)
    assert situation(user("ann", AGED), people=people).extension_days == days


def test_an_extension_made_while_the_finding_is_pending_is_not_lost():
    people = HumanDecisions(extensions=(extension(5),))
    told = case(record())
    assert situation(user("ann", AGED), record(), told=told, people=people).extension_days == 5


# --- the day --------------------------------------------------------------------------------------


def test_the_days_one_notice_and_the_cases_first_are_known():
    told = case(record(day_0=True))
    at = situation(user("ann", AGED), told=told)
    assert (at.first_in_case, at.noticed_today, at.not_today) == (False, True, False)
    fresh = situation(user("ann", AGED), record(), told=case(record()))
    assert (fresh.first_in_case, fresh.noticed_today) == (True, False)
    assert at.overlap_days == 4
    wide = policy(enforcement=Enforcement(minimum_overlap_days=6))
    assert situation(user("ann", AGED), settings=wide).overlap_days == 6


def test_under_a_compressed_clock_a_case_has_its_own_date():
    clock = policy(compressed=CompressedClock(day=timedelta(minutes=10), users=("ann",)))
    view = outlook(snapshot(user("ann", AGED)), clock, now=NOW + timedelta(minutes=70))
    assert view.today(case(record(day_0=True))) == on(7)


def test_every_finding_of_a_case_is_decided_and_those_held_back_wait():
    warned = replace(record(day_0=True), enforced_on=None)
    told = case(warned, record(MFA_CONTROL, "mfa", day_0=True))
    view = outlook(snapshot(console("ann", AGED)), now=NOW + timedelta(days=7))
    decisions = view.decisions(told)
    assert set(decisions) == set(told.findings)
    assert decisions[ROTATION, KEY_1].credentials_due
    later = view.decisions(told, not_today={(ROTATION, KEY_1)})
    assert not later[ROTATION, KEY_1].credentials_due
