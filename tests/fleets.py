"""A fleet in the sandbox: member accounts with roles that trust the central one, and their users."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox

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


def role(external_id: str = EXTERNAL_ID) -> dict[str, Any]:
    return {
        "name": ROLE,
        "created": "30d",
        "trust": trust(external_id),
        "inline": {"all": {"Version": "2012-10-17", "Statement": [_EVERYTHING]}},
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


def account(account_id: str, users: int, **more: Any) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "users": [user(f"u{number:03}.a{account_id[-3:]}", number) for number in range(users)],
        "roles": [role()],
        **more,
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


def settle(sandbox: Sandbox, ids: Iterable[str], users: int) -> None:
    """Member accounts beside the home account."""
    for each in ids:
        sandbox.add_account(account(each, users))
