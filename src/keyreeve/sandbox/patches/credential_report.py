"""The credential report as AWS writes it.

AWS: a row for the root user; `N/A` for what does not exist and `no_information` for what never
happened; region and service of the last use; a snapshot that is made at most once per four hours
and expires after them; the first request answers STARTED. moto: no root row, `not_supported` in
many cells, password_last_changed = creation of the user, names with commas break the columns, a
constant GeneratedTime of 2015, always up to date.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World

_KEPT = timedelta(hours=4)
_SLOTS = 2
_SLOT_COLUMNS = (
    "active",
    "last_rotated",
    "last_used_date",
    "last_used_region",
    "last_used_service",
)
_COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"access_key_{slot}_{column}" for slot in (1, 2) for column in _SLOT_COLUMNS),
    *(f"cert_{slot}_{column}" for slot in (1, 2) for column in ("active", "last_rotated")),
)
_NO_KEY = ["false", "N/A", "N/A", "N/A", "N/A"]
_NO_CERTIFICATES = ["false", "N/A"] * _SLOTS


@dataclass(frozen=True, slots=True)
class _Report:
    content: str
    at: datetime


def _instant(at: datetime | None, otherwise: str) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S+00:00") if at else otherwise


def _flag(value: object) -> str:
    return str(bool(value)).lower()


def _key_cells(key: Any) -> list[str]:
    used = key.last_used
    return [
        _flag(key.status == "Active"),
        _instant(getattr(key, "last_rotated", None) or key.create_date, "N/A"),
        *([_instant(used.timestamp, "N/A"), used.region, used.service] if used else ["N/A"] * 3),
    ]


def _password_cells(user: Any, max_age: int | None) -> list[str]:
    if not user.password:
        return ["false", "N/A", "N/A", "N/A"]
    changed = getattr(user, "password_changed", None) or user.create_date
    rotation = changed + timedelta(days=max_age) if max_age else None
    return [
        "true",
        _instant(user.password_last_used, "no_information"),
        _instant(changed, "N/A"),
        _instant(rotation, "N/A"),
    ]


def _user_row(user: Any, max_age: int | None) -> list[str]:
    slots = [_key_cells(key) for key in user.access_keys]
    slots += [_NO_KEY] * (_SLOTS - len(slots))
    return [
        user.name,
        user.arn,
        _instant(user.create_date, "N/A"),
        *_password_cells(user, max_age),
        _flag(user.mfa_devices),
        *(cell for slot in slots for cell in slot),
        *_NO_CERTIFICATES,
    ]


def _root_row(backend: Any) -> list[str]:
    root: dict[str, Any] = getattr(backend, "root_facts", {})
    created = _instant(root.get("created"), "N/A")
    key = ["true", created, "N/A", "N/A", "N/A"] if root.get("key") else _NO_KEY
    return [
        "<root_account>",
        f"arn:aws:iam::{backend.account_id}:root",
        created,
        "not_supported",
        _instant(root.get("last_sign_in"), "no_information"),
        "not_supported",
        "not_supported",
        _flag(root.get("mfa")),
        *key,
        *_NO_KEY,
        *_NO_CERTIFICATES,
    ]


def _written(backend: Any) -> str:
    policy = backend.account_password_policy
    max_age = policy.max_password_age if policy else None
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerow(_root_row(backend))
    rows.writerows(_user_row(user, max_age) for user in backend.users.values())
    return out.getvalue()


def apply(world: World) -> None:
    """Write reports like AWS's, and keep them as long."""
    from moto.core.responses import ActionResult
    from moto.iam import responses
    from moto.iam.exceptions import IAMException, ReportNotPresentException

    class ReportExpired(IAMException):
        code = "ReportExpired"

    def fresh(report: _Report | None) -> bool:
        return report is not None and timedelta(0) <= world.clock.now() - report.at < _KEPT

    def generate(self: Any) -> Any:
        backend = self.backend
        kept = world.reports.get(backend.account_id)
        if fresh(kept) and world.settings.report_cache:
            return ActionResult({"State": "COMPLETE"})
        world.reports[backend.account_id] = _Report(_written(backend), world.clock.now())
        if not (world.settings.report_started and world.settings.report_cache):
            return ActionResult({"State": "COMPLETE"})
        told = "No report exists. Starting a new report generation task"
        return ActionResult({"State": "STARTED", "Description": told})

    def get(self: Any) -> Any:
        kept = world.reports.get(self.backend.account_id)
        if kept is None:
            raise ReportNotPresentException("Credential report not present")
        if not fresh(kept):
            raise ReportExpired("Credential report is expired")
        return ActionResult(
            {"Content": kept.content, "ReportFormat": "text/csv", "GeneratedTime": kept.at}
        )

    replace(
        responses.IamResponse,
        generate_credential_report=generate,
        get_credential_report=get,
    )
    _watch_toggles(world)


def _watch_toggles(world: World) -> None:
    """AWS: access_key_n_last_rotated is "created or last changed"."""
    from moto.iam.models import User

    def update_access_key(self: Any, access_key_id: str, status: str | None = None) -> Any:
        key = self.get_access_key_by_id(access_key_id)
        if status is not None and status != key.status:
            key.status = status
            if world.settings.toggle_moves_last_rotated:
                key.last_rotated = world.naive_now()
        return key

    replace(User, update_access_key=update_access_key)
