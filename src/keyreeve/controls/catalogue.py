"""The catalogue: every control, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keyreeve.controls import (
    access_key_rotation,
    access_key_stale,
    console_mfa,
    inline_policies,
    password_age,
    user_inactive,
)
from keyreeve.controls.subject import Subject, Verdicts
from keyreeve.model.control import ControlCard
from keyreeve.model.identifiers import ControlId


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A card and the check that stands for it."""

    card: ControlCard
    check: Callable[[Subject], Verdicts]
    of_keys: bool = False
    """Whether it judges single access keys, by their slots."""


CATALOGUE: tuple[Control, ...] = (
    Control(card=access_key_rotation.CARD, check=access_key_rotation.check, of_keys=True),
    Control(card=access_key_stale.CARD, check=access_key_stale.check, of_keys=True),
    Control(card=password_age.CARD, check=password_age.check),
    Control(card=console_mfa.CARD, check=console_mfa.check),
    Control(card=user_inactive.CARD, check=user_inactive.check),
    Control(card=inline_policies.CARD, check=inline_policies.check),
)

OF_KEYS = tuple(control for control in CATALOGUE if control.of_keys)

CARDS: dict[ControlId, ControlCard] = {control.card.id: control.card for control in CATALOGUE}
