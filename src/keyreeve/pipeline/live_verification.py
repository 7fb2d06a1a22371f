"""`baseline verify --live`: harmless acts on a throw-away user, and who hears of them (S2.24).

1  remove what an earlier attempt left behind
2  remember what the alarms' histories hold
3  make the user, act once for each alarm that can be tried
4  wait until each has fired and has told its topic, or the time is over
5  remove the user, whatever has happened

That an alarm's action failed shows in its history and nowhere else (S2.27): firing is not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from keyreeve.governance.alarm_chain import Chain
from keyreeve.governance.alarms import resource_name
from keyreeve.model.errors import AwsFailure, KeyreeveError
from keyreeve.model.identifiers import UserName
from keyreeve.model.monitoring import AlarmHistoryItem
from keyreeve.ports import Clock, Progress
from keyreeve.ports.monitoring import PROBE_PATH, MonitoringReader, ProbeUsers

POLL_SECONDS: Final = 15.0
DEADLINE: Final = timedelta(minutes=20)
"""CloudTrail needs about 5 minutes to the log group, the alarm up to 5 more (E6)."""
MOST_ROUNDS: Final = 5
"""An alarm that needs more acts than so is not tried: it would be no harmless test."""


class Result(StrEnum):
    """What became of one alarm."""

    TOLD = "told"
    """It fired, and CloudWatch handed the message to the topic."""
    ACTION_FAILED = "action failed"
    """It fired, and CloudWatch could not hand it over."""
    NO_ACTION = "no action"
    """It fired, and no action was seen in time."""
    SILENT = "silent"
    """It did not fire in time."""
    NOT_TRIED = "not tried"


_LAST_WORD: Final = frozenset({Result.TOLD, Result.ACTION_FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One alarm's trial."""

    alarm_id: str
    result: Result
    detail: str
    after: timedelta | None = None
    """From the acts until it was seen."""

    @property
    def failed(self) -> bool:
        """Whether it was tried, and nobody was told."""
        return self.result not in (Result.TOLD, Result.NOT_TRIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What a trial needs."""

    reader: MonitoringReader
    probes: ProbeUsers
    clock: Clock
    progress: Progress
    project: str
    user: UserName
    """The throw-away user's name: a new one each time."""
    deadline: timedelta = DEADLINE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One round of acts, and how many events of it an alarm counts."""

    act: Callable[[ProbeUsers, UserName], None]
    events: int


ACTS: Final[Mapping[str, _Round]] = {
    "access-key-lifecycle": _Round(
        act=lambda probes, user: probes.make_and_delete_access_key(user), events=2
    ),
    "iam-policy-changes": _Round(
        act=lambda probes, user: probes.put_and_delete_policy(user), events=2
    ),
    "mfa-removal": _Round(
        act=lambda probes, user: probes.make_and_delete_mfa_device(user), events=1
    ),
}
"""Alarms that can be tried without harm. Every other needs an act that somebody would feel."""


def try_out(chains: Iterable[Chain], live: Live) -> tuple[Trial, ...]:
    """Each alarm's trial, in the order of the chains; alarms that nothing can try are left out.

    The throw-away user is removed at every end, an interrupt too. KeyreeveError if it cannot be.
    """
    for user in live.probes.leftovers():
        live.probes.remove(user)
    watched = [_Watched(chain, live) for chain in chains if chain.alarm.id in ACTS]
    tried = [each for each in watched if not each.why_not()]
    found = {trial.alarm_id: trial for trial in _tried(tried, live)} if tried else {}
    return tuple(found.get(each.id) or each.not_tried() for each in watched)


class _Watched:
    """One alarm and what its history held before the acts."""

    def __init__(self, chain: Chain, live: Live) -> None:
        self._chain = chain
        self._reader = live.reader
        self.id = chain.alarm.id
        watching = chain.watching
        self._alarm = watching.name if watching else resource_name(live.project, self.id)
        self._before: frozenset[AlarmHistoryItem] = frozenset()

    @property
    def rounds(self) -> int:
        """As many as the alarm's threshold asks for."""
        return -(-self._chain.alarm.threshold // ACTS[self.id].events)

    def why_not(self) -> str:
        """Why it is not tried; empty if it is."""
        broken = self._chain.broken
        if broken is not None:
            return f"its chain is broken at the {broken.step}"
        watching = self._chain.watching
        if watching is not None and watching.state == "ALARM":
            return "it is in ALARM already and cannot fire again: try when it is OK"
        if self.rounds > MOST_ROUNDS:
            return f"its threshold of {self._chain.alarm.threshold} needs too many acts"
        return ""

    def not_tried(self) -> Trial:
        """With the reason."""
        return self._said(Result.NOT_TRIED, self.why_not())

    def remember(self) -> None:
        """What happened before is not what we are waiting for."""
        self._before = frozenset(self._reader.history(self._alarm))

    def trial(self, started: datetime, now: datetime) -> Trial:
        """What its history says by now."""
        new = [item for item in self._reader.history(self._alarm) if item not in self._before]
        fired = any(i.kind == "StateUpdate" and i.summary.endswith("to ALARM") for i in new)
        actions = [item.summary for item in new if item.kind == "Action"]
        failed = [text for text in actions if not text.startswith("Successfully")]
        if not fired:
            return self._said(Result.SILENT, "it did not fire")
        if failed:
            return self._said(Result.ACTION_FAILED, failed[0], now - started)
        if actions:
            return self._said(Result.TOLD, actions[0], now - started)
        return self._said(Result.NO_ACTION, "it fired, and no action was seen", now - started)

    def _said(self, result: Result, detail: str, after: timedelta | None = None) -> Trial:
        return Trial(alarm_id=self.id, result=result, detail=detail, after=after)


def _tried(watched: list[_Watched], live: Live) -> list[Trial]:
    """Act, wait, and clear up in any case."""
    for each in watched:
        each.remember()
    try:
        live.probes.create(live.user)
        for each in watched:
            for _ in range(each.rounds):
                ACTS[each.id].act(live.probes, live.user)
        found = _heard(watched, live)
    except BaseException:
        _clear_up(live)
        raise
    _clear_up(live)
    return found


def _heard(watched: list[_Watched], live: Live) -> list[Trial]:
    started = live.clock.now()
    live.progress.stage("waiting for the alarms", len(watched))
    seen: set[str] = set()
    while True:
        trials = [each.trial(started, live.clock.now()) for each in watched]
        done = {trial.alarm_id for trial in trials if trial.result in _LAST_WORD}
        live.progress.step(len(done - seen))
        seen = done
        if len(done) == len(trials) or live.clock.now() - started >= live.deadline:
            return trials
        live.clock.sleep(POLL_SECONDS)


def _clear_up(live: Live) -> None:
    try:
        live.probes.remove(live.user)
    except AwsFailure as failure:
        raise KeyreeveError(
            f"the throw-away user {live.user} could not be removed: {failure.what}",
            where=failure.where,
            remedy=f"It can do nothing. The next --live removes what lies below {PROBE_PATH}.",
        ) from failure
