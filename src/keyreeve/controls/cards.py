"""The cards of both catalogues, the ladder's and posture's, for whoever tells of either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from keyreeve.controls import catalogue
from keyreeve.controls.posture import catalogue as posture
from keyreeve.model.control import ControlCard
from keyreeve.model.identifiers import AnyControlId
from keyreeve.model.posture import PostureCard

ALL_CARDS: Final[Mapping[AnyControlId, ControlCard | PostureCard]] = dict(
    [*catalogue.CARDS.items(), *posture.CARDS.items()]
)
"""In the order in which people read them."""
