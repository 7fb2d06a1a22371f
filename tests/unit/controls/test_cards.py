from __future__ import annotations

from string import Formatter

import pytest

from keyreeve.controls.catalogue import CARDS, CATALOGUE
from keyreeve.model.identifiers import ControlId

ALL = [control.card for control in CATALOGUE]
each_card = pytest.mark.parametrize("card", ALL, ids=lambda card: card.id.value)


def test_every_control_has_exactly_one_card_in_the_order_people_read_them():
    assert [card.id for card in ALL] == list(ControlId)
    assert list(CARDS) == list(ControlId)
    assert all(CARDS[control.card.id] is control.card for control in CATALOGUE)


@each_card
def test_every_card_says_why_what_may_happen_and_what_to_do(card):
    assert card.title
    assert not card.title.endswith(".")
    for text in (card.why, card.risk, *card.remediation):
        assert text == text.strip()
        assert text.endswith(".")
    assert card.remediation


@each_card
def test_placeholders_are_only_user_key_and_account(card):
    used = {name for step in card.remediation for _, name, _, _ in Formatter().parse(step) if name}
    assert used <= {"user", "key", "account"}
    assert not any("{" in text for text in (card.title, card.why, card.risk))


@each_card
def test_every_card_names_its_source(card):
    assert card.sources
    assert all(source.startswith(("S1.", "S2.")) for source in card.sources)


def test_only_inline_policies_stay_off_the_ladder():
    assert {card.id for card in ALL if not card.escalated} == {ControlId.INLINE_POLICIES}
