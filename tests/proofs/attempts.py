"""What Keyreeve's roles must be refused, each beside the nearest thing that they may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tests import fleets
from tests.scenario import roles
from tests.scenario.roles import PLAIN, PREFIX, WITH_KMS, AnyRole
from tests.scenario.roles_of_fleet import LISTED

from keyreeve.governance.own_policies import Role
from keyreeve.governance.people_policies import PeopleRole
from keyreeve.language.policy_evaluator import Request
from keyreeve.sandbox.account import BUCKET, HOME_ACCOUNT, OWN_USER, REGION

COUNTS = "cloudwatch:PutMetricData"
LOOKS_INTO_SECRETS = "s3:GetObject"
USER = f"arn:aws:iam::{HOME_ACCOUNT}:user/"
GROUP = f"arn:aws:iam::{HOME_ACCOUNT}:group/"
OBJECTS = f"arn:aws:s3:::{BUCKET}/{PREFIX}"
SECRET = f"arn:aws:secretsmanager:{REGION}:{HOME_ACCOUNT}:secret:keyreeve/etv/AIDA/o-1-a1B2c3"
ACTS = (
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:DeleteLoginProfile",
    "iam:UpdateAccessKey",
    "iam:UpdateLoginProfile",
)
UNTOUCHABLE = {
    "user/emergency/break-glass-1": {},
    "user/break-glass-2": {},
    "user/svc-backup": {"aws:resourcetag/keyreeve:exclude": ("true",)},
    f"user/{OWN_USER}": {},
    f"user/machines/{OWN_USER}": {},
}
ENCRYPTED = {"s3:x-amz-server-side-encryption": ("AES256",)}
ONCE = {**ENCRYPTED, "s3:if-none-match": ("*",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Something that a role must not do; `mended` is the nearest thing that it may."""

    role: AnyRole
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]
    mended: Request | None = None
    config: str = PLAIN
    denied: bool = False
    """Refused even where another policy of the role allows everything."""

    @property
    def question(self) -> Request:
        return _asked(self.action, self.resource, self.context)

    def __str__(self) -> str:
        return f"{self.role} may {self.action} on {self.resource} with {dict(self.context)}"


def _common() -> dict[str, tuple[str, ...]]:
    return {
        "aws:username": (OWN_USER,),
        "aws:resourceaccount": (HOME_ACCOUNT,),
        "aws:securetransport": ("true",),
        "kms:viaservice": (f"s3.{REGION}.amazonaws.com",),
        "kms:encryptioncontext:aws:s3:arn": (f"{OBJECTS}state.json",),
    }


def attempts() -> Iterator[Attempt]:
    for action in ACTS:
        allowed = _asked(action, f"{USER}path/somebody", {})
        for name, tags in UNTOUCHABLE.items():
            arn = f"arn:aws:iam::{HOME_ACCOUNT}:{name}"
            yield replace(_attempt(Role.ACTOR, action, arn, tags, allowed), denied=True)
        other = "arn:aws:iam::999999999999:user/somebody"
        yield _attempt(Role.ACTOR, action, other, {}, allowed)
    group = _asked("iam:AddUserToGroup", f"{GROUP}MFA-Setup", {})
    yield _attempt(Role.ACTOR, group.action, f"{GROUP}Administrator", {}, group)
    mail = {"ses:fromaddress": (roles.SENDER,)}
    domain = f"arn:aws:ses:{REGION}:{HOME_ACCOUNT}:identity/example.com"
    sent = _asked("ses:SendRawEmail", domain, mail)
    forged = {"ses:fromaddress": ("ceo@example.com",)}
    yield _attempt(Role.ACTOR, sent.action, domain, forged, sent)
    yield from _storage_attempts()
    yield from _reader_attempts()
    yield from _feedback_attempts()
    yield from _evidence_attempts()
    yield from _secret_attempts()
    yield from _key_attempts()
    yield from _hub_attempts()
    yield from _channel_attempts()
    yield from _people_attempts()
    for attempt in _fleet_attempts():
        yield replace(attempt, config=LISTED)
    counted = _asked(COUNTS, "*", {"cloudwatch:namespace": ("Keyreeve",)})
    for context in ({}, {"cloudwatch:namespace": ("AWS/S3",)}):
        yield _attempt(Role.ACTOR, COUNTS, "*", context, counted)


def _storage_attempts() -> Iterator[Attempt]:
    put, get, state = "s3:PutObject", LOOKS_INTO_SECRETS, f"{OBJECTS}state.json"
    for name, context in {
        "ops/o1/1-intent.json": ENCRYPTED,
        "credentials/access-keys/u/o-1.csv": ENCRYPTED,
        "audit/2026/01/05/r/000001.jsonl": ENCRYPTED,
        "audit-inbox/1.json": ENCRYPTED,
    }.items():
        may = _asked(put, OBJECTS + name, ONCE)
        yield _attempt(Role.ACTOR, put, OBJECTS + name, context, may)
        yield _attempt(Role.ACTOR, put, OBJECTS + name, {"s3:if-none-match": ("*",)}, may)
        for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
            yield _attempt(Role.ACTOR, action, f"{OBJECTS}ops/x", {}, None)
    written = _asked(put, state, ENCRYPTED)
    aws_kms = {"s3:x-amz-server-side-encryption": ("aws:kms",)}
    for context in ({}, aws_kms):
        yield _attempt(Role.ACTOR, put, state, context, written)
    for broken in ({"aws:securetransport": ("false",)}, {"aws:resourceaccount": ("9" * 12,)}):
        yield _attempt(Role.ACTOR, put, state, {**ENCRYPTED, **broken}, written)
        yield _attempt(Role.READER, get, state, broken, _asked(get, state, {}))
    elsewhere = state.replace("/etv/", "/another/")
    yield _attempt(Role.ACTOR, put, elsewhere, ENCRYPTED, written)
    yield _attempt(Role.ACTOR, get, elsewhere, {}, _asked(get, state, {}))
    bucket = f"arn:aws:s3:::{BUCKET}"
    listed = _asked("s3:ListBucket", bucket, {"s3:prefix": (f"{PREFIX}ops/",)})
    for context in ({}, {"s3:prefix": ("iam-compliance/another/",)}, {"s3:prefix": ("",)}):
        yield _attempt(Role.READER, listed.action, bucket, context, listed)
    versions = _asked("s3:ListBucketVersions", bucket, {"s3:prefix": (f"{PREFIX}state.json",)})
    other = {"s3:prefix": (f"{PREFIX}audit/",)}
    yield _attempt(Role.ACTOR, versions.action, bucket, other, versions)
    escrow = f"{OBJECTS}credentials/access-keys/u/o-1.csv"
    purged = _asked("s3:DeleteObjectVersion", escrow, {})
    yield _attempt(Role.ACTOR, "s3:DeleteObject", escrow, {}, purged)
    yield _attempt(Role.ACTOR, purged.action, state, {}, purged)


def _reader_attempts() -> Iterator[Attempt]:
    for action in ACTS:
        yield _attempt(Role.READER, action, f"{USER}somebody", {}, None)
    secret = f"{OBJECTS}credentials/access-keys/u/o-1.csv"
    yield replace(_attempt(Role.READER, LOOKS_INTO_SECRETS, secret, {}, None), denied=True)
    yield _attempt(Role.READER, "s3:PutObject", f"{OBJECTS}state.json", ENCRYPTED, None)


def _hub_attempts() -> Iterator[Attempt]:
    """Whoever sends findings sends them for this account, and acts on nobody."""
    role, hub = Role.SECURITY_HUB, f"arn:aws:securityhub:{REGION}"
    product = f"{hub}:{HOME_ACCOUNT}:product/{HOME_ACCOUNT}/default"
    sent = _asked("securityhub:BatchImportFindings", product, {})
    for other in (
        f"{hub}:{'9' * 12}:product/{'9' * 12}/default",
        f"{hub}::product/aws/guardduty",
        f"arn:aws:securityhub:eu-west-3:{HOME_ACCOUNT}:product/{HOME_ACCOUNT}/default",
    ):
        yield _attempt(role, sent.action, other, {}, sent)
    for action in ACTS:
        yield _attempt(role, action, f"{USER}somebody", {}, None)
    put, memory = "s3:PutObject", f"{OBJECTS}reports/security-hub.json"
    may = _asked(put, memory, ENCRYPTED)
    for name in ("state.json", "lock.json", "waivers.json", "reports/another.json"):
        yield _attempt(role, put, OBJECTS + name, ENCRYPTED, may)
    record = f"{OBJECTS}audit-inbox/1.json"
    yield _attempt(role, put, record, ENCRYPTED, _asked(put, record, ONCE))
    secret = f"{OBJECTS}credentials/access-keys/u/o-1.csv"
    yield replace(_attempt(role, LOOKS_INTO_SECRETS, secret, {}, None), denied=True)
    for stranger in (Role.READER, Role.ACTOR, Role.DEPLOYER, Role.MAIL_FEEDBACK):
        yield _attempt(stranger, sent.action, product, {}, None)


def _channel_attempts() -> Iterator[Attempt]:
    """Only the topics that the config names are told, and only by who acts."""
    told = _asked("sns:Publish", roles.TOPIC, {})
    yield _attempt(Role.ACTOR, told.action, f"{roles.TOPIC}-another", {}, told)
    yield _attempt(Role.READER, told.action, roles.TOPIC, {}, None)


def _people_attempts() -> Iterator[Attempt]:
    """No group but those of the access model, and nobody who is excluded."""
    join, leave = "iam:AddUserToGroup", "iam:RemoveUserFromGroup"
    for role in PeopleRole:
        may = _asked(join, f"{GROUP}Developers", {})
        yield _attempt(role, join, f"{GROUP}Billing", {}, may)
        yield replace(_attempt(role, join, f"{GROUP}Quarantine", {}, may), denied=True)
        for action in ("iam:CreateAccessKey", "iam:AttachUserPolicy"):
            yield _attempt(role, action, f"{USER}somebody", {}, None)
    out = _asked(leave, f"{GROUP}Developers", {})
    shut = _attempt(PeopleRole.ONBOARDING, leave, f"{GROUP}Quarantine", {}, out)
    yield replace(shut, denied=True)
    yield _attempt(PeopleRole.ONBOARDING, "iam:TagUser", f"{USER}somebody", {}, None)
    for name, tags in UNTOUCHABLE.items():
        for action in ("iam:UpdateLoginProfile", "iam:DeleteUser", "iam:TagUser"):
            may = _asked(action, f"{USER}path/somebody", {})
            arn = f"arn:aws:iam::{HOME_ACCOUNT}:{name}"
            yield replace(_attempt(PeopleRole.PEOPLE, action, arn, tags, may), denied=True)
    role = _asked("iam:GetRole", f"arn:aws:iam::{HOME_ACCOUNT}:role/DeveloperRole", {})
    other = f"arn:aws:iam::{HOME_ACCOUNT}:role/Elsewhere"
    yield _attempt(PeopleRole.PEOPLE, role.action, other, {}, role)
    yield _attempt(PeopleRole.PEOPLE, "s3:DeleteObjectVersion", f"{OBJECTS}state.json", {}, None)


def _fleet_attempts() -> Iterator[Attempt]:
    """Into no account and by no role that the config does not name; its days, and none deleted."""
    role, enter = Role.FLEET, "sts:AssumeRole"
    account, stranger = fleets.number(0), "9" * 12
    may = _asked(enter, f"arn:aws:iam::{account}:role/{fleets.ROLE}", {})
    for other in (f"{stranger}:role/{fleets.ROLE}", f"{account}:role/Administrator"):
        yield _attempt(role, enter, f"arn:aws:iam::{other}", {}, may)
    put = _asked("s3:PutObject", f"{OBJECTS}fleet/2026-01-05/summary.json", ENCRYPTED)
    yield _attempt(role, put.action, put.resource, {}, put)
    yield _attempt(role, "s3:DeleteObject", put.resource, {}, None)
    yield _attempt(role, put.action, f"{OBJECTS}fleet-results/x.json", ENCRYPTED, put)
    for action in ACTS:  # in its own account, which the config does not name
        yield _attempt(role, action, f"{USER}somebody", {}, None)
    for other in (Role.READER, Role.ACTOR, Role.MEMBER):
        yield _attempt(other, enter, may.resource, {}, None)


def _feedback_attempts() -> Iterator[Attempt]:
    """Whoever hears of bounces writes them once, and touches nothing else."""
    role, put, key = Role.MAIL_FEEDBACK, "s3:PutObject", f"{OBJECTS}feedback/2026/01/05/x.json"
    may, read = _asked(put, key, ONCE), _asked("s3:GetObject", key, {})
    for context in (ENCRYPTED, {"s3:if-none-match": ("*",)}):
        yield _attempt(role, put, key, context, may)
    for other in ("state.json", "ops/o1/1-intent.json", "credentials/access-keys/u/o-1.csv"):
        yield _attempt(role, put, OBJECTS + other, ONCE, may)
        yield _attempt(role, read.action, OBJECTS + other, {}, read)
    yield _attempt(Role.ACTOR, put, key, ONCE, None)


def _evidence_attempts() -> Iterator[Attempt]:
    """Whoever takes evidence out reads no credential, ends no escrow, acts on nobody."""
    role, end = Role.EVIDENCE, "s3:DeleteObjectVersion"
    may = _asked(end, f"{OBJECTS}audit/2026/01/05/r/000001.jsonl", {})
    escrow = f"{OBJECTS}credentials/access-keys/u/o-1.csv"
    for other in (escrow, f"{OBJECTS}ops/o1/1-intent.json", f"{OBJECTS}state.json"):
        yield _attempt(role, end, other, {}, may)
    yield replace(_attempt(role, LOOKS_INTO_SECRETS, escrow, {}, None), denied=True)
    put = _asked("s3:PutObject", f"{OBJECTS}audit-start.json", ENCRYPTED)
    for other in ("state.json", "waivers.json", "ops/o1/1-intent.json"):
        yield _attempt(role, put.action, OBJECTS + other, ENCRYPTED, put)
    yield _attempt(
        role, put.action, may.resource, ENCRYPTED, _asked(put.action, may.resource, ONCE)
    )
    for action in ACTS:
        yield _attempt(role, action, f"{USER}somebody", {}, None)
    for other in (Role.ACTOR, Role.READER):
        yield _attempt(other, end, may.resource, {}, None)
        yield _attempt(other, put.action, put.resource, ENCRYPTED, None)
        yield _attempt(other, LOOKS_INTO_SECRETS, f"{OBJECTS}evidence/salt.json", {}, None)


def _secret_attempts() -> Iterator[Attempt]:
    """Secrets of others, a secret without our tag, one that strangers could be let into."""
    actor, name = Role.ACTOR, "secretsmanager:{}".format
    tagged = {"aws:requesttag/keyreeve:project": ("etv",)}
    blocked = {"secretsmanager:blockpublicpolicy": ("true",)}
    for verb, context, broken in (
        ("CreateSecret", tagged, {"aws:requesttag/keyreeve:project": ("other",)}),
        ("TagResource", tagged, {}),
        ("PutResourcePolicy", blocked, {"secretsmanager:blockpublicpolicy": ("false",)}),
        ("PutResourcePolicy", blocked, {}),
    ):
        may = _asked(name(verb), SECRET, context)
        yield _attempt(actor, may.action, SECRET, broken, may)
    for verb, context in (
        ("CreateSecret", tagged),
        ("PutResourcePolicy", blocked),
        ("PutSecretValue", {}),
        ("DeleteSecret", {}),
        ("DescribeSecret", {}),
    ):
        may = _asked(name(verb), SECRET, context)
        yield _attempt(actor, may.action, SECRET.replace("/etv/", "/another/"), context, may)
        if verb != "DescribeSecret":
            yield _attempt(Role.READER, may.action, SECRET, context, None)
    for role in (Role.READER, actor):
        read = _attempt(role, name("GetSecretValue"), SECRET, {}, None)
        yield replace(read, denied=True)


def _key_attempts() -> Iterator[Attempt]:
    """The KMS key, otherwise than through S3, and for another bucket's objects."""
    for role, action in ((Role.READER, "kms:Decrypt"), (Role.ACTOR, "kms:GenerateDataKey")):
        may = _asked(action, roles.KMS_KEY, {})
        for broken in (
            {"kms:viaservice": (f"secretsmanager.{REGION}.amazonaws.com",)},
            {"kms:encryptioncontext:aws:s3:arn": ("arn:aws:s3:::other/x",)},
        ):
            made = _attempt(role, action, roles.KMS_KEY, broken, may)
            yield replace(made, config=WITH_KMS)
    through = {
        "kms:viaservice": (f"secretsmanager.{REGION}.amazonaws.com",),
        "kms:encryptioncontext:secretarn": (SECRET,),
    }
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        may = _asked(action, roles.SECRETS_KEY, through)
        for broken in (
            {**through, "kms:viaservice": (f"s3.{REGION}.amazonaws.com",)},
            {**through, "kms:encryptioncontext:secretarn": (SECRET.replace("/etv/", "/x/"),)},
        ):
            made = _attempt(Role.ACTOR, action, roles.SECRETS_KEY, broken, may)
            yield replace(made, config=WITH_KMS)


def _asked(action: str, resource: str, context: Mapping[str, tuple[str, ...]]) -> Request:
    return Request(action=action, resource=resource, context={**_common(), **context})


def _attempt(
    role: AnyRole,
    action: str,
    resource: str,
    context: Mapping[str, tuple[str, ...]],
    mended: Request | None,
) -> Attempt:
    return Attempt(role=role, action=action, resource=resource, context=context, mended=mended)
