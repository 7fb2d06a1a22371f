"""Everything that can go wrong, with where, what, and what to do.

KeyreeveError
├── ConfigError             2  config.yaml or the command line is wrong; all mistakes at once
├── LockHeld                5  another run holds the lock
├── UnsafePlan              4  the facts look wrong; nothing opens or acts
├── CannotStart             6  nothing was changed
│   ├── AccountUnreadable      the account gave no facts to judge by
│   │   └── NotCovered                nobody lets us in: suspended, no role, access denied
│   ├── StorageUnreachable     bucket or directory does not answer
│   │   └── StorageLocked             Object Lock keeps the object
│   └── StateUnreadable        state.json is corrupt, of a newer schema, or another project's
├── BrokenOff               1  the storage stopped answering in the middle of a run
├── LockLost                1  the lease ran out under us; stop before the next act
├── StackFailed             1  CloudFormation refused a template, or rolled a change back
├── StorageConflict         1  somebody else wrote the object we were about to write
├── AwsFailure                 one call failed; the AWS adapters translate every error to one of
│   ├── AccessDenied              these, with the call's name attached
│   ├── Throttled
│   ├── NotFound
│   ├── AlreadyExists
│   ├── LimitExceeded
│   ├── Conflict                  EntityTemporarilyUnmodifiable, ConcurrentModification
│   ├── Rejected                  the request itself is not acceptable (PasswordPolicyViolation …)
│   ├── Malformed                 the answer cannot be read
│   └── Doubtful                  timed out or cut off: the effect may have happened
├── ChannelFailed           1  a channel of the team did not take a bulletin; stops nothing
├── HeartbeatFailed         1  the dead man's switch was not told that a run ended; stops nothing
└── MailFailure                a mail was not accepted
    ├── RecipientRefused          this address; other mails may pass
    ├── SenderRefused             unverified sender, paused account: no mail will pass
    └── QuotaSpent                no more mails today
"""

from __future__ import annotations


class KeyreeveError(Exception):
    """Base of all our errors: where it happened, what was wrong, what to do about it."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        """Where: what. What to do."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  {self.remedy}" if self.remedy else text


class ConfigError(KeyreeveError):
    """One or several mistakes in what a person wrote."""

    exit_code = 2


class LockHeld(KeyreeveError):
    """Another run holds the lock."""

    exit_code = 5


class UnsafePlan(KeyreeveError):
    """The facts look wrong: the run refuses to open or act."""

    exit_code = 4


class CannotStart(KeyreeveError):
    """The run could not start; nothing was changed."""

    exit_code = 6


class AccountUnreadable(CannotStart):
    """The account gave no facts to judge by."""


class NotCovered(AccountUnreadable):
    """Nobody lets us in: the account is suspended, has no role for us, or denies access."""


class StorageUnreachable(CannotStart):
    """The bucket or the directory does not answer."""


class StorageLocked(StorageUnreachable):
    """The storage keeps the object, whoever asks for its end: S3 Object Lock."""


class StateUnreadable(CannotStart):
    """state.json is corrupt, newer, or another project's."""


class BrokenOff(KeyreeveError):
    """The storage stopped answering after something was done: the next run goes on."""


class LockLost(KeyreeveError):
    """The lease ran out under us."""


class StackFailed(KeyreeveError):
    """CloudFormation refused a template, or rolled a change back."""


class StorageConflict(KeyreeveError):
    """A conditional write lost against somebody else."""


class AwsFailure(KeyreeveError):
    """One AWS call failed."""

    retryable = False

    def __init__(self, what: str, *, call: str, code: str = "", remedy: str = "") -> None:
        super().__init__(what, where=call, remedy=remedy)
        self.call = call
        self.code = code


class AccessDenied(AwsFailure):
    """The role may not do this."""


class Throttled(AwsFailure):
    """AWS asked us to slow down, and kept asking."""

    retryable = True


class NotFound(AwsFailure):
    """NoSuchEntity and its relatives."""


class AlreadyExists(AwsFailure):
    """EntityAlreadyExists."""


class LimitExceeded(AwsFailure):
    """A quota, such as two keys a user."""


class Conflict(AwsFailure):
    """Somebody changes the same thing at the same time."""

    retryable = True


class Rejected(AwsFailure):
    """The request is not acceptable as it stands."""


class Malformed(AwsFailure):
    """The answer cannot be read: the effect may have happened."""


class Doubtful(AwsFailure):
    """No answer: the effect may have happened. Reconcile by reading, never by repeating."""

    retryable = True


class ChannelFailed(KeyreeveError):
    """A channel of the team did not take a bulletin, or could not."""


class HeartbeatFailed(KeyreeveError):
    """The dead man's switch was not told that a run ended, or could not be."""


class MailFailure(KeyreeveError):
    """A mail was not accepted."""


class RecipientRefused(MailFailure):
    """This address was refused."""

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", address: str | None = None
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.address = address
        """Which of the mail's addresses; None: the mail system does not say."""


class SenderRefused(MailFailure):
    """The sender or the account may not send."""


class QuotaSpent(MailFailure):
    """The 24-hour quota is spent."""


class MailDoubtful(MailFailure):
    """No answer from the mail system: the mail may have been sent."""
