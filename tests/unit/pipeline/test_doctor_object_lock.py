from __future__ import annotations

from datetime import timedelta

import pytest

from keyreeve.pipeline.doctor import ObjectLock, Verdict, about_object_lock

YEAR = timedelta(days=400)


@pytest.mark.parametrize(
    ("lock", "verdict", "says"),
    [
        (None, Verdict.OK, "off"),
        (ObjectLock(mode="", days=0), Verdict.OK, "without a default retention"),
        (ObjectLock(mode="GOVERNANCE", days=30), Verdict.OK, "GOVERNANCE, 30 days"),
        (ObjectLock(mode="COMPLIANCE", days=31), Verdict.WARNING, "delivered credentials (30"),
        (ObjectLock(mode="COMPLIANCE", days=3650), Verdict.WARNING, "runs (400 days)"),
    ],
)
def test_a_lock_that_outlives_what_is_to_be_erased_is_a_warning(lock, verdict, says: str):
    told = about_object_lock(lock, YEAR, 30)
    assert (told.verdict, says in told.found) == (verdict, True)
    assert bool(told.remedy) == (verdict is Verdict.WARNING)
