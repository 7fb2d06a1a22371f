"""The composition root: the only room that sees all others, and the only one with a clock.

A config and a few options in, one wired account out.  Adapters are imported when they are wired,
so that a verb pays only for what it uses.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

from keyreeve.config import Config, Transport
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import AccountId, RunId
from keyreeve.model.policy import EscalationPolicy
from keyreeve.model.snapshot import Caller

if TYPE_CHECKING:
    from keyreeve.aws.iam_reader import IamReader
    from keyreeve.aws.sessions import Sessions
    from keyreeve.governance.installation import Installation
    from keyreeve.model.access import AccessModel
    from keyreeve.pipeline.access_document import Archives
    from keyreeve.pipeline.daily import Account
    from keyreeve.pipeline.roster import Roster
    from keyreeve.pipeline.workbench import Post
    from keyreeve.ports import Lease, Mailer, ObjectStore
    from keyreeve.ports.reviews import ReviewRecords
    from keyreeve.ports.week import EventHistory
    from keyreeve.storage.feedback import StoredFeedback

SMTP_PASSWORD = "KEYREEVE_SMTP_PASSWORD"  # noqa: S105 - the variable's name


class WallClock:
    """ports.Clock. Judgement never sees it but as one `now` at the start of a run."""

    def now(self) -> datetime:
        """The instant, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class SystemRandomness:
    """ports.Randomness from the operating system."""

    def __init__(self) -> None:
        self._system = secrets.SystemRandom()

    def choice(self, seq: str, /) -> str:
        """One character."""
        return self._system.choice(seq)

    def shuffle(self, x: list[str], /) -> None:
        """In place."""
        self._system.shuffle(x)

    def getrandbits(self, k: int, /) -> int:
        """An integer of k bits."""
        return self._system.getrandbits(k)


class NoLease:
    """ports.Lease of a rehearsal: it holds nothing, since it changes nothing."""

    def check(self) -> None:
        """Nothing can be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the command line, or a handler, has opened: a config and who we are."""

    config: Config
    sessions: Sessions
    reader: IamReader
    caller: Caller
    store: ObjectStore
    now: datetime
    run_id: RunId

    @property
    def policy(self) -> EscalationPolicy:
        """The settings, as the engine knows them."""
        return self.config.escalation_policy()


def open_door(
    config: Config,
    *,
    execute: bool,
    profile: str | None = None,
    region: str | None = None,
    as_of: datetime | None = None,
) -> Door:
    """Find out who we are and where the state lies. Without `execute` nothing can be changed.

    ConfigError when `as_of` is combined with `execute` outside loopback, when the state would lie
    unencrypted, or when the config asks for several accounts.  AccountUnreadable without access.
    """
    from keyreeve.aws.iam_reader import IamReader
    from keyreeve.aws.sessions import Sessions

    _refuse_several_accounts(config)
    sessions = Sessions(rehearsal=not execute, profile=profile or config.profile, region=region)
    if execute:
        _refuse_time_travel(config, sessions, as_of)
        _refuse_unencrypted(config, sessions)
    reader = IamReader(sessions, WallClock())
    caller = reader.caller()
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


def new_run_id(now: datetime) -> RunId:
    """Sorts by time, and no two are equal."""
    return RunId(f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}")


def project_store(config: Config, sessions: Sessions) -> ObjectStore:
    """The bucket or the directory, below the project's prefix."""
    from keyreeve.storage.layout import prefix

    below = prefix(config.project_name)
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
def account_for_writing(door: Door) -> Iterator[Account]:
    """The account with its lock held. LockHeld if another run has it."""
    from keyreeve.storage.lock import AccountLock

    holder = f"{door.caller.arn} {door.run_id} pid {os.getpid()}"
    with AccountLock(door.store, clock=WallClock(), holder=holder).held() as lease:
        account = wire(door, lease)
        try:
            yield account
        finally:
            close = getattr(account.tools.mailer, "close", None)
            if close is not None:
                close()  # an SMTP connection is kept open over the mails of a run


def wire(door: Door, lease: Lease | None = None) -> Account:
    """Every port filled. Without a lease: for reading and rehearsing."""
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
    )
    tools = Tools(
        reader=door.reader,
        actuator=IamActuator(door.sessions),
        mailer=mailer_for(config, door.sessions),
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
        feedback=StoredFeedback(door.store, state=states),
        archive=StoredArchive(door.store),
        lease=lease or NoLease(),
        clock=WallClock(),
        randomness=SystemRandomness(),
        channels=subscriptions(config, door.sessions),
    )
    return Account(
        project=config.project_name,
        account_id=door.caller.account_id,
        run_id=door.run_id,
        policy=door.policy,
        tools=tools,
        post=post_for(config, door.caller.account_id),
        access=access_model(config),
        events=event_history(door),
        reviews=review_records(door),
        history=StoredAuditHistory(door.store),
        minutes_per=config.summary.minutes(),
        usage=usage_tools(door),
    )


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
    from keyreeve.pipeline.access_document import Archives

    return Archives(
        account=door.reader,
        people=IamPeopleReader(door.sessions),
        history=CloudTrailGroupHistory(_at_events(door)),
    )


def _at_events(door: Door) -> Sessions:
    """Sessions that only read, where CloudTrail keeps IAM's events."""
    from keyreeve.aws.sessions import Sessions

    region = events_region(door.sessions.region)
    return Sessions(rehearsal=True, profile=door.sessions.profile, region=region)


def events_region(region: str | None) -> str | None:
    """Where CloudTrail keeps IAM's events (E4): us-east-1, in other partitions their own region."""
    return region if region and region.startswith(("cn-", "us-gov-")) else "us-east-1"


def post_for(config: Config, account_id: AccountId) -> Post:
    """Sender and letterhead."""
    from keyreeve.model.notice import Letterhead
    from keyreeve.pipeline.workbench import Post

    return Post(
        sender=config.mail.sender,
        letterhead=Letterhead(
            project_name=config.project_name,
            account_id=account_id,
            account_name=None,
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

    _refuse_several_accounts(config)
    return StoredFeedback(project_store(config, Sessions(rehearsal=False)))


def _refuse_several_accounts(config: Config) -> None:
    if config.accounts != "self":
        raise ConfigError(
            "several accounts are not supported by this version",
            where=f"{config.path}: accounts",
            remedy="Use one config.yaml per account, with `accounts: self`.",
        )


def installation_of(config: Config, *, account_id: AccountId, region: str) -> Installation:
    """What the policies of Keyreeve's own roles must name."""
    from email.utils import parseaddr

    from keyreeve.governance.installation import Bucket, Evidence, Installation
    from keyreeve.language.authorizations import partition
    from keyreeve.storage import layout
    from keyreeve.wiring.channels import topics

    storage = config.storage
    bucket = None
    if storage.bucket is not None:
        bucket = Bucket(
            name=storage.bucket,
            prefix=layout.prefix(config.project_name),
            written_once=layout.WRITTEN_ONCE,
            replaced=(
                *layout.REPLACED,
                f"{layout.KEPT_BROKEN}*",
                layout.PROBE,
                *(f"{folder}*" for folder in layout.ARCHIVES),
            ),
            read=(
                *layout.REPLACED,
                layout.AUDIT_START,
                *(f"{f}*" for f in layout.WRITTEN_ONCE if f != layout.CREDENTIALS),
                f"{layout.FEEDBACK}*",
                f"{layout.RUNS}*",
            ),
            read_back=(f"{layout.CREDENTIALS}*", layout.PROBE),
            secret=layout.CREDENTIALS,
            feedback=layout.FEEDBACK,
            deleted=(
                layout.LOCK,
                layout.AUDIT_END,
                f"{layout.AUDIT_INBOX}*",
                f"{layout.FEEDBACK}*",
            ),
            versions_of=layout.STATE,
            inbox=layout.AUDIT_INBOX,
            sent=layout.SENT_FINDINGS,
            archived=(*layout.ARCHIVES, layout.REVIEWS, layout.FEEDBACK, layout.AUDIT),
            evidence=Evidence(
                written_once=(layout.AUDIT, layout.AUDIT_INBOX, layout.EVIDENCE),
                replaced=(layout.LOCK, layout.AUDIT_END, layout.AUDIT_START),
                deleted=(f"{layout.AUDIT_INBOX}*",),
            ),
            kms_key_id=storage.kms_key_id,
        )
    by_ses = config.mail.transport is Transport.SES
    return Installation(
        account_id=account_id,
        partition=partition(region),
        region=region,
        project=layout.project_slug(config.project_name),
        policy=config.escalation_policy(),
        bucket=bucket,
        sender=parseaddr(config.mail.sender)[1] if by_ses else None,
        secrets_key_id=config.credentials.kms_key_id,
        signing_key_id=config.evidence.signing_key,
        governed=config.baseline.access is not None,
        named_policies=_policies_of_aws(config, partition(region), account_id),
        topics=topics(config),
    )


def _policies_of_aws(config: Config, partition: str, account_id: AccountId) -> tuple[str, ...]:
    """AWS's own policies that access.yaml names."""
    from keyreeve.governance.access_policies import Place, of_aws

    if config.baseline.access is None:
        return ()
    at = Place(partition=partition, account_id=account_id)
    named = {arn for grant in config.access_model().grants for arn in grant.policies}
    return tuple(sorted(at.policy(arn) for arn in named if of_aws(arn)))


def _refuse_time_travel(config: Config, sessions: Sessions, as_of: datetime | None) -> None:
    """`--as-of` with `--execute` acts on another day than today: on an emulator only."""
    from keyreeve.wiring import channels

    if as_of is None:
        return
    smtp = config.mail.smtp
    mail_is_local = config.mail.transport is not Transport.SMTP or (
        smtp is not None and is_loopback(smtp.host)
    )
    if not (
        sessions.only_loopback() and mail_is_local and channels.only_loopback(config, sessions)
    ):
        raise ConfigError(
            "a run that acts cannot pretend to be at another time",
            where="--as-of",
            remedy=(
                "Leave out --execute or --send to see what would happen then, or point every "
                "endpoint at an emulator on 127.0.0.1 (`keyreeve sandbox`)."
            ),
        )


def _refuse_unencrypted(config: Config, sessions: Sessions) -> None:
    storage = config.storage
    if storage.directory is None or storage.unencrypted_ok or sessions.only_loopback():
        return
    raise ConfigError(
        "the state and the escrowed credentials would lie unencrypted on this disk",
        where=f"{config.path}: storage.directory",
        remedy="Use storage.bucket, or say storage.unencrypted_ok: true if the disk is encrypted.",
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine; a name may point anywhere tomorrow."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
