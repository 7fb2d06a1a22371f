"""What the team is told of mails that came back while the case is open: what, when, what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    KEY_1,
    KEY_3,
    NOW,
    TEAM,
    ago,
    bounce,
    by_id,
    case,
    key_record,
    old_key,
    on,
    outlook,
    record,
    rotation,
    snapshot,
    state,
    user,
)

from keyreeve.escalation.unheard import unheard
from keyreeve.model.case import OperationKind, StepName

ANN = user("ann", old_key())
OWNER = "ann@example.com"
DEAD = bounce(OWNER)
WHY = "bounced (Permanent/General)"
OPEN = (record(day_0=True),)


def lost(**changes):
    usual = rotation(StepName.INTENT, StepName.CREATED, attempt=2, new_key=KEY_3, returned=WHY)
    return replace(usual, **changes)


def told(*operations, day=8, who=ANN, key=None, findings=OPEN, **changes):
    seen = case(*findings, who=who, operations=by_id(*operations), **changes)
    view = outlook(snapshot(who), now=NOW + timedelta(days=day))
    return list(unheard(state(seen, keys={KEY_1: key or key_record()}), seen, view, on(day)))


def test_nothing_is_told_where_nothing_came_back():
    assert told() == []
    assert told(lost(returned=None)) == []


def test_an_address_that_refuses_mail_is_told_once_with_the_day_of_the_next_try():
    (notice,) = told(bounced=DEAD, day=1)
    assert (notice.to, notice.topic, notice.due_on) == ((TEAM,), f"bounced/{OWNER}", on(1))
    assert notice.headline == "Mail to the owner of ann does not arrive"
    assert notice.paragraphs[0] == f"A notice to {OWNER} of Mon 5 Jan 2026 came back: {WHY}."
    assert notice.paragraphs[2] == (
        f"Set the tag email of this user to an address that works, or have {OWNER} mended: it is "
        "tried again on Mon 12 Jan 2026."
    )
    assert told(bounced=DEAD, day=1, team_told=frozenset({notice.topic})) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"who": user("ann", old_key(), tags={"email": "new@example.com"})},
        {"findings": ()},
    ],
    ids=["the tag has another address now", "no finding is left"],
)
def test_an_address_that_matters_no_more_is_not_told(changes):
    assert told(bounced=DEAD, day=1, **changes) == []


def test_a_new_key_that_did_not_arrive_waits_and_the_old_one_stays():
    (notice,) = told(lost(), bounced=DEAD)
    assert notice.topic == "undelivered/20260105-rotation/2"
    assert notice.headline == "ann: the new access key did not arrive"
    assert notice.paragraphs[0] == (
        f"The private mail with the new access key {KEY_3} came back: {WHY}. Nobody holds it; it "
        "waits in escrow."
    )
    assert notice.paragraphs[1] == (
        f"The old key {KEY_1} stays active until 4 days after the new one has been delivered."
    )
    assert "keyreeve case resend ann --send" in notice.paragraphs[-1]


def test_an_old_key_that_was_shut_meanwhile_has_its_way_back():
    (notice,) = told(lost(), key=key_record(inactivated_at=ago(1)))
    assert f"The old key {KEY_1} was made inactive on Sun 4 Jan 2026" in notice.paragraphs[1]
    assert f"keyreeve reinstate ann {KEY_1} --for 24h" in notice.paragraphs[1]


def test_a_password_that_did_not_arrive_has_locked_its_owner_out():
    reset = lost(kind=OperationKind.PASSWORD_RESET, old_key=None, new_key=None)
    (notice,) = told(reset)
    assert notice.headline == "ann is locked out of the console: the new password came back"
    assert "The old password no longer works" in notice.paragraphs[0]
    assert notice.paragraphs[1] == (
        "The address itself works, as far as is known: it is sent again on a mail day."
    )


def test_each_attempt_that_comes_back_is_told_once():
    (first,) = told(lost())
    known = frozenset({first.topic})
    assert told(lost(), team_told=known) == []
    (second,) = told(lost(attempt=3), team_told=known)
    assert second.topic == "undelivered/20260105-rotation/3"
