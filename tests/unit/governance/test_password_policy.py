from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.governance.password_policy import merged, wanted_of
from keyreeve.model.access import CharacterClass, PasswordRules

CLASSES = {
    "upper": "RequireUppercaseCharacters",
    "lower": "RequireLowercaseCharacters",
    "number": "RequireNumbers",
    "symbol": "RequireSymbols",
}
_RULES = st.builds(
    PasswordRules,
    minimum_length=st.integers(6, 128),
    reuse_prevention=st.integers(1, 24),
    max_age=st.integers(1, 1095),
    require=st.frozensets(st.sampled_from(CharacterClass)),
)
_CURRENT = st.none() | st.fixed_dictionaries(
    {"MinimumPasswordLength": st.integers(6, 128), "AllowUsersToChangePassword": st.booleans()},
    optional={
        "PasswordReusePrevention": st.integers(1, 24),
        "MaxPasswordAge": st.integers(1, 1095),
        "HardExpiry": st.booleans(),
        **{name: st.booleans() for name in CLASSES.values()},
    },
)


@given(_CURRENT, _RULES)
def test_the_password_policy_is_as_strict_as_asked_for_and_nowhere_weaker(current, wanted):
    made = merged(current, wanted)
    now = current or {}
    assert made["MinimumPasswordLength"] >= wanted.minimum_length
    assert made["MinimumPasswordLength"] >= now.get("MinimumPasswordLength", 0)
    assert made["PasswordReusePrevention"] >= wanted.reuse_prevention
    assert made["PasswordReusePrevention"] >= now.get("PasswordReusePrevention", 0)
    assert made["MaxPasswordAge"] <= min(wanted.max_age, now.get("MaxPasswordAge", 1095))
    for word, name in CLASSES.items():
        assert made[name] is (word in wanted.require or now.get(name, False))


@given(_CURRENT, _RULES)
def test_every_field_is_written_since_aws_resets_what_is_left_out(current, wanted):
    assert merged(current, wanted).keys() == {
        *CLASSES.values(),
        *("MinimumPasswordLength", "PasswordReusePrevention", "MaxPasswordAge"),
        *("AllowUsersToChangePassword", "HardExpiry"),
    }


@given(_CURRENT, _RULES)
def test_hard_expiry_is_never_switched_on(current, wanted):
    assert merged(current, wanted)["HardExpiry"] is (current or {}).get("HardExpiry", False)


def test_the_rules_come_back_from_cloudformations_texts():
    told = {
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "MinimumLength": "16",
        "ReusePrevention": "12",
        "MaxAge": "60",
        "Require": ["upper", "number"],
    }
    assert wanted_of(told) == PasswordRules(
        minimum_length=16,
        reuse_prevention=12,
        max_age=60,
        require=frozenset({CharacterClass.UPPER, CharacterClass.NUMBER}),
    )


@pytest.mark.parametrize("word", ["vowel", "UPPER"])
def test_a_character_class_that_nobody_knows_is_refused(word):
    told = {"MinimumLength": "16", "ReusePrevention": "12", "MaxAge": "60", "Require": [word]}
    with pytest.raises(ValueError, match=word):
        wanted_of(told)
