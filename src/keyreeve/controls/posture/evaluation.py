"""Apply every control of posture: facts and `now` in, findings and gaps out."""

from __future__ import annotations

from datetime import datetime

from keyreeve.controls.posture.catalogue import CATALOGUE
from keyreeve.controls.posture.library import Library
from keyreeve.controls.posture.question import Question
from keyreeve.model.access import AccessModel
from keyreeve.model.account_facts import AccountFacts
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import Posture, PostureFinding
from keyreeve.model.snapshot import CollectionGap


def evaluate_posture(
    facts: AccountFacts, now: datetime, model: AccessModel | None = None
) -> Posture:
    """Findings in the order of the catalogue, each control's by resource.

    A control with a gap is not among the judged: what it has found stands, and the rest is unknown.
    """
    identities = facts.identities
    question = Question(
        facts=facts,
        now=now,
        model=model,
        library=None if identities is None else Library(identities),
    )
    judged: list[PostureId] = []
    findings: list[PostureFinding] = []
    gaps: list[CollectionGap] = []
    for control in CATALOGUE:
        verdicts = control.check(question)
        if verdicts is None:
            continue
        given = list(verdicts)
        missing = [each for each in given if isinstance(each, CollectionGap)]
        found = [each for each in given if isinstance(each, PostureFinding)]
        gaps += missing
        findings += sorted(found, key=lambda each: each.resource_id)
        if not missing:
            judged.append(control.card.id)
    return Posture(judged=tuple(judged), findings=tuple(findings), gaps=tuple(gaps))
