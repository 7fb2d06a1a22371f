"""A fleet wired: who belongs to it, how each account is opened, and where its days are kept.

Storage, mail and channels are the central account's; IAM, Secrets Manager and CloudTrail are each
member's own, reached by a session of its role, with its external id and the project as the source
identity, which CloudTrail then shows in every record of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from threading import Lock
from typing import TYPE_CHECKING

from keyreeve.config import Config, MemberAccount, Organization
from keyreeve.model.errors import AccessDenied, AccountUnreadable, ConfigError, NotCovered
from keyreeve.model.fleet import Member
from keyreeve.model.identifiers import AccountId
from keyreeve.model.notice import Accepted, OutgoingMail
from keyreeve.model.snapshot import Caller
from keyreeve.ports import Mailer, ObjectStore
from keyreeve.wiring import (
    Door,
    account_for_writing,
    close_mailer,
    mailer_for,
    new_run_id,
    post_for,
    project_store,
    sessions_at_home,
    wire,
)
from keyreeve.wiring.machine import WallClock

if TYPE_CHECKING:
    from keyreeve.aws.sessions import Sessions
    from keyreeve.pipeline.daily import Account
    from keyreeve.pipeline.fleet import Fleet
    from keyreeve.ports.fleet import AccountDirectory
    from keyreeve.storage.fleet_records import StoredFleetRecords

ACTIVE = "ACTIVE"
_ROLE_REMEDY = (
    "Deploy the stack `member-role` there, and let its role trust this account with this external "
    "id and sts:SetSourceIdentity; or leave the account out."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The central account: who we are, where the storage is, and which time it is."""

    config: Config
    sessions: Sessions
    caller: Caller
    now: datetime
    execute: bool

    @property
    def on(self) -> date:
        """The day of the fleet, in the project's zone."""
        return self.now.astimezone(self.config.timezone).date()

    @property
    def store(self) -> ObjectStore:
        """The project's own prefix, that of no account."""
        return project_store(self.config, self.sessions)

    @property
    def records(self) -> StoredFleetRecords:
        """What the days of the fleet have left."""
        from keyreeve.storage.fleet_records import StoredFleetRecords

        return StoredFleetRecords(self.store)


def open_home(
    config: Config,
    *,
    execute: bool,
    profile: str | None = None,
    region: str | None = None,
    as_of: datetime | None = None,
) -> Home:
    """Find out who we are. ConfigError for `accounts: self`; else as `open_door`."""
    from keyreeve.aws.iam_reader import IamReader

    if config.accounts == "self":
        raise ConfigError(
            "this project has one account, its own",
            where=f"{config.path}: accounts",
            remedy="Name the accounts there, or {organization: true, role_name: NAME}.",
        )
    sessions = sessions_at_home(
        config, execute=execute, profile=profile, region=region, as_of=as_of
    )
    return Home(
        config=config,
        sessions=sessions,
        caller=IamReader(sessions, WallClock()).caller(),
        now=as_of or datetime.now(UTC),
        execute=execute,
    )


# --- who belongs to it --------------------------------------------------------------------------


def members(home: Home) -> tuple[Member, ...]:
    """Every account that the config means, those that cannot be reached included.

    AccountUnreadable where AWS Organizations does not say.
    """
    accounts = home.config.accounts
    if isinstance(accounts, Organization):
        return _of_organization(home, accounts)
    listed = [each for each in accounts if isinstance(each, MemberAccount)]
    return tuple(_listed(home, each) for each in listed)


def member(home: Home, account: AccountId) -> Member:
    """One of them. ConfigError if the config does not mean it."""
    found = next((each for each in members(home) if each.account_id == account), None)
    if found is None:
        raise ConfigError(
            f"{account} is none of this project's accounts",
            where="--account",
            remedy="`keyreeve org accounts` lists them.",
        )
    return found


def member_of(home: Home, item: Member) -> Member:
    """The account of a state machine's item, with its role; AWS Organizations is not asked again.

    ConfigError if the config does not mean it.
    """
    accounts = home.config.accounts
    if isinstance(accounts, Organization):
        return _of_role(home, accounts, item)
    return replace(member(home, item.account_id), barred=item.barred)


def _of_role(home: Home, accounts: Organization, each: Member) -> Member:
    """Everybody has the same role, but the central account, which needs none."""
    partition = home.caller.arn.split(":")[1]
    role = f"arn:{partition}:iam::{each.account_id}:role/{accounts.role_name}"
    own = each.account_id == home.caller.account_id
    return replace(
        each, role_arn=None if own else role, external_id=None if own else accounts.external_id
    )


def _listed(home: Home, each: MemberAccount) -> Member:
    own = each.id == home.caller.account_id
    barred = "" if each.role_arn or own else "no role is named for it"
    return Member(
        account_id=AccountId(each.id),
        name=each.name or each.id,
        role_arn=each.role_arn,
        external_id=each.external_id,
        barred=barred,
    )


def _of_organization(home: Home, accounts: Organization) -> tuple[Member, ...]:
    from keyreeve.aws.organization import OrganizationOfCaller

    directory: AccountDirectory = OrganizationOfCaller(home.sessions.reading(home.sessions.region))
    return tuple(
        _of_role(
            home,
            accounts,
            Member(
                account_id=each.account_id,
                name=each.name,
                barred="" if each.state == ACTIVE else f"AWS Organizations says {each.state}",
            ),
        )
        for each in directory.accounts(accounts.include, accounts.exclude)
    )


# --- one account opened -------------------------------------------------------------------------


def one_of(
    config: Config,
    account: AccountId | None,
    *,
    execute: bool,
    profile: str | None = None,
    region: str | None = None,
    as_of: datetime | None = None,
) -> Door:
    """One account of several. ConfigError where none is named, NotCovered where none lets us in."""
    if account is None:
        raise ConfigError(
            "this project has several accounts, and this is about one of them",
            where=f"{config.path}: accounts",
            remedy="Name it before the verb: keyreeve --account ID …; `org accounts` lists them.",
        )
    home = open_home(config, execute=execute, profile=profile, region=region, as_of=as_of)
    return door_of(home, member(home, account))


def door_of(home: Home, each: Member) -> Door:
    """The account behind its role. NotCovered if nobody lets us in."""
    from keyreeve.aws.iam_reader import IamReader

    if each.barred:
        raise NotCovered(each.barred, where=f"account {each.account_id}", remedy=_ROLE_REMEDY)
    sessions = _sessions_of(home, each)
    reader = IamReader(sessions, WallClock())
    try:
        caller = reader.caller()
    except AccountUnreadable as error:
        if isinstance(error.__cause__, AccessDenied):
            raise _no_entry(each, error.what) from error
        raise
    if caller.account_id != each.account_id:
        raise _no_entry(each, f"its role leads into account {caller.account_id}")
    return Door(
        config=home.config,
        sessions=sessions,
        reader=reader,
        caller=caller,
        store=project_store(home.config, home.sessions, each.account_id),
        now=home.now,
        run_id=new_run_id(home.now),
        home=home.sessions,
        name=each.name,
    )


def _sessions_of(home: Home, each: Member) -> Sessions:
    from keyreeve.aws.sessions import Sessions
    from keyreeve.storage.layout import project_slug

    if each.role_arn is None:
        return home.sessions
    return Sessions(
        rehearsal=not home.execute,
        profile=home.sessions.profile,
        region=home.sessions.region,
        role_arn=each.role_arn,
        external_id=each.external_id,
        source_identity=f"keyreeve-{project_slug(home.config.project_name)}"[:64],
        source=home.sessions,
    )


def _no_entry(each: Member, why: str) -> NotCovered:
    where = f"account {each.account_id}, {each.role_arn or 'its own credentials'}"
    return NotCovered(why, where=where, remedy=_ROLE_REMEDY)


class AccountDoors:
    """ports.fleet.Doors: one account after the other, or several at once; nothing is shared.

    But for the mail system, which all of them speak to in turn: its rate is one for all.
    """

    def __init__(self, home: Home, mailer: Mailer) -> None:
        self._home = home
        self._mailer = mailer

    @contextmanager
    def open(self, member: Member) -> Iterator[Account]:
        """As the port says."""
        opened = door_of(self._home, member)
        if not self._home.execute:
            yield wire(opened, mailer=self._mailer)
            return
        with account_for_writing(opened, self._mailer) as account:
            yield account


class InTurn:
    """ports.Mailer that several accounts share: one mail at a time."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer
        self._turn = Lock()

    def send(self, mail: OutgoingMail) -> Accepted:
        """As the port says."""
        with self._turn:
            return self._mailer.send(mail)

    def remaining_quota(self) -> int | None:
        """As the port says."""
        with self._turn:
            return self._mailer.remaining_quota()


@contextmanager
def fleet_of(
    home: Home, chosen: Callable[[], Iterable[Member]] | None = None, *, again: bool = False
) -> Iterator[Fleet]:
    """The day's fleet, ready to run; `chosen` None: every account that the config means."""
    from keyreeve.pipeline.fleet import Fleet
    from keyreeve.pipeline.fleet_mail import FleetPost
    from keyreeve.render.email import MailRenderer

    mailer = mailer_for(home.config, home.sessions)
    policy = home.config.escalation_policy()
    try:
        yield Fleet(
            project=home.config.project_name,
            members=tuple(chosen() if chosen else members(home)),
            doors=AccountDoors(home, InTurn(mailer)),
            records=home.records,
            on=home.on,
            now=home.now,
            execute=home.execute,
            office=FleetPost(
                post=post_for(home.config, home.caller.account_id),
                mailer=mailer,
                renderer=MailRenderer(
                    home.config.texts.templates, language=home.config.texts.language
                ),
                policy=policy,
            ),
            again=again or policy.compressed is not None,
        )
    finally:
        close_mailer(mailer)
