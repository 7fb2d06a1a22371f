"""Intended changes and messages, as data: a closed union, dispatched with `match`.

Each effect says which IAM actions it needs; the shipped policies are generated from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, Final

from keyreeve.model.case import Stage
from keyreeve.model.finding import USER
from keyreeve.model.identifiers import AccessKeyId, ControlId, OperationId, UserId, UserName

SEND_ACTION: Final = "ses:SendRawEmail"
"""sesv2:SendEmail with raw content is authorised by this action."""
FREE_SLOT_ACTION: Final = "iam:DeleteAccessKey"
"""What a rotation needs besides where `free_slot` lets it make room."""
KEEPING = (
    "secretsmanager:CreateSecret",
    "secretsmanager:DescribeSecret",
    "secretsmanager:PutResourcePolicy",
    "secretsmanager:PutSecretValue",
    "secretsmanager:TagResource",
)
"""Besides `required_actions`, where `credentials.delivery` names Secrets Manager."""


class DeactivationCause(StrEnum):
    """Why a key becomes Inactive."""

    ROTATION = "rotation"
    STALE = "stale"
    UNUSED = "unused"
    """`deactivate_unused_keys` of an inactive user."""
    REINSTATEMENT_OVER = "reinstatement_over"


class NoticeReason(StrEnum):
    """Why a notice is due today; the same value goes to mail, audit log and report."""

    FIRST_NOTICE = "first_notice"
    NEW_FINDING_IN_CASE = "new_finding_in_case"
    STAGE_DUE = "stage_due"
    COUNTDOWN = "countdown"
    ENFORCEMENT_MOVED = "enforcement_moved"
    ACT_DONE = "act_done"
    OVERDUE_WEEKLY = "overdue_weekly"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    """What all effects share."""

    vault_actions: ClassVar[tuple[str, ...]] = ()
    """Needed besides, where somebody's credentials go through Secrets Manager."""
    user_id: UserId
    user_name: UserName
    due_on: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateReplacementKey(_Effect):
    """Create a key, escrow it, mail it privately (S1.11, S1.12)."""

    kind: ClassVar[str] = "create_replacement_key"
    disruptive: ClassVar[bool] = False
    required_actions: ClassVar[tuple[str, ...]] = (
        "iam:CreateAccessKey",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
        "iam:UpdateAccessKey",
        "iam:GetUser",
        SEND_ACTION,
    )
    vault_actions: ClassVar[tuple[str, ...]] = KEEPING
    operation_id: OperationId
    control: ControlId
    old_key: AccessKeyId
    reconcile_only: bool = False
    """The finding is gone: bring the begun operation to an end, begin nothing new."""
    free_slot_of: AccessKeyId | None = None
    """An Inactive key that may be deleted first (`free_slot`)."""

    @property
    def resource_id(self) -> str:
        """The key that is replaced."""
        return self.old_key


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPassword(_Effect):
    """Set a generated password that must be changed, and mail it privately (S1.26)."""

    kind: ClassVar[str] = "reset_password"
    disruptive: ClassVar[bool] = True
    required_actions: ClassVar[tuple[str, ...]] = (
        "iam:UpdateLoginProfile",
        "iam:GetLoginProfile",
        "iam:GetUser",
        "iam:ListMFADevices",
        SEND_ACTION,
    )
    vault_actions: ClassVar[tuple[str, ...]] = (
        *KEEPING,
        "iam:GetAccessKeyLastUsed",
        "iam:ListAccessKeys",
    )
    operation_id: OperationId
    control: ControlId
    resource_id: str
    reconcile_only: bool = False
    """The finding is gone: bring the begun operation to an end, begin nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivateAccessKey(_Effect):
    """Make exactly this key Inactive; never delete it (S1.15)."""

    kind: ClassVar[str] = "deactivate_access_key"
    disruptive: ClassVar[bool] = True
    required_actions: ClassVar[tuple[str, ...]] = (
        "iam:UpdateAccessKey",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
        "iam:GetUser",
    )
    operation_id: OperationId
    control: ControlId | None
    key_id: AccessKeyId
    cause: DeactivationCause
    reconcile_only: bool = False
    """A stop lost the answer: find out what happened, but do not act today."""

    @property
    def resource_id(self) -> str:
        """The key."""
        return self.key_id

    @property
    def finding_resource(self) -> str:
        """The resource of the finding that asks for it: an inactive user's keys are not."""
        return USER if self.cause is DeactivationCause.UNUSED else self.key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteLoginProfile(_Effect):
    """Take the console password away; access keys go on working."""

    kind: ClassVar[str] = "delete_login_profile"
    disruptive: ClassVar[bool] = True
    required_actions: ClassVar[tuple[str, ...]] = (
        "iam:DeleteLoginProfile",
        "iam:GetLoginProfile",
        "iam:GetUser",
        "iam:ListMFADevices",
    )
    operation_id: OperationId
    control: ControlId
    resource_id: str
    reconcile_only: bool = False
    """A stop lost the answer: find out what happened, but do not act today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine(_Effect):
    """Add the user to a group whose policy denies."""

    kind: ClassVar[str] = "quarantine"
    disruptive: ClassVar[bool] = True
    required_actions: ClassVar[tuple[str, ...]] = (
        "iam:AddUserToGroup",
        "iam:GetUser",
        "iam:GetLoginProfile",
        "iam:ListMFADevices",
    )
    operation_id: OperationId
    control: ControlId
    resource_id: str
    group: str
    reconcile_only: bool = False
    """A stop lost the answer: find out what happened, but do not act today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOrphanedKey(_Effect):
    """Delete a key of ours whose secret was lost, a day after it was made Inactive."""

    kind: ClassVar[str] = "delete_orphaned_key"
    disruptive: ClassVar[bool] = False
    required_actions: ClassVar[tuple[str, ...]] = (
        "iam:DeleteAccessKey",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
        "iam:GetUser",
    )
    operation_id: OperationId
    key_id: AccessKeyId
    control: None = None
    """It belongs to no finding."""
    reconcile_only: bool = False

    @property
    def resource_id(self) -> str:
        """The key."""
        return self.key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeEscrow(_Effect):
    """Delete an escrowed secret at the end of its retention, with the copy for its owner."""

    kind: ClassVar[str] = "purge_escrow"
    disruptive: ClassVar[bool] = False
    required_actions: ClassVar[tuple[str, ...]] = (
        "iam:GetUser",
        "iam:ListAccessKeys",
        "s3:DeleteObjectVersion",
        "s3:ListBucketVersions",
    )
    vault_actions: ClassVar[tuple[str, ...]] = ("secretsmanager:DeleteSecret",)
    operation_id: OperationId
    escrow_key: str
    of: OperationId
    """The operation that made the secret."""
    in_vault: bool
    """Whether the owner's copy may lie in Secrets Manager."""
    key_id: AccessKeyId | None
    """The access key that must not be Active; None for passwords."""
    user_gone: bool
    """Whether the user was gone when this was planned."""
    control: None = None
    """It belongs to no finding."""
    reconcile_only: bool = False

    @property
    def resource_id(self) -> str:
        """The escrow object."""
        return self.escrow_key


@dataclass(frozen=True, slots=True, kw_only=True)
class SendNotice(_Effect):
    """The day's one notice of a case; its words are composed after the day's acts."""

    kind: ClassVar[str] = "send_notice"
    disruptive: ClassVar[bool] = False
    required_actions: ClassVar[tuple[str, ...]] = (SEND_ACTION,)
    stage: Stage
    to: str
    opens: bool = True
    """Whether it may tell of findings without a day 0, and so begin it: not in a refused run."""

    @property
    def resource_id(self) -> str:
        """The address."""
        return self.to


@dataclass(frozen=True, slots=True, kw_only=True)
class SendClosing(_Effect):
    """The thread's last mail."""

    kind: ClassVar[str] = "send_closing"
    disruptive: ClassVar[bool] = False
    required_actions: ClassVar[tuple[str, ...]] = (SEND_ACTION,)
    to: str

    @property
    def resource_id(self) -> str:
        """The address."""
        return self.to


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTeamNotice(_Effect):
    """Tell the MSP team or the fallback address about a user."""

    kind: ClassVar[str] = "send_team_notice"
    disruptive: ClassVar[bool] = False
    required_actions: ClassVar[tuple[str, ...]] = (SEND_ACTION,)
    to: tuple[str, ...]
    headline: str
    paragraphs: tuple[str, ...]
    topic: str
    """`unreachable`, `reactivated`, `held`: said once each."""
    resource_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSummary(_Effect):
    """The weekly summary; `user_id` and `user_name` are empty."""

    kind: ClassVar[str] = "send_summary"
    disruptive: ClassVar[bool] = False
    required_actions: ClassVar[tuple[str, ...]] = (SEND_ACTION,)
    to: tuple[str, ...]
    resource_id: str = "summary"


Act = (
    CreateReplacementKey
    | ResetPassword
    | DeactivateAccessKey
    | DeleteLoginProfile
    | Quarantine
    | DeleteOrphanedKey
    | PurgeEscrow
)
"""Effects that change IAM, or what is kept of a secret."""


def finding_key(act: Act) -> tuple[ControlId, str] | None:
    """The finding that asks for the act, within its user; None for a reinstatement that is over."""
    if act.control is None:
        return None
    if isinstance(act, DeactivateAccessKey):
        return (act.control, act.finding_resource)
    return (act.control, act.resource_id)


Message = SendNotice | SendClosing | SendTeamNotice | SendSummary
"""Effects that send mail."""

Effect = Act | Message
