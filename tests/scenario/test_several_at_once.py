"""Questions put several at once find what they find one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.scenario.people import MONDAY, aged, bystanders
from tests.scenario.village import Village

from keyreeve.cli.progress import Silence
from keyreeve.model.errors import AccessDenied, AccountUnreadable, AwsFailure, NotCovered, Throttled
from keyreeve.pipeline.collect import Each, collect, in_turn

NAMES = [f"old.key.{number}" for number in range(12)]


class Slowest:
    """The account's reader: the first question is answered last, and some never."""

    def __init__(self, village: Village, failures: dict[str, AwsFailure]) -> None:
        self._reader = village.account
        self._failures = failures
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        read = getattr(self._reader, name)

        def answered(*given: Any) -> Any:
            about = str(given[0]) if given else name
            self.asked.append(about)
            if about in NAMES:
                time.sleep(0.002 * (len(NAMES) - NAMES.index(about)))
            if about in self._failures:
                raise self._failures[about]
            return read(*given)

        return answered


@pytest.fixture
def at_once() -> Iterator[Each]:
    with ThreadPoolExecutor(8) as pool:
        yield pool.map


def collected(each: Each, failures: dict[str, AwsFailure]) -> Any:
    village = Village(*(aged(name) for name in NAMES), *bystanders(3))
    village.account.now = MONDAY
    reader = Slowest(village, failures)
    return collect(reader, village.policy, {}, MONDAY, Silence(), each=each)


FAILURES = {
    "none": {},
    "some users": {
        NAMES[2]: Throttled("too many", call="iam:ListAccessKeys", code="Throttling"),
        NAMES[9]: AccessDenied("no", call="iam:ListAccessKeys", code="AccessDenied"),
    },
    "the password policy": {
        "password_policy": AccessDenied("no", call="iam:GetAccountPasswordPolicy", code="Denied")
    },
}


@pytest.mark.parametrize("failures", FAILURES.values(), ids=FAILURES)
def test_users_and_gaps_are_the_same_and_in_the_same_order(at_once, failures):
    together, alone = collected(at_once, failures), collected(in_turn, failures)
    assert together == alone
    assert len(together[0].gaps) == len(failures)
    named = [user for user in together[0].users if user.keys and user.keys[0].key_id]
    assert len(named) == len(NAMES) - len(set(failures) & set(NAMES))


@pytest.mark.parametrize(
    ("read", "failure", "refusal"),
    [
        ("credential_report", AccessDenied("no", call="x", code="AccessDenied"), NotCovered),
        ("details", Throttled("too many", call="x", code="Throttling"), AccountUnreadable),
    ],
)
def test_an_account_that_does_not_answer_is_refused_all_the_same(at_once, read, failure, refusal):
    with pytest.raises(refusal):
        collected(at_once, {read: failure})


def test_a_run_asks_in_one_order():
    village = Village(*(aged(name) for name in NAMES), *bystanders(3))
    village.account.now = MONDAY
    reader = Slowest(village, {})
    collect(reader, village.policy, {}, MONDAY, Silence())
    assert reader.asked == [
        *("caller", "credential_report", "details", "password_policy"),
        *NAMES,
    ]
