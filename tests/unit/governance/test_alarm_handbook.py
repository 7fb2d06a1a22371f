"""The page of the alarms follows their cards."""

from __future__ import annotations

from pathlib import Path

from keyreeve.governance.alarm_handbook import page
from keyreeve.governance.alarms import CATALOGUE

PAGE = Path(__file__).parents[3] / "docs" / "alarms.md"


def test_the_page_of_the_alarms_is_up_to_date() -> None:
    """Mend with: python -m keyreeve.governance.alarm_handbook > docs/alarms.md."""
    assert page() == PAGE.read_text()


def test_every_alarm_has_its_section_with_pattern_and_runbook() -> None:
    for card in CATALOGUE:
        section = page().split(f"## `{card.id}`\n")[1].split("\n## ")[0]
        assert card.pattern in section
        assert card.runbook in section
