"""A user who has not signed in for 75 days does not keep a way in (S1.6)."""

from __future__ import annotations

from datetime import datetime

from keyreeve.controls.subject import Subject, Verdicts, days, in_days
from keyreeve.model.control import ControlCard, Severity
from keyreeve.model.finding import USER
from keyreeve.model.identifiers import ControlId
from keyreeve.model.snapshot import Absent, User

CARD = ControlCard(
    id=ControlId.USER_INACTIVE,
    title="User has not signed in for a long time",
    severity=Severity.MEDIUM,
    why="Console access that nobody uses is taken away.",
    risk=(
        "Nobody watches an account that nobody uses. People who have left, and passwords that "
        "were forgotten, are the usual way in."
    ),
    remediation=(
        "If you still need console access: sign in once as {user}; that is enough.",
        "If you do not: tell the team named below, and they will remove it.",
    ),
    sources=("S1.6", "S1.T5"),
)


def check(subject: Subject) -> Verdicts:
    """A console password and no sign-in for the threshold.

    Never signed in counts from the later of creation and last password change.
    """
    user = subject.user
    if user.password_enabled is None:
        yield subject.gap(CARD, "whether the user has a console password is unknown")
        return
    if not user.password_enabled:
        return
    since = _idle_since(user)
    if since is None:
        yield subject.gap(CARD, "the date of the last sign-in is unknown")
        return
    limit = subject.thresholds.user_inactive
    idle = subject.now - since
    if idle >= limit:
        never = user.password_last_used is Absent.NEVER
        yield subject.finding(
            CARD,
            USER,
            observed=days(idle),
            threshold=days(limit),
            detail=(
                f"Never signed in, {in_days(days(idle))} after the password was set"
                if never
                else f"No sign-in for {in_days(days(idle))}"
            )
            + f"; the limit is {in_days(days(limit))}.",
            since=since,
        )


def _idle_since(user: User) -> datetime | None:
    """The instant from which inactivity counts; None when nobody knows."""
    if isinstance(user.password_last_used, datetime):
        return user.password_last_used
    if user.password_last_used is Absent.UNKNOWN:
        return None
    if not isinstance(user.password_last_changed, datetime):
        return None
    return max(user.created_at, user.password_last_changed)
