"""What arming a project sets in motion: the forecast of the days after it, told by user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from keyreeve.model.case import State
from keyreeve.model.decisions import Arming
from keyreeve.model.effect import SendNotice
from keyreeve.model.errors import AccountUnreadable
from keyreeve.model.identifiers import UserId, UserName
from keyreeve.model.plan import OutcomeKind, Plan, Refusal
from keyreeve.model.snapshot import CollectionGap
from keyreeve.pipeline.daily import Account
from keyreeve.pipeline.forecast import ForecastDay, forecast
from keyreeve.pipeline.people import Standing
from keyreeve.ports import Progress

HANDS_OVER = frozenset({"create_replacement_key", "reset_password"})
SHUTS = frozenset({"deactivate_access_key", "delete_login_profile", "quarantine"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that would be done to a user."""

    on: date
    kind: str
    resource_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAhead:
    """What a user has to expect if nobody acts."""

    user_name: UserName
    told_on: date | None = None
    """The first notice; None: it had one before, or gets none within the forecast."""
    to: str = ""
    handed: tuple[Act, ...] = ()
    """New keys and passwords."""
    shut: tuple[Act, ...] = ()
    """Keys made Inactive, console passwords taken away, quarantines."""
    later: date | None = None
    """The date of the next step, where it lies behind the forecast."""
    held: str = ""
    """Why no notice goes out, or why nothing is done in spite of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAhead:
    """How many users a day concerns."""

    on: date
    told_first: int
    told_again: int
    handed: int
    shut: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """The days after the arming."""

    account_id: str
    days: tuple[DayAhead, ...]
    users: tuple[UserAhead, ...]
    """Everybody with an open case, those who are told first first."""
    allowed: int
    """The most users that one day may disturb, give keys to, or tell for the first time."""
    refusal: Refusal | None = None
    """Today's facts look wrong: a run would refuse them."""
    gaps: tuple[CollectionGap, ...] = ()

    @property
    def told(self) -> int:
        """Users who get their first notice."""
        return sum(user.told_on is not None for user in self.users)

    @property
    def handed(self) -> int:
        """Users who get new credentials."""
        return sum(bool(user.handed) for user in self.users)

    @property
    def shut(self) -> int:
        """Users of whom something is disabled."""
        return sum(bool(user.shut) for user in self.users)


def ahead(account: Account, facts: Standing, now: datetime, days: int, progress: Progress) -> Ahead:
    """Today and the `days` days after it as if the project were armed now. Changes nothing.

    AccountUnreadable where today's facts are missing: nobody could say what would come.
    """
    if not facts.snapshot.account_readable:
        first = next(iter(facts.judged.plan.gaps), None)
        raise AccountUnreadable(
            first.reason if first else "the account gave no facts",
            where=first.step if first else "account",
            remedy="Nothing was changed. `keyreeve doctor` says what is missing.",
        )
    armed = Arming(since=now, by="a forecast")
    people = replace(facts.judged.people, pause=None, armed=armed)
    coming = forecast(account, facts.state, facts.snapshot, people, now, days, progress)
    today = coming[0].plan
    return Ahead(
        account_id=account.account_id,
        days=tuple(_days(coming, _opened(facts.state))),
        users=tuple(_users(coming, _opened(facts.state))),
        allowed=today.allowed,
        refusal=today.refusal,
        gaps=today.gaps,
    )


def _opened(state: State) -> frozenset[UserId]:
    """Who has had a first notice before."""
    return frozenset(case.user_id for case in state.users.values() if case.opened_on is not None)


def _days(coming: Sequence[ForecastDay], opened: frozenset[UserId]) -> list[DayAhead]:
    told = set(opened)
    out = []
    for day in coming:
        notices = _done(day, frozenset({SendNotice.kind}))
        out.append(
            DayAhead(
                on=day.on,
                told_first=len(notices - told),
                told_again=len(notices & told),
                handed=len(_done(day, HANDS_OVER)),
                shut=len(_done(day, SHUTS)),
            )
        )
        told |= notices
    return out


def _done(day: ForecastDay, kinds: frozenset[str]) -> set[UserId]:
    return {
        outcome.user_id
        for outcome in day.outcomes
        if outcome.kind is OutcomeKind.DONE and outcome.effect_kind in kinds
    }


def _users(coming: Sequence[ForecastDay], opened: frozenset[UserId]) -> list[UserAhead]:
    names = {user.user_id: user.user_name for day in coming for user in day.plan.users}
    first = _first_notices(coming, opened)
    last = coming[-1].plan
    found = [
        UserAhead(
            user_name=name,
            told_on=first[user_id][0] if user_id in first else None,
            to=first[user_id][1] if user_id in first else "",
            handed=_acts(coming, user_id, HANDS_OVER),
            shut=_acts(coming, user_id, SHUTS),
            later=_later(last, user_id) if user_id in first or user_id in opened else None,
            held=_why_not(last, user_id, told=user_id in first or user_id in opened),
        )
        for user_id, name in names.items()
    ]
    return sorted(found, key=lambda user: (user.told_on or date.max, user.user_name))


def _first_notices(
    coming: Sequence[ForecastDay], opened: frozenset[UserId]
) -> Mapping[UserId, tuple[date, str]]:
    out: dict[UserId, tuple[date, str]] = {}
    for day in coming:
        told = _done(day, frozenset({SendNotice.kind}))
        for user in day.plan.users:
            if isinstance(user.message, SendNotice) and user.user_id in told - opened:
                out.setdefault(user.user_id, (day.on, user.message.to))
    return out


def _acts(coming: Sequence[ForecastDay], user_id: UserId, kinds: frozenset[str]) -> tuple[Act, ...]:
    return tuple(
        Act(on=day.on, kind=outcome.effect_kind, resource_id=outcome.resource_id)
        for day in coming
        for outcome in day.outcomes
        if outcome.user_id == user_id
        and outcome.kind is OutcomeKind.DONE
        and outcome.effect_kind in kinds
    )


def _later(last: Plan, user_id: UserId) -> date | None:
    earliest = next((user.earliest for user in last.users if user.user_id == user_id), None)
    return earliest if earliest is not None and earliest > last.on else None


def _why_not(last: Plan, user_id: UserId, *, told: bool) -> str:
    """An untold user is held at a gate, or waits for the days behind the forecast."""
    held = next((item.reason for item in last.held if item.user_id == user_id), "")
    return held if held or told else "after these days: only so many cases open on one day"
