"""CloudTrail's event history, by script: an unreadable record hides no other, however long."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.contract.conftest import ScriptedAws

from keyreeve.aws.event_history import CloudTrailEventHistory
from keyreeve.aws.event_lookup import EventLookup
from keyreeve.aws.group_history import CloudTrailGroupHistory
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import Malformed

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
BROKEN = ("no json", "[]", "null")


def event(name, at=NOW, record=None, **asked):
    record = record or json.dumps(
        {
            "userIdentity": {"arn": "arn:aws:iam::123456789012:user/ada"},
            "requestParameters": asked,
            "readOnly": False,
        }
    )
    return {"EventName": name, "EventTime": at.timestamp(), "CloudTrailEvent": record}


def page(*events, token=None):
    return json.dumps({"Events": list(events), **({"NextToken": token} if token else {})})


def added(user, at=NOW):
    return event("AddUserToGroup", at, userName=user, groupName="Developers")


@pytest.mark.parametrize("broken", BROKEN)
def test_who_joined_a_group_is_told_beside_a_record_that_cannot_be_read(
    scripted: ScriptedAws, broken
):
    late = NOW + timedelta(days=1)
    scripted.answer(
        page(added("ann", late), event("AddUserToGroup", record=broken), token="t1"),
        page(added("ann"), added("bob")),
    )
    joined = CloudTrailGroupHistory(Sessions(rehearsal=True)).joined(NOW)
    assert {key: it.at for key, it in joined.items()} == {
        ("ann", "Developers"): late,
        ("bob", "Developers"): NOW,
    }


@pytest.mark.parametrize("broken", BROKEN)
def test_a_week_is_told_beside_a_record_that_cannot_be_read(scripted: ScriptedAws, broken):
    changes = page(event("CreateUser", record=broken), event("CreateUser", userName="ann"))
    scripted.answer(page(event("AssumeRole", record=broken)), changes)
    week = CloudTrailEventHistory(Sessions(rehearsal=True)).week(frozenset({"Admin"}), NOW)
    assert [change.on for change in week.changes] == ["ann"]
    assert not week.truncated


def test_a_week_of_more_than_a_thousand_events_says_so(scripted: ScriptedAws):
    scripted.answer(page(token="more"))
    week = CloudTrailEventHistory(Sessions(rehearsal=True)).week(frozenset(), NOW)
    assert week.truncated
    assert len(scripted.asked) == 40


def test_a_page_is_asked_for_when_it_is_wanted(scripted: ScriptedAws):
    scripted.answer(page(added("ann"), token="t1"))
    pages = EventLookup(Sessions(rehearsal=True)).pages("EventName", "AddUserToGroup")
    assert next(pages).more
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("without", ["EventName", "EventTime"])
def test_an_answer_of_another_shape_is_a_failed_call(scripted: ScriptedAws, without):
    row = added("ann")
    del row[without]
    scripted.answer(page(row))
    with pytest.raises(Malformed):
        CloudTrailGroupHistory(Sessions(rehearsal=True)).joined(NOW)
