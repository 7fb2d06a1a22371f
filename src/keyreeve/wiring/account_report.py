"""The report wired: the account for reading, its past, and the requirements that are cited."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keyreeve.controls.catalogue import CARDS
from keyreeve.model.compliance import Citation
from keyreeve.model.identifiers import ControlId
from keyreeve.pipeline.account_report import Sources
from keyreeve.storage.past import StoredPast

if TYPE_CHECKING:
    from keyreeve.wiring import Door

_VERSION = re.compile(r"(?P<framework>.+?)[ :](?P<version>r?\d+(?:\.\d+)+|r\d+|\d{4})")
"""How the cards write a framework with its version; `SOC 2` has none."""


def sources(door: Door) -> Sources:
    """Where the report's other facts come from."""
    return Sources(past=StoredPast(door.store), citations=citations())


def citations() -> dict[ControlId, tuple[Citation, ...]]:
    """Requirement by requirement, from the cards of the catalogue."""
    return {
        control: tuple(
            Citation(framework=framework, version=version, id=requirement)
            for title, requirements in card.mappings.items()
            for framework, version in (_parts(title),)
            for requirement in requirements
        )
        for control, card in CARDS.items()
    }


def _parts(title: str) -> tuple[str, str]:
    found = _VERSION.fullmatch(title)
    return (found["framework"], found["version"]) if found else (title, "")
