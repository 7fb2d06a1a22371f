"""What the shipped policies say, setting by setting. That they suffice is proved in the sandbox."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.scenario.roles import actions_in

from keyreeve.aws.failures import READS
from keyreeve.governance.installation import Bucket, Evidence, Installation
from keyreeve.governance.own_policies import (
    ACCOUNT_READS,
    POSTURE_READS,
    POSTURE_USER_READS,
    QUOTA,
    USER_READS,
    Role,
    documents,
    effects_of,
    statements,
    unsayable,
)
from keyreeve.language.authorizations import ACTIONS, actions_of, partition
from keyreeve.language.policy_document import parse_document
from keyreeve.model.effect import Effect
from keyreeve.model.identifiers import AccountId
from keyreeve.model.policy import (
    CompressedClock,
    Delivery,
    Enforcement,
    EscalationPolicy,
    Exclusion,
    FinalAct,
    Match,
    Orphans,
    Thresholds,
    UserClass,
)

ACCOUNT = AccountId("123456789012")
USERS = f"arn:aws:iam::{ACCOUNT}:user/"
GROUPS = f"arn:aws:iam::{ACCOUNT}:group/"
BUCKET = Bucket(
    name="b",
    prefix="iam-compliance/etv/",
    written_once=("ops/", "credentials/"),
    replaced=("state.json",),
    read=("state.json", "ops/*"),
    read_back=("credentials/*",),
    secret="credentials/",
    feedback="feedback/",
    deleted=("lock.json",),
    versions_of="state.json",
    inbox="audit-inbox/",
    sent="reports/security-hub.json",
    archived=("runs/", "audit/"),
    evidence=Evidence(
        written_once=("audit/",), replaced=("audit-start.json",), deleted=("audit-inbox/*",)
    ),
)
POLICY = EscalationPolicy(project_name="ETV")
HERE = Installation(
    account_id=ACCOUNT,
    partition="aws",
    region="eu-west-1",
    project="etv",
    policy=POLICY,
    bucket=BUCKET,
    sender="iam@example.com",
)
ACTOR = Role.ACTOR
READING = {*ACCOUNT_READS, *USER_READS, *POSTURE_READS, *POSTURE_USER_READS}


def here(**settings: Any) -> Installation:
    return replace(HERE, policy=replace(POLICY, **settings))


def named(at: Installation, role: Role = ACTOR) -> dict[str, dict[str, Any]]:
    return {statement["Sid"]: statement for statement in statements(at, role)}


def excluded(**match: str) -> tuple[Exclusion, ...]:
    return (Exclusion(match=Match(**match), reason="r"),)


@pytest.mark.parametrize("role", Role)
def test_every_document_can_be_read_and_every_action_is_known(role: Role):
    made = documents(HERE, role)
    for document in made:
        assert parse_document(document).statements
    assert actions_in(made) <= set(ACTIONS)
    sids = [statement["Sid"] for document in made for statement in document["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)


def test_whoever_acts_may_read_all_that_the_reader_may():
    reader = [s for s in statements(HERE, Role.READER) if s["Effect"] == "Allow"]
    assert all(statement in statements(HERE, ACTOR) for statement in reader)


def test_the_reader_has_no_right_that_is_not_a_reading_operations():
    reading = {action for operation in READS for action in actions_of(operation) or ()}
    assert actions_in(documents(HERE, Role.READER)) <= reading


def test_acting_rights_are_what_the_effects_of_the_config_declare():
    for settings in (
        {},
        {"enforcement": Enforcement(console_mfa=FinalAct.QUARANTINE)},
        {"delivery": Delivery.BOTH},
    ):
        at = here(**settings)
        kinds = effects_of(at.policy)
        declared = {a for kind in kinds for a in kind.required_actions}
        if at.policy.uses_vault:
            declared |= {a for kind in kinds for a in kind.vault_actions}
        allowed = actions_in(documents(at, ACTOR))
        assert declared <= allowed
        iam = {a for a in allowed if a.startswith(("iam:", "secretsmanager:"))}
        assert iam - declared <= READING


def test_every_effect_can_be_brought_about_by_some_config():
    final = (FinalAct.QUARANTINE, FinalAct.DELETE_LOGIN_PROFILE)
    everything = Enforcement(console_mfa=final[0], user_inactive=final[1])
    found = effects_of(replace(POLICY, enforcement=everything))
    assert set(found) == set(Effect.__args__)


BY_DEFAULT = {
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:UpdateAccessKey",
    "iam:UpdateLoginProfile",
}
QUARANTINED = Enforcement(user_inactive=FinalAct.QUARANTINE)


@pytest.mark.parametrize(
    ("settings", "more", "fewer"),
    [
        ({}, set(), set()),
        ({"orphans": Orphans.KEEP_INACTIVE}, set(), {"iam:DeleteAccessKey"}),
        ({"orphans": Orphans.KEEP_INACTIVE, "free_slot_after_days": 9}, set(), set()),
        (
            {"enforcement": Enforcement(password_age=FinalAct.DELETE_LOGIN_PROFILE)},
            {"iam:DeleteLoginProfile"},
            set(),
        ),
        ({"enforcement": QUARANTINED}, {"iam:AddUserToGroup"}, set()),
    ],
)
def test_a_right_is_there_only_where_the_config_needs_it(settings, more, fewer):
    acting = actions_in(documents(here(**settings), ACTOR))
    iam = {a for a in acting if a.startswith("iam:")} - READING
    assert iam == (BY_DEFAULT | more) - fewer


def test_users_are_added_only_to_the_groups_that_the_config_uses():
    of_both = Enforcement(console_mfa=FinalAct.QUARANTINE, user_inactive=FinalAct.QUARANTINE)
    for enforcement, names in (
        (QUARANTINED, ["Quarantine"]),
        (Enforcement(console_mfa=FinalAct.QUARANTINE), ["MFA-Setup"]),
        (of_both, ["MFA-Setup", "Quarantine"]),
    ):
        given = named(here(enforcement=enforcement))["QuarantineUsers"]["Resource"]
        assert given == [f"{GROUPS}{path}{name}" for name in names for path in ("", "*/")]
    assert "QuarantineUsers" not in named(HERE)


def test_excluded_users_are_denied_by_name_and_by_tag():
    at = here(exclusions=excluded(user="break-glass-*") + excluded(tag="keyreeve:exclude=true"))
    acts = named(at)["ActOnUsers"]["Action"]
    by_name, by_tag = named(at)["NeverExcluded"], named(at)["NeverTagged1"]
    assert by_name["Resource"] == [f"{USERS}break-glass-*", f"{USERS}*/break-glass-*"]
    assert by_tag["Condition"] == {"StringLike": {"aws:ResourceTag/keyreeve:exclude": "true"}}
    assert (by_name["Action"], by_tag["Action"]) == (acts, acts)
    assert (by_name["Effect"], by_tag["Effect"]) == ("Deny", "Deny")


def test_an_empty_tag_value_means_any():
    at = here(exclusions=excluded(tag="robot="))
    condition = named(at)["NeverTagged1"]["Condition"]
    assert condition == {"StringLike": {"aws:ResourceTag/robot": "*"}}


def test_what_iam_cannot_say_is_named():
    at = here(exclusions=excluded(user="[a-c]*") + excluded(user="ok-*"))
    assert unsayable(at) == ("[a-c]*",)
    assert named(at)["NeverExcluded"]["Resource"] == [f"{USERS}ok-*", f"{USERS}*/ok-*"]


def test_keyreeve_never_acts_on_its_own_user():
    never = named(HERE)["NeverItself"]
    assert never["Resource"] == [f"{USERS}${{aws:username}}", f"{USERS}*/${{aws:username}}"]
    assert never["Action"] == named(HERE)["ActOnUsers"]["Action"]


def test_a_compressed_clock_narrows_the_acts_to_its_users():
    clock = CompressedClock(day=timedelta(minutes=10), users=("pilot-*",))
    at = here(compressed=clock)
    assert named(at)["ActOnUsers"]["Resource"] == [f"{USERS}pilot-*", f"{USERS}*/pilot-*"]
    assert named(HERE)["ActOnUsers"]["Resource"] == [f"{USERS}*"]


def test_whoever_judges_may_ask_who_calls_with_a_key_whether_there_is_an_access_model_or_not():
    for role in (Role.READER, Role.ACTOR):
        for at in (HERE, replace(HERE, governed=True)):
            told = named(at, role)
            assert told["ReadEvents"]["Action"] == ["cloudtrail:LookupEvents"]
            assert "iam:GetAccessKeyLastUsed" in told["ReadUsers"]["Action"]


def test_without_ses_nothing_is_said_about_mail_and_without_a_bucket_nothing_about_s3():
    at = replace(HERE, sender=None, bucket=None)
    for role in Role:
        services = {action.split(":")[0] for action in actions_in(documents(at, role))}
        looks = {"access-analyzer", "cloudtrail", "config", "guardduty", "iam"}
        hub = {"securityhub"} if role is Role.SECURITY_HUB else set()
        nothing = role in (Role.MAIL_FEEDBACK, Role.EVIDENCE)
        acts_nowhere = nothing or role is Role.DEPLOYER
        assert services - {"iam"} == (set() if acts_nowhere else looks - {"iam"} | hub)
        assert ("iam" in services) is not nothing
    assert documents(at, Role.MAIL_FEEDBACK) == documents(at, Role.EVIDENCE) == ()
    assert not any("feedback" in arn for arn in named(at, Role.DEPLOYER)["MakeRoles"]["Resource"])


KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234"
KEYS = {
    KEY: (KEY, None),
    "1234": (KEY, None),
    "alias/etv": (f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/*", "alias/etv"),
    f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/etv": (
        f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/*",
        "alias/etv",
    ),
}


@pytest.mark.parametrize("key", KEYS)
def test_the_key_is_used_only_through_s3_and_for_this_project(key: str):
    resource, alias = KEYS[key]
    at = replace(HERE, bucket=replace(BUCKET, kms_key_id=key))
    for sid in ("KmsDecrypt", "KmsGenerateDataKey"):
        statement = named(at)[sid]
        assert statement["Resource"] == [resource]
        condition = statement["Condition"]
        assert condition["StringEquals"] == {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}
        assert condition["StringLike"]["kms:EncryptionContext:aws:s3:arn"] == [
            "arn:aws:s3:::b",
            "arn:aws:s3:::b/iam-compliance/etv/*",
        ]
        said = condition.get("ForAnyValue:StringEquals", {}).get("kms:ResourceAliases")
        assert said == alias
    written = named(at)["WriteOnce"]["Condition"]["StringEquals"]
    assert written["s3:x-amz-server-side-encryption"] == "aws:kms"
    assert ("s3:x-amz-server-side-encryption-aws-kms-key-id" in written) is (key == KEY)
    assert "KmsGenerateDataKey" not in named(at, Role.READER)


SECRETS = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:keyreeve/etv/*"
ONE_CLASS = UserClass(match=Match(user="x"), thresholds=Thresholds(), delivery=Delivery.BOTH)


def test_secrets_manager_is_named_only_where_a_delivery_uses_it():
    for role in Role:
        assert "secretsmanager" not in json.dumps(documents(HERE, role))
    for at in (here(delivery=Delivery.SECRETS_MANAGER), here(classes=(ONE_CLASS,))):
        assert actions_in(documents(at, Role.READER)) & SECRET_RIGHTS == {
            "secretsmanager:DescribeSecret"
        }
        assert actions_in(documents(at, ACTOR)) & SECRET_RIGHTS == SECRET_RIGHTS - {
            "secretsmanager:GetSecretValue"
        }
        for statement in statements(at, ACTOR):
            if SECRET_RIGHTS & {*statement["Action"]}:
                assert statement["Resource"] == [SECRETS]


SECRET_RIGHTS = {action for action in ACTIONS if action.startswith("secretsmanager:")}


def test_a_secret_is_made_for_this_project_guarded_from_strangers_and_then_filled():
    made = named(here(delivery=Delivery.BOTH))
    tagged = {"StringEquals": {"aws:RequestTag/keyreeve:project": "etv"}}
    blocked = {"Bool": {"secretsmanager:BlockPublicPolicy": "true"}}
    assert {sid: (made[sid]["Action"], made[sid].get("Condition")) for sid in HANDING_OUT} == {
        "MakeSecrets": (["secretsmanager:CreateSecret", "secretsmanager:TagResource"], tagged),
        "GuardSecrets": (["secretsmanager:PutResourcePolicy"], blocked),
        "HandOutSecrets": (
            ["secretsmanager:DeleteSecret", "secretsmanager:PutSecretValue"],
            None,
        ),
    }


HANDING_OUT = ("MakeSecrets", "GuardSecrets", "HandOutSecrets")


def test_the_values_of_the_owners_secrets_are_denied_to_whoever_reads_and_acts():
    at = here(delivery=Delivery.BOTH)
    for role in (Role.READER, ACTOR):
        never = named(at, role)["NeverReadSecrets"]
        assert (never["Effect"], never["Action"]) == ("Deny", ["secretsmanager:GetSecretValue"])
        assert never["Resource"] == [SECRETS]


@pytest.mark.parametrize("key", KEYS)
def test_the_key_of_the_secrets_is_used_only_through_secrets_manager_by_who_acts(key: str):
    resource, alias = KEYS[key]
    at = replace(here(delivery=Delivery.BOTH), secrets_key_id=key)
    statement = named(at)["KmsSecrets"]
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert statement["Resource"] == [resource]
    condition = statement["Condition"]
    assert condition["StringEquals"] == {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}
    assert condition["StringLike"] == {"kms:EncryptionContext:SecretARN": SECRETS}
    said = condition.get("ForAnyValue:StringEquals", {}).get("kms:ResourceAliases")
    assert said == alias
    assert "KmsSecrets" not in named(at, Role.READER)
    assert "KmsSecrets" not in named(replace(HERE, secrets_key_id=key))


def test_escrow_is_purged_for_good_and_nothing_else_is():
    purge = named(HERE)["PurgeEscrow"]
    assert purge["Action"] == ["s3:DeleteObjectVersion"]
    assert purge["Resource"] == ["arn:aws:s3:::b/iam-compliance/etv/credentials/*"]
    assert named(HERE)["ClearUp"]["Resource"] == ["arn:aws:s3:::b/iam-compliance/etv/lock.json"]
    for role in (Role.READER, ACTOR):
        listed = named(HERE, role)["ListEscrowVersions"]
        assert listed["Condition"]["StringLike"] == {
            "s3:prefix": "iam-compliance/etv/credentials/*"
        }
    deleting = {"s3:DeleteObject", "s3:DeleteObjectVersion"}
    for role in (Role.READER, Role.DEPLOYER, Role.MAIL_FEEDBACK):
        assert not actions_in(documents(HERE, role)) & deleting


def test_who_hears_of_bounces_writes_feedback_once_and_nothing_else():
    made = named(HERE, Role.MAIL_FEEDBACK)
    assert {sid: statement["Action"] for sid, statement in made.items()} == {
        "WriteFeedback": ["s3:PutObject"],
        "ReadBackFeedback": ["s3:GetObject"],
    }
    for statement in made.values():
        assert statement["Resource"] == ["arn:aws:s3:::b/iam-compliance/etv/feedback/*"]
    condition = made["WriteFeedback"]["Condition"]
    assert condition["Null"] == {"s3:if-none-match": "false"}
    assert condition["StringEquals"]["s3:x-amz-server-side-encryption"] == "AES256"
    assert condition["Bool"] == {"aws:SecureTransport": "true"}
    with_key = replace(HERE, bucket=replace(BUCKET, kms_key_id=KEY))
    assert {"KmsGenerateDataKey", "KmsDecrypt"} <= named(with_key, Role.MAIL_FEEDBACK).keys()


def test_who_takes_evidence_out_purges_what_is_kept_and_neither_acts_nor_reads_escrow():
    made = named(HERE, Role.EVIDENCE)
    assert {action.split(":")[0] for action in actions_in(documents(HERE, Role.EVIDENCE))} == {"s3"}
    kept = [f"arn:aws:s3:::b/iam-compliance/etv/{folder}/*" for folder in ("runs", "audit")]
    assert made["PurgeKept"]["Resource"] == kept
    assert set(kept) <= set(made["ReadProject"]["Resource"])
    assert made["NeverReadCredentials"]["Effect"] == "Deny"
    assert made["WriteOnce"]["Condition"]["Null"] == {"s3:if-none-match": "false"}


@pytest.mark.parametrize(
    ("key", "resource", "alias"),
    [
        (KEY, KEY, None),
        ("1234", KEY, None),
        ("alias/evidence", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/*", "alias/evidence"),
    ],
)
def test_a_key_that_signs_is_named_and_asked_for_its_public_half(key, resource, alias):
    made = named(replace(HERE, signing_key_id=key), Role.EVIDENCE)["SignEvidence"]
    assert (made["Action"], made["Resource"]) == (["kms:GetPublicKey", "kms:Sign"], [resource])
    condition = made.get("Condition", {}).get("ForAnyValue:StringEquals", {})
    assert condition.get("kms:ResourceAliases") == alias
    assert "SignEvidence" not in named(HERE, Role.EVIDENCE)


def test_a_long_policy_comes_in_several_documents_within_the_quota():
    many = tuple(e for n in range(60) for e in excluded(tag=f"reason-{n:02}=excluded"))
    made = documents(here(exclusions=many), ACTOR)
    assert len(made) > 2
    for document in made:
        assert len(json.dumps(document, separators=(",", ":"))) <= QUOTA
    joined = [statement for document in made for statement in document["Statement"]]
    assert joined == statements(here(exclusions=many), ACTOR)


def test_other_partitions_have_arns_of_their_own():
    assert partition("cn-north-1") == "aws-cn"
    assert partition("us-gov-west-1") == "aws-us-gov"
    at = replace(HERE, partition="aws-cn", region="cn-north-1")
    arns = [r for s in statements(at, ACTOR) for r in s["Resource"] if r != "*"]
    assert all(arn.startswith("arn:aws-cn:") for arn in arns)


POLICIES_OF_AWS = ("arn:aws:iam::aws:policy/SecurityAudit",)


@pytest.mark.parametrize("role", [Role.READER, Role.ACTOR])
def test_policies_are_looked_for_only_where_access_yaml_names_some_of_awss(role: Role):
    assert "FindPolicies" not in named(HERE, role)

    found = named(replace(HERE, named_policies=POLICIES_OF_AWS), role)["FindPolicies"]

    assert found["Action"] == ["iam:GetPolicy"]
    assert found["Resource"] == list(POLICIES_OF_AWS)


def test_findings_are_sent_by_a_role_that_acts_on_nobody_and_reads_no_credentials():
    mine = named(HERE, Role.SECURITY_HUB)
    assert mine["ImportFindings"]["Resource"] == [
        f"arn:aws:securityhub:eu-west-1:{ACCOUNT}:product/{ACCOUNT}/default"
    ]
    more = actions_in(documents(HERE, Role.SECURITY_HUB)) - actions_in(documents(HERE, Role.READER))
    assert more == {"securityhub:BatchImportFindings", "s3:PutObject"}
    assert mine["RememberSent"]["Resource"][0].endswith("/reports/security-hub.json")
    assert mine["NeverReadCredentials"]["Effect"] == "Deny"
    others = (role for role in Role if role is not Role.SECURITY_HUB)
    for role in others:
        assert "securityhub:BatchImportFindings" not in actions_in(documents(HERE, role))


def test_topics_among_the_channels_may_be_told_by_who_acts_and_found_by_who_looks():
    topic = f"arn:aws:sns:eu-west-1:{ACCOUNT}:team"
    at = replace(HERE, topics=(topic,))
    assert named(at)["TellChannels"]["Resource"] == [topic]
    assert named(at, Role.READER)["FindChannels"]["Action"] == ["sns:GetTopicAttributes"]
    assert "TellChannels" not in named(at, Role.READER)
    assert not {"TellChannels", "FindChannels"} & set(named(HERE))


def test_runs_are_counted_in_one_namespace_by_who_acts_and_only_where_the_config_asks_for_it():
    at = replace(HERE, counts_runs=True)
    counts = named(at)["CountRuns"]
    assert (counts["Action"], counts["Resource"]) == (["cloudwatch:PutMetricData"], ["*"])
    assert counts["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Keyreeve"}}
    assert "CountRuns" not in named(HERE)
    for role in (role for role in Role if role is not Role.ACTOR):
        assert "cloudwatch:PutMetricData" not in actions_in(documents(at, role))
