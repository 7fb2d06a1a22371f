"""A fleet in the sandbox: accounts with roles that trust the central one, and their users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from keyreeve.sandbox.account import HOME_ACCOUNT

ROLE = "keyreeve-etv-member"
EXTERNAL_ID = "between-us-two"
_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def trust(external_id: str = EXTERNAL_ID) -> dict[str, Any]:
    """As the stack member-role makes it."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "CentralKeyreeve",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{HOME_ACCOUNT}:root"},
                "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                "Condition": {
                    "StringEquals": {"sts:ExternalId": external_id},
                    "StringLike": {"sts:SourceIdentity": "keyreeve-*"},
                },
            }
        ],
    }


def role(rights: Sequence[Any] = (), external_id: str = EXTERNAL_ID) -> dict[str, Any]:
    """With these policies; without any: everything."""
    given = rights or ({"Version": "2012-10-17", "Statement": [_EVERYTHING]},)
    return {
        "name": ROLE,
        "created": "30d",
        "trust": trust(external_id),
        "inline": {f"rights-{number}": each for number, each in enumerate(given)},
    }


def user(name: str, number: int) -> dict[str, Any]:
    """Most are in order; one in ten has a key that is too old."""
    created = "120d" if number % 10 == 0 else "20d"
    return {
        "name": name,
        "created": "300d",
        "tags": {"email": f"{name}@example.com"},
        "keys": [{"created": created, "last_used": "1d"}],
    }


def account(account_id: str, users: int, rights: Sequence[Any] = ()) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "users": [user(f"u{number:03}.a{account_id[-3:]}", number) for number in range(users)],
        "roles": [role(rights)],
    }


def listed(ids: Iterable[str]) -> str:
    """The section `accounts` of config.yaml."""
    rows = [
        f'  - {{id: "{each}", name: "account {each[-3:]}", '
        f'role_arn: "arn:aws:iam::{each}:role/{ROLE}", external_id: {EXTERNAL_ID}}}\n'
        for each in ids
    ]
    return "accounts:\n" + "".join(rows)


def of_organization(external_id: str = EXTERNAL_ID, more: str = "") -> str:
    return (
        f"accounts: {{organization: true, role_name: {ROLE}, external_id: {external_id}{more}}}\n"
    )


def number(index: int) -> str:
    return f"{200_000_000_000 + index}"
