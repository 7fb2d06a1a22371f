"""Never more users a day than the limits allow, and never the protected ones (P8).

Random populations, several runs a day, stops, lost answers, people who change the account between
the plan and the act.  P and the number allowed are worked out here from the account itself; who was
opened, given a key or disturbed is read from the calls and mails.  To replay a violation:
`live(seed, number)`.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from tests.proofs.chronicle import Blow, Chronicle, End, lost
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.history import Call
from tests.proofs.meddling import Meddle, Meddled
from tests.proofs.planting import patched
from tests.proofs.worlds import Neighbourhood
from tests.scenario.people import ADMINISTRATOR, MONDAY, console, key, person
from tests.scenario.peril import Stopped

from keyreeve.escalation import limits, planner
from keyreeve.escalation.outlook import SLOTS, FindingKey, Outlook
from keyreeve.model.decisions import Waiver
from keyreeve.model.errors import KeyreeveError
from keyreeve.model.identifiers import UserName
from keyreeve.model.notice import MailKind
from keyreeve.model.plan import Decision
from keyreeve.model.policy import (
    BlastLimits,
    Enforcement,
    EscalationPolicy,
    Exclusion,
    FinalAct,
    Match,
)
from keyreeve.model.snapshot import Caller, GrantedPolicies, User
from keyreeve.pipeline import execution

OFF = "compliance"
"""Tag that puts a user out of scope, with the value `off`."""
ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Pacific/Auckland")
_DISTURBING = {
    "iam:UpdateAccessKey",
    "iam:UpdateLoginProfile",
    "iam:DeleteLoginProfile",
    "iam:AddUserToGroup",
}
MUST_NOT_OPEN = "findings that a refused run must not open"
OUTAGE = "outage"
"""No change of IAM arrives, and none is answered."""
_WRITES = {
    "create_access_key",
    "set_access_key_active",
    "reset_password",
    "delete_login_profile",
    "add_to_group",
}
_MAY_GET = ("the last administrator", "the identity that runs")
"""A new key beside the old one hurts neither."""
_CHANGES = {*_DISTURBING, "iam:CreateAccessKey", "iam:DeleteAccessKey"}


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """World after world, each lived for three weeks."""
    tried: Counter[str] = Counter()
    bad: list[str] = []
    for world in trials(size, seed):
        tried.update(world.tried)
        bad += [f"seed {seed}, world {world.number}, {text}" for text in world.wrong]
    yield Figure(promise="P8", what="runs over random populations", tried=tried["runs"])
    for what in ("users counted", "refused runs", MUST_NOT_OPEN, "protected users"):
        yield Figure(promise="P8", what=what, tried=tried[what])
    yield Figure(
        promise="P8",
        what="edits of people between plan and act",
        tried=tried["edits"],
        violations=tuple(bad),
    )


def trials(size: Size, seed: int) -> Iterator[World]:
    """Each world, lived."""
    return (live(seed, number) for number in range(size.of(40, 500)))


@dataclass(slots=True)
class Day:
    """Who was touched on one local day."""

    opened: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    disturbed: set[str] = field(default_factory=set)


class World:
    """One account, its protected users, and what is counted."""

    def __init__(self, chance: random.Random, number: int) -> None:
        self.chance, self.number = chance, number
        self.share = chance.choice([0.05, 0.07, 0.1, 0.25, 0.5, 1.0])
        self.floor = chance.choice([1, 2, 5, 5, 10])
        self.zone = ZoneInfo(chance.choice(ZONES))
        self.protected: dict[str, str] = {}
        """User → why nobody may touch it."""
        self.tried: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.days: defaultdict[date, Day] = defaultdict(Day)
        self._threads: set[str] = set()
        people = self._people(
            300 if number % 100 == 99 else chance.choice([1, 2, 3, 6, 9, 14, 25, 40])
        )
        village = Neighbourhood(
            *people,
            timezone=self.zone,
            limits=BlastLimits(disruptive_share=self.share, disruptive_floor=self.floor),
            exclusions=(Exclusion(match=Match(tag=f"{OFF}=off"), reason="a service"),),
            enforcement=Enforcement(
                console_mfa=chance.choice([FinalAct.REMIND, FinalAct.QUARANTINE]),
                user_inactive=chance.choice([FinalAct.REMIND, FinalAct.DELETE_LOGIN_PROFILE]),
            ),
            start=MONDAY.replace(hour=chance.choice([1, 6, 12, 20])),
        )
        self.village = village
        self.chronicle = Chronicle(village)
        self._protect()

    # --- who lives here -------------------------------------------------------------------------

    def _people(self, count: int) -> list[User]:
        return [self._person(f"user{n:03d}") for n in range(count)]

    def _person(self, name: str) -> User:
        chance = self.chance
        match chance.choice(["fine", "fine", "key", "key", "both", "password", "mfa", "quiet"]):
            case "key":
                return person(name, key(chance.randrange(80, 900)))
            case "both":
                return person(name, key(chance.randrange(80, 900)), key(200), **console())
            case "password":
                return person(name, **console(changed=chance.randrange(80, 900)))
            case "mfa":
                return person(name, **console(mfa=False))
            case "quiet":
                return person(name, **console(signed_in=90))
            case _:
                return person(name, key(chance.randrange(1, 40)))

    def _protect(self) -> None:
        """Some are excluded, waived, the caller or the only administrator, from the beginning."""
        account = self.village.account
        for name in account.people:
            fate = self.chance.random()
            if fate < 0.05:
                self.exclude(name)
            elif fate < 0.1:
                self.waive(name)
        if self.chance.random() < 0.4:
            name = self.chance.choice(account.people)
            account.change(name, granted=GrantedPolicies(managed=frozenset({ADMINISTRATOR})))
            self.protected[name] = "the last administrator"
        if self.chance.random() < 0.3:
            name = self.chance.choice(account.people)
            user = account._users[UserName(name)]
            caller = Caller(
                account_id=account._facts.account_id, arn=user.arn, user_id=str(user.user_id)
            )
            account._facts = replace(account._facts, caller=caller)
            self.protected[name] = "the identity that runs"

    def exclude(self, name: str) -> None:
        tags = {**self.village.account._users[UserName(name)].tags, OFF: "off"}
        self.village.account.change(name, tags=tags)
        self.protected[name] = "excluded"

    def waive(self, name: str) -> None:
        today = self.local(self.village.clock.now())
        waiver = Waiver(
            waiver_id=f"w{len(self.protected)}-{name}",
            user=name,
            control=None,
            resource_id=None,
            reason="vendor replaces it",
            requested_by="a",
            approved_by="b",
            expires_on=today + timedelta(days=300),
            added_at=self.village.clock.now(),
            added_by="msp",
        )
        self.village.decisions.add_waiver(waiver, today=today)
        self.protected[name] = "waived"

    def local(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    # --- counting -------------------------------------------------------------------------------

    def allowed(self) -> int:
        """Worked out from the account: max(1, ⌈share·P⌉, min(floor, ⌈P/2⌉))."""
        people = 0
        for user in self.village.account.snapshot().users:
            live = user.password_enabled or any(key.active for key in user.keys)
            people += bool(live) and user.tags.get(OFF) != "off"
        hundredths = round(self.share * 100)
        return max(1, -(-hundredths * people // 100), min(self.floor, ceil(people / 2)))

    def run(
        self, at: float, blow: Blow | None = None, edit: str | None = None, **more: int | None
    ) -> int | None:
        """One run; what it did is counted. Its exit code, if it came to an end."""
        village, chronicle = self.village, self.chronicle
        allowed, seen, sent = self.allowed(), len(chronicle.events), len(village.mailer.sent)
        on = self.local(village.at(at))
        before = {what: set(getattr(self.days[on], what)) for what in Day.__slots__}
        spared: dict[str, int] = {}
        fate = Meddled(chronicle, blow, self._meddling(edit, spared) if edit else None)
        report = None
        with suppress(Stopped, *((KeyreeveError,) if blow else ())):
            report = village.run(at, fate=fate, **more)
        self.tried["runs"] += 1
        self._count(seen, sent, spared)
        for what, earlier in before.items():
            now = getattr(self.days[on], what)
            self.tried["users counted"] += len(now - earlier)
            if len(now) > max(allowed, len(earlier)):
                told = f"day {at:g}: {len(now)} users {what}, {allowed} allowed ({blow})"
                self.wrong.append(told)
        return report.exit_code if report else None

    def _count(  # noqa: C901 - one pass over what happened
        self, seen: int, sent: int, spared: dict[str, int]
    ) -> None:
        """What was done since then; the protected are looked for."""
        protected = self.protected
        made = {c.made for c in self.chronicle.events if isinstance(c, Call) and c.made}
        for number, call in enumerate(self.chronicle.events[seen:], start=seen):
            if not isinstance(call, Call) or not call.effect or call.operation not in _CHANGES:
                continue
            user, day = str(call.user), self.days[self.local(call.at)]
            if call.params.get("AccessKeyId") in made:
                continue  # an orphan of our own: nobody ever held it
            if call.operation in _DISTURBING:
                day.disturbed.add(user)
            if call.operation == "iam:CreateAccessKey":
                day.given.add(user)
            if user in protected and number >= spared.get(user, 0):
                new_key = call.operation == "iam:CreateAccessKey" and protected[user] in _MAY_GET
                if not new_key:
                    self.wrong.append(f"{call.operation} of {user}, {protected[user]}")
        for mail in self.village.mailer.sent[sent:]:
            name = mail.to[0].partition("@")[0]
            if mail.kind is MailKind.CLOSING:
                self._threads.discard(name)
            elif mail.kind is MailKind.NOTICE and name not in self._threads:
                self._threads.add(name)
                self.days[self.local(mail.sent_at)].opened.add(name)

    def _meddling(self, edit: str, spared: dict[str, int]) -> Meddle:
        """After the plan, just before the first look at a user: out of scope, or waived."""
        looked: set[str] = set()
        patience = self.chance.choice([0, 0, 1, 3])
        looks = {"access_keys", "has_login_profile", "user"}

        def meddle(number: int, method: str, args: tuple[str, ...]) -> None:
            del number
            if edit == OUTAGE:
                if method in _WRITES:
                    raise lost(f"ReportedAccount.{method}")
                return
            if method == "put" and args[0].endswith("state.json"):
                looked.add("planned")
            if "planned" not in looked or method not in looks or args[0] in looked or spared:
                return
            looked.add(args[0])
            # Waivers are read before GetUser: for them that would be too late.
            if len(looked) - 2 < patience or (edit == "waived" and method == "user"):
                return
            spared[args[0]] = len(self.chronicle.events)
            self.tried["edits"] += 1
            (self.exclude if edit == "excluded" else self.waive)(args[0])

        return meddle


# --- lived --------------------------------------------------------------------------------------


def live(seed: int, number: int) -> World:
    """Three weeks, and some more where runs are missed."""
    chance = random.Random(f"{seed} {number}")
    world = World(chance, number)
    stops = chance.random() < 0.5
    crowd_at = None if stops else chance.choice([2, 3, 8, 12])
    for day in range(22):
        if chance.random() < 0.1:
            continue
        if day == crowd_at:
            _mass(world, day)
            continue
        for part in range(chance.choice([1, 1, 2, 3])):
            at = day + part * 0.07
            blow = None
            if stops and chance.random() < 0.4:
                blow = Blow(chance.randrange(90), chance.choice(list(End)))
            edit = chance.choice([None, "excluded", "waived", OUTAGE if stops else None])
            world.run(at, blow, edit)
    world.tried["protected users"] += len(world.protected)
    return world


def _mass(world: World, day: int) -> None:
    """So many vanish, or become flagged, at once that the run must refuse; then it is accepted."""
    village, chance = world.village, world.chance
    world.run(day)
    people = village.account.people
    fine = [u.name for u in village.account.snapshot().users if _is_fine(world, u)]
    population = [
        user
        for user in village.account.snapshot().users
        if user.tags.get(OFF) != "off" and user.has_live_credential
    ]
    vanish = chance.random() < 0.5
    among, base = (people, len(people)) if vanish else (fine, len(population))
    limit = max(world.floor, ceil(world.share * base))
    if len(among) <= limit + 1:
        return
    number = chance.randrange(limit + 1, len(among)) if vanish else limit + 1
    for name in chance.sample(list(among), number):
        if vanish:
            village.account.delete(str(name))
            world.protected.pop(str(name), None)
        else:
            village.account.change(str(name), keys=(replace(key(100), key_id=f"AKIA{name}"),))
    _worse(world)
    calls, threads = len(world.chronicle.events), set(world._threads)
    opened = _opened(world)
    codes = [world.run(day + 0.1), world.run(day + 0.2, accepted=number - 1)]
    world.tried["refused runs"] += 2
    changed = [
        event
        for event in world.chronicle.events[calls:]
        if isinstance(event, Call) and event.operation in _CHANGES
    ]
    begun = _opened(world) - opened
    if codes != [4, 4] or changed or world._threads - threads or begun:
        what = "vanished" if vanish else "became flagged"
        told = f"{codes}, {changed[:2]}, {sorted(begun)[:2]}"
        world.wrong.append(f"day {day}: {number} of {base} {what}: {told}")
    if world.run(day + 0.3, accepted=number) == 4:
        world.wrong.append(f"day {day}: {number} was accepted, and refused")


def _worse(world: World) -> None:
    """The wrong facts say more of those too whose case is open: another aged key."""
    state, account = world.village.state, world.village.account
    known = state.population.flagged if state.population else frozenset()
    for user in account.snapshot().users:
        case = state.users.get(user.user_id) if user.user_id in known else None
        if case is None or case.opened_on is None or user.name in world.protected:
            continue
        if len(user.keys) < SLOTS:
            extra = replace(key(300), slot=len(user.keys) + 1, key_id=f"AKIAMORE{user.name}")
            account.change(str(user.name), keys=(*user.keys, extra))
            world.tried[MUST_NOT_OPEN] += 1


def _opened(world: World) -> set[tuple[str, str, str]]:
    """User, control and resource of every finding whose clock runs."""
    return {
        (str(case.user_name), record.control.value, record.resource_id)
        for case in world.village.state.users.values()
        for record in case.findings.values()
        if record.opened_on is not None
    }


def _is_fine(world: World, user: User) -> bool:
    """Never flagged by anything, and not protected."""
    young = all(key.since > MONDAY - timedelta(days=41) for key in user.keys)
    return (
        len(user.keys) == 1
        and young
        and not user.password_enabled
        and (user.name not in world.protected)
    )


# --- planted violations -------------------------------------------------------------------------

_allowed = limits.allowed_users


def _one_more(population: int, blast: BlastLimits) -> int:
    return _allowed(population, blast) + 1


def _all_told(decisions: dict[FindingKey, Decision], **_: bool) -> dict[FindingKey, Decision]:
    return decisions


MUTANTS = (
    Mutant(
        promise="P8",
        name="one user more than allowed",
        plant=patched((planner, "allowed_users", _one_more)),
    ),
    Mutant(
        promise="P8",
        name="exclusions are not looked at",
        plant=patched((EscalationPolicy, "exclusion_for", lambda self, user: None)),
    ),
    Mutant(
        promise="P8",
        name="the last administrator is not protected",
        plant=patched((Outlook, "administrators", frozenset())),
    ),
    Mutant(
        promise="P8",
        name="the identity that runs is not protected",
        plant=patched((Outlook, "is_self", lambda *_: False)),
    ),
    Mutant(
        promise="P8",
        name="facts that look wrong are believed",
        plant=patched((planner, "refusal", lambda *_: None)),
    ),
    Mutant(
        promise="P8",
        name="a refused run tells of new findings in open cases",
        plant=patched(*((room, "told_today", _all_told) for room in (planner, execution))),
    ),
)
