"""Console passwords are changed before they are 75 days old (S1.4)."""

from __future__ import annotations

from datetime import datetime

from keyreeve.controls.subject import Subject, Verdicts, days, in_days
from keyreeve.model.control import ControlCard, Severity
from keyreeve.model.finding import PASSWORD
from keyreeve.model.identifiers import ControlId

CARD = ControlCard(
    id=ControlId.PASSWORD_AGE,
    title="Console password is old",
    severity=Severity.MEDIUM,
    why="Console passwords in this project are changed at regular intervals.",
    risk=(
        "A password that leaked somewhere else long ago still opens this account, "
        "and nobody would know."
    ),
    remediation=(
        "Sign in to the AWS console as {user}.",
        "Open your name at the top right, then Security credentials, then Update console password.",
        "Choose a new password; it takes effect at once.",
    ),
    sources=("S1.4", "S1.26"),
)


def check(subject: Subject) -> Verdicts:
    """A console password unchanged for the threshold; no password, no finding."""
    user = subject.user
    if user.password_enabled is None:
        yield subject.gap(CARD, "whether the user has a console password is unknown")
        return
    if not user.password_enabled:
        return
    changed = user.password_last_changed
    if not isinstance(changed, datetime):
        yield subject.gap(CARD, "the date of the last password change is unknown")
        return
    limit = subject.thresholds.password_age
    age = subject.now - changed
    if age >= limit:
        yield subject.finding(
            CARD,
            PASSWORD,
            observed=days(age),
            threshold=days(limit),
            detail=f"Unchanged for {in_days(days(age))}; the limit is {in_days(days(limit))}.",
            since=changed,
        )
