"""The live trial: what is tried, what is waited for, and that nothing stays behind."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes.monitoring import FakeMonitoring, FakeProbes, HastyClock
from tests.unit.governance import monitored as m

from keyreeve.governance.alarm_chain import Chain
from keyreeve.governance.alarms import Alarm
from keyreeve.model.errors import AccessDenied, Conflict, Doubtful, KeyreeveError
from keyreeve.model.identifiers import AccountId, UserName
from keyreeve.model.monitoring import AlarmHistoryItem, Monitoring
from keyreeve.pipeline.live_verification import ACTS, Live, Result, Trial, try_out
from keyreeve.pipeline.verify import verify
from keyreeve.ports.monitoring import PROBE_PATH

USER = UserName("keyreeve-verify-1")
KEYS, POLICIES, MFA = "access-key-lifecycle", "iam-policy-changes", "mfa-removal"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TOLD = f"Successfully executed action {m.TOPIC}"
FAILED = f"Failed to execute action {m.TOPIC}. Received error: KMSAccessDenied"


@dataclass
class Told:
    """ports.Progress that remembers."""

    stages: list[tuple[str, int | None]] = field(default_factory=list)
    steps: int = 0

    def stage(self, name: str, total: int | None = None) -> None:
        self.stages.append((name, total))

    def step(self, count: int = 1) -> None:
        self.steps += count


class Trials:
    """One account, its alarms, and what happens while we wait."""

    def __init__(self, *alarms: Alarm, facts: Monitoring | None = None) -> None:
        self.alarms = alarms
        self.reader = FakeMonitoring(facts or m.whole(*alarms))
        self.probes = FakeProbes()
        self.clock = HastyClock()
        self.progress = Told()

    @property
    def chains(self) -> tuple[Chain, ...]:
        return verify(self.alarms, self.reader, project="etv", account_id=AccountId(m.ACCOUNT))

    def run(self, minutes: int = 20) -> dict[str, Trial]:
        live = Live(
            reader=self.reader,
            probes=self.probes,
            clock=self.clock,
            progress=self.progress,
            project="etv",
            user=USER,
            deadline=timedelta(minutes=minutes),
        )
        return {trial.alarm_id: trial for trial in try_out(self.chains, live)}

    def at_wait(self, number: int, *happens: tuple[str, str, str]) -> None:
        """(alarm, kind, summary) at the wait of this number, besides what is planned already."""
        before = self.clock.meanwhile

        def both(wait: int) -> None:
            before(wait)
            if wait == number:
                for alarm, kind, summary in happens:
                    self.happen(alarm, kind, summary)

        self.clock.meanwhile = both

    def happen(self, alarm: str, kind: str, summary: str, at: datetime = NOON) -> None:
        item = AlarmHistoryItem(at=at, kind=kind, summary=summary)
        self.reader.happened.setdefault(f"keyreeve-etv-{alarm}", []).append(item)

    def fires(self, alarm: str, wait: int, action: str = TOLD) -> None:
        self.at_wait(
            wait,
            (alarm, "StateUpdate", "Alarm updated from OK to ALARM"),
            (alarm, "Action", action),
        )


def test_every_alarm_that_can_be_tried_is_tried_and_the_user_is_gone() -> None:
    trials = Trials(m.wanted(KEYS), m.wanted(POLICIES), m.wanted(MFA), m.wanted("root-use"))
    for wait, alarm in enumerate((KEYS, POLICIES, MFA), start=1):
        trials.fires(alarm, wait)

    found = trials.run()

    assert {name: trial.result for name, trial in found.items()} == dict.fromkeys(
        (KEYS, POLICIES, MFA), Result.TOLD
    )
    assert found[MFA].after == timedelta(seconds=45)
    assert not any(trial.failed for trial in found.values())
    assert trials.probes.done == [
        f"create {USER}",
        f"make_and_delete_access_key {USER}",
        f"put_and_delete_policy {USER}",
        f"make_and_delete_mfa_device {USER}",
        f"remove {USER}",
    ]
    assert trials.probes.users == {}
    assert trials.progress.stages == [("waiting for the alarms", 3)]
    assert trials.progress.steps == 3


def test_waiting_ends_as_soon_as_all_is_known() -> None:
    trials = Trials(m.wanted(KEYS))
    trials.fires(KEYS, 2)
    trials.run()

    assert trials.clock.slept == [15.0, 15.0]


def test_an_alarm_that_stays_silent_is_waited_for_until_the_deadline_and_no_longer() -> None:
    trials = Trials(m.wanted(KEYS), m.wanted(MFA))
    trials.fires(MFA, 1)
    found = trials.run(minutes=2)

    assert (found[KEYS].result, found[KEYS].failed) == (Result.SILENT, True)
    assert found[MFA].result is Result.TOLD
    assert sum(trials.clock.slept) == 120


def test_firing_is_not_enough_where_the_action_fails() -> None:
    """S2.27: alarms fired, and nothing arrived."""
    trials = Trials(m.wanted(KEYS))
    trials.fires(KEYS, 1, FAILED)
    found = trials.run()

    assert (found[KEYS].result, found[KEYS].detail) == (Result.ACTION_FAILED, FAILED)
    assert found[KEYS].failed
    assert trials.clock.slept == [15.0]


def test_an_action_that_comes_later_than_the_alarm_is_waited_for() -> None:
    trials = Trials(m.wanted(KEYS))
    trials.at_wait(1, (KEYS, "StateUpdate", "Alarm updated from OK to ALARM"))
    trials.at_wait(3, (KEYS, "Action", TOLD))

    assert trials.run()[KEYS].result is Result.TOLD
    assert len(trials.clock.slept) == 3


def test_firing_without_any_action_is_told_as_such() -> None:
    trials = Trials(m.wanted(KEYS))
    trials.at_wait(1, (KEYS, "StateUpdate", "Alarm updated from OK to ALARM"))
    found = trials.run(minutes=1)

    assert (found[KEYS].result, found[KEYS].failed) == (Result.NO_ACTION, True)


def test_what_happened_before_is_not_taken_for_an_answer() -> None:
    trials = Trials(m.wanted(KEYS))
    trials.happen(KEYS, "StateUpdate", "Alarm updated from OK to ALARM")
    trials.happen(KEYS, "Action", TOLD)

    assert trials.run(minutes=1)[KEYS].result is Result.SILENT


def test_going_back_to_ok_is_no_alarm() -> None:
    trials = Trials(m.wanted(KEYS))
    trials.at_wait(1, (KEYS, "StateUpdate", "Alarm updated from ALARM to OK"))

    assert trials.run(minutes=1)[KEYS].result is Result.SILENT


def test_as_many_acts_as_the_threshold_asks_for() -> None:
    trials = Trials(m.wanted(KEYS, threshold=5))
    trials.fires(KEYS, 1)
    trials.run()

    assert trials.probes.done.count(f"make_and_delete_access_key {USER}") == 3


def broken_at_the_key() -> Monitoring:
    return m.with_key(m.whole(m.wanted(KEYS)), state="Disabled")


def in_alarm() -> Monitoring:
    return m.with_alarm(m.whole(m.wanted(KEYS)), state="ALARM")


@pytest.mark.parametrize(
    ("alarm", "facts", "reason"),
    [
        (m.wanted(KEYS), broken_at_the_key(), "its chain is broken at the key"),
        (m.wanted(KEYS), in_alarm(), "in ALARM already"),
        (m.wanted(KEYS, threshold=20), None, "threshold of 20 needs too many acts"),
    ],
)
def test_what_could_prove_nothing_is_not_tried(
    alarm: Alarm, facts: Monitoring | None, reason: str
) -> None:
    trials = Trials(alarm, facts=facts)
    found = trials.run()

    assert (found[KEYS].result, found[KEYS].failed) == (Result.NOT_TRIED, False)
    assert reason in found[KEYS].detail
    assert trials.probes.done == []
    assert trials.clock.slept == []


def test_leftovers_of_an_earlier_attempt_go_first_even_where_nothing_is_tried() -> None:
    trials = Trials(m.wanted("root-use"))
    trials.probes.users = {"keyreeve-verify-0": PROBE_PATH, "carol": "/"}
    trials.probes.devices = {"keyreeve-verify-9"}
    trials.run()

    assert trials.probes.done == ["remove keyreeve-verify-0", "remove keyreeve-verify-9"]
    assert trials.probes.users == {"carol": "/"}


@pytest.mark.parametrize(
    "method",
    [
        "create",
        *(
            f"{act}"
            for act in (
                "make_and_delete_access_key",
                "put_and_delete_policy",
                "make_and_delete_mfa_device",
            )
        ),
    ],
)
@pytest.mark.parametrize(
    "error",
    [
        AccessDenied("no", call="iam:X"),
        Doubtful("no answer", call="iam:X"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_stops_the_acts_the_user_is_removed(method: str, error: BaseException) -> None:
    trials = Trials(m.wanted(KEYS), m.wanted(POLICIES), m.wanted(MFA))
    trials.probes.fail = {method: error}
    with pytest.raises(type(error)):
        trials.run()

    assert trials.probes.done[-1] == f"remove {USER}"
    assert trials.probes.users == {}


def test_an_interrupt_while_waiting_removes_the_user() -> None:
    trials = Trials(m.wanted(KEYS))

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    trials.clock.meanwhile = interrupt
    with pytest.raises(KeyboardInterrupt):
        trials.run()

    assert trials.probes.users == {}


def test_a_user_that_cannot_be_removed_is_named_with_what_to_do() -> None:
    trials = Trials(m.wanted(KEYS))
    trials.fires(KEYS, 1)
    trials.probes.fail = {"remove": Conflict("DeleteConflict", call="iam:DeleteUser")}
    with pytest.raises(KeyreeveError) as told:
        trials.run()

    assert USER in told.value.what
    assert PROBE_PATH in told.value.remedy


def test_alarms_under_other_names_are_watched_under_theirs() -> None:
    facts = m.with_alarm(m.whole(m.wanted(KEYS)), name="their-keys")
    trials = Trials(m.wanted(KEYS), facts=facts)
    fired = AlarmHistoryItem(at=NOON, kind="StateUpdate", summary="Alarm updated from OK to ALARM")
    told = replace(fired, kind="Action", summary=TOLD)
    trials.clock.meanwhile = lambda _: trials.reader.happened.update({"their-keys": [fired, told]})

    assert trials.run()[KEYS].result is Result.TOLD


def test_every_alarm_that_can_be_tried_is_in_the_catalogue() -> None:
    assert {m.wanted(name).id for name in ACTS} == {KEYS, POLICIES, MFA}


def test_each_topic_and_key_is_asked_for_once() -> None:
    trials = Trials(m.wanted(KEYS), m.wanted(MFA))

    assert [chain.broken for chain in trials.chains] == [None, None]
    assert trials.reader.asked == [m.TOPIC, m.KEY]


def test_a_topic_that_is_gone_is_no_error_but_a_broken_link() -> None:
    facts = replace(m.whole(m.wanted(KEYS)), topics={}, keys={})
    (found,) = Trials(m.wanted(KEYS), facts=facts).chains

    assert found.broken is not None
    assert found.broken.found == f"{m.TOPIC} does not exist"
