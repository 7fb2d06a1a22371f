"""Every name of access.yaml against the account: what is told of it, and how it is mended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests import builders

from keyreeve.governance.access_policies import Place, trust
from keyreeve.model.access import AccessModel, Grant, RequiredTags, TrustModel
from keyreeve.model.policy import Enforcement, EscalationPolicy, Exclusion, FinalAct, Match
from keyreeve.model.snapshot import User
from keyreeve.pipeline.doctor import Diagnosis, Verdict
from keyreeve.pipeline.doctor_access import AccessCheck, about_access, allows_everything
from keyreeve.ports.access import AccessFacts, LiveRole

AT = Place(partition="aws", account_id="123456789012")
AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
POWERS = "arn:aws:iam::aws:policy/AdministratorAccess"
OWN = AT.iam("policy/team/Deploying")
PROVISIONER = AT.iam("role/provisioner")
ADMIN = Grant(
    functional_group="Administrator", group="Administrator", role="AdminRole", policies=(POWERS,)
)
DEVELOPER = Grant(
    functional_group="Developer",
    group="Developers",
    role="DeveloperRole",
    policies=(AUDIT, OWN),
    max_session=timedelta(hours=8),
)
MODEL = AccessModel(grants=(ADMIN, DEVELOPER), provisioners=(PROVISIONER,))
NARROW = {"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}
TAGS = {"FunctionalGroup": "Developer", "Department": "IT", "email": "a@example.com"}


def user(name: str, **tags: str) -> User:
    return builders.user(name, tags={**TAGS, **tags})


def role(grant: Grant, model: AccessModel = MODEL, **changes: Any) -> LiveRole:
    given = {
        "name": grant.role,
        "arn": AT.iam(f"role/{grant.role}"),
        "trust": trust(model, grant, AT),
        "attached": frozenset({*grant.policies, AT.iam("policy/keyreeve-etv-deny-role-tag")}),
        **changes,
    }
    return LiveRole(**given)


def roles(*others: LiveRole) -> dict[str, LiveRole]:
    provisioner = LiveRole(name="provisioner", arn=PROVISIONER, trust={}, attached=frozenset())
    found = (role(ADMIN), role(DEVELOPER), provisioner, *others)
    return {each.name: each for each in found}


FACTS = AccessFacts(
    groups=frozenset({"MFA-Setup", "Quarantine", "Administrator", "Developers", "Others"}),
    roles=roles(),
    policies={OWN: NARROW},
)
CHECK = AccessCheck(
    model=MODEL,
    facts=FACTS,
    users=(user("ann"), user("bob", FunctionalGroup="Administrator")),
    missing_policies=frozenset(),
    at=AT,
    policy=EscalationPolicy(project_name="ETV"),
    project="etv",
)


def wrong(check: AccessCheck) -> list[tuple[Verdict, str, str]]:
    found = [each for each in about_access(check) if each.verdict is not Verdict.OK]
    assert all(each.remedy for each in found)
    return [(each.verdict, each.check, each.found) for each in found]


def with_facts(**changes: Any) -> AccessCheck:
    return replace(CHECK, facts=replace(FACTS, **changes))


def with_model(**changes: Any) -> AccessCheck:
    return replace(CHECK, model=replace(MODEL, **changes))


def groups(without: str, *others: str) -> AccessCheck:
    return with_facts(groups=(FACTS.groups - {without}) | set(others))


def test_a_sound_account_has_one_line_of_each_kind_and_nothing_to_mend():
    found: list[Diagnosis] = list(about_access(CHECK))

    assert [(each.check, each.verdict) for each in found] == [
        ("access groups", Verdict.OK),
        ("access role", Verdict.OK),
        ("access role", Verdict.OK),
        ("access policies", Verdict.OK),
        ("access tags", Verdict.OK),
        ("access provisioners", Verdict.OK),
    ]


def quarantining(**acts: FinalAct) -> EscalationPolicy:
    return replace(CHECK.policy, enforcement=Enforcement(**acts))


BROKEN, WARNING = Verdict.BROKEN, Verdict.WARNING
GROUPS = [
    (groups("MFA-Setup", "MFASetup"), BROKEN, "MFASetup exists, MFA-Setup does not"),
    (groups("Developers", "developers"), BROKEN, "developers exists, Developers does not"),
    (groups("Developers", "Developer"), WARNING, "Developers does not exist; Developer does"),
    (groups("Quarantine"), WARNING, "Quarantine does not exist"),
    (
        replace(groups("Quarantine"), policy=quarantining(user_inactive=FinalAct.QUARANTINE)),
        BROKEN,
        "Quarantine does not exist",
    ),
    (
        replace(groups("MFA-Setup"), policy=quarantining(console_mfa=FinalAct.QUARANTINE)),
        BROKEN,
        "MFA-Setup does not exist",
    ),
    (
        replace(groups("Quarantine"), policy=quarantining(console_mfa=FinalAct.QUARANTINE)),
        WARNING,
        "Quarantine does not exist",
    ),
]


@pytest.mark.parametrize(("check", "verdict", "found"), GROUPS)
def test_a_group_that_is_missing_or_named_otherwise_is_told(
    check: AccessCheck, verdict: Verdict, found: str
):
    assert wrong(check) == [(verdict, "access group", found)]


def without_role(name: str, *others: LiveRole) -> AccessCheck:
    return with_facts(roles={n: r for n, r in roles(*others).items() if n != name})


OPEN = trust(MODEL, ADMIN, AT) | {
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": AT.iam("root")}, "Action": "sts:*"}]
}
ROLES = [
    (without_role("AdminRole"), [(WARNING, "AdminRole does not exist")]),
    (
        without_role("AdminRole", replace(role(ADMIN), name="Admin-Role")),
        [(BROKEN, "Admin-Role exists, AdminRole does not")],
    ),
    (
        with_facts(roles=roles(role(ADMIN, trust=OPEN))),
        [
            (BROKEN, "AdminRole: its trust policy lets in without MFA (a plain access key)"),
            (BROKEN, "AdminRole: its trust policy lets in without MFA (a session)"),
            (BROKEN, "AdminRole: its trust policy lets in with an MFA proof older than 3600 s"),
            (
                BROKEN,
                "AdminRole: its trust policy lets in under a session name that is not the user's",
            ),
        ],
    ),
    (
        with_facts(roles=roles(role(DEVELOPER, attached=frozenset({AUDIT, POWERS})))),
        [
            (WARNING, "DeveloperRole has more policies: AdministratorAccess"),
            (WARNING, "DeveloperRole lacks policies: team/Deploying"),
        ],
    ),
    (
        # A name alike hides nothing.
        with_facts(
            roles=roles(
                role(DEVELOPER, attached=frozenset({OWN, AUDIT, AT.iam("policy/keyreeve-etv-all")}))
            )
        ),
        [(WARNING, "DeveloperRole has more policies: keyreeve-etv-all")],
    ),
    (
        with_facts(roles=roles(role(DEVELOPER, inline=("by-hand",)))),
        [(WARNING, "DeveloperRole has more policies: by-hand (inline)")],
    ),
]


@pytest.mark.parametrize(("check", "told"), ROLES)
def test_a_role_that_is_missing_or_does_otherwise_is_told(
    check: AccessCheck, told: list[tuple[Verdict, str]]
):
    assert wrong(check) == [(verdict, "access role", found) for verdict, found in told]


EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
POLICIES = [
    (
        replace(CHECK, missing_policies=frozenset({AUDIT})),
        BROKEN,
        f"AWS has no policy {AUDIT} (DeveloperRole)",
    ),
    (
        with_facts(policies={AT.iam("policy/Deploying"): NARROW}),
        BROKEN,
        f"{OWN} (DeveloperRole) does not exist in this account; {AT.iam('policy/Deploying')} does",
    ),
    (
        with_facts(policies={}),
        BROKEN,
        f"{OWN} (DeveloperRole) does not exist in this account",
    ),
    (
        with_facts(policies={OWN: EVERYTHING}),
        WARNING,
        f"{OWN} allows everything, and DeveloperRole is not the administrator's",
    ),
]


@pytest.mark.parametrize(("check", "verdict", "found"), POLICIES)
def test_a_policy_that_is_missing_or_too_wide_is_told(
    check: AccessCheck, verdict: Verdict, found: str
):
    assert wrong(check) == [(verdict, "access policy", found)]


def test_an_own_policy_of_the_administrator_may_allow_everything():
    admin = replace(ADMIN, policies=(POWERS, OWN))
    developer = replace(DEVELOPER, policies=(AUDIT,))
    model = replace(MODEL, grants=(admin, developer))
    there = {each.name: each for each in (role(admin, model), role(developer, model))}
    facts = replace(FACTS, roles=roles() | there, policies={OWN: EVERYTHING})

    assert wrong(replace(CHECK, model=model, facts=facts)) == []


@pytest.mark.parametrize(
    ("statement", "everything"),
    [
        ({"Action": "*", "Resource": "*"}, True),
        ({"Action": ["s3:*", "*:*"], "Resource": ["arn:aws:s3:::b", "*"]}, True),
        ({"Action": "s3:*", "Resource": "*"}, False),
        ({"Action": "*", "Resource": "arn:aws:s3:::b"}, False),
        ({"NotAction": "*", "Resource": "*"}, False),
        ({"Action": "*", "NotResource": "*"}, False),
        ({"Action": "*", "Resource": "*", "Effect": "Deny"}, False),
        ({"Action": "*", "Resource": "*", "Condition": {"Bool": {"a:b": "true"}}}, False),
        ({"Action": "*"}, False),
    ],
)
def test_everything_is_every_action_on_every_resource_without_condition(
    statement: dict[str, Any], *, everything: bool
):
    document = {"Statement": [NARROW["Statement"], {"Effect": "Allow", **statement}]}

    assert allows_everything(document) is everything


def test_awss_own_policies_are_looked_for_in_the_accounts_partition():
    at = Place(partition="aws-cn", account_id="123456789012")

    assert at.policy(AUDIT) == "arn:aws-cn:iam::aws:policy/SecurityAudit"
    assert at.policy(OWN) == OWN


LONG = replace(ADMIN, max_session=timedelta(hours=2))
SECOND = replace(DEVELOPER, policies=(POWERS,))
OF_ITSELF = [
    (
        with_model(grants=(LONG, DEVELOPER)),
        "sessions of AdminRole may do everything for more than an hour",
    ),
    (
        with_model(grants=(ADMIN, SECOND)),
        "2 roles may do everything: AdminRole, DeveloperRole",
    ),
    (
        with_model(tags=RequiredTags(email="Mail")),
        "tags.email is Mail, and mail.owner.tag of config.yaml is email",
    ),
]


@pytest.mark.parametrize(("check", "found"), OF_ITSELF)
def test_what_access_yaml_gives_away_is_told_before_anything_is_deployed(
    check: AccessCheck, found: str
):
    assert (WARNING, "access.yaml", found) in wrong(check)


def test_users_whose_role_tag_is_unknown_are_told_with_what_was_meant():
    users = (
        user("ann", FunctionalGroup="developer"),
        user("bob", FunctionalGroup="Develper"),
        user("cid", FunctionalGroup="Butler"),
        user("dan", FunctionalGroup="Butler"),
        user("eve"),
    )
    assert wrong(replace(CHECK, users=users)) == [
        (WARNING, "access tags", "FunctionalGroup=Butler of cid, dan is no role of access.yaml"),
        (
            WARNING,
            "access tags",
            "FunctionalGroup=Develper of bob is no role of access.yaml; Developer is",
        ),
        (
            WARNING,
            "access tags",
            "FunctionalGroup=developer of ann is no role of access.yaml; Developer is",
        ),
    ]


def test_users_without_a_required_tag_are_counted_and_excluded_ones_are_not():
    users = (user("ann", Department=" "), user("ci-bot", FunctionalGroup=""), user("eve"))
    exclusions = (Exclusion(match=Match(user="ci-*"), reason="machine"),)

    assert wrong(replace(CHECK, users=users)) == [
        (WARNING, "access tags", "2 of 3 users lack required tags: ann, ci-bot")
    ]
    excluding = replace(CHECK, users=users, policy=replace(CHECK.policy, exclusions=exclusions))
    assert wrong(excluding) == [(WARNING, "access tags", "1 of 2 users lack required tags: ann")]


def test_users_who_are_to_be_trusted_and_are_not_there_are_told():
    developer = replace(DEVELOPER, trusted_users=("ann", "team/bob", "cyd"))
    admin = replace(ADMIN, trusted_users=("ann",))
    model = replace(MODEL, trust=TrustModel.USERS, grants=(admin, developer))
    there = roles(role(admin, model), role(developer, model))
    check = replace(with_facts(roles=there), model=model)

    assert [found for _, check, found in wrong(check) if check == "access user"] == [
        "team/bob, whom DeveloperRole is to trust, does not exist",
        "cyd, whom DeveloperRole is to trust, does not exist",
    ]


def test_provisioners_must_be_named_and_be_there():
    assert wrong(with_model(provisioners=())) == [
        (
            WARNING,
            "access provisioners",
            "nobody may set the role tag once the identity stack is deployed",
        )
    ]
    assert wrong(with_model(provisioners=(f"{PROVISIONER}s",))) == [
        (BROKEN, "access provisioners", f"{PROVISIONER}s does not exist; {PROVISIONER} does")
    ]
