"""The page of the alarms, from their cards: `python -m keyreeve.governance.alarm_handbook`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from keyreeve.governance.alarm_card import AlarmCard
from keyreeve.governance.alarms import CATALOGUE


def page() -> str:
    """docs/alarms.md, whole."""
    lines = [
        "# Alarms",
        "",
        "Generated from the cards in `src/keyreeve/governance/`; do not edit.",
        "Each is a metric filter on the trail's log group and an alarm on its metric.",
        "With a reason, `baseline.alarms` of config.yaml switches one off or sets its threshold.",
        "`keyreeve baseline verify` follows each of them to the confirmed subscription.",
        "The patterns of the last two name what access.yaml says; here it is an example's.",
        "",
    ]
    for card in CATALOGUE:
        lines.extend(_section(card))
    return "\n".join(lines).rstrip() + "\n"


def _section(card: AlarmCard) -> Iterator[str]:
    yield f"## `{card.id}`"
    yield ""
    yield f"**{card.title}.** {card.description}"
    yield ""
    yield f"**When it fires.** {card.runbook}"
    yield ""
    events = "each event" if card.threshold == 1 else f"{card.threshold} events"
    yield f"Fires on {events} within {card.period_seconds // 60} minutes · source: {card.source}."
    yield ""
    yield from _mappings(card)
    yield "```"
    yield card.pattern
    yield "```"
    yield ""


def _mappings(card: AlarmCard) -> Iterator[str]:
    versions: dict[str, list[str]] = {}
    for version, number in card.cis.items():
        versions.setdefault(number, []).append(version)
    rows = [(f"CIS AWS Foundations {', '.join(of)}", number) for number, of in versions.items()]
    if card.security_hub is not None:
        rows.append(("AWS Security Hub", card.security_hub))
    if not rows:
        return
    yield "| framework | id |"
    yield "|---|---|"
    for framework, number in rows:
        yield f"| {framework} | {number} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
