"""The report wired: the account for reading, its past, and the requirements that are cited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyreeve.controls.compliance import MAPPING
from keyreeve.pipeline.account_report import Sources
from keyreeve.storage.past import StoredPast
from keyreeve.wiring.posture import survey_of

if TYPE_CHECKING:
    from keyreeve.wiring import Door


def sources(door: Door) -> Sources:
    """Where the report's other facts come from."""
    return Sources(past=StoredPast(door.store), citations=MAPPING, survey=survey_of(door))
