"""The summary names whose access ends by a review, and does nothing about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests import samples
from tests.fakes.memory_store import MemoryStore
from tests.scenario.people import MONDAY, console, person
from tests.unit.governance.test_reviewing import BOXED, CAMPAIGN, GONE, answers, closed

from keyreeve.model.access import OFFBOARDED_TAG
from keyreeve.model.errors import StorageUnreachable
from keyreeve.model.review import ReviewFile
from keyreeve.model.snapshot import AccountSnapshot
from keyreeve.pipeline.removals import with_removals
from keyreeve.storage.reviews import StoredReviews

CLOSED = closed(answers(priya=GONE, tomas=BOXED))
PRIYA, TOMAS = (row.user_id for row in CAMPAIGN.tasks[0].rows)


def stored(file: ReviewFile = CLOSED) -> tuple[StoredReviews, MemoryStore]:
    store = MemoryStore()
    records = StoredReviews(store)
    records.begin(file.campaign)
    for each in file.answers:
        records.answered(each)
    if file.result is not None:
        records.close(file.result)
    return records, store


def snapshot(*users) -> AccountSnapshot:
    return AccountSnapshot(
        account_id="123456789012",
        collected_at=MONDAY,
        report_generated_at=None,
        users=users or (person("priya.sharma", user_id=PRIYA), person("tomas.lind", user_id=TOMAS)),
    )


def summary(on):
    return replace(samples.summary(), on=on, removals=(), gaps=())


@pytest.mark.parametrize(
    ("day", "named"),
    [
        ("2026-01-15", ["access that was revoked is due"]),
        ("2026-01-25", ["access that was revoked is due"]),
        ("2026-01-26", ["access that was revoked is due", "time-boxed access ends soon"]),
        ("2026-02-02", ["access that was revoked is due", "time-boxed access is due"]),
    ],
)
def test_what_is_due_or_will_be_within_a_week(day, named):
    on = CLOSED.result.closed_on.fromisoformat(day)
    told = with_removals(stored()[0], summary(on), snapshot())
    assert [row.what for row in told.removals] == named
    assert told.removals[0].reason == "left (ann, review 2026-01-05-quarter-1)"


def test_an_open_review_and_no_reviews_at_all_name_nobody():
    on = CLOSED.result.closed_on
    records, _ = stored(replace(CLOSED, result=None))
    assert with_removals(records, summary(on), snapshot()).removals == ()
    assert with_removals(None, summary(on), snapshot()) == summary(on)


MARK = {OFFBOARDED_TAG: "2026-01-20T00:00:00Z"}


@pytest.mark.parametrize(
    ("users", "count"),
    [
        ((person("priya.sharma", user_id="AIDASOMEBODYELSE"),), 0),
        ((person("renamed", user_id=PRIYA),), 1),
        ((person("priya.sharma", user_id=PRIYA, tags=MARK),), 0),
        # A mark of one's own making hides nobody.
        ((person("priya.sharma", user_id=PRIYA, tags=MARK, **console()),), 1),
    ],
)
def test_who_is_gone_or_offboarded_is_left_out(users, count):
    on = CLOSED.result.closed_on + timedelta(days=1)
    assert len(with_removals(stored()[0], summary(on), snapshot(*users)).removals) == count


def test_a_review_that_cannot_be_read_is_a_gap_and_stops_nothing():
    records, store = stored()
    key = f"reviews/{CAMPAIGN.campaign_id}/result.json"
    store.put(key, b"{}")
    told = with_removals(records, summary(CLOSED.result.closed_on), snapshot())
    assert told.removals == ()
    assert key in told.gaps[0]


def test_storage_that_does_not_answer_about_reviews_is_a_gap_too():
    class Unreachable(StoredReviews):
        def closed(self):
            raise StorageUnreachable("it does not answer", where="reviews/")

    told = with_removals(Unreachable(MemoryStore()), summary(CLOSED.result.closed_on), snapshot())
    assert told.removals == ()
    assert "it does not answer" in told.gaps[0]
