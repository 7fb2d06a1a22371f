"""What looks like a secret is taken out; what people need to read stays."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.codec.redaction import REDACTED, redact

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"made {SECRET}.",
        f'{{"SecretAccessKey": "{SECRET}"}}',
        f"{{'SecretAccessKey': b'{SECRET}'}}",
        f"<SecretAccessKey>{SECRET}</SecretAccessKey>",
        f"aws_secret_access_key = {SECRET}",
        "Action=UpdateLoginProfile&Password=canary%21&UserName=x",
        '"Password": "canary with, spaces; and <signs>"',
        '{\\"password\\": \\"canary\\"}',
        "KEYREEVE_SMTP_PASSWORD=canary",
        "password: canary",
        "Authorization: canary",
        "X-Amz-Security-Token=canary&X-Amz-Signature=canary",
        "x-amz-security-token: " + "canary" * 40,
        "aws_session_token='canary'",
        "F" + "wJalrXUtnFEMI7" * 12 + "==",
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text):
    for found in ("canary", SECRET, "wJalrXUtnFEMI7"):
        assert found not in redact(text)
    assert REDACTED in redact(text)


@given(st.integers(min_value=0, max_value=2**32))
def test_any_generated_secret_key_is_taken_out_wherever_it_stands(seed):
    source = random.Random(seed)
    letters = string.ascii_letters + string.digits + "/+"
    secret = "".join(source.choice(letters) for _ in range(40))
    capitals = sum(letter.isupper() for letter in secret)
    small = sum(letter.islower() for letter in secret)
    if min(capitals, small) >= 5:
        assert secret not in redact(f"row 3: {secret!r} was read")


@pytest.mark.parametrize(
    "text",
    [
        f"access key {KEY_ID} of alice is now Inactive",
        f"aws_access_key_id={KEY_ID}",
        "password_age: 75d",
        "password reset for bob: day 7",
        "AIDACKCEVSQ6C2EXAMPLE and 012345678901",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "iam-compliance/etv/audit/2026/01/05/20260105T060000Z-1a2b/1.jsonl",
        "arn:aws:sts::123456789012:assumed-role/Keyreeve/session",
        "delivery: secrets_manager",
    ],
)
def test_key_ids_digests_and_plain_words_stay(text):
    assert redact(text) == text
