"""P9 and P13 at the small size, and what the proof finds when the promise is broken."""

from __future__ import annotations

import pytest
from tests.proofs import faults, faults_over_http
from tests.proofs.failing_lives import Case
from tests.proofs.fault_kinds import kinds
from tests.proofs.figure import SEED, Mutant, Size

NEVER_CALLED = tuple(
    Case(operation="iam:UpdateAccessKey", kind=kinds("iam:UpdateAccessKey")[0], user=user, **days)
    for user, days in ((None, {"first": 15, "last": 15}), ("aged.key", {"first": 3, "last": 3}))
)
"""On these days nobody's key is ended."""


def test_nothing_happens_on_an_unread_fact_and_one_users_failure_is_nobody_elses():
    ladders, days = faults.prove(Size.CI, SEED)
    assert ladders.violations == ()
    assert days.violations == ()
    assert ladders.tried >= 60
    assert days.tried >= 40


def test_nothing_happens_on_an_unread_fact_over_http_either():
    (over_http,) = faults_over_http.prove(Size.CI, SEED)
    assert over_http.violations == ()
    assert over_http.tried == 8


def test_a_call_that_no_failure_is_planted_into_is_noticed(monkeypatch: pytest.MonkeyPatch):
    row = ("GetUser/denied/day-7", [], ["iam:GetUser", "iam:TagUser"])
    monkeypatch.setattr(faults_over_http, "trials", lambda *_: iter([row]))
    (figure,) = faults_over_http.prove(Size.CI, SEED)
    assert figure.violations == ("iam:TagUser is called and never fails",)


def test_the_small_size_has_every_operation_and_every_kind():
    every = list(faults.cases())
    sample = faults.sampled(every, SEED, each=1)
    for of in (lambda case: case.operation, lambda case: case.kind.name):
        assert set(map(of, sample)) == set(map(of, every))


def test_every_call_has_the_errors_that_aws_documents_for_it():
    named = {kind.name for kind in kinds("iam:UpdateLoginProfile")}
    assert {"EntityTemporarilyUnmodifiable", "PasswordPolicyViolation", "ServiceFailure"} <= named
    assert {"PreconditionFailed", "SlowDown"} <= {kind.name for kind in kinds("s3:PutObject")}


@pytest.mark.parametrize("case", NEVER_CALLED, ids=lambda case: case.name)
def test_a_failure_that_never_strikes_has_proved_nothing(case: Case):
    with faults.in_memory():
        assert faults.replayed([case]) == (f"{case.name}: {faults.NEVER_MADE}",)


@pytest.mark.parametrize("mutant", faults.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    chosen = faults.named(faults.SHOWN_BY[mutant.name])
    with mutant.plant(), faults.in_memory():
        found = faults.replayed(chosen)
    assert [what for what in found if faults.NEVER_MADE not in what]
    with faults.in_memory():
        assert not faults.replayed(chosen)


@pytest.mark.parametrize("mutant", faults_over_http.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found_over_http(mutant: Mutant):
    """Unplanted, the same trial is one of the small size, in which nothing is found."""
    trial, said = faults_over_http.SHOWN_BY[mutant.name]
    unplanted = {f"{t}/{f}/day-{day}" for day, of in faults_over_http.WORST.items() for t, f in of}
    with mutant.plant():
        name, found, _ = next(faults_over_http.trials(Size.CI, SEED, trial))
    assert name == trial
    assert trial in unplanted
    assert [what for what in found if said in what]
