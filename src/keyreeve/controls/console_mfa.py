"""Who can sign in to the console has an MFA device (S1.5, S2.4)."""

from __future__ import annotations

from datetime import datetime

from keyreeve.controls.subject import Subject, Verdicts
from keyreeve.model.control import ControlCard, Severity
from keyreeve.model.finding import MFA
from keyreeve.model.identifiers import ControlId

CARD = ControlCard(
    id=ControlId.CONSOLE_MFA,
    title="Console access without MFA",
    severity=Severity.HIGH,
    why="Everyone who can sign in to the console does so with a second factor.",
    risk=(
        "Without MFA a guessed, phished or reused password is all it takes "
        "to sign in with your permissions."
    ),
    remediation=(
        "Sign in to the AWS console as {user}.",
        "Open your name at the top right, then Security credentials, then Assign MFA device.",
        "Choose an authenticator app, a passkey or a security key, and follow the steps.",
        "Sign out and in again, this time with the second factor.",
    ),
    sources=("S1.5", "S2.4"),
)


def check(subject: Subject) -> Verdicts:
    """A console password and no MFA device."""
    user = subject.user
    if user.password_enabled is None:
        yield subject.gap(CARD, "whether the user has a console password is unknown")
        return
    if not user.password_enabled:
        return
    if user.mfa_active is None:
        yield subject.gap(CARD, "whether an MFA device is active is unknown")
        return
    if not user.mfa_active:
        changed = user.password_last_changed
        yield subject.finding(
            CARD,
            MFA,
            observed=False,
            threshold=True,
            detail="Console sign-in is possible with the password alone.",
            since=changed if isinstance(changed, datetime) else user.created_at,
        )
