"""The access model on its way to the onboarding function."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from keyreeve.codec.access import decode, encode
from keyreeve.model.access import (
    AccessModel,
    CharacterClass,
    Grant,
    PasswordRules,
    RequiredTags,
    TrustModel,
)
from keyreeve.model.policy import Exclusion, Match

FULL = AccessModel(
    onboarding_group="Begin",
    tags=RequiredTags(role="Duty", department="Team", email="Mail"),
    grants=(
        Grant(
            functional_group="Développeur",
            group="Developers",
            role="DeveloperRole",
            policies=("arn:aws:iam::aws:policy/PowerUserAccess",),
            max_session=timedelta(hours=8),
            trusted_users=("ann", "bob"),
        ),
    ),
    trust=TrustModel.USERS,
    password_policy=PasswordRules(require=frozenset({CharacterClass.UPPER})),
    provisioners=("arn:aws:iam::123456789012:role/p",),
    exclusions=(Exclusion(match=Match(user="svc-*", tag="a=b"), reason="service"),),
)


@pytest.mark.parametrize("model", [AccessModel(), FULL, AccessModel(password_policy=None)])
def test_what_was_written_is_read_and_the_bytes_are_the_same_each_time(model: AccessModel):
    assert decode(encode(model)) == model
    assert encode(decode(encode(model))) == encode(model)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"onboarding_group": 3}, "onboarding_group: expected text"),
        ({"unknown": 1}, "unknown field 'unknown'"),
        ({"trust": "nobody"}, "trust: expected one of"),
        ({"grants": [{"max_session": "1h"}]}, "grants[0]"),
    ],
)
def test_what_is_off_is_named(change: dict, said: str):
    document = {**json.loads(encode(FULL)), **change}
    with pytest.raises(ValueError, match=re.escape(said)):
        decode(json.dumps(document).encode())


@pytest.mark.parametrize("value", [True, "28800", None])
def test_a_span_is_a_number_of_seconds(value: object):
    document = json.loads(encode(FULL))
    document["grants"][0]["max_session"] = value
    with pytest.raises(ValueError, match="expected seconds"):
        decode(json.dumps(document).encode())
