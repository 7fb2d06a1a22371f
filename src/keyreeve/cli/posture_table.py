"""Posture on a terminal: a table a control, and what could not be judged."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from keyreeve.cli import screen, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyreeve.model.identifiers import PostureId
    from keyreeve.model.posture import Posture, PostureFinding


def show_posture(posture: Posture) -> None:
    """Findings come in the catalogue's order already."""
    for control, group in groupby(posture.findings, key=attrgetter("control")):
        _show_control(control, list(group))
    if posture.gaps:
        screen.heading("Posture that could not be judged")
        for gap in posture.gaps:
            screen.line("  " + screen.safe(words.gap_words(gap.step, gap.reason, gap.user_name)))


def _show_control(control: PostureId, found: Sequence[PostureFinding]) -> None:
    from keyreeve.controls.posture.catalogue import CARDS

    card = CARDS[control]
    screen.heading(f"{card.title} · {card.severity} · {len(found)}")
    table = screen.Table(header=("RESOURCE", "WHAT"), folding=frozenset({1}))
    for finding in found:
        table.add(finding.resource_name, finding.detail)
    screen.table(table)
