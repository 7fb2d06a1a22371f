"""Storage that stops answering: before the first act nothing has changed, afterwards it says so."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scenario.people import aged, bystanders
from tests.scenario.village import Village

from keyreeve.model.errors import BrokenOff, StorageUnreachable


def unwritable(village: Village, folder: str) -> None:
    put = village.store.put

    def away(key: str, content: bytes, **condition: Any) -> str:
        if key.startswith(folder):
            raise StorageUnreachable("no answer", where=key)
        return put(key, content, **condition)

    village.store.put = away


@pytest.mark.parametrize("folder", ["collected/", "audit/", "state.json"])
def test_before_the_first_act_it_is_a_run_that_could_not_start(folder: str):
    village = Village(aged(), *bystanders(3))
    unwritable(village, folder)
    with pytest.raises(StorageUnreachable):
        village.run(0)
    assert village.mailer.sent == []


@pytest.mark.parametrize("folder", ["ops/", "mails/", "runs/"])
def test_afterwards_the_run_has_finished_in_part(folder: str):
    village = Village(aged(), *bystanders(3))
    unwritable(village, folder)
    with pytest.raises(BrokenOff, match="no answer") as broken:
        village.run(0)
    assert broken.value.exit_code == 1
    assert village.mailer.sent
