from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keyreeve.governance.identity_stack import policy_names
from keyreeve.model.access import QUARANTINE_GROUP, AccessModel, Grant
from keyreeve.model.identifiers import AccountId, UserId, UserName
from keyreeve.model.snapshot import Absent, GrantedPolicies, User
from keyreeve.reporting.access_document import (
    Facts,
    Joined,
    Remark,
    RoleFacts,
    RoleState,
    access_report,
    role_state,
)

RIGHTS = Remark.STANDING_RIGHTS
ACCOUNT = AccountId("123456789012")
NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
ADMIN_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"
DEVELOPER = Grant(
    functional_group="Developer", group="Developers", role="DeveloperRole", policies=()
)
AUDITOR = Grant(functional_group="Auditor", group="Auditor", role="AuditorRole", policies=())
MODEL = AccessModel(grants=(DEVELOPER, AUDITOR))
TAGS = {"FunctionalGroup": "Developer", "Department": "IT", "email": "ana@example.com"}


def user(name="ana", *, groups=("Developers",), tags=TAGS, managed=(), inline=(), by_group=()):
    return User(
        name=UserName(name),
        arn=f"arn:aws:iam::{ACCOUNT}:user/{name}",
        created_at=NOW - timedelta(days=400),
        user_id=UserId(f"AIDA{name.upper()}"),
        tags=tags,
        groups=groups,
        inline_policies=inline,
        granted=GrantedPolicies(managed=frozenset(managed), group_inline=by_group),
        password_enabled=None,
        password_last_used=Absent.UNKNOWN,
        password_last_changed=Absent.UNKNOWN,
        mfa_active=None,
    )


def report(*users, mfa=("ana",), joined=None, administrators=()):
    facts = Facts(
        account_id=ACCOUNT,
        as_of=NOW,
        users=users,
        with_mfa=frozenset(map(UserName, mfa)),
        roles=(),
        administrators=frozenset(map(UserName, administrators)),
        own_policies=policy_names(MODEL, "etv"),
        joined=joined or {},
        remembered_from=NOW - timedelta(days=90),
    )
    return access_report(MODEL, facts)


@pytest.mark.parametrize(
    ("changes", "mfa", "remarks"),
    [
        ({}, True, []),
        ({}, False, [Remark.NO_MFA]),
        ({"managed": [ADMIN_POLICY]}, True, [Remark.STANDING_ADMINISTRATOR]),
        ({"managed": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}, True, [Remark.STANDING_RIGHTS]),
        ({"inline": ("mine",)}, True, [Remark.STANDING_RIGHTS]),
        ({"by_group": ("Billing/pay",)}, True, [Remark.STANDING_RIGHTS]),
        ({"managed": [f"arn:aws:iam::{ACCOUNT}:policy/keyreeve-etv-onboarding"]}, True, []),
        (
            {"managed": [f"arn:aws:iam::{ACCOUNT}:policy/keyreeve-etv-assume-developerrole"]},
            True,
            [],
        ),
        # A name alike hides nothing.
        ({"managed": [f"arn:aws:iam::{ACCOUNT}:policy/keyreeve-etv-all"]}, True, [RIGHTS]),
        ({"managed": [f"arn:aws:iam::{ACCOUNT}:policy/keyreeve-onboarding"]}, True, [RIGHTS]),
        ({"groups": ()}, True, [Remark.NO_ROLE_GROUP]),
        ({"groups": ("Other",)}, True, [Remark.NO_ROLE_GROUP]),
        ({"groups": ("MFA-Setup",)}, True, []),
        ({"groups": ("Developers", "Auditor")}, True, [Remark.SEVERAL_ROLE_GROUPS]),
        ({"groups": ("Developers", "MFA-Setup")}, True, [Remark.ONBOARDING_TOO]),
        ({"groups": ("Auditor",)}, True, [Remark.TAG_DISAGREES]),
        ({"tags": {}}, True, [Remark.TAG_DISAGREES, Remark.TAG_MISSING]),
        ({"groups": (QUARANTINE_GROUP, "Developers")}, True, [Remark.QUARANTINED]),
    ],
)
def test_a_reviewer_is_shown_what_differs(changes, mfa, remarks):
    [person] = report(user(**changes), mfa=("ana",) if mfa else ()).people
    assert list(person.remarks) == remarks


def test_who_may_do_everything_is_named_whatever_the_policy_is_called():
    [person] = report(user(by_group=("Billing/pay",)), administrators=("ana",)).people
    assert person.standing == ("inline of a group: Billing/pay",)
    assert person.remarks == (Remark.STANDING_ADMINISTRATOR,)


def test_why_and_since_when_come_with_each_way():
    joined = {
        (UserName("ana"), "Developers"): Joined(at=NOW - timedelta(days=3), by="arn:aws:iam::1:x")
    }
    found = report(user(groups=("Developers", "Auditor", "Other")), joined=joined)
    first, second = found.people[0].ways
    assert (first.group, first.role, first.why) == (
        "Developers",
        "DeveloperRole",
        "FunctionalGroup is Developer",
    )
    assert (first.since, first.by) == (NOW - timedelta(days=3), "arn:aws:iam::1:x")
    assert second.why == "not by the tag FunctionalGroup, which is 'Developer'"
    assert second.since is None
    assert found.people[0].other_groups == ("Other",)


def test_duties_name_their_people():
    found = report(user("bob"), user("ana"), user("eve", groups=("Auditor",)))
    assert [(duty.grant.group, duty.people) for duty in found.duties] == [
        ("Developers", ("ana", "bob")),
        ("Auditor", ("eve",)),
    ]


def trust(condition=None, principal=f"arn:aws:iam::{ACCOUNT}:root"):
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


MFA = {"aws:MultiFactorAuthPresent": "true"}


@pytest.mark.parametrize(
    ("document", "hours", "state"),
    [
        (trust({"Bool": MFA}), 1, RoleState.AS_WANTED),
        (trust({"Bool": MFA}), 2, RoleState.LONGER),
        (trust(), 1, RoleState.WITHOUT_MFA),
        (trust({"BoolIfExists": MFA}), 1, RoleState.WITHOUT_MFA),
        (trust({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}), 1, RoleState.WITHOUT_MFA),
        (trust(principal="*"), 1, RoleState.WITHOUT_MFA),
        (trust(principal="arn:aws:iam::999999999999:root"), 1, RoleState.AS_WANTED),
        ({"Statement": 5}, 1, RoleState.UNREADABLE),
        (None, 1, RoleState.MISSING),
    ],
)
def test_a_role_is_judged_by_its_trust_policy(document, hours, state):
    role = RoleFacts(name="DeveloperRole", trust=document, max_session=timedelta(hours=hours))
    assert role_state(DEVELOPER, role, ACCOUNT) is state
