"""What people do to an account of memory between report and act, and which calls can show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tests.proofs.memory_aws import BUCKET, MemoryAws, MemorySessions
from tests.proofs.memory_world import PREFIX
from tests.scenario.reported_account import ReportedAccount

from keyreeve.aws.s3_store import S3Store
from keyreeve.model.decisions import Hold, Pause, Waiver
from keyreeve.model.identifiers import AccessKeyId, UserId, UserName
from keyreeve.storage.decisions import StoredDecisions

USER, KEYS, USED = "iam:GetUser", "iam:ListAccessKeys", "iam:GetAccessKeyLastUsed"
PROFILE, MFA = "iam:GetLoginProfile", "iam:ListMFADevices"
LATER = timedelta(minutes=1)
"""After the report was made."""


Do = Callable[[MemoryAws, str], None]


def _first(account: ReportedAccount, name: str) -> AccessKeyId:
    """The key in question; in the account of the spare key it is the second."""
    keys = list(account.keys_of(name))
    return AccessKeyId(keys[1] if name == "stale.key" else keys[0])


def _other(account: ReportedAccount, name: str) -> AccessKeyId:
    return next(AccessKeyId(k) for k in account.keys_of(name) if k != str(_first(account, name)))


def _without(account: ReportedAccount, name: str, gone: AccessKeyId) -> None:
    """Its owner deletes it; `account.deleted` counts only what Keyreeve deletes."""
    user = account._users[UserName(name)]
    account.change(name, keys=tuple(k for k in user.keys if k.key_id != gone))


def _delete_key(aws: MemoryAws, name: str) -> None:
    _without(aws.account, name, _first(aws.account, name))


def _delete_other(aws: MemoryAws, name: str) -> None:
    _without(aws.account, name, _other(aws.account, name))


def _shut_key(aws: MemoryAws, name: str) -> None:
    aws.account.change_key(name, _first(aws.account, name), active=False)


def _use_key(aws: MemoryAws, name: str) -> None:
    used = aws.now + LATER
    aws.account.change_key(name, _first(aws.account, name), last_used=used)


def _create_anew(aws: MemoryAws, name: str) -> None:
    user = aws.account._users[UserName(name)]
    keys = tuple(
        replace(k, key_id=AccessKeyId(f"AKIAANEW{n:012d}")) for n, k in enumerate(user.keys)
    )
    aws.account.change(name, user_id=UserId("AIDAANEW000000000000"), keys=keys)


def _rename(aws: MemoryAws, name: str) -> None:
    aws.account.rename(name, f"{name}.renamed")


def _sign_in(aws: MemoryAws, name: str) -> None:
    aws.account.change(name, password_last_used=aws.now + LATER)


def _exclude(aws: MemoryAws, name: str) -> None:
    user = aws.account._users[UserName(name)]
    aws.account.change(name, tags={**user.tags, "keyreeve:exclude": "true"})


def _decide(aws: MemoryAws, decide: Callable[[StoredDecisions], None]) -> None:
    """A person decides, by another process."""
    twin = aws.fork()
    twin.fails = lambda _: None
    store = S3Store(MemorySessions(twin).client("s3"), bucket=BUCKET, prefix=PREFIX)
    decide(StoredDecisions(store))
    aws.objects.update(twin.objects)


def _waive(aws: MemoryAws, name: str) -> None:
    waiver = Waiver(
        waiver_id="W1",
        user=name,
        control=None,
        resource_id=None,
        reason="vendor appliance",
        requested_by="ana@example.com",
        approved_by="ciso@example.com",
        expires_on=aws.now.date() + timedelta(days=90),
        added_at=aws.now,
        added_by="ana",
    )
    _decide(aws, lambda decisions: decisions.add_waiver(waiver, today=aws.now.date()))


def _hold(aws: MemoryAws, name: str) -> None:
    hold = Hold(
        user=name,
        until=aws.now.date() + timedelta(days=9),
        reason="on leave",
        added_at=aws.now,
        added_by="ana",
    )
    _decide(aws, lambda decisions: decisions.add_hold(hold, today=aws.now.date()))


def _pause(aws: MemoryAws, _: str) -> None:
    pause = Pause(reason="migration", since=aws.now, by="ana")
    _decide(aws, lambda decisions: decisions.set_pause(pause))


def _facts(**facts: Any) -> Do:
    return lambda aws, name: aws.account.change(name, **facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What somebody does, and the calls that can show it."""

    do: Do
    looks: tuple[str, ...]


EDITS: Mapping[str, Edit] = {
    "key deleted": Edit(do=_delete_key, looks=(KEYS,)),
    "key made Inactive": Edit(do=_shut_key, looks=(KEYS,)),
    "key used": Edit(do=_use_key, looks=(USED,)),
    "other key deleted": Edit(do=_delete_other, looks=(KEYS,)),
    "user created anew": Edit(do=_create_anew, looks=(USER,)),
    "user renamed": Edit(do=_rename, looks=(USER,)),
    "signed in": Edit(do=_sign_in, looks=(USER,)),
    "MFA enrolled": Edit(do=_facts(mfa_active=True), looks=(MFA,)),
    "password removed": Edit(do=_facts(password_enabled=False), looks=(PROFILE,)),
    "excluded by tag": Edit(do=_exclude, looks=(USER,)),
    "waived": Edit(do=_waive, looks=(f"s3:GetObject {PREFIX}waivers.json",)),
    "held": Edit(do=_hold, looks=(f"s3:GetObject {PREFIX}holds.json",)),
    "paused": Edit(do=_pause, looks=(f"s3:GetObject {PREFIX}pause.json",)),
}
ALWAYS = ("user created anew", "user renamed", "excluded by tag", "waived", "held", "paused")
"""What stops every act.  A password changed shows as a sign-in: AWS tells nothing else."""
