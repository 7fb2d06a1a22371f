"""The simulated account, read as AWS is read: by a credential report and the account's details."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.scenario.people import ACCOUNT

from keyreeve.model.identifiers import AccessKeyId, UserName
from keyreeve.model.snapshot import (
    Absent,
    AccessKey,
    AccountSnapshot,
    Caller,
    PasswordPolicy,
    User,
)
from keyreeve.pipeline.simulation import SimulatedAccount
from keyreeve.ports import AccountDetails, CredentialReport, NewAccessKey

_USER_COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
)
_KEY_COLUMNS = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")


class ReportedAccount(SimulatedAccount):
    """ports.AccountReader and ports.CredentialActuator; `report_of` may spoil the report."""

    def __init__(self, users: Iterable[User], now: datetime, policy: PasswordPolicy) -> None:
        caller = Caller(
            account_id=ACCOUNT,
            arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/keyreeve/run",
            user_id="AROAKEYREEVE:run",
        )
        facts = AccountSnapshot(
            account_id=ACCOUNT,
            collected_at=now,
            report_generated_at=now,
            users=tuple(users),
            password_policy=policy,
            groups=frozenset({"MFA-Setup", "Quarantine"}),
            caller=caller,
        )
        super().__init__(facts, now)
        self.report_of: Callable[[CredentialReport], CredentialReport] = lambda report: report
        self.deleted: list[AccessKeyId] = []
        self.shut: list[tuple[datetime, AccessKeyId]] = []
        """When which key was made Inactive by Keyreeve."""

    def credential_report(self) -> CredentialReport:
        content = _report(self._users.values(), self.now)
        return self.report_of(CredentialReport(content=content, generated_at=self.now))

    def details(self) -> AccountDetails:
        return AccountDetails(
            users=tuple(_without_credentials(user) for user in self._users.values()),
            groups=self._facts.groups,
        )

    def create_access_key(self, user: UserName) -> NewAccessKey:
        made = super().create_access_key(user)
        return replace(made, secret=f"secret/of+{made.key_id}")

    def set_access_key_active(self, user: UserName, key: AccessKeyId, *, active: bool) -> None:
        super().set_access_key_active(user, key, active=active)
        if not active:
            self.shut.append((self.now, key))

    def delete_access_key(self, user: UserName, key: AccessKeyId) -> None:
        super().delete_access_key(user, key)
        self.deleted.append(key)

    # --- people -------------------------------------------------------------------------------

    def change(self, name: str, **facts: Any) -> None:
        """Let a user be otherwise; `facts` are fields of User."""
        self._users[UserName(name)] = replace(self._users[UserName(name)], **facts)

    def change_key(self, name: str, key: AccessKeyId, **facts: Any) -> None:
        user = self._users[UserName(name)]
        keys = tuple(replace(k, **facts) if k.key_id == key else k for k in user.keys)
        self.change(name, keys=keys)

    def choose_password(self, name: str, at: datetime) -> None:
        """The user signs in and sets a password of their own."""
        self._must_change.discard(UserName(name))
        self.change(name, password_last_changed=at, password_last_used=at)

    def use_keys(self, name: str, at: datetime) -> None:
        """Every Active key of the user is used."""
        user = self._users[UserName(name)]
        self.change(
            name, keys=tuple(replace(k, last_used=at) if k.active else k for k in user.keys)
        )

    def keys_of(self, name: str) -> dict[str, bool]:
        """Key id → whether it is Active."""
        return {str(k.key_id): k.active for k in self._users[UserName(name)].keys}

    def groups_of(self, name: str) -> tuple[str, ...]:
        return self._users[UserName(name)].groups

    def rename(self, name: str, to: str) -> None:
        user = self._users.pop(UserName(name))
        arn = user.arn.replace(name, to)
        self._users[UserName(to)] = replace(user, name=UserName(to), arn=arn)

    def delete(self, name: str) -> None:
        del self._users[UserName(name)]

    def add(self, user: User) -> None:
        self._users[user.name] = user

    @property
    def people(self) -> list[str]:
        return [str(name) for name in self._users]


def _without_credentials(user: User) -> User:
    return replace(
        user,
        password_enabled=None,
        password_last_used=Absent.UNKNOWN,
        password_last_changed=Absent.UNKNOWN,
        mfa_active=None,
        keys=(),
        observed_at=None,
    )


# --- the credential report --------------------------------------------------------------------


def _report(users: Iterable[User], now: datetime) -> bytes:
    out = io.StringIO()
    columns = [f"access_key_{slot}_{name}" for slot in (1, 2) for name in _KEY_COLUMNS]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_USER_COLUMNS, *columns])
    root = f"arn:aws:iam::{ACCOUNT}:root"
    made = (now - timedelta(days=2000)).isoformat()
    none = ["false", "N/A", "N/A", "N/A", "N/A"] * 2
    blank = ["not_supported", "no_information", "not_supported", "not_supported", "true"]
    writer.writerow(["<root_account>", root, made, *blank, *none])
    writer.writerows(map(_row, users))
    return out.getvalue().encode()


def _row(user: User) -> list[str]:
    slots = {key.slot: key for key in user.keys}
    return [
        user.name,
        user.arn,
        user.created_at.isoformat(),
        _flag(user.password_enabled),
        _moment(user.password_last_used, "no_information") if user.password_enabled else "N/A",
        _moment(user.password_last_changed, "N/A") if user.password_enabled else "N/A",
        "N/A",
        _flag(user.mfa_active),
        *_slot(slots.get(1)),
        *_slot(slots.get(2)),
    ]


def _slot(key: AccessKey | None) -> list[str]:
    if key is None:
        return ["false", "N/A", "N/A", "N/A", "N/A"]
    used = _moment(key.last_used, "N/A")
    place = (key.last_used_region or "N/A", key.last_used_service or "N/A")
    return [_flag(key.active), _moment(key.last_rotated, "N/A"), used, *place]


def _flag(value: bool | None) -> str:  # noqa: FBT001 - a cell's value
    return "true" if value else "false"


def _moment(value: datetime | Absent, absent: str) -> str:
    return value.isoformat() if isinstance(value, datetime) else absent
