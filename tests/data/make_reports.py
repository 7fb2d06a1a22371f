"""A deterministic credential report of any size, in AWS's documented format."""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, datetime, timedelta

COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
)
MADE = datetime(2026, 1, 5, 6, tzinfo=UTC)
ACCOUNT = "123456789012"
_NO_KEY = ("false", "N/A", "N/A", "N/A", "N/A")
_NO_CERTIFICATES = ("false", "N/A", "false", "N/A")


def report(users: int = 5_000, seed: int = 0) -> bytes:
    """The root row and `users` rows: passwords, keys, uses and absences in realistic shares."""
    chance = random.Random(seed)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerow(_root())
    rows.writerows(_user(number, chance) for number in range(users))
    return text.getvalue().encode()


def _root() -> tuple[str, ...]:
    return (
        "<root_account>",
        f"arn:aws:iam::{ACCOUNT}:root",
        _days_ago(3_000),
        "not_supported",
        _days_ago(200),
        "not_supported",
        "not_supported",
        "true",
        *_NO_KEY,
        *_NO_KEY,
        *_NO_CERTIFICATES,
    )


def _user(number: int, chance: random.Random) -> tuple[str, ...]:
    name = f"person-{number:05d}"
    age = chance.randrange(1, 1_500)
    return (
        name,
        f"arn:aws:iam::{ACCOUNT}:user/{name}",
        _days_ago(age),
        *_password(age, chance),
        "true" if chance.random() < 0.7 else "false",
        *(_key(age, chance) if chance.random() < 0.8 else _NO_KEY),
        *(_key(age, chance) if chance.random() < 0.3 else _NO_KEY),
        *_NO_CERTIFICATES,
    )


def _password(age: int, chance: random.Random) -> tuple[str, ...]:
    """Enabled, last used, last changed, next rotation."""
    if chance.random() < 0.4:
        return ("false", "N/A", "N/A", "N/A")
    changed = chance.randrange(age)
    used = _days_ago(chance.randrange(age)) if chance.random() < 0.8 else "no_information"
    return ("true", used, _days_ago(changed), "N/A")


def _key(age: int, chance: random.Random) -> tuple[str, ...]:
    """Active, last rotated, last used, region, service."""
    rotated = chance.randrange(age)
    active = "true" if chance.random() < 0.85 else "false"
    if chance.random() < 0.2:
        return (active, _days_ago(rotated), "N/A", "N/A", "N/A")
    used = _days_ago(chance.randrange(rotated + 1))
    region, service = chance.choice((("eu-west-1", "ec2"), ("N/A", "s3"), ("us-east-1", "iam")))
    return (active, _days_ago(rotated), used, region, service)


def _days_ago(days: int) -> str:
    return (MADE - timedelta(days=days)).isoformat()
