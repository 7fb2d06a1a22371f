from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from keyreeve.escalation.password import DIGITS, LOWER, SYMBOLS, UPPER, generate
from keyreeve.model.snapshot import PasswordPolicy

IAM_SYMBOLS = set("!@#$%^&*()_+-=[]{}|'")
"""What IAM counts as a symbol (aws-facts E2, password policy)."""

policies = st.builds(
    PasswordPolicy,
    minimum_length=st.integers(6, 128),
    require_uppercase=st.booleans(),
    require_lowercase=st.booleans(),
    require_numbers=st.booleans(),
    require_symbols=st.booleans(),
)


@given(policy=policies, seed=st.integers())
def test_a_generated_password_meets_any_policy_that_iam_allows(policy, seed):
    made = generate(policy, random.Random(seed))
    assert len(made) == min(max(20, policy.minimum_length), 128)
    for group in (UPPER, LOWER, DIGITS, SYMBOLS):
        assert set(made) & set(group)
    assert set(made) <= set(UPPER + LOWER + DIGITS + SYMBOLS)
    assert made[0].isalpha()  # no spreadsheet takes it for a formula
    assert set(SYMBOLS) <= IAM_SYMBOLS
    assert made.isascii()


@given(seed=st.integers())
def test_the_same_dice_throw_the_same_password_and_others_another(seed):
    policy = PasswordPolicy()
    assert generate(policy, random.Random(seed)) == generate(policy, random.Random(seed))
    assert generate(policy, random.Random(seed)) != generate(policy, random.Random(seed + 1))


def test_characters_that_readers_confuse_are_not_used():
    assert not set("IlO01|'\",;") & set(UPPER + LOWER + DIGITS + SYMBOLS)


def test_even_an_impossible_minimum_stays_within_what_iam_takes():
    assert len(generate(PasswordPolicy(minimum_length=500), random.Random(1))) == 128
