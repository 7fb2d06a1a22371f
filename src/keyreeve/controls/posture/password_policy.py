"""The account's password policy asks for what access.yaml says, else for what CIS says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keyreeve.controls.posture.question import Question, Verdicts
from keyreeve.model.access import CharacterClass, PasswordRules
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard
from keyreeve.model.snapshot import PasswordPolicy

CARD: Final = PostureCard(
    id=PostureId.PASSWORD_POLICY,
    title="Account password policy is weak",
    severity=Severity.MEDIUM,
    why="The account asks for long passwords that were not used before.",
    risk="Short or repeated passwords are guessed, or known from a leak elsewhere.",
    remediation=(
        "In IAM, open Account settings and edit the password policy.",
        "With access.yaml: `keyreeve baseline deploy identity` sets what it says.",
        "Tell people: length and classes bind at their next change, an expiry binds at once.",
    ),
    sources=(
        "S2.29",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html",
    ),
)

CIS: Final = PasswordRules(
    minimum_length=14, reuse_prevention=24, max_age=0, require=frozenset[CharacterClass]()
)
"""CIS AWS Foundations since 1.4: length and reuse; no classes, no expiry."""


def check(question: Question) -> Verdicts | None:
    """Held against access.yaml's `password_policy`, or CIS where it says none."""
    found = question.facts.password_policy
    if found is None:
        return None
    model = question.model
    wanted = model.password_policy if model and model.password_policy else CIS
    return _judged(question, found, wanted)


def _judged(question: Question, found: PasswordPolicy, wanted: PasswordRules) -> Verdicts:
    lacks = list(_lacks(found, wanted))
    if not lacks:
        return
    own = "" if found.custom else "The account has no policy of its own, so AWS's default holds: "
    text = "; ".join(lacks)
    yield question.finding(
        CARD,
        question.account,
        f"{own}{text}." if own else f"{text[0].upper()}{text[1:]}.",
        observed=found.minimum_length,
        threshold=wanted.minimum_length,
    )


def _lacks(found: PasswordPolicy, wanted: PasswordRules) -> Iterator[str]:
    if found.minimum_length < wanted.minimum_length:
        yield (f"{found.minimum_length} characters are enough, wanted are {wanted.minimum_length}")
    if found.reuse_prevention < wanted.reuse_prevention:
        kept = found.reuse_prevention
        barred = f"only {kept} earlier passwords are barred" if kept else "old passwords may return"
        yield f"{barred}, wanted are {wanted.reuse_prevention} barred"
    if wanted.max_age and not 0 < found.max_age_days <= wanted.max_age:
        for_days = f"for {found.max_age_days} days" if found.max_age_days else "for ever"
        yield f"passwords are good {for_days}, wanted are {wanted.max_age} days"
    asked = {
        CharacterClass.UPPER: found.require_uppercase,
        CharacterClass.LOWER: found.require_lowercase,
        CharacterClass.NUMBER: found.require_numbers,
        CharacterClass.SYMBOL: found.require_symbols,
    }
    missing = [str(kind) for kind in CharacterClass if kind in wanted.require and not asked[kind]]
    if missing:
        yield f"not asked for: {', '.join(missing)}"
