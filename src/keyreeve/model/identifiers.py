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


class PostureId(StrEnum):
    """The controls of posture: reported, and no word that the ladder knows."""

    ROOT_USE = "root_use"
    ROOT_ACCESS_KEY = "root_access_key"
    ROOT_MFA = "root_mfa"
    PASSWORD_POLICY = "password_policy"  # noqa: S105 - a control's name, no secret
    ADMINISTRATOR_ACCESS = "administrator_access"
    WILDCARD_POLICIES = "wildcard_policies"
    PRIVILEGE_ESCALATION = "privilege_escalation"
    TRUST_WITHOUT_MFA = "trust_without_mfa"
    TRUST_WITHOUT_EXTERNAL_ID = "trust_without_external_id"
    TRUST_TOO_WIDE = "trust_too_wide"
    UNUSED_ROLES = "unused_roles"
    UNUSED_ACCESS = "unused_access"
    EXTERNAL_ACCESS = "external_access"
    OUTSIDE_ROLE_GROUPS = "outside_role_groups"
    DOUBLE_MEMBERSHIP = "double_membership"
    MISSING_TAGS = "missing_tags"
    SERVER_CERTIFICATES = "server_certificates"
    SSH_KEYS = "ssh_keys"
    SERVICE_CREDENTIALS = "service_credentials"
    CLOUDTRAIL_ON = "cloudtrail_on"
    CONFIG_ON = "config_on"
    GUARDDUTY_ON = "guardduty_on"
    ACCESS_ANALYZER_ON = "access_analyzer_on"


AnyControlId = ControlId | PostureId
"""Whatever has a card, and whatever a finding or a requirement can name."""
