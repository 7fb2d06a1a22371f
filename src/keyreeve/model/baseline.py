"""What is wanted of the governance baseline: stacks, alarms, whom to alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class StackName(StrEnum):
    """The stacks, in the order of their deployment: each may need what stands before it."""

    IDENTITY = "identity"
    AUDIT_TRAIL = "audit-trail"
    MONITORING = "monitoring"
    ONBOARDING = "onboarding"
    DETECTION = "detection"
    CONFIGURATION = "configuration"
    AUTOMATION = "automation"
    MEMBER_ROLE = "member-role"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSetting:
    """What was decided about one alarm; a reason is asked for wherever it differs (S2.T14)."""

    enabled: bool = True
    threshold: int | None = None
    """Events within five minutes; None: the catalogue's."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineSettings:
    """The section `baseline` of config.yaml."""

    region: str = "us-east-1"
    """Of the stacks. Events of IAM arrive in us-east-1 only (E4): onboarding needs it there."""
    alerts: tuple[str, ...] = ()
    """Addresses that the alert topic mails to (S2.26)."""
    alarms: Mapping[str, AlarmSetting] = field(default_factory=dict)
    """By the id of the catalogue."""
    parameters: Mapping[StackName, Mapping[str, str]] = field(default_factory=dict)
    """Parameters of stacks, as CloudFormation takes them."""
