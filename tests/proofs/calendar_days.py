"""No mail on a wrong day, no act outside its window, in any zone and any year (P6).

The pure engine, day by day in an account made of memory; seven people at a time, one for each
weekday on which a ladder may begin.  Which day it is, and which days are mail days, is worked out
here from `zoneinfo` and `holidays` alone.  To replay a violation: `live(world(seed, number))`.
"""

from __future__ import annotations

import random
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import holidays
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.planting import patched
from tests.scenario.people import ACCOUNT, console, key, person
from tests.scenario.village import Silence, Village

from keyreeve.config.mail import Holidays
from keyreeve.escalation.calendar import Calendar
from keyreeve.model.case import State
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.notice import ClosingNotice, MailKind, Notice, OutgoingMail, RenderedMail
from keyreeve.model.policy import BlastLimits, Enforcement, EnforcementDays, Freeze
from keyreeve.model.snapshot import User
from keyreeve.pipeline.daily import judge, record
from keyreeve.pipeline.execution import Execution
from keyreeve.pipeline.forecast import simulated_tools
from keyreeve.pipeline.simulation import Memory, PlainRenderer, SilentMailer, SimulatedAccount
from keyreeve.pipeline.workbench import Workbench

PEOPLE = 7
"""Ladders of one world; one begins on each day of its first week."""
DAYS = 44
"""Of a world: a late ladder, delayed by holidays, still comes to its end."""
TABLE = {
    0: [0, 3, 7, 10, 11, 14],
    1: [0, 3, 7, 10, 13, 14],
    2: [0, 5, 7, 12, 13, 14],
    3: [0, 4, 7, 11, 12, 13, 14],
    4: [0, 3, 7, 10, 11, 12, 13, 14],
}
"""Days of notices by the weekday of day 0 (the ladder's specification)."""
COUNTRIES = ("DE", "US", "IN", "JP", "IL", "BR", "EG", "NZ", "GB", "AE")
ODD = (
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Kwajalein", date(1993, 8, 21)),
    ("Asia/Manila", date(1844, 12, 31)),
    ("Antarctica/Troll", date(2026, 3, 29)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("Asia/Gaza", date(2026, 3, 28)),
    ("America/Scoresbysund", date(2024, 3, 31)),
)
"""Days that were skipped altogether, shifts of two hours, of half an hour, at midnight."""
TURNS = (
    date(2024, 2, 29),
    date(2028, 2, 29),
    date(2026, 2, 28),
    date(2025, 12, 31),
    date(2026, 12, 31),
    date(2027, 12, 31),
    date(2100, 2, 28),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A zone, its calendar, and when the runs are."""

    number: int
    zone: ZoneInfo
    first: date
    runs: tuple[datetime, ...]
    weekdays: frozenset[int]
    days_off: frozenset[date]
    """As the settings name them, one by one."""
    country: str | None
    enforcement: Enforcement
    people: tuple[User, ...]

    def is_mail_day(self, day: date) -> bool:
        """Worked out afresh; the engine's calendar has no say."""
        public = _public(self.country, day.year) if self.country else frozenset()
        off = day in self.days_off or day in public
        return day.weekday() in self.weekdays and not off

    def is_open(self, day: date) -> bool:
        """Whether an act may come."""
        frozen = any(f.first <= day <= f.last for f in self.enforcement.freezes)
        every_day = self.enforcement.weekdays is EnforcementDays.EVERY_DAY
        return not frozen and (every_day or self.is_mail_day(day))

    def local(self, at: datetime) -> date:
        """The date on the wall."""
        return at.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A mail, when it really went."""

    at: datetime
    kind: MailKind
    to: tuple[str, ...]
    said: str


@dataclass(slots=True)
class Diary:
    """What happened in a world."""

    sent: list[Sent] = field(default_factory=list)
    acts: list[tuple[datetime, str, str]] = field(default_factory=list)
    """When, what, to whom."""

    def notices(self, name: str) -> list[Sent]:
        """All that was said to one person in the thread."""
        to = (f"{name}@example.com",)
        return [s for s in self.sent if s.to == to and s.kind is not MailKind.CREDENTIALS]


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """World after world; each ladder is one combination of all that a calendar can be."""
    ladders = mails = 0
    bad: list[str] = []
    for diary, violations in trials(size, seed):
        ladders += PEOPLE
        mails += len(diary.sent)
        bad += violations
    what = "ladders in zones, seasons, holidays and missed runs"
    yield Figure(promise="P6", what=what, tried=ladders, violations=tuple(bad))
    yield Figure(promise="P6", what="mails, each on a mail day of its zone", tried=mails)


def trials(size: Size, seed: int) -> Iterator[tuple[Diary, list[str]]]:
    """Each world, and what was wrong in it."""
    for number in range(size.of(215, 7_150)):
        stage = world(seed, number)
        diary = live(stage)
        where = f"seed {seed}, world {number} ({stage.zone.key})"
        yield diary, [f"{where}: {text}" for text in wrong(stage, diary)]


# --- the worlds ---------------------------------------------------------------------------------


def world(seed: int, number: int) -> World:
    """The world of this number: every zone in turn, one odd stretch in ten."""
    chance = random.Random(f"{seed} {number}")
    zones = sorted(available_timezones() - {"localtime"})
    name = zones[(number * 7) % len(zones)]
    if number % 10 == 0:
        name, turn = ODD[(number // 10) % len(ODD)]
    else:
        turn = chance.choice((*TURNS, *_shifts(name)))
    zone = ZoneInfo(name)
    first = turn - timedelta(days=chance.randrange(24))
    weekdays = chance.choice(
        [frozenset(range(5))] * 4 + [frozenset({6, 0, 1, 2, 3}), frozenset({0, 2}), frozenset({5})]
    )
    return World(
        number=number,
        zone=zone,
        first=first,
        runs=_runs(chance, zone, first),
        weekdays=weekdays,
        days_off=_days_off(chance, first),
        country=chance.choice((None, *COUNTRIES)) if chance.random() < 0.5 else None,
        enforcement=_enforcement(chance, first),
        people=_people(chance, zone, first),
    )


def _runs(chance: random.Random, zone: ZoneInfo, first: date) -> tuple[datetime, ...]:
    """By the clock on the wall or by UTC, often about midnight; some missed, some twice."""
    at = chance.choice(
        [time(0, 0), time(0, 30), time(2, 30), time(6), time(12), time(23, 59), time(23, 30)]
    )
    by = chance.choice([zone, zone, UTC])
    missing = chance.choice([0, 0, 0.1, 0.4])
    gap = range(*sorted(chance.sample(range(DAYS), 2))) if chance.random() < 0.2 else range(0)
    out: set[datetime] = set()
    for day in range(DAYS):
        if chance.random() < missing or day in gap:
            continue
        now = datetime.combine(first + timedelta(days=day), at, tzinfo=by).astimezone(UTC)
        out.add(now)
        if chance.random() < 0.05:
            out.add(now + timedelta(hours=chance.choice([1, 5, 11])))
    return tuple(sorted(out))


def _days_off(chance: random.Random, first: date) -> frozenset[date]:
    if chance.random() < 0.5:
        return frozenset()
    return frozenset(first + timedelta(days=n) for n in chance.sample(range(DAYS), 5))


def _enforcement(chance: random.Random, first: date) -> Enforcement:
    begin = first + timedelta(days=chance.randrange(10, 30))
    freeze = Freeze(first=begin, last=begin + timedelta(days=chance.randrange(6)))
    return Enforcement(
        weekdays=chance.choice(list(EnforcementDays)),
        freezes=(freeze,) if chance.random() < 0.3 else (),
    )


def _people(chance: random.Random, zone: ZoneInfo, first: date) -> tuple[User, ...]:
    """One comes of age on each day of the week; some by their password."""
    start = datetime.combine(first, time(0), tzinfo=zone).astimezone(UTC)
    out = []
    for day in range(PEOPLE):
        name = f"user{day}"
        if chance.random() < 0.2:
            facts = console(changed=75 - day, start=start)
            out.append(person(name, start=start, **facts))
        else:
            out.append(person(name, key(75 - day, start=start), start=start))
    return tuple(out)


@cache
def _shifts(name: str) -> tuple[date, ...]:
    """Days on which the zone's clocks are moved, of three years."""
    zone = ZoneInfo(name)
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    offsets = [(noon + timedelta(days=n)).astimezone(zone).utcoffset() for n in range(1100)]
    moved = (day for day in range(1, len(offsets)) if offsets[day] != offsets[day - 1])
    return tuple((noon + timedelta(days=day)).date() for day in moved)


@cache
def _public(country: str, year: int) -> frozenset[date]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # moveable feasts of far years
        return frozenset(holidays.country_holidays(country, years=year))


# --- lived by the engine ------------------------------------------------------------------------


class _Account(SimulatedAccount):
    """Says when what was done to whom."""

    diary: Diary

    def create_access_key(self, user):
        self.diary.acts.append((self.now, "create", user))
        return super().create_access_key(user)

    def set_access_key_active(self, user, key, *, active):
        self.diary.acts.append((self.now, "deactivate", user))
        super().set_access_key_active(user, key, active=active)

    def reset_password(self, user, password):
        self.diary.acts.append((self.now, "reset", user))
        super().reset_password(user, password)


class _Mailer(SilentMailer):
    """Notes when a mail really goes; what the mail says of its date is not believed."""

    def __init__(self, account: _Account) -> None:
        super().__init__()
        self._account = account

    def send(self, mail: OutgoingMail):
        now = self._account.now
        self._account.diary.sent.append(
            Sent(at=now, kind=mail.kind, to=mail.to, said=mail.body.text)
        )
        return super().send(mail)


class _Words(PlainRenderer):
    """Stage, date and E of a notice, to be read again."""

    def notice(self, notice: Notice) -> RenderedMail:
        words = f"{notice.stage} {notice.on} {notice.enforcement_on or '-'}"
        return RenderedMail(html="", text=words)

    def closing(self, notice: ClosingNotice) -> RenderedMail:
        return RenderedMail(html="", text=f"closing {notice.on} -")


def live(stage: World) -> Diary:
    """Every run of the world."""
    diary = Diary()
    if not stage.runs:
        return diary
    years = range(stage.first.year - 1, stage.first.year + 3)
    off = set(stage.days_off)
    if stage.country is not None:
        off |= Holidays(country=stage.country).days(years)
    village = Village(
        *stage.people,
        timezone=stage.zone,
        mail_weekdays=stage.weekdays,
        holidays=frozenset(off),
        enforcement=stage.enforcement,
        limits=BlastLimits(disruptive_share=1.0, disruptive_floor=PEOPLE),
    )
    wired = village.wired()
    account = _Account(village.account.snapshot(), stage.runs[0])
    account.diary = diary
    state = State(project=village.policy.project_name, account_id=ACCOUNT)
    people, memory = HumanDecisions(), Memory(state)
    simulated = simulated_tools(account, memory, people, stage.runs[0])
    tools = replace(simulated, mailer=_Mailer(account), renderer=_Words())
    for now in stage.runs:
        account.now = now
        judged = judge(wired, memory.state, account.snapshot(), people, now, mailbox=None)
        bench = Workbench(tools, wired.post, judged.outlook, judged.planned.state, wired.run_id)
        outcomes = Execution(bench, Silence()).carry_out(judged.plan, None)
        memory.state = record(bench, judged, outcomes, {})
    return diary


# --- judged by the calendar on the wall ---------------------------------------------------------


def wrong(stage: World, diary: Diary) -> Iterator[str]:
    """Everything that came on a day on which it must not."""
    for sent in diary.sent:
        day = stage.local(sent.at)
        if not stage.is_mail_day(day):
            yield f"{sent.kind} to {sent.to[0]} on {day:%a %d %b %Y}, no mail day"
    for at, what, name in diary.acts:
        day = stage.local(at)
        if what != "create" and not stage.is_open(day):
            yield f"{what} of {name} on {day:%a %d %b %Y}, no act day"
        if what != "deactivate" and not stage.is_mail_day(day):
            yield f"{what} of {name} on {day:%a %d %b %Y}, no mail day"
    for user in stage.people:
        yield from _of_one(stage, diary, user)


def _of_one(  # noqa: C901 - rule after rule
    stage: World, diary: Diary, user: User
) -> Iterator[str]:
    """One person's ladder."""
    notices = diary.notices(user.name)
    days = [stage.local(sent.at) for sent in notices]
    if len(days) != len(set(days)):
        yield f"{user.name} got two notices on one day: {days}"
    for day, sent in zip(days, notices, strict=True):
        if sent.said.split()[1] != day.isoformat():
            yield f"{user.name} was told on {day} that it was {sent.said.split()[1]}"
    acts: dict[str, list[date]] = defaultdict(list)
    for at, what, name in diary.acts:
        if name == user.name:
            acts[what].append(stage.local(at))
    for what in ("create", "reset", "deactivate"):
        if len(acts[what]) > 1:
            yield f"{what} of {user.name} on {acts[what]}"
    for on in acts["create"] + acts["reset"]:
        if not days or (on - days[0]).days < 7:
            yield f"new credentials of {user.name} on {on}, first told {days[:1]}"
    for on in acts["deactivate"]:
        yield from _in_time(user.name, on, list(zip(days, notices, strict=True)), acts["create"])
    if user.keys and _undisturbed(stage, days):
        yield from _as_in_the_table(user.name, days, acts)


def _in_time(
    name: str, on: date, told: list[tuple[date, Sent]], created: list[date]
) -> Iterator[str]:
    """The act: not before what was promised first and told last, nor before the overlap is over."""
    before = [(day, sent.said.split()) for day, sent in told if day < on]
    if not before:
        yield f"{name} was never told of {on}"
        return
    promised, last = before[0][1][2], before[-1][1][2]
    if on.isoformat() < promised or on.isoformat() < last or last == "-":
        yield f"the key of {name} ended on {on}, promised {promised}, told last {last}"
    if not any(said[0] in ("warning", "countdown") for _, said in before):
        yield f"the key of {name} ended on {on} without a warning"
    if (on - before[0][0]).days < 14 or not created or (on - created[0]).days < 4:
        yield f"the key of {name} ended on {on}, first told {before[0][0]}, replaced {created}"


def _undisturbed(stage: World, days: list[date]) -> bool:
    """Monday to Friday, a run on each day, nothing off, no freeze, from day 0 to the day after."""
    if not days or stage.weekdays != frozenset(range(5)) or stage.enforcement.freezes:
        return False
    stretch = [days[0] + timedelta(days=n) for n in range(16)]
    lived = {stage.local(now) for now in stage.runs}
    weekdays = [day for day in stretch if day.weekday() < 5]
    return lived.issuperset(stretch) and all(map(stage.is_mail_day, weekdays))


def _as_in_the_table(name: str, days: list[date], acts: dict[str, list[date]]) -> Iterator[str]:
    told = [(day - days[0]).days for day in days if (day - days[0]).days <= 14]
    if told != TABLE.get(days[0].weekday()):
        yield f"{name}, day 0 a {days[0]:%A}, was told on days {told}"
    done = [(on - days[0]).days for what in ("create", "deactivate") for on in acts[what]]
    if done != [7, 14]:
        yield f"{name}: acts on days {done}"


# --- planted violations -------------------------------------------------------------------------


def _utc(self, now, anchor=None):
    return now.date()


def _no_holidays(self, day):
    return day.weekday() in self.policy.mail_weekdays


def _no_freezes(self, day):
    return self.policy.enforcement.weekdays is EnforcementDays.EVERY_DAY or self.is_mail_day(day)


MUTANTS = (
    Mutant(promise="P6", name="the date of UTC", plant=patched((Calendar, "today", _utc))),
    Mutant(
        promise="P6",
        name="holidays are not looked at",
        plant=patched((Calendar, "is_mail_day", _no_holidays)),
    ),
    Mutant(
        promise="P6",
        name="freezes are not looked at",
        plant=patched((Calendar, "is_act_day", _no_freezes)),
    ),
)
