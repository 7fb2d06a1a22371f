"""Mails of closed cases: kept for two weeks, taken back once, told to the team once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    KEY_1,
    KEY_3,
    NOW,
    TEAM,
    by_id,
    case,
    delivered,
    notice_record,
    old_key,
    on,
    outlook,
    record,
    snapshot,
    state,
    user,
)

from keyreeve.escalation.past_mails import (
    LATE,
    closing_mail,
    late_bounces,
    mails_of,
    still_kept,
    take_back_late,
    told_late,
)
from keyreeve.model.case import MailSort, OperationKind, Resent
from keyreeve.model.feedback import FeedbackKind, MailFeedback
from keyreeve.model.identifiers import OperationId

ANN = user("ann", old_key())
OWNER = "ann@example.com"
VIEW = outlook(snapshot(ANN), now=NOW + timedelta(days=16))


def closed(**changes):
    """A case of two notices and a delivered key, one of whose findings has cleared."""
    left = record(day_0=True, notices=(notice_record(0), notice_record(3)))
    private = delivered(delivered_message_id="<private@wire>", delivered_to=OWNER)
    usual = case(left, who=ANN, operations=by_id(private))
    ids = ("mail-0", "mail-3", "<mail-of-what-cleared@wire>")
    thread = replace(usual.thread, message_ids=ids)
    return replace(usual, thread=thread, last_notice_on=on(10), **changes)


def back(message_id, to=OWNER):
    return MailFeedback(
        kind=FeedbackKind.BOUNCE,
        message_id=message_id,
        recipients=(to,),
        at=NOW,
        lasting=True,
        reason="bounced (Permanent/General)",
    )


def remembered(**changes):
    return state(past_mails=mails_of(closed(**changes), on(15)))


def test_every_mail_of_a_case_is_kept_with_its_day_and_what_it_held():
    kept = mails_of(closed(), on(15))
    assert {key: (mail.sort, mail.on) for key, mail in kept.items()} == {
        "mail-0": (MailSort.NOTICE, on(0)),
        "mail-3": (MailSort.NOTICE, on(3)),
        "mail-of-what-cleared": (MailSort.NOTICE, on(10)),
        "private": (MailSort.ACCESS_KEY, on(7)),
    }
    private = kept["private"]
    assert (private.new_key, private.old_key, private.to) == (KEY_3, KEY_1, (OWNER,))
    assert {mail.closed_on for mail in kept.values()} == {on(15)}


def test_a_password_and_what_was_sent_again_are_kept_too():
    again = Resent(message_id="<again@wire>", to="new@example.com", on=on(9), at=NOW)
    reset = delivered(
        operation_id=OperationId("reset"),
        kind=OperationKind.PASSWORD_RESET,
        new_key=None,
        old_key=None,
        delivered_message_id="<word@wire>",
        delivered_to=OWNER,
        resent=(again,),
    )
    kept = mails_of(closed(operations=by_id(reset)), on(15))
    assert (kept["word"].sort, kept["again"].sort) == (MailSort.PASSWORD, MailSort.PASSWORD)
    assert (kept["again"].to, kept["again"].on) == (("new@example.com",), on(9))


def test_what_has_come_back_already_and_what_was_never_accepted_is_not_kept():
    unsent = delivered(delivered_message_id=None, delivered_to=None)
    kept = mails_of(closed(returned={"mail-3": True}, operations=by_id(unsent)), on(15))
    assert set(kept) == {"mail-0", "mail-of-what-cleared"}


@pytest.mark.parametrize(("message_id", "to"), [(None, OWNER), ("<last@wire>", None)])
def test_a_closing_mail_that_nobody_accepted_is_not_kept(message_id, to):
    assert closing_mail(closed(), message_id, to, on(15)) == {}


def test_a_closing_mail_is_kept_from_its_own_day():
    (mail,) = closing_mail(closed(), "<last@wire>", OWNER, on(15)).values()
    assert (mail.sort, mail.on, mail.closed_on) == (MailSort.CLOSING, on(15), on(15))


def test_mails_are_kept_for_two_weeks_and_what_came_back_until_it_is_told():
    lost, _ = take_back_late(remembered(), back("private"))
    assert len(still_kept(lost.past_mails, on(29))) == 4
    assert set(still_kept(lost.past_mails, on(30))) == {"private"}
    assert still_kept(told_late(lost, f"{LATE}private").past_mails, on(30)) == {}


def test_a_late_bounce_is_taken_back_once():
    lost, mail = take_back_late(remembered(), back("<PRIVATE@other.wire>"))
    assert mail is not None
    assert mail.returned == "bounced (Permanent/General)"
    assert take_back_late(lost, back("private")) == (lost, None)


@pytest.mark.parametrize("feedback", [back("other"), back("private", to=TEAM)])
def test_feedback_about_another_mail_or_reader_changes_nothing(feedback):
    start = remembered()
    assert take_back_late(start, feedback) == (start, None)


def test_nothing_is_told_of_mails_that_arrived():
    assert list(late_bounces(remembered(), VIEW, on(16))) == []


def test_the_team_is_told_what_a_late_bounce_leaves_to_do_until_it_knows():
    lost, _ = take_back_late(remembered(), back("private"))
    (notice,) = late_bounces(lost, VIEW, on(16))
    assert (notice.to, notice.topic, notice.resource_id) == ((TEAM,), f"{LATE}private", KEY_3)
    assert notice.headline == "ann: the new access key did not arrive, and the case is closed"
    assert notice.paragraphs == (
        (
            "The private mail with a new access key of Mon 12 Jan 2026 to ann@example.com came "
            "back after the case had been closed: bounced (Permanent/General)."
        ),
        (
            f"Nobody may hold {KEY_3}: let the owner make a new key. To bring the old one back "
            f'for a while: keyreeve reinstate ann {KEY_1} --for 24h --reason "…".'
        ),
        "Correct the address (the tag email of the user) before the next case.",
    )
    assert list(late_bounces(told_late(lost, notice.topic), VIEW, on(16))) == []


@pytest.mark.parametrize(
    ("sort", "headline", "remedy"),
    [
        (MailSort.PASSWORD, "ann may be locked out", "Ask the owner whether he can sign in"),
        (MailSort.NOTICE, "A mail to the owner of ann came back", "Nothing hangs on it"),
        (MailSort.CLOSING, "A mail to the owner of ann came back", "Nothing hangs on it"),
    ],
)
def test_each_sort_of_mail_has_its_own_remedy(sort, headline, remedy):
    mail = replace(remembered().past_mails["private"], sort=sort, new_key=None, returned="no")
    (notice,) = late_bounces(state(past_mails={"m": mail}), VIEW, on(16))
    assert notice.headline.startswith(headline)
    assert notice.paragraphs[1].startswith(remedy)
    assert notice.resource_id == "ann"
