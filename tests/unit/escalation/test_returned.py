from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import KEY_2, NOW, bounce, notice_record, on, record, state
from tests.unit.escalation.steps import (
    ANN,
    CREATE,
    KINDS,
    NAMES,
    ROTATE,
    after,
    ann,
    known,
    notice,
    rotate,
    step,
)

from keyreeve.escalation.returned import take_back
from keyreeve.model.case import Stage, StepName, Told
from keyreeve.model.feedback import FeedbackKind, MailFeedback

OWNER = "ann@example.com"


def back(message_id, *, lasting=True, to=OWNER):
    return MailFeedback(
        kind=FeedbackKind.BOUNCE,
        message_id=message_id,
        recipients=(to,),
        at=NOW,
        lasting=lasting,
        reason="bounced (Permanent/General)",
    )


def told(*days, **more):
    return after(known(record()), *(notice(day, **more) for day in days))


def delivered():
    facts = {"message_id": "<private@wire>", "to": OWNER}
    return after(
        told(0, 3),
        rotate(NAMES.INTENT, ROTATE, day=7),
        rotate(NAMES.CREATED, CREATE, day=7),
        rotate(NAMES.DELIVERED, facts, day=7),
    )


def operation(folded):
    (found,) = ann(folded).operations.values()
    return found


def test_a_notice_that_came_back_no_longer_counts_and_day_0_stays():
    folded, whose = take_back(told(0, 3), back("mail-0"))
    (seen,) = ann(folded).findings.values()
    assert whose == ANN
    assert seen.notices == (notice_record(3),)
    assert (seen.opened_on, seen.promised_on) == (on(0), on(14))
    assert ann(folded).bounced == bounce(OWNER, 0)
    assert ann(folded).addresses == ()
    assert ann(folded).thread.message_ids == ("mail-0", "mail-3")


def test_a_mail_that_came_back_once_leaves_the_address_alive_and_trusted_where_another_arrived():
    folded, _ = take_back(told(0, 3), back("mail-3", lasting=False))
    assert ann(folded).bounced is None
    assert ann(folded).addresses == (OWNER,)
    folded, _ = take_back(folded, back("mail-0", lasting=False))
    assert ann(folded).addresses == ()


def test_the_reason_told_by_a_notice_that_came_back_was_told_by_the_next_that_arrived():
    start = after(known(record()), notice(0), notice(3, why="spare"), notice(7, why="spare"))
    folded, _ = take_back(start, back("mail-3", lasting=False))
    (seen,) = ann(folded).findings.values()
    assert seen.no_replacement == Told(reason="spare", on=on(7))
    folded, _ = take_back(folded, back("mail-7", lasting=False))
    (seen,) = ann(folded).findings.values()
    assert seen.no_replacement is None


def test_a_private_mail_that_came_back_takes_the_operation_back_to_created_as_the_next_attempt():
    before = operation(delivered())
    folded, _ = take_back(delivered(), back("private"))
    undelivered = operation(folded)
    assert undelivered.steps == (StepName.INTENT, StepName.CREATED)
    assert undelivered.unfinished
    assert undelivered == replace(
        before,
        attempt=2,
        steps=(StepName.INTENT, StepName.CREATED),
        delivered_on=None,
        delivered_at=None,
        delivered_message_id=None,
        delivered_to=None,
        returned="bounced (Permanent/General)",
    )
    assert (undelivered.new_key, undelivered.escrow_key) == (KEY_2, "e/1")
    assert len(next(iter(ann(folded).findings.values())).notices) == 2


def test_its_steps_read_again_after_a_stop_change_nothing_and_a_new_delivery_ends_it():
    folded, _ = take_back(delivered(), back("private"))
    facts = {"message_id": "<private@wire>", "to": OWNER}
    assert after(folded, rotate(NAMES.CREATED, CREATE), rotate(NAMES.DELIVERED, facts)) == folded
    again = {"message_id": "<second@wire>", "to": OWNER}
    done = operation(after(folded, rotate(NAMES.DELIVERED, again, attempt=2, day=9)))
    assert (done.delivered_on, done.returned, done.unfinished) == (on(9), None, False)


def resent_on_day_8(before):
    return step(
        KINDS.RESEND,
        NAMES.ACCEPTED,
        {"of": operation(before).operation_id, "to": OWNER, "message_id": "<r@wire>"},
        at=NOW + timedelta(days=8),
        on=on(8),
        operation_id="resend",
    )


def test_a_person_who_sends_it_again_has_delivered_it_and_vouches_for_the_address():
    folded, _ = take_back(delivered(), back("private"))
    resent = resent_on_day_8(folded)
    done = after(folded, resent)
    assert (operation(done).delivered_on, operation(done).returned) == (on(8), None)
    assert ann(done).bounced is None
    assert after(done, resent) == done


def test_what_a_person_sends_again_beside_a_delivery_that_stands_moves_no_date():
    resent = resent_on_day_8(delivered())
    done = after(delivered(), resent)
    before, now = operation(delivered()), operation(done)
    assert (now.delivered_on, now.steps) == (before.delivered_on, before.steps)
    assert [(again.message_id, again.on) for again in now.resent] == [("<r@wire>", on(8))]
    assert after(done, resent) == done


def test_what_a_person_sent_again_and_came_back_undelivers_and_is_not_folded_once_more():
    resent = resent_on_day_8(delivered())
    done, whose = take_back(after(delivered(), resent), back("r"))
    assert whose is not None
    assert (operation(done).delivered_on, operation(done).returned) != (None, None)
    assert operation(done).steps == (StepName.INTENT, StepName.CREATED)
    assert after(done, resent) == done


def test_a_delivery_that_comes_back_leaves_the_one_that_a_person_sent_after_it():
    done, _ = take_back(after(delivered(), resent_on_day_8(delivered())), back("private"))
    only = operation(done)
    assert (only.delivered_on, only.delivered_message_id, only.resent) == (on(8), "<r@wire>", ())
    assert only.returned is None


@pytest.mark.parametrize(
    "feedback",
    [back("mail-9"), back("mail-3", to="team@example.com"), back("x-mail-3"), back("")],
)
def test_feedback_about_other_mails_or_other_readers_changes_nothing(feedback):
    start = told(0, 3)
    assert take_back(start, feedback) == (start, None)


def test_each_mail_comes_back_once_and_once_more_for_good():
    once, whose = take_back(told(0, 3), back("mail-3", lasting=False))
    assert whose == ANN
    assert take_back(once, back("mail-3", lasting=False)) == (once, None)
    for_good, whose = take_back(once, back("mail-3"))
    assert whose == ANN
    assert ann(for_good).bounced == bounce(OWNER, 3)
    assert take_back(for_good, back("mail-3")) == (for_good, None)
    assert take_back(for_good, back("mail-3", lasting=False)) == (for_good, None)


def test_a_bounce_read_again_does_not_undo_that_the_address_took_a_later_notice():
    folded, _ = take_back(told(0, 3), back("mail-3"))
    alive = after(folded, notice(10, Stage.WARNING))
    assert ann(alive).bounced is None
    assert take_back(alive, back("mail-3")) == (alive, None)


def test_a_notice_whose_findings_have_cleared_still_tells_that_the_address_is_dead():
    start = told(0)
    cleared = state(replace(ann(start), findings={}), keys=start.keys)
    folded, _ = take_back(cleared, back("mail-0"))
    assert ann(folded).bounced.address == OWNER
