"""What people ask about and decide: whom they mean, how things stand, what an extension moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.extensions import added_to, given_in_case
from keyreeve.model.case import Case, FindingRecord, State
from keyreeve.model.decisions import Hold, HumanDecisions
from keyreeve.model.errors import ConfigError, NotFound
from keyreeve.model.identifiers import ControlId, UserId, UserName
from keyreeve.model.policy import EscalationPolicy
from keyreeve.model.snapshot import AccountSnapshot
from keyreeve.pipeline.collect import collect
from keyreeve.pipeline.daily import Account, Judgement, judge
from keyreeve.pipeline.memory import recall
from keyreeve.pipeline.usage import recall_usage
from keyreeve.ports import AccountReader, Progress

NINETY = timedelta(days=90)
"""The age that auditors ask about (S1.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The IAM user that somebody means."""

    user_id: UserId
    user_name: UserName
    case: Case | None = None

    @property
    def names(self) -> tuple[str, str]:
        """What a decision about this user may be filed under."""
        return (self.user_name, self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand today, for verbs that need the whole picture."""

    state: State
    snapshot: AccountSnapshot
    judged: Judgement

    def case(self, person: Person) -> Case:
        """The user's case as it stood after the last run. ConfigError if there is none."""
        case = self.state.users.get(person.user_id)
        if case is None:
            raise no_case(person.user_name)
        return case


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What an extension does to one finding."""

    control: ControlId
    resource_id: str
    before: date | None
    """E as the last run saw it; None: open."""
    after: date | None
    days_to_90: int | None
    """On the new E; negative: past."""


def standing(account: Account, now: datetime, progress: Progress) -> Standing:
    """Read the account and judge it, as a run would; nothing is changed."""
    tools = account.tools
    state, _ = recall(account.project, account.account_id, tools, account.policy.days)
    snapshot, _ = collect(tools.reader, account.policy, state.keys, now, progress)
    people, usage = tools.people.read(), recall_usage(account.usage)
    judged = judge(account, state, snapshot, people, now, mailbox=None, usage=usage)
    return Standing(state=state, snapshot=snapshot, judged=judged)


def find_person(text: str, state: State | None, reader: AccountReader) -> Person:
    """By unique id, or by name: who bears it now, else whose case does. ConfigError if nobody is.

    The name of a case is as old as its last run: somebody else may have been created under it.
    """
    cases = tuple(state.users.values()) if state else ()
    known = next((case for case in cases if text == case.user_id), None)
    if known is None:
        try:
            found = reader.user(UserName(text))
        except NotFound:
            known = next((case for case in cases if text == case.user_name), None)
        else:
            case = next((case for case in cases if case.user_id == found.user_id), None)
            return Person(user_id=found.user_id, user_name=found.name, case=case)
    if known is None:
        return _by_id(text, reader)
    return Person(user_id=known.user_id, user_name=known.user_name, case=known)


def _by_id(text: str, reader: AccountReader) -> Person:
    if text.startswith("AIDA"):
        for user in reader.details().users:
            if user.user_id == text:
                return Person(user_id=user.user_id, user_name=user.name)
    raise ConfigError(
        f"there is no user {text!r} in this account",
        where="USER",
        remedy="Give the IAM user name or the unique id (AIDA…); `keyreeve case list` shows both.",
    )


def no_case(user: str) -> ConfigError:
    """Nothing is open for this user."""
    return ConfigError(
        f"{user} has no open case", where="USER", remedy="`keyreeve case list` shows who has."
    )


def hold_of(case: Case, people: HumanDecisions, today: date) -> Hold | None:
    """The hold that stops this case today."""
    return next(
        (
            hold
            for hold in people.holds
            if hold.user in (case.user_name, case.user_id) and hold.until > today
        ),
        None,
    )


def extend(
    case: Case, days: int, people: HumanDecisions, policy: EscalationPolicy
) -> tuple[Moved, ...]:
    """What `days` more would move. ConfigError, with the numbers, beyond the cap."""
    given, most = given_in_case(case, people, policy.timezone), policy.max_extension_days
    if given + days > most:
        had = f" and {given} were given already" if given else ""
        raise ConfigError(
            f"{days} days more are too many: escalation.max_extension is {most}{had}",
            where="--days",
            remedy=f"At most {max(most - given, 0)} more are possible; a waiver accepts a finding.",
        )
    return tuple(_moved(case, days, people, Calendar(policy)))


def _moved(case: Case, days: int, people: HumanDecisions, calendar: Calendar) -> Iterator[Moved]:
    """E is the first open day after the promise and all that was added to it, `days` included."""
    for record in case.findings.values():
        before = record.enforcement_on or record.promised_on
        added = added_to(case, record, people, calendar.policy.timezone)
        after = _open_from(record, added + days, calendar)
        if before is not None and after is not None:
            after = max(before, after)
        ninety = (record.since + NINETY).date() if record.since else None
        yield Moved(
            control=record.control,
            resource_id=record.resource_id,
            before=before,
            after=after,
            days_to_90=(ninety - after).days if ninety and after else None,
        )


def _open_from(record: FindingRecord, days: int, calendar: Calendar) -> date | None:
    promised = record.promised_on or record.enforcement_on
    if promised is None:
        return None
    acts = not record.notices or record.notices[-1].act != ""
    earliest = promised + timedelta(days=days)
    return calendar.act_day_from(earliest) if acts else calendar.mail_day_from(earliest)
