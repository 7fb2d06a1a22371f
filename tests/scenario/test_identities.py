"""Who is who: users renamed, re-created, deleted; addresses changed, shared, missing; keys back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.scenario.people import aged, bystanders, console, key, old_password, person, quiet
from tests.scenario.village import TEAM, Village

from keyreeve.model.case import Stage
from keyreeve.model.errors import AccessDenied
from keyreeve.model.identifiers import UserId
from keyreeve.model.notice import MailKind
from keyreeve.model.plan import OutcomeKind
from keyreeve.model.policy import OwnerRules
from keyreeve.pipeline.collect import ASKED_AFTER


def village_of(*people, **policy) -> Village:
    return Village(*people, *bystanders(6), **policy)


# --- users ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [1, 6, 8, 13])
def test_a_renamed_user_goes_on_where_the_ladder_was_in_the_same_thread(day: int):
    village = village_of(aged())
    village.live(0, day)
    village.account.rename("aged.key", "new.name")
    village.live(day + 1, 20)
    acts = village.acts("aged.key") + village.acts("new.name")
    assert acts == [(7, "create_replacement_key"), (14, "deactivate_access_key")]
    subjects = {m.subject for m in village.mails(MailKind.NOTICE)}
    roots = {m.references[0] for m in village.mails(MailKind.NOTICE)}
    assert (len(subjects), len(roots)) == (1, 1)


@pytest.mark.parametrize("day", [1, 6, 8, 13])
def test_a_deleted_user_is_forgotten_and_nobody_else_is_disturbed(day: int):
    village = village_of(aged(), aged("other"))
    village.live(0, day)
    village.account.delete("aged.key")
    village.live(day + 1, 20)
    assert village.case("aged.key") is None
    assert [d for d, _ in village.acts("aged.key") if d > day] == []
    assert [d for d in village.days("aged.key") if d > day] == []
    assert village.acts("other") == [(7, "create_replacement_key"), (14, "deactivate_access_key")]


@pytest.mark.parametrize("day", [1, 6, 8, 13])
def test_a_re_created_user_of_the_same_name_begins_anew(day: int):
    village = village_of(aged())
    village.live(0, day)
    first = village.case("aged.key")
    village.account.delete("aged.key")
    born = village.at(day)
    again = person("aged.key", key(80), created_at=born, user_id=UserId("AIDASECONDONE00000000"))
    village.account.add(
        replace(again, keys=(replace(again.keys[0], key_id="AKIASECONDONE0000001"),))
    )
    village.live(day + 1, day + 2)
    second = village.case("aged.key")
    assert second.user_id != first.user_id
    assert second.case_id != first.case_id
    assert second.opened_on is None or second.opened_on > first.opened_on
    assert "deactivate_access_key" not in [k for d, k in village.acts("aged.key") if d > day]


def cut_short(village, *names: str):
    """The list of users lacks these from now on; they are there all the same."""
    asked = village.account.details

    def details():
        found = asked()
        return replace(found, users=tuple(u for u in found.users if u.name not in names))

    village.account.details = details


def test_a_user_missing_from_a_list_cut_short_is_named_and_the_run_exits_with_1():
    village = village_of(aged(), aged("other"))
    village.live(0, 6)
    before = village.case("aged.key")
    whole = village.account.details
    cut_short(village, "aged.key")
    report = village.run(7)
    assert report.exit_code == 1
    assert [(gap.step, gap.user_name) for gap in report.plan.gaps] == [
        ("GetAccountAuthorizationDetails", "aged.key")
    ]
    assert village.case("aged.key") == before
    assert village.acts("aged.key") == []
    assert village.acts("other") == [(7, "create_replacement_key")]
    village.account.details = whole
    assert village.run(8).exit_code == 0
    assert village.acts("aged.key") == [(8, "create_replacement_key")]


def test_a_user_whom_no_list_and_no_call_shows_is_named_too():
    village = village_of(aged(), aged("other"))
    village.live(0, 1)
    cut_short(village, "aged.key")
    asked = village.account.user

    def user(name):
        if name == "aged.key":
            raise AccessDenied("no", call="iam:GetUser")
        return asked(name)

    village.account.user = user
    report = village.run(2)
    assert (report.exit_code, [gap.user_name for gap in report.plan.gaps]) == (1, ["aged.key"])


def test_a_user_deleted_since_the_report_was_made_is_no_gap():
    village = village_of(aged(), aged("other"))
    village.live(0, 1)
    report = village.account.credential_report()
    village.account.report_of = lambda made: replace(made, content=report.content)
    village.account.delete("aged.key")
    done = village.run(2)
    assert (done.exit_code, done.plan.gaps) == (0, ())
    assert village.case("aged.key") is not None  # until a report made since agrees


def test_a_list_that_lacks_many_names_them_all_and_asks_after_a_few():
    people = [aged(f"user{n:02d}") for n in range(30)]
    village = village_of(*people, *bystanders(100))
    village.run(0)
    cut_short(village, *(user.name for user in people))
    asked = []
    look = village.account.user
    village.account.user = lambda name: asked.append(name) or look(name)
    report = village.run(1, execute=False)
    assert len(report.plan.gaps) == 30
    assert len(asked) == ASKED_AFTER


def test_a_user_deleted_during_the_run_is_left_out_and_the_others_go_on():
    village = village_of(aged(), aged("other"))
    village.live(0, 6)
    details = village.account.details()
    report = village.account.credential_report()
    village.account.now = village.at(7)
    village.account.delete("aged.key")
    village.account.details = lambda: details
    village.account.report_of = lambda made: replace(made, content=report.content)
    village.run(7)
    assert (7, "create_replacement_key") not in village.acts("aged.key")
    assert (7, "create_replacement_key") in village.acts("other")


# --- keys -----------------------------------------------------------------------------------------


def test_a_key_that_somebody_re_activates_opens_at_day_0_and_the_team_is_told_once():
    village = village_of(aged())
    village.live(0, 16)
    old = next(iter(village.account.keys_of("aged.key")))
    assert village.case("aged.key") is None
    village.account.change_key("aged.key", old, active=True)
    village.live(17, 25)
    told = [subject for _, subject in village.told_the_team() if "active again" in subject]
    assert len(told) == 1
    opened = village.case("aged.key").findings[("access_key_rotation", old)]
    assert (opened.opened_on, village.account.keys_of("aged.key")[old]) == (date(2026, 1, 22), True)
    assert (17, "notification") in village.notices("aged.key")


def test_a_re_activated_key_is_made_inactive_again_only_after_a_ladder_of_its_own():
    village = village_of(aged())
    village.live(0, 16)
    old = next(iter(village.account.keys_of("aged.key")))
    village.account.change_key("aged.key", old, active=True)
    village.live(17, 40)
    ends = [d for d, kind in village.acts("aged.key") if kind == "deactivate_access_key"]
    assert ends == [14, 31]
    assert len(village.mails(MailKind.CREDENTIALS)) == 1


def test_a_replacement_that_is_deleted_by_its_owner_is_not_made_again_in_the_same_case():
    village = village_of(aged())
    village.live(0, 9)
    (user,) = [u for u in village.account.snapshot().users if u.name == "aged.key"]
    village.account.change("aged.key", keys=user.keys[:1])
    village.live(10, 20)
    assert [k for _, k in village.acts("aged.key")].count("create_replacement_key") == 1


@pytest.mark.parametrize("used", [None, 80, 200])
def test_no_key_is_made_for_a_user_none_of_whose_keys_was_used(used: int | None):
    village = village_of(person("dormant", key(100, used)))
    village.live(0, 20)
    assert village.acts("dormant") == [(14, "deactivate_access_key")]
    assert not village.mails(MailKind.CREDENTIALS)


def test_no_password_is_reset_for_a_user_who_never_signs_in():
    user = person("dormant", **console(changed=100, signed_in=90))
    village = village_of(user)
    village.live(0, 30)
    assert village.acts("dormant") == []
    assert len(village.case("dormant").findings) == 2


def test_the_rest_of_the_ladder_goes_on_for_a_dormant_user():
    village = village_of(quiet("dormant", key(100, None)))
    village.live(0, 15)
    assert village.acts("dormant") == [(14, "deactivate_access_key")]


# --- addresses ------------------------------------------------------------------------------------


def test_users_of_one_mailbox_get_notices_but_no_credentials_and_the_team_is_told():
    shared = {"email": "ops@example.com"}
    one = person("one", key(100), tags=shared)
    two = person("two", key(90), tags=shared)
    village = village_of(one, two)
    village.live(0, 30)
    assert not village.mails(MailKind.CREDENTIALS)
    assert village.acts("one") == village.acts("two") == []
    assert village.notices("one")[0] == (0, "notification")
    assert len([s for _, s in village.told_the_team() if "recipient" in s]) == 2


@pytest.mark.parametrize("day", [1, 6])
def test_credentials_do_not_go_to_an_address_that_changed_since_the_first_notice(day: int):
    village = village_of(aged())
    village.live(0, day)
    village.account.change("aged.key", tags={"email": "mallory@example.com"})
    village.live(day + 1, 25)
    assert not village.mails(MailKind.CREDENTIALS)
    assert "deactivate_access_key" not in [kind for _, kind in village.acts("aged.key")]
    assert len([s for _, s in village.told_the_team() if "recipient" in s]) == 1


def test_an_address_changed_after_the_plan_was_made_gets_nothing():
    village = village_of(aged())
    village.live(0, 6)
    details = village.account.details()
    village.account.change("aged.key", tags={"email": "mallory@example.com"})
    village.account.details = lambda: details
    village.run(7)
    assert not village.mails(MailKind.CREDENTIALS)
    assert village.account.keys_of("aged.key") == dict.fromkeys(
        village.account.keys_of("aged.key"), True
    )
    assert len(village.account.keys_of("aged.key")) == 1


NEW = "new.owner@example.com"


@pytest.mark.parametrize(
    ("day", "told", "acts"),
    [
        (7, [8, 10, 11, 14], 14),
        (9, [10, 11, 14], 14),
        (10, [11, 14, 15], 15),
        (11, [14, 15, 16], 16),
        (13, [14, 15, 16], 16),
    ],
)
def test_who_is_the_owner_since_a_few_days_is_told_twice_and_warned_before_the_act(day, told, acts):
    village = village_of(aged())
    village.live(0, day)
    village.account.change("aged.key", tags={"email": NEW})
    village.live(day + 1, acts - 1)
    (record,) = village.case("aged.key").findings.values()
    assert {n.enforcement_on for n in record.notices if n.to == NEW} == {village.at(acts).date()}
    village.live(acts, 30)
    heard = [mail.sent_at for mail in village.mails(MailKind.NOTICE) if mail.to == (NEW,)]
    assert [(at - village.start).days for at in heard] == told
    assert village.acts("aged.key")[1:] == [(acts, "deactivate_access_key")]
    assert not any(mail.to == (NEW,) for mail in village.mails(MailKind.CREDENTIALS))


@pytest.mark.parametrize(
    ("day", "back", "told", "acts"),
    [(10, 13, 15, 15), (12, 14, 16, 16), (13, 14, 16, 16), (10, 11, 15, 15)],
)
def test_a_date_told_to_an_owner_of_a_few_days_comes_no_nearer_when_the_address_comes_back(
    day, back, told, acts
):
    village = village_of(aged())
    village.live(0, day)
    village.account.change("aged.key", tags={"email": NEW})
    village.live(day + 1, back)
    (record,) = village.case("aged.key").findings.values()
    assert record.notices[-1].to == NEW
    assert record.notices[-1].enforcement_on == village.at(told).date()
    village.account.change("aged.key", tags={"email": "aged.key@example.com"})
    village.live(back + 1, 24)
    assert village.acts("aged.key")[1:] == [(acts, "deactivate_access_key")]
    assert acts - 1 in village.days("aged.key")


@pytest.mark.parametrize("tags", [{"email": NEW}, {}], ids=["another address", "no address"])
def test_an_address_changed_after_the_plan_was_made_ends_no_key(tags):
    village = village_of(aged())
    village.live(0, 13)
    details = village.account.details()
    village.account.change("aged.key", tags=tags)
    village.account.details = lambda: details
    report = village.run(14)
    assert "deactivate_access_key" not in [kind for _, kind in village.acts("aged.key")]
    assert [o.reason for o in report.outcomes if o.kind is OutcomeKind.DEFERRED] == [
        "the owner's address has changed since this run began"
    ]


@pytest.mark.parametrize(
    ("tags", "rules"),
    [
        ({"email": "someone@elsewhere.org"}, {"domains": ("example.com",)}),
        ({"email": TEAM}, {"domains": ("example.com",)}),
    ],
    ids=["outside the domains", "an address of the team"],
)
def test_credentials_go_to_no_foreign_address_and_to_no_address_of_the_team(tags, rules):
    owner = OwnerRules(fallback=(TEAM,), **rules)
    village = village_of(person("strange", key(100), tags=tags), owner=owner)
    village.live(0, 25)
    assert not village.mails(MailKind.CREDENTIALS)
    assert village.acts("strange") == []


def test_an_unreachable_owner_means_one_word_to_the_fallback_and_a_pending_finding():
    village = village_of(person("nobody", key(100), tags={}))
    village.live(0, 30)
    (record,) = village.case("nobody").findings.values()
    assert (record.stage, record.opened_on) == (Stage.PENDING, None)
    assert village.acts("nobody") == village.notices("nobody") == []
    assert [s for _, s in village.told_the_team() if "nobody" in s] == [
        "[ETV] IAM Compliance team: Nobody can be told about nobody"
    ]


def test_an_owner_who_can_be_reached_later_begins_at_day_0_then():
    village = village_of(person("late", key(100), tags={}))
    village.live(0, 9)
    village.account.change("late", tags={"email": "late@example.com"})
    village.live(10, 26)
    assert village.notices("late")[0] == (10, "notification")
    assert village.acts("late") == [(17, "create_replacement_key"), (24, "deactivate_access_key")]


def test_an_owner_whose_address_is_lost_on_the_way_is_not_acted_upon():
    village = village_of(aged(), old_password())
    village.live(0, 9)
    for name in ("aged.key", "old.password"):
        village.account.change(name, tags={})
    village.live(10, 25)
    assert [d for d, _ in village.acts("aged.key") if d > 9] == []
    assert village.case("aged.key").findings
