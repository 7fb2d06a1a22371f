"""What the pipeline needs from the outside: one Protocol per ability, one contract per method.

Every adapter raises only the errors of `model.errors`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # who only reads an account need not import what mails say
    from keyreeve.model.case import AuditHead, State, Step
    from keyreeve.model.credential_kind import CredentialKind
    from keyreeve.model.decisions import HumanDecisions
    from keyreeve.model.feedback import MailFeedback
    from keyreeve.model.identifiers import AccessKeyId, OperationId, UserId, UserName
    from keyreeve.model.notice import (
        Accepted,
        ClosingNotice,
        CredentialsNotice,
        Notice,
        OutgoingMail,
        RenderedMail,
        SecretPlace,
        Summary,
        TeamNotice,
    )
    from keyreeve.model.snapshot import Caller, LiveKey, LiveUser, PasswordPolicy, User


class Clock(Protocol):
    """Wall time: for leases and waiting only, never for judgement."""

    def now(self) -> datetime:
        """The instant, aware, UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Randomness(Protocol):
    """The source of passwords and run ids (`secrets.SystemRandom` in production)."""

    def choice(self, seq: str, /) -> str:
        """One character."""

    def shuffle(self, x: list[str], /) -> None:
        """In place."""

    def getrandbits(self, k: int, /) -> int:
        """An integer of k bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialReport:
    """The report's bytes, as AWS gave them, and when AWS made them."""

    content: bytes
    generated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDetails:
    """GetAccountAuthorizationDetails, all pages, joined: users know what reaches them."""

    users: tuple[User, ...]
    """Credential fields are UNKNOWN or None: they come from the report."""
    groups: frozenset[str]


class AccountReader(Protocol):
    """Reads one account. Paginates to the end or raises; never answers with a part."""

    def caller(self) -> Caller:
        """Who asks, in AWS's words: sts:GetCallerIdentity, or what sts:AssumeRole answered."""

    def credential_report(self) -> CredentialReport:
        """Generate, poll with back-off, get."""

    def details(self) -> AccountDetails:
        """Users with tags, groups, inline and managed policies."""

    def password_policy(self) -> PasswordPolicy:
        """GetAccountPasswordPolicy; AWS's defaults where the account has none."""

    def access_keys(self, user: UserName) -> tuple[LiveKey, ...]:
        """ListAccessKeys. NotFound if the user is gone."""

    def access_key_last_used(self, key: AccessKeyId) -> datetime | None:
        """GetAccessKeyLastUsed; None: never."""

    def user(self, user: UserName) -> LiveUser:
        """GetUser with tags. NotFound if gone."""

    def has_login_profile(self, user: UserName) -> bool:
        """GetLoginProfile; NoSuchEntity means no."""

    def must_change_password(self, user: UserName) -> bool:
        """GetLoginProfile's PasswordResetRequired: set by an administrator, not used since."""

    def has_mfa_device(self, user: UserName) -> bool:
        """ListMFADevices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccessKey:
    """CreateAccessKey's answer. `repr` never shows the secret."""

    key_id: AccessKeyId
    secret: str
    created_at: datetime

    def __repr__(self) -> str:
        """The id only."""
        return f"NewAccessKey({self.key_id!r})"


class CredentialActuator(Protocol):
    """The only one that changes IAM. Each call is tried exactly once; `Doubtful` when unsure."""

    def create_access_key(self, user: UserName) -> NewAccessKey:
        """CreateAccessKey. LimitExceeded when both slots are taken."""

    def set_access_key_active(self, user: UserName, key: AccessKeyId, *, active: bool) -> None:
        """UpdateAccessKey."""

    def delete_access_key(self, user: UserName, key: AccessKeyId) -> None:
        """DeleteAccessKey: proven orphans and opted-in slots only."""

    def reset_password(self, user: UserName, password: str) -> None:
        """UpdateLoginProfile with PasswordResetRequired. NotFound without a login profile."""

    def delete_login_profile(self, user: UserName) -> None:
        """DeleteLoginProfile."""

    def add_to_group(self, user: UserName, group: str) -> None:
        """AddUserToGroup. NotFound if user or group is missing."""


class Mailer(Protocol):
    """Hands mails to the mail system, one at a time, one attempt each."""

    def send(self, mail: OutgoingMail) -> Accepted:
        """The id on the wire. MailFailure, or MailDoubtful when no answer came."""

    def remaining_quota(self) -> int | None:
        """Recipients still allowed within 24 hours; None: there is no limit.

        AwsFailure if there is one and it could not be read.
        """


class Renderer(Protocol):
    """Words and looks of the mails."""

    def notice(self, notice: Notice) -> RenderedMail:
        """The consolidated notice."""

    def closing(self, notice: ClosingNotice) -> RenderedMail:
        """The closing mail."""

    def credentials(self, notice: CredentialsNotice) -> RenderedMail:
        """The private mail, without any secret."""

    def team(self, notice: TeamNotice) -> RenderedMail:
        """A word to the MSP team."""

    def summary(self, summary: Summary) -> RenderedMail:
        """The weekly summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object with the version that a condition can name. `repr` never shows the content."""

    content: bytes = field(repr=False)
    version: str
    """ETag or digest: what `if_version` compares with."""
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedObject:
    """A row of a listing."""

    key: str
    size: int
    modified_at: datetime


class ObjectStore(Protocol):
    """A bucket or a directory below the project's prefix: keys are relative, with `/`."""

    def get(self, key: str) -> StoredObject | None:
        """The object, or None."""

    def put(
        self, key: str, content: bytes, *, if_version: str | None = None, if_absent: bool = False
    ) -> str:
        """Write with encryption named; the new version. StorageConflict if the condition fails.

        A conditional write that fails after a retry of our own is recognised by reading back.
        """

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ListedObject]:
        """In order of keys, all pages."""

    def delete(self, key: str) -> None:
        """Gone; no error if it was not there."""

    def purge(self, key: str) -> None:
        """Gone with every version that the storage kept of it; no error if it was not there.

        The version that a listing shows goes last: what a stop leaves behind is listed again.
        StorageLocked if the storage itself keeps it until a date.
        """

    def describe(self) -> str:
        """For people: `s3://bucket/prefix` or the directory."""


class StateStore(Protocol):
    """`state.json`, written with a condition on the version that was read."""

    def load(self) -> State | None:
        """The state; None only for a true first run (no state, no ops/, no credentials/).

        StateUnreadable if corrupt, newer or foreign: never started empty.
        """

    def save(self, state: State) -> None:
        """Replace what this store read or wrote last; StorageConflict if somebody else did."""


class Journal(Protocol):
    """The write-once steps below `ops/`."""

    def write(self, step: Step) -> None:
        """Durable when it returns. Ours already: fine. StorageConflict if foreign."""

    def since_saved(self) -> tuple[Step, ...]:
        """Steps that may be newer than the loaded state, oldest first; may repeat known ones."""

    def of(self, operation: OperationId) -> tuple[Step, ...]:
        """All steps of one operation, by attempt and time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """An escrow object, as its key names it."""

    key: str
    kind: CredentialKind
    user_id: UserId
    operation_id: OperationId
    attempt: int


class Escrow(Protocol):
    """Secrets at rest below `credentials/`: durable before anybody is told."""

    def deposit(
        self, kind: CredentialKind, user: UserId, operation: OperationId, attempt: int, csv: bytes
    ) -> str:
        """Write once; the object's key. StorageConflict if this attempt has an object already."""

    def find(
        self, kind: CredentialKind, user: UserId, operation: OperationId, attempt: int
    ) -> str | None:
        """The object's key if this attempt has one."""

    def read(self, key: str) -> bytes:
        """The CSV. NotFound-like StorageConflict if it is gone."""

    def deposits(self) -> Iterator[Deposit]:
        """Everything that lies there."""

    def purge(self, key: str) -> None:
        """Gone with all its versions; no error if it was not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultItem:
    """One escrowed secret, as it is called in the vault."""

    user_id: UserId
    stem: str
    """`{operation_id}-{attempt}`: the escrow object's name. A later delivery has the same."""

    @classmethod
    def of(cls, user_id: UserId, escrow_key: str) -> VaultItem:
        """The owner's copy of an escrow object."""
        return cls(user_id=user_id, stem=escrow_key.rpartition("/")[2].removesuffix(".csv"))


class SecretVault(Protocol):
    """Where an owner fetches a secret that nobody else may read (AWS Secrets Manager)."""

    @property
    def region(self) -> str:
        """Where its secrets lie: what lies elsewhere, it does not see."""

    def name(self, item: VaultItem) -> str:
        """The secret's name: the same for the same item."""

    def keep(self, item: VaultItem, owner_arn: str, content: str) -> SecretPlace:
        """Readable by its owner alone before it has a value. Repeated: still one secret, one value.

        Conflict if the name is taken by a secret of somebody else.
        """

    def discard(self, item: VaultItem) -> None:
        """Gone for good; no error if it was not there."""


class AuditLog(Protocol):
    """The hash chain: what was decided, done, sent, held, by whom."""

    def append(self, event: str, at: datetime, data: Mapping[str, object]) -> None:
        """Add one record to the open segment; JSON values only, no secret."""

    def flush(self) -> AuditHead | None:
        """Write the open segment; the head to keep in the state (None: nothing ever written)."""

    def recent(self) -> Iterator[Mapping[str, object]]:
        """Data of the records since the day before the loaded state was saved."""


class DecisionsOfPeople(Protocol):
    """waivers.json, holds.json and pause.json: re-read before each act."""

    def read(self) -> HumanDecisions:
        """As they stand now."""


class FeedbackBox(Protocol):
    """What the mail system said about accepted mails: written by others, at any moment."""

    def unread(self) -> Mapping[str, MailFeedback]:
        """By object key, in order of arrival: what may be newer than the loaded state.

        Each object once in the life of this box. StateUnreadable if one is corrupt.
        """


class Archive(Protocol):
    """Everything else that is kept: `mails/`, `collected/`, `runs/`."""

    def keep(self, key: str, content: bytes) -> None:
        """Write, replacing."""


class Lease(Protocol):
    """The lock of one account, held by this run."""

    def check(self) -> None:
        """Asked before each act and mail. LockLost when the last renewal is over 90 s old."""


class Progress(Protocol):
    """Long work tells how far it is; quiet where nobody watches."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A new piece of work begins."""

    def step(self, count: int = 1) -> None:
        """Some of it is done."""
