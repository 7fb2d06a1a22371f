"""What is wanted of the governance baseline: stacks, alarms, whom to alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from keyreeve.model.identifiers import AccountId


class StackName(StrEnum):
    """The stacks, in the order of their deployment: each may need what stands before it."""

    IDENTITY = "identity"
    AUDIT_TRAIL = "audit-trail"
    MONITORING = "monitoring"
    ONBOARDING = "onboarding"
    DETECTION = "detection"
    CONFIGURATION = "configuration"
    MAIL_FEEDBACK = "mail-feedback"
    AUTOMATION = "automation"
    MEMBER_ROLE = "member-role"
    FLEET = "fleet"


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
    existing: Mapping[str, Choice] = field(default_factory=dict)
    """By `kind/name`, such as `group/Developers`; what is not named is adopted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFunction:
    """The package of the daily run, and what it was made for, as a stack's parameters say it."""

    code_key: str
    """Of the uploaded package, config included."""
    architecture: str
    runtime: str


class Choice(StrEnum):
    """What becomes of a resource that is there already and is not ours: accounts are never empty.

    Nothing is ever replaced or collided with.
    """

    ADOPT = "adopt"
    """Used as it is, and left to whoever made it."""
    SKIP = "skip"
    """Neither used nor made."""
    IMPORT = "import"
    """Taken into our stack, which changes it from then on."""


class Kind(StrEnum):
    """Resources of which an account, or a region, has one, or whose names must not collide."""

    GROUP = "group"
    ROLE = "role"
    PASSWORD_POLICY = "password-policy"  # noqa: S105 - a kind of resource
    TRAIL = "trail"
    DETECTOR = "detector"
    RECORDER = "recorder"
    EXTERNAL_ANALYZER = "external-analyzer"
    UNUSED_ANALYZER = "unused-analyzer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A trail that logs this account."""

    name: str
    arn: str
    home_region: str
    multi_region: bool
    logging: bool
    log_group: str | None
    """Name of the CloudWatch log group that it streams into."""

    @property
    def heard(self) -> bool:
        """Whether alarms can be built on it."""
        return self.multi_region and self.logging and self.log_group is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What the account holds of what the stacks would make, our own stacks' resources left out."""

    account_id: AccountId
    partition: str
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    trails: tuple[Trail, ...] = ()
    detector: str | None = None
    """GuardDuty's detector of the region."""
    recorder: str | None = None
    """AWS Config's recorder of the region."""
    external_analyzer: str | None = None
    unused_analyzer: str | None = None
    password_policy: bool = False
    """Whether the account has a password policy of its own."""
    kept: frozenset[str] = frozenset()
    """Log groups and buckets of ours that no stack holds: an earlier one has left them."""
    population: int = 0
    """IAM users and roles: what the unused-access analyzer is paid for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A resource that is there already, and what becomes of it."""

    stack: StackName
    kind: Kind
    name: str
    choice: Choice
    why: str
    """For people: what follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Something of a stack that is paid for."""

    what: str
    driver: str
    """What it is paid by, with AWS's list price of us-east-1 where one number says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """One stack as it is wanted."""

    stack: StackName
    name: str
    """As CloudFormation calls it."""
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    imports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Logical id → the identifier of the resource that is taken into the stack."""
    reused: tuple[str, ...] = ()
    """Log groups and buckets that an earlier stack has left behind."""
    costs: tuple[Cost, ...] = ()
