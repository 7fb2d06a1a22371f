"""Answers checked, a review closed, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests import review_samples as samples

from keyreeve.codec.review_sheet import shown_cells
from keyreeve.governance.reviewing import (
    campaign_id,
    check_sheet,
    due,
    occasion_of,
    removals,
    result_of,
    too_many,
)
from keyreeve.model.policy import BlastLimits
from keyreeve.model.review import (
    Answers,
    CampaignId,
    Closed,
    Decision,
    Occasion,
    Removed,
    ReviewerName,
    ReviewFile,
    Sheet,
    SheetRow,
    Told,
    Verdict,
)

MONDAY = samples.MONDAY
TODAY = MONDAY.date()
ME = "arn:aws:sts::123456789012:assumed-role/msp/lee"
CAMPAIGN = samples.campaign(samples.PRIYA, samples.TOMAS, others=(samples.QUIET,))
TASK = CAMPAIGN.tasks[0]
SHOWN = shown_cells(CAMPAIGN, TASK)


def row(user=samples.PRIYA, decision="keep", until="", reason="", **changes) -> SheetRow:
    cells = {"digest": SHOWN[user.user_id]["digest"]} if user.user_id in SHOWN else {}
    made = SheetRow(
        where="line 2",
        user_id=user.user_id,
        user_name=user.user_name,
        decision=decision,
        until=until,
        reason=reason,
        cells=cells,
    )
    return replace(made, **changes)


def checked(*rows: SheetRow):
    sheet = Sheet(campaign_id=CAMPAIGN.campaign_id, reviewer="ann", rows=rows)
    return check_sheet(TASK, sheet, SHOWN, TODAY)


@pytest.mark.parametrize(
    ("decision", "until", "reason"),
    [
        ("keep", "", ""),
        ("keep", "", "needed until spring"),
        ("revoke", "", "left"),
        ("time-box", "2026-01-05", "ends today"),
        ("time-box", "2027-01-05", "a year"),
    ],
)
def test_what_may_be_decided(decision, until, reason):
    verdicts, mistakes = checked(
        row(decision=decision, until=until, reason=reason), row(samples.TOMAS)
    )
    assert mistakes == ()
    assert verdicts[0].decision == decision
    assert verdicts[0].until == (date.fromisoformat(until) if until else None)
    assert verdicts[0].digest == SHOWN[samples.PRIYA.user_id]["digest"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (row(decision=""), "no decision: keep, revoke or time-box"),
        (row(decision="maybe"), "'maybe' is no decision"),
        (row(decision="revoke"), "revoke needs a reason"),
        (row(decision="revoke", reason="  "), "revoke needs a reason"),
        (row(decision="time-box", until="2026-02-01"), "time-box needs a reason"),
        (row(decision="time-box", reason="x"), "time-box needs a last day like 2027-01-31, not ''"),
        (row(decision="time-box", until="01.02.2026", reason="x"), "not '01.02.2026'"),
        (row(decision="time-box", until="2026-01-04", reason="x"), "2026-01-04 is over already"),
        (row(decision="time-box", until="9999-12-31", reason="x"), "no day comes after 9999-12-31"),
        (row(decision="revoke", until="2026-02-01", reason="x"), "until belongs to time-box only"),
        (row(decision="keep", until="2026-02-01"), "until belongs to time-box only"),
        (row(reason="x" * 1001), "longer than 1000 characters"),
        (row(cells={"digest": "0" * 64}), "digest is not what was shown"),
        (row(cells={}), "the digest of what was shown is missing"),
        (row(user_id="AIDASOMEBODY", user_name="mallory"), "mallory is not among those"),
        (row(samples.QUIET), "gone.quiet is not among those"),
        (row(samples.TOMAS), "tomas.lind stands here twice"),
    ],
)
def test_what_is_refused_and_how_it_is_said(wrong, said):
    _, mistakes = checked(wrong, row(samples.TOMAS))
    assert any(said in mistake for mistake in mistakes), mistakes


def test_what_is_not_said_is_named():
    _, (mistake,) = checked(row())
    assert mistake == "not complete: nothing is said of tomas.lind"


def test_altered_cells_of_a_spreadsheet_are_named():
    cells = SHOWN[samples.PRIYA.user_id] | {"roles": "AdministratorAccessRole"}
    _, (mistake,) = checked(row(cells=cells), row(samples.TOMAS))
    assert mistake == "line 2: priya.sharma: roles is not what was shown"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Quarter 1", "2026-01-05-quarter-1"),
        ("  Éte / 2026 ", "2026-01-05-ete-2026"),
        ("../../x", "2026-01-05-x"),
        ("???", None),
    ],
)
def test_a_review_is_called_by_its_day_and_name(name, expected):
    assert campaign_id(TODAY, name) == expected


# --- when somebody is mailed ------------------------------------------------------------------


def answers(name="ann", version=1, *, late=False, **decided) -> Answers:
    """Everybody of the part is kept but for `decided`: user name → verdict."""
    task = CAMPAIGN.task_of(name)
    assert task is not None
    verdicts = tuple(
        decided.get(each.user_name.partition(".")[0], verdict(each)) for each in task.rows
    )
    return Answers(
        campaign_id=CAMPAIGN.campaign_id,
        reviewer=ReviewerName(name),
        version=version,
        handed_in_at=MONDAY + timedelta(days=version),
        handed_in_by=ME,
        late=late,
        hander_reviewed=False,
        source_sha256="0" * 64,
        verdicts=verdicts,
    )


def verdict(user, decision=Decision.KEEP, until=None, reason="") -> Verdict:
    return Verdict(
        user_id=user.user_id,
        user_name=user.user_name,
        digest="0" * 64,
        decision=decision,
        until=until,
        reason=reason,
    )


GONE = verdict(samples.PRIYA, Decision.REVOKE, None, "left")
BOXED = verdict(samples.TOMAS, Decision.TIME_BOX, date(2026, 2, 1), "until the hand-over")
TOLD = Told(
    campaign_id=CAMPAIGN.campaign_id,
    reviewer=ReviewerName("ann"),
    occasion=Occasion.FORM,
    at=MONDAY,
    by=ME,
    to="ann@example.com",
    cc=(),
    message_id="1",
)


@pytest.mark.parametrize(
    ("file", "day", "expected"),
    [
        (ReviewFile(campaign=CAMPAIGN), 0, Occasion.FORM),
        (ReviewFile(campaign=CAMPAIGN, told=(TOLD,)), 1, Occasion.REMINDER),
        (ReviewFile(campaign=CAMPAIGN, told=(TOLD,)), 14, Occasion.REMINDER),
        (ReviewFile(campaign=CAMPAIGN, told=(TOLD,)), 15, Occasion.ESCALATION),
        (ReviewFile(campaign=CAMPAIGN), 15, Occasion.ESCALATION),
        (ReviewFile(campaign=CAMPAIGN, told=(TOLD,), answers=(answers(),)), 15, None),
    ],
)
def test_who_is_mailed_and_why(file, day, expected):
    assert occasion_of(file, TASK, TODAY + timedelta(days=day)) == expected


# --- the result and what follows --------------------------------------------------------------


def following(*files: ReviewFile):
    """The removals of these reviews."""
    return removals(
        Closed(result=file.result, removed=file.removed) for file in files if file.result
    )


def closed(*given: Answers, campaign=CAMPAIGN, day=10, removed=()) -> ReviewFile:
    file = ReviewFile(campaign=campaign, answers=given, removed=removed)
    at = MONDAY + timedelta(days=day)
    result = result_of(file, at=at, by=ME, today=at.date(), reason="asked for")
    return replace(file, result=result)


def test_the_result_names_everybody_and_who_decided_what():
    result = closed(answers(priya=GONE, tomas=BOXED), answers("boss", late=True)).result
    assert result is not None
    assert [(d.user_name, d.reviewer, d.decision) for d in result.decided] == [
        ("priya.sharma", "ann", Decision.REVOKE),
        ("tomas.lind", "ann", Decision.TIME_BOX),
        ("gone.quiet", "boss", Decision.KEEP),
    ]
    assert (result.missing, result.late, result.incomplete_because) == ((), ("boss",), None)


def test_who_did_not_answer_is_missing_and_decides_nothing():
    result = closed(answers()).result
    assert result is not None
    assert (result.missing, result.incomplete_because) == (("boss",), "asked for")
    assert result.count(None) == 1


def test_the_last_version_before_the_close_counts():
    file = closed(answers(priya=GONE), answers(version=2), answers("boss"))
    assert file.result is not None
    assert {d.version for d in file.result.decided if d.reviewer == "ann"} == {2}
    assert following(file) == ()


def test_a_revocation_is_due_at_the_close_and_a_time_box_after_its_last_day():
    found = following(closed(answers(priya=GONE, tomas=BOXED)))
    assert [(r.user_name, str(r.on)) for r in found] == [
        ("priya.sharma", "2026-01-15"),
        ("tomas.lind", "2026-02-02"),
    ]
    assert [r.user_name for r in due(found, date(2026, 2, 1))] == ["priya.sharma"]
    assert len(due(found, date(2026, 2, 2))) == 2


def test_a_result_that_names_the_last_day_of_all_stops_nothing():
    for_ever = replace(BOXED, until=date.max)
    found = following(closed(answers(priya=GONE, tomas=for_ever)))
    assert [(r.user_name, r.on) for r in found][1] == ("tomas.lind", date.max)
    assert [r.user_name for r in due(found, date(2026, 2, 2))] == ["priya.sharma"]


def test_an_open_review_removes_nobody():
    assert following(ReviewFile(campaign=CAMPAIGN, answers=(answers(priya=GONE),))) == ()


@pytest.mark.parametrize(("complete", "left"), [(True, 0), (False, 1)])
def test_what_is_carried_out_wholly_is_not_due_again(complete, left):
    removed = Removed(
        campaign_id=CAMPAIGN.campaign_id,
        user_id=samples.PRIYA.user_id,
        user_name=samples.PRIYA.user_name,
        at=MONDAY,
        by=ME,
        complete=complete,
        steps=(),
    )
    assert len(following(closed(answers(priya=GONE), removed=(removed,)))) == left


LATER = replace(CAMPAIGN, campaign_id=CampaignId("2026-03-01-later"))


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (answers(), []),
        (answers(tomas=replace(BOXED, until=date(2026, 6, 1))), ["2026-06-02"]),
        (answers("boss"), ["2026-02-02"]),
    ],
)
def test_the_newest_review_that_decided_about_a_user_counts(later, expected):
    files = [closed(answers(tomas=BOXED)), closed(later, campaign=LATER, day=60)]
    assert [str(removal.on) for removal in following(*files)] == expected
    assert [str(removal.on) for removal in following(*reversed(files))] == expected


@pytest.mark.parametrize(
    ("going", "users", "allowed"),
    [(5, 6, True), (6, 6, False), (6, 21, True), (25, 100, True), (26, 100, False)],
)
def test_a_quarter_of_the_users_or_five_may_be_shut_out_at_once(going, users, allowed):
    assert (too_many(going, users, BlastLimits()) is None) is allowed
