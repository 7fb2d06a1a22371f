"""Access keys must be replaced before they are 75 days old (S1.2)."""

from __future__ import annotations

from datetime import datetime

from keyreeve.controls.subject import Subject, Verdicts, days, in_days
from keyreeve.model.control import ControlCard, Severity
from keyreeve.model.identifiers import ControlId

CARD = ControlCard(
    id=ControlId.ACCESS_KEY_ROTATION,
    title="Access key is due for rotation",
    severity=Severity.MEDIUM,
    why=(
        "Access keys are long-lived passwords for programs. "
        "This project replaces each of them before it grows old."
    ),
    risk=(
        "The longer a key lives, the more places hold a copy: laptops, build servers, old "
        "images. Whoever finds one can act as you until the key is switched off."
    ),
    remediation=(
        "In the AWS console, open Security credentials and create a second access key.",
        "Put the new key wherever {key} is used: `aws configure`, CI, your applications.",
        "Check that everything works, then make {key} inactive.",
        "After a few quiet days, delete {key}, so that a slot is free for the next rotation.",
    ),
    sources=("S1.2", "S1.11", "S1.15", "S1.17"),
)


def check(subject: Subject) -> Verdicts:
    """Every Active key whose age has reached the threshold; Inactive keys are no finding."""
    limit = subject.thresholds.access_key_rotation
    for key in subject.user.keys:
        if not key.active:
            continue
        since = key.since
        if not isinstance(since, datetime):
            yield subject.gap(CARD, f"the age of access key {key.slot} is unknown")
            continue
        age = subject.now - since
        if age < limit:
            continue
        name = subject.name_of(key)
        if name is None:
            yield subject.gap(CARD, f"the id of access key {key.slot} is unknown", slot=key.slot)
            continue
        yield subject.finding(
            CARD,
            name,
            observed=days(age),
            threshold=days(limit),
            detail=f"{in_days(days(age))} old; the limit is {in_days(days(limit))}.",
            since=since,
            slot=key.slot,
        )
