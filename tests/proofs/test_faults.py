"""P9 and P13 at the small size, and what the proof finds when the promise is broken."""

from __future__ import annotations

import pytest
from tests.proofs import faults, faults_over_http
from tests.proofs.fault_kinds import kinds
from tests.proofs.figure import SEED, Mutant, Size


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


@pytest.mark.parametrize("mutant", faults.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    chosen = faults.named(faults.SHOWN_BY[mutant.name])
    with mutant.plant(), faults.in_memory():
        assert faults.replayed(chosen)
    with faults.in_memory():
        assert not faults.replayed(chosen)
