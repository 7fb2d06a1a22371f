"""CloudTrail's memory of who tagged whom, by script: newest first, page by page."""

from __future__ import annotations

import json

import pytest
from tests.contract.conftest import ScriptedAws

from keyreeve.aws.iam_people import CloudTrailTagHistory
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import AccessDenied, Malformed


def row(name, user, *keys, caller="ada", at=1_767_600_000, **more):
    record = {
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "userIdentity": {
            "type": "IAMUser",
            "userName": caller,
            "arn": f"arn:aws:iam::123456789012:user/{caller}",
        },
        "requestParameters": {
            "userName": user,
            "tags": [{"key": key, "value": "x"} for key in keys],
        },
        **more,
    }
    return {"EventName": name, "EventTime": at, "CloudTrailEvent": json.dumps(record)}


def page(*rows, token=None):
    return json.dumps({"Events": list(rows), **({"NextToken": token} if token else {})})


def author(scripted: ScriptedAws, *pages):
    scripted.answer(*pages)
    found = CloudTrailTagHistory(Sessions(rehearsal=True)).author("bob", "FunctionalGroup")
    return found and found.user_name


def test_the_newest_call_that_gave_this_user_this_tag_tells(scripted: ScriptedAws):
    rows = (
        row("TagUser", "bob", "Department", caller="eve"),
        row("TagUser", "eve", "FunctionalGroup", caller="eve"),
        row("TagUser", "bob", "FunctionalGroup", caller="mallory", errorCode="AccessDenied"),
        row("TagUser", "bob", "FunctionalGroup", caller="bob"),
        row("TagUser", "bob", "FunctionalGroup", caller="ada"),
    )
    assert author(scripted, page(*rows), page()) == "bob"


def test_who_was_born_with_the_tag_got_it_from_its_maker(scripted: ScriptedAws):
    made = row("CreateUser", "bob", "FunctionalGroup", caller="ada")
    assert author(scripted, page(), page(made)) == "ada"


def test_who_was_made_anew_under_an_old_name_got_the_tag_from_its_maker(scripted: ScriptedAws):
    old = row("TagUser", "bob", "FunctionalGroup", caller="eve")
    made = row("CreateUser", "bob", "FunctionalGroup", caller="ada", at=1_767_700_000)
    assert author(scripted, page(old), page(made)) == "ada"


def test_pages_are_followed_and_unreadable_records_passed_over(scripted: ScriptedAws):
    broken = {**row("TagUser", "bob"), "CloudTrailEvent": "no json"}
    mine = row("TagUser", "bob", "FunctionalGroup", caller="bob")
    assert author(scripted, page(broken, token="t1"), page(mine), page()) == "bob"
    assert json.loads(scripted.asked[1])["NextToken"] == "t1"


def test_beyond_a_thousand_events_nothing_is_known(scripted: ScriptedAws):
    assert author(scripted, page(token="more")) is None
    assert len(scripted.asked) == 40


def test_a_refusal_is_one_and_no_silence(scripted: ScriptedAws):
    denied = json.dumps({"__type": "AccessDeniedException", "message": "no"})
    with pytest.raises(AccessDenied):
        author(scripted, (400, denied))
    with pytest.raises(Malformed):
        author(scripted, json.dumps({}))
