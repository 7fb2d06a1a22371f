"""An account made of memory, lived day by day through the daily run.

Everything but AWS and the mail system is the real thing: the codec, the stores, the audit chain.
Days count from the start; a run is at six in the morning UTC, people act afterwards.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.fakes.mailer import FakeMailer
from tests.fakes.memory_store import MemoryStore, SettableClock
from tests.scenario.peril import Fate, Perilous

from keyreeve.model.case import Case, State
from keyreeve.model.errors import Doubtful
from keyreeve.model.identifiers import AccessKeyId, AccountId, RunId, UserId, UserName
from keyreeve.model.notice import Letterhead, MailKind, OutgoingMail
from keyreeve.model.plan import Outcome, OutcomeKind
from keyreeve.model.policy import EscalationPolicy, OwnerRules
from keyreeve.model.snapshot import (
    Absent,
    AccessKey,
    AccountSnapshot,
    Caller,
    GrantedPolicies,
    PasswordPolicy,
    User,
)
from keyreeve.pipeline import daily
from keyreeve.pipeline.simulation import CountingRandomness, PlainRenderer, SimulatedAccount
from keyreeve.pipeline.workbench import Post, Tools
from keyreeve.ports import AccountDetails, CredentialReport, NewAccessKey, Renderer
from keyreeve.storage.archive import StoredArchive
from keyreeve.storage.audit_log import StoredAuditLog
from keyreeve.storage.decisions import StoredDecisions
from keyreeve.storage.escrow import StoredEscrow
from keyreeve.storage.journal import StoredJournal
from keyreeve.storage.state_store import StoredState

ACCOUNT = AccountId("123456789012")
MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
TEAM = "msp-team@example.com"
SENDER = "IAM Compliance <iam-compliance@example.com>"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_KEY_COLUMNS = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")


def settings(**changes: Any) -> EscalationPolicy:
    """The defaults, with the team in CC."""
    usual: dict[str, Any] = {
        "project_name": "ETV",
        "mail_cc": (TEAM,),
        "summary_to": (TEAM,),
        "owner": OwnerRules(domains=("example.com",), fallback=(TEAM,)),
    }
    return EscalationPolicy(**(usual | changes))


def person(name: str, *keys: AccessKey, start: datetime = MONDAY, **facts: Any) -> User:
    """A user in good order: no console, an address by tag; `facts` are fields of User."""
    usual: dict[str, Any] = {
        "name": UserName(name),
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "created_at": start - timedelta(days=500),
        "user_id": UserId("AIDA" + name.upper().replace(".", "").ljust(16, "0")[:16]),
        "tags": {"email": f"{name}@example.com"},
        "inline_policies": (),
        "password_enabled": False,
        "password_last_used": Absent.NEVER,
        "password_last_changed": Absent.NEVER,
        "mfa_active": False,
    }
    slots = tuple(
        replace(key, slot=slot, key_id=key.key_id or _key_id(name, slot))
        for slot, key in enumerate(keys, start=1)
    )
    return User(**(usual | facts), keys=slots)


def _key_id(name: str, slot: int) -> AccessKeyId:
    return AccessKeyId(f"AKIA{name.upper().replace('.', '')[:14].ljust(15, '0')}{slot}")


def key(
    age: int,
    used: int | None = 1,
    *,
    active: bool = True,
    start: datetime = MONDAY,
) -> AccessKey:
    """A key of so many days, used so many days ago (None: never)."""
    made = start - timedelta(days=age)
    return AccessKey(
        slot=1,
        active=active,
        last_rotated=made,
        last_used=Absent.NEVER if used is None else start - timedelta(days=used),
        created_at=made,
    )


def console(
    *, changed: int = 10, signed_in: int | None = 1, mfa: bool = True, start: datetime = MONDAY
) -> dict[str, Any]:
    """Facts of a console user; in good order by default."""
    return {
        "password_enabled": True,
        "password_last_changed": start - timedelta(days=changed),
        "password_last_used": (
            Absent.NEVER if signed_in is None else start - timedelta(days=signed_in)
        ),
        "mfa_active": mfa,
    }


# The people whom most scenarios are about, one for each control.


def aged(name: str = "aged.key", start: datetime = MONDAY) -> User:
    return person(name, key(100, start=start), start=start)


def spare(name: str = "stale.key", start: datetime = MONDAY) -> User:
    return person(name, key(20, start=start), key(40, 30, start=start), start=start)


def old_password(name: str = "old.password", start: datetime = MONDAY) -> User:
    return person(name, start=start, **console(changed=100, start=start))


def no_mfa(name: str = "no.mfa", start: datetime = MONDAY) -> User:
    return person(name, start=start, **console(mfa=False, start=start))


def quiet(name: str = "gone.quiet", *keys: AccessKey, start: datetime = MONDAY) -> User:
    return person(name, *keys, start=start, **console(signed_in=90, start=start))


def bystanders(count: int) -> list[User]:
    """Users in good order, who make the population."""
    return [person(f"fine{n:03d}", key(20)) for n in range(count)]


class ReportedAccount(SimulatedAccount):
    """The simulated account, read as AWS is read: by a credential report and its details.

    `lose_next_create`: the next key is made and its answer is lost.
    """

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
        self.lose_next_create = False
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
        if self.lose_next_create:
            self.lose_next_create = False
            raise Doubtful("no answer", call="iam:CreateAccessKey")
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

    def use_keys(self, name: str, at: datetime) -> None:
        """Every Active key of the user is used."""
        user = self._users[UserName(name)]
        self.change(
            name, keys=tuple(replace(k, last_used=at) if k.active else k for k in user.keys)
        )

    def keys_of(self, name: str) -> dict[str, bool]:
        """Key id → whether it is Active."""
        return {str(k.key_id): k.active for k in self._users[UserName(name)].keys}

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


class Village:
    """One project on one such account."""

    def __init__(
        self,
        *people: User,
        start: datetime = MONDAY,
        renderer: Renderer | None = None,
        password_policy: PasswordPolicy | None = None,
        **policy: Any,
    ) -> None:
        self.start = start
        self.policy = settings(**policy)
        may_change = PasswordPolicy(minimum_length=14, users_may_change=True, custom=True)
        self.account = ReportedAccount(people, start, password_policy or may_change)
        self.mailer = FakeMailer()
        self.clock = SettableClock(start)
        self.store = MemoryStore(self.clock)
        self.decisions = StoredDecisions(self.store)
        self.renderer = renderer or PlainRenderer()
        self.outcomes: list[tuple[int, Outcome]] = []
        self._runs = 0

    def at(self, day: float) -> datetime:
        """The instant of the run of a day."""
        return self.start + timedelta(days=day)

    def run(
        self,
        day: float,
        *,
        execute: bool = True,
        accepted: int | None = None,
        fate: Fate | None = None,
    ) -> daily.Report:
        """One run; what was done is remembered by its day. `fate` may end it at any call."""
        now = self.at(day)
        self.account.now = now
        self.clock.pass_((now - self.clock.now()).total_seconds())
        account = self.wired(fate)
        report = daily.run(account, now, Silence(), execute=execute, accepted=accepted)
        if execute:
            self.outcomes += [(int(day), outcome) for outcome in report.outcomes]
        return report

    def live(self, first: int, last: int) -> None:
        """A run on every day from first to last, both included."""
        for day in range(first, last + 1):
            self.run(day)

    def wired(self, fate: Fate | None = None) -> daily.Account:
        """The daily run's account, new as in a new process."""
        fate = fate or Fate()
        self._runs += 1
        run_id = RunId(f"{self.clock.now():%Y%m%dT%H%M%SZ}-{self._runs:04x}")
        store, clock = Perilous(self.store, fate), self.clock
        account = Perilous(self.account, fate)
        project = self.policy.project_name
        states = StoredState(store, project=project, account_id=ACCOUNT, run_id=run_id, clock=clock)
        tools = Tools(
            reader=account,
            actuator=account,
            mailer=Perilous(self.mailer, fate),
            renderer=self.renderer,
            states=states,
            journal=StoredJournal(store, state=states),
            escrow=StoredEscrow(store),
            audit=StoredAuditLog(store, run_id=run_id, state=states),
            people=StoredDecisions(store),
            archive=StoredArchive(store),
            lease=Unchallenged(),
            clock=clock,
            randomness=CountingRandomness(),
        )
        return daily.Account(
            project=project,
            account_id=ACCOUNT,
            run_id=run_id,
            policy=self.policy,
            tools=tools,
            post=_post(project),
        )

    # --- what is known afterwards ---------------------------------------------------------------

    @property
    def state(self) -> State:
        """As the next run would load it."""
        found = self.wired().tools.states.load()
        return found or State(project=self.policy.project_name, account_id=ACCOUNT)

    def case(self, name: str) -> Case | None:
        """The user's case, if it has one."""
        return next((c for c in self.state.users.values() if c.user_name == name), None)

    def notices(self, name: str) -> list[tuple[int, str]]:
        """Day and stage of every notice to the user."""
        return [
            (day, o.reason.split(" to ")[0])
            for day, o in self.outcomes
            if o.user_name == name
            and o.effect_kind in ("send_notice", "send_closing")
            and o.kind is OutcomeKind.DONE
        ]

    def days(self, name: str) -> list[int]:
        """Days of the user's notices."""
        return [day for day, _ in self.notices(name)]

    def acts(self, name: str) -> list[tuple[int, str]]:
        """Day and kind of everything that was changed in the account for the user."""
        return [
            (day, o.effect_kind)
            for day, o in self.outcomes
            if o.user_name == name
            and o.kind is OutcomeKind.DONE
            and not o.effect_kind.startswith("send_")
        ]

    def mails(self, kind: MailKind | None = None, to: str | None = None) -> list[OutgoingMail]:
        """Mails that were sent, of one kind and to one user."""
        return [
            mail
            for mail in self.mailer.sent
            if kind in (None, mail.kind) and (to is None or f"{to}@example.com" in mail.to)
        ]

    def told_the_team(self) -> list[tuple[date, str]]:
        """Date and subject of every word to the team."""
        return [(m.sent_at.date(), m.subject) for m in self.mails(MailKind.TEAM)]

    def e(self, name: str) -> date | None:
        """E of the user's only finding."""
        (record,) = self.case(name).findings.values()
        return record.enforcement_on


class Silence:
    """ports.Progress."""

    def stage(self, name: str, total: int | None = None) -> None: ...
    def step(self, count: int = 1) -> None: ...


class Unchallenged:
    """ports.Lease: nobody else is here."""

    def check(self) -> None: ...


def _post(project: str) -> Post:
    return Post(
        sender=SENDER,
        letterhead=Letterhead(
            project_name=project,
            account_id=ACCOUNT,
            account_name=None,
            timezone="UTC",
            contact=TEAM,
        ),
        sign_in_url=f"https://{ACCOUNT}.signin.aws.amazon.com/console",
    )


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


def administrator(name: str = "ada.admin", *keys: AccessKey, **facts: Any) -> User:
    granted = GrantedPolicies(managed=frozenset({ADMINISTRATOR}))
    return person(name, *keys, granted=granted, **(console() | facts))


# --- the credential report --------------------------------------------------------------------


def _report(users: Iterable[User], now: datetime) -> bytes:
    out = io.StringIO()
    columns = [f"access_key_{slot}_{name}" for slot in (1, 2) for name in _KEY_COLUMNS]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        "user arn user_creation_time password_enabled password_last_used password_last_changed "
        "password_next_rotation mfa_active".split()
        + columns
    )
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
    return [_flag(key.active), _moment(key.last_rotated, "N/A"), used, "N/A", "N/A"]


def _flag(value: bool | None) -> str:  # noqa: FBT001 - a cell's value
    return "true" if value else "false"


def _moment(value: datetime | Absent, absent: str) -> str:
    return value.isoformat() if isinstance(value, datetime) else absent
