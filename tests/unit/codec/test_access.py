"""access.json: what was written is what is read, and nothing else is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.codec.access import decode, encode
from keyreeve.model.access import (
    AccessModel,
    CharacterClass,
    Grant,
    PasswordRules,
    RequiredTags,
    TrustModel,
)

TEXT = st.text(max_size=8)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
GRANTS = st.builds(
    Grant,
    functional_group=TEXT,
    group=TEXT,
    role=TEXT,
    policies=TEXTS,
    max_session=st.integers(3600, 43_200).map(lambda seconds: timedelta(seconds=seconds)),
    trusted_users=TEXTS,
)
RULES = st.builds(
    PasswordRules,
    minimum_length=st.integers(6, 128),
    reuse_prevention=st.integers(1, 24),
    max_age=st.integers(1, 1095),
    require=st.frozensets(st.sampled_from(CharacterClass)),
)
MODELS = st.builds(
    AccessModel,
    onboarding_group=TEXT,
    tags=st.builds(RequiredTags, role=TEXT, department=TEXT, email=TEXT),
    grants=st.lists(GRANTS, max_size=3).map(tuple),
    trust=st.sampled_from(TrustModel),
    password_policy=st.none() | RULES,
    provisioners=TEXTS,
)
GRANT = Grant(functional_group="Developer", group="Developers", role="DeveloperRole", policies=())
MODEL = AccessModel(grants=(GRANT,))


@given(MODELS)
def test_a_model_comes_back_as_it_was_written(model: AccessModel):
    content = encode(model)

    assert decode(content) == model
    assert encode(decode(content)) == content
    assert json.loads(content)["schema"] == "keyreeve.access/1"


def changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(encode(MODEL)), **changes}).encode()


def without(name: str) -> bytes:
    written = json.loads(encode(MODEL))
    del written[name]
    return json.dumps(written).encode()


def with_grant(**changes: Any) -> bytes:
    return changed(grants=[{**json.loads(encode(MODEL))["grants"][0], **changes}])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "Expecting value"),
        (b"[]", "expected a JSON object"),
        (b"{}", "schema: expected keyreeve.access/1, found None"),
        (without("schema"), "schema: expected keyreeve.access/1, found None"),
        (changed(schema="keyreeve.access/2"), "found 'keyreeve.access/2'"),
        (changed(extra=1), "unknown field 'extra'"),
        (without("trust"), "missing field 'trust'"),
        (changed(trust="groups"), "trust: expected one of group, users"),
        (changed(onboarding_group=None), "onboarding_group: expected text"),
        (changed(grants={}), "grants: expected a list"),
        (with_grant(max_session="1h"), r"grants\[0\].max_session: expected a number of seconds"),
        (with_grant(max_session=True), r"grants\[0\].max_session: expected a number of seconds"),
        (with_grant(max_session=1e300), r"grants\[0\].max_session: expected a number of seconds"),
        (with_grant(policies="arn"), r"grants\[0\].policies: expected a list"),
    ],
)
def test_anything_else_is_refused_with_where_it_stands(content: bytes, says: str):
    with pytest.raises(ValueError, match=says):
        decode(content)
