"""Between any two effects of a run, the lease was looked at: no act rides on another's look."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.proofs.races import EFFECTS
from tests.scenario.people import aged, bystanders, key, no_mfa, old_password, quiet, spare
from tests.scenario.peril import Fate
from tests.scenario.test_rotation_cycles import through_two_cycles
from tests.scenario.village import Village

from keyreeve.model.errors import Doubtful
from keyreeve.model.policy import Enforcement, FinalAct
from keyreeve.pipeline import daily

LOOK = "look"


class Attentive(Fate):
    """Writes down looks at the lease among the calls; may lose the answer to CreateAccessKey."""

    def __init__(self) -> None:
        super().__init__()
        self.loses_keys = 0

    def check(self) -> None:
        self.calls.append(LOOK)

    def call(self, name: str, work: Any, *args: Any, **more: Any) -> Any:
        answer = super().call(name, work, *args, **more)
        if ".create_access_key" in name and self.loses_keys:
            self.loses_keys -= 1
            raise Doubtful("no answer", call="iam:CreateAccessKey")
        return answer


@pytest.fixture
def fate(monkeypatch: pytest.MonkeyPatch) -> Attentive:
    """Every village wired in this test has this fate and this lease."""
    fate, wired = Attentive(), Village.wired

    def watched(village: Village, _: Fate | None = None) -> daily.Account:
        account = wired(village, fate)
        return replace(account, tools=replace(account.tools, lease=fate))

    monkeypatch.setattr(Village, "wired", watched)
    return fate


def unlooked(fate: Attentive) -> list[str]:
    """Effects without a look of their own before them."""
    found, looked = [], False
    for call in fate.calls:
        if call == LOOK:
            looked = True
        elif call.partition(".")[2].partition(" ")[0] in EFFECTS:
            if not looked:
                found.append(call)
            looked = False
    return found


def effects(fate: Attentive) -> set[str]:
    methods = {call.partition(".")[2].partition(" ")[0] for call in fate.calls}
    return methods & set(EFFECTS)


def test_in_cases_of_every_control(fate: Attentive):
    acts = Enforcement(console_mfa=FinalAct.QUARANTINE, user_inactive=FinalAct.DELETE_LOGIN_PROFILE)
    people = (aged(), old_password(), spare(), no_mfa(), quiet("gone.quiet", key(20)))
    Village(*people, *bystanders(12), enforcement=acts).live(0, 24)
    assert unlooked(fate) == []
    assert effects(fate) == {*EFFECTS} - {"delete_access_key"}


def test_where_a_slot_is_freed_for_the_new_key(fate: Attentive):
    through_two_cycles(30)
    assert unlooked(fate) == []
    assert "delete_access_key" in effects(fate)


def test_before_the_record_of_a_run_is_published(fate: Attentive):
    """Whoever has lost the lock leaves none: another run may have acted since."""
    Village(aged(), *bystanders(4)).run(0)
    at = next(n for n, call in enumerate(fate.calls) if ".put runs/" in call)
    assert fate.calls[at - 1] == LOOK


@pytest.mark.parametrize("lost", [1, 2])
def test_where_a_key_whose_secret_was_lost_is_shut_and_deleted(fate: Attentive, lost: int):
    fate.loses_keys = lost
    Village(aged(), *bystanders(4)).live(0, 24)
    assert unlooked(fate) == []
    assert "delete_access_key" in effects(fate)
