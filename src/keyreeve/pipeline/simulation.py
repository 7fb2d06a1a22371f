"""An account made of memory: the facts of a snapshot, changed by the same calls as the real one.

It lets the forecast, and tests, run the engine on a moving date without AWS, mail or storage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from keyreeve.model.case import AuditHead, State, Step
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.errors import LimitExceeded, NotFound, StorageConflict
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
from keyreeve.model.snapshot import (
    Absent,
    AccessKey,
    AccountSnapshot,
    Caller,
    LiveKey,
    LiveUser,
    PasswordPolicy,
    User,
)
from keyreeve.ports import AccountDetails, CredentialReport, Deposit, NewAccessKey, VaultItem

SLOTS = 2


class SimulatedAccount:
    """ports.AccountReader's live part and ports.CredentialActuator, over a snapshot."""

    def __init__(self, snapshot: AccountSnapshot, now: datetime) -> None:
        self._facts = snapshot
        self._users = {user.name: _named(user) for user in snapshot.users}
        self._made = 0
        self._must_change: set[UserName] = set()
        self.now = now

    def snapshot(self) -> AccountSnapshot:
        """The account as it is now, freshly reported."""
        users = tuple(replace(user, observed_at=self.now) for user in self._users.values())
        return replace(
            self._facts, users=users, collected_at=self.now, report_generated_at=self.now
        )

    # --- reading --------------------------------------------------------------------------------

    def caller(self) -> Caller:
        """Whoever made the snapshot."""
        if self._facts.caller is None:
            raise NotFound("an offline snapshot has no caller", call="sts:GetCallerIdentity")
        return self._facts.caller

    def credential_report(self) -> CredentialReport:
        """Not simulated: the forecast reads `snapshot`."""
        raise NotFound("not simulated", call="iam:GetCredentialReport")

    def details(self) -> AccountDetails:
        """Users and groups."""
        return AccountDetails(users=tuple(self._users.values()), groups=self._facts.groups)

    def password_policy(self) -> PasswordPolicy:
        """As observed."""
        return self._facts.password_policy or PasswordPolicy()

    def access_keys(self, user: UserName) -> tuple[LiveKey, ...]:
        """The occupied slots; keys whose id nobody asked for are named by their slot."""
        return tuple(
            LiveKey(
                key_id=key.key_id or AccessKeyId(f"slot-{key.slot}"),
                active=key.active,
                created_at=_created(key, self._user(user)),
            )
            for key in self._user(user).keys
        )

    def access_key_last_used(self, key: AccessKeyId) -> datetime | None:
        """As observed; nobody uses anything in a forecast."""
        for user in self._users.values():
            for slot in user.keys:
                if slot.key_id == key and isinstance(slot.last_used, datetime):
                    return slot.last_used
        return None

    def user(self, user: UserName) -> LiveUser:
        """GetUser."""
        found = self._user(user)
        used = found.password_last_used
        return LiveUser(
            user_id=found.user_id or UserId(""),
            name=found.name,
            arn=found.arn,
            created_at=found.created_at,
            tags=found.tags,
            password_last_used=used if isinstance(used, datetime) else None,
        )

    def has_login_profile(self, user: UserName) -> bool:
        """As observed or changed."""
        return bool(self._user(user).password_enabled)

    def must_change_password(self, user: UserName) -> bool:
        """Set by us, and nobody signs in in a forecast."""
        return user in self._must_change

    def has_mfa_device(self, user: UserName) -> bool:
        """As observed."""
        return bool(self._user(user).mfa_active)

    # --- changing -------------------------------------------------------------------------------

    def create_access_key(self, user: UserName) -> NewAccessKey:
        """A key with a made-up id; LimitExceeded when both slots are taken."""
        found = self._user(user)
        if len(found.keys) >= SLOTS:
            raise LimitExceeded("Cannot exceed quota for AccessKeysPerUser: 2", call="forecast")
        self._made += 1
        new = AccessKeyId(f"AKIAFORECAST{self._made:08d}")
        slot = next(n for n in (1, 2) if n not in {key.slot for key in found.keys})
        key = AccessKey(
            slot=slot,
            active=True,
            last_rotated=self.now,
            last_used=Absent.NEVER,
            key_id=new,
            created_at=self.now,
        )
        self._put(replace(found, keys=(*found.keys, key)))
        return NewAccessKey(key_id=new, secret="none", created_at=self.now)  # noqa: S106 - a stand-in

    def set_access_key_active(self, user: UserName, key: AccessKeyId, *, active: bool) -> None:
        """UpdateAccessKey."""
        found = self._user(user)
        self._has(found, key)
        keys = tuple(replace(k, active=active) if k.key_id == key else k for k in found.keys)
        self._put(replace(found, keys=keys))

    def delete_access_key(self, user: UserName, key: AccessKeyId) -> None:
        """DeleteAccessKey."""
        found = self._user(user)
        self._has(found, key)
        self._put(replace(found, keys=tuple(k for k in found.keys if k.key_id != key)))

    def reset_password(self, user: UserName, password: str) -> None:  # noqa: ARG002
        """UpdateLoginProfile."""
        found = self._user(user)
        if not found.password_enabled:
            raise NotFound("no login profile", call="iam:UpdateLoginProfile")
        self._put(replace(found, password_last_changed=self.now))
        self._must_change.add(user)

    def delete_login_profile(self, user: UserName) -> None:
        """DeleteLoginProfile."""
        if not self._user(user).password_enabled:
            raise NotFound("no login profile", call="iam:DeleteLoginProfile")
        self._put(replace(self._user(user), password_enabled=False))

    def add_to_group(self, user: UserName, group: str) -> None:
        """AddUserToGroup."""
        if group not in self._facts.groups:
            raise NotFound(f"there is no group {group}", call="iam:AddUserToGroup")
        found = self._user(user)
        self._put(replace(found, groups=tuple(dict.fromkeys((*found.groups, group)))))

    def _user(self, name: UserName) -> User:
        if name not in self._users:
            raise NotFound(f"there is no user {name}", call="iam:GetUser")
        return self._users[name]

    def _has(self, user: User, key: AccessKeyId) -> None:
        if not any(slot.key_id == key for slot in user.keys):
            raise NotFound(f"there is no access key {key}", call="iam:UpdateAccessKey")

    def _put(self, user: User) -> None:
        self._users[user.name] = user


def _named(user: User) -> User:
    """Keys whose id nobody asked for get a made-up one: they may come of age on the way."""
    keys = tuple(
        replace(
            key,
            key_id=key.key_id or AccessKeyId(f"{user.name}/access_key_{key.slot}"),
            created_at=_created(key, user),
        )
        for key in user.keys
    )
    return replace(user, keys=keys)


def _created(key: AccessKey, user: User) -> datetime:
    since = key.since
    return since if isinstance(since, datetime) else user.created_at


class Memory:
    """State, journal, escrow, audit log, archive, feedback and lease, all in memory."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.steps: list[Step] = []
        self._escrow: dict[str, bytes] = {}

    def load(self) -> State:
        """The state."""
        return self.state

    def save(self, state: State) -> None:
        """Replace it."""
        self.state = state

    def write(self, step: Step) -> None:
        """A step, remembered and folded by whoever wrote it."""
        self.steps.append(step)

    def since_saved(self) -> tuple[Step, ...]:
        """Nothing is ever lost here."""
        return ()

    def of(self, operation: OperationId) -> tuple[Step, ...]:
        """The operation's steps."""
        return tuple(step for step in self.steps if step.operation_id == operation)

    def deposit(
        self, kind: CredentialKind, user: UserId, operation: OperationId, attempt: int, csv: bytes
    ) -> str:
        """Escrow, once per attempt."""
        key = f"{kind}/{user}/{operation}-{attempt}"
        if key in self._escrow:
            raise StorageConflict("escrowed before", where=key)
        self._escrow[key] = csv
        return key

    def find(
        self, kind: CredentialKind, user: UserId, operation: OperationId, attempt: int
    ) -> str | None:
        """The escrow's key if there is one."""
        key = f"{kind}/{user}/{operation}-{attempt}"
        return key if key in self._escrow else None

    def append(self, event: str, at: datetime, data: Mapping[str, object]) -> None:
        """A forecast leaves no audit record."""

    def flush(self) -> AuditHead | None:
        """Nothing to write."""
        return self.state.audit_head

    def recent(self) -> Iterator[Mapping[str, object]]:
        """Nothing."""
        return iter(())

    def keep(self, key: str, content: bytes) -> None:
        """A forecast keeps nothing."""

    def check(self) -> None:
        """Nobody else is here."""

    def unread(self) -> Mapping[str, MailFeedback]:
        """No mail leaves a forecast, and none comes back."""
        return {}


class MemoryEscrow:
    """ports.Escrow over a Memory: `read` of the escrow is not `read` of people's decisions."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.deposit = memory.deposit
        self.find = memory.find

    def read(self, key: str) -> bytes:
        """The CSV."""
        return self._memory._escrow[key]  # noqa: SLF001 - one thing in two classes

    def deposits(self) -> Iterator[Deposit]:
        """A forecast purges nothing."""
        return iter(())

    def purge(self, key: str) -> None:
        """A forecast purges nothing."""


class EmptyVault:
    """ports.SecretVault: nobody fetches anything in a forecast."""

    region = ""

    def name(self, item: VaultItem) -> str:
        """Some name."""
        return f"keyreeve/forecast/{item.user_id}/{item.stem}"

    def keep(self, item: VaultItem, owner_arn: str, content: str) -> SecretPlace:  # noqa: ARG002
        """Kept, as far as anybody will ask."""
        return SecretPlace(name=self.name(item), arn="", region="", console_url="")

    def discard(self, item: VaultItem) -> None:
        """Gone."""


class SettledPeople:
    """ports.DecisionsOfPeople: as they stand today."""

    def __init__(self, people: HumanDecisions) -> None:
        self._people = people

    def read(self) -> HumanDecisions:
        """Always the same."""
        return self._people


class SilentMailer:
    """ports.Mailer: accepts everything, keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[OutgoingMail] = []

    def send(self, mail: OutgoingMail) -> Accepted:
        """Accepted."""
        self.sent.append(mail)
        return Accepted(message_id=f"{len(self.sent)}@forecast.invalid")

    def remaining_quota(self) -> int | None:
        """No limit."""
        return None


class PlainRenderer:
    """ports.Renderer: no words, since nobody reads them."""

    _BLANK = RenderedMail(html="", text="")

    def notice(self, notice: Notice) -> RenderedMail:  # noqa: ARG002
        """Blank."""
        return self._BLANK

    def closing(self, notice: ClosingNotice) -> RenderedMail:  # noqa: ARG002
        """Blank."""
        return self._BLANK

    def credentials(self, notice: CredentialsNotice) -> RenderedMail:  # noqa: ARG002
        """Blank."""
        return self._BLANK

    def team(self, notice: TeamNotice) -> RenderedMail:  # noqa: ARG002
        """Blank."""
        return self._BLANK

    def summary(self, summary: Summary) -> RenderedMail:  # noqa: ARG002
        """Blank."""
        return self._BLANK


class StandingClock:
    """ports.Clock that stands where it was put."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """The instant."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Time passes only here."""
        self._now += timedelta(seconds=seconds)


class CountingRandomness:
    """ports.Randomness without chance: forecasts of the same facts are equal."""

    def choice(self, seq: str, /) -> str:
        """The first."""
        return seq[0]

    def shuffle(self, x: list[str], /) -> None:
        """As it is."""

    def getrandbits(self, k: int, /) -> int:  # noqa: ARG002
        """Zero."""
        return 0
