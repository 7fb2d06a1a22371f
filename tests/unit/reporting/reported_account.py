"""The report of a small account, and what its tests share."""

from __future__ import annotations

from dataclasses import replace

from tests.builders import (
    INLINE,
    LETTERHEAD,
    MFA_CONTROL,
    NOW,
    ROTATION,
    day,
    on,
    snapshot,
)

from keyreeve.model.compliance import Citation, CitedBy
from keyreeve.model.decisions import Waiver
from keyreeve.pipeline.account_report import facts_of
from keyreeve.reporting.report import account_report

SOC = Citation(framework="SOC 2", version="", id="CC6.1")
CIS = Citation(framework="CIS AWS Foundations", version="5.0", id="1.13")
CITED = {
    ROTATION: (SOC, CIS),
    MFA_CONTROL: (replace(CIS, id="1.9"), replace(SOC, cited_by=CitedBy.OURS)),
    INLINE: (replace(CIS, id="1.14"),),
}


def report(*users, before=None, people=None, settings=None, now=NOW, seen=None, **facts):
    seen = snapshot(*users, collected_at=now, **(seen or {}))
    judged = day(seen, before, settings, now=now, people=people)
    framework = facts.pop("framework", None)
    return account_report(replace(facts_of(judged, LETTERHEAD, CITED, framework), **facts))


def waiver(**changes):
    usual = Waiver(
        waiver_id="W1",
        user="ann",
        control=ROTATION,
        resource_id=None,
        reason="moves in May",
        requested_by="ann",
        approved_by="bob",
        expires_on=on(10),
        added_at=NOW,
        added_by="arn",
    )
    return replace(usual, **changes)
