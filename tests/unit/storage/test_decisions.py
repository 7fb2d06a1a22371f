from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.fakes.memory_store import MemoryStore

from keyreeve.local.directory_store import DirectoryStore
from keyreeve.model.decisions import Arming, Extension, Hold, HumanDecisions, Pause, Waiver
from keyreeve.model.errors import ConfigError, StateUnreadable
from keyreeve.model.identifiers import ControlId
from keyreeve.storage.decisions import StoredDecisions

AT = datetime(2026, 1, 5, 6, tzinfo=UTC)
TODAY = AT.date()
WAIVER = Waiver(
    waiver_id="w1",
    user="zoë",
    control=ControlId.CONSOLE_MFA,
    resource_id=None,
    reason="hardware token ordered",
    requested_by="ann@example.com",
    approved_by="bob@example.com",
    expires_on=date(2026, 2, 1),
    added_at=AT,
    added_by="arn:aws:sts::1:assumed-role/msp/bob",
)
HOLD = Hold(user="zoë", until=date(2026, 1, 20), reason="on leave", added_at=AT, added_by="ann")
EXTENSION = Extension(
    user="zoë", days=3, reason="release", added_at=AT, added_by="ann", extension_id="e1"
)
PAUSE = Pause(reason="audit", since=AT, by="ann")
ARMED = Arming(since=AT, by="ann")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(name="s3://bucket/p")


@pytest.fixture
def decisions(store: MemoryStore) -> StoredDecisions:
    return StoredDecisions(store)


def test_nothing_decided_yet_is_empty(decisions: StoredDecisions, store: MemoryStore):
    assert decisions.read() == HumanDecisions()
    assert store.puts == []


def test_what_was_decided_is_read_back(decisions: StoredDecisions):
    decisions.add_waiver(WAIVER, today=TODAY)
    decisions.add_hold(HOLD, today=TODAY)
    decisions.add_extension(EXTENSION)
    decisions.set_pause(PAUSE)
    assert decisions.read() == HumanDecisions(
        waivers=(WAIVER,), holds=(HOLD,), extensions=(EXTENSION,), pause=PAUSE
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"approved_by": "ann@example.com"}, "another person"),
        ({"approved_by": " ANN@Example.com "}, "another person"),
        ({"approved_by": ""}, "another person"),
        ({"requested_by": " "}, "another person"),
        ({"expires_on": TODAY}, "not in the future"),
        ({"expires_on": date(2025, 1, 1)}, "not in the future"),
        ({"reason": " "}, "reason is missing"),
        ({"added_by": "arn:aws:iam::1:user/people/Ann"}, "cannot be the one who records"),
        ({"added_by": "arn:aws:sts::1:assumed-role/msp/ann@example.com"}, "cannot be the one"),
        ({"requested_by": "ann", "added_by": "arn:aws:iam::1:user/ann@x.org"}, "cannot be the one"),
    ],
)
def test_a_waiver_needs_two_people_a_reason_and_an_end(
    decisions: StoredDecisions, store: MemoryStore, change: dict, says: str
):
    with pytest.raises(ConfigError, match=says):
        decisions.add_waiver(replace(WAIVER, **change), today=TODAY)
    assert store.puts == []


def test_a_namesake_of_another_domain_may_record_a_waiver(decisions: StoredDecisions):
    other = replace(WAIVER, added_by="arn:aws:sts::1:assumed-role/msp/ann@elsewhere.example")
    decisions.add_waiver(other, today=TODAY)
    assert decisions.read().waivers == (other,)


def test_a_waivers_id_is_its_own(decisions: StoredDecisions):
    decisions.add_waiver(WAIVER, today=TODAY)
    decisions.add_waiver(WAIVER, today=TODAY)
    with pytest.raises(ConfigError, match="already"):
        decisions.add_waiver(replace(WAIVER, user="other"), today=TODAY)
    assert decisions.read().waivers == (WAIVER,)


def test_a_revoked_waiver_stays_on_record_with_its_first_end(decisions: StoredDecisions):
    other = replace(WAIVER, waiver_id="w2")
    decisions.add_waiver(WAIVER, today=TODAY)
    decisions.add_waiver(other, today=TODAY)
    revoked = replace(WAIVER, revoked_at=AT)
    assert decisions.revoke_waiver("w1", at=AT) == revoked
    assert decisions.revoke_waiver("w1", at=datetime(2026, 1, 9, tzinfo=UTC)) == revoked
    assert decisions.read().waivers == (revoked, other)
    with pytest.raises(ConfigError, match="w9"):
        decisions.revoke_waiver("w9", at=AT)


def test_a_newer_hold_replaces_the_users_earlier_one(decisions: StoredDecisions):
    decisions.add_hold(HOLD, today=TODAY)
    longer = replace(HOLD, until=date(2026, 2, 1))
    other = replace(HOLD, user="other")
    decisions.add_hold(other, today=TODAY)
    decisions.add_hold(longer, today=TODAY)
    assert set(decisions.read().holds) == {longer, other}
    decisions.lift_hold("zoë")
    assert decisions.read().holds == (other,)
    with pytest.raises(ConfigError, match="not held"):
        decisions.lift_hold("zoë")


def test_holds_and_extensions_share_a_file_without_losing_each_other(decisions: StoredDecisions):
    decisions.add_extension(EXTENSION)
    decisions.add_hold(HOLD, today=TODAY)
    decisions.add_extension(EXTENSION)
    decisions.lift_hold("zoë")
    assert decisions.read().extensions == (EXTENSION,)


@pytest.mark.parametrize(
    "act",
    [
        lambda d: d.add_hold(replace(HOLD, until=date(2026, 1, 4)), today=TODAY),
        lambda d: d.add_hold(replace(HOLD, reason=""), today=TODAY),
        lambda d: d.add_extension(replace(EXTENSION, days=0)),
        lambda d: d.add_extension(replace(EXTENSION, reason="")),
        lambda d: d.set_pause(replace(PAUSE, reason="")),
    ],
)
def test_what_makes_no_sense_is_a_config_error(
    decisions: StoredDecisions, store: MemoryStore, act: Callable[[StoredDecisions], None]
):
    with pytest.raises(ConfigError):
        act(decisions)
    assert store.puts == []


def test_a_pause_stands_until_it_is_cleared(decisions: StoredDecisions, store: MemoryStore):
    decisions.clear_pause()
    decisions.set_pause(PAUSE)
    decisions.set_pause(replace(PAUSE, reason="another"))
    assert decisions.read().pause == PAUSE
    decisions.clear_pause()
    decisions.clear_pause()
    assert decisions.read().pause is None
    assert store.puts == ["pause.json"] * 2


def test_who_armed_first_stays_until_it_is_undone_and_a_pause_beside_it(
    decisions: StoredDecisions, store: MemoryStore
):
    decisions.disarm()
    decisions.set_pause(PAUSE)
    decisions.arm(ARMED)
    decisions.arm(replace(ARMED, by="another"))
    assert (decisions.read().armed, decisions.read().pause) == (ARMED, PAUSE)
    decisions.clear_pause()
    assert decisions.read().armed == ARMED
    decisions.disarm()
    assert decisions.read().armed is None
    assert store.puts == ["pause.json"] * 4


@pytest.mark.parametrize("key", ["waivers.json", "holds.json", "pause.json"])
@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"schema_version": 2}', b'{"schema_version": 1, "x": []}']
)
def test_a_corrupt_file_is_never_taken_for_empty(
    decisions: StoredDecisions, store: MemoryStore, key: str, content: bytes
):
    store.put(key, content)
    with pytest.raises(StateUnreadable, match=rf"^s3://bucket/p/{key}: "):
        decisions.read()


def test_a_file_that_a_person_wrote_by_hand_is_read(decisions: StoredDecisions, store: MemoryStore):
    store.put(
        "pause.json",
        b'{"schema_version":1,\n\n "pause": {"by":"ann", "reason":"audit",'
        b'"since":"2026-01-05T06:00:00Z"}}',
    )
    assert decisions.read().pause == PAUSE


def test_no_change_is_lost_however_many_make_one(tmp_path: Path):
    store = DirectoryStore(tmp_path)

    def add(number: int) -> None:
        waiver = replace(WAIVER, waiver_id=f"w{number}")
        StoredDecisions(store).add_waiver(waiver, today=TODAY)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(24)))
    waivers = StoredDecisions(store).read().waivers
    assert {waiver.waiver_id for waiver in waivers} == {f"w{number}" for number in range(24)}


def test_a_change_whose_answer_was_lost_is_made_once(
    decisions: StoredDecisions, store: MemoryStore
):
    store.lose_answer_to_retry.add("waivers.json")
    decisions.add_waiver(WAIVER, today=TODAY)
    assert decisions.read().waivers == (WAIVER,)
    assert store.puts == ["waivers.json"]
