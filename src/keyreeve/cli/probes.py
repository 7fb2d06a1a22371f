"""What the doctor asks AWS and the storage; each answer one diagnosis, whatever happens."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parseaddr, parsedate_to_datetime
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING, Any

from keyreeve.aws.failures import calling
from keyreeve.aws.iam_access import IamAccessReader
from keyreeve.aws.secrets_manager import FOLDER
from keyreeve.config import Transport
from keyreeve.governance.access_policies import Place, of_aws
from keyreeve.governance.stacks import stack_project
from keyreeve.model.errors import (
    AccessDenied,
    AwsFailure,
    KeyreeveError,
    NotFound,
    StorageConflict,
    StorageUnreachable,
)
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.snapshot import PasswordPolicy
from keyreeve.pipeline.doctor import (
    Diagnosis,
    ObjectLock,
    about_caller,
    about_clock,
    about_first_run,
    about_object_lock,
    about_owners,
    about_password_policy,
    broken,
    ok,
    warning,
)
from keyreeve.pipeline.doctor_access import AccessCheck, about_access
from keyreeve.ports import AccountDetails
from keyreeve.storage.layout import CREDENTIALS, PROBE, project_slug
from keyreeve.wiring.usage import usage_tools

if TYPE_CHECKING:
    from keyreeve.aws.sessions import Sessions
    from keyreeve.config import Config
    from keyreeve.ports.access import AccessReader
    from keyreeve.ports.channels import Subscription
    from keyreeve.ports.heartbeat import Heartbeat
    from keyreeve.wiring import Door

NOBODY = '"00000000000000000000000000000000"'
"""A version that no object has: a conditional write that names it must fail."""
NO_KEY = AccessKeyId("AKIAIOSFODNN7EXAMPLE")
"""AWS's own example: nobody's."""
LITTLE_QUOTA = 200
"""SES's sandbox allows so many recipients a day."""


class Probes:
    """The checks in their order; those that build on the credentials stop with them."""

    def __init__(self, door: Door, acting: Sessions) -> None:
        self._door = door
        self._config: Config = door.config
        self._sessions = door.sessions
        self._home = door.at_home
        self._acting = acting

    def all(self) -> Iterator[Diagnosis]:
        """One after another."""
        yield ok("config", str(self._config.path))
        yield about_caller(self._door.caller)
        yield self._guarded("region", self._region)
        yield self._guarded("clock", self._clock)
        details, diagnoses = self._reads()
        yield from diagnoses
        yield self._use_of_keys()
        yield from self._storage()
        yield self._guarded("state", self._state)
        yield self._guarded("daily run", self._first_run)
        if self._door.policy.uses_vault:
            yield self._guarded("Secrets Manager", self._vault)
        yield self._guarded("mail templates", self._texts)
        yield from self._mail()
        yield from self._channels()
        yield from self._heartbeats()
        if details is not None:
            yield from about_owners(details.users, self._door.policy)
        if details is not None and self._config.baseline.access is not None:
            yield from self._access(details)

    def _guarded(self, check: str, ask: Callable[[], Diagnosis]) -> Diagnosis:
        try:
            return ask()
        except KeyreeveError as error:
            where = f"{error.where}: " if error.where else ""
            return broken(check, f"{where}{error.what}", _remedy(error))

    # --- the account ----------------------------------------------------------------------------

    def _region(self) -> Diagnosis:
        region = self._home.client("s3").meta.region_name
        return ok("region", f"{region} for SES and S3; IAM is worldwide")

    @calling("sts:GetCallerIdentity")
    def _clock(self) -> Diagnosis:
        answer = self._sessions.client("sts").get_caller_identity()
        said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        emulator = self._sessions.only_loopback()
        if said is None:
            return warning("clock", "the answer bears no date", "Compare the clock yourself.")
        return about_clock(datetime.now(UTC), parsedate_to_datetime(said), emulator=emulator)

    def _reads(self) -> tuple[AccountDetails | None, list[Diagnosis]]:
        """Every call that a run reads with, tried; the users, if they could be read."""
        reader, said = self._door.reader, []
        details: AccountDetails | None = None
        password_policy: PasswordPolicy | None = None
        failed: list[Diagnosis] = []
        try:
            details = reader.details()
        except AwsFailure as failure:
            failed.append(_denied(failure))
        calls: list[Callable[[], object]] = [reader.credential_report]
        if details is not None and details.users:
            calls += self._of_one_user(details)
        for call in calls:
            try:
                call()
            except NotFound:
                continue
            except (AwsFailure, KeyreeveError) as failure:
                failed.append(_denied(failure))
        try:
            password_policy = reader.password_policy()
        except AwsFailure as failure:
            failed.append(_denied(failure))
        if not failed:
            users = len(details.users) if details else 0
            said.append(ok("reading IAM", f"every call is allowed; {users} users"))
        said += failed
        if password_policy is not None:
            said.append(about_password_policy(password_policy, resets=True))
        return details, said

    def _use_of_keys(self) -> Diagnosis:
        """Who calls with a key: worth knowing, and nothing waits for it."""
        reader, now = usage_tools(self._door).reader, datetime.now(UTC)
        for region in reader.regions():
            try:
                next(reader.calls(NO_KEY, region, now), None)
            except AwsFailure as failure:
                what = f"{region}: {failure.call}: {failure.what}"
                return warning("use of keys", what, failure.remedy or "Ask the doctor again later.")
        return ok("use of keys", f"CloudTrail tells in {' and '.join(reader.regions())}")

    def _of_one_user(self, details: AccountDetails) -> list[Callable[[], object]]:
        """The calls that look again before an act, tried on the first user."""
        reader, name = self._door.reader, details.users[0].name

        def last_used() -> object:
            keys = [key for user in details.users for key in reader.access_keys(user.name)[:1]][:1]
            return reader.access_key_last_used(keys[0].key_id) if keys else None

        return [
            lambda: reader.user(name),
            lambda: reader.access_keys(name),
            last_used,
            lambda: reader.has_login_profile(name),
            lambda: reader.has_mfa_device(name),
        ]

    def _access(self, details: AccountDetails) -> Iterator[Diagnosis]:
        """Every name in access.yaml; where Keyreeve itself is a user, it is nobody's duty."""
        yield ok("access.yaml", str(self._config.baseline.access))
        model = self._config.access_model()
        at = Place(partition=self._partition(), account_id=self._door.caller.account_id)
        reader: AccessReader = IamAccessReader(self._sessions)
        named = {at.policy(arn) for grant in model.grants for arn in grant.policies}
        try:
            check = AccessCheck(
                model=model,
                facts=reader.facts(),
                users=tuple(u for u in details.users if u.arn != self._door.caller.arn),
                missing_policies=frozenset(
                    arn for arn in sorted(named) if of_aws(arn) and not reader.has_policy(arn)
                ),
                at=at,
                policy=self._door.policy,
                project=stack_project(project_slug(self._config.project_name)),
            )
        except AwsFailure as failure:
            yield _denied(failure)
            return
        yield from about_access(check)

    def _partition(self) -> str:
        return self._door.caller.arn.split(":")[1]

    # --- the storage ----------------------------------------------------------------------------

    def _storage(self) -> Iterator[Diagnosis]:
        storage = self._config.storage
        if storage.directory is not None:
            yield self._directory()
        else:
            yield from self._bucket(str(storage.bucket))
        yield self._guarded("conditional writes", self._conditions)

    def _directory(self) -> Diagnosis:
        storage = self._config.storage
        folder = storage.directory
        while folder is not None and not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not os.access(str(folder), os.W_OK):
            remedy = f"`sudo chown $USER {folder}`, or name another storage.directory."
            return broken("storage", f"{folder} cannot be written to", remedy)
        if storage.unencrypted_ok or self._sessions.only_loopback():
            return ok("storage", f"{storage.directory}, not encrypted by Keyreeve")
        return broken(
            "storage",
            f"{storage.directory} is not encrypted by Keyreeve, so `run --execute` refuses it",
            "Use storage.bucket, or say storage.unencrypted_ok: true if the disk is encrypted.",
        )

    def _bucket(self, name: str) -> Iterator[Diagnosis]:
        client: Any = self._home.client("s3")
        below = self._door.prefix
        exists = self._guarded("bucket", lambda: _exists(client, name, below))
        yield exists
        if exists.remedy:
            return
        for check, call, ask in (
            ("encryption", "s3:GetBucketEncryption", _encryption),
            ("versioning", "s3:GetBucketVersioning", _versioning),
            ("Object Lock", "s3:GetObjectLockConfiguration", self._object_lock),
            ("public access", "s3:GetPublicAccessBlock", _public_access),
        ):
            yield self._guarded(check, lambda a=ask, c=call: calling(c)(a)(client, name))  # type: ignore[misc]
        below = self._door.prefix + CREDENTIALS
        yield self._guarded("old versions", lambda: _old_versions(client, name, below))

    def _object_lock(self, client: Any, name: str) -> Diagnosis:
        """Off is in order; on, it keeps also what is to be erased."""
        wanted = (self._config.retention.runs, self._config.credentials.backup_retention_days)
        ask = calling("s3:GetObjectLockConfiguration")(client.get_object_lock_configuration)
        try:
            answer = ask(Bucket=name)
        except NotFound:
            return about_object_lock(None, *wanted)
        rule = answer["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention", {})
        days = rule.get("Days", 0) + rule.get("Years", 0) * 365
        return about_object_lock(ObjectLock(mode=rule.get("Mode", ""), days=days), *wanted)

    def _conditions(self) -> Diagnosis:
        """A write on a condition that cannot hold: it must fail, so nothing is ever written."""
        from keyreeve.wiring import project_store

        store = project_store(self._config, self._acting, self._door.own_folder)
        try:
            store.put(PROBE, b"{}\n", if_version=NOBODY)
        except StorageConflict:
            return ok("conditional writes", "honoured: two runs can never overwrite each other")
        except StorageUnreachable as failure:
            if not isinstance(failure.__cause__, AccessDenied):
                raise
            return warning(
                "conditional writes",
                "not tried: this role may not write",
                "`keyreeve --profile ACTOR doctor`, with a profile of the role that acts.",
            )
        store.delete(PROBE)
        return broken(
            "conditional writes",
            f"{store.describe()} writes although the condition does not hold",
            "Use Amazon S3 or a local directory: other S3 servers may lack conditional writes.",
        )

    def _state(self) -> Diagnosis:
        from keyreeve.wiring import wire

        state = wire(self._door).tools.states.load()
        if state is None:
            return ok("state", f"none yet in {self._door.store.describe()}: a first run")
        return ok("state", f"readable; {len(state.users)} open cases")

    def _first_run(self) -> Diagnosis:
        """Whether the next run acts, and since when it may."""
        from keyreeve.storage.decisions import StoredDecisions

        people = StoredDecisions(self._door.store).read()
        return about_first_run(self._door.policy, people)

    def _vault(self) -> Diagnosis:
        """A secret that is not there: who may not look at it is told so before that."""
        client: Any = self._sessions.client("secretsmanager")
        name = f"{FOLDER}/{project_slug(self._config.project_name)}/doctor-probe"
        with suppress(NotFound):
            calling("secretsmanager:DescribeSecret")(client.describe_secret)(SecretId=name)
        region = client.meta.region_name
        return ok(
            "Secrets Manager", f"answers in {region}; writing is tried by the first hand-over"
        )

    # --- mail -----------------------------------------------------------------------------------

    def _texts(self) -> Diagnosis:
        """Every kind of mail, written with the project's own templates."""
        from keyreeve.render.own import mistakes, own_files
        from keyreeve.wiring import post_for

        texts = self._config.texts
        if texts.templates is None:
            return ok("mail templates", f"the shipped ones, language {texts.language}")
        head = post_for(self._config, self._door.caller.account_id).letterhead
        found = mistakes(texts.templates, language=texts.language, head=head)
        if found:
            return broken(
                "mail templates",
                "; ".join(map(str, found)),
                "Mend them, or take them away to use the shipped ones: no run begins like this. "
                "`keyreeve mail samples --out DIR` writes every kind of mail.",
            )
        own = ", ".join(own_files(texts.templates)) or "none yet"
        return ok("mail templates", f"own: {own}; every kind of mail can be written")

    def _mail(self) -> Iterator[Diagnosis]:
        mail = self._config.mail
        if mail.transport is Transport.DIRECTORY:
            yield ok("mail", f"goes to {mail.directory}; nobody gets any")
        elif mail.transport is Transport.SMTP and mail.smtp is not None:
            yield _smtp(mail.smtp.host, mail.smtp.port)
        else:
            client: Any = self._home.client("sesv2")
            sender = parseaddr(mail.sender)[1]
            yield self._guarded("SES sender", lambda: _identity(client, sender))
            yield from self._ses_account(client)

    def _channels(self) -> Iterator[Diagnosis]:
        """Each channel of the team; nothing is posted."""
        from keyreeve.wiring.channels import subscriptions

        for each in subscriptions(self._config, self._home):
            check = f"channel {each.channel.name}"
            yield self._guarded(check, partial(_usable, check, each))

    def _heartbeats(self) -> Iterator[Diagnosis]:
        """Each watcher of the dead man's switch; none is told anything."""
        from keyreeve.wiring.heartbeat import watchers

        for each in watchers(self._config, self._sessions):
            check = f"heartbeat, {each.name}"
            yield self._guarded(check, partial(_beats, check, each))

    def _ses_account(self, client: Any) -> Iterator[Diagnosis]:
        try:
            account = calling("sesv2:GetAccount")(client.get_account)()
        except AwsFailure as failure:
            yield _denied(failure)
            return
        if not account.get("SendingEnabled", True):
            remedy = "`aws sesv2 get-account` says why (EnforcementStatus); AWS Support ends it."
            yield broken("SES", "sending is paused", remedy)
        if not account.get("ProductionAccessEnabled", False):
            yield warning(
                "SES sandbox",
                "only verified addresses get mail",
                "`aws sesv2 put-account-details --production-access-enabled --mail-type "
                "TRANSACTIONAL --website-url URL` asks to leave it; until then verify every owner: "
                "`aws sesv2 create-email-identity --email-identity ADDRESS`.",
            )
        else:
            yield ok("SES sandbox", "left: mail goes to everybody")
        quota = account.get("SendQuota", {})
        most, sent = quota.get("Max24HourSend", -1), quota.get("SentLast24Hours", 0)
        if 0 <= most <= LITTLE_QUOTA:
            yield warning(
                "SES quota",
                f"{most - sent:.0f} of {most:.0f} recipients left today; CC counts",
                "Ask for more in Service Quotas, Amazon SES, Sending quota; until then mails are "
                "spread over days.",
            )
        else:
            left = "no limit" if most < 0 else f"{most - sent:.0f} of {most:.0f} left today"
            yield ok("SES quota", left)


def _usable(check: str, subscription: Subscription) -> Diagnosis:
    hears = ", ".join(sorted(subscription.hears))
    return ok(check, f"{subscription.channel.usable()}; hears {hears}")


def _beats(check: str, watcher: Heartbeat) -> Diagnosis:
    return ok(check, watcher.usable())


def _denied(failure: KeyreeveError) -> Diagnosis:
    return broken(failure.where or "AWS", failure.what, _remedy(failure))


def _remedy(error: KeyreeveError) -> str:
    """What to do, but never "ask the doctor"."""
    if error.remedy and "keyreeve doctor" not in error.remedy:
        return error.remedy
    return "Allow this call: `keyreeve policy print --role reader` prints what the role needs."


def _exists(client: Any, name: str, below: str) -> Diagnosis:
    """Asked below the project's prefix: the right to list need not reach further."""
    ask = calling("s3:ListObjectsV2")(client.list_objects_v2)
    try:
        ask(Bucket=name, Prefix=below, MaxKeys=1)
    except NotFound:
        return broken("bucket", f"there is no bucket {name}", "`keyreeve init --bucket` makes it.")
    return ok("bucket", name)


def _encryption(client: Any, name: str) -> Diagnosis:
    try:
        answer = calling("s3:GetBucketEncryption")(client.get_bucket_encryption)(Bucket=name)
    except NotFound:
        remedy = "`keyreeve init --bucket` sets it."
        return warning("encryption", "the bucket has no default", remedy)
    rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    return ok("encryption", rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])


def _versioning(client: Any, name: str) -> Diagnosis:
    status = client.get_bucket_versioning(Bucket=name).get("Status")
    if status == "Enabled":
        return ok("versioning", "on")
    return broken(
        "versioning",
        "off: a damaged state.json could not be put back",
        "`keyreeve init --bucket` switches it on.",
    )


def _public_access(client: Any, name: str) -> Diagnosis:
    try:
        answer = calling("s3:GetPublicAccessBlock")(client.get_public_access_block)(Bucket=name)
        blocked = all(answer["PublicAccessBlockConfiguration"].values())
    except NotFound:
        blocked = False
    if blocked:
        return ok("public access", "blocked")
    return broken(
        "public access", "not blocked by the bucket", "`keyreeve init --bucket` blocks it."
    )


def _old_versions(client: Any, name: str, below: str) -> Diagnosis:
    """Escrow is purged with all its versions, so they must be seen."""
    ask = calling("s3:ListObjectVersions")(client.list_object_versions)
    ask(Bucket=name, Prefix=below, MaxKeys=1)
    return ok("old versions", "can be listed, so that purged credentials leave none")


def _identity(client: Any, sender: str) -> Diagnosis:
    """The address itself, or its domain."""
    ask = calling("sesv2:GetEmailIdentity")(client.get_email_identity)
    for identity in (sender, sender.rpartition("@")[2]):
        try:
            if ask(EmailIdentity=identity).get("VerifiedForSendingStatus"):
                return ok("SES sender", f"{identity} is verified")
        except NotFound:
            continue
    remedy = (
        f"`aws sesv2 create-email-identity --email-identity {quote(sender)}` mails a link to it; "
        "or verify the whole domain."
    )
    return broken("SES sender", f"{sender} is not verified", remedy)


def _smtp(host: str, port: int) -> Diagnosis:
    try:
        with socket.create_connection((host, port), timeout=10):
            return ok("SMTP", f"{host}:{port} answers")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return broken(
            "SMTP",
            f"{host}:{port}: {reason}",
            f"See mail.smtp; `nc -vz {host} {port}` tries the way.",
        )
