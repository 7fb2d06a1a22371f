"""Names for the ids of things, so that the type checker keeps them apart."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

AccountId = NewType("AccountId", str)
"""Twelve digits."""

UserId = NewType("UserId", str)
"""The IAM unique id (AIDA…): survives renames, dies with the user (S1.T13)."""

UserName = NewType("UserName", str)
"""For people only; never an identity."""

AccessKeyId = NewType("AccessKeyId", str)
"""AKIA…; the report's slot number is no identity (S1.T4)."""

RunId = NewType("RunId", str)
"""Sorts by time: `20260105T060000Z-1a2b`."""

CaseId = NewType("CaseId", str)
"""`20260105-<16 hex digits>`: the date of the case's first finding, then a digest."""

OperationId = NewType("OperationId", str)
"""Begins with its case's date, so that a listing can start at the oldest open case."""


class ControlId(StrEnum):
    """The controls that walk the ladder, and the one that only reports (S1.2–S1.7)."""

    ACCESS_KEY_ROTATION = "access_key_rotation"
    ACCESS_KEY_STALE = "access_key_stale"
    PASSWORD_AGE = "password_age"  # noqa: S105 - a control's name, no secret
    CONSOLE_MFA = "console_mfa"
    USER_INACTIVE = "user_inactive"
    INLINE_POLICIES = "inline_policies"
