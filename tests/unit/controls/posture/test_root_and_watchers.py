from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.controls.posture.accounts import NOW, ago, facts, findings, found, posture

from keyreeve.controls.posture.evaluation import evaluate_posture
from keyreeve.model.access import AccessModel, CharacterClass, PasswordRules
from keyreeve.model.account_facts import RootFacts, TrailFacts
from keyreeve.model.identifiers import PostureId
from keyreeve.model.snapshot import Absent, PasswordPolicy


@pytest.mark.parametrize(
    ("used", "flagged", "judged"),
    [
        (None, False, False),
        (Absent.NEVER, False, True),
        (Absent.UNKNOWN, False, False),
        (ago(0), True, True),
        (ago(29.9), True, True),
        (ago(30), False, True),
        (ago(400), False, True),
    ],
)
def test_a_use_of_root_is_reported_for_thirty_days(used, flagged, judged):
    told = posture(root_last_used=used)
    assert [each.control for each in told.findings] == [PostureId.ROOT_USE] * flagged
    assert (PostureId.ROOT_USE in told.judged) is judged
    assert bool(told.gaps) is (used is Absent.UNKNOWN)


@pytest.mark.parametrize(
    ("mfa", "keys", "flagged"),
    [
        (True, False, set()),
        (False, False, {PostureId.ROOT_MFA}),
        (True, True, {PostureId.ROOT_ACCESS_KEY}),
        (False, True, {PostureId.ROOT_MFA, PostureId.ROOT_ACCESS_KEY}),
    ],
)
def test_root_has_mfa_and_no_key(mfa, keys, flagged):
    told = posture(root=RootFacts(mfa=mfa, access_keys=keys))
    assert {each.control for each in told.findings} == flagged
    assert set(told.judged) == {PostureId.ROOT_MFA, PostureId.ROOT_ACCESS_KEY}


CIS = {"minimum_length": 14, "reuse_prevention": 24, "custom": True}
ALL_CLASSES = {f"require_{kind}": True for kind in ("uppercase", "lowercase", "numbers", "symbols")}


@pytest.mark.parametrize(
    ("policy", "rules", "says"),
    [
        (CIS, None, None),
        ({**CIS, "minimum_length": 13}, None, "13 characters are enough, wanted are 14."),
        ({**CIS, "reuse_prevention": 5}, None, "Only 5 earlier passwords are barred"),
        ({}, None, "The account has no policy of its own"),
        (CIS, PasswordRules(), "not asked for: upper, lower, number, symbol"),
        ({**CIS, **ALL_CLASSES}, PasswordRules(), "Passwords are good for ever, wanted are 90"),
        ({**CIS, **ALL_CLASSES, "max_age_days": 91}, PasswordRules(), "good for 91 days"),
        ({**CIS, **ALL_CLASSES, "max_age_days": 90}, PasswordRules(), None),
        (
            {**CIS, "require_uppercase": True},
            PasswordRules(max_age=0, require=frozenset({CharacterClass.UPPER})),
            None,
        ),
    ],
)
def test_the_password_policy_is_held_against_the_access_model_or_cis(policy, rules, says):
    model = AccessModel(password_policy=rules) if rules else None
    told = findings(PostureId.PASSWORD_POLICY, model, password_policy=PasswordPolicy(**policy))
    assert len(told) == (says is not None)
    assert all(says in each.detail for each in told)


def trail(**fields: bool) -> TrailFacts:
    given = {"multi_region": True, "logging": True, "validated": True, **fields}
    return TrailFacts(name="main", arn="arn:aws:cloudtrail:eu-west-1:1:trail/main", **given)


@pytest.mark.parametrize(
    ("control", "part", "value", "says"),
    [
        (PostureId.CLOUDTRAIL_ON, "trails", (), "There is no trail."),
        (PostureId.CLOUDTRAIL_ON, "trails", (trail(logging=False),), "main stands still."),
        (PostureId.CLOUDTRAIL_ON, "trails", (trail(multi_region=False),), "one region only"),
        (PostureId.CLOUDTRAIL_ON, "trails", (trail(logging=False), trail()), None),
        (PostureId.CONFIG_ON, "recorders", {}, "There is no recorder in eu-west-1."),
        (PostureId.CONFIG_ON, "recorders", {"default": False}, "No recorder records"),
        (PostureId.CONFIG_ON, "recorders", {"default": True}, None),
        (PostureId.GUARDDUTY_ON, "detectors", {}, "There is no detector in eu-west-1."),
        (PostureId.GUARDDUTY_ON, "detectors", {"d1": False}, "is enabled in eu-west-1: d1."),
        (PostureId.GUARDDUTY_ON, "detectors", {"d1": True}, None),
    ],
)
def test_what_watches_the_account_is_on(control, part, value, says):
    told = findings(control, **{part: value})
    assert len(told) == (says is not None)
    assert all(says in each.detail for each in told)
    assert found(control, **{part: None}) == []


def test_what_was_not_read_is_not_judged():
    told = evaluate_posture(facts(), NOW)
    assert (told.judged, told.findings, told.gaps) == ((), (), ())


def test_a_regional_finding_says_where_and_a_global_one_does_not():
    regional = findings(PostureId.GUARDDUTY_ON, detectors={})[0]
    everywhere = findings(PostureId.CLOUDTRAIL_ON, trails=())[0]
    assert (regional.region, everywhere.region) == ("eu-west-1", None)
    assert regional.fingerprint == "guardduty_on/123456789012/eu-west-1/123456789012"
    assert NOW - timedelta(days=30) == ago(30)
