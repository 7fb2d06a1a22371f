from __future__ import annotations

import pytest
from tests.unit.controls.posture.accounts import NOW, facts, identities

from keyreeve.controls.posture.catalogue import CARDS, CATALOGUE
from keyreeve.controls.posture.evaluation import evaluate_posture
from keyreeve.model.access import AccessModel
from keyreeve.model.account_facts import Analyzer, AnalyzerKind, RootFacts
from keyreeve.model.identifiers import ControlId, PostureId
from keyreeve.model.snapshot import Absent, PasswordPolicy

each_card = pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.id.value)


def test_every_control_has_exactly_one_card_in_the_order_people_read_them():
    assert [each.card.id for each in CATALOGUE] == list(PostureId)


def test_no_control_of_posture_bears_a_name_of_the_ladder():
    assert {str(each) for each in PostureId}.isdisjoint(str(each) for each in ControlId)
    assert not any(card.escalated for card in CARDS.values())


@each_card
def test_every_card_says_why_what_may_happen_and_what_to_do(card):
    assert card.title
    assert not card.title.endswith(".")
    assert card.remediation
    for text in (card.why, card.risk, *card.remediation):
        assert text == text.strip()
        assert text.endswith(".")
        assert "{" not in text


@each_card
def test_every_card_names_a_requirement_and_pages_are_whole_addresses(card):
    assert card.sources[0].startswith(("S1.", "S2."))
    pages = [each for each in card.sources if not each.startswith(("S1.", "S2."))]
    assert all(each.startswith("https://") for each in pages)


def test_everything_is_judged_where_everything_was_read():
    both = tuple(
        Analyzer(name=kind, arn=kind, kind=kind, active=True)
        for kind in (AnalyzerKind.EXTERNAL, AnalyzerKind.UNUSED)
    )
    known = facts(
        root=RootFacts(mfa=True, access_keys=False),
        root_last_used=Absent.NEVER,
        password_policy=PasswordPolicy(),
        identities=identities(),
        certificates=(),
        ssh_keys=(),
        service_credentials=(),
        trails=(),
        recorders={},
        detectors={},
        analyzers=both,
        analyzer_findings=(),
    )
    assert evaluate_posture(known, NOW, AccessModel()).judged == tuple(PostureId)
