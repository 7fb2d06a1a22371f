"""What the promises forbid, found in what happened (P1 to P5, and who got the private mails).

Reads a `History` alone and knows nothing of the engine: an account that was rotated by hand could
be checked as well.  Times are days of `Rules.zone`; acts of people bear `Actor` among their params
and are believed, never judged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from tests.proofs.history import Call, History, Mail
from tests.proofs.letters import Kind, Letter, Line, key_in, read

ESCROW = "credentials/"
ACTOR = "Actor"
"""Param of a call: who made it, where it was not Keyreeve."""
USE = "use"
"""Operation of a person: the key `AccessKeyId` was used."""
TAG = "iam:TagUser"
"""Operation of a person: the owner's address is `Email` from now on; empty: none."""
LOOK = "iam:GetUser"
"""The live read that shows the address."""
REINSTATE = "reinstate"
"""Operation of a person: asked for the key `AccessKeyId` back until the instant `Until` (ISO)."""
_LOOKED_WITHIN = timedelta(minutes=10)
_READS = ("Get", "List", "Generate", "Simulate")
_REASONS = (
    "No replacement can be made",
    "No replacement will be made",
    "No new credentials",
    "The replacement that was handed over is gone",
    "A replacement was handed over earlier",
)
"""Sentences that say why no replacement comes."""
_UNUSED_KEYS = "Your unused access keys become inactive"
_PASSWORD_GOES = "Your console password will be removed"
_MOVED = "The date has moved"
_MAY_REPEAT = ("COUNTDOWN", "OVERDUE")
"""Stages that are told on several days."""
_SHOWN = 3
"""Examples of what was found many times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What was agreed; days."""

    zone: tzinfo = UTC
    hand_over_after: int = 7
    act_after: int = 14
    overlap: int = 4
    retention: int = 30
    """Days that a secret stays in escrow after its delivery."""
    stops_at_send: int = 0
    """Mails that may be there twice: answers to a send that were lost."""
    free_slots: frozenset[str] = frozenset()
    """Keys whose deletion was opted into."""
    waived: frozenset[str] = frozenset()
    """Users whose case may have ended without a word: the next one says everything anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A broken promise, and where."""

    promise: str
    text: str

    def __str__(self) -> str:
        """For a report."""
        return f"{self.promise}: {self.text}"


def violations(history: History, rules: Rules | None = None) -> list[Violation]:
    """Everything that was forbidden and happened."""
    story = _Story(history, rules or Rules())
    checks = (_kept, _escrowed_first, _one_each, _acts, _deleted, _mails_once, _private)
    return [violation for check in checks for violation in check(story)]


# --- the history, indexed -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A mail in its place."""

    index: int
    day: date
    letter: Letter
    mail: Mail


class _Story:
    """The history with its mails read."""

    def __init__(self, history: History, rules: Rules) -> None:
        self.history, self.rules = history, rules
        self.calls = [(n, e) for n, e in enumerate(history.calls) if isinstance(e, Call)]
        self.mails = [
            _Told(index=n, day=self.day(e), letter=read(e.raw), mail=e)
            for n, e in enumerate(history.calls)
            if isinstance(e, Mail)
        ]
        self.made = {c.made: (n, c) for n, c in self.effects("iam:CreateAccessKey") if c.made}
        self.delivered: dict[str, _Told] = {}
        for told in self.private():
            if told.letter.new_key is not None:
                self.delivered.setdefault(told.letter.new_key, told)

    def day(self, event: Call | Mail) -> date:
        return event.at.astimezone(self.rules.zone).date()

    def effects(self, operation: str) -> Iterator[tuple[int, Call]]:
        """Keyreeve's own calls of this operation that took effect."""
        return ((n, c) for n, c in self.calls if c.operation == operation and c.effect and _ours(c))

    def private(self) -> list[_Told]:
        return [told for told in self.mails if told.letter.attachment is not None]

    def notices(self, before: int, about: Callable[[Letter, Line], bool]) -> list[_Told]:
        """Notices that arrived before, in which a line is about it."""
        return [
            told
            for told in self.mails
            if told.index < before and not told.mail.bounced and told.letter.kind is Kind.NOTICE
            if any(about(told.letter, line) for line in told.letter.lines)
        ]

    def shut(self, key: str) -> list[tuple[int, Call]]:
        """Whoever made the key Inactive or deleted it."""
        return [(n, c) for n, c in self.calls if c.effect and _shuts(c, key)]

    def is_shut(self, key: str, at: int) -> bool:
        """Whether it was Inactive or gone by then, whoever did it; Active again counts."""
        changes = [c for n, c in self.calls if n < at and c.effect and _changes(c)]
        mine = [c for c in changes if c.params.get("AccessKeyId") == key]
        return bool(mine) and _shuts(mine[-1], key)

    def user_of(self, number: int) -> str | None:
        """Whom the call is about."""
        call = self.history.calls[number]
        return call.user if isinstance(call, Call) else None

    def last_look(self, before: int) -> int:
        """The last answered ListAccessKeys of the user of this act."""
        act = self.history.calls[before]
        assert isinstance(act, Call)
        looks = [
            n
            for n, c in self.effects("iam:ListAccessKeys")
            if n < before and c.user == act.user and c.answered
        ]
        return max(looks, default=before)

    def first_told(self, before: int, user: str | None, title: str, subject: str) -> date:
        """When a notice named the finding first, whatever it threatened then."""
        return self.notices(
            before,
            lambda letter, line: (letter.user, line.title, line.subject) == (user, title, subject),
        )[0].day

    def act_days(self, user: str | None) -> set[date]:
        """Days on which Keyreeve changed something of the user's."""
        return {
            self.day(c)
            for _, c in self.calls
            if c.effect and _ours(c) and _changes(c) and c.user == user
        }

    def key_edits(self, told: _Told) -> int:
        """How often people had changed keys of the mail's user: what was said may be so again."""
        return sum(
            n < told.index and not _ours(c) and _changes(c) and c.user == told.letter.user
            for n, c in self.calls
        )

    def address(self, user: str | None, before: int) -> str | None:
        """The owner's, as our last look at the user showed it; None: nobody has ever changed it."""
        looks = (n for n, c in self.effects(LOOK) if n < before and c.user == user and c.answered)
        looked = max(looks, default=before)
        tags = [c for n, c in self.calls if n < looked and c.operation == TAG and c.user == user]
        return tags[-1].params["Email"].lower() if tags else None

    def is_orphan(self, key: str, at: int) -> bool:
        """Made here, and nobody had got its secret by then."""
        delivered = self.delivered.get(key)
        return key in self.made and (delivered is None or delivered.index > at)


def _ours(call: Call) -> bool:
    return ACTOR not in call.params


def _shuts(call: Call, key: str) -> bool:
    if call.params.get("AccessKeyId") != key:
        return False
    inactive = call.operation == "iam:UpdateAccessKey" and call.params.get("Status") == "Inactive"
    return inactive or call.operation == "iam:DeleteAccessKey"


def _changes(call: Call) -> bool:
    name = call.operation.removeprefix("iam:")
    return call.operation.startswith("iam:") and not name.startswith(_READS)


# --- P1: no lost credential ---------------------------------------------------------------------


def _kept(story: _Story) -> Iterator[Violation]:
    """Every active key made here is in escrow at the end, or its retention is over."""
    found = (key_in(content) for content in story.history.escrow.values())
    safe = {row[0] for row in found if row is not None and row[1]}
    for key in story.history.keys:
        if key.active and key.key_id in story.made and key.key_id not in safe:
            delivered = story.delivered.get(key.key_id)
            if delivered is None or not _retained_long_enough(story, delivered):
                yield Violation(promise="P1", text=f"{key.key_id} is active and not in escrow")


def _retained_long_enough(story: _Story, delivered: _Told) -> bool:
    end = story.day(story.history.calls[-1])
    return (end - delivered.day).days >= story.rules.retention


def _escrowed_first(story: _Story) -> Iterator[Violation]:
    """A secret is at rest before it is mailed; a password before it is set."""
    puts = [
        (n, c.params.get("Key", ""))
        for n, c in story.effects("s3:PutObject")
        if ESCROW in c.params.get("Key", "")
    ]
    for told in story.private():
        same = {k for k, held in story.history.escrow.items() if held == told.letter.attachment}
        purged = not same and _retained_long_enough(story, told)
        if not any(n < told.index and (key in same or purged) for n, key in puts):
            text = f"the secret mailed to {told.letter.user} on {told.day} was not escrowed before"
            yield Violation(promise="P1", text=text)
    passwords = [n for n, key in puts if f"{ESCROW}passwords/" in key]
    for count, (n, call) in enumerate(story.effects("iam:UpdateLoginProfile"), start=1):
        if sum(put < n for put in passwords) < count:
            text = f"a password of {call.user} was set on {story.day(call)} before its escrow"
            yield Violation(promise="P1", text=text)


# --- P2: never two new keys for one operation ---------------------------------------------------


def _one_each(story: _Story) -> Iterator[Violation]:
    """No key is made while another one, made here and not yet handed over, is alive."""
    for key, (n, call) in story.made.items():
        for other, (made_at, earlier) in story.made.items():
            if other == key or made_at > n or earlier.user != call.user:
                continue
            alive = not any(at < n for at, _ in story.shut(other))
            if alive and _same_rotation(story, other, key, n):
                text = f"{key} was made for {call.user} on {story.day(call)} beside {other}"
                yield Violation(promise="P2", text=text)


def _same_rotation(story: _Story, other: str, key: str, at: int) -> bool:
    """Nobody had got the other one yet, or both were handed over for the same old key."""
    if story.is_orphan(other, at):
        return True
    mine = story.delivered.get(key)
    return mine is not None and mine.letter.old_key == story.delivered[other].letter.old_key


# --- P3, P4: nothing that can hurt before its gates hold ----------------------------------------


def _acts(story: _Story) -> Iterator[Violation]:
    """Every change of IAM, with what must have been said and read before it."""
    for n, call in story.calls:
        if call.effect and _ours(call) and _changes(call):
            yield from _act(story, n, call)


def _act(story: _Story, n: int, call: Call) -> Iterator[Violation]:
    key, user = call.params.get("AccessKeyId", ""), call.user
    where = f"{call.operation} {key or user} on {story.day(call)}"
    match call.operation:
        case "iam:DeleteAccessKey":
            return
        case "iam:UpdateAccessKey" if call.params.get("Status") == "Active":
            yield from _brought_back(story, n, where, key)
            yield from _looked(story, n, where, "iam:ListAccessKeys")
        case "iam:UpdateAccessKey" if story.is_orphan(key, n):
            return
        case "iam:UpdateAccessKey" if _reinstated(story, key, n):
            yield from _time_is_up(story, n, where, key)
            yield from _looked(story, n, where, "iam:ListAccessKeys")
        case "iam:UpdateAccessKey":
            yield from _disruptive(story, n, where, _about_key(key, user), key)
            yield from _looked(story, n, where, "iam:ListAccessKeys")
        case "iam:DeleteLoginProfile":
            yield from _disruptive(story, n, where, _threat(user, _PASSWORD_GOES))
            yield from _looked(story, n, where, "iam:GetLoginProfile")
        case "iam:AddUserToGroup":
            group = call.params.get("GroupName")
            yield from _disruptive(story, n, where, _threat(user, f"into the group {group},"))
            yield from _looked(story, n, where, "iam:GetLoginProfile")
        case "iam:CreateAccessKey":
            yield from _hand_over(story, n, where, user, "due for rotation")
        case "iam:UpdateLoginProfile":
            yield from _hand_over(story, n, where, user, "Console password is old")
            yield from _looked(story, n, where, "iam:GetLoginProfile")
        case _:
            yield Violation(promise="P4", text=f"{where} is none of our acts")


def _about_key(key: str, user: str | None) -> Callable[[Letter, Line], bool]:
    return lambda letter, line: (
        line.subject == f"Access key {key}" or (letter.user == user and _UNUSED_KEYS in line.text)
    )


def _threat(user: str | None, words: str) -> Callable[[Letter, Line], bool]:
    return lambda letter, line: letter.user == user and words in line.text


# --- P3, P4: keys brought back for a while ------------------------------------------------------


def _reinstated(story: _Story, key: str, at: int) -> bool:
    """Our last word about it before was: Active, for a while.

    Where somebody else has changed it since and the time is not up, the ladder decides as ever.
    """
    ours = _updates(story, key, at)
    if not ours or ours[-1][1].params.get("Status") != "Active":
        return False
    touched = any(
        ours[-1][0] < n < at and c.effect and _changes(c) and c.params.get("AccessKeyId") == key
        for n, c in story.calls
    )
    return not touched or _is_up(story, key, at)


def _updates(story: _Story, key: str, before: int) -> list[tuple[int, Call]]:
    """Our own changes of the key's status."""
    return [
        (n, c)
        for n, c in story.effects("iam:UpdateAccessKey")
        if n < before and c.params.get("AccessKeyId") == key
    ]


def _asked(story: _Story, key: str, before: int) -> list[tuple[int, Call]]:
    """Who asked for it back."""
    return [
        (n, c)
        for n, c in story.calls
        if n < before and c.operation == REINSTATE and c.params.get("AccessKeyId") == key
    ]


def _brought_back(story: _Story, n: int, where: str, key: str) -> Iterator[Violation]:
    """A key becomes Active because a person asked for just this, and once for each asking."""
    since = max((at for at, _ in _updates(story, key, n)), default=-1)
    asked = [at for at, c in _asked(story, key, n) if c.user == story.user_of(n)]
    if not any(at > since for at in asked):
        yield Violation(promise="P4", text=f"{where}: made Active, and nobody had asked for it")


def _is_up(story: _Story, key: str, at: int) -> bool:
    asked = _asked(story, key, at)
    until = asked[-1][1].params.get("Until", "") if asked else ""
    return not until or story.history.calls[at].at >= datetime.fromisoformat(until)


def _time_is_up(story: _Story, n: int, where: str, key: str) -> Iterator[Violation]:
    """It becomes Inactive again when its stated time is over, not before."""
    if not _is_up(story, key, n):
        until = _asked(story, key, n)[-1][1].params["Until"]
        yield Violation(promise="P3", text=f"{where}: brought back until {until}")


def _disruptive(
    story: _Story, n: int, where: str, about: Callable[[Letter, Line], bool], key: str = ""
) -> Iterator[Violation]:
    """One finding that threatened it at least must have been told as it should.

    Two findings may threaten the same; each has a clock of its own, and the earlier act counts.
    """
    said = [
        (told, line)
        for told in story.notices(n, about)
        for line in told.letter.lines
        if about(told.letter, line)
    ]
    if not said:
        yield Violation(promise="P4", text=f"{where}: no notice had named it")
        return
    address = story.address(story.user_of(n), n)
    if address is not None:
        said = [pair for pair in said if address in map(str.lower, pair[0].letter.to)]
    if not said:
        yield Violation(promise="P3", text=f"{where}: nothing was told to {address!r}, the owner's")
        return
    wrong = [
        list(_threatened(story, n, where, [pair for pair in said if pair[1].title == title], key))
        for title in dict.fromkeys(line.title for _, line in said)
    ]
    yield from min(wrong, key=len)


def _threatened(
    story: _Story, n: int, where: str, said: list[tuple[_Told, Line]], key: str
) -> Iterator[Violation]:
    """Told twice, one of them a warning of an earlier day, and not before day 14 or its date."""
    today = story.day(story.history.calls[n])
    title = said[0][1].title
    if len({told.index for told, _ in said}) < 2:
        yield Violation(promise="P3", text=f"{where}: told once only")
    warned = [told for told, line in said if line.stage in ("WARNING", "COUNTDOWN")]
    if not any(told.day < today for told in warned):
        yield Violation(promise="P3", text=f"{where}: no warning on an earlier day")
    last = max(told.day for told, _ in said)
    dates = [line.on for told, line in said if told.day == last]
    if not any(on is not None and on <= today for on in dates):
        yield Violation(promise="P3", text=f"{where}: the date told last was {dates}")
    first = story.first_told(n, said[0][0].letter.user, title, said[0][1].subject)
    if (today - first).days < story.rules.act_after:
        yield Violation(promise="P3", text=f"{where}: first told on {first}")
    if key and "rotation" in title:
        yield from _overlap(story, n, where, key, said)


def _overlap(
    story: _Story, n: int, where: str, key: str, said: list[tuple[_Told, Line]]
) -> Iterator[Violation]:
    """The replacement, or the reason why there is none, came days before.

    Whether the replacement is alive is asked of the last look: what happens between a look and
    the act, nobody can see.
    """
    latest = story.day(story.history.calls[n]) - timedelta(days=story.rules.overlap)
    looked = story.last_look(n)
    replaced = any(
        told.letter.old_key == key
        and told.day <= latest
        and told.index < n
        and not told.mail.bounced
        and not story.is_shut(told.letter.new_key or "", looked)
        for told in story.private()
    )
    explained = any(
        told.day <= latest and any(reason in line.text for reason in _REASONS)
        for told, line in said
    )
    if not replaced and not explained:
        yield Violation(promise="P3", text=f"{where}: no replacement by {latest}, nor a reason")


def _looked(story: _Story, n: int, where: str, read_by: str) -> Iterator[Violation]:
    """A live read of the user, by the same run, after the last change of the user before."""
    call = story.history.calls[n]
    assert isinstance(call, Call)
    for _, before in reversed([pair for pair in story.calls if pair[0] < n]):
        if before.user != call.user or not _ours(before):
            continue
        if call.at - before.at > _LOOKED_WITHIN or (_changes(before) and before.effect):
            break
        if before.operation == read_by and before.effect and before.answered:
            return
    yield Violation(promise="P3", text=f"{where}: without {read_by} just before")


def _hand_over(
    story: _Story, n: int, where: str, user: str | None, title: str
) -> Iterator[Violation]:
    """New credentials come on day 7 after the first notice, or later."""
    notices = story.notices(n, lambda letter, line: letter.user == user and title in line.title)
    today = story.day(story.history.calls[n])
    if not notices or (today - notices[0].day).days < story.rules.hand_over_after:
        first = notices[0].day if notices else "never"
        yield Violation(promise="P3", text=f"{where}: first told {first}")


def _deleted(story: _Story) -> Iterator[Violation]:
    """Only keys whose secret nobody has, that nobody ever used; or as opted in."""
    for n, call in story.effects("iam:DeleteAccessKey"):
        key = call.params.get("AccessKeyId", "")
        if key in story.rules.free_slots:
            continue
        used = any(
            at < n and c.operation == USE and c.params.get("AccessKeyId") == key
            for at, c in story.calls
        )
        if used or not story.is_orphan(key, n):
            text = f"{key} was deleted on {story.day(call)}, and it was no orphan"
            yield Violation(promise="P4", text=text)


# --- P5: no mail twice --------------------------------------------------------------------------


def _mails_once(story: _Story) -> Iterator[Violation]:
    """Each thing is said once, and in one notice a day; but for the answers that were lost."""
    twice = list(repeated(story.history, story.rules))
    if len(twice) > story.rules.stops_at_send:
        yield Violation(
            promise="P5",
            text=(
                f"{len(twice)} mails twice, {story.rules.stops_at_send} allowed: "
                + "; ".join(twice[:_SHOWN])
            ),
        )


def repeated(history: History, rules: Rules | None = None) -> Iterator[str]:
    """Every mail that says again what its reader had been told."""
    story = _Story(history, rules or Rules())
    seen: Counter[object] = Counter()
    closed: dict[str | None, int] = defaultdict(int)
    dates: dict[object, date | None] = {}
    for told in story.mails:
        letter = told.letter
        who = (letter.user, letter.to)
        keys: list[object] = []
        kept: list[object] = []
        match letter.kind:
            case Kind.NOTICE | Kind.CLOSING:
                keys.append((who, "thread", told.day))
                if letter.stage not in _MAY_REPEAT:
                    anew = letter.thread if letter.user in story.rules.waived else ""
                    told_since = closed[letter.user], anew, story.key_edits(told)
                    kept = [
                        (who, letter.stage, _said(letter, dated=dated), told_since)
                        for dated in (True, False)
                    ]
                    keys.append(kept[0 if _news(story, letter, dates, who) else 1])
                if letter.kind is Kind.CLOSING:
                    closed[letter.user] += 1
                dates.update({(who, line.title, line.subject): line.on for line in letter.lines})
            case Kind.CREDENTIALS:
                keys.append((who, letter.new_key or letter.attachment))
            case _:
                keys.append((who, letter.kind, letter.text))
        if any(seen[key] for key in keys):
            yield f"{letter.stage} to {' '.join(letter.to)} on {told.day}"
        seen.update({*keys, *kept})


def _said(letter: Letter, *, dated: bool) -> object:
    """What a notice tells."""
    return frozenset(
        (line.title, line.subject, line.stage, dated and line.on) for line in letter.lines
    )


def _news(story: _Story, letter: Letter, dates: Mapping[object, date | None], who: object) -> bool:
    """Whether the date is news; of one finding only if its reader can know why it is another.

    The mail says that it moved, or one before it did; there was none; or it is the day of an act.
    """
    if len(letter.lines) != 1 or _MOVED in letter.text:
        return True
    (line,) = letter.lines
    before = dates.get((who, line.title, line.subject), date.min)
    if letter.stage == "ENFORCEMENT" and line.on in story.act_days(letter.user):
        return True
    return before is None or before == line.on


# --- P7: credentials reach their owner alone ----------------------------------------------------


def _private(story: _Story) -> Iterator[Violation]:
    """One recipient, who is the one that the notices go to; no copy; nobody of the team."""
    for told in story.private():
        letter = told.letter
        owners = {
            other.letter.to
            for other in story.mails
            if other.letter.kind is Kind.NOTICE and other.letter.user == letter.user
        }
        alone = len(told.mail.to) == 1 and told.mail.to == letter.to and not letter.copies
        if not alone or letter.to not in owners or set(told.mail.to) & story.history.team:
            text = f"the private mail of {letter.user} on {told.day} went to {told.mail.to}"
            yield Violation(promise="P7", text=text)
