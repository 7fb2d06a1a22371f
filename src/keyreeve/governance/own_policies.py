"""The policies of Keyreeve's own roles: no right that nothing uses, no resource that nothing needs.

reader          check, plan, a rehearsed run, doctor, summary, case list|show, state show|verify
actor           the reader's, and run --execute, reinstate, case resend, decisions,
                state repair|unlock
deployer        init --bucket, and the roles themselves
mail-feedback   the handler that hears what became of mails
security-hub    report --security-hub --execute: reads, imports findings, and touches no user
evidence        evidence export, evidence purge --execute
fleet           several accounts: the central role, with storage and mail, which assumes the next
member          in each of them: the reader's and the actor's rights on users, and no storage

Acting rights come from the effects that this config can bring about (`required_actions`, and
`vault_actions` where somebody's credentials go through Secrets Manager): without `quarantine`
there is no AddUserToGroup. What must never be touched is denied besides, so that no other policy
of the role can open it: excluded users, Keyreeve's own user, the values of the owners' secrets.

What IAM cannot say, Keyreeve itself must keep: iam:AddUserToGroup knows the group and not the
user, so an exclusion is not denied there; waivers and holds are no facts of IAM. The bucket must
belong to the account (`aws:ResourceAccount`).

Whoever gives up Secrets Manager keeps the policy of before until the last secret is purged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final

from keyreeve.governance.evidence_policies import evidence_statements
from keyreeve.governance.installation import Bucket, Installation, sayable
from keyreeve.governance.statements import (
    ONCE,
    Json,
    allow,
    below,
    deny,
    document,
    encrypted,
    escrow,
    key_for_objects,
    key_for_secrets,
    never_escrow,
    ours,
)
from keyreeve.language.authorizations import ACTIONS, Kind
from keyreeve.model import effect
from keyreeve.model.heartbeat import NAMESPACE
from keyreeve.model.identifiers import ControlId
from keyreeve.model.policy import EscalationPolicy, FinalAct, Orphans

QUOTA: Final = 6_144
"""Characters of a managed policy, white space not counted (IAM User Guide, "IAM quotas")."""

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
POLICY_READS: Final = ("iam:GetPolicy",)
"""The doctor's, about AWS's own policies in access.yaml."""
EVENT_READS: Final = ("cloudtrail:LookupEvents",)
"""Who calls with the keys that are being replaced; for the weekly summary, administrators'
sessions and changes of IAM."""
POSTURE_READS: Final = (
    "access-analyzer:ListAnalyzers",
    "cloudtrail:DescribeTrails",
    "config:DescribeConfigurationRecorderStatus",
    "guardduty:ListDetectors",
    "iam:GetAccountSummary",
    "iam:ListServerCertificates",
)
"""What `check --posture` reads besides, and no resource can limit."""
UNIT_READS: Final = "organizations:ListOrganizationalUnitsForParent"
POSTURE_USER_READS: Final = ("iam:ListSSHPublicKeys", "iam:ListServiceSpecificCredentials")
_SECRET_READS: Final = ("secretsmanager:DescribeSecret",)
_BUCKET_READS: Final = (
    "s3:GetBucketObjectLockConfiguration",
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


class Role(StrEnum):
    """Keyreeve's own roles."""

    READER = "reader"
    ACTOR = "actor"
    DEPLOYER = "deployer"
    MAIL_FEEDBACK = "mail-feedback"
    SECURITY_HUB = "security-hub"
    """A role of its own: no run needs its right, and who sends findings need not act."""
    EVIDENCE = "evidence"
    FLEET = "fleet"
    """Of the central account, where a project has several."""
    MEMBER = "member"
    """Of each account, assumed by the fleet's."""


def role_name(installation: Installation, role: Role) -> str:
    """As the deployer may make it."""
    return f"keyreeve-{installation.project}-{role.value}"


def documents(installation: Installation, role: Role) -> tuple[Json, ...]:
    """The role's policy, in as many documents as AWS's quota asks for; all are attached.

    None at all for a role that needs no right of AWS's: mail-feedback beside a directory, and
    evidence there unless it signs; fleet and member where a project has one account.
    """
    return in_documents(statements(installation, role))


def in_documents(statements: Iterable[Json]) -> tuple[Json, ...]:
    """As few documents as the quota allows, in order."""
    parts: list[list[Json]] = []
    for statement in statements:
        if not parts or _size([*parts[-1], statement]) > QUOTA:
            parts.append([])
        parts[-1].append(statement)
    return tuple(document(part) for part in parts)


def statements(installation: Installation, role: Role) -> list[Json]:
    """Each with a Sid that says what it is for."""
    match role:
        case Role.READER:
            return [*reads(installation), *never_escrow(installation)]
        case Role.ACTOR:
            return [*reads(installation), *_acts(installation)]
        case Role.DEPLOYER:
            return list(_deploys(installation))
        case Role.MAIL_FEEDBACK:
            return list(_hears(installation))
        case Role.SECURITY_HUB:
            return [*reads(installation), *never_escrow(installation), *_sends(installation)]
        case Role.EVIDENCE:
            return evidence_statements(installation)
        case Role.FLEET:
            return list(_leads(installation))
        case Role.MEMBER:
            return list(_is_led(installation))


def unsayable(installation: Installation) -> tuple[str, ...]:
    """Exclusions that no ARN pattern can express; Keyreeve itself honours them."""
    matches = (exclusion.match for exclusion in installation.policy.exclusions)
    return tuple(str(m.user) for m in matches if m.user is not None and not sayable(m.user))


def _size(part: Iterable[Json]) -> int:
    """As AWS counts; no name that a policy of ours may hold has white space but tag values."""
    return len(json.dumps(document(part), separators=(",", ":"), ensure_ascii=False))


# --- reading --------------------------------------------------------------------------------------


def reads(at: Installation) -> Iterator[Json]:
    """What everybody reads who judges."""
    yield from _account_reads(at)
    yield from _home_reads(at)
    yield from _secret_reads(at)


def _account_reads(at: Installation) -> Iterator[Json]:
    """Of the account that is looked after."""
    yield allow("ReadAccount", ACCOUNT_READS, "*")
    yield allow("ReadUsers", USER_READS, at.iam("user/*"))
    yield from _posture_reads(at)
    yield allow("ReadEvents", EVENT_READS, "*")
    if at.named_policies:
        yield allow("FindPolicies", POLICY_READS, *at.named_policies)


def _home_reads(at: Installation) -> Iterator[Json]:
    """Where storage, mail and channels are."""
    if at.bucket is not None:
        yield from _storage_reads(at, at.bucket)
    if at.sender is not None:
        yield allow("ReadMailQuota", ("ses:GetAccount",), "*")
        yield allow("ReadSender", ("ses:GetEmailIdentity",), *at.identities())
    if at.topics:
        yield allow("FindChannels", ("sns:GetTopicAttributes",), *at.topics)


def _secret_reads(at: Installation) -> Iterator[Json]:
    if at.policy.uses_vault:
        yield allow("RecogniseSecrets", _SECRET_READS, at.secrets())
    yield from never_secrets(at)


def never_secrets(at: Installation) -> Iterator[Json]:
    """Whatever else the role may be given: no value of an owner's secret is read."""
    if at.policy.uses_vault:
        yield deny("NeverReadSecrets", ("secretsmanager:GetSecretValue",), at.secrets())


def _posture_reads(at: Installation) -> Iterator[Json]:
    """In every region: trails and the baseline may lie in another than Keyreeve.

    The trail of an organisation bears the management account's number.
    """
    yield allow("ReadPosture", POSTURE_READS, "*")
    yield allow("ReadOtherCredentials", POSTURE_USER_READS, at.iam("user/*"))
    trails = f"arn:{at.partition}:cloudtrail:*:*:trail/*"
    yield allow("ReadTrails", ("cloudtrail:GetTrailStatus",), trails)
    detectors = at.anywhere("guardduty", "detector/*")
    yield allow("ReadDetectors", ("guardduty:GetDetector",), detectors)
    analyzers = at.anywhere("access-analyzer", "analyzer/*")
    yield allow("ReadAnalyzers", ("access-analyzer:ListFindings",), analyzers)


def _storage_reads(at: Installation, bucket: Bucket) -> Iterator[Json]:
    arn = at.arn_of(bucket)
    yield allow("ReadBucket", _BUCKET_READS, arn, ours(at))
    versions = ("s3:ListBucketVersions",)
    yield allow("ListEscrowVersions", versions, arn, ours(at), below(bucket, bucket.secret))
    yield from project_reads(at, bucket)


def project_reads(at: Installation, bucket: Bucket) -> Iterator[Json]:
    """What every verb reads of the project's storage; no credential."""
    arn = at.arn_of(bucket)
    yield allow("ListProject", ("s3:ListBucket",), arn, ours(at), below(bucket, ""))
    yield allow("ReadProject", ("s3:GetObject",), *at.objects(bucket, bucket.read), ours(at))
    if bucket.kms_key_id is not None:
        yield key_for_objects("KmsDecrypt", "kms:Decrypt", at, bucket)


# --- acting ---------------------------------------------------------------------------------------


def effects_of(policy: EscalationPolicy) -> tuple[type[effect.Effect], ...]:
    """The effects that this config can bring about."""
    final = {policy.final_act(control) for control in ControlId}
    found: list[type[effect.Effect]] = [
        effect.CreateReplacementKey,
        effect.ResetPassword,
        effect.DeactivateAccessKey,
        effect.PurgeEscrow,
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


def _acting_rights(policy: EscalationPolicy) -> dict[Kind, list[str]]:
    """What the effects need beyond the reader's rights, by what it can be limited to."""
    kinds = effects_of(policy)
    needed = {action for kind in kinds for action in kind.required_actions}
    if policy.free_slot_after_days is not None:
        needed.add(effect.FREE_SLOT_ACTION)
    if policy.uses_vault:
        needed |= {action for kind in kinds for action in kind.vault_actions}
    needed -= {*ACCOUNT_READS, *USER_READS, *_SECRET_READS}
    return {kind: sorted(a for a in needed if ACTIONS[a] is kind) for kind in Kind}


def _acts(at: Installation) -> Iterator[Json]:
    yield from _account_acts(at)
    yield from _home_acts(at)
    yield from _secret_acts(at)


def _account_acts(at: Installation) -> Iterator[Json]:
    rights = _acting_rights(at.policy)
    yield allow("ActOnUsers", rights[Kind.USER], *at.users(_touchable(at.policy)))
    if rights[Kind.GROUP]:
        yield allow("QuarantineUsers", rights[Kind.GROUP], *at.groups(_groups(at.policy)))
    yield from denies(at, rights[Kind.USER])


def _home_acts(at: Installation) -> Iterator[Json]:
    rights = _acting_rights(at.policy)
    if at.sender is not None:
        only = {"StringEquals": {"ses:FromAddress": at.sender}}
        yield allow("SendMail", rights[Kind.IDENTITY], *at.identities(), only)
    if at.topics:
        yield allow("TellChannels", ("sns:Publish",), *at.topics)
    if at.counts_runs:
        mine = {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}
        yield allow("CountRuns", ("cloudwatch:PutMetricData",), "*", mine)
    if at.bucket is not None:
        yield from storage_writes(at, at.bucket)
        yield from _earlier_states(at, at.bucket)
        purge = rights[Kind.OBJECT]
        yield allow("PurgeEscrow", purge, *escrow(at, at.bucket), ours(at))


def _secret_acts(at: Installation) -> Iterator[Json]:
    if at.policy.uses_vault:
        yield from _hands_out_secrets(at, _acting_rights(at.policy)[Kind.SECRET])


def denies(at: Installation, acts: Iterable[str]) -> Iterator[Json]:
    """Whatever else the role may be given: these users are never touched."""
    # A role has no user name, and the statement then matches nobody: a role is no user.
    own = at.users(("${aws:username}",))
    yield deny("NeverItself", acts, *own)
    matches = [exclusion.match for exclusion in at.policy.exclusions]
    named = [m.user for m in matches if m.user is not None and sayable(m.user)]
    if named:
        yield deny("NeverExcluded", acts, *at.users(named))
    tags = [m.tag for m in matches if m.tag is not None]  # a match has a user or a tag
    for number, tag in enumerate(tags, start=1):
        yield deny(f"NeverTagged{number}", acts, at.iam("user/*"), _tagged(tag))


def _tagged(tag: str) -> Json:
    key, _, value = tag.partition("=")
    return {"StringLike": {f"aws:ResourceTag/{key}": value or "*"}}


def _touchable(policy: EscalationPolicy) -> tuple[str, ...]:
    """Name patterns of the users that may be acted upon."""
    if policy.compressed is None or not all(map(sayable, policy.compressed.users)):
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


def storage_writes(at: Installation, bucket: Bucket) -> Iterator[Json]:
    """What everybody writes who acts."""
    put, get = ("s3:PutObject",), ("s3:GetObject",)
    once = at.objects(bucket, (f"{prefix}*" for prefix in bucket.written_once))
    yield allow("WriteOnce", put, *once, ours(at), encrypted(bucket), ONCE)
    replaced = at.objects(bucket, bucket.replaced)
    yield allow("Replace", put, *replaced, ours(at), encrypted(bucket))
    yield allow("ReadBack", get, *at.objects(bucket, bucket.read_back), ours(at))
    deleted = at.objects(bucket, bucket.deleted)
    yield allow("ClearUp", ("s3:DeleteObject",), *deleted, ours(at))
    if bucket.kms_key_id is not None:
        yield key_for_objects("KmsGenerateDataKey", "kms:GenerateDataKey", at, bucket)


def _earlier_states(at: Installation, bucket: Bucket) -> Iterator[Json]:
    """What `state repair` looks through."""
    named = "StringLike" if bucket.prefix.endswith("*") else "StringEquals"
    state = {named: {"s3:prefix": f"{bucket.prefix}{bucket.versions_of}"}}
    versions = ("s3:ListBucketVersions",)
    yield allow("ListStateVersions", versions, at.arn_of(bucket), ours(at), state)
    earlier = at.objects(bucket, (bucket.versions_of,))
    yield allow("ReadStateVersions", ("s3:GetObjectVersion",), *earlier, ours(at))


_MAKING: Final = frozenset({"secretsmanager:CreateSecret", "secretsmanager:TagResource"})
_GUARDING: Final = frozenset({"secretsmanager:PutResourcePolicy"})


def _hands_out_secrets(at: Installation, rights: Iterable[str]) -> Iterator[Json]:
    """Made with the project's tag, guarded by a policy that lets in no stranger, then filled."""
    needed = frozenset(rights)
    tagged = {"StringEquals": {"aws:RequestTag/keyreeve:project": at.project}}
    yield allow("MakeSecrets", needed & _MAKING, at.secrets(), tagged)
    blocked = {"Bool": {"secretsmanager:BlockPublicPolicy": "true"}}
    yield allow("GuardSecrets", needed & _GUARDING, at.secrets(), blocked)
    yield allow("HandOutSecrets", needed - _MAKING - _GUARDING, at.secrets())
    if at.secrets_key_id is not None:
        yield key_for_secrets("KmsSecrets", at, at.secrets_key_id)


# --- deploying ------------------------------------------------------------------------------------


def _deploys(at: Installation) -> Iterator[Json]:
    if at.bucket is not None:
        yield allow("SeeBucketNames", ("s3:ListAllMyBuckets",), "*")
        yield allow("MakeBucket", _BUCKET_MAKING, at.arn_of(at.bucket))
    policies = at.iam(f"policy/keyreeve-{at.project}-*")
    yield allow("WritePolicies", ("iam:CreatePolicy", "iam:CreatePolicyVersion"), policies)
    elsewhere = (Role.DEPLOYER, Role.MEMBER)
    made = [role for role in Role if role not in elsewhere and statements(at, role)]
    roles = [at.iam(f"role/{role_name(at, role)}") for role in made]
    yield allow("MakeRoles", ("iam:CreateRole",), *roles)
    only = {"ArnLike": {"iam:PolicyARN": policies}}
    yield allow("AttachPolicies", ("iam:AttachRolePolicy",), *roles, only)


# --- several accounts -----------------------------------------------------------------------------


def _leads(at: Installation) -> Iterator[Json]:
    """Storage and mail of all accounts, and the way into each; nothing in any of them."""
    reach = at.reach
    if reach is None:
        return
    if reach.roles:
        yield allow("AssumeMembers", ("sts:AssumeRole", "sts:SetSourceIdentity"), *reach.roles)
    if reach.organization:
        yield allow("ListAccounts", ("organizations:ListAccounts",), "*")
    if reach.units:
        units = ("organizations:ListAccountsForParent", UNIT_READS)
        yield allow("ListUnits", units, *reach.units)
    yield from _home_reads(at)
    yield from _home_acts(at)
    if at.bucket is not None:
        yield from _keeps_days(at, at.bucket)
    if reach.own:
        for part in (_account_reads, _secret_reads, _account_acts, _secret_acts):
            yield from part(at)


def _keeps_days(at: Installation, bucket: Bucket) -> Iterator[Json]:
    """What each day of the fleet leaves, and what the state machine has gathered."""
    days = at.objects(bucket, (f"{bucket.fleet}*",))
    yield allow("KeepDays", ("s3:PutObject",), *days, ours(at), encrypted(bucket))
    read = at.objects(bucket, (f"{bucket.fleet}*", f"{bucket.gathered}*", f"{bucket.feedback}*"))
    yield allow("ReadDays", ("s3:GetObject",), *read, ours(at))


def _is_led(at: Installation) -> Iterator[Json]:
    """In a member account: its users and their secrets; storage and mail are elsewhere."""
    if at.reach is not None:
        for part in (_account_reads, _secret_reads, _account_acts, _secret_acts):
            yield from part(at)


# --- hearing what became of mails -----------------------------------------------------------------


def _hears(at: Installation) -> Iterator[Json]:
    """Written once; read back after a lost answer, and nothing else."""
    bucket = at.bucket
    if bucket is None:
        return
    feedback = at.objects(bucket, (f"{bucket.feedback}*",))
    yield allow("WriteFeedback", ("s3:PutObject",), *feedback, ours(at), encrypted(bucket), ONCE)
    yield allow("ReadBackFeedback", ("s3:GetObject",), *feedback, ours(at))
    if bucket.kms_key_id is not None:
        for action in ("kms:GenerateDataKey", "kms:Decrypt"):
            yield key_for_objects(action.replace("kms:", "Kms"), action, at, bucket)


# --- sending findings to Security Hub -------------------------------------------------------------


def _sends(at: Installation) -> Iterator[Json]:
    """Findings for the account's own product; what was sent is remembered, and that it was."""
    yield allow("ImportFindings", ("securityhub:BatchImportFindings",), at.product())
    bucket = at.bucket
    if bucket is None:
        return
    put, sent = ("s3:PutObject",), at.objects(bucket, (bucket.sent,))
    yield allow("RememberSent", put, *sent, ours(at), encrypted(bucket))
    yield allow("ReadSent", ("s3:GetObject",), *sent, ours(at))
    inbox = at.objects(bucket, (f"{bucket.inbox}*",))
    yield allow("LeaveRecord", put, *inbox, ours(at), encrypted(bucket), ONCE)
    if bucket.kms_key_id is not None:
        yield key_for_objects("KmsGenerateDataKey", "kms:GenerateDataKey", at, bucket)
