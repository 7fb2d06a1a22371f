"""Whatever happens, no key ends before its gates hold, and none but the named one (P3, P4, P5).

Each history is a handful of people under settings of its own, and some dozens of steps by chance:
runs, missed and doubled days, what people do to their keys and users, also between plan and act,
decisions, refused addresses, stops, lost answers.  Judged by the checker, which knows nothing of
the engine, and by what was held, waived or paused.  To replay a violation:
`live(seed, number, steps)`.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta

from tests.fakes.key_usage import SimulatedUsage
from tests.proofs.checker import Rules, Violation, violations
from tests.proofs.chronicle import Blow, Chronicle, End
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.history import Call, History, Mail
from tests.proofs.meddling import Meddle, Meddled
from tests.proofs.named_key import prove_the_named_key
from tests.proofs.people_act import DECISIONS, EDITS, some_person
from tests.proofs.planting import patched
from tests.proofs.words import TEXT
from tests.proofs.worlds import Neighbourhood, Resume, Stop
from tests.scenario.people import key, person
from tests.scenario.peril import Fate, Perilous, Stopped

from keyreeve.escalation import machine
from keyreeve.escalation.outlook import Outlook
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.errors import KeyreeveError, RecipientRefused
from keyreeve.model.policy import (
    BlastLimits,
    Enforcement,
    EnforcementDays,
    FinalAct,
    Freeze,
    Orphans,
)
from keyreeve.pipeline import daily
from keyreeve.pipeline.enforcement import Enforcement as Enforcing
from keyreeve.pipeline.usage import UsageTools
from keyreeve.storage.layout import AUDIT
from keyreeve.storage.usage import StoredUsage

LENGTH = 45
"""Steps of one history."""
_HURTS = {
    "iam:UpdateAccessKey",
    "iam:UpdateLoginProfile",
    "iam:DeleteLoginProfile",
    "iam:AddUserToGroup",
    "iam:CreateAccessKey",
}


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """Histories, and the table of edits between plan and act."""
    tried: Counter[str] = Counter()
    bad: dict[str, list[str]] = {}
    for life, found in trials(size, seed):
        tried["steps of random histories"] += len(life.steps)
        tried["acts and mails of random histories"] += len(life.chronicle.events)
        tried["mornings on which cut-over was seen"] += life.cut_overs()
        for violation in found:
            where = f"seed {seed}, history {life.number}, {len(life.steps)} steps"
            bad.setdefault(violation.promise, []).append(f"{where}: {violation.text}")
    for promise in sorted({"P3", "P4", "P5", *bad}):
        for what, count in tried.items():
            told = tuple(bad.pop(promise, ()))
            yield Figure(promise=promise, what=what, tried=count, violations=told)
    yield prove_the_named_key(size)


def trials(size: Size, seed: int) -> Iterator[tuple[Life, list[Violation]]]:
    """History after history; one that is bad is cut to its shortest bad beginning."""
    for number in range(size.of(45, 2_300)):
        life = live(seed, number)
        found = life.judged()
        if found:
            life, found = shortest(seed, number)
        yield life, found


def shortest(seed: int, number: int) -> tuple[Life, list[Violation]]:
    """The first so many steps of the history that break a promise."""
    for steps in range(1, LENGTH + 1):
        life = live(seed, number, steps)
        found = life.judged()
        if found:
            return life, found
    raise AssertionError("a history that was bad is good")


def live(seed: int, number: int, steps: int = LENGTH) -> Life:
    """The history of this number, or its beginning."""
    life = Life(random.Random(f"{seed} {number}"), number)
    while len(life.steps) < steps:
        life.step()
    return life


class Watched(Neighbourhood):
    """A neighbourhood whose runs look at how keys are used: an owner who changes over is seen."""

    def wired(self, fate: Fate | None = None) -> daily.Account:
        fate = fate or Fate()
        uses = Perilous(SimulatedUsage(self.account), fate)
        kept = StoredUsage(Perilous(self.store, fate))
        return replace(super().wired(fate), usage=UsageTools(reader=uses, kept=kept))


class Life:
    """One account, step by step."""

    def __init__(self, chance: random.Random, number: int) -> None:
        self.chance, self.number = chance, number
        self.steps: list[str] = []
        """What happened, in words."""
        self.renamed: dict[str, str] = {}
        """Old name → new; a thread goes on under its old name, a new one has the new."""
        self.wrong: list[Violation] = []
        self.serial = 0
        self.missed = chance.choice([5, 15, 50])
        """How often runs are missed, to 88 that are not."""
        self.at = 0.0
        """Day of the last run."""
        self.quiet = number % 5 == 0
        """Two aged keys in use, hardly an edit, and an outage before the replacements."""
        people = [some_person(chance, f"user{n}") for n in range(chance.choice([1, 2, 3]))]
        if self.quiet:
            people = [person(f"user{n}", key(100)) for n in range(2)]
        self.village = Watched(*people, renderer=TEXT, **_settings(chance))
        self.chronicle = Chronicle(self.village)
        self._repeats = 0

    @property
    def today(self) -> date:
        """The local date."""
        return self.village.clock.now().date()

    @property
    def now(self) -> datetime:
        return self.village.clock.now()

    def step(self) -> None:
        """The next one."""
        kind = self.chance.choices(
            [self._run, self._edit, self._decide, self._refuse],
            [97, 1, 1, 1] if self.quiet else [70, 20, 6, 4],
        )[0]
        self.steps.append(kind())

    def _edit(self) -> str:
        return self.chance.choice(EDITS)(self) or "nobody does anything"

    def _decide(self) -> str:
        return self.chance.choice(DECISIONS)(self)

    def _refuse(self) -> str:
        """An address that refuses mail, or takes it again."""
        refused = self.village.mailer._refused
        if refused:
            refused.clear()
            return "all addresses take mail again"
        if not self.village.account.people:
            return "nobody is there"
        name = self.chance.choice(self.village.account.people)
        self.village.mailer.refuse(f"{name}@example.com", _refusal(name))
        return f"mail to {name} is refused"

    # --- runs -----------------------------------------------------------------------------------

    def _run(self) -> str:
        chance = self.chance
        apart = chance.choices(["next", "again", "missed"], [80, 8, self.missed])[0]
        if self.quiet and len(self.steps) == 2:
            self.at = float(int(self.at) + chance.randrange(5, 10))
            apart = "again"
        match apart:
            case "again":
                self.at = round(self.at + 0.02, 4)
            case "missed":
                self.at = float(int(self.at) + chance.randrange(2, 7))
            case _:
                self.at = float(int(self.at) + 1)
        blow = (
            Blow(chance.randrange(45), chance.choice(list(End))) if chance.random() < 0.2 else None
        )
        story: list[str] = [f"run of day {self.at:g}"]
        meddle = self._meddling(story) if chance.random() < 0.15 else None
        still = self._still()
        seen = len(self.chronicle.events)
        witness = Meddled(self.chronicle, blow, meddle)
        try:
            with suppress(Stopped):
                self.village.run(self.at, fate=witness)
        except KeyreeveError as error:
            if blow is None:
                self._wrong("P5", f"{story[0]} failed: {error}")
        if blow is not None and witness.struck:
            stop = Stop(at=self.at, blow=blow, call=witness.calls[blow.at], resume=Resume.NEXT_RUN)
            self._repeats += stop.repeats_a_mail
            story.append(str(stop))
        self._none_of(still, seen)
        return ", ".join(story)

    def _meddling(self, story: list[str]) -> Meddle:
        """An edit after the plan was made, at one of the next calls."""
        left = [self.chance.randrange(12)]
        planned: list[int] = []

        def meddle(number: int, method: str, args: tuple[str, ...]) -> None:
            if method == "put" and args[0].endswith("state.json"):
                planned.append(number)
            if not planned or left[0] < 0:
                return
            left[0] -= 1
            if left[0] < 0:
                story.append(f"before call {number} {self._edit()}")

        return meddle

    def _still(self) -> set[str] | None:
        """Whom no act may touch in the coming run; None: nobody at all."""
        people = self.village.decisions.read()
        if people.pause is not None or people.observes(self.village.policy):
            return None
        day = self.village.at(self.at).date()
        held = {str(hold.user) for hold in people.holds if hold.until > day}
        waived = {
            str(w.user)
            for w in people.waivers
            if w.control is None and w.expires_on >= day and w.revoked_at is None
        }
        return held | waived

    def _none_of(self, still: set[str] | None, seen: int) -> None:
        made = {c.made for c in self.chronicle.events if isinstance(c, Call) and c.made}
        back: set[str] = set()
        for number, event in enumerate(self.chronicle.events):
            if not isinstance(event, Call) or not event.effect or "Actor" in event.params:
                continue
            key = event.params.get("AccessKeyId", "")
            if event.params.get("Status") == "Active":
                back.add(key)
                continue
            # A waiver or a hold is about findings; who brings a key back states its end as well.
            ended = still is not None and key in back
            back.discard(key)
            if number < seen or key in made or ended:
                continue
            if event.operation in _HURTS and (still is None or event.user in still):
                self._wrong(
                    "P3", f"{event.operation} of {event.user}, who is held, waived or paused"
                )

    def _wrong(self, promise: str, text: str) -> None:
        self.wrong.append(Violation(promise=promise, text=text))

    # --- the end --------------------------------------------------------------------------------

    def judged(self) -> list[Violation]:
        """What the checker finds, and what was noticed on the way."""
        history = self.history()
        rules = Rules(
            overlap=self.village.policy.enforcement.minimum_overlap_days,
            stops_at_send=self._repeats,
            free_slots=_freed(history, self.village.policy.free_slot_after_days),
            waived=frozenset(self._name_now(w.user) for w in self._decided().waivers),
        )
        return self.wrong + violations(history, rules)

    def cut_overs(self) -> int:
        """Owners seen to have changed over, one for each morning."""
        log = (
            it.content for name, it in self.village.store._objects.items() if name.startswith(AUDIT)
        )
        return sum(segment.count(b'"cut_over.seen"') for segment in log)

    def _name_now(self, name: str) -> str:
        while name in self.renamed:
            name = self.renamed[name]
        return name

    def _decided(self) -> HumanDecisions:
        return self.village.decisions.read()

    def history(self) -> History:
        """Under the names that people bear now."""
        history = self.chronicle.history()
        events = history.calls
        for old, new in self.renamed.items():
            events = tuple(_under(new, old, event) for event in events)
        return replace(history, calls=events)


def _under(name: str, old: str, event: Call | Mail) -> Call | Mail:
    """The event, as if the user had always borne the name."""
    if isinstance(event, Call):
        return replace(event, user=name) if event.user == old else event
    # Mail addresses stay: `user0@…`, and `user0.new@…` too.
    return replace(event, raw=re.sub(rf"{old}(?![\w.]*@)".encode(), name.encode(), event.raw))


def _freed(history: History, after: int | None) -> frozenset[str]:
    """Keys that may be deleted to free a slot: ours to make Inactive, so long ago, and still so."""
    if after is None:
        return frozenset()
    since: dict[str, datetime] = {}
    out = set()
    for event in history.calls:
        if not isinstance(event, Call) or not event.effect:
            continue
        key = event.params.get("AccessKeyId", "")
        if event.operation == "iam:UpdateAccessKey":
            ours = "Actor" not in event.params and event.params.get("Status") == "Inactive"
            since.pop(key, None)
            if ours:
                since[key] = event.at
        old_enough = key in since and event.at - since[key] >= timedelta(days=after)
        if event.operation == "iam:DeleteAccessKey" and old_enough:
            out.add(key)
    return frozenset(out)


def _refusal(name: str) -> KeyreeveError:
    return RecipientRefused(f"{name} takes no mail")


def _settings(chance: random.Random) -> dict[str, object]:
    """Settings as a config could hold them."""
    start = date(2026, 1, 5)
    frozen = start + timedelta(days=chance.randrange(10, 25))
    freezes = (Freeze(first=frozen, last=frozen + timedelta(days=3)),)
    return {
        "mail_weekdays": frozenset(chance.choice([range(5), range(5), range(7), (0, 3)])),
        "holidays": frozenset(start + timedelta(days=chance.randrange(40)) for _ in range(3)),
        "closing_mail": chance.random() < 0.8,
        "free_slot_after_days": chance.choice([None, None, 0, 5]),
        "orphans": chance.choice(list(Orphans)),
        "observe_only": chance.random() < 0.02,
        "limits": BlastLimits(disruptive_floor=chance.choice([1, 5])),
        "enforcement": Enforcement(
            console_mfa=chance.choice(
                [FinalAct.REMIND, FinalAct.QUARANTINE, FinalAct.DELETE_LOGIN_PROFILE]
            ),
            user_inactive=chance.choice(
                [
                    FinalAct.REMIND,
                    FinalAct.QUARANTINE,
                    FinalAct.DELETE_LOGIN_PROFILE,
                    FinalAct.DEACTIVATE_UNUSED_KEYS,
                ]
            ),
            password_age=chance.choice([FinalAct.NOTHING, FinalAct.DELETE_LOGIN_PROFILE]),
            minimum_overlap_days=chance.choice([4, 4, 5, 7]),
            weekdays=chance.choice(list(EnforcementDays)),
            freezes=freezes if chance.random() < 0.3 else (),
        ),
    }


# --- planted violations -------------------------------------------------------------------------


def _first_key(self) -> None:
    act, bench = self._act, self._bench
    first = bench.tools.reader.access_keys(act.user_name)[0]
    bench.tools.actuator.set_access_key_active(act.user_name, first.key_id, active=False)


def _never_warned(record, at, calendar, *, day_0, enforcement_on, days):
    del record, at, calendar, enforcement_on, days
    return day_0


MUTANTS = (
    Mutant(
        promise="P3",
        name="what an earlier owner was told counts",
        plant=patched((Outlook, "heard", lambda self, case, record: record)),
    ),
    Mutant(
        promise="P3",
        name="nobody is warned",
        plant=patched((machine, "_warned_before", _never_warned)),
    ),
    Mutant(
        promise="P3",
        name="nobody waits for the overlap",
        plant=patched((machine, "_overlap_over", lambda record, at, calendar, day_0, days: day_0)),
    ),
    Mutant(
        promise="P4",
        name="the act takes the first key",
        plant=patched((Enforcing, "_do", _first_key)),
    ),
    Mutant(
        promise="P4",
        name="a slot is freed whoever made its key Inactive",
        plant=patched((Outlook, "may_free", lambda self, key: not key.active)),
    ),
)
