"""Credentials beside passwords and access keys: certificates, SSH keys, those of one service."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from keyreeve.controls.posture.asked_actions import GIT
from keyreeve.controls.posture.library import Library
from keyreeve.controls.posture.question import (
    Question,
    Resource,
    Verdicts,
    in_days,
    whole_days,
)
from keyreeve.language.policy_evaluator import Request, evaluate
from keyreeve.model.account_facts import (
    Holder,
    HolderKind,
    OtherCredential,
    ServerCertificate,
)
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard, ResourceType

SOON: Final = timedelta(days=30)
"""How long before its end a certificate is reported; ours, as ACM renews its own at 60 days."""
OLD: Final = timedelta(days=90)
"""The age that auditors ask about for access keys (CIS), held against their relatives."""

CERTIFICATES: Final = PostureCard(
    id=PostureId.SERVER_CERTIFICATES,
    title="Server certificate in IAM has expired, or soon will",
    severity=Severity.MEDIUM,
    why="Certificates are renewed before they end, and expired ones are deleted.",
    risk="Clients see an error; and nobody notices when an expired one is put to use by mistake.",
    remediation=(
        "Ask ACM for a certificate: it renews by itself.",
        "`aws iam delete-server-certificate` removes the old one once nothing uses it.",
    ),
    sources=(
        "S2.29",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-26",
    ),
)

SSH: Final = PostureCard(
    id=PostureId.SSH_KEYS,
    title="Old SSH key",
    severity=Severity.LOW,
    why="SSH keys of IAM users are replaced as access keys are.",
    risk="They open CodeCommit's repositories for as long as they are active, without MFA.",
    remediation=(
        "In IAM, open the user's Security credentials, SSH public keys.",
        "Upload a new key, then make the old one inactive, and later delete it.",
    ),
    sources=(
        "S2.12",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_ssh-keys.html",
    ),
)

SERVICE: Final = PostureCard(
    id=PostureId.SERVICE_CREDENTIALS,
    title="Old credential of one service",
    severity=Severity.MEDIUM,
    why="Git, Keyspaces and Bedrock credentials of IAM users are replaced as access keys are.",
    risk="They are passwords for programs: whoever finds one can use the service, without MFA.",
    remediation=(
        "In IAM, open the user's Security credentials and make a new one for the service.",
        "Then make the old one inactive, and later delete it.",
        "Better: temporary credentials of a role, which all these services take.",
    ),
    sources=(
        "S2.12",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_service-specific-creds.html",
    ),
)


def check_certificates(question: Question) -> Verdicts | None:
    """Expired, or ending within SOON."""
    found = question.facts.certificates
    return None if found is None else _certificates(question, found)


def _certificates(question: Question, found: tuple[ServerCertificate, ...]) -> Verdicts:
    for each in found:
        left = each.expires_at - question.now
        if left < SOON:
            over = left < timedelta(0)
            days = in_days(whole_days(abs(left)))
            ended = f"{'Expired' if over else 'Expires'} on {each.expires_at:%Y-%m-%d}"
            yield question.finding(
                CERTIFICATES,
                Resource(type=ResourceType.CERTIFICATE, id=each.arn, name=each.name),
                f"{ended}, {days} ago." if over else f"{ended}, in {days}.",
                observed=whole_days(left),
                threshold=SOON.days,
                since=each.expires_at,
            )


def check_ssh(question: Question) -> Verdicts | None:
    """Active keys that are OLD."""
    found = question.facts.ssh_keys
    return None if found is None else _old(question, SSH, "SSH key", found)


def check_service(question: Question) -> Verdicts | None:
    """Active credentials that are OLD."""
    found = question.facts.service_credentials
    return None if found is None else _old(question, SERVICE, "Credential", found)


def _old(
    question: Question, card: PostureCard, what: str, found: tuple[OtherCredential, ...]
) -> Verdicts:
    for each in found:
        age = question.now - each.created_at
        if each.active and age >= OLD:
            yield question.finding(
                card,
                Resource(
                    type=ResourceType.USER,
                    id=f"{question.iam(f'user/{each.user_name}')}#{each.id}",
                    name=each.user_name,
                ),
                f"{what} {each.id} for {each.service} is {in_days(whole_days(age))} old; "
                f"the limit is {in_days(OLD.days)}.",
                observed=whole_days(age),
                threshold=OLD.days,
                since=each.created_at,
            )


def may_use_git(library: Library, user: Holder, repository: str) -> bool:
    """Whether the user's policies may allow CodeCommit: only then an SSH key of it opens anything.

    ListSSHPublicKeys is one call a user; who cannot use a key is not asked for it.
    """
    policies = library.policies(user, library.with_groups(user))
    requests = (Request(action=action, resource=repository, complete=False) for action in GIT)
    return any(evaluate(policies, each, hopeful=True).allowed for each in requests)


def users_of_git(library: Library, repository: str) -> tuple[Holder, ...]:
    """Whose SSH keys are worth their call; each set of policies is judged once."""
    known: dict[object, bool] = {}
    chosen = []
    for user in library.identities.of_kind(HolderKind.USER):
        own = user.arn if user.inline else ""
        key = (user.attached, own, user.groups, user.boundary)
        if key not in known:
            known[key] = may_use_git(library, user, repository)
        if known[key]:
            chosen.append(user)
    return tuple(chosen)
