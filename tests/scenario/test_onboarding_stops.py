"""An onboarding that may be stopped before or after any of its calls loses nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from tests.fakes.people import FakePeople
from tests.scenario.people import ACCOUNT, MONDAY
from tests.scenario.peril import Fate, Perilous, Stopped
from tests.scenario.village import Village
from tests.unit.governance.people import MODEL, TAGS

from keyreeve.governance.leaving import mark
from keyreeve.model.errors import (
    AccessDenied,
    AwsFailure,
    ConfigError,
    Doubtful,
    MailDoubtful,
    SenderRefused,
)
from keyreeve.pipeline.joiner import Joiner
from keyreeve.pipeline.onboard import onboard, rehearse
from keyreeve.pipeline.roster import Roster

JOINER = Joiner(
    name="ada",
    tags={**TAGS, "email": "ada@example.com"},
    by=f"arn:aws:sts::{ACCOUNT}:assumed-role/provisioner/eve",
)
CALLS = 50
"""More than an onboarding makes: the last numbers stop nothing."""


class Joining:
    """One village, its people, and as many calls of the verb as it takes."""

    def __init__(self) -> None:
        self.village = Village()
        self._calls = 0
        self.people = FakePeople("MFA-Setup", "Developers", "Administrator", "Auditor")

    def roster(self, fate: Fate | None = None) -> Roster:
        fate = fate or Fate()
        account = self.village.wired(fate)
        people = Perilous(self.people, fate)
        self._calls += 1
        dice = Random(self._calls)  # another process throws other passwords
        tools = replace(account.tools, reader=people, actuator=people, randomness=dice)
        return Roster(
            account=replace(account, tools=tools),
            model=MODEL,
            reader=people,
            actuator=people,
            history=people,
        )

    def onboard(self, fate: Fate | None = None, joiner: Joiner = JOINER, day: int = 0):
        return onboard(self.roster(fate), joiner, self.village.at(day))

    def again(self) -> str:
        """The next day's call: `done before` where there was nothing left to do."""
        try:
            self.onboard(day=1)
        except ConfigError as error:
            return "done before" if "was onboarded on" in error.what else error.what
        return "done"

    def is_whole(self) -> None:
        """Restricted, tagged, with a password that its owner got."""
        (member,) = self.people.members.values()
        assert member.groups == {"MFA-Setup"}
        assert member.tags == JOINER.tags
        attachment = self.village.mailer.sent[-1].attachments[0].content.decode()
        assert self.people.passwords["ada"] in attachment
        assert {to for mail in self.village.mailer.sent for to in mail.recipients} == {
            "ada@example.com"
        }

    def never_open(self) -> None:
        """No password ever worked outside the onboarding group."""
        calls = [call[0] for call in self.people.calls]
        if "create_login_profile" in calls:
            assert calls.index("add_to_group") < calls.index("create_login_profile")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("stop_at", range(CALLS))
def test_a_stop_anywhere_is_gone_on_with_the_next_day(stop_at: int, after):
    joining = Joining()
    try:
        joining.onboard(Fate(stop_at, after=after))
        stopped = False
    except Stopped:
        stopped = True
    joining.never_open()
    said = joining.again()
    assert said in ("done", "done before")
    assert stopped or said == "done before"
    joining.is_whole()
    joining.never_open()
    passwords = {mail.attachments[0].content for mail in joining.village.mailer.sent}
    assert len(passwords) == 1, "nobody is mailed a password that was replaced"


def test_the_calls_are_fewer_than_what_is_stopped():
    fate = Fate()
    Joining().onboard(fate)
    assert 20 < len(fate.calls) < CALLS


@pytest.mark.parametrize("call", ["create_user", "add_to_group", "create_login_profile"])
def test_a_call_without_an_answer_is_looked_into_not_repeated_blindly(call: str):
    joining = Joining()
    joining.people.fail(call, Doubtful("no answer", call="iam:Call"))
    with suppress(AwsFailure):  # what was lost is found by the next call
        joining.onboard()
    joining.never_open()
    assert joining.again() in ("done", "done before")
    joining.is_whole()


def test_a_password_that_others_have_set_is_not_replaced():
    joining = Joining()
    joining.people.fail("create_login_profile", AccessDenied("no", call="iam:CreateLoginProfile"))
    with pytest.raises(AccessDenied):
        joining.onboard()
    joining.people.passwords["ada"] = "set-by-hand"
    joining.people.signed_in.add("ada")
    with pytest.raises(ConfigError, match="has a console password already"):
        joining.onboard(day=1)
    assert joining.people.passwords["ada"] == "set-by-hand"
    assert joining.village.mailer.sent == []


def test_a_mail_that_did_not_go_out_is_sent_by_the_next_call_with_the_same_password():
    joining = Joining()
    joining.village.mailer.fail_next(SenderRefused("not verified"))
    with pytest.raises(SenderRefused):
        joining.onboard()
    password = joining.people.passwords["ada"]
    assert joining.onboard(day=1).resumed
    assert joining.people.passwords["ada"] == password
    joining.is_whole()


def _delete(people: FakePeople) -> None:
    """By hand, in the console."""
    people.passwords.clear()
    people.members.clear()


def test_a_user_who_was_deleted_before_its_mail_is_made_anew_with_a_password_that_works():
    joining = Joining()
    joining.village.mailer.fail_next(SenderRefused("not verified"))
    with pytest.raises(SenderRefused):
        joining.onboard()
    _delete(joining.people)
    joining.onboard(day=1)
    joining.is_whole()


def without_a_password_before_the_mail() -> Joining:
    """The mail was refused, and somebody has deleted the password since."""
    joining = Joining()
    joining.village.mailer.fail_next(SenderRefused("not verified"))
    with pytest.raises(SenderRefused):
        joining.onboard()
    joining.people.passwords.clear()
    return joining


def test_a_user_whose_password_was_deleted_before_its_mail_gets_another():
    joining = without_a_password_before_the_mail()
    joining.onboard(day=1)
    joining.is_whole()


@pytest.mark.parametrize("again", [False, True])
def test_a_user_who_was_deleted_after_its_onboarding_is_onboarded_at_the_first_call(again):
    joining = Joining()
    joining.onboard()
    _delete(joining.people)
    joining.onboard(joiner=replace(JOINER, again=again), day=1)
    joining.is_whole()


def test_who_has_signed_in_meanwhile_is_neither_mailed_nor_put_back_into_onboarding():
    joining = Joining()
    joining.village.mailer.fail_next(MailDoubtful("no answer"))
    with pytest.raises(MailDoubtful):
        joining.onboard()
    joining.people.signed_in.add("ada")
    joining.people.user("ada", "Developers", mfa=True, **JOINER.tags)
    sent = len(joining.village.mailer.sent)
    for ask in (lambda: rehearse(joining.roster(), JOINER, MONDAY), joining.onboard):
        with pytest.raises(ConfigError, match="it has been used or set by others"):
            ask()
    assert len(joining.village.mailer.sent) == sent
    assert joining.people.in_groups("ada") == {"Developers"}


def test_a_name_that_differs_from_somebodys_in_case_only_is_refused_before_anything_is_done():
    """AWS: names of users are not distinguished by case."""
    joining = Joining()
    joining.people.user("Ada", "Developers")
    with pytest.raises(ConfigError, match="a user 'Ada' exists already"):
        joining.onboard()
    assert list(joining.people.members) == ["Ada"]


def test_a_mail_without_an_answer_is_sent_again():
    joining = Joining()
    joining.village.mailer.fail_next(MailDoubtful("no answer"))
    with pytest.raises(MailDoubtful):
        joining.onboard()
    joining.onboard(day=1)
    joining.is_whole()
    assert len(joining.village.mailer.sent) == 2


def test_somebody_elses_user_of_that_name_is_left_alone():
    joining = Joining()
    joining.people.fail("create_user", AccessDenied("no", call="iam:CreateUser"))
    with pytest.raises(AccessDenied):
        joining.onboard()
    joining.people.user("ada", "Developers", email="other@example.com")
    with pytest.raises(ConfigError, match="exists already"):
        joining.onboard(day=1)
    assert joining.people.passwords == {}


def test_an_address_that_somebody_else_has_is_refused():
    joining = Joining()
    joining.people.user("eve", email="Ada@example.com")
    with pytest.raises(ConfigError, match="belongs to more than one user"):
        joining.onboard()


@pytest.mark.parametrize(
    ("value", "said"),
    [("R|D", "holds '|'"), ("x" * 257, "longer than 256"), (" Eng", "begins or ends with a space")],
)
def test_a_tag_that_iam_would_refuse_is_refused_before_anything_is_done(value, said):
    joining = Joining()
    joiner = replace(JOINER, tags={**JOINER.tags, "Department": value})
    for ask in (
        lambda: rehearse(joining.roster(), joiner, MONDAY),
        lambda: joining.onboard(joiner=joiner),
    ):
        with pytest.raises(ConfigError, match="the tag Department") as told:
            ask()
        assert said in told.value.what
    assert joining.people.calls == []
    assert joining.village.wired().tools.states.load() is None


def test_a_rehearsal_changes_nothing():
    joining = Joining()
    done = rehearse(joining.roster(), JOINER, MONDAY)
    assert (done.to, done.grant.group, done.user_id) == ("ada@example.com", "Developers", None)
    assert joining.people.members == {}
    assert joining.village.mailer.sent == []
    assert joining.village.wired().tools.states.load() is None


def test_the_secret_is_in_no_step_and_in_no_audit_record():
    joining = Joining()
    joining.onboard()
    password = joining.people.passwords["ada"].encode()
    held = [
        row.key
        for row in joining.village.store.list("")
        if password in joining.village.store.get(row.key).content
    ]
    assert [key.split("/")[0] for key in held] == ["credentials"]


def test_a_lost_mail_is_answered_with_another_password_until_the_user_has_signed_in():
    joining = Joining()
    joining.onboard()
    first = joining.people.passwords["ada"]
    with pytest.raises(ConfigError, match="was onboarded on"):
        joining.onboard(day=1)
    again = replace(JOINER, again=True)
    joining.onboard(joiner=again, day=1)
    assert joining.people.passwords["ada"] != first
    joining.is_whole()
    assert len(joining.village.mailer.sent) == 2
    joining.people.signed_in.add("ada")
    with pytest.raises(ConfigError, match="has signed in"):
        joining.onboard(joiner=again, day=2)


@pytest.mark.parametrize("stop_at", range(0, CALLS, 3))
def test_another_password_may_be_stopped_as_well(stop_at: int):
    joining = Joining()
    joining.onboard()
    again = replace(JOINER, again=True)
    with suppress(Stopped):
        joining.onboard(Fate(stop_at, after=True), again, day=1)
    with suppress(ConfigError):
        joining.onboard(joiner=JOINER, day=2)
    joining.is_whole()


@pytest.mark.parametrize("stop_at", range(CALLS))
def test_who_signed_in_while_another_password_was_stopped_is_not_put_back_into_onboarding(stop_at):
    joining = Joining()
    joining.onboard()
    again = replace(JOINER, again=True)
    with suppress(Stopped):
        joining.onboard(Fate(stop_at, after=True), again, day=1)
    joining.people.signed_in.add("ada")
    joining.people.user("ada", "Developers", mfa=True, **JOINER.tags)
    with pytest.raises(ConfigError):
        joining.onboard(joiner=again, day=2)
    assert joining.people.in_groups("ada") == {"Developers"}


def test_who_was_offboarded_before_the_mail_is_neither_mailed_nor_given_a_password():
    joining = without_a_password_before_the_mail()
    joining.people.user("ada", **JOINER.tags, **mark(MONDAY))
    for ask in (lambda: rehearse(joining.roster(), JOINER, MONDAY), joining.onboard):
        with pytest.raises(ConfigError, match="ada was offboarded on 2026-01-05"):
            ask()
    assert joining.people.in_groups("ada") == set()
    assert joining.people.passwords == {}
    assert joining.village.mailer.sent == []
