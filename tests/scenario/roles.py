"""Keyreeve lived through under the policies of its own roles: every verb, every kind of act.

Each call is recorded with the questions that AWS would have asked about it.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.sandbox_fixture import MONDAY, aws

from keyreeve.aws.s3_store import S3Store
from keyreeve.cli import main
from keyreeve.config import Config, parse
from keyreeve.governance.installation import Installation
from keyreeve.governance.own_policies import Role, documents, in_documents, role_name
from keyreeve.governance.people_policies import PeopleRole, people_statements
from keyreeve.handlers.mail_feedback import handle
from keyreeve.model.identifiers import AccountId, RunId
from keyreeve.sandbox.account import BUCKET, HOME_ACCOUNT, OWN_USER, REGION
from keyreeve.sandbox.account_file import load_document
from keyreeve.sandbox.process import Sandbox, events
from keyreeve.storage.audit_inbox import leave
from keyreeve.wiring import required_access_model
from keyreeve.wiring.installation import installation_of

SENDER = "iam-compliance@example.com"
PREFIX = "iam-compliance/etv/"
NEW_BUCKET = "a-new-bucket"
KMS_KEY = f"arn:aws:kms:{REGION}:{HOME_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SECRETS_KEY = f"arn:aws:kms:{REGION}:{HOME_ACCOUNT}:key/5678abcd-12ab-34cd-56ef-1234567890ab"
CONFIG = """\
project_name: "ETV"
storage: {{bucket: {bucket}{kms}}}
mail:
  sender: "IAM Compliance <iam-compliance@example.com>"
  cc: [msp-team@example.com]
  owner: {{domains: [example.com]}}
escalation: {{free_slot: {{delete_after_days: 30}}}}
enforcement: {{console_mfa: quarantine, user_inactive: delete_login_profile}}
limits: {{disruptive_share: 1.0, disruptive_floor: 50}}
credentials: {{backup_retention_days: 1{secrets_key}}}
retention: {{runs: 3d, audit: 5d}}
exclusions:
  - {{tag: "keyreeve:exclude=true", reason: "watched, never touched"}}
  - {{user: "break-glass-*", reason: "emergency access"}}
"""
CLASSES = """\
classes:
  - {match: {user: "aged.*"}, credentials: {delivery: both}}
"""
BASELINE = f"""\
baseline: {{access: "{Path(__file__).parent.parent / "data" / "access" / "good.minimal.yaml"}"}}
"""
TOPIC = f"arn:aws:sns:{REGION}:{HOME_ACCOUNT}:msp-team"
CHANNELS = f"""\
channels:
  - {{kind: sns, topic_arn: "{TOPIC}", what: [team, summary, run]}}
"""
HEARTBEAT = "heartbeat: {metric: true}\n"
BY_MAIL = CONFIG.format(bucket=BUCKET, kms="", secrets_key="")
PLAIN = BY_MAIL + CLASSES + CHANNELS + HEARTBEAT + BASELINE
WITH_KMS = CLASSES + CONFIG.format(
    bucket=BUCKET,
    kms=f", kms_key_id: '{KMS_KEY}'",
    secrets_key=f", kms_key_id: '{SECRETS_KEY}'",
)
NEW = CONFIG.format(bucket=NEW_BUCKET, kms="", secrets_key="")
LAST = 15
DEMO_DAYS = 16

AnyRole = Role | PeopleRole


def account() -> dict[str, Any]:
    """The small account, with two users that nobody may touch."""
    document = dict(load_document("small"))
    untouchable = [
        {"name": "break-glass-1", "path": "/emergency/", "keys": [{"created": "9d"}]},
        {"name": "svc-backup", "tags": {"keyreeve:exclude": "true"}, "keys": [{"created": "9d"}]},
    ]
    return {**document, "users": [*document["users"], *untouchable]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command of a role and what came of it."""

    config: str
    """The text of config.yaml."""
    role: AnyRole
    command: str
    code: int
    calls: Sequence[Mapping[str, Any]]
    """As calls.Call has them, with `asked`."""
    refusable: bool = False
    """Whether the doctor tries a write that its role may not do, and says so."""


@dataclass(slots=True, kw_only=True)
class Recording:
    """Everything that was done."""

    done: list[Done] = field(default_factory=list)


@cache
def installed(config: str, account: AccountId = HOME_ACCOUNT) -> Installation:
    """What the policies of this config name in an account."""
    return installation_of(_parsed(config), account_id=account, region=REGION)


@cache
def shipped(
    config: str, role: AnyRole, account: AccountId = HOME_ACCOUNT
) -> tuple[dict[str, Any], ...]:
    """The role's policy as `policy print` has it."""
    at = installed(config, account)
    if isinstance(role, Role):
        return documents(at, role)
    return in_documents(people_statements(at, required_access_model(_parsed(config)), role))


@cache
def _parsed(config: str) -> Config:
    return parse(config, path=Path("config.yaml"))


def actions_in(policies: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Every action that the documents allow."""
    return frozenset(
        action
        for document in policies
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    )


class House:
    """Keyreeve in a sandbox, as one role after another; each command in this process, or `spawned`.

    `guarded` False: as an administrator, as if nobody watched.
    """

    def __init__(self, sandbox: Sandbox, folder: Path, *, guarded: bool = True) -> None:
        self.sandbox = sandbox
        self.recording = Recording()
        self.spawned = False
        self.path = folder / "config.yaml"
        self._guarded = guarded
        self._first_keys: set[str] = set()
        self.settle(PLAIN)

    def settle(self, config: str) -> None:
        """From now on with this config."""
        self._config = config
        self.path.write_text(config, encoding="utf-8")

    def __call__(self, role: AnyRole, *arguments: str, refusable: bool = False) -> tuple[int, str]:
        """One command; its exit code and output."""
        given = ["--config", str(self.path), *arguments]
        with self.acting(role, " ".join(arguments), refusable=refusable) as codes:
            code, out = _spawned(given) if self.spawned else _here(given)
            codes.append(code)
        return code, out

    @contextmanager
    def acting(self, role: AnyRole, what: str, *, refusable: bool = False) -> Iterator[list[int]]:
        """As this role; its calls are recorded. The exit code is put into the list."""
        self.sandbox.forget_calls()
        if self._guarded:
            self.sandbox.authorise(shipped(self._config, role))
        codes: list[int] = []
        with _environment(self.sandbox):
            yield codes
        self.recording.done.append(
            Done(
                config=self._config,
                role=role,
                command=what,
                code=codes[0] if codes else 0,
                calls=tuple(self.sandbox.calls()),
                refusable=refusable,
            )
        )
        self.sandbox.authorise(None)

    def reset(self, document: str | Mapping[str, Any]) -> None:
        """Another account with the team's topic; its report is ready when it is asked for."""
        self.sandbox.reset(document, MONDAY, report_started=False)
        aws(self.sandbox.url, "sns").create_topic(Name=TOPIC.rpartition(":")[2])
        users = self.sandbox.account()["users"].values()
        self._first_keys = {key["id"] for user in users for key in user["keys"]}

    def run(self, day: int) -> tuple[int, str]:
        """The daily run; once a week it is rehearsed first by who only reads."""
        at = self.at(day)
        if day % 7 == 0:
            self(Role.READER, "run", "--as-of", at)
        return self(Role.ACTOR, "run", "--execute", "--as-of", at)

    def at(self, day: float) -> str:
        """The instant of a day, the sandbox's clock set alike."""
        now = MONDAY + timedelta(days=day)
        self.sandbox.set_clock(now)
        return now.isoformat().replace("+00:00", "Z")

    def end(self) -> dict[str, Any]:
        """What can be told of the end: no secrets, no ids of new keys, no own user."""
        users = {
            name: {
                "keys": [
                    (key["id"] if key["id"] in self._first_keys else "new", key["status"])
                    for key in user["keys"]
                ],
                "password": user["login_profile"] is not None,
                "groups": user["groups"],
            }
            for name, user in self.sandbox.account()["users"].items()
            if name != OWN_USER
        }
        mails = [(mail.at.isoformat(), mail.destinations) for mail in self.sandbox.mails()]
        return {"users": users, "mails": mails}


def _here(arguments: list[str]) -> tuple[int, str]:
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        return main(arguments), out.getvalue()


def _spawned(arguments: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "keyreeve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@contextmanager
def _environment(sandbox: Sandbox) -> Iterator[None]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "KEYREEVE_"))}
    with patch.dict(os.environ, kept | sandbox.environment(), clear=True):
        yield


# --- stories --------------------------------------------------------------------------------------


def cycle(house: House) -> None:
    """One account from the first notice to the purge; a lost answer leaves an orphan."""
    for day in (0, 3, 7, 10, 11, 14, LAST):
        if day == 7:
            house.sandbox.plant_fault("CreateAccessKey", answer="drop", when="after")
        house.run(day)
        if day == 7:
            resend(house)
        if day == 14:
            heard(house)


def lookers(house: House, role: AnyRole = Role.READER) -> None:
    """Every verb that only looks."""
    now = house.at(LAST)
    for verb in ("check", "plan", "summary"):
        house(role, verb, "--as-of", now)
    for kind in ("html", "csv", "json"):
        house(role, "report", "--format", kind, "--as-of", now)
    for command in ("case list", "case show no.mfa", "waiver list", "state show", "state verify"):
        house(role, *command.split())
    house(role, "mail", "preview", "no.mfa", "--as-of", now)
    house(role, "doctor", refusable=True)
    _watched(house)
    house(role, "check", "--posture", "--as-of", now)


def _watched(house: House) -> None:
    """A trail, a detector, an analyzer, somebody who uses Git: all that posture can ask about."""
    url = house.sandbox.url
    trails = aws(url, "cloudtrail")
    trails.create_trail(Name="main", S3BucketName=BUCKET, IsMultiRegionTrail=True)
    aws(url, "guardduty").create_detector(Enable=True)
    aws(url, "accessanalyzer").create_analyzer(analyzerName="external", type="ACCOUNT")


def senders(house: House) -> None:
    """Findings into Security Hub, twice, and all that only looks, by the role that sends them."""
    hub = Role.SECURITY_HUB
    aws(house.sandbox.url, "securityhub").enable_security_hub()
    now = house.at(LAST)
    for _ in range(2):
        house(hub, "report", "--security-hub", "--execute", "--as-of", now)
    for verb in ("check", "plan", "summary"):
        house(hub, verb, "--as-of", now)
    house(hub, "doctor", refusable=True)


def deciders(house: House) -> None:
    """Every verb of the team, and the storage mended."""
    now = house.at(LAST)
    act = Role.ACTOR
    (key, *_) = house.sandbox.user("stale.key")["keys"][1:]
    reinstate = ("reinstate", "stale.key", key["id"], "--for", "24h", "--reason", "a release")
    house(act, *reinstate, "--execute", "--as-of", now)
    until = ("--until", "2026-02-01", "--reason", "on leave")
    house(act, "case", "hold", "no.mfa", *until)
    house(act, "case", "unhold", "no.mfa")
    house(act, "waiver", "add", "no.mfa", *_WAIVER)
    (waiver,) = _json(house, "waiver", "list")["waivers"]
    house(act, "waiver", "revoke", waiver["waiver_id"])
    house(act, "run", "--pause", "a migration")
    house(act, "run", "--resume")
    house(act, "summary", "--send", "--as-of", now)
    house(act, "check", "--posture", "--as-of", now)
    house(act, "doctor", "--send-test", "somebody@example.com")
    house(act, "state", "migrate")
    _broken(house)


def evidence(house: House) -> None:
    """A signed and masked pack, and the end of what is kept too long."""
    period = ("--from", "2026-01-05", "--to", "2026-01-09")
    out = str(house.path.parent / f"{len(house.recording.done)}.zip")
    house(Role.EVIDENCE, "evidence", "export", *period, "--out", out, "--mask")
    house(Role.EVIDENCE, "evidence", "purge")
    house(Role.EVIDENCE, "evidence", "purge", "--execute")


def signing(house: House) -> None:
    """The same with a key that signs."""
    kms = aws(house.sandbox.url, "kms")
    key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["Arn"]
    house.settle(f"{PLAIN}evidence: {{signing_key: '{key}'}}\n")
    store = S3Store(aws(house.sandbox.url, "s3"), bucket=BUCKET, prefix=PREFIX)
    leave(store, "people.paused", MONDAY, {"by": "somebody"}, RunId("20260105T060000Z-0000"))
    evidence(house)


_WAIVER = (
    *("--reason", "vendor", "--requested-by", "ana@example.com"),
    *("--approved-by", "ciso@example.com", "--expires", "2026-02-28"),
)


def resend(house: House) -> None:
    """A private mail goes out again, and E of its case moves."""
    house(Role.ACTOR, "case", "resend", "aged.key", "--send", "--as-of", house.at(7))
    house(Role.ACTOR, "case", "extend", "aged.key", "--days", "1", "--reason", "a freeze")


def heard(house: House) -> None:
    """A mail came back; of the first attempt to keep that the answer is lost."""
    (mail, *_) = house.sandbox.mails()
    event = house.sandbox.feedback(mail, "reject")
    house.sandbox.plant_fault("PutObject", key="feedback/", answer="drop", when="after")
    with (
        house.acting(Role.MAIL_FEEDBACK, "handlers.mail_feedback.handle"),
        patch.dict(os.environ, KEYREEVE_CONFIG=str(house.path)),
    ):
        handle(event)


def _broken(house: House) -> None:
    """A state and a lock that cannot be read."""
    s3 = aws(house.sandbox.url, "s3")
    state = s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}state.json")["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}state.json", Body=state[:100])
    for folder in ("feedback/2026/01/20", "audit-inbox"):
        s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}{folder}/rubbish.json", Body=b"{")
    house(Role.ACTOR, "state", "repair")
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}lock.json", Body=b"{")
    house(Role.ACTOR, "state", "unlock", "--force")


def deploying(house: House) -> None:
    """The bucket, the roles and their policies, made by the deployer."""
    house.settle(NEW)
    house(Role.DEPLOYER, "init", "--bucket", "--no-tls-only")
    house(Role.DEPLOYER, "init", "--bucket", "--tls-only")
    iam, at = aws(house.sandbox.url, "iam"), installed(NEW)
    with house.acting(Role.DEPLOYER, "aws iam create-role …"):
        for role in Role:
            if role is Role.DEPLOYER or not documents(at, role):
                continue
            name = role_name(at, role)
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
            for number, document in enumerate(documents(at, role), start=1):
                text = json.dumps(document)
                made = iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=text)
                arn = made["Policy"]["Arn"]
                iam.attach_role_policy(RoleName=name, PolicyArn=arn)
                iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)


_TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HOME_ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    },
}


def encrypted(house: House) -> None:
    """From the first notice to the hand-over, with KMS keys for the bucket and for the secrets."""
    house.settle(WITH_KMS)
    for day in (0, 3, 7):
        house.run(day)
    heard(house)
    house(Role.READER, "state", "verify")
    aws(house.sandbox.url, "securityhub").enable_security_hub()
    house(Role.SECURITY_HUB, "report", "--security-hub", "--execute", "--as-of", house.at(7))
    evidence(house)


def demo(house: House, days: int = DEMO_DAYS) -> None:
    """The demo's own account and story."""
    story = list(events("demo"))
    for day in range(days):
        house.run(day)
        for on, hour, user, act, details in story:
            if on == day:
                house.sandbox.set_clock(MONDAY + timedelta(days=on, hours=hour))
                house.sandbox.act(user, act, **details)


def _json(house: House, *arguments: str) -> Any:
    return json.loads(house(Role.READER, "--output", "json", *arguments)[1])
