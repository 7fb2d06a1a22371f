from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyreeve.codec.decisions import HoldFile, PauseFile, WaiverFile
from keyreeve.codec.decisions import decode as decode_decisions
from keyreeve.codec.decisions import encode as encode_decisions
from keyreeve.codec.journal import decode_step, encode_step
from keyreeve.codec.state import StateWriter, decode_saved, encode
from keyreeve.model.case import SCHEMA_VERSION, Case, State, Step
from keyreeve.model.errors import StateUnreadable

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXT = st.text(max_size=6)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
PLAIN = {
    str: TEXT,
    int: st.integers(),
    bool: st.booleans(),
    date: st.dates(),
    datetime: st.datetimes(timezones=OFFSETS),
    object: st.none() | st.booleans() | st.integers() | TEXT,
}


def values_of(hint: Any) -> st.SearchStrategy:
    """Any value that a type hint allows."""
    if isinstance(hint, NewType):
        return values_of(hint.__supertype__)
    if hint in PLAIN:
        return PLAIN[hint]
    match get_origin(hint), get_args(hint):
        case _, (inner, none) if get_origin(hint) in (UnionType, Union) and none is NoneType:
            return st.none() | values_of(inner)
        case origin, (inner, *_) if origin is tuple and hint.__args__[-1] is Ellipsis:
            return st.lists(values_of(inner), max_size=2).map(tuple)
        case origin, parts if origin is tuple:
            return st.tuples(*map(values_of, parts))
        case origin, (inner,) if origin is frozenset:
            return st.frozensets(values_of(inner), max_size=2)
        case origin, (key, value) if origin is Mapping:
            return st.dictionaries(values_of(key), values_of(value), max_size=2)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    assert is_dataclass(hint), hint
    hints = get_type_hints(hint)
    return st.builds(hint, **{item.name: values_of(hints[item.name]) for item in fields(hint)})


def under_own_ids(state: State) -> State:
    users = {user_id: _case(user_id, case) for user_id, case in state.users.items()}
    keys = {key_id: replace(record, key_id=key_id) for key_id, record in state.keys.items()}
    return replace(state, users=users, keys=keys, schema_version=SCHEMA_VERSION)


def _case(user_id: str, case: Case) -> Case:
    return replace(
        case,
        user_id=user_id,
        findings={finding.key: finding for finding in case.findings.values()},
        operations={item.operation_id: item for item in case.operations.values()},
    )


STATES = values_of(State).map(under_own_ids)


@UNHURRIED
@given(state=STATES, saved_at=PLAIN[datetime], saved_by=TEXT)
def test_every_state_is_read_back_as_it_was_written(state: State, saved_at: datetime, saved_by):
    content = encode(state, saved_at=saved_at, saved_by=saved_by)
    saved = decode_saved(content)
    assert (saved.state, saved.saved_at, saved.saved_by) == (state, saved_at, saved_by)
    assert encode(saved.state, saved_at=saved_at, saved_by=saved_by) == content


@UNHURRIED
@given(step=values_of(Step), data=st.dictionaries(TEXT, JSON, max_size=3))
def test_every_step_is_read_back_as_it_was_written(step: Step, data: dict):
    step = replace(step, data=data)
    assert decode_step(encode_step(step), where="") == step


@UNHURRIED
@given(step=values_of(Step), position=st.floats(0, 1), bit=st.integers(0, 7))
def test_a_step_with_any_bit_flipped_is_refused_by_name(step: Step, position: float, bit: int):
    content = bytearray(encode_step(step))
    content[int(position * (len(content) - 1))] ^= 1 << bit
    with pytest.raises(StateUnreadable, match=r"^ops/1/1-intent\.json: "):
        decode_step(bytes(content), where="ops/1/1-intent.json")


@UNHURRIED
@pytest.mark.parametrize("kind", [WaiverFile, HoldFile, PauseFile])
@given(data=st.data())
def test_every_decision_is_read_back_as_it_was_written(kind: type, data: st.DataObject):
    file = replace(data.draw(values_of(kind)), schema_version=1)
    assert decode_decisions(kind, encode_decisions(file), where="") == file


@UNHURRIED
@given(state=STATES, later=STATES, data=st.data())
def test_a_state_written_after_another_is_written_as_if_it_were_the_first(state, later, data):
    kept = data.draw(st.sets(st.sampled_from([*state.users]))) if state.users else ()
    after = replace(
        later, users={**later.users, **{user_id: state.users[user_id] for user_id in kept}}
    )
    writer, stamp = StateWriter(), {"saved_at": datetime(2026, 1, 5, tzinfo=UTC), "saved_by": "r"}
    for each in (state, after, state):
        assert writer.encode(each, **stamp) == encode(each, **stamp)
