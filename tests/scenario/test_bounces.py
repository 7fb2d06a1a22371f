"""Mails that come back: nothing that can hurt rests on a word that never arrived (gates 1, 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scenario.people import ACCOUNT, aged, bystanders, old_password
from tests.scenario.village import TEAM, Silence, Village

from keyreeve.model.case import StepName
from keyreeve.model.errors import (
    AccessDenied,
    BrokenOff,
    RecipientRefused,
    StorageUnreachable,
)
from keyreeve.model.notice import MailKind
from keyreeve.model.plan import OutcomeKind
from keyreeve.pipeline import workbench
from keyreeve.pipeline.memory import recall
from keyreeve.pipeline.people import Person
from keyreeve.pipeline.reinstate import Request, reinstate
from keyreeve.pipeline.resend import resend
from keyreeve.storage.audit_records import records
from keyreeve.storage.feedback import StoredFeedback

AGED = "aged.key"


def village_of(person=None, **more) -> Village:
    return Village(person or aged(), *bystanders(5), **more)


def notice_of(village, day):
    """The notice of that day to the owner."""
    return next(
        mail
        for mail in village.mails(MailKind.NOTICE)
        if mail.sent_at.date() == village.at(day).date()
    )


def live_dead(village, first, last, address=f"{AGED}@example.com"):
    """The days on which every mail to the address comes back soon after its run."""
    for day in range(first, last + 1):
        sent = len(village.mailer.sent)
        village.run(day)
        for mail in village.mailer.sent[sent:]:
            if address in mail.to:
                village.comes_back(mail)


def move_to(village, address):
    village.account.change(AGED, tags={"email": address})


def number(village, mail):
    """The mail system's own id of the mail."""
    return f"{village.mailer.sent.index(mail) + 1:04d}"


def operation(village, name=AGED):
    return next(iter(village.case(name).operations.values()))


def test_without_a_bounce_the_act_is_on_day_14():
    village = village_of()
    village.live(0, 14)
    assert village.acts(AGED) == [(7, "create_replacement_key"), (14, "deactivate_access_key")]


# --- notices --------------------------------------------------------------------------------------


def test_an_owner_whose_mail_bounces_gets_no_credentials_and_loses_nothing():
    village = village_of()
    village.live(0, 2)
    live_dead(village, 3, 28)
    assert village.acts(AGED) == []
    assert village.days(AGED) == [0, 3, 10, 17, 24]  # one trial a week
    assert village.e(AGED) is None  # E is open
    assert list(village.account.keys_of(AGED).values()) == [True]


def test_the_team_is_told_once_that_mail_does_not_arrive():
    village = village_of()
    village.live(0, 3)
    village.comes_back(notice_of(village, 3))
    village.live(4, 9)
    (told,) = village.mails(MailKind.TEAM)
    assert told.to == (TEAM,)
    assert told.subject.endswith("Mail to the owner of aged.key does not arrive")
    assert told.sent_at.date() == village.at(4).date()


def test_an_unreachable_owner_is_a_line_of_the_weekly_summary():
    village = village_of()
    village.live(0, 3)
    village.comes_back(notice_of(village, 3))
    (row,) = village.run(4).summary.unreachable
    assert (row.user_name, row.what) == (AGED, "owner unreachable")
    assert row.reason.endswith(f"mail to {AGED}@example.com bounces")


def test_a_refusal_that_was_mended_at_once_is_not_remembered_anew_by_the_next_run():
    village = village_of()
    address = f"{AGED}@example.com"
    village.mailer.refuse(address, RecipientRefused("550 5.1.1 user unknown"))
    village.run(0)
    assert village.case(AGED).bounced is not None
    village.mailer.accept(address)
    half_a_minute = 30 / 86_400
    village.run(half_a_minute)
    assert village.days(AGED) == [0]
    assert village.case(AGED).bounced is None
    village.run(1)  # reads once more what was written in the minute before the last save
    assert village.case(AGED).bounced is None


def test_a_refused_address_of_the_team_is_never_taken_for_the_owners():
    village = village_of()
    refusal = RecipientRefused("550 5.1.1 user unknown", address=TEAM)
    village.mailer.refuse(TEAM, refusal)
    village.run(0)
    assert village.case(AGED).bounced is None
    assert [o.kind for _, o in village.outcomes if o.effect_kind == "send_notice"] == [
        OutcomeKind.FAILED
    ]
    village.run(0.1)
    assert not any(o.effect_kind == "send_team_notice" for _, o in village.outcomes)
    village.mailer.accept(TEAM)
    village.run(0.2)
    assert village.days(AGED) == [0]


def test_a_new_address_is_told_for_seven_days_then_gets_the_credentials_and_the_act_follows():
    village = village_of()
    village.live(0, 3)
    village.comes_back(notice_of(village, 3))
    village.live(4, 8)
    move_to(village, "heir@example.com")
    village.live(9, 24)
    assert village.acts(AGED) == [(16, "create_replacement_key"), (21, "deactivate_access_key")]
    (private,) = village.mails(MailKind.CREDENTIALS)
    assert private.to == ("heir@example.com",)


def test_a_false_bounce_does_not_open_the_way_for_whoever_set_the_tag():
    village = village_of()
    village.live(0, 6)
    move_to(village, "mallory@example.com")
    for notice in village.mails(MailKind.NOTICE, AGED):
        village.comes_back(notice)
    village.live(7, 13)
    assert village.mails(MailKind.CREDENTIALS) == []
    assert village.acts(AGED) == []


def test_an_address_that_works_again_is_found_out_by_the_weeks_trial():
    village = village_of()
    village.live(0, 3)
    village.comes_back(notice_of(village, 3))
    village.live(4, 25)
    assert village.acts(AGED) == [(11, "create_replacement_key"), (15, "deactivate_access_key")]


def test_a_notice_that_a_full_mailbox_sent_back_was_not_told_and_is_said_again():
    village = village_of()
    village.live(0, 10)
    village.comes_back(notice_of(village, 10), lasting=False)
    village.live(11, 14)
    assert village.days(AGED) == [0, 3, 7, 10, 11, 14]
    assert village.acts(AGED)[-1] == (14, "deactivate_access_key")


def test_the_first_notice_that_came_back_keeps_day_0_and_is_said_again():
    village = village_of()
    village.run(0)
    village.comes_back(notice_of(village, 0), lasting=False)
    village.live(1, 14)
    assert village.days(AGED)[:3] == [0, 1, 3]
    assert village.acts(AGED)[-1] == (14, "deactivate_access_key")


def test_the_teams_own_copy_that_bounces_concerns_no_owner():
    village = village_of()
    village.live(0, 3)
    village.comes_back(notice_of(village, 3), to=TEAM)
    village.live(4, 14)
    assert village.acts(AGED)[-1] == (14, "deactivate_access_key")
    assert village.mails(MailKind.TEAM) == []


def test_feedback_about_another_projects_mail_changes_nothing():
    village, other = village_of(), village_of()
    village.live(0, 3)
    other.live(0, 3)
    theirs = replace(
        other.comes_back(notice_of(other, 3)), message_id="0100-of-another-project-000000"
    )
    StoredFeedback(village.store).keep(theirs, village.clock.now())
    village.live(4, 14)
    assert village.acts(AGED)[-1] == (14, "deactivate_access_key")


# --- credentials ----------------------------------------------------------------------------------


@pytest.mark.parametrize("lasting", [True, False])
def test_a_private_mail_that_came_back_undelivers_and_the_team_is_told(lasting):
    village = village_of()
    village.live(0, 7)
    village.comes_back(village.mails(MailKind.CREDENTIALS)[0], lasting=lasting)
    village.run(8)
    assert [subject for _, subject in village.told_the_team()] == [
        "[ETV] IAM Compliance team: aged.key: the new access key did not arrive"
    ]


def test_credentials_that_came_back_hold_the_act_until_four_days_after_they_arrived():
    village = village_of()
    village.live(0, 6)
    live_dead(village, 7, 15)
    (first,) = village.mails(MailKind.CREDENTIALS)
    assert operation(village).steps[-1] is StepName.CREATED
    assert village.account.shut == []
    move_to(village, "heir@example.com")
    village.live(16, 32)
    first, second = village.mails(MailKind.CREDENTIALS)
    assert second.to == ("heir@example.com",)
    assert second.attachments == first.attachments  # the same key, from escrow
    (shut,) = village.account.shut
    assert shut[0] - second.sent_at >= timedelta(days=4)


def test_a_private_mail_that_a_full_mailbox_sent_back_is_sent_again_the_next_day():
    village = village_of()
    village.live(0, 7)
    village.comes_back(village.mails(MailKind.CREDENTIALS)[0], lasting=False)
    village.live(8, 14)
    assert [m.sent_at.date() for m in village.mails(MailKind.CREDENTIALS)] == [
        village.at(7).date(),
        village.at(8).date(),
    ]
    assert len(village.account.keys_of(AGED)) == 2
    assert village.acts(AGED)[-1] == (14, "deactivate_access_key")


def test_a_private_mail_that_always_comes_back_is_left_to_a_person_in_the_end():
    village = village_of()
    for day in range(30):
        village.run(day)
        for mail in village.mails(MailKind.CREDENTIALS)[-1:]:
            village.comes_back(mail, lasting=False)
    assert len(village.mails(MailKind.CREDENTIALS)) == 5
    assert village.account.shut == []
    assert operation(village).stuck.startswith("the private mail has come back too often")


def test_a_replacement_that_never_arrived_is_no_earlier_one_for_a_finding_that_opens_anew():
    village = village_of()
    for day in range(15):
        village.run(day)
        for mail in village.mails(MailKind.CREDENTIALS)[-1:]:
            village.comes_back(mail, lasting=False)
    old, new = village.account.keys_of(AGED)
    village.account.change_key(AGED, old, active=False)
    village.live(15, 16)  # the finding has cleared; the key that waits keeps the case
    village.account.change_key(AGED, old, active=True)
    village.live(17, 33)  # its own day 14 is day 31
    assert village.account.keys_of(AGED) == {old: True, new: True}
    finding = village.case(AGED).findings["access_key_rotation", old]
    assert (finding.held.gate, finding.no_replacement) == ("human", None)
    assert operation(village).stuck is not None


def test_a_key_given_up_after_its_mail_came_back_is_not_told_of_again():
    village = village_of()
    village.live(0, 7)
    village.comes_back(village.mails(MailKind.CREDENTIALS)[0], lasting=False)
    _, lost = village.account.keys_of(AGED)
    village.account.delete_access_key(AGED, lost)
    creating = village.account.create_access_key
    village.account.create_access_key = refused
    village.live(8, 9)  # given up; and its successor cannot be made
    village.account.create_access_key = creating
    village.live(10, 14)
    assert [day for day, _ in village.told_the_team()] == [village.at(8).date()]
    assert operation(village).returned is None


def test_a_bounce_that_arrives_after_the_act_is_told_loudly():
    village = village_of(closing_mail=False)
    village.live(0, 14)
    village.comes_back(village.mails(MailKind.CREDENTIALS)[0])
    (told,) = village.run(15).plan.team
    assert told.headline == "aged.key: the new access key did not arrive"
    old, new = village.account.keys_of(AGED)
    assert told.paragraphs[0].startswith(
        f"The private mail with the new access key {new} came back"
    )
    assert told.paragraphs[1].startswith(f"The old key {old} was made inactive on Mon 19 Jan 2026")


def test_a_locked_out_owner_is_told_to_the_team_and_the_case_stays_open():
    village = village_of(old_password())
    village.live(0, 7)
    (first,) = village.mails(MailKind.CREDENTIALS)
    village.comes_back(first)
    village.live(8, 9)
    assert [subject.partition(": ")[2] for _, subject in village.told_the_team()] == [
        "old.password is locked out of the console: the new password came back"
    ]
    village.live(10, 13)  # the finding is gone: what is left is to hand the password over
    assert village.case("old.password").findings == {}
    village.live(14, 16)
    assert village.mails(MailKind.CREDENTIALS)[1].sent_at.date() == village.at(14).date()
    assert village.case("old.password") is None


def test_a_password_never_goes_by_itself_to_an_address_that_got_no_notice():
    village = village_of(old_password())
    village.live(0, 7)
    village.comes_back(village.mails(MailKind.CREDENTIALS)[0])
    village.account.change("old.password", tags={"email": "heir@example.com"})
    village.live(8, 30)
    assert len(village.mails(MailKind.CREDENTIALS)) == 1
    user = old_password()
    resend(
        village.wired(),
        Person(user_id=user.user_id, user_name=user.name),
        village.at(30.5),
        Silence(),
        send=True,
    )
    assert village.mails(MailKind.CREDENTIALS)[1].to == ("heir@example.com",)
    village.live(31, 32)
    assert village.case("old.password") is None


def test_a_password_that_a_full_mailbox_sent_back_is_sent_again_the_next_day():
    village = village_of(old_password())
    village.live(0, 7)
    village.comes_back(village.mails(MailKind.CREDENTIALS)[0], lasting=False)
    village.live(8, 12)
    assert [m.sent_at.date() for m in village.mails(MailKind.CREDENTIALS)] == [
        village.at(7).date(),
        village.at(8).date(),
    ]
    assert village.acts("old.password")[0] == (7, "reset_password")
    assert village.case("old.password") is None


def sent_again(village, user, day):
    """A person sends the private mail once more, the evening of the day."""
    person = Person(user_id=user.user_id, user_name=user.name)
    resend(village.wired(), person, village.at(day + 0.5), Silence(), send=True)
    return village.mails(MailKind.CREDENTIALS)[-1]


def test_a_case_stays_open_while_a_password_that_always_came_back_waits_for_a_person():
    village = village_of(old_password())
    for day in range(40):
        village.run(day)
        for mail in village.mails(MailKind.CREDENTIALS)[-1:]:
            village.comes_back(mail, lasting=False)
    assert operation(village, "old.password").stuck is not None
    assert village.case("old.password").findings == {}
    assert village.mails(MailKind.CLOSING) == []
    sent_again(village, old_password(), 40)
    village.live(41, 44)
    assert village.case("old.password") is None
    assert len(village.mails(MailKind.CLOSING)) == 1


def test_a_password_that_waits_for_a_person_is_no_longer_waited_for_once_there_is_none():
    village = village_of(old_password())
    for day in range(20):
        village.run(day)
        for mail in village.mails(MailKind.CREDENTIALS)[-1:]:
            village.comes_back(mail, lasting=False)
    village.account.change("old.password", password_enabled=False)
    village.live(20, 23)
    assert village.case("old.password") is None


def test_a_closing_mail_that_is_due_waits_for_a_password_that_has_just_come_back():
    village = village_of(old_password())
    village.live(0, 7)
    (private,) = village.mails(MailKind.CREDENTIALS)
    asked = village.account.credential_report

    def comes_back_after_the_plans_facts():
        found = asked()
        village.comes_back(private, lasting=False)
        return found

    village.account.credential_report = comes_back_after_the_plans_facts
    village.run(8)
    village.account.credential_report = asked
    village.live(9, 12)
    first, second = village.mails(MailKind.CREDENTIALS)
    assert (first, second.attachments) == (private, private.attachments)
    (closing,) = village.mails(MailKind.CLOSING)
    assert closing.sent_at > second.sent_at


def test_what_a_person_sent_again_unasked_and_came_back_is_not_delivered():
    village = village_of()
    village.live(0, 8)
    village.comes_back(sent_again(village, aged(), 8), lasting=False)
    assert [told.headline for told in village.run(9, execute=False).plan.team] == [
        "aged.key: the new access key did not arrive"
    ]
    village.live(9, 20)
    private = village.mails(MailKind.CREDENTIALS)[-1]
    assert private.sent_at.date() == village.at(9).date()
    (shut,) = village.account.shut
    assert shut[0] - private.sent_at >= timedelta(days=4)


def test_the_first_mail_that_comes_back_after_a_person_sent_it_again_is_replaced_by_the_second():
    village = village_of()
    village.live(0, 8)
    first = village.mails(MailKind.CREDENTIALS)[0]
    again = sent_again(village, aged(), 11)
    village.comes_back(first, lasting=False)
    village.live(12, 20)
    assert village.mails(MailKind.CREDENTIALS) == [first, again]
    (shut,) = village.account.shut
    assert shut[0].date() - again.sent_at.date() >= timedelta(days=4)


def test_what_was_sent_again_and_came_back_is_not_taken_for_delivered_by_its_own_step():
    village = village_of()
    village.live(0, 8)
    village.comes_back(sent_again(village, aged(), 8), lasting=True)
    village.live(9, 10)
    assert operation(village).returned is not None
    again = recall("ETV", ACCOUNT, village.wired().tools, village.policy.days)[0]
    (case,) = again.users.values()
    (only,) = case.operations.values()
    assert only.returned is not None


# --- after its case -------------------------------------------------------------------------------


def test_a_password_that_comes_back_after_its_case_has_closed_is_told_to_the_team_once():
    village = village_of(old_password())
    village.live(0, 9)
    assert village.case("old.password") is None
    village.comes_back(village.mails(MailKind.CREDENTIALS)[0])
    village.live(10, 15)
    assert [(day, subject.partition(": ")[2]) for day, subject in village.told_the_team()] == [
        (
            village.at(10).date(),
            "old.password may be locked out: the new password came back",
        )
    ]
    written = [r for r in records(village.store) if r.event == "mail.returned"]
    assert [r.data["user_name"] for r in written] == ["old.password"]


@pytest.mark.parametrize("kind", [MailKind.NOTICE, MailKind.CLOSING, MailKind.CREDENTIALS])
@pytest.mark.parametrize("closing_mail", [True, False])
def test_whatever_comes_back_after_its_case_is_told_and_changes_nothing(kind, closing_mail):
    village = village_of(closing_mail=closing_mail)
    village.live(0, 17)
    assert village.case(AGED) is None
    for mail in village.mails(kind)[-1:]:
        village.comes_back(mail)
    village.live(18, 25)
    told = [(mail.sent_at.date(), mail.to) for mail in village.mails(MailKind.TEAM)]
    assert told == [(village.at(18).date(), (TEAM,))] * len(village.mails(kind)[-1:])
    assert village.acts(AGED) == [(7, "create_replacement_key"), (14, "deactivate_access_key")]
    assert village.case(AGED) is None


def test_a_rehearsal_tells_of_a_late_bounce_and_a_stop_tells_it_no_second_time():
    village = village_of(old_password())
    village.live(0, 9)
    village.comes_back(village.mails(MailKind.CREDENTIALS)[0])
    assert len(village.run(10, execute=False).plan.team) == 1
    saving = village.store.put

    def told_and_not_saved(key, content, **condition):
        if key == "state.json" and village.mails(MailKind.TEAM):
            raise StorageUnreachable("no answer", where=key)
        return saving(key, content, **condition)

    village.store.put = told_and_not_saved
    with pytest.raises(BrokenOff):
        village.run(10)
    village.store.put = saving
    village.live(11, 14)
    assert len(village.mails(MailKind.TEAM)) == 1


def test_ids_of_a_closed_case_are_forgotten_after_two_weeks():
    village = village_of(old_password())
    village.live(0, 9)
    assert village.state.past_mails
    village.live(10, 24)
    assert not village.state.past_mails


# --- at any moment --------------------------------------------------------------------------------


def test_a_bounce_between_plan_and_act_stops_the_act():
    village = village_of()
    village.live(0, 13)
    credentials = village.mails(MailKind.CREDENTIALS)[0]
    reader = village.account.credential_report

    def bounces_after_the_report():
        found = reader()
        village.comes_back(credentials, lasting=False)
        return found

    village.account.credential_report = bounces_after_the_report
    report = village.run(14)
    assert village.account.shut == []
    (outcome,) = [o for o in report.outcomes if o.effect_kind == "deactivate_access_key"]
    assert (outcome.kind, outcome.reason) == (
        OutcomeKind.DEFERRED,
        "a mail to the owner has just come back",
    )


def test_a_bounce_under_a_run_that_acts_no_more_is_met_by_the_next():
    village = village_of()
    village.live(0, 2)
    sending = village.mailer.send

    def bounces_at_once(mail):
        accepted = sending(mail)
        village.comes_back(mail)
        return accepted

    village.mailer.send = bounces_at_once
    village.run(3)
    assert village.case(AGED).bounced is None
    village.run(4)
    assert village.case(AGED).bounced.address == f"{AGED}@example.com"


def test_a_bounce_told_twice_or_out_of_order_counts_once():
    village = village_of()
    village.live(0, 3)
    first, second = notice_of(village, 0), notice_of(village, 3)
    village.comes_back(second)
    village.comes_back(second)
    village.run(4)
    village.comes_back(second)
    village.live(5, 6)
    village.comes_back(first)
    village.live(7, 8)
    returned = village.case(AGED).returned
    told = [number(village, second), number(village, first)]
    assert sorted(returned) == sorted(told)
    written = [r for r in records(village.store) if r.event == "mail.returned"]
    assert [r.data["message_id"] for r in written] == told


def test_a_rehearsal_sees_the_bounce_and_writes_nothing():
    village = village_of()
    village.live(0, 3)
    village.comes_back(notice_of(village, 3))
    puts = len(village.store.puts)
    report = village.run(4, execute=False)
    assert report.state.users[next(iter(report.state.users))].bounced is not None
    assert len(village.store.puts) == puts


def test_a_listing_of_feedback_begins_two_days_before_the_last_save():
    village = village_of()
    village.live(0, 3)
    village.comes_back(notice_of(village, 3))
    village.live(4, 10)
    read = []
    village.store.get, get = lambda key: read.append(key) or get(key), village.store.get
    village.run(11)
    assert [key for key in read if key.startswith("feedback/")] == []


def test_resending_is_a_persons_word_that_the_address_works():
    village = village_of()
    village.live(0, 6)
    live_dead(village, 7, 8)
    account, person = village.wired(), Person(user_id=aged().user_id, user_name=AGED)
    resend(account, person, village.at(8.5), Silence(), send=True)
    assert village.case(AGED).bounced is None
    assert operation(village).delivered_on == village.at(8).date()
    village.live(9, 14)
    assert village.acts(AGED)[-1] == (14, "deactivate_access_key")


# --- whatever comes back, whenever ----------------------------------------------------------------


def village_with(back, mended=None):
    """A village lived for 32 days, and when which of its mails came back.

    `back`: number of the owner's mail → days until it comes back, and whether for good.
    `mended`: the day on which the tag names another address.
    """
    village = village_of()
    returned_at = {}
    for day in range(32):
        if day == mended:
            move_to(village, "heir@example.com")
        village.run(day)
        for number, mail in enumerate(to_the_owner(village)):
            delay, lasting = back.get(number, (None, False))
            if delay is not None and (village.at(day) - mail.sent_at).days == delay:
                village.comes_back(mail, lasting=lasting)
                returned_at[id(mail)] = village.at(day)
    return village, returned_at


def to_the_owner(village, kinds=(MailKind.NOTICE, MailKind.CREDENTIALS)):
    return [mail for mail in village.mailer.sent if mail.kind in kinds]


def violations(village, returned_at):
    """Acts that rest on mails of which it was known that they had come back."""
    found = []
    for at, key in village.account.shut:
        arrived = [
            mail
            for mail in to_the_owner(village)
            if mail.sent_at < at and not (id(mail) in returned_at and returned_at[id(mail)] < at)
        ]
        days = {mail.sent_at.date() for mail in arrived if mail.kind is MailKind.NOTICE}
        private = [mail.sent_at for mail in arrived if mail.kind is MailKind.CREDENTIALS]
        if len(days) < 2:
            found.append(f"{key}: {len(days)} notices had arrived")
        if not private or at - max(private) < timedelta(days=4):
            found.append(f"{key}: no replacement had arrived four days before")
    return found


@given(
    back=st.dictionaries(
        st.integers(0, 25), st.tuples(st.integers(0, 3), st.booleans()), max_size=8
    ),
    mended=st.none() | st.integers(1, 25),
)
def test_no_act_rests_on_mails_that_came_back(back, mended):
    assert violations(*village_with(back, mended)) == []


@pytest.mark.parametrize(
    ("back", "what"),
    [
        ({2: (0, False)}, "no replacement"),  # the private mail
        (dict.fromkeys((0, 1, 3, 4), (0, False)), "notices had arrived"),
    ],
)
def test_a_product_that_is_deaf_to_bounces_would_be_found(monkeypatch, back, what):
    def deaf(state, feedback):
        return state, None

    monkeypatch.setattr(workbench, "take_back", deaf)
    (found,) = violations(*village_with(back))
    assert what in found


def test_a_reinstatement_that_fails_still_puts_into_the_log_which_mail_came_back():
    village = village_of()
    village.live(0, 14)
    old, _ = village.account.keys_of(AGED)
    village.comes_back(notice_of(village, 14), lasting=False)
    village.account.set_access_key_active = refused
    person = Person(user_id=aged().user_id, user_name=aged().name)
    asked = Request(person=person, key_id=old, span=timedelta(hours=24), reason="job", by="msp")
    with pytest.raises(AccessDenied):
        reinstate(village.wired(), asked, village.at(14.5))
    village.run(15)
    assert [r.event for r in records(village.store)].count(workbench.RETURNED) == 1


def refused(*_, **__):
    raise AccessDenied("not authorized", call="iam:*")
