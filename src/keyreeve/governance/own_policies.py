"""The policies of Keyreeve's own roles: no right that nothing uses, no resource that nothing needs.

reader     check, plan, a rehearsed run, doctor, summary, case list|show, state show|verify
actor      the reader's, and run --execute, reinstate, case resend, decisions, state repair|unlock
deployer   init --bucket, and the two roles themselves

Acting rights come from the effects that this config can bring about (`required_actions`): without
`quarantine` there is no AddUserToGroup. What must never be touched is denied besides, so that no
other policy of the role can open it: excluded users, Keyreeve's own user.

What IAM cannot say, Keyreeve itself must keep: iam:AddUserToGroup knows the group and not the
user, so an exclusion is not denied there; waivers and holds are no facts of IAM. The bucket must
belong to the account (`aws:ResourceAccount`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from keyreeve.language.authorizations import ACTIONS, Kind
from keyreeve.language.policy_document import VERSION
from keyreeve.model import effect
from keyreeve.model.identifiers import AccountId, ControlId
from keyreeve.model.policy import Delivery, EscalationPolicy, FinalAct, Match, Orphans

QUOTA: Final = 6_144
"""Characters of a managed policy, white space not counted (IAM User Guide, "IAM quotas")."""

Json = dict[str, Any]
"""A statement or a document, as JSON holds it."""

ACCOUNT_READS: Final = (
    "iam:GenerateCredentialReport",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetAccountPasswordPolicy",
    "iam:GetCredentialReport",
)
USER_READS: Final = (
    "iam:GetAccessKeyLastUsed",
    "iam:GetLoginProfile",
    "iam:GetUser",
    "iam:ListAccessKeys",
    "iam:ListMFADevices",
)
"""With ACCOUNT_READS all that `ports.AccountReader` asks of IAM."""
_BUCKET_READS: Final = (
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
)
_BUCKET_MAKING: Final = (
    "s3:CreateBucket",
    "s3:GetBucketPolicy",
    "s3:ListBucket",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
)
_SECRET_WRITES: Final = (
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:DescribeSecret",
    "secretsmanager:PutResourcePolicy",
    "secretsmanager:PutSecretValue",
    "secretsmanager:TagResource",
)
_GLOB_CLASS = re.compile(r"\[.+?\]")


class Role(StrEnum):
    """Keyreeve's own roles."""

    READER = "reader"
    ACTOR = "actor"
    DEPLOYER = "deployer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The storage, where it is a bucket. Keys and prefixes are relative to `prefix`."""

    name: str
    prefix: str
    """With the slash at its end."""
    written_once: tuple[str, ...]
    """Prefixes: ops/, credentials/ …"""
    replaced: tuple[str, ...]
    """Keys, or prefixes with a `*`, that are written again and again."""
    read: tuple[str, ...]
    """What every verb reads."""
    read_back: tuple[str, ...]
    """What only who acts reads: escrow to deliver, the doctor's probe."""
    secret: str
    """credentials/: never for who only reads."""
    deleted: tuple[str, ...]
    """What is deleted after use: a corrupt lock, delivered records of the audit inbox."""
    versions_of: str
    """The key whose earlier versions `state repair` looks through."""
    kms_key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One Keyreeve in one account: what its policies name."""

    account_id: AccountId
    partition: str
    region: str
    """Of S3 and SES."""
    project: str
    """As the storage writes it: lower case, `[a-z0-9._-]`."""
    policy: EscalationPolicy
    bucket: Bucket | None
    """None: a directory."""
    sender: str | None
    """The bare address where SES sends; None: another transport."""
    purges_escrow: bool = False
    """Whether runs delete escrowed credentials after `backup_retention_days`."""

    def iam(self, resource: str) -> str:
        """An ARN of this account's IAM."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"

    def regional(self, service: str, resource: str) -> str:
        """An ARN of a service of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"


def role_name(installation: Installation, role: Role) -> str:
    """As the deployer may make it."""
    return f"keyreeve-{installation.project}-{role.value}"


def documents(installation: Installation, role: Role) -> tuple[Json, ...]:
    """The role's policy, in as many documents as AWS's quota asks for; all are attached."""
    parts: list[list[Json]] = [[]]
    for statement in statements(installation, role):
        if parts[-1] and _size([*parts[-1], statement]) > QUOTA:
            parts.append([])
        parts[-1].append(statement)
    return tuple(_document(part) for part in parts)


def statements(installation: Installation, role: Role) -> list[Json]:
    """Each with a Sid that says what it is for."""
    match role:
        case Role.READER:
            return [*_reads(installation), *_never_secrets(installation)]
        case Role.ACTOR:
            return [*_reads(installation), *_acts(installation)]
        case Role.DEPLOYER:
            return list(_deploys(installation))


def unsayable(installation: Installation) -> tuple[str, ...]:
    """Exclusions that no ARN pattern can express; Keyreeve itself honours them."""
    matches = (exclusion.match for exclusion in installation.policy.exclusions)
    return tuple(str(m.user) for m in matches if m.user is not None and not _sayable(m.user))


# --- reading --------------------------------------------------------------------------------------


def _reads(at: Installation) -> Iterator[Json]:
    yield _allow("ReadAccount", ACCOUNT_READS, "*")
    yield _allow("ReadUsers", USER_READS, at.iam("user/*"))
    if at.bucket is not None:
        yield from _storage_reads(at, at.bucket)
    if at.sender is not None:
        yield _allow("ReadMailQuota", ("ses:GetAccount",), "*")
        yield _allow("ReadSender", ("ses:GetEmailIdentity",), *_identities(at))


def _storage_reads(at: Installation, bucket: Bucket) -> Iterator[Json]:
    arn = _bucket_arn(at, bucket)
    yield _allow("ReadBucket", _BUCKET_READS, arn, _ours(at))
    below = {"StringLike": {"s3:prefix": f"{bucket.prefix}*"}}
    yield _allow("ListProject", ("s3:ListBucket",), arn, _ours(at), below)
    yield _allow("ReadProject", ("s3:GetObject",), *_objects(at, bucket.read), _ours(at))
    if bucket.kms_key_id is not None:
        yield _key_statement(at, bucket, "kms:Decrypt")


def _never_secrets(at: Installation) -> Iterator[Json]:
    if at.bucket is not None:
        actions = ("s3:GetObject", "s3:GetObjectVersion")
        yield _deny("NeverReadCredentials", actions, *_objects(at, (f"{at.bucket.secret}*",)))


# --- acting ---------------------------------------------------------------------------------------


def effects_of(policy: EscalationPolicy) -> tuple[type[effect.Effect], ...]:
    """The effects that this config can bring about."""
    final = {policy.final_act(control) for control in ControlId}
    found: list[type[effect.Effect]] = [
        effect.CreateReplacementKey,
        effect.ResetPassword,
        effect.DeactivateAccessKey,
        effect.SendNotice,
        effect.SendClosing,
        effect.SendTeamNotice,
        effect.SendSummary,
    ]
    if FinalAct.DELETE_LOGIN_PROFILE in final:
        found.append(effect.DeleteLoginProfile)
    if FinalAct.QUARANTINE in final:
        found.append(effect.Quarantine)
    if policy.orphans is Orphans.DELETE:
        found.append(effect.DeleteOrphanedKey)
    return tuple(found)


def _acts(at: Installation) -> Iterator[Json]:
    needed = {a for kind in effects_of(at.policy) for a in kind.required_actions}
    if at.policy.free_slot_after_days is not None:
        needed.add(effect.FREE_SLOT_ACTION)
    acts = sorted(needed - {*ACCOUNT_READS, *USER_READS})
    users = [action for action in acts if ACTIONS[action] is Kind.USER]
    yield _allow("ActOnUsers", users, *_user_patterns(at, _touchable(at.policy)))
    groups = [action for action in acts if ACTIONS[action] is Kind.GROUP]
    if groups:
        names = [p for name in _groups(at.policy) for p in (f"group/{name}", f"group/*/{name}")]
        yield _allow("QuarantineUsers", groups, *map(at.iam, names))
    yield from _denies(at, users)
    if at.sender is not None:
        mails = [action for action in acts if ACTIONS[action] is Kind.IDENTITY]
        only = {"StringEquals": {"ses:FromAddress": at.sender}}
        yield _allow("SendMail", mails, *_identities(at), only)
    if at.bucket is not None:
        yield from _storage_writes(at, at.bucket)
    if _hands_out_secrets(at.policy):
        ours = at.regional("secretsmanager", f"secret:keyreeve/{at.project}/*")
        yield _allow("HandOutSecrets", _SECRET_WRITES, ours)


def _denies(at: Installation, acts: Iterable[str]) -> Iterator[Json]:
    """Whatever else the role may be given: these users are never touched."""
    # A role has no user name, and the statement then matches nobody: a role is no user.
    own = _user_patterns(at, ("${aws:username}",))
    yield _deny("NeverItself", acts, *own)
    matches = [exclusion.match for exclusion in at.policy.exclusions]
    named = [m.user for m in matches if m.user is not None and _sayable(m.user)]
    if named:
        yield _deny("NeverExcluded", acts, *_user_patterns(at, named))
    for number, match in enumerate((m for m in matches if m.tag is not None), start=1):
        if match.user is None:
            yield _deny(f"NeverTagged{number}", acts, at.iam("user/*"), _tagged(match))


def _tagged(match: Match) -> Json:
    key, _, value = str(match.tag).partition("=")
    return {"StringLike": {f"aws:ResourceTag/{key}": value or "*"}}


def _touchable(policy: EscalationPolicy) -> tuple[str, ...]:
    """Name patterns of the users that may be acted upon."""
    if policy.compressed is None or not all(map(_sayable, policy.compressed.users)):
        return ("*",)
    return policy.compressed.users


def _groups(policy: EscalationPolicy) -> list[str]:
    """The groups that this config adds users to."""
    quarantined = {c for c in ControlId if policy.final_act(c) is FinalAct.QUARANTINE}
    names = []
    if ControlId.CONSOLE_MFA in quarantined:
        names.append(policy.onboarding_group)
    if quarantined - {ControlId.CONSOLE_MFA}:
        names.append(policy.quarantine_group)
    return names


def _storage_writes(at: Installation, bucket: Bucket) -> Iterator[Json]:
    encrypted = _encrypted(bucket)
    once = {"Null": {"s3:if-none-match": "false"}}
    put, get = ("s3:PutObject",), ("s3:GetObject",)
    prefixes = [f"{prefix}*" for prefix in bucket.written_once]
    yield _allow("WriteOnce", put, *_objects(at, prefixes), _ours(at), encrypted, once)
    yield _allow("Replace", put, *_objects(at, bucket.replaced), _ours(at), encrypted)
    yield _allow("ReadBack", get, *_objects(at, bucket.read_back), _ours(at))
    yield _allow("ClearUp", ("s3:DeleteObject",), *_objects(at, bucket.deleted), _ours(at))
    state = (bucket.versions_of,)
    below = {"StringEquals": {"s3:prefix": f"{bucket.prefix}{bucket.versions_of}"}}
    arn = _bucket_arn(at, bucket)
    yield _allow("ListStateVersions", ("s3:ListBucketVersions",), arn, _ours(at), below)
    yield _allow("ReadStateVersions", ("s3:GetObjectVersion",), *_objects(at, state), _ours(at))
    if bucket.kms_key_id is not None:
        yield _key_statement(at, bucket, "kms:GenerateDataKey")
    if at.purges_escrow:
        yield from _purge(at, bucket)


def _purge(at: Installation, bucket: Bucket) -> Iterator[Json]:
    """Escrowed credentials are deleted for good after their retention."""
    actions = ("s3:DeleteObject", "s3:DeleteObjectVersion")
    yield _allow("PurgeEscrow", actions, *_objects(at, (f"{bucket.secret}*",)), _ours(at))
    below = {"StringLike": {"s3:prefix": f"{bucket.prefix}{bucket.secret}*"}}
    arn = _bucket_arn(at, bucket)
    yield _allow("ListEscrowVersions", ("s3:ListBucketVersions",), arn, _ours(at), below)


def _hands_out_secrets(policy: EscalationPolicy) -> bool:
    """Whether anybody's credentials go through Secrets Manager."""
    ways = {policy.delivery, *(item.delivery for item in policy.classes)}
    return bool(ways & {Delivery.SECRETS_MANAGER, Delivery.BOTH})


# --- deploying ------------------------------------------------------------------------------------


def _deploys(at: Installation) -> Iterator[Json]:
    if at.bucket is not None:
        yield _allow("SeeBucketNames", ("s3:ListAllMyBuckets",), "*")
        yield _allow("MakeBucket", _BUCKET_MAKING, _bucket_arn(at, at.bucket))
    ours = at.iam(f"policy/keyreeve-{at.project}-*")
    yield _allow("WritePolicies", ("iam:CreatePolicy", "iam:CreatePolicyVersion"), ours)
    roles = [at.iam(f"role/{role_name(at, role)}") for role in (Role.READER, Role.ACTOR)]
    yield _allow("MakeRoles", ("iam:CreateRole",), *roles)
    only = {"ArnLike": {"iam:PolicyARN": ours}}
    yield _allow("AttachPolicies", ("iam:AttachRolePolicy",), *roles, only)


# --- words of the language ------------------------------------------------------------------------


def _allow(sid: str, actions: Iterable[str], *rest: str | Json) -> Json:
    return _statement(sid, "Allow", actions, rest)


def _deny(sid: str, actions: Iterable[str], *rest: str | Json) -> Json:
    return _statement(sid, "Deny", actions, rest)


def _statement(sid: str, verdict: str, actions: Iterable[str], rest: Iterable[str | Json]) -> Json:
    """`rest`: resources, then blocks of conditions, which all must hold."""
    given = list(rest)
    resources = [each for each in given if isinstance(each, str)]
    made: Json = {"Sid": sid, "Effect": verdict, "Action": sorted(actions), "Resource": resources}
    condition: Json = {}
    for block in (each for each in given if not isinstance(each, str)):
        for operator, keys in block.items():
            condition.setdefault(operator, {}).update(keys)
    if condition:
        made["Condition"] = condition
    return made


def _ours(at: Installation) -> Json:
    """Buckets of this account only, and never without TLS."""
    return {
        "StringEquals": {"aws:ResourceAccount": at.account_id},
        "Bool": {"aws:SecureTransport": "true"},
    }


def _encrypted(bucket: Bucket) -> Json:
    """The request must name the encryption of the config."""
    if bucket.kms_key_id is None:
        return {"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}}
    named: Json = {"s3:x-amz-server-side-encryption": "aws:kms"}
    if bucket.kms_key_id.startswith("arn:") and ":key/" in bucket.kms_key_id:
        named["s3:x-amz-server-side-encryption-aws-kms-key-id"] = bucket.kms_key_id
    return {"StringEquals": named}


def _key_statement(at: Installation, bucket: Bucket, action: str) -> Json:
    """The key, only through S3, only for objects of the project (or of a bucket key)."""
    key = str(bucket.kms_key_id)
    sid = action.replace("kms:", "Kms")
    arn = _bucket_arn(at, bucket)
    through: Json = {
        "StringEquals": {"kms:ViaService": f"s3.{at.region}.amazonaws.com"},
        "StringLike": {
            "kms:EncryptionContext:aws:s3:arn": [arn, f"{arn}/{bucket.prefix}*"],
        },
    }
    if "alias/" in key:
        alias = key[key.index("alias/") :]
        aliased = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
        return _allow(sid, (action,), at.regional("kms", "key/*"), through, aliased)
    named = key if key.startswith("arn:") else at.regional("kms", f"key/{key}")
    return _allow(sid, (action,), named, through)


def _bucket_arn(at: Installation, bucket: Bucket) -> str:
    return f"arn:{at.partition}:s3:::{bucket.name}"


def _objects(at: Installation, keys: Iterable[str]) -> list[str]:
    if at.bucket is None:
        return []
    return [f"{_bucket_arn(at, at.bucket)}/{at.bucket.prefix}{key}" for key in keys]


def _identities(at: Installation) -> list[str]:
    """SES takes the address where it is verified, else its domain."""
    address = str(at.sender)
    domain = address.rpartition("@")[2]
    return [at.regional("ses", f"identity/{name}") for name in (address, domain)]


def _user_patterns(at: Installation, names: Iterable[str]) -> list[str]:
    """Users of these names under every path."""
    patterns = [p for name in names for p in (f"user/{name}", f"user/*/{name}")]
    return [at.iam("user/*")] if "user/*" in patterns else [at.iam(p) for p in patterns]


def _sayable(glob: str) -> bool:
    """IAM knows `*` and `?`; a glob's `[a-z]` has no equal there."""
    return _GLOB_CLASS.search(glob) is None


def _document(part: Iterable[Json]) -> Json:
    return {"Version": VERSION, "Statement": list(part)}


def _size(part: Iterable[Json]) -> int:
    """As AWS counts; no name that a policy of ours may hold has white space but tag values."""
    return len(json.dumps(_document(part), separators=(",", ":"), ensure_ascii=False))
