"""What most scripts do: list the users, then ask about each; one call after the other."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config

NOW = datetime.fromisoformat(os.environ["BENCH_NOW"])
iam = boto3.client("iam", config=Config(retries={"mode": "standard", "max_attempts": 10}))


def days(since: datetime) -> int:
    """Whole days."""
    return (NOW - since).days


def judged(user: dict[str, Any]) -> Iterator[tuple[str, str, str, int | bool]]:
    """The six checks; the API does not tell when a password was changed last."""
    name = user["UserName"]
    keys = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    for key in keys:
        used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
        key["Used"] = used.get("LastUsedDate")
    try:
        login = iam.get_login_profile(UserName=name)["LoginProfile"]
    except iam.exceptions.NoSuchEntityException:
        login = None
    mfa = iam.list_mfa_devices(UserName=name)["MFADevices"]
    inline = iam.list_user_policies(UserName=name)["PolicyNames"]
    iam.list_user_tags(UserName=name)
    keys.sort(key=lambda key: key["CreateDate"])
    active = [key for key in keys if key["Status"] == "Active"]
    for key in active:
        if days(key["CreateDate"]) >= 75:
            yield "access_key_rotation", name, key["AccessKeyId"], days(key["CreateDate"])
    if len(active) == 2 and days(keys[1]["Used"] or keys[1]["CreateDate"]) >= 15:
        idle = days(keys[1]["Used"] or keys[1]["CreateDate"])
        yield "access_key_stale", name, keys[1]["AccessKeyId"], idle
    if login and not mfa:
        yield "console_mfa", name, "mfa", False
    if inline:
        yield "inline_policies", name, "inline_policies", len(inline)


users = [u for page in iam.get_paginator("list_users").paginate() for u in page["Users"]]
found = [row for user in users for row in judged(user)]
print(json.dumps({"users": len(users), "findings": found}))
