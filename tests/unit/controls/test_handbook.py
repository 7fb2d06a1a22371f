from __future__ import annotations

from keyreeve.controls.catalogue import CATALOGUE
from keyreeve.controls.compliance import cited
from keyreeve.controls.handbook import page
from keyreeve.controls.posture.catalogue import CARDS as POSTURE


def test_the_page_of_the_controls_tells_every_card_whole():
    text = page()
    assert text.endswith("|\n")
    for card in (*(control.card for control in CATALOGUE), *POSTURE.values()):
        section = text.split(f"## `{card.id}`")[1].split("\n## ")[0]
        for part in (card.title, str(card.severity), card.why, card.risk, *card.sources):
            assert part in section
        assert len([x for x in section.splitlines() if x[:1].isdigit()]) == len(card.remediation)
        for framework, ids in cited(card.id).items():
            assert f"| {framework} | {', '.join(ids)} |" in section
        told = (" · posture · " in section, "walks the ladder" in section)
        assert told == (card.id in POSTURE, card.escalated)
    assert "{" not in text
