"""What is found, and what was not judged and so has not ended."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from tests.scenario.people import aged, no_mfa, person
from tests.scenario.village import Silence, Village
from tests.unit.codec.reported_findings import posture_finding

from keyreeve.controls.catalogue import CARDS
from keyreeve.model.errors import AccessDenied
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import ControlId, PostureId, UserId, UserName
from keyreeve.model.policy import CompressedClock, Exclusion, Match
from keyreeve.model.posture import Posture, ResourceType
from keyreeve.model.snapshot import CollectionGap
from keyreeve.pipeline.reported import Found, read_found

EXCLUDED = (Exclusion(match=Match(user="calm"), reason="vendor"),)
ROTATION = ControlId.ACCESS_KEY_ROTATION.value


def read(village: Village, day: int = 0, posture: Posture | None = None) -> Found:
    village.account.now = village.at(day)
    return read_found(village.wired(), village.at(day), Silence(), posture)


def id_of(village: Village, name: str) -> UserId:
    found = next(user for user in village.account.details().users if user.name == UserName(name))
    assert found.user_id is not None
    return found.user_id


def test_every_finding_bears_its_owners_arn_and_the_day_it_was_first_seen():
    village = Village(aged(), no_mfa())
    village.run(0)
    found = read(village, 5)
    keys = {each.control: each for each in found.findings}
    key = keys[ROTATION]
    assert key.resource_type is ResourceType.ACCESS_KEY
    assert key.owner is not None
    assert key.owner.arn == "arn:aws:iam::123456789012:user/aged.key"
    assert key.first_seen is not None
    assert key.first_seen.date() == village.at(0).date()
    assert keys[ControlId.CONSOLE_MFA.value].resource_id == (
        "arn:aws:iam::123456789012:user/no.mfa"
    )
    assert (found.partition, found.gaps) == ("aws", ())
    assert found.judged_controls == {control.value for control in CARDS}


def test_an_excluded_users_findings_are_there_and_said_to_be_excluded():
    excluded = (Exclusion(match=Match(user="aged.*"), reason="vendor"),)
    (only,) = read(Village(aged(), exclusions=excluded)).findings
    assert only.status is FindingStatus.EXCLUDED


def test_a_user_who_could_not_be_read_has_not_ended_and_nobody_else_is_in_doubt():
    village = Village(aged(), no_mfa(), person("calm"))

    def denied(user: UserName) -> None:
        raise AccessDenied("no", call="iam:ListAccessKeys")

    village.account.access_keys = denied  # type: ignore[method-assign,assignment]
    found = read(village)
    assert [gap.user_name for gap in found.gaps] == ["aged.key"]
    assert not found.has_ended(ROTATION, id_of(village, "aged.key"))
    assert found.has_ended(ROTATION, id_of(village, "calm"))
    assert found.has_ended(ROTATION, UserId("AIDAGONE")), "a user who is gone has no findings"


def test_under_a_compressed_clock_nobody_but_the_named_is_judged():
    clock = CompressedClock(day=timedelta(minutes=10), users=("no.*",))
    village = Village(aged(), no_mfa(), compressed=clock)
    found = read(village)
    assert not found.has_ended(ROTATION, id_of(village, "aged.key"))


def test_posture_is_judged_by_what_was_read_of_it():
    judged = Posture(judged=(ControlId.INLINE_POLICIES,), findings=(posture_finding(),))
    found = read(Village(), posture=judged)
    assert [each.resource_name for each in found.findings] == ["admin"]
    gap = CollectionGap(step="ListRoles", reason="AccessDenied")
    unread = read(Village(), posture=Posture(gaps=(gap,)))
    assert unread.gaps == (gap,)
    assert unread.has_ended(ROTATION, None), "a gap of the posture is none of the ladder"


def without_key_ids(village: Village) -> Village:
    """Nobody's keys may be listed."""

    def denied(user: UserName) -> None:
        raise AccessDenied("no", call="iam:ListAccessKeys")

    village.account.access_keys = denied  # type: ignore[method-assign,assignment]
    return village


def test_p9_a_user_whom_a_control_could_not_judge_is_a_failure_and_no_missing_analyzer_is():
    found = read(without_key_ids(Village(aged(), person("calm"))))
    assert [gap.user_name for gap in found.failed] == ["aged.key"]
    control = CollectionGap(step="control access_key_rotation", reason="x", user_name="ann")
    analyzer = CollectionGap(step="control unused_access", reason="no analyzer")
    for gap, failed in ((control, True), (analyzer, False)):
        posture = Posture(gaps=(gap,))
        assert posture.all_read is not failed
        assert read(Village(), posture=posture).failed == ((gap,) if failed else ())


def test_p9_where_somebody_was_not_judged_no_control_of_users_is_said_to_have_found_nothing():
    posture = Posture(judged=(PostureId.ROOT_MFA,))
    whole, partly = (
        read(Village(), posture=posture),
        read(without_key_ids(Village(aged())), posture=posture),
    )
    assert whole.judged_of_all == whole.judged_controls
    assert partly.judged_of_all == {"root_mfa"}


def test_p9_a_summary_says_of_how_many_users_it_could_not_judge():
    village = without_key_ids(Village(aged(), person("calm")))
    assert village.run(0).summary.unjudged == 1
    stale = Village(aged(), no_mfa(), person("calm"), exclusions=EXCLUDED)
    report = stale.account.credential_report()
    old = replace(report, generated_at=stale.at(-2))
    stale.account.credential_report = lambda: old  # type: ignore[method-assign]
    ran = stale.run(0)
    assert ran.summary.unjudged == 2
    document = json.loads(stale.store.get(f"runs/{ran.plan.run_id}/run.json").content)
    assert document["account_readable"] is False
    assert Village(aged()).run(0).summary.unjudged == 0
