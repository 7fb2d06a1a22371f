"""The composition root: the only room that sees all others, and the only one with a clock.

A config and a few options in, one wired account out.  Adapters are imported when they are wired,
so that a verb pays only for what it uses.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyreeve.config import Config, Transport
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import AccountId, RunId
from keyreeve.model.policy import EscalationPolicy
from keyreeve.model.snapshot import Caller
from keyreeve.wiring.machine import NoLease, SystemRandomness, WallClock

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from keyreeve.aws.sessions import Sessions
    from keyreeve.model.access import AccessModel
    from keyreeve.pipeline.access_document import Archives
    from keyreeve.pipeline.daily import Account
    from keyreeve.pipeline.roster import Roster
    from keyreeve.pipeline.workbench import Post
    from keyreeve.ports import AccountReader, Lease, Mailer, ObjectStore
    from keyreeve.ports.reviews import ReviewRecords
    from keyreeve.ports.week import EventHistory
    from keyreeve.storage.feedback import StoredFeedback

SMTP_PASSWORD = "KEYREEVE_SMTP_PASSWORD"  # noqa: S105 - the variable's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the command line, or a handler, has opened: a config and who we are."""

    config: Config
    sessions: Sessions
    """The account that is looked after."""
    reader: AccountReader
    caller: Caller
    store: ObjectStore
    now: datetime
    run_id: RunId
    home: Sessions | None = None
    """Where storage and mail are, if the account is one of several; None: the same."""
    name: str | None = None
    """The account's, if it is one of several."""

    @property
    def at_home(self) -> Sessions:
        """Where storage, mail and the team's channels are."""
        return self.home or self.sessions

    @property
    def own_folder(self) -> AccountId | None:
        """The account whose own folder everything lies in; None: the project is one account."""
        return None if self.config.accounts == "self" else self.caller.account_id

    @property
    def prefix(self) -> str:
        """Where the account's state lies in the storage."""
        from keyreeve.storage.layout import prefix

        return prefix(self.config.project_name, self.own_folder)

    @property
    def policy(self) -> EscalationPolicy:
        """The settings, as the engine knows them."""
        policy = replace(self.config.escalation_policy(), account_name=self.name)
        if policy.compressed is None or not self.sessions.only_loopback():
            return policy
        return replace(policy, compressed=replace(policy.compressed, password_age=True))


def open_door(
    config: Config,
    *,
    execute: bool,
    profile: str | None = None,
    region: str | None = None,
    as_of: datetime | None = None,
    account: AccountId | None = None,
    pool: Executor | None = None,
) -> Door:
    """Find out who we are and where the state lies. Without `execute` nothing can be changed.

    `account`: which of the config's accounts is meant.  `pool`: who only looks begins to read in it
    meanwhile.  ConfigError when `as_of` is combined with
    `execute` outside loopback, when the state would lie unencrypted, or when the config has several
    accounts and none is named.  AccountUnreadable without access, NotCovered without a role.
    """
    from keyreeve.aws.iam_reader import IamReader

    if config.accounts != "self":
        from keyreeve.wiring.fleet import one_of

        return one_of(config, account, execute=execute, profile=profile, region=region, as_of=as_of)
    sessions = sessions_at_home(
        config, execute=execute, profile=profile, region=region, as_of=as_of
    )
    reader: AccountReader = IamReader(sessions, WallClock())
    if pool is not None:
        from keyreeve.wiring.read_ahead import ReadAhead

        reader = ReadAhead(reader, pool)
    caller = reader.caller()
    if account not in (None, caller.account_id):
        raise ConfigError(
            f"{account} is another account than {caller.account_id}, whose credentials these are",
            where="--account",
            remedy=f"{config.path} says `accounts: self`; name the account there, with its role.",
        )
    now = as_of or datetime.now(UTC)
    return Door(
        config=config,
        sessions=sessions,
        reader=reader,
        caller=caller,
        store=project_store(config, sessions),
        now=now,
        run_id=new_run_id(now),
    )


def sessions_at_home(
    config: Config,
    *,
    execute: bool,
    profile: str | None = None,
    region: str | None = None,
    as_of: datetime | None = None,
) -> Sessions:
    """The caller's own account. ConfigError as `open_door` says."""
    from keyreeve.aws.sessions import Sessions
    from keyreeve.wiring.refusals import refuse_time_travel, refuse_unencrypted

    sessions = Sessions(rehearsal=not execute, profile=profile or config.profile, region=region)
    if execute:
        refuse_time_travel(config, sessions, as_of)
        refuse_unencrypted(config, sessions)
    return sessions


def new_run_id(now: datetime) -> RunId:
    """Sorts by time, and no two are equal."""
    return RunId(f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}")


def project_store(
    config: Config, sessions: Sessions, account: AccountId | None = None
) -> ObjectStore:
    """The bucket or the directory, below the project's prefix, or one account's below that."""
    from keyreeve.storage.layout import prefix

    below = prefix(config.project_name, account)
    if config.storage.directory is not None:
        from keyreeve.local.directory_store import DirectoryStore

        return DirectoryStore(config.storage.directory, prefix=below)
    from keyreeve.aws.s3_store import S3Store

    return S3Store(
        sessions.client("s3"),
        bucket=str(config.storage.bucket),
        prefix=below,
        kms_key_id=config.storage.kms_key_id,
    )


@contextmanager
def account_for_writing(
    door: Door, mailer: Mailer | None = None, *, mails: bool = True
) -> Iterator[Account]:
    """The account with its lock held. LockHeld if another run has it.

    ConfigError where own templates could lose a mail; not asked where `mails` says that none goes.
    """
    from keyreeve.storage.lock import AccountLock

    if mails:
        usable_texts(door)
    holder = f"{door.caller.arn} {door.run_id} pid {os.getpid()}"
    with AccountLock(door.store, clock=WallClock(), holder=holder).held() as lease:
        account = wire(door, lease, mailer)
        try:
            yield account
        finally:
            if mailer is None:
                close_mailer(account.tools.mailer)


def close_mailer(mailer: Mailer) -> None:
    """An SMTP connection is kept open over the mails of a run."""
    close = getattr(mailer, "close", None)
    if close is not None:
        close()


def usable_texts(door: Door) -> None:
    """ConfigError where a mail could not be written with the project's own templates."""
    texts = door.config.texts
    if texts.templates is not None:
        from keyreeve.render.own import require_usable

        require_usable(
            texts.templates,
            language=texts.language,
            head=post_for(door.config, door.caller.account_id).letterhead,
            where=f"{door.config.path}: texts.templates",
        )


def wire(door: Door, lease: Lease | None = None, mailer: Mailer | None = None) -> Account:
    """Every port filled. Without a lease: for reading and rehearsing.

    `mailer`: one that several accounts take turns with; None: one of its own.
    """
    from keyreeve.aws.iam_actuator import IamActuator
    from keyreeve.aws.secrets_manager import SecretsManagerVault
    from keyreeve.pipeline.daily import Account
    from keyreeve.pipeline.workbench import Tools
    from keyreeve.render.email import MailRenderer
    from keyreeve.storage.archive import StoredArchive
    from keyreeve.storage.audit_history import StoredAuditHistory
    from keyreeve.storage.audit_log import StoredAuditLog
    from keyreeve.storage.decisions import StoredDecisions
    from keyreeve.storage.escrow import StoredEscrow
    from keyreeve.storage.feedback import StoredFeedback
    from keyreeve.storage.journal import StoredJournal
    from keyreeve.storage.layout import project_slug
    from keyreeve.storage.state_store import StoredState
    from keyreeve.wiring.channels import subscriptions
    from keyreeve.wiring.usage import usage_tools

    config = door.config
    states = StoredState(
        door.store,
        project=config.project_name,
        account_id=door.caller.account_id,
        run_id=door.run_id,
        clock=WallClock(),
        siblings=(_other_layout(door),),
    )
    tools = Tools(
        reader=door.reader,
        actuator=IamActuator(door.sessions),
        mailer=mailer or mailer_for(config, door.at_home),
        renderer=MailRenderer(config.texts.templates, language=config.texts.language),
        states=states,
        journal=StoredJournal(door.store, state=states),
        escrow=StoredEscrow(door.store),
        vault=SecretsManagerVault(
            door.sessions,
            project=project_slug(config.project_name),
            kms_key_id=config.credentials.kms_key_id,
        ),
        audit=StoredAuditLog(door.store, run_id=door.run_id, state=states),
        people=StoredDecisions(door.store),
        feedback=StoredFeedback(heard_at(door), state=states),
        archive=StoredArchive(door.store),
        lease=lease or NoLease(),
        clock=WallClock(),
        randomness=SystemRandomness(),
        channels=subscriptions(config, door.at_home),
    )
    return Account(
        project=config.project_name,
        account_id=door.caller.account_id,
        run_id=door.run_id,
        policy=door.policy,
        tools=tools,
        post=post_for(config, door.caller.account_id, door.name),
        access=access_model(config),
        events=event_history(door),
        reviews=review_records(door),
        history=StoredAuditHistory(door.store),
        minutes_per=config.summary.minutes(),
        usage=usage_tools(door),
    )


def heard_at(door: Door) -> ObjectStore:
    """Where mails that came back are told of: the mail system knows the project, no account."""
    return project_store(door.config, door.at_home)


def _other_layout(door: Door) -> ObjectStore:
    """Where the account's state would lie under the other form of `accounts`."""
    own = door.caller.account_id if door.config.accounts == "self" else None
    return project_store(door.config, door.at_home, own)


def review_records(door: Door) -> ReviewRecords | None:
    """Access reviews; None where no access model says who may do what."""
    from keyreeve.storage.reviews import StoredReviews

    return None if door.config.baseline.access is None else StoredReviews(door.store)


def event_history(door: Door) -> EventHistory | None:
    """CloudTrail where IAM's events are; None where no access model asks for it."""
    from keyreeve.aws.event_history import CloudTrailEventHistory

    if access_model(door.config) is None:
        return None
    return CloudTrailEventHistory(_at_events(door))


def access_model(config: Config) -> AccessModel | None:
    """What access.yaml says, with the exclusions of config.yaml; None where none is configured."""
    return None if config.baseline.access is None else required_access_model(config)


def required_access_model(config: Config) -> AccessModel:
    """The same. ConfigError where none is configured, or with every mistake in it."""
    return replace(config.access_model(), exclusions=config.escalation_policy().exclusions)


def roster(door: Door, account: Account) -> Roster:
    """What the verbs about users work with. ConfigError without an access model."""
    from keyreeve.aws.iam_actuator import IamPeopleActuator
    from keyreeve.aws.iam_people import CloudTrailTagHistory, IamPeopleReader
    from keyreeve.pipeline.access_report import own_users
    from keyreeve.pipeline.roster import Roster

    model = required_access_model(door.config)
    return Roster(
        account=account,
        model=model,
        reader=IamPeopleReader(door.sessions),
        actuator=IamPeopleActuator(door.sessions),
        history=CloudTrailTagHistory(_at_events(door)),
        own=own_users(door.caller),
    )


def archives(door: Door) -> Archives:
    """Where the access document's facts come from."""
    from keyreeve.aws.group_history import CloudTrailGroupHistory
    from keyreeve.aws.iam_people import IamPeopleReader
    from keyreeve.governance.stacks import stack_project
    from keyreeve.pipeline.access_document import Archives
    from keyreeve.storage.layout import project_slug

    return Archives(
        account=door.reader,
        people=IamPeopleReader(door.sessions),
        history=CloudTrailGroupHistory(_at_events(door)),
        project=stack_project(project_slug(door.config.project_name)),
    )


def _at_events(door: Door) -> Sessions:
    """Sessions that only read, where CloudTrail keeps IAM's events."""
    return door.sessions.reading(events_region(door.sessions.region))


def events_region(region: str | None) -> str | None:
    """Where CloudTrail keeps IAM's events (E4): us-east-1, in other partitions their own region."""
    return region if region and region.startswith(("cn-", "us-gov-")) else "us-east-1"


def post_for(config: Config, account_id: AccountId, account_name: str | None = None) -> Post:
    """Sender and letterhead."""
    from keyreeve.model.notice import Letterhead
    from keyreeve.pipeline.workbench import Post

    return Post(
        sender=config.mail.sender,
        letterhead=Letterhead(
            project_name=config.project_name,
            account_id=account_id,
            account_name=account_name,
            timezone=config.timezone.key,
            contact=config.contact,
            help_url=config.texts.help_url,
        ),
        sign_in_url=f"https://{account_id}.signin.aws.amazon.com/console",
    )


def mailer_for(config: Config, sessions: Sessions) -> Mailer:
    """The transport that the config names."""
    mail = config.mail
    if mail.transport is Transport.DIRECTORY and mail.directory is not None:
        from keyreeve.local.directory_mailer import DirectoryMailer

        return DirectoryMailer(mail.directory)
    if mail.transport is Transport.SMTP and mail.smtp is not None:
        from keyreeve.local.smtp_mailer import SmtpMailer

        return SmtpMailer(
            host=mail.smtp.host,
            port=mail.smtp.port,
            tls=mail.smtp.tls.value,
            user=mail.smtp.user,
            password=os.environ.get(SMTP_PASSWORD),
        )
    from keyreeve.aws.ses_mailer import SesMailer

    client = sessions.client("sesv2", attempts_once=True)
    return SesMailer(
        client,
        region=client.meta.region_name,
        message_id_domain=mail.message_id_domain,
        clock=WallClock(),
    )


def feedback_box(config: Config) -> StoredFeedback:
    """Where feedback about mails is put, without a lock; nothing is read. ConfigError as above."""
    from keyreeve.aws.sessions import Sessions
    from keyreeve.storage.feedback import StoredFeedback

    return StoredFeedback(project_store(config, Sessions(rehearsal=False)))
