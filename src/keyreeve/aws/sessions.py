"""Where every AWS client comes from: one factory, so that the rehearsal guard cannot be escaped.

Two kinds of clients:

reading      retries in the SDK's `standard` mode; also for writes that carry a condition
one attempt  for calls without an idempotency token: in doubt we reconcile by reading
"""

from __future__ import annotations

import gzip
import json
import logging
from copy import copy
from datetime import UTC, datetime
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, overload
from urllib.parse import urlsplit

import botocore
import botocore.session
from botocore.awsrequest import AWSHTTPConnection, AWSHTTPSConnection
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, NoRegionError, ProfileNotFound
from botocore.loaders import JSONFileLoader, Loader
from botocore.utils import parse_timestamp

from keyreeve import __version__
from keyreeve.aws.authorization_pages import read_here
from keyreeve.aws.failures import READS
from keyreeve.aws.looking import LOOKING
from keyreeve.aws.shared_clients import signed_by
from keyreeve.model.errors import AccountUnreadable, ConfigError, Rejected
from keyreeve.model.identifiers import AccountId
from keyreeve.model.network import is_loopback
from keyreeve.model.snapshot import Caller

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.model import OperationModel
    from types_boto3_iam import IAMClient
    from types_boto3_s3 import S3Client
    from types_boto3_sesv2 import SESV2Client
    from types_boto3_sts import STSClient

Daily = Literal["iam", "s3", "secretsmanager", "sesv2", "sts"]
Governed = Literal[
    "accessanalyzer",
    "cloudformation",
    "cloudtrail",
    "cloudwatch",
    "config",
    "events",
    "guardduty",
    "kms",
    "lambda",
    "logs",
    "organizations",
    "securityhub",
    "sns",
    "sqs",
]
Service = Daily | Governed
DAILY: Final[tuple[Daily, ...]] = ("iam", "s3", "secretsmanager", "sesv2", "sts")
"""What a daily run talks to."""
GOVERNED: Final[tuple[Governed, ...]] = get_args(Governed)
"""What the baseline is made of, besides."""
SERVICES: Final[tuple[Service, ...]] = (*DAILY, *GOVERNED)
"""Every service that the house talks to."""

REHEARSAL: Final = "Rehearsal"
"""Code of a call that the rehearsal guard refused."""

_SIGNING_IN: Final = frozenset(
    {
        "signin:CreateOAuth2Token",
        "sso-oidc:CreateToken",
        "sso:GetRoleCredentials",
        "sts:AssumeRole",
        "sts:AssumeRoleWithWebIdentity",
    }
)
"""Calls of the SDK's own credential chain."""

_ROLE_SESSION_NAME = "keyreeve"
_METHOD = "keyreeve-assume-role"
"""How the SDK calls credentials that were made so."""
_CONNECT_SECONDS = 5
_READ_SECONDS = 60
_ATTEMPTS = 5
_CONNECTIONS = 32
"""Kept open by one client: one client of STS opens the roles of all accounts that go at once."""
_REGION = {"region": ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)}
"""Setting, variables, default and conversion, as the SDK notes them."""
_USER_AGENT = f"Botocore/{botocore.__version__} keyreeve/{__version__}"
"""The SDK's own is longer, and put together anew for each call: a sixth of the call's CPU."""
_TALKATIVE = ("boto3", "botocore", "s3transfer", "urllib3")


class Sessions:
    """Clients for one account, made once each; safe to share between threads.

    Profile, region, endpoints and credentials come from the ordinary SDK chain
    (`AWS_PROFILE`, `AWS_ENDPOINT_URL` and its per-service forms included); the region also from
    `AWS_REGION`, which every other SDK of AWS reads first and this one does not.
    """

    def __init__(
        self,
        *,
        rehearsal: bool,
        profile: str | None = None,
        region: str | None = None,
        role_arn: str | None = None,
        external_id: str | None = None,
        source_identity: str | None = None,
        source: Sessions | None = None,
    ) -> None:
        """`source`: whose credentials assume the role; its own chain where it is None."""
        _hush()
        self.profile = profile
        self.rehearsal = rehearsal
        self._clients: dict[tuple[Service, bool], Any] = {}
        self._role: _Role | None = None
        like = source.like_ours(profile, region, rehearsal=rehearsal) if source else None
        self._common = like or _Common(_new_session(profile, region, rehearsal=rehearsal))
        self._session, self._making = self._common.session, self._common.making
        if role_arn is not None:
            opener = source or Sessions(rehearsal=rehearsal, profile=profile, region=region)
            made = _Role(opener, role_arn, external_id, source_identity, only_looks=rehearsal)
            self._assume(made)

    @overload
    def client(self, service: Literal["iam"], *, attempts_once: bool = False) -> IAMClient: ...
    @overload
    def client(self, service: Literal["s3"], *, attempts_once: bool = False) -> S3Client: ...
    @overload
    def client(self, service: Literal["sesv2"], *, attempts_once: bool = False) -> SESV2Client: ...
    @overload
    def client(self, service: Literal["secretsmanager"], *, attempts_once: bool = False) -> Any: ...
    @overload
    def client(self, service: Literal["sts"], *, attempts_once: bool = False) -> STSClient: ...
    @overload
    def client(self, service: Governed, *, attempts_once: bool = False) -> Any: ...

    def client(self, service: Service, *, attempts_once: bool = False) -> Any:
        """The client; `attempts_once` for whatever must not be sent twice."""
        wanted = (service, attempts_once)
        with self._making:
            if wanted not in self._clients:
                self._clients[wanted] = self._make(service, attempts_once=attempts_once)
            return self._clients[wanted]

    @property
    def region(self) -> str | None:
        """The region of the clients; None where none is set."""
        found: str | None = self._session.get_config_variable("region")
        return found

    def in_region(self, region: str) -> Sessions:
        """The same in another region: what must not change anything still cannot."""
        return self if region == self.region else self._again(region, rehearsal=self.rehearsal)

    def reading(self, region: str | None) -> Sessions:
        """The same account for reading only, in any region."""
        return self._again(region, rehearsal=True)

    def _again(self, region: str | None, *, rehearsal: bool) -> Sessions:
        made = Sessions(rehearsal=rehearsal, profile=self.profile, region=region)
        if self._role is not None:
            made._assume(self._role)
        return made

    def like_ours(
        self, profile: str | None, region: str | None, *, rehearsal: bool
    ) -> _Common | None:
        """What another signer shares with us. None where anything else differs."""
        ours = (self.profile, self.region, self.rehearsal)
        return self._common if (profile, region, rehearsal) == ours else None

    def _assume(self, role: _Role) -> None:
        self._role = role
        self._session = copy(self._common.session)
        # Its chain would be the one of who opens the role.
        self._session.get_credentials = cache(role.credentials)  # type: ignore[method-assign]

    def own_credentials(self) -> Any:
        """What this account's calls are signed with; None where the chain finds nothing."""
        with self._making:
            return self._session.get_credentials()

    def assumed(self) -> Caller | None:
        """Who AWS said we are when it gave us the role; None where no role is assumed.

        What sts:GetCallerIdentity would say, without a call and a client of each account's own.
        """
        if self._role is None:
            return None
        credentials = self.own_credentials()
        if credentials is None:
            return None
        credentials.get_frozen_credentials()  # here the role is assumed, unless it is already
        return self._role.caller

    def only_loopback(self, *more: Service) -> bool:
        """Whether every endpoint that a daily run would use is a loopback address (`--as-of`)."""
        return all(_goes_to_loopback(self._any_client(service)) for service in (*DAILY, *more))

    def _any_client(self, service: Service) -> BaseClient:
        made: BaseClient = self.client(service)
        return made

    def _make(self, service: Service, *, attempts_once: bool) -> BaseClient:
        if self._role is not None and self.rehearsal:
            unsigned = self._common.unsigned(service, attempts_once=attempts_once)
            attempts = _attempts(once=attempts_once)
            return signed_by(unsigned, self.own_credentials(), attempts=attempts)
        return _client(self._session, service, attempts_once=attempts_once)


class _Common:
    """What accounts that are reached alike share: all but who signs.

    A new one costs as much as reading a small account.
    """

    def __init__(self, session: botocore.session.Session) -> None:
        self.session = session
        self.making = RLock()
        """Making clients is not thread-safe; using them is."""
        self._unsigned: dict[tuple[Service, bool], BaseClient] = {}

    def unsigned(self, service: Service, *, attempts_once: bool) -> BaseClient:
        """A client without credentials; made once."""
        wanted = (service, attempts_once)
        with self.making:
            if wanted not in self._unsigned:
                nobody = copy(self.session)
                nobody.get_credentials = lambda: None  # type: ignore[method-assign]
                self._unsigned[wanted] = _client(nobody, service, attempts_once=attempts_once)
            return self._unsigned[wanted]


def _client(
    session: botocore.session.Session, service: Service, *, attempts_once: bool
) -> BaseClient:
    config = _config(attempts=_attempts(once=attempts_once))
    try:
        made: BaseClient = session.create_client(service, config=config)
        if service == "s3" and _goes_to_loopback(made):
            # `bucket.localhost` resolves on few machines.
            made = session.create_client(
                service, config=config.merge(Config(s3={"addressing_style": "path"}))
            )
    except NoRegionError:
        raise ConfigError(
            f"no region is set for {service}", where="AWS", remedy="Use --region or AWS_REGION."
        ) from None
    except (BotoCoreError, ValueError) as error:  # an endpoint that is no URL is a ValueError
        raise AccountUnreadable(
            f"no client for {service}: {error}",
            where="AWS",
            remedy="Check the profile, the region and AWS_ENDPOINT_URL.",
        ) from None
    if service == "iam":
        read_here(made)
    return made


class _Role:
    """A role in another account: its credentials, renewed before they expire."""

    def __init__(
        self,
        source: Sessions,
        role_arn: str,
        external_id: str | None,
        source_identity: str | None,
        *,
        only_looks: bool,
    ) -> None:
        self.caller: Caller | None = None
        self._source = source
        self._arguments: dict[str, Any] = {
            "RoleArn": role_arn,
            "RoleSessionName": _ROLE_SESSION_NAME,
        }
        if external_id is not None:
            self._arguments["ExternalId"] = external_id
        if source_identity is not None:
            self._arguments["SourceIdentity"] = source_identity
        if only_looks:
            self._arguments["Policy"] = LOOKING

    def credentials(self) -> DeferredRefreshableCredentials | None:
        """None where the source itself has no credentials. AssumeRole is asked when one signs."""
        if self._source.own_credentials() is None:
            return None
        return DeferredRefreshableCredentials(method=_METHOD, refresh_using=self._assumed)

    def _assumed(self) -> dict[str, str]:
        """As the SDK's credentials want it."""
        answer = self._source.client("sts").assume_role(**self._arguments)
        given, who = answer["Credentials"], answer["AssumedRoleUser"]
        self.caller = Caller(
            account_id=AccountId(who["Arn"].split(":")[4]),
            arn=who["Arn"],
            user_id=who["AssumedRoleId"],
        )
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }


def _new_session(
    profile: str | None, region: str | None, *, rehearsal: bool
) -> botocore.session.Session:
    session = botocore.session.Session(profile=profile, session_vars=_REGION)
    try:
        session.get_scoped_config()
    except ProfileNotFound as error:
        raise ConfigError(
            str(error), where="profile", remedy="`aws configure list-profiles` names them."
        ) from None
    session.register_component("data_loader", _models())
    if region is not None:
        session.set_config_variable("region", region)
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_instant)
    if rehearsal:
        # First before parameters are looked at, last before the request is made.
        session.register("provide-client-params", _refuse_changes)
        session.register("before-call", _refuse_changes)
    return session


class _Files(JSONFileLoader):
    """A plain dict keeps its order too, and is read in half the time."""

    def load_file(self, file_path: str) -> Any:
        """What the file says, packed or not; None if it is not there."""
        for ending, opened in ((".json", open), (".json.gz", gzip.open)):
            try:
                with opened(file_path + ending, "rb") as file:
                    return json.load(file)
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                continue
        return None


class _Models(Loader):
    """AWS's service descriptions: large, and the same for all accounts of a run."""

    FILE_LOADER_CLASS = _Files

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - the SDK's
        """Ours, and those of the credential chain; the SDK looks into 400 folders to know."""
        return [*SERVICES, *{call.partition(":")[0] for call in _SIGNING_IN} - set(SERVICES)]


@cache
def _models() -> Loader:
    return _Models()


def _refuse_changes(**event: Any) -> None:
    """The rehearsal guard: what is not known to read does not leave."""
    model: OperationModel = event["model"]
    call = f"{model.service_model.service_name}:{model.name}"
    if call not in READS and call not in _SIGNING_IN:
        raise Rejected(
            "a rehearsal changes nothing: the call was not sent",
            call=call,
            code=REHEARSAL,
            remedy="Use --execute to act.",
        )


def _attempts(*, once: bool) -> int:
    return 1 if once else _ATTEMPTS


def _config(*, attempts: int) -> Config:
    return Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent=_USER_AGENT,
    )


def _goes_to_loopback(client: BaseClient) -> bool:
    return is_loopback(urlsplit(client.meta.endpoint_url).hostname or "")


def _instant(value: str | float) -> datetime:
    """What AWS calls a timestamp; ISO 8601 without dateutil, which costs half of a parse."""
    if isinstance(value, str) and value[4:5] == "-":
        return datetime.fromisoformat(value)
    return parse_timestamp(value).astimezone(UTC)  # type: ignore[arg-type]  # numbers, too


def _hush() -> None:
    """The SDK's DEBUG log prints secrets: its loggers never go below INFO (promise P14).

    Those below them may have been lowered one by one, and http.client prints whole requests.
    """
    for name in [*_TALKATIVE, *logging.root.manager.loggerDict]:
        if name.partition(".")[0] in _TALKATIVE:
            logger = logging.getLogger(name)
            if logger.level < logging.INFO:
                _at(logging.INFO if name in _TALKATIVE else logging.NOTSET, logger)
    # That a role could not be assumed is raised by the call that needed it.
    _at(logging.ERROR, logging.getLogger("botocore.credentials"))
    for connection in (AWSHTTPConnection, AWSHTTPSConnection):
        connection.debuglevel = 0


def _at(level: int, logger: logging.Logger) -> None:
    if logger.level != level:  # to say it again makes every logger forget what it worked out
        logger.setLevel(level)
