"""The page of the controls, written from their cards: `python -m keyreeve.controls.handbook`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from keyreeve.controls.catalogue import CATALOGUE
from keyreeve.controls.compliance import cited
from keyreeve.model.control import ControlCard


def page() -> str:
    """docs/controls.md, whole."""
    lines = [
        "# Controls",
        "",
        "Generated from the cards in `src/keyreeve/controls/`; do not edit.",
        "Mappings are advisory: a control supports the named requirement, it never satisfies it.",
        "† marks our own judgement, which no published mapping carries.",
        "",
    ]
    for control in CATALOGUE:
        lines.extend(_section(control.card))
    return "\n".join(lines).rstrip() + "\n"


def _section(card: ControlCard) -> Iterator[str]:
    yield f"## `{card.id}`"
    yield ""
    escalated = "walks the ladder" if card.escalated else "weekly summary only"
    yield f"**{card.title}** · {card.severity} · {escalated} · sources {', '.join(card.sources)}"
    yield ""
    yield f"**Why.** {card.why}"
    yield ""
    yield f"**Risk.** {card.risk}"
    yield ""
    yield "**Remediation**"
    yield ""
    for number, step in enumerate(card.remediation, start=1):
        yield f"{number}. {step.format(user='USER', key='KEY_ID', account='ACCOUNT')}"
    yield ""
    yield "| framework | ids |"
    yield "|---|---|"
    for framework, ids in cited(card.id).items():
        yield f"| {framework} | {', '.join(ids)} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
