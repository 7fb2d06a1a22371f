"""Stops and lost answers against the sandbox: the SDK, S3 and SES play their part.

Every call can be the last in the proof `stops`; here it is sampled, over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.scenario.on_the_wire import (
    break_the_lock,
    escrowed,
    keys,
    private,
    run,
    state,
    stopped_at,
    wire,
)

from keyreeve.sandbox.process import Sandbox

__all__ = ["wire"]


def _operation(request: Any) -> str:
    body = request.body.encode() if isinstance(request.body, str) else request.body
    if isinstance(body, bytes) and b"Action=" in body:
        return body.split(b"Action=")[1].split(b"&")[0].decode()
    return f"{request.method} {request.url.split('?')[0].rsplit('/', 1)[-1]}"


def on(operation: str, url: str = "") -> Callable[[Any], bool]:
    return lambda request: operation in _operation(request) and url in request.url


def assert_one_new_key_and_nothing_lost(sandbox: Sandbox, old: str, *, mails: int) -> None:
    new = {key: status for key, status in keys(sandbox).items() if key != old}
    assert list(new.values()) == ["Active"]
    assert set(new) <= escrowed(sandbox)
    assert keys(sandbox)[old] == "Active"
    for user in ("aged.key", "old.password"):
        assert 1 <= private(sandbox, user) <= 2
    assert mails <= len(sandbox.mails()) <= mails + 1


BEFORE, AFTER = False, True
USUAL = 3 + 5
"""Mails of days 0 and 7: two notices each, two credentials, a summary each."""


def test_the_counts_are_those_of_undisturbed_days(wire: Sandbox):
    for day in (0, 7):
        run(wire, day)
    assert len(wire.mails()) == USUAL


@pytest.mark.parametrize(
    ("place", "after"),
    [
        pytest.param(place, after, id=f"{name}-{'after' if after else 'before'}")
        for name, place, sides in (
            ("CreateAccessKey", on("CreateAccessKey"), (BEFORE, AFTER)),
            ("intent", on("PUT", "-intent.json"), (BEFORE,)),
            ("escrow", on("PUT", "credentials/access-keys"), (BEFORE, AFTER)),
            ("created", on("PUT", "-created.json"), (AFTER,)),
            ("SendEmail", on("POST outbound-emails"), (BEFORE, AFTER)),
            ("escrow-password", on("PUT", "credentials/passwords"), (AFTER,)),
            ("UpdateLoginProfile", on("UpdateLoginProfile"), (BEFORE, AFTER)),
            ("accepted", on("PUT", "-accepted.json"), (BEFORE,)),
            ("state", on("PUT", "state.json"), (BEFORE, AFTER)),
        )
        for after in sides
    ],
)
def test_a_stop_on_the_day_of_new_credentials(wire: Sandbox, place: Callable, after: bool):  # noqa: FBT001
    (old,) = keys(wire)
    run(wire, 0)
    with stopped_at(place, after=after):
        run(wire, 7)
    break_the_lock(wire)
    run(wire, 7.05)
    assert_one_new_key_and_nothing_lost(wire, old, mails=USUAL)


@pytest.mark.parametrize(
    ("place", "after"),
    [
        pytest.param(on("UpdateAccessKey"), BEFORE, id="UpdateAccessKey-before"),
        pytest.param(on("UpdateAccessKey"), AFTER, id="UpdateAccessKey-after"),
        pytest.param(on("PUT", "-enforcing.json"), AFTER, id="enforcing-after"),
        pytest.param(on("POST outbound-emails"), AFTER, id="SendEmail-after"),
        pytest.param(on("PUT", "state.json"), AFTER, id="state-after"),
    ],
)
def test_a_stop_on_the_day_of_enforcement(wire: Sandbox, place: Callable, after: bool):  # noqa: FBT001
    (old,) = keys(wire)
    for day in (0, 7, 11):
        run(wire, day)
    before = len(wire.mails())
    with stopped_at(place, after=after):
        run(wire, 14)
    break_the_lock(wire)
    run(wire, 14.05)
    assert sorted(keys(wire).values()) == ["Active", "Inactive"]
    assert keys(wire)[old] == "Inactive"
    told = [mail for mail in wire.mails(before) if b"aged.key@" in mail.raw]
    assert 1 <= len(told) <= 2
    run(wire, 15)
    assert "aged.key" not in [case["user_name"] for case in state(wire)["users"].values()]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["CreateAccessKey", "SendEmail", "UpdateLoginProfile"])
def test_a_lost_answer_on_day_7_is_reconciled_by_reading_never_by_repeating(
    wire: Sandbox, operation: str, when: str
):
    (old,) = keys(wire)
    run(wire, 0)
    wire.plant_fault(operation, answer="drop", when=when)
    run(wire, 7)
    run(wire, 7.05)
    assert_one_new_key_and_nothing_lost(wire, old, mails=USUAL)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_the_act_is_found_by_reading(wire: Sandbox, when: str):
    (old,) = keys(wire)
    for day in (0, 7, 11):
        run(wire, day)
    wire.plant_fault("UpdateAccessKey", answer="drop", when=when)
    run(wire, 14)
    run(wire, 14.05)
    run(wire, 15)  # where the act failed, that day's notice told of the next
    assert keys(wire)[old] == "Inactive"
    updates = [call for call in wire.calls() if call["operation"] == "UpdateAccessKey"]
    assert len(updates) == (1 if when == "after" else 2)
