"""Whether somebody could assume a role by what is kept: proved, or refused with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.governance.people import GRANTS, MODEL, member

from keyreeve.governance import access_policies
from keyreeve.governance.demotion import cannot_assume, needs_mfa
from keyreeve.model.access import TrustModel
from keyreeve.model.people import Role

ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}:role/AdministratorAccessRole"
ADMIN = GRANTS[0]
WHO = member("bob", "Administrator")


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(principal=f"arn:aws:iam::{ACCOUNT}:root", **condition):
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return document({**statement, **({"Condition": condition} if condition else {})})


MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
ASSUME = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ARN})
DENY = document({"Sid": "No", "Effect": "Deny", "Action": "sts:*", "Resource": "*"})
STRICT = document(
    {
        "Sid": "Strict",
        "Effect": "Deny",
        "NotAction": "iam:EnableMFADevice",
        "Resource": "*",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    }
)
BOUNDARY = document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
ELSEWHERE = "arn:aws:iam::999999999999:root"
CASES = [
    # trust, kept, boundary → why not
    (trust(**MFA), [ASSUME], None, None),
    (trust(**MFA), [ASSUME, STRICT], None, None),
    (trust(f"arn:aws:iam::{ACCOUNT}:user/bob", **MFA), [], None, None),
    (trust(**MFA), [], None, "no identity policy"),
    (trust(ELSEWHERE, **MFA), [ASSUME], None, "no trust policy of the role"),
    (trust(f"arn:aws:iam::{ACCOUNT}:user/eve"), [ASSUME], None, "no trust policy of the role"),
    (trust(**MFA), [ASSUME, DENY], None, "(No) denies"),
    (trust(**MFA), [ASSUME], BOUNDARY, "no permissions boundary"),
    (trust(StringEquals={"sts:ExternalId": "x"}), [ASSUME], None, "no trust policy of the role"),
    (trust(IpAddress={"aws:SourceIp": "10.0.0.0/8"}), [ASSUME], None, "no trust policy"),
    ({"Statement": "x"}, [ASSUME], None, "cannot be read"),
]


@pytest.mark.parametrize(("trusted", "kept", "boundary", "why"), CASES)
def test_the_role_is_proved_assumable_or_not(trusted, kept, boundary, why):
    role = Role(name="r", arn=ARN, trust=trusted, max_session_seconds=3600)
    found = cannot_assume(ADMIN, WHO, role, kept, boundary)
    assert (found is None) is (why is None), found
    assert why is None or why in found


@pytest.mark.parametrize("trusting", TrustModel)
def test_a_role_of_the_identity_stack_is_proved_assumable_by_its_people(trusting):
    """Its trust asks for a fresh proof of MFA, which everybody with a device can give."""
    at = access_policies.Place(partition="aws", account_id=ACCOUNT)
    grant = replace(ADMIN, trusted_users=("bob",))
    trusted = access_policies.trust(replace(MODEL, trust=trusting), grant, at)
    role = Role(name="r", arn=ARN, trust=trusted, max_session_seconds=3600)
    kept = [
        access_policies.assume_own_role(grant, at),
        access_policies.self_management(at),
        access_policies.deny_without_mfa(at),
        access_policies.deny_role_tag(MODEL, at),
    ]
    assert cannot_assume(grant, WHO, role, kept) is None
    assert needs_mfa(WHO, role, kept)


def test_group_and_device_come_first():
    role = Role(name="r", arn=ARN, trust=trust(**MFA), max_session_seconds=3600)
    outside = replace(WHO, groups=frozenset())
    assert "not in Administrator" in cannot_assume(ADMIN, outside, role, [ASSUME])
    without = replace(WHO, has_mfa=False)
    assert "MFA device" in cannot_assume(ADMIN, without, role, [ASSUME])


@pytest.mark.parametrize(
    ("trusted", "kept", "needed"),
    [
        (trust(**MFA), [ASSUME], True),
        (trust(), [ASSUME, STRICT], True),
        (trust(), [ASSUME], False),
        (trust(BoolIfExists={"aws:MultiFactorAuthPresent": "true"}), [ASSUME], True),
    ],
)
def test_whether_mfa_is_asked_for_at_all(trusted, kept, needed):
    role = Role(name="r", arn=ARN, trust=trusted, max_session_seconds=3600)
    assert needs_mfa(WHO, role, kept) is needed
