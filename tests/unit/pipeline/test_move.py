"""A move: read, add, confirm, only then remove (S2.T4)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.fakes.people import FakePeople
from tests.unit.governance.people import MODEL, TAGS

from keyreeve.model.errors import AccessDenied, Doubtful, NotFound, Throttled
from keyreeve.model.people import Outcome, TagAuthor
from keyreeve.pipeline.move import Mover, NotConfirmed

GROUPS = ("MFA-Setup", "Administrator", "Developers", "Auditor", "Quarantine")
ADMIN_TAGS = {**TAGS, "FunctionalGroup": "Administrator"}


class Clock:
    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 5, 6, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


class Lease:
    def __init__(self) -> None:
        self.checked = 0

    def check(self) -> None:
        self.checked += 1


@pytest.fixture
def people():
    account = FakePeople(*GROUPS)
    account.user("bob", "MFA-Setup", mfa=True, **TAGS)
    return account


def mover(people, **more):
    usual = {"clock": Clock(), "lease": Lease()}
    return Mover(MODEL, reader=people, actuator=people, history=people, **(usual | more))


def changes(people):
    return [call for call in people.calls if call[0] in ("add_to_group", "remove_from_group")]


def doubtful(code=""):
    return Doubtful("no answer", call="iam:AddUserToGroup", code=code)


def test_enrolled_first_added_then_removed(people):
    lease = Lease()
    done = mover(people, lease=lease).move("bob")
    assert people.in_groups("bob") == {"Developers"}
    assert changes(people) == [
        ("add_to_group", "bob", "Developers"),
        ("remove_from_group", "bob", "MFA-Setup"),
    ]
    assert [step.split(",")[0] for step in done.steps] == [
        "added to Developers",
        "removed from MFA-Setup",
    ]
    assert done.failure is None
    assert not done.needs_person
    assert lease.checked == 2


def test_mfa_taken_off_leads_back(people):
    """S2.T6."""
    mover(people).move("bob")
    people.unenrol("bob")
    people.calls.clear()
    assert mover(people).move("bob").move.outcome is Outcome.TO_ONBOARDING
    assert people.in_groups("bob") == {"MFA-Setup"}
    assert [call[0] for call in changes(people)] == ["add_to_group", "remove_from_group"]


def test_the_same_event_twice_does_nothing_the_second_time(people):
    mover(people).move("bob")
    people.calls.clear()
    assert mover(people).move("bob").move.outcome is Outcome.IN_PLACE
    assert changes(people) == []


def test_events_out_of_order_end_where_the_facts_are(people):
    """Enrolment is told after the device was taken off again: only what is read counts."""
    people.unenrol("bob")
    assert mover(people).move("bob").move.outcome is Outcome.IN_PLACE
    assert people.in_groups("bob") == {"MFA-Setup"}


@pytest.mark.parametrize(
    "failure",
    [
        AccessDenied("no", call="iam:AddUserToGroup"),
        Throttled("slow down", call="iam:AddUserToGroup"),
        NotFound("gone", call="iam:AddUserToGroup"),
    ],
)
def test_what_could_not_be_added_is_not_removed(people, failure):
    people.fail("add_to_group", failure)
    done = mover(people).move("bob")
    assert done.failure is failure
    assert done.needs_person
    assert people.in_groups("bob") == {"MFA-Setup"}


def test_an_add_that_reading_does_not_show_is_no_reason_to_remove(people):
    people.lag = 50
    clock = Clock()
    done = mover(people, clock=clock).move("bob")
    assert isinstance(done.failure, NotConfirmed)
    assert "MFA-Setup" in people.in_groups("bob")
    assert clock.slept == pytest.approx(7.5)


def test_a_lagging_read_is_waited_for(people):
    people.lag = 2
    clock = Clock()
    assert mover(people, clock=clock).move("bob").failure is None
    assert people.in_groups("bob") == {"Developers"}
    assert clock.slept == pytest.approx(3.0)


def test_an_add_without_an_answer_is_looked_for_never_repeated(people):
    people.fail("add_to_group", doubtful("AFTERWARDS"))
    assert mover(people).move("bob").failure is None
    assert people.in_groups("bob") == {"Developers"}
    assert len(changes(people)) == 2


def test_an_add_that_was_lost_leaves_the_user_where_it_was(people):
    people.fail("add_to_group", doubtful())
    done = mover(people).move("bob")
    assert isinstance(done.failure, NotConfirmed)
    assert people.in_groups("bob") == {"MFA-Setup"}
    assert len(changes(people)) == 1


def test_a_stop_between_add_and_remove_is_gone_on_with(people):
    people.fail("remove_from_group", AccessDenied("no", call="iam:RemoveUserFromGroup"))
    first = mover(people).move("bob")
    assert first.failure is not None
    assert first.steps == ("added to Developers, and confirmed by reading",)
    assert people.in_groups("bob") == {"MFA-Setup", "Developers"}
    assert mover(people).move("bob").failure is None
    assert people.in_groups("bob") == {"Developers"}


def test_somebody_else_was_faster(people):
    """S2.T5: the answer is NoSuchEntity, and it means that the user is not in the group."""
    people.fail("remove_from_group", NotFound("no", call="iam:RemoveUserFromGroup"))
    engine = mover(people)
    move = engine.plan("bob")
    people.remove_from_group = _gone_already(people)
    done = engine.move("bob")
    assert move.outcome is Outcome.TO_ROLE_GROUP
    assert done.steps[-1] == "was not in MFA-Setup any more"


def test_a_group_that_is_deleted_meanwhile_is_called_so(people):
    """S2.T5: the same answer, and it means that there is no such group."""

    def delete(user, group):
        people.groups.discard(group)
        people.members[user] = people.members[user].__class__(
            **{**_fields(people.members[user]), "groups": frozenset({"Developers"})}
        )
        raise NotFound("no", call="iam:RemoveUserFromGroup")

    people.remove_from_group = delete
    done = mover(people).move("bob")
    assert done.steps[-1] == "not removed from MFA-Setup: there is no such group any more"


def test_a_missing_group_is_reported_before_anything_is_done(people):
    people.groups.discard("Developers")
    done = mover(people).move("bob")
    assert done.move.outcome is Outcome.GROUP_MISSING
    assert done.needs_person
    assert changes(people) == []


def test_a_role_tag_of_ones_own_making_moves_nobody(people):
    people.authors["bob"] = TagAuthor(arn="arn:aws:iam::123456789012:user/bob", user_name="bob")
    done = mover(people).move("bob")
    assert done.move.outcome is Outcome.TAGGED_BY_ITSELF
    assert changes(people) == []


def test_the_event_itself_may_tell_who_tagged(people):
    author = TagAuthor(arn="arn:aws:iam::123456789012:user/bob", user_name="bob")
    assert mover(people).move("bob", author).move.outcome is Outcome.TAGGED_BY_ITSELF
    assert ("author", "bob", "FunctionalGroup") not in people.calls


def tagged(who, value, minute=0):
    arn = f"arn:aws:iam::123456789012:user/{who}"
    at = datetime(2026, 1, 5, 6, minute, tzinfo=UTC)
    return TagAuthor(arn=arn, user_name=who, value=value, at=at)


@pytest.mark.parametrize(
    ("told", "remembered", "outcome"),
    [
        # The event, CloudTrail's memory; the tag says Developer.
        (tagged("ada", "Developer"), None, Outcome.TO_ROLE_GROUP),
        (tagged("ada", "Auditor"), tagged("bob", "Developer", 1), Outcome.TAGGED_BY_ITSELF),
        (tagged("ada", "Developer"), tagged("bob", "Developer", 1), Outcome.TAGGED_BY_ITSELF),
        (tagged("ada", "Developer", 1), tagged("bob", "Developer"), Outcome.TO_ROLE_GROUP),
        (tagged("ada", "Developer"), tagged("bob", "Auditor"), Outcome.TO_ROLE_GROUP),
        (tagged("bob", "Auditor"), tagged("ada", "Developer"), Outcome.TO_ROLE_GROUP),
        (tagged("ada", "Auditor"), None, Outcome.TAG_UNACCOUNTED),
        (tagged("ada", "Auditor"), tagged("ada", "Auditor"), Outcome.TAG_UNACCOUNTED),
        (None, tagged("ada", "Auditor"), Outcome.TAG_UNACCOUNTED),
    ],
)
def test_who_set_another_value_does_not_vouch_for_the_one_that_is_there(
    people, told, remembered, outcome
):
    """Events come late and out of order, and CloudTrail is minutes behind (S2.T7)."""
    if remembered is not None:
        people.authors["bob"] = remembered
    done = mover(people).move("bob", told)
    assert done.move.outcome is outcome
    assert bool(changes(people)) is (outcome is Outcome.TO_ROLE_GROUP)
    assert done.needs_person is (outcome is not Outcome.TO_ROLE_GROUP)


def test_an_author_that_cannot_be_asked_for_is_stated(people):
    people.fail("author", AccessDenied("not allowed", call="cloudtrail:LookupEvents"))
    done = mover(people).move("bob")
    assert done.move.outcome is Outcome.TO_ROLE_GROUP
    assert done.move.remarks == (
        "who set the role tag is not known: cloudtrail:LookupEvents: not allowed",
    )
    people.unenrol("bob")
    mover(people).move("bob")
    people.enrol("bob")
    (remark,) = mover(people).plan("bob").remarks
    assert "CloudTrail names nobody" in remark


def test_cloudtrail_is_asked_only_where_rights_are_to_be_given(people):
    people.unenrol("bob")
    mover(people).move("bob")
    assert not [call for call in people.calls if call[0] == "author"]


def test_the_last_administrator_stays(people):
    people.user("ada", "Administrator", **ADMIN_TAGS)
    assert mover(people).move("ada").move.outcome is Outcome.LAST_ADMINISTRATOR
    people.user("eve", "Administrator", mfa=True, **ADMIN_TAGS)
    assert mover(people).move("ada").move.outcome is Outcome.TO_ONBOARDING
    people.unenrol("eve")
    assert mover(people).move("eve").move.outcome is Outcome.LAST_ADMINISTRATOR


def test_an_administrator_in_quarantine_keeps_the_account_for_nobody(people):
    people.user("ada", "Administrator", mfa=True, **TAGS)
    people.user("eve", "Administrator", "Quarantine", mfa=True, **ADMIN_TAGS)
    assert mover(people).move("ada").move.outcome is Outcome.LAST_ADMINISTRATOR
    people.user("kim", "Administrator", mfa=True, **ADMIN_TAGS)
    assert mover(people).move("ada").move.outcome is Outcome.TO_ROLE_GROUP


def test_a_user_who_is_gone_is_no_failure(people):
    assert mover(people).move("nobody").move.outcome is Outcome.USER_GONE


def _gone_already(people):
    def remove(user, group):
        FakePeople.remove_from_group(people, user, group)

    def removed(user, group):
        planned = people._planned.pop("remove_from_group")
        remove(user, group)
        raise planned[0]

    return removed


def _fields(member):
    return {name: getattr(member, name) for name in member.__slots__}
