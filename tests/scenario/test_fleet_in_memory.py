"""P13 over several accounts: what one of them raises is its row, and stops no other."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from tests.fakes.memory_store import MemoryStore, SettableClock
from tests.scenario.people import MONDAY, aged, bystanders, key, no_mfa, person
from tests.scenario.village import TEAM, Village, settings

from keyreeve.model.decisions import Hold, Waiver
from keyreeve.model.errors import (
    ConfigError,
    LockHeld,
    NotCovered,
    RecipientRefused,
    StateUnreadable,
    StorageUnreachable,
)
from keyreeve.model.fleet import FleetRow, Member, Standing
from keyreeve.model.identifiers import AccountId, ControlId
from keyreeve.model.notice import MailKind
from keyreeve.pipeline import daily
from keyreeve.pipeline.each_account import SWEPT_AFTER, each
from keyreeve.pipeline.fleet import Fleet, Silence, run_fleet
from keyreeve.pipeline.fleet_mail import FleetPost
from keyreeve.pipeline.simulation import PlainRenderer
from keyreeve.render.email import MailRenderer
from keyreeve.storage.fleet_records import StoredFleetRecords

IDS = tuple(AccountId(f"{number:012}") for number in range(1, 6))


@dataclass
class Villages:
    """ports.fleet.Doors: each account is made of memory, or does not open."""

    made: dict[AccountId, Village] = field(default_factory=dict)
    shut: dict[AccountId, Exception] = field(default_factory=dict)
    opened: list[AccountId] = field(default_factory=list)
    now: datetime = MONDAY
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def open(self, member: Member) -> Iterator[daily.Account]:
        with self._turn:
            self.opened.append(member.account_id)
            village = self.made.setdefault(member.account_id, Village(aged(), *bystanders(9)))
        village.account.now = self.now
        if member.account_id in self.shut:
            raise self.shut[member.account_id]
        yield village.wired()


@pytest.fixture
def villages() -> Villages:
    return Villages()


@pytest.fixture
def fleet(villages: Villages) -> Fleet:
    policy = settings()
    village = Village()
    return Fleet(
        project="ETV",
        members=tuple(Member(account_id=each, name=f"n{each[-1]}") for each in IDS),
        doors=villages,
        records=StoredFleetRecords(MemoryStore(SettableClock(MONDAY))),
        on=MONDAY.date(),
        now=MONDAY,
        execute=True,
        office=FleetPost(
            post=village.wired().post,
            mailer=village.mailer,
            renderer=PlainRenderer(),
            policy=policy,
        ),
    )


def rows(fleet: Fleet, at_once: int = 3) -> dict[AccountId, FleetRow]:
    return {row.account_id: row for row in run_fleet(fleet, Silence(), at_once).rows}


def on(fleet: Fleet, day: int) -> Fleet:
    """The same fleet on another day of January."""
    then = MONDAY.replace(day=day)
    fleet.doors.now = then
    return replace(fleet, on=then.date(), now=then)


@pytest.mark.parametrize(
    ("error", "standing", "code"),
    [
        (NotCovered("no entry", remedy="deploy"), Standing.NOT_COVERED, 6),
        (LockHeld("another run holds it"), Standing.LOCKED, 5),
        (StateUnreadable("corrupt", remedy="repair"), Standing.FAILED, 6),
        (StorageUnreachable("gone"), Standing.FAILED, 6),
        (ConfigError("wrong"), Standing.FAILED, 2),
        (RuntimeError("nobody foresaw this"), Standing.FAILED, 1),
    ],
)
def test_what_an_account_raises_is_its_row_and_stops_no_other(
    fleet: Fleet, villages: Villages, error: Exception, standing: Standing, code: int
):
    villages.shut[IDS[2]] = error
    summary = run_fleet(fleet, Silence(), 3)
    found = {row.account_id: row for row in summary.rows}
    assert (found[IDS[2]].standing, found[IDS[2]].exit_code) == (standing, code)
    assert str(error).splitlines()[0] in found[IDS[2]].problem
    others = {found[each].standing for each in IDS if each != IDS[2]}
    assert others == {Standing.DONE}
    assert summary.exit_code == 1
    assert summary.rows[0].account_id == IDS[2]
    kept = fleet.records.rows(fleet.on)
    assert kept == found


def test_what_befalls_every_account_is_the_fleets_own_exit_code(fleet: Fleet, villages: Villages):
    villages.shut = {each: StorageUnreachable("gone") for each in IDS}
    assert run_fleet(fleet, Silence()).exit_code == 6


def test_a_suspended_account_is_told_and_never_opened(fleet: Fleet, villages: Villages):
    barred = replace(fleet.members[0], barred="AWS Organizations says SUSPENDED")
    found = rows(replace(fleet, members=(barred, *fleet.members[1:])))
    assert found[IDS[0]].standing is Standing.NOT_COVERED
    assert "SUSPENDED" in found[IDS[0]].problem
    assert IDS[0] not in villages.opened


def test_a_second_run_of_the_day_opens_only_what_is_not_done(fleet: Fleet, villages: Villages):
    villages.shut[IDS[1]] = StorageUnreachable("for a while")
    rows(fleet)
    villages.opened.clear()
    villages.shut.clear()
    found = rows(fleet)
    assert villages.opened == [IDS[1]]
    assert {row.standing for row in found.values()} == {Standing.DONE}
    assert [found[each].earlier for each in IDS] == [True, False, True, True, True]
    villages.opened.clear()
    rows(replace(fleet, again=True))
    assert sorted(villages.opened) == list(IDS)


def test_another_day_is_another_run(fleet: Fleet, villages: Villages):
    rows(fleet)
    villages.opened.clear()
    rows(on(fleet, 6))
    assert sorted(villages.opened) == list(IDS)


def test_a_rehearsal_keeps_nothing_and_skips_nothing(fleet: Fleet, villages: Villages):
    rows(fleet)
    villages.opened.clear()
    village = villages.made[IDS[0]]
    sent = len(village.mailer.sent)
    found = rows(replace(on(fleet, 7), execute=False))
    assert sorted(villages.opened) == list(IDS)
    assert fleet.records.rows(fleet.on.replace(day=7)) == {}
    assert len(village.mailer.sent) == sent
    assert {row.earlier for row in found.values()} == {False}


def test_a_lock_that_is_given_back_meanwhile_is_no_failure(fleet: Fleet, villages: Villages):
    """Tried once more at the end, after everybody else."""
    held = LockHeld("held")

    class Once(dict):
        def __contains__(self, account: object) -> bool:
            return account == IDS[0] and villages.opened.count(IDS[0]) == 1

        def __getitem__(self, account: AccountId) -> Exception:
            return held

    villages.shut = Once()
    assert rows(fleet)[IDS[0]].standing is Standing.DONE
    assert villages.opened[-1] == IDS[0]


# --- the team's one mail -------------------------------------------------------------------------


def test_the_team_gets_one_summary_a_week_and_accounts_send_none(fleet: Fleet, villages: Villages):
    rows(fleet)
    rows(on(fleet, 6))
    assert [mail.to for mail in fleet.office.mailer.sent] == [(TEAM,)]
    for village in villages.made.values():
        assert all(mail.to != (TEAM,) for mail in village.mailer.sent)
    rows(on(fleet, 12))
    assert len(fleet.office.mailer.sent) == 2


def test_in_a_fleet_too_no_credentials_go_to_an_address_of_the_summary(
    fleet: Fleet, villages: Villages
):
    """The account sends no summary of its own; its readers are the team all the same (gate 2)."""
    lead = aged().tags["email"]
    for number, account in enumerate(IDS):
        told = () if number else (lead,)
        villages.made[account] = Village(aged(), *bystanders(9), summary_to=told)
    for day in range(5, 13):
        rows(on(fleet, day))
    to_the_lead, to_an_owner = (
        villages.made[account].mails(MailKind.CREDENTIALS) for account in IDS[:2]
    )
    assert [mail.to for mail in to_an_owner] == [(lead,)]
    assert to_the_lead == []


def test_a_summary_that_is_not_accepted_is_told_and_tried_the_next_day(fleet: Fleet):
    fleet.office.mailer.fail_next(RecipientRefused("unknown address"))
    summary = run_fleet(fleet, Silence())
    assert "unknown address" in summary.unsent
    assert summary.exit_code == 1
    again = run_fleet(on(fleet, 6), Silence())
    assert (again.unsent, len(fleet.office.mailer.sent)) == ("", 1)


def test_the_teams_summary_names_by_account_whom_nobody_reaches_and_what_a_summary_must_name(
    fleet: Fleet, villages: Villages
):
    """S1.7, S1.27: what an account's own summary would say, though it sends none."""
    nobody = person("lost.owner", key(100), tags={})
    inline = person("ivy.inline", key(20), inline_policies=("s3-all",))
    spared = Village(aged("will.waived"), no_mfa("old.mfa"), *bystanders(9))
    spared.decisions.add_waiver(
        Waiver(
            waiver_id="W1",
            user="will.waived",
            control=ControlId.ACCESS_KEY_ROTATION,
            resource_id=None,
            reason="vendor appliance",
            requested_by="ana@example.com",
            approved_by="ciso@example.com",
            expires_on=MONDAY.date() + timedelta(days=10),
            added_at=MONDAY,
            added_by="arn:aws:iam::123456789012:user/ops",
        ),
        today=MONDAY.date(),
    )
    villages.made |= {IDS[0]: Village(nobody, inline, *bystanders(9)), IDS[1]: spared}
    telling = replace(fleet, office=replace(fleet.office, renderer=MailRenderer()))
    run_fleet(telling, Silence())
    (mail,) = fleet.office.mailer.sent
    for said in (" ".join(mail.body.text.split()), mail.body.html):
        assert "1 owner unreachable: lost.owner" in said
        assert "1 user with inline policies: ivy.inline" in said
        assert "1 waiver that ends soon or has ended: will.waived" in said
        assert "Open cases by stage: pending 1, notification 4" in said
    for day in range(6, 27):
        run_fleet(on(telling, day), Silence())
    said = " ".join(fleet.office.mailer.sent[-1].body.text.split())
    assert "n2 (000000000002): 1 overdue: old.mfa" in said
    spared.decisions.add_hold(
        Hold(
            user="old.mfa",
            until=MONDAY.date() + timedelta(days=60),
            reason="on leave",
            added_at=MONDAY,
            added_by="arn:aws:iam::123456789012:user/ops",
        ),
        today=MONDAY.date(),
    )
    for day in (27, 28, 29, 30, 31):
        run_fleet(on(telling, day), Silence())
    assert fleet.records.row(MONDAY.date().replace(day=31), IDS[1]).named.held.count == 1


def test_a_row_that_an_earlier_version_left_is_read_and_its_account_not_run_again(
    fleet: Fleet, villages: Villages
):
    store = MemoryStore(SettableClock(MONDAY))
    records = StoredFleetRecords(store)
    upgraded = replace(fleet, records=records)
    rows(upgraded)
    key = f"fleet/2026-01-05/rows/{IDS[0]}.json"
    document = json.loads(store.get(key).content)
    for later in ("flagged", "by_control", "cases_by_stage", "named"):
        del document[later]
    store.put(key, json.dumps(document).encode())
    villages.opened.clear()
    assert rows(upgraded)[IDS[0]].earlier
    assert villages.opened == []


# --- the pool ------------------------------------------------------------------------------------


def test_never_more_accounts_are_in_work_than_asked_for():
    inside, most, turn = 0, 0, threading.Lock()
    reached = threading.Barrier(3)

    def work(member: Member) -> str:
        nonlocal inside, most
        with turn:
            inside, most = inside + 1, max(most, inside + 1)
        reached.wait(10)  # three are in it together
        with turn:
            inside -= 1
        return member.account_id

    members = [Member(account_id=AccountId(f"{n:012}"), name="n") for n in range(9)]
    found = each(members, work, 3)
    assert sorted(found) == [member.account_id for member in members]
    assert most == 3


def test_an_interruption_lets_end_what_has_begun_and_begins_no_more():
    begun: list[str] = []

    def work(member: Member) -> None:
        begun.append(member.account_id)
        if len(begun) == 2:
            raise KeyboardInterrupt
        threading.Event().wait(0.02)  # as long as the pool needs to be told

    members = [Member(account_id=AccountId(f"{n:012}"), name="n") for n in range(50)]
    with pytest.raises(KeyboardInterrupt):
        each(members, work, 1)
    assert len(begun) < len(members)


class Client:
    """Refers to itself, as the SDK's do."""

    def __init__(self) -> None:
        self.itself = self


def test_memory_is_flat_in_the_number_of_accounts():
    left: list[weakref.ref[Client]] = []

    def work(_: Member) -> None:
        left.append(weakref.ref(Client()))

    members = [Member(account_id=AccountId(f"{n:012}"), name="n") for n in range(SWEPT_AFTER * 3)]
    gc.disable()  # as good as off: the command line keeps it from looking often
    try:
        each(members, work, 2)
        alive = sum(one() is not None for one in left)
    finally:
        gc.enable()
    assert (len(left), alive) == (SWEPT_AFTER * 3, 0)
