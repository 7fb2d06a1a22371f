"""How a finding ended is written down with it: figures over months are counted from that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.builders import (
    KEY_1,
    LETTERHEAD,
    MONDAY,
    PASSWORD_AGE,
    ROTATION,
    by_id,
    case,
    console,
    key_record,
    notice_record,
    on,
    outlook,
    policy,
    record,
    rotation,
    snapshot,
    state,
)
from tests.unit.escalation.cases import FLAGGED, LATER, MENDED, OPENED

from keyreeve.controls.evaluation import evaluate
from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.casebook import bring_up_to_date
from keyreeve.escalation.notices import compose
from keyreeve.model.case import OperationKind, Stage, StepName
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.months import Ended, Ending
from keyreeve.model.policy import Exclusion, Match

EXCLUDED = policy(exclusions=(Exclusion(match=Match(user="ann"), reason="break-glass"),))
TOLD_OF_THE_ACT = notice_record(14, Stage.ENFORCEMENT)
DONE = {"enforced_on": on(14), "stage": Stage.ENFORCEMENT, "notices": (TOLD_OF_THE_ACT,)}
RESET = rotation(
    StepName.INTENT,
    StepName.CREATED,
    StepName.DELIVERED,
    kind=OperationKind.PASSWORD_RESET,
    control=PASSWORD_AGE,
    resource_id="password",
    delivered_on=on(7),
)
PASSWORD = case(record(PASSWORD_AGE, "password", day_0=True), who=console())


def ends(before, seen, settings=None):
    """What ended on the next day, in the order of the log."""
    settings = settings or policy()
    book = bring_up_to_date(
        state(before, keys={KEY_1: key_record(active=True)}),
        seen,
        evaluate(seen, settings, LATER, {}),
        HumanDecisions(),
        Calendar(settings),
        LATER,
    )
    return [ended for happening in book.happenings for ended in happening.ended]


def with_reset(*steps):
    begun = replace(RESET, steps=steps or RESET.steps)
    return replace(PASSWORD, operations=by_id(begun))


ENDINGS = {
    "mended": (OPENED, snapshot(MENDED), None, Ending.OWNER),
    "excluded": (OPENED, snapshot(FLAGGED), EXCLUDED, Ending.SET_ASIDE),
    "its user is gone": (OPENED, snapshot(), None, Ending.USER_GONE),
    "the act was done": (
        case(record(day_0=True, **DONE)),
        snapshot(MENDED),
        None,
        Ending.ENFORCED,
    ),
    "gone after the act": (case(record(day_0=True, **DONE)), snapshot(), None, Ending.ENFORCED),
    "a password changed by its owner": (PASSWORD, snapshot(console()), None, Ending.OWNER),
    "a password set by Keyreeve": (with_reset(), snapshot(console()), None, Ending.NEW_PASSWORD),
    "changed by its owner before Keyreeve could": (
        with_reset(StepName.INTENT),
        snapshot(console()),
        None,
        Ending.OWNER,
    ),
    "set, and not handed over yet": (
        with_reset(StepName.INTENT, StepName.CREATED),
        snapshot(console()),
        None,
        Ending.NEW_PASSWORD,
    ),
}


@pytest.mark.parametrize("row", ENDINGS)
def test_whose_doing_it_is_that_a_finding_ended(row):
    before, seen, settings, how = ENDINGS[row]
    (found,) = before.findings.values()
    assert ends(before, seen, settings) == [
        Ended(control=found.control, resource_id=found.resource_id, opened_on=MONDAY, how=how)
    ]


def test_a_finding_of_which_nobody_was_told_has_no_day_0():
    (ended,) = ends(case(record()), snapshot(MENDED))
    assert (ended.opened_on, ended.how) == (None, Ending.OWNER)


def test_what_goes_on_has_not_ended():
    assert ends(OPENED, snapshot(FLAGGED)) == []


@pytest.mark.parametrize(("day_0", "told_on"), [(False, on(3)), (True, on(0))])
def test_a_notice_says_day_0_of_each_finding_also_of_one_that_it_opens(day_0, told_on):
    seen = snapshot(FLAGGED)
    current = case(record(day_0=day_0))
    view = outlook(seen, now=LATER)
    (told,) = compose(current, view.decisions(current), view, LETTERHEAD).told
    assert (told["control"], told["opened_on"]) == (ROTATION.value, told_on.isoformat())
