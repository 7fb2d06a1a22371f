"""Codes of MFA devices, against the vectors of RFC 6238 (appendix B, SHA-1, last six digits)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.sandbox.otp import STEP, are_consecutive, code, is_shown

SEED = base64.b32encode(b"12345678901234567890").decode()
AT = datetime(2026, 1, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_a_code_is_that_of_the_standard(seconds: int, expected: str) -> None:
    assert code(SEED, datetime.fromtimestamp(seconds, UTC)) == expected


@given(st.binary(min_size=10, max_size=64), st.integers(0, 29))
def test_a_seed_without_padding_in_any_case_gives_the_same_code_for_half_a_minute(
    secret: bytes, later: int
) -> None:
    seed = base64.b32encode(secret).decode()
    bare = seed.rstrip("=").lower()
    assert code(bare, AT + timedelta(seconds=later)) == code(seed, AT)


@pytest.mark.parametrize(
    ("steps", "shown"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_the_clock_of_a_device_may_differ_by_one_step(steps: int, *, shown: bool) -> None:
    assert is_shown(SEED, code(SEED, AT + steps * STEP), AT) is shown


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [(-1, 0, True), (-10, -9, True), (9, 10, True), (0, 0, False), (0, 2, False), (10, 11, False)],
)
def test_an_enrolment_wants_two_codes_in_a_row_of_about_now(
    first: int, second: int, *, found: bool
) -> None:
    codes = (code(SEED, AT + steps * STEP) for steps in (first, second))
    assert are_consecutive(SEED, *codes, AT) is found
