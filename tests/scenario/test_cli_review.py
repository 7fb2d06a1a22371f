"""An access review over the command line, from its start to the last removal."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import aws, sandbox
from tests.scenario.answering import Form, attachments, filled_in
from tests.scenario.test_cli_user import People, people
from tests.unit.governance.people import TAGS

from keyreeve.aws.iam_people import IamPeopleReader
from keyreeve.codec.seal import content_digest, parse, seal
from keyreeve.model.people import Everybody

__all__ = ["people", "sandbox"]

REVIEWERS = """\
reviewers:
  ann: {email: ann@example.com, user: ann}
  boss: {email: boss@example.com}
assignments:
  - {tag: "Department=Eng", reviewer: ann}
  - {named_by: manager}
default: boss
"""
CAMPAIGN = "2026-01-05-quarter-1"
START = ("review", "start", "--reviewers", "reviewers.yaml", "--name", "Quarter 1")
DEVELOPERS = ["bob", "eve", "kim"]


@pytest.fixture
def office(people: People) -> People:
    """Ann, who leads bob, eve and kim; everybody else is her boss's to review."""
    people.role("DeveloperRole", group="Developers")
    people.make("ann", "Developers", mfa=True, **{**TAGS, "email": "ann@example.com"})
    for name in DEVELOPERS:
        people.make(name, "Developers", mfa=True, **{**TAGS, "email": f"{name}@example.com"})
    people.iam.create_access_key(UserName="bob")
    (people.folder / "reviewers.yaml").write_text(REVIEWERS)
    return people


def started(office: People, *more: str) -> dict[str, dict[str, bytes]]:
    """A review under way; each reviewer's form and sheet."""
    answer = office(*START, "--send", *more, *office.at(0))
    assert answer.code == 0, answer.err
    return {mail.destinations[0]: attachments(mail) for mail in office.sandbox.mails()}


def hand_in(office: People, content: bytes, day: int, name: str = "answers") -> Any:
    file = office.folder / name
    file.write_bytes(content)
    return office("review", "answer", str(file), *office.at(day))


def live_keys(office: People, user: str) -> list[str]:
    found = office.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    return [key["AccessKeyId"] for key in found if key["Status"] == "Active"]


def answers_key(reviewer: str, version: int = 1) -> str:
    return f"reviews/{CAMPAIGN}/answers/{reviewer}/{version:04d}.json"


SAID = {
    "bob": ("revoke", "", "left the team"),
    "eve": ("Time-box", "2026-02-01", "until the hand-over"),
}
"""Ann's answers: kim stays."""


def begun(office: People) -> Form:
    """Ann has answered in time, by spreadsheet; her boss's form, still to be filled in."""
    forms = started(office)
    told = hand_in(office, filled_in(forms["ann@example.com"]["csv"], SAID), 3)
    assert told.code == 0, told.err
    assert "version 1" in told.out
    return Form(forms["boss@example.com"]["html"])


def test_everybody_is_shown_to_somebody_else_by_mail(office: People):
    rehearsed = office(*START, *office.at(0))
    assert rehearsed.code == 0, rehearsed.err
    assert "Nothing was started" in rehearsed.out
    assert office("review", "status").out.strip() == "No review is open."

    forms = started(office)
    assert sorted(forms) == ["ann@example.com", "boss@example.com"]
    ann, boss = Form(forms["ann@example.com"]["html"]), Form(forms["boss@example.com"]["html"])
    assert ann.users == DEVELOPERS
    assert "ann" in boss.users
    everybody = [user["UserName"] for user in office.iam.list_users()["Users"]]
    assert sorted([*ann.users, *boss.users]) == sorted(everybody)
    assert b"key 1: Active" in forms["ann@example.com"]["html"]
    archived = office.objects()[0].list_objects_v2(
        Bucket="keyreeve-sandbox", Prefix="iam-compliance/etv/mails/"
    )
    assert archived["KeyCount"] == 2


def test_a_review_from_start_to_close_with_one_late_and_one_who_revokes(office: People):
    boss = begun(office)
    # Her boss does not answer, is reminded, and is named to the team once the day is over.
    (reminder,) = office.json("review", "remind", "--send", *office.at(10))["mails"]
    assert (reminder["reviewer"], reminder["occasion"]) == ("boss", "reminder")
    assert office.sandbox.mails()[-1].destinations == ("boss@example.com",)
    (late,) = office.json("review", "remind", "--send", *office.at(15))["mails"]
    assert late["occasion"] == "escalation"
    assert set(office.sandbox.mails()[-1].destinations) == {"boss@example.com", "msp@example.com"}
    status = office("review", "status", *office.at(15)).out
    assert [line.split()[2] for line in status.splitlines() if "boss" in line] == ["late"]
    refused = office("review", "close", *office.at(15))
    assert refused.code == 2
    assert "not answered: boss" in refused.err
    told = hand_in(office, boss.saved({}), 16)
    assert told.code == 0, told.err
    assert "They are late" in told.out

    closed = office("review", "close", *office.at(16))
    assert closed.code == 0, closed.err
    assert "Late: boss." in closed.out
    assert "Nothing was done to anybody" in closed.out
    assert office.groups("bob") == {"Developers"}
    result = json.loads(office.stored(f"reviews/{CAMPAIGN}/result.json"))
    assert (result["missing"], result["late"]) == ([], ["boss"])
    decided = {
        each["user_name"]: (each["decision"], each["until"], each["reason"])
        for each in result["decided"]
        if each["reviewer"] == "ann"
    }
    versions = {name: office.stored(answers_key(name)) for name in ("ann", "boss")}
    handed = {name: json.loads(content) for name, content in versions.items()}
    assert {name: each["late"] for name, each in handed.items()} == {"ann": False, "boss": True}
    # Keyreeve's own user is among the boss's users, and it was that one who handed the file in.
    assert [handed[name]["hander_reviewed"] for name in ("ann", "boss")] == [False, True]
    assert decided == {
        "bob": ("revoke", None, "left the team"),
        "eve": ("time-box", "2026-02-01", "until the hand-over"),
        "kim": ("keep", None, ""),
    }
    assert result["closed_by"] == aws(office.sandbox.url, "sts").get_caller_identity()["Arn"]


def test_access_ends_at_its_day_and_only_when_somebody_says_so(office: People):
    hand_in(office, begun(office).saved({}), 4)
    office("review", "close", *office.at(16))
    assert "ACCESS THAT ENDS BY A REVIEW (1)" in office("summary", *office.at(16)).out
    assert "1 removal is due" in office("run", *office.at(16)).out
    assert live_keys(office, "bob")
    done = office.json("review", "due", "--execute", *office.at(16))
    assert [(d["user_name"], d["outcome"]) for d in done["carried_out"]] == [("bob", "done")]
    assert office.groups("bob") == set()
    assert live_keys(office, "bob") == []
    assert office.groups("eve") == {"Developers"}

    # The time-box ends after its last day, not on it.
    on_the_day = office.json("review", "due", "--execute", *office.at(27))
    assert on_the_day["carried_out"] == []
    assert [(r["user_name"], r["on"]) for r in on_the_day["removals"]] == [("eve", "2026-02-02")]
    assert "time-boxed access ends soon" in office("summary", *office.at(27)).out
    after = office.json("review", "due", "--execute", *office.at(28))
    assert [(d["user_name"], d["outcome"]) for d in after["carried_out"]] == [("eve", "done")]
    assert office.groups("eve") == set()
    assert office.groups("kim") == {"Developers"}
    assert office.json("review", "due")["removals"] == []


def test_every_step_of_a_review_is_in_the_audit_log_with_who_did_it(office: People):
    hand_in(office, begun(office).saved({}), 4)
    office("review", "close", "--execute", *office.at(5))
    assert office.events("review.") == [
        "review.started",
        "review.mailed",
        "review.mailed",
        "review.answered",
        "review.answered",
        "review.closed",
        "review.removed",
    ]
    me = aws(office.sandbox.url, "sts").get_caller_identity()["Arn"]
    records = [each for each in office.audit_records() if each["event"].startswith("review.")]
    (closed,) = [record["data"] for record in records if record["event"] == "review.closed"]
    mailed = [record["data"] for record in records if record["event"] == "review.mailed"]
    for key, known in (pair for record in mailed for pair in record["kept"].items()):
        assert known == content_digest(office.stored(key))
    assert all(record["kept"] for record in mailed)
    result = f"reviews/{CAMPAIGN}/result.json"
    assert closed["kept"] == {result: content_digest(office.stored(result))}
    assert {record["data"]["by"] for record in records} == {me}
    assert {record["data"]["campaign_id"] for record in records} == {CAMPAIGN}
    assert office("state", "verify").code == 0


def test_a_step_that_a_stop_kept_from_the_audit_log_is_told_by_the_next_verb(office: People):
    def lost(*told: str, day: int) -> Any:
        """What the log was to hold is not written: the storage gives out, as a stop would."""
        office.sandbox.plant_fault("PutObject", key="/audit", count=None)
        try:
            return office(*told, *office.at(day))
        finally:
            office.sandbox.clear_faults()

    form = begun(office)
    known = office.events("review.")
    (office.folder / "answers").write_bytes(form.saved({}))
    assert lost("review", "answer", str(office.folder / "answers"), day=4).code
    assert json.loads(office.stored(answers_key("boss")))["reviewer"] == "boss"
    assert office.events("review.") == known

    again = office("review", "answer", str(office.folder / "answers"), *office.at(5))
    assert again.code == 0, again.err
    assert office.events("review.") == [*known, "review.answered"]
    record = office.audit_records()[-1]["data"]
    assert (record["reviewer"], record["version"], record["recovered"]) == ("boss", 1, True)
    assert record["taken_at"] == "2026-01-09T06:00:00+00:00"
    assert office("review", "remind", "--send", *office.at(5)).code == 0
    assert lost("review", "close", day=6).code
    assert office("review", "due", "--execute", *office.at(7)).code == 0
    assert office.events("review.")[len(known) + 1 :] == ["review.closed", "review.removed"]
    assert office("state", "verify").code == 0
    result = f"reviews/{CAMPAIGN}/result.json"
    told = parse(office.stored(result))
    del told["sha256"]
    office.store(result, seal({**told, "closed_by": "nobody"}))
    verified = office("state", "verify")
    assert verified.code == 1
    assert f"{result}: it is not the one that the audit log tells of" in verified.out


def test_close_with_execute_offboards_whom_the_review_has_revoked(office: People):
    forms = started(office)
    ann, boss = Form(forms["ann@example.com"]["html"]), Form(forms["boss@example.com"]["html"])
    hand_in(office, ann.saved({"kim": ("revoke", "", "left")}), 1)
    hand_in(office, boss.saved({"ada.admin": ("revoke", "", "nobody knows who this is")}), 1)
    closed = office.json("review", "close", "--execute", *office.at(2))
    outcomes = {each["user_name"]: each for each in closed["carried_out"]}
    assert outcomes["kim"]["outcome"] == "done"
    assert office.groups("kim") == set()
    # What `user offboard` refuses is refused here: it is told, and stays to be done.
    assert outcomes["ada.admin"]["outcome"] == "refused"
    assert "the last administrator" in outcomes["ada.admin"]["refused"]
    assert "Administrator" in office.groups("ada.admin")
    assert [r["user_name"] for r in office.json("review", "due")["removals"]] == ["ada.admin"]
    assert office("review", "due", "--execute", *office.at(3)).code == 1


def test_whoever_came_by_a_name_since_everybody_was_read_is_not_shut_out(
    office: People, monkeypatch: Any
):
    hand_in(office, begun(office).saved({}), 4)
    assert office("review", "close", *office.at(16)).code == 0
    read = IamPeopleReader.everybody

    def renamed_after_that(reader: IamPeopleReader) -> Everybody:
        found = read(reader)
        if "bob.old" in {member.name for member in found.members}:
            return found
        office.iam.update_user(UserName="bob", NewUserName="bob.old")
        office.make("bob", "Developers", **{**TAGS, "email": "another.bob@example.com"})
        return found

    with monkeypatch.context() as patch:
        patch.setattr(IamPeopleReader, "everybody", renamed_after_that)
        said = office("review", "due", "--execute", *office.at(16))
    assert said.code == 1
    assert "another user is called bob" in " ".join(said.out.split())
    assert office.groups("bob") == {"Developers"}
    # Asked again, the removal finds the one whom the review was about.
    again = office.json("review", "due", "--execute", *office.at(16))
    assert [each["outcome"] for each in again["carried_out"]] == ["done"]
    assert office.groups("bob") == {"Developers"}
    assert office.groups("bob.old") == set()


def test_many_removals_at_once_need_their_number(office: People):
    names = [f"dev.{number}" for number in range(7)]
    for name in names:
        office.make(name, "Developers", **{**TAGS, "email": f"{name}@example.com"})
    forms = started(office)
    gone = dict.fromkeys(names, ("revoke", "", "the project is over"))
    hand_in(office, Form(forms["ann@example.com"]["html"]).saved(gone), 1)
    hand_in(office, Form(forms["boss@example.com"]["html"]).saved({}), 1)
    refused = office("review", "close", "--execute", *office.at(2))
    assert refused.code == 4
    assert "--accept 7" in refused.err
    assert office.groups("dev.1") == {"Developers"}
    done = office("review", "due", "--execute", "--accept", "7", *office.at(2))
    assert done.code == 0, done.err
    assert office.groups("dev.1") == set()


def test_a_review_is_closed_without_an_answer_only_for_a_reason(office: People):
    forms = started(office)
    hand_in(office, Form(forms["ann@example.com"]["html"]).saved({}), 1)
    assert office("review", "close", "--incomplete", *office.at(2)).code == 2
    told = office("review", "close", "--incomplete", "--reason", "boss is ill", *office.at(2))
    assert told.code == 0, told.err
    assert "Not answered: boss (boss is ill)." in told.out
    result = json.loads(office.stored(f"reviews/{CAMPAIGN}/result.json"))
    assert (result["missing"], result["incomplete_because"]) == (["boss"], "boss is ill")
    assert {d["decision"] for d in result["decided"] if d["reviewer"] == "boss"} == {None}
    too_late = hand_in(office, Form(forms["boss@example.com"]["html"]).saved({}), 3)
    assert too_late.code == 2
    assert "it was closed on 2026-01-07" in too_late.err


def test_a_later_answer_takes_the_place_of_an_earlier_one(office: People):
    forms = started(office)
    ann = Form(forms["ann@example.com"]["html"])
    first = ann.saved({"bob": ("revoke", "", "left")})
    hand_in(office, first, 1)
    assert "version 1 already" in hand_in(office, first, 1).out
    assert "version 2" in hand_in(office, ann.saved({}), 2).out
    hand_in(office, Form(forms["boss@example.com"]["html"]).saved({}), 2)
    closed = office.json("review", "close", *office.at(3))
    assert closed["due"] == []
    counted = {each["reviewer"]: each["version"] for each in closed["result"]["decided"]}
    assert counted == {"ann": 2, "boss": 1}


def test_answers_that_are_not_to_what_was_asked_are_refused_with_every_mistake(office: People):
    forms = started(office)
    ann = Form(forms["ann@example.com"]["html"])
    given = ann.answers({"bob": ("revoke", "", ""), "eve": ("time-box", "2025-12-31", "soon")})
    given["rows"][2]["digest"] = "0" * 64
    given["rows"].append({**given["rows"][0], "user_id": "AIDANOBODY", "user_name": "mallory"})
    answer = hand_in(office, json.dumps(given).encode(), 1)
    assert answer.code == 2
    for said in (
        "rows[0]: bob: revoke needs a reason",
        "rows[1]: eve: 2025-12-31 is over already",
        "rows[2]: kim: digest is not what was shown",
        "rows[3]: mallory is not among those to be reviewed",
    ):
        assert said in answer.err
    short = ann.answers({})
    short["rows"] = short["rows"][:2]
    assert "nothing is said of kim" in hand_in(office, json.dumps(short).encode(), 1).err
    another = ann.answers({}) | {"reviewer": "boss"}
    assert hand_in(office, json.dumps(another).encode(), 1).code == 2
    elsewhere = ann.answers({}) | {"campaign": "2025-10-01-old"}
    assert "there is no review" in hand_in(office, json.dumps(elsewhere).encode(), 1).err
    altered = filled_in(forms["ann@example.com"]["csv"], {}).replace(b"Developers", b"Interns")
    assert "groups is not what was shown" in hand_in(office, altered, 1).err
    assert office.events("review.answered") == []
    assert "pending" in office("review", "status", *office.at(1)).out


def test_a_spreadsheet_saved_with_semicolons_is_read_all_the_same(office: People):
    sheet = started(office)["ann@example.com"]["csv"]
    told = hand_in(office, filled_in(sheet, {"bob": ("revoke", "", "a, b; c")}, ";"), 1)
    assert told.code == 0, told.err
    assert "a, b; c" in told.out


def test_whoever_has_no_reviewer_is_named_and_nothing_is_started(office: People):
    file = office.folder / "reviewers.yaml"
    file.write_text(REVIEWERS.replace("default: boss\n", ""))
    answer = office(*START, "--send", *office.at(0))
    assert answer.code == 2
    assert "ada.admin: no assignment fits" in answer.err
    assert "ann: only the user itself would review it" in answer.err
    assert office.sandbox.mails() == []
    assert office("review", "status").out.strip() == "No review is open."


EACH_WRONG = (
    "reviewers:\n"
    "  ann: {email: ann(at)example.com}\n"
    "  Bob: {email: bob@example.com}\n"
    "  boss: {email: boss@example.com}\n"
    "assignments:\n"
    "  - {tag: Eng, reviewer: boss}\n"
    "  - {group: Developers, users: [a], reviewer: boss}\n"
    "defualt: boss\n"
)
UNKNOWN_NAMES = (
    "reviewers:\n"
    "  ann: {email: ann@example.com, user: ann}\n"
    "  anna: {email: ANN@example.com}\n"
    "assignments:\n"
    "  - {group: Auditor, reviewer: bos}\n"
    "default: nobody\n"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            EACH_WRONG,
            [
                ":2:9: reviewers.ann.email: not a mail address",
                ":3:3: reviewers.Bob: 'Bob' is no name",
                ":6:6: assignments[0].tag: a tag is matched as key=value",
                ":7:6: assignments[1].group: says whom with exactly one",
                ":8:1: defualt: unknown key",
            ],
        ),
        (
            UNKNOWN_NAMES,
            [
                ":3:10: reviewers.anna.email: ANN@example.com is ann already",
                ":5:22: assignments[0].reviewer: 'bos' is none of reviewers",
                ":6:1: default: 'nobody' is none of reviewers",
            ],
        ),
        (
            "assignments:\n  - {named_by: manager, reviewer: ann}\n",
            [":2:25:", "reviewers: is required"],
        ),
        ("", ["the file is empty"]),
    ],
)
def test_a_reviewers_file_is_refused_with_every_line_that_is_wrong(
    office: People, text: str, said: list[str]
):
    (office.folder / "reviewers.yaml").write_text(text)
    answer = office(*START)
    assert answer.code == 2
    for mistake in said:
        assert mistake in answer.err


def test_forms_are_written_where_nobody_is_mailed(office: People, tmp_path: Path):
    out = tmp_path / "forms"
    answer = office(*START, "--out", str(out), *office.at(0))
    assert answer.code == 0, answer.err
    assert office.sandbox.mails() == []
    names = sorted(path.name for path in out.iterdir())
    assert names == [
        f"review-{CAMPAIGN}-{who}.{kind}" for who in ("ann", "boss") for kind in ("csv", "html")
    ]
    stored = office.stored(f"reviews/{CAMPAIGN}/forms/ann.html")
    assert (out / f"review-{CAMPAIGN}-ann.html").read_bytes() == stored
    (first, _) = office.json("review", "remind", *office.at(1))["mails"]
    assert first["occasion"] == "form"


def test_a_mail_that_fails_keeps_no_other_from_going_out_and_is_asked_again(office: People):
    office.sandbox.plant_fault("SendEmail", code="MessageRejected", status=400)
    answer = office(*START, "--send", *office.at(0))
    assert answer.code == 1, answer.out + answer.err
    assert len(office.sandbox.mails()) == 1
    again = office(*START, "--send", "--as-of", "2026-01-05T09:00:00Z")
    assert again.code == 2
    assert "review remind --send" in again.err
    mails = office.json("review", "remind", "--send", *office.at(1))["mails"]
    assert {each["occasion"] for each in mails} == {"form", "reminder"}
    assert {each["failure"] for each in mails} == {None}


def test_what_was_kept_shows_every_alteration(office: People):
    started(office)
    key = f"reviews/{CAMPAIGN}/campaign.json"
    office.store(key, office.stored(key).replace(b"Developers", b"Developerz", 1))
    answer = office("review", "status", *office.at(1))
    assert answer.code == 6
    assert f"{key}" in answer.err


def test_the_people_role_is_enough_for_a_whole_review(office: People):
    """Each call is refused by the sandbox unless the printed policy allows it."""
    documents = office.json("policy", "print", "--role", "people")["documents"]
    office.sandbox.authorise(documents)
    try:
        forms = started(office)
        assert office("review", "remind", "--send", *office.at(1)).code == 0
        ann = Form(forms["ann@example.com"]["html"])
        assert hand_in(office, ann.saved({"bob": ("revoke", "", "left")}), 1).code == 0
        boss = Form(forms["boss@example.com"]["html"])
        assert hand_in(office, boss.saved({}), 1).code == 0
        closed = office("review", "close", "--execute", *office.at(2))
        assert closed.code == 0, closed.out + closed.err
        refused = [call for call in office.sandbox.calls() if call["status"] == 403]
        assert refused == []
    finally:
        office.sandbox.authorise(None)
    assert office.groups("bob") == set()


def test_forms_that_do_not_fit_on_the_disk_are_told_with_the_review_that_is_started(office: People):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        answer = office(*START, "--out", "forms", *office.at(0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answer.code == 1
    assert f"Review {CAMPAIGN} is started" in answer.out
    assert "cannot be written" in answer.err
    assert "review remind --send" in answer.err
    assert not [path for path in (office.folder / "forms").iterdir() if path.stat().st_size]
    sent = office("review", "remind", "--send", *office.at(0))
    assert sent.code == 0
    assert len(office.sandbox.mails()) == 2
