"""The root user: not used, without access keys, with MFA."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from keyreeve.controls.posture.question import Question, Verdicts, in_days, whole_days
from keyreeve.model.account_facts import RootFacts
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard
from keyreeve.model.snapshot import Absent, Moment

RECENT: Final = timedelta(days=30)
"""How long a use of root is worth a word; ours: CIS names none."""

USE: Final = PostureCard(
    id=PostureId.ROOT_USE,
    title="Root user was used",
    severity=Severity.HIGH,
    why="The root user is for the few tasks that only it can do, and for nothing else.",
    risk=(
        "No policy limits the root user, and nobody can tell which person it was. "
        "A session of it can close the account."
    ),
    remediation=(
        "Find out in CloudTrail who signed in as root, and what for.",
        "Give that person a role with the rights that the task needs.",
        "Keep root's password and MFA device where two people are needed to reach them.",
    ),
    sources=(
        "S2.29",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    ),
)

ACCESS_KEY: Final = PostureCard(
    id=PostureId.ROOT_ACCESS_KEY,
    title="Root user has an access key",
    severity=Severity.CRITICAL,
    why="The root user has no access keys.",
    risk="Whoever finds the key owns the account: no policy limits it, no second factor guards it.",
    remediation=(
        "Find in CloudTrail what uses the key, and give it a role instead.",
        "Sign in as root, open Security credentials, deactivate the key, and then delete it.",
    ),
    sources=(
        "S2.29",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    ),
)

MFA: Final = PostureCard(
    id=PostureId.ROOT_MFA,
    title="Root user has no MFA",
    severity=Severity.CRITICAL,
    why="The root user signs in with a second factor.",
    risk="The password, or the mailbox that can reset it, is all it takes to own the account.",
    remediation=(
        "Sign in as root, open Security credentials, and assign an MFA device.",
        "Use a security key or passkey, and a second one that is kept elsewhere.",
        "In an organisation: remove the member accounts' root credentials altogether.",
    ),
    sources=(
        "S2.29",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/enable-mfa-for-root.html",
    ),
)


def check_use(question: Question) -> Verdicts | None:
    """Password or key of root used within RECENT, as the credential report tells."""
    used = question.facts.root_last_used
    return None if used is None else _use(question, used)


def _use(question: Question, used: Moment) -> Verdicts:
    if used is Absent.UNKNOWN:
        yield question.gap(USE, "AWS does not say when the root user was used last")
    if not isinstance(used, datetime):
        return
    ago = question.now - used
    if ago < RECENT:
        yield question.finding(
            USE,
            question.account,
            f"Last used {in_days(whole_days(ago))} ago, on {used:%Y-%m-%d}; "
            f"within {in_days(RECENT.days)} it is reported.",
            observed=whole_days(ago),
            threshold=RECENT.days,
            since=used,
        )


def check_access_key(question: Question) -> Verdicts | None:
    """GetAccountSummary: AccountAccessKeysPresent."""
    root = question.facts.root
    return None if root is None else _access_key(question, root)


def _access_key(question: Question, root: RootFacts) -> Verdicts:
    if root.access_keys:
        yield question.finding(
            ACCESS_KEY,
            question.account,
            "The root user has an access key.",
            observed=True,
            threshold=False,
        )


def check_mfa(question: Question) -> Verdicts | None:
    """GetAccountSummary: AccountMFAEnabled."""
    root = question.facts.root
    return None if root is None else _mfa(question, root)


def _mfa(question: Question, root: RootFacts) -> Verdicts:
    if not root.mfa:
        yield question.finding(
            MFA,
            question.account,
            "The root user has no MFA device.",
            observed=False,
            threshold=True,
        )
