"""The page of the controls, written from their cards: `python -m keyreeve.controls.handbook`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from keyreeve.controls.catalogue import CATALOGUE
from keyreeve.controls.compliance import VERSION, cited
from keyreeve.controls.posture.catalogue import CARDS as POSTURE
from keyreeve.model.control import ControlCard
from keyreeve.model.posture import PostureCard


def page() -> str:
    """docs/controls.md, whole."""
    lines = [
        "# Controls",
        "",
        "Generated from the cards in `src/keyreeve/controls/`; do not edit.",
        "Mappings are advisory: a control supports the named requirement, it never satisfies it.",
        "† marks our own judgement, which no published mapping carries.",
        f"Version of the mappings: {VERSION}.",
        "",
    ]
    for control in CATALOGUE:
        lines.extend(_section(control.card))
    lines += [
        "## Posture",
        "",
        "What `keyreeve check --posture` looks at besides: reported, never escalated.",
        "A control whose facts could not be read is not judged, and there is a gap instead.",
        "",
    ]
    for card in POSTURE.values():
        lines.extend(_section(card))
    return "\n".join(lines).rstrip() + "\n"


def _section(card: ControlCard | PostureCard) -> Iterator[str]:
    yield f"## `{card.id}`"
    yield ""
    sources = ", ".join(f"<{each}>" if "://" in each else each for each in card.sources)
    yield f"**{card.title}** · {card.severity} · {_reported(card)} · sources {sources}"
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


def _reported(card: ControlCard | PostureCard) -> str:
    if isinstance(card, PostureCard):
        return "posture"
    return "walks the ladder" if card.escalated else "weekly summary only"


if __name__ == "__main__":
    sys.stdout.write(page())
