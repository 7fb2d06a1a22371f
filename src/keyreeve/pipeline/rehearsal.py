"""The same plan given to another executor: it says what would be done, and does nothing."""

from __future__ import annotations

from keyreeve.model.effect import Effect
from keyreeve.model.plan import Outcome, OutcomeKind, Plan


def rehearse(plan: Plan) -> list[Outcome]:
    """One outcome per effect of the plan, in its order."""
    return [_rehearsed(effect) for effect in plan.effects]


def _rehearsed(effect: Effect) -> Outcome:
    return Outcome(
        kind=OutcomeKind.REHEARSED,
        effect_kind=effect.kind,
        user_id=effect.user_id,
        user_name=effect.user_name,
        resource_id=effect.resource_id,
        reason=effect.reason,
    )
