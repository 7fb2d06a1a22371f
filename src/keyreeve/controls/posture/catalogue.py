"""The controls of posture, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keyreeve.controls.posture import (
    access_model,
    administrators,
    analyzer,
    credentials,
    password_policy,
    privilege_escalation,
    root,
    trust,
    unused_roles,
    watchers,
    wildcards,
)
from keyreeve.controls.posture.question import Question, Verdicts
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard


@dataclass(frozen=True, slots=True, kw_only=True)
class PostureControl:
    """A card and the check that stands for it; None: what it needs was not read."""

    card: PostureCard
    check: Callable[[Question], Verdicts | None]


def _of(card: PostureCard, check: Callable[[Question], Verdicts | None]) -> PostureControl:
    return PostureControl(card=card, check=check)


CATALOGUE: Final[tuple[PostureControl, ...]] = (
    _of(root.USE, root.check_use),
    _of(root.ACCESS_KEY, root.check_access_key),
    _of(root.MFA, root.check_mfa),
    _of(password_policy.CARD, password_policy.check),
    _of(administrators.CARD, administrators.check),
    _of(wildcards.CARD, wildcards.check),
    _of(privilege_escalation.CARD, privilege_escalation.check),
    _of(trust.WITHOUT_MFA, trust.check_mfa),
    _of(trust.WITHOUT_EXTERNAL_ID, trust.check_external_id),
    _of(trust.TOO_WIDE, trust.check_wide),
    _of(unused_roles.CARD, unused_roles.check),
    _of(analyzer.UNUSED, analyzer.check_unused),
    _of(analyzer.EXTERNAL, analyzer.check_external),
    _of(access_model.OUTSIDE, access_model.check_outside),
    _of(access_model.DOUBLE, access_model.check_double),
    _of(access_model.TAGS, access_model.check_tags),
    _of(credentials.CERTIFICATES, credentials.check_certificates),
    _of(credentials.SSH, credentials.check_ssh),
    _of(credentials.SERVICE, credentials.check_service),
    _of(watchers.CLOUDTRAIL, watchers.check_cloudtrail),
    _of(watchers.CONFIG, watchers.check_config),
    _of(watchers.GUARDDUTY, watchers.check_guardduty),
    _of(analyzer.ON, analyzer.check_on),
)

CARDS: Final[dict[PostureId, PostureCard]] = {each.card.id: each.card for each in CATALOGUE}
