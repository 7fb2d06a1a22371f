from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.builders import (
    INACTIVE,
    INLINE,
    KEY_1,
    KEY_2,
    KEY_3,
    LETTERHEAD,
    MFA_CONTROL,
    MONDAY,
    NOW,
    PASSWORD_AGE,
    ROTATION,
    accepted_mails,
    access_key,
    bounce,
    by_id,
    case,
    console,
    day,
    delivered,
    gap_of,
    key_record,
    old_key,
    on,
    policy,
    record,
    snapshot,
    state,
    user,
)
from tests.unit.reporting.reported_account import CIS, CITED, report, waiver

from keyreeve.codec.values import to_json
from keyreeve.model.case import Stage
from keyreeve.model.control import Severity
from keyreeve.model.decisions import Extension, Hold, HumanDecisions, Pause
from keyreeve.model.finding import FindingStatus
from keyreeve.model.policy import Exclusion, Match, OwnerRules
from keyreeve.model.posture import Posture, PostureFinding, ResourceType
from keyreeve.model.usage import KeyUsage
from keyreeve.reporting.report_controls import find_framework

# --- figures --------------------------------------------------------------------------------------


def test_every_user_is_counted_in_exactly_one_part_of_the_ring():
    spare = replace(policy(), exclusions=(Exclusion(match=Match(user="svc"), reason="machine"),))
    gone = user("eve", old_key(key_id=KEY_3))
    found = report(
        console("ann", old_key()),
        console("bob"),
        user("svc", old_key(key_id=KEY_2)),
        gone,
        settings=spare,
        seen={"gaps": (gap_of(gone),)},
    )
    f = found.figures
    assert (f.in_order, f.with_findings, f.excluded, f.unread, f.users) == (1, 1, 1, 1, 4)
    assert (f.open_findings, f.console, f.mfa, f.active_keys) == (1, 2, 2, 3)
    assert [u.excluded for u in found.users if u.user_name == "svc"] == ["machine"]
    assert [u.unread for u in found.users if u.user_name == "eve"] == [
        ("ListAccessKeys: AccessDenied",)
    ]


def test_p9_a_requirement_is_not_said_to_be_without_findings_where_a_user_was_not_judged():
    gone, old = user("gone"), user("ann", old_key())
    found = report(gone, old, seen={"gaps": (gap_of(gone),)})
    ladder = {line.control: line for line in found.controls if line.escalated}
    assert not any(line.judged for line in ladder.values())
    assert ladder[ROTATION].open == 1
    requirements = [line for each in found.frameworks for line in each.requirements]
    assert requirements
    assert not any(line.judged for line in requirements)
    spare = Exclusion(match=Match(user="gone"), reason="vendor")
    excluded = replace(policy(), exclusions=(spare,))
    without = report(gone, old, seen={"gaps": (gap_of(gone),)}, settings=excluded)
    assert all(line.judged for line in without.controls if line.escalated)


def test_nobody_is_in_order_where_the_account_could_not_be_judged():
    ann = console("ann")
    found = report(ann, before=told(user("bob", old_key())), seen={"account_readable": False})
    assert (found.figures.in_order, found.figures.unread) == (0, 1)
    assert all(not line.judged for line in found.controls)
    assert found.days == ()
    assert found.cases[0].unread


def test_a_waived_finding_is_not_open_and_its_user_is_in_order():
    found = report(user("ann", old_key()), people=HumanDecisions(waivers=(waiver(),)))
    assert (found.figures.open_findings, found.figures.waived_findings) == (0, 1)
    assert (found.figures.in_order, found.figures.waivers) == (1, 1)
    (finding,) = found.users[0].findings
    assert (finding.status, finding.waived_until) == (FindingStatus.WAIVED, on(10))
    assert [(w.covers, w.days_left) for w in found.waivers] == [(1, 10)]
    assert [c.waived for c in found.controls if c.control is ROTATION] == [1]


@pytest.mark.parametrize(
    ("changes", "in_force"),
    [
        ({"expires_on": on(0)}, 1),
        ({"expires_on": on(-1)}, 0),
        ({"revoked_at": NOW}, 0),
    ],
)
def test_a_waiver_counts_until_the_end_of_its_day_unless_it_was_revoked(changes, in_force):
    people = HumanDecisions(waivers=(waiver(**changes),))
    found = report(user("ann", old_key()), people=people)
    assert found.figures.waivers == found.figures.waived_findings == in_force
    assert len(found.waivers) == 1


def test_what_is_due_held_and_overdue_is_counted_in_cases():
    def placed(name, key, stage, e, **changes):
        who = user(name, old_key(key_id=key))
        told = record(resource_id=key, day_0=True, promised_on=on(e), **changes)
        return who, case(replace(told, stage=stage, enforcement_on=on(e)), who=who)

    ann, first = placed("ann", KEY_1, Stage.NEW_CREDENTIALS, 14)
    now = NOW + timedelta(days=9)
    found = report(replace(ann, observed_at=now), before=state(first), now=now)
    assert (found.figures.cases, found.figures.due_this_week, found.figures.overdue) == (1, 1, 0)
    (line,) = found.cases
    assert line.enforcement_on == on(14)
    assert line.today


def test_what_is_overdue_hides_nothing_of_the_same_user_that_is_due():
    """Mails about MFA go on for ever; the key of the same user becomes Inactive in five days."""
    ann = console("ann", old_key(), mfa_active=False)
    mfa = record(MFA_CONTROL, "mfa", day_0=True)
    key = record(day_0=True, opened_on=on(21), promised_on=on(35))
    stands = case(
        replace(mfa, stage=Stage.OVERDUE, enforcement_on=on(14)),
        replace(key, stage=Stage.NEW_CREDENTIALS, enforcement_on=on(35)),
        who=ann,
    )
    for at, week, today in ((27, 0, 0), (30, 1, 0), (35, 1, 1)):
        now = NOW + timedelta(days=at)
        found = report(replace(ann, observed_at=now), now=now, state=state(stands))
        (line,) = found.cases
        assert (line.stage, line.enforcement_on) == (Stage.OVERDUE, on(14))
        assert (found.figures.due_this_week, found.figures.due_today) == (week, today)


def test_nothing_is_due_for_whom_nobody_has_told():
    found = report(user("ann", old_key()))
    assert (found.figures.not_begun, found.figures.due_this_week) == (1, 0)
    (line,) = found.cases
    assert (line.opened_on, line.next) == (None, None)
    assert line.today == ("a notice goes out: notification",)
    assert line.findings[0].coming == ()


# --- cases ----------------------------------------------------------------------------------------


def told(*users, at=NOW, **how):
    return accepted_mails(day(snapshot(*users, collected_at=at), now=at, **how))


def test_a_case_shows_what_is_next_and_every_rung_to_come():
    ann = user("ann", old_key())
    found = report(ann, before=told(ann), now=NOW + timedelta(days=1))
    (line,) = found.cases
    assert [(rung.stage, rung.on) for rung in line.findings[0].coming] == [
        (Stage.REMINDER, on(3)),
        (Stage.NEW_CREDENTIALS, on(7)),
        (Stage.WARNING, on(10)),
        (Stage.COUNTDOWN, on(11)),
        (Stage.ENFORCEMENT, on(14)),
    ]
    assert (line.next.stage, line.next.on) == (Stage.REMINDER, on(3))
    assert (line.opened_on, line.enforcement_on) == (MONDAY, on(14))
    assert [n.stage for n in line.findings[0].told] == [Stage.NOTIFICATION]
    assert line.findings[0].consequence.startswith("The key becomes inactive")


def test_a_hold_is_shown_with_its_gate_and_its_day():
    ann = user("ann", old_key())
    hold = Hold(user="ann", until=on(20), reason="on leave", added_at=NOW, added_by="arn")
    people = HumanDecisions(holds=(hold,))
    found = report(ann, before=told(ann), people=people, now=NOW + timedelta(days=8))
    (line,) = found.cases
    assert line.held_until == on(20)
    assert [h.gate for h in line.held] == ["human"]
    assert line.findings[0].held == line.held
    assert found.figures.held == 1
    assert found.holds == (hold,)


def test_no_step_is_announced_for_a_day_on_which_the_case_is_held():
    ann = user("ann", old_key())
    hold = Hold(user="ann", until=on(20), reason="on leave", added_at=NOW, added_by="arn")
    now = NOW + timedelta(days=1)
    found = report(ann, before=told(ann), people=HumanDecisions(holds=(hold,)), now=now)
    (line,) = found.cases
    assert line.next is not None
    assert line.next.on >= on(20)
    assert min(rung.on for rung in line.findings[0].coming) >= on(20)


def test_a_hold_puts_off_new_credentials_and_the_days_with_both_keys():
    """Released on a Sunday, new keys on Monday, and both work for four days before the act."""
    ann = user("ann", old_key())
    hold = Hold(user="ann", until=on(20), reason="on leave", added_at=NOW, added_by="arn")
    found = report(ann, before=told(ann), people=HumanDecisions(holds=(hold,)))
    assert found.cases[0].enforcement_on >= on(24)


def test_days_that_people_added_are_told_with_the_case():
    ann = user("ann", old_key())
    more = Extension(user="ann", days=3, reason="r", added_at=NOW, added_by="a", extension_id="E1")
    found = report(ann, before=told(ann), people=HumanDecisions(extensions=(more,)))
    assert found.cases[0].extension_days == 3
    assert found.cases[0].enforcement_on == on(17)


def test_days_are_counted_by_the_projects_calendar_as_every_verb_counts_them():
    """In Tokyo it was the 6th, in UTC the 5th, when the case was seen and the days were added."""
    evening = NOW.replace(hour=22)
    ann = replace(user("ann", old_key()), observed_at=evening)
    known = replace(case(record(), who=ann), first_seen_on=on(1))
    more = Extension(
        user="ann", days=3, reason="r", added_at=evening, added_by="a", extension_id="E1"
    )
    found = report(
        ann,
        before=state(known),
        people=HumanDecisions(extensions=(more,)),
        settings=policy(timezone=ZoneInfo("Asia/Tokyo")),
        now=evening,
    )
    assert found.cases[0].first_seen_on == on(1)
    assert found.cases[0].extension_days == 3


def test_a_case_whose_user_could_not_be_read_stands_still_and_says_so():
    ann = user("ann", old_key())
    found = report(
        ann, before=told(ann), seen={"gaps": (gap_of(ann),)}, now=NOW + timedelta(days=1)
    )
    (line,) = found.cases
    assert line.unread
    assert line.findings[0].consequence == ""
    assert line.findings[0].resource == KEY_1
    assert found.figures.gaps == len(found.gaps) > 0


def test_what_was_handed_over_is_named_with_both_keys():
    ann = user("ann", old_key(), access_key(2, key_id=KEY_3))
    known = case(record(day_0=True), who=ann, operations=by_id(delivered(7)))
    keys = {
        KEY_1: key_record(replaced_by=KEY_3),
        KEY_3: key_record(KEY_3, made_by_us=True, replaces=KEY_1),
    }
    found = report(
        ann,
        before=state(known, keys=keys),
        now=NOW + timedelta(days=8),
        usage={KEY_3: KeyUsage(key_id=KEY_3, last_used=NOW)},
    )
    (line,) = found.cases[0].findings
    assert (line.old_key, line.new_key, line.handed_over_on) == (KEY_1, KEY_3, on(7))
    lines = {key.key_id: key for key in found.keys}
    assert (lines[KEY_1].replaced_by, lines[KEY_3].replaces) == (KEY_3, KEY_1)
    assert lines[KEY_3].made_by_us
    assert lines[KEY_3].usage.last_used == NOW
    assert lines[KEY_1].usage is None


def test_a_case_that_only_waits_for_its_closing_mail_stands_at_no_stage():
    ann = user("ann", access_key())
    cleared = case(who=ann, closing_due=True, cleared=("Access key: in order.",))
    found = report(ann, before=state(replace(cleared, opened_on=MONDAY)))
    assert found.cases[0].closing
    assert sum(line.cases for line in found.stages) == 0
    assert (found.users[0].case_id, found.users[0].stage) == (cleared.case_id, None)


# --- users and keys -------------------------------------------------------------------------------


def test_ages_are_whole_days_and_never_is_not_zero():
    ann = console("ann", old_key(), access_key(2, key_id=KEY_2, last_used=NOW))
    bob = user("bob")
    found = report(ann, bob)
    first, second = found.users
    assert (first.oldest_key_days, first.last_seen_days, first.password_days) == (100, 0, 10)
    assert (second.oldest_key_days, second.last_seen_days) == (None, None)
    assert [(key.slot, key.age_days, key.unused_days) for key in found.keys] == [
        (1, 100, 1),
        (2, 10, 0),
    ]
    assert found.keys[0].flagged == (ROTATION,)
    assert found.figures.oldest_key_days == 100


def test_an_owner_without_an_address_is_shown_with_the_reason():
    found = report(user("ann", old_key(), tags={}))
    assert (found.users[0].owner, found.users[0].owner_reason) == (
        None,
        "no tag email, and the user name is no address",
    )
    (line,) = found.unreachable
    assert (line.user_name, line.address, line.again_on) == ("ann", None, None)
    assert found.figures.unreachable == 1


def test_whoever_was_told_and_only_gets_no_credentials_is_not_called_unreachable():
    """An address that belongs to two users takes notices, and never a secret."""
    tags = {"email": "ops@example.com"}
    ann, bob = user("ann", old_key(), tags=tags), user("bob", tags=tags)
    now = NOW + timedelta(days=7)
    found = report(
        replace(ann, observed_at=now),
        replace(bob, observed_at=now),
        before=told(ann, bob),
        now=now,
    )
    assert [held.gate for held in found.cases[0].held] == ["recipient"]
    assert "more than one user" in found.cases[0].held[0].reason
    assert found.cases[0].findings[0].told
    assert (found.unreachable, found.figures.unreachable, found.figures.held) == ((), 0, 1)


def test_an_address_that_bounces_is_shown_with_the_day_on_which_it_is_tried_again():
    ann = user("ann", old_key())
    known = case(record(day_0=True), who=ann, bounced=bounce("ann@example.com"))
    found = report(
        ann,
        before=state(known),
        settings=policy(owner=OwnerRules()),
        now=NOW + timedelta(days=2),
    )
    (line,) = found.unreachable
    assert (line.address, line.since, line.again_on) == ("ann@example.com", on(0), on(7))


# --- controls, frameworks, posture ----------------------------------------------------------------


def test_requirements_are_listed_in_their_order_with_what_supports_them():
    cis, soc = report(user("ann", old_key())).frameworks
    assert (cis.title, soc.title) == ("CIS AWS Foundations 5.0", "SOC 2")
    assert [line.id for line in cis.requirements] == ["1.9", "1.13", "1.14"]
    assert [line.open for line in cis.requirements] == [0, 1, 0]
    (line,) = soc.requirements
    assert (line.controls, line.ours, line.judged) == ((ROTATION, MFA_CONTROL), False, True)


def test_a_requirement_that_no_published_mapping_carries_is_marked_as_ours():
    only = {MFA_CONTROL: CITED[MFA_CONTROL]}
    _, soc = report(user(), citations=only).frameworks
    assert soc.requirements[0].ours


def test_the_view_of_a_framework_holds_only_what_it_cites():
    ann = console("ann", old_key(), mfa_active=False, password_last_changed=NOW - timedelta(100))
    whole = report(ann, before=told(ann))
    assert {f.control for f in whole.users[0].findings} == {ROTATION, MFA_CONTROL, PASSWORD_AGE}
    found = report(ann, before=told(ann), framework="CIS AWS Foundations 5.0")
    assert found.framework == "CIS AWS Foundations 5.0"
    assert {line.control for line in found.controls} == {ROTATION, MFA_CONTROL, INLINE}
    assert {f.control for f in found.users[0].findings} == {ROTATION, MFA_CONTROL}
    assert {f.control for f in found.cases[0].findings} == {ROTATION, MFA_CONTROL}
    assert PASSWORD_AGE.value not in found.days[-1].findings
    assert found.figures.open_findings == 2
    assert [line.title for line in found.frameworks] == ["CIS AWS Foundations 5.0"]


def test_a_case_without_a_finding_of_the_framework_is_not_in_its_view():
    ann = console("ann", password_last_changed=NOW - timedelta(100))
    assert report(ann, before=told(ann)).figures.cases == 1
    assert report(ann, before=told(ann), framework="SOC 2").figures.cases == 0


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("soc 2", "SOC 2"),
        ("SOC", "SOC 2"),
        ("cis aws foundations 5.0", "CIS AWS Foundations 5.0"),
        ("", None),
        ("HIPAA", None),
    ],
)
def test_a_framework_is_found_by_its_title_or_its_beginning(name, title):
    found, known = find_framework(name, CITED)
    assert found == title
    assert known == ("CIS AWS Foundations 5.0", "SOC 2")


def test_a_beginning_of_two_frameworks_is_neither():
    two = {ROTATION: (CIS, replace(CIS, version="6.0"))}
    assert find_framework("CIS", two)[0] is None
    assert find_framework("CIS AWS Foundations 6.0", two)[0] == "CIS AWS Foundations 6.0"


def posture_finding(control=INLINE):
    return PostureFinding(
        control=control,
        account_id=LETTERHEAD.account_id,
        resource_type=ResourceType.ROLE,
        resource_id="arn:aws:iam::123456789012:role/admin",
        resource_name="admin",
        severity=Severity.HIGH,
        observed="*",
        threshold="a principal",
        detail="Anybody may assume it.",
    )


def test_an_account_that_was_not_looked_at_is_not_one_without_findings():
    assert report(user()).figures.posture_findings is None
    assert report(user(), posture=Posture(judged=(INLINE,))).figures.posture_findings == 0
    found = report(user(), posture=Posture(findings=(posture_finding(),)))
    assert found.figures.posture_findings == 1
    assert [line.open for line in found.controls if line.control is INLINE] == [1]


def test_a_gap_of_the_posture_is_a_gap_of_the_report():
    gap = gap_of(user())
    assert gap in report(user(), posture=Posture(gaps=(gap,))).gaps


def test_findings_of_the_account_follow_the_view_too():
    posture = Posture(
        judged=(INLINE, INACTIVE), findings=(posture_finding(), posture_finding(INACTIVE))
    )
    found = report(user(), posture=posture, framework="CIS AWS Foundations 5.0")
    assert [f.control for f in found.posture.findings] == [INLINE]
    assert found.posture.judged == (INLINE,)


def test_a_pause_and_what_the_run_would_refuse_come_first():
    pause = Pause(reason="audit", since=NOW, by="arn")
    assert report(user(), people=HumanDecisions(pause=pause)).pause == pause


def test_the_whole_report_can_be_written_down():
    found = report(user("ann", old_key()), people=HumanDecisions(waivers=(waiver(),)))
    written = to_json(found)
    assert written["as_of"] == datetime(2026, 1, 5, 6, tzinfo=UTC).isoformat()
    assert written["figures"]["users"] == 1
