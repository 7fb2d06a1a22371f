from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.scenario.people import aged, bystanders
from tests.scenario.village import Village

from keyreeve.model.case import LastRun, State
from keyreeve.model.decisions import HumanDecisions, Pause
from keyreeve.model.fleet import FleetRow, FleetSummary, Member, Standing, fleet_code
from keyreeve.model.identifiers import AccountId, RunId
from keyreeve.model.projects import Alarm
from keyreeve.reporting.fleet import (
    by_urgency,
    fleet_summary,
    stored_standing,
    unheard,
    unread_standing,
)
from keyreeve.reporting.fleet_words import headline

ON = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
ID = AccountId("123456789012")
MEMBER = Member(account_id=ID, name="prod", external_id="between-us-two")


def row(number: int = 1, standing: Standing = Standing.DONE, **more) -> FleetRow:
    code = more.pop("exit_code", 0 if standing is Standing.DONE else 1)
    account = AccountId(f"{number:012}")
    return FleetRow(
        account_id=account, name=f"n{number}", standing=standing, exit_code=code, **more
    )


def summary(*rows: FleetRow) -> FleetSummary:
    return fleet_summary("ETV", ON, NOW, rows, executed=True)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((), 0),
        ((0, 0), 0),
        ((0, 1), 1),
        ((0, 6), 1),
        ((6, 6), 6),
        ((4, 4, 4), 4),
        ((4, 5), 1),
        ((6,), 6),
        ((1, 1), 1),
    ],
)
def test_one_account_is_a_part_and_what_befalls_all_is_the_fleets_own(codes, expected):
    assert fleet_code(codes) == expected


@pytest.mark.parametrize("standing", [it for it in Standing if it is not Standing.DONE])
def test_nothing_but_done_is_clean(standing):
    assert not row(standing=standing).clean
    assert summary(row(1), row(2, standing)).exit_code != 0


def test_those_to_look_at_come_first():
    made = summary(
        row(1), row(3, Standing.PARTLY), row(4, Standing.NOT_COVERED), row(2, Standing.LOCKED)
    )
    assert [each.name for each in made.rows] == ["n4", "n2", "n3", "n1"]
    assert headline(made) == "4 accounts: 1 done, 1 partly, 1 locked, 1 not covered"


def test_an_account_of_which_nobody_heard_is_not_clean():
    made = unheard(MEMBER, "its turn never came")
    assert (made.standing, made.exit_code) == (Standing.NOT_RUN, 1)


def test_a_summary_that_was_not_sent_is_no_success():
    made = summary(row(1))
    assert made.exit_code == 0
    unsent = FleetSummary(
        project="ETV", on=ON, as_of=NOW, executed=True, rows=made.rows, unsent="refused"
    )
    assert unsent.exit_code == 1


def test_an_external_id_is_never_shown():
    assert "between-us-two" not in repr(MEMBER)


# --- from storage alone -------------------------------------------------------------------------


def state(hours: float, exit_code: int = 0) -> State:
    at = NOW - timedelta(hours=hours)
    last = LastRun(run_id=RunId("r"), as_of=at, on=at.date(), exit_code=exit_code)
    return State(project="ETV", account_id=ID, last_run=last)


@pytest.mark.parametrize(
    ("known", "failed", "paused", "alarms"),
    [
        (None, None, False, (Alarm.NOT_RUN,)),
        (state(25), 0, False, (Alarm.NOT_RUN,)),
        (state(1), 0, False, ()),
        (state(1, exit_code=1), 0, False, (Alarm.FAILED,)),
        (state(1), 2, False, (Alarm.FAILED,)),
        (state(1), 0, True, (Alarm.PAUSED,)),
    ],
)
def test_what_storage_knows_of_an_account(known, failed, paused, alarms):
    pause = Pause(reason="move", since=NOW, by="ann") if paused else None
    people = HumanDecisions(pause=pause)
    assert stored_standing(MEMBER, known, people, failed, ON, NOW, observing=False).alarms == alarms


def test_an_account_that_waits_to_be_armed_says_so():
    standing = stored_standing(MEMBER, state(1), HumanDecisions(), 0, ON, NOW, observing=True)
    assert standing.alarms == (Alarm.OBSERVING,)


def test_what_is_due_today_and_held_comes_from_the_cases():
    village = Village(aged(), *bystanders(9))
    village.live(0, 13)
    due = village.at(14)
    before = stored_standing(
        MEMBER, village.state, HumanDecisions(), 0, due.date(), due, observing=False
    )
    assert (before.cases, before.due_today, before.overdue) == (1, 1, 0)
    village.run(14)
    after = stored_standing(
        MEMBER, village.state, HumanDecisions(), 0, due.date(), due, observing=False
    )
    assert after.due_today == 0
    assert Alarm.NOT_RUN not in after.alarms


def test_what_could_not_be_read_comes_first_and_is_never_in_order():
    unread = unread_standing(MEMBER, "suspended")
    clean = stored_standing(
        Member(account_id=AccountId("1" * 12), name="a"),
        state(1),
        HumanDecisions(),
        0,
        ON,
        NOW,
        observing=False,
    )
    assert [each.name for each in by_urgency([clean, unread])] == ["prod", "a"]
    assert unread.alarms == (Alarm.NOT_READ,)
