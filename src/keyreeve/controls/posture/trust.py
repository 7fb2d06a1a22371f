"""Whom roles let in: people with MFA, strangers with an external id, nobody by a wildcard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from keyreeve.controls.posture.library import Library
from keyreeve.controls.posture.question import Question, Verdicts, resource_of
from keyreeve.language.policy_document import (
    Effect,
    MalformedPolicy,
    PolicyDocument,
    Statement,
    parse_document,
)
from keyreeve.language.policy_evaluator import Policies, Principal, Request, evaluate
from keyreeve.model.account_facts import Holder, HolderKind
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard

WITHOUT_MFA: Final = PostureCard(
    id=PostureId.TRUST_WITHOUT_MFA,
    title="Role can be assumed by people without MFA",
    severity=Severity.MEDIUM,
    why="Whoever assumes a role has proved a second factor.",
    risk="A stolen access key alone opens the role.",
    remediation=(
        "Add to the trust policy: Bool aws:MultiFactorAuthPresent true.",
        "For a role that only programs assume, name their roles as principals, not the account.",
    ),
    sources=(
        "S2.15",
        "S2.18",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html",
    ),
)

WITHOUT_EXTERNAL_ID: Final = PostureCard(
    id=PostureId.TRUST_WITHOUT_EXTERNAL_ID,
    title="Another account may assume the role without an external id",
    severity=Severity.MEDIUM,
    why="A third party proves by an external id for which customer it assumes the role.",
    risk=(
        "Another customer of the same third party can have it assume your role, by naming it: "
        "the confused deputy."
    ),
    remediation=(
        "Agree on an external id with the other party, and ask for sts:ExternalId in the trust.",
        "For accounts of your own organisation: ask for aws:PrincipalOrgID instead.",
        "Remove the trust if nobody knows the account.",
    ),
    sources=(
        "S2.17",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html",
    ),
)

TOO_WIDE: Final = PostureCard(
    id=PostureId.TRUST_TOO_WIDE,
    title="Role lets in whoever comes",
    severity=Severity.CRITICAL,
    why="A trust policy names who may assume the role.",
    risk="Anybody with an AWS account, or with an account at the identity provider, can come in.",
    remediation=(
        "Put the ARNs of those who need the role in place of the wildcard.",
        "For GitHub, GitLab and the like: ask for the provider's `sub` of your own repository.",
        "Look in CloudTrail who has assumed the role so far.",
    ),
    sources=(
        "S2.19",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
    ),
)

_OWN: Final = re.compile(r"AWS:(?:arn:[\w-]+:iam::)?(?P<account>\d{12})(?::(?P<what>.+))?")
_CALLERS: Final = frozenset(
    {
        *("aws:principalarn", "aws:principalaccount", "aws:principalorgid"),
        *("aws:principalorgpaths", "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid"),
        *("aws:userid", "aws:principaltag"),
    }
)
"""Condition keys by which a trust with a wildcard still says who."""
_NO_MFA: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:multifactorauthpresent": (),
    "aws:multifactorauthage": (),
}
_STRANGER: Final[Mapping[str, tuple[str, ...]]] = {
    **_NO_MFA,
    "sts:externalid": (),
    "aws:principalorgid": (),
    "aws:principalorgpaths": (),
}
"""What a caller of a foreign account who only knows the role's name does not have."""
_POOLS: Final = ("cognito-identity.amazonaws.com", "accounts.google.com", "graph.facebook.com")
"""Providers of the web whose `aud` names one's own application."""
_ANYTHING: Final = re.compile(r"[*?/:]*|(repo|project_path|organization):[*?/:]*")
"""A `sub` that names nobody in particular."""

Judge = Callable[[Question, Holder, PolicyDocument], Iterator[tuple[str, str]]]
"""A role and its trust policy → who may come in wrongly, and the sentence about it."""


def check_mfa(question: Question) -> Verdicts | None:
    """Roles that own users, by name or by the account, can assume with a plain access key."""
    return _checked(question, WITHOUT_MFA, _without_mfa, "with MFA")


def check_external_id(question: Question) -> Verdicts | None:
    """Roles that a foreign account can assume knowing nothing but the role's name."""
    return _checked(question, WITHOUT_EXTERNAL_ID, _without_external_id, "with an external id")


def check_wide(question: Question) -> Verdicts | None:
    """Wildcard principals, NotPrincipal, identity providers without a subject."""
    return _checked(question, TOO_WIDE, _too_wide, "named principals")


def _checked(question: Question, card: PostureCard, judge: Judge, wanted: str) -> Verdicts | None:
    library = question.library
    return None if library is None else _roles(question, card, judge, wanted, library)


def _roles(
    question: Question, card: PostureCard, judge: Judge, wanted: str, library: Library
) -> Verdicts:
    for role in library.identities.of_kind(HolderKind.ROLE):
        try:
            trust = parse_document(role.trust)
        except MalformedPolicy as error:
            yield question.gap(card, f"the trust policy of {role.name} cannot be read: {error}")
            continue
        found = dict(judge(question, role, trust))
        if found:
            yield question.finding(
                card,
                resource_of(role),
                " ".join(found.values()),
                observed=", ".join(found),
                threshold=wanted,
                since=role.created_at,
            )


def _without_mfa(
    question: Question, role: Holder, trust: PolicyDocument
) -> Iterator[tuple[str, str]]:
    for name, account, what in _of_accounts(trust):
        if account != question.facts.account_id:
            continue
        who = question.iam("user/keyreeve-probe") if what in ("", "root") else name
        if what in ("", "root") or what.startswith("user/"):
            asked = _asks(role, account, who, {**_NO_MFA, "aws:principalarn": (who,)})
            if _lets_in(trust, asked):
                whom = "every user whose policies allow it" if who != name else what
                yield name, f"Lets in {whom}, by an access key alone."


def _without_external_id(
    question: Question, role: Holder, trust: PolicyDocument
) -> Iterator[tuple[str, str]]:
    for name, account, what in _of_accounts(trust):
        if account == question.facts.account_id:
            continue
        root = what in ("", "root")
        who = f"arn:{question.facts.partition}:iam::{account}:role/keyreeve-probe" if root else name
        asked = _asks(role, account, who, {**_STRANGER, "aws:principalarn": (who,)})
        if _lets_in(trust, asked):
            yield name, f"Lets in {'account ' + account if root else name} without an external id."


def _too_wide(question: Question, role: Holder, trust: PolicyDocument) -> Iterator[tuple[str, str]]:
    del question, role  # the text alone tells
    for statement in trust.statements:
        principals = statement.principals
        if statement.effect is not Effect.ALLOW or principals is None:
            continue
        if principals.negated:
            yield "NotPrincipal", "Lets in everybody but those whom it names (NotPrincipal)."
        elif "*" in principals.values and not _says_who(statement):
            yield "*", "Lets in every AWS account (Principal *)."
        for principal in principals.values:
            kind, _, provider = principal.partition(":")
            if kind == "Federated" and _whoever_signs_in(statement, provider):
                yield provider, f"Lets in whoever signs in at {_host(provider)}."


def _of_accounts(trust: PolicyDocument) -> Iterator[tuple[str, str, str]]:
    """Principals that the trust allows: name, account, what of it (`root`, `user/…`)."""
    for statement in trust.statements:
        if statement.effect is Effect.ALLOW and statement.principals is not None:
            for principal in statement.principals.values:
                found = _OWN.fullmatch(principal)
                if found is not None and not statement.principals.negated:
                    name = principal.removeprefix("AWS:")
                    yield name, found["account"], found["what"] or ""


def _asks(role: Holder, account: str, who: str, known: Mapping[str, tuple[str, ...]]) -> Request:
    return Request(
        action="sts:AssumeRole",
        resource=role.arn,
        context=known,
        principal=Principal(account=account, names=frozenset({who})),
        complete=False,
    )


def _lets_in(trust: PolicyDocument, asked: Request) -> bool:
    """Whether the trust policy may allow it: what nobody knows is taken as met."""
    policies = Policies(identity=(_MAY_ALL,), resource=(trust,), resource_decides=True)
    return evaluate(policies, asked, hopeful=True).allowed


_MAY_ALL: Final = parse_document(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},
    }
)
"""The caller's own policies: the trust policy is what is judged."""


def _says_who(statement: Statement) -> bool:
    return any(condition.key.partition("/")[0] in _CALLERS for condition in statement.conditions)


def _whoever_signs_in(statement: Statement, provider: str) -> bool:
    """No `sub` of one's own, and no `aud` where that names one's own application."""
    if ":saml-provider/" in provider:
        return False  # the provider itself is one's own
    host = _host(provider)
    own = (":aud", ":sub") if host in _POOLS else (":sub",)
    said = [c for c in statement.conditions if c.key.endswith(own) and not _denies(c.operator)]
    return not any(
        all(_ANYTHING.fullmatch(value) is None for value in condition.values) for condition in said
    )


def _denies(operator: str) -> bool:
    return "Not" in operator or operator == "Null"


def _host(provider: str) -> str:
    """`arn:aws:iam::…:oidc-provider/HOST` or the host itself."""
    return provider.rpartition(":oidc-provider/")[2].partition("/")[0]
