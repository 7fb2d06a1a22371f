"""The policy of a session that only looks: every read, and nothing else."""

from __future__ import annotations

import json

import botocore.session
import pytest

from keyreeve.aws.failures import READS
from keyreeve.aws.looking import LOOKING
from keyreeve.aws.sessions import SERVICES
from keyreeve.language.policy_document import parse_document
from keyreeve.language.policy_evaluator import Policies, Request, evaluate

LONGEST = 2048
"""Characters of a session policy (AWS: AssumeRole)."""
PREFIX = {"accessanalyzer": "access-analyzer", "sesv2": "ses"}
"""Services whose actions bear another name than their client."""
ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
}
"""Calls whose action bears another name (Service Authorization Reference, S3)."""
ALWAYS = {"sts:GetCallerIdentity"}
"""No policy can refuse it (AWS: GetCallerIdentity)."""
REVEALING = ("secretsmanager:GetSecretValue", "kms:Decrypt", "sts:AssumeRole", "ssm:GetParameter")
LOOKS = ("Describe", "Detect", "Get", "List", "LookupEvents", "SimulatePrincipalPolicy")
"""How the calls begin that change nothing; a credential report is AWS's own note."""

_POLICIES = Policies(identity=(parse_document(json.loads(LOOKING)),))


def allowed(action: str) -> bool:
    return evaluate(_POLICIES, Request(action=action)).allowed


def action_of(call: str) -> str:
    service, _, operation = call.partition(":")
    return ACTIONS.get(call, f"{PREFIX.get(service, service)}:{operation}")


@pytest.mark.parametrize("call", sorted(READS - ALWAYS))
def test_who_looks_may_make_every_read(call):
    assert allowed(action_of(call))


@pytest.mark.parametrize("service", SERVICES)
def test_who_looks_may_change_nothing(service):
    model = botocore.session.Session().get_service_model(service)
    calls = {f"{service}:{name}" for name in model.operation_names}
    let_pass = {
        call
        for call in calls
        if allowed(action_of(call)) and not call.partition(":")[2].startswith(LOOKS)
    }
    assert let_pass <= READS


@pytest.mark.parametrize("action", REVEALING)
def test_who_looks_learns_no_secret_and_takes_on_no_other_role(action):
    assert not allowed(action)


def test_the_policy_of_a_session_is_short_enough_for_aws():
    assert len(LOOKING) <= LONGEST
