"""An owner who changes over, and one whose old key is still at work: what both are told.

Against the sandbox, from the command line; nobody else acts.
"""

from __future__ import annotations

import csv
import email
import email.policy
import io
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import MONDAY, aws
from tests.scenario.cli_command import Command
from tests.scenario.command_line import at_day, iso

from keyreeve.sandbox.process import Mail, Sandbox

USER, TEAM = "aged.key", "msp@example.com"
HOSTILE = "Your key is blocked, see https://evil.example/reset <b>now</b> aws-cli/2.15.30\u202e"


class House:
    """The small account, its runs, and what its people do in between."""

    def __init__(self, sandbox: Sandbox, command: Command) -> None:
        self.sandbox = sandbox
        sandbox.clear_faults()
        sandbox.reset("small", MONDAY)
        self.command = command
        command.settle()

    def runs(self, *days: float, code: int = 0) -> str:
        said = ""
        for day in days:
            done = self.command.run(day)
            assert (done.code, done.err) == (code, "")
            said = done.out
        return said

    def shown(self, day: float) -> str:
        return self.command("case", "show", USER, "--as-of", iso(at_day(day))).out

    def change(self, day: float) -> dict[str, Any]:
        """What `case show` says as JSON."""
        document = self.command.json("case", "show", USER, "--as-of", iso(at_day(day)))
        [told] = document["change_over"]
        return dict(told)

    @property
    def old_key(self) -> str:
        return str(self.sandbox.user(USER)["keys"][0]["id"])

    def works_with_the_new_key(self, day: float) -> str:
        """As the private mail's reader would; the key's id."""
        [mail] = [m for m in self.sandbox.mails() if m.destinations == (f"{USER}@example.com",)]
        [attachment] = list(parsed(mail).iter_attachments())
        content = attachment.get_content()
        text = content.decode() if isinstance(content, bytes) else content
        [row] = csv.DictReader(io.StringIO(text))
        self.sandbox.set_clock(at_day(day))
        key = row["Access key ID"]
        aws(self.sandbox.url, "sts", key, row["Secret access key"]).get_caller_identity()
        return key

    def old_key_works(self, day: float, source: str, agent: str, **event: Any) -> None:
        at = at_day(day)
        self.sandbox.set_clock(at)
        details = {"service": "s3", "region": "eu-central-1", "at": at.isoformat()}
        self.sandbox.act(USER, "use_key", key=self.old_key, **details)
        self.sandbox.emit(
            {
                "eventName": "ListBuckets",
                "eventSource": "s3.amazonaws.com",
                "sourceIPAddress": source,
                "userAgent": agent,
                "userIdentity": {
                    "type": "IAMUser",
                    "userName": USER,
                    "accessKeyId": self.old_key,
                    "arn": f"arn:aws:iam::123456789012:user/{USER}",
                },
                "readOnly": True,
                **event,
            }
        )

    def notices(self) -> dict[int, str]:
        """Day → the plain text of the mail in the owner's thread."""
        thread = {f"{USER}@example.com", TEAM}
        return {
            (mail.at - MONDAY).days: words(mail)
            for mail in self.sandbox.mails()
            if set(mail.destinations) == thread
        }

    def lookups(self) -> int:
        return sum(call["operation"] == "LookupEvents" for call in self.sandbox.calls())


def parsed(mail: Mail) -> EmailMessage:
    message = email.message_from_bytes(mail.delivered, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def words(mail: Mail) -> str:
    body = parsed(mail).get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def pages(mail: Mail) -> str:
    body = parsed(mail).get_body(("html",))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def house(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> House:
    return House(sandbox, Command(sandbox, tmp_path, capsys, monkeypatch))


def test_an_owner_who_changes_over_on_day_9_is_warned_once_and_not_counted_down(house: House):
    house.runs(0, 3, 7)
    old = house.old_key
    house.runs(8, 9)
    house.old_key_works(9.05, "203.0.113.9", "aws-cli/2.15.30")
    new = house.works_with_the_new_key(9.1)
    house.runs(10, 11)

    shown = house.shown(11)
    assert "Use of the keys, as read on 2026-01-16 06:00 UTC" in shown
    assert "Cut-over seen: the old key was last used on Wed 14 Jan 2026, 07:12" in shown
    change = house.change(11)
    assert (change["cut_over"], change["new_key"]) == ("seen", new)
    assert change["old"]["key_id"] == old
    ahead = house.command.json("plan", "--days", "3", "--as-of", iso(at_day(11)))
    assert f"send_notice {USER} countdown" not in _effects(ahead)
    assert "cut_over.seen" in house.command.audited()

    house.runs(12, 13, 14)
    notices = house.notices()
    assert list(notices) == [0, 3, 7, 10, 14]
    # A day's rest was not over on day 10: the warning says how things stand.
    assert "The new key is in use. The old one was used too short a time ago" in notices[10]
    assert f"Access key {old} was made inactive on Mon 19 Jan 2026." in notices[14]
    assert [key["status"] for key in house.sandbox.user(USER)["keys"]] == ["Inactive", "Active"]
    house.runs(15)
    assert "Cut-over" not in house.notices()[15]
    assert b"AKIA" not in house.command.stored("usage.json")  # nobody is changing over any more


def _effects(forecast: dict[str, Any]) -> list[str]:
    return [
        f"{effect['kind']} {effect['user_name']} {effect.get('reason', '')}"
        for day in forecast["days"]
        for effect in day["effects"]
    ]


def test_an_old_key_that_still_works_is_named_with_its_address_and_nobody_puts_words_in(
    house: House,
):
    house.runs(0, 3, 7, 8)
    house.works_with_the_new_key(8.5)
    house.old_key_works(9.5, "203.0.113.77", HOSTILE)
    house.old_key_works(9.6, "203.0.113.77", HOSTILE, errorCode="AccessDenied")
    house.runs(9, 10)
    house.old_key_works(10.5, "198.51.100.4\r\nBcc: all@example.com", "Boto3/1.34.5 md/x")
    house.sandbox.set_clock(at_day(11))
    house.sandbox.forget_calls()
    house.runs(11)
    # Two keys, in the one region that is both the SDK's and IAM's events'; no more on that day.
    assert house.lookups() == 2
    house.runs(11.2)
    assert house.lookups() == 2

    notices = house.notices()
    assert list(notices) == [0, 3, 7, 10, 11]
    told = notices[11]
    assert "Not everything has changed over: the old key was used after the new one." in told
    last = f"Old key {house.old_key}: last used on Thu 15 Jan 2026, 18:00, for s3 in eu-central-1."
    assert last in told
    assert "2 calls of `s3:ListBuckets` from `203.0.113.77` with aws-cli/2.15.30" in told
    assert "1 call of `s3:ListBuckets` from `an unknown address` with Boto3/1.34.5" in told
    for mail in house.sandbox.mails():
        for form in (words(mail), pages(mail)):
            assert "evil" not in form
            assert "blocked" not in form
            assert "all@example.com" not in form
    assert house.change(11)["cut_over"] == "old_in_use"
    house.runs(13, 14)
    assert house.sandbox.user(USER)["keys"][0]["status"] == "Inactive"


def test_the_summary_says_who_changes_over(house: House):
    house.runs(0, 3, 7)
    house.works_with_the_new_key(7.5)
    [*_, last] = [m for m in house.sandbox.mails() if m.destinations == (TEAM,)]
    assert "CHANGING OVER TO NEW KEYS (1)" in words(last)
    house.runs(8)
    said = " ".join(house.command("summary", *house.command.at(9)).out.split())
    assert "cut-over seen; old key last used on Sun 4 Jan 2026" in said


@pytest.mark.parametrize("call", ["LookupEvents", "GetAccessKeyLastUsed"])
def test_what_cannot_be_read_is_said_and_neither_holds_nor_hastens_anything(
    house: House, call: str
):
    house.runs(0, 3, 7, 8)
    house.works_with_the_new_key(8.5)
    house.sandbox.plant_fault(call, code="AccessDenied", status=403, count=None)
    said = house.runs(9, 10, 11, code=1)
    assert "Could not be read: these neither open, advance nor close" in said
    assert call in said
    if call == "LookupEvents":
        assert "Cut-over seen" in house.shown(11)
        house.sandbox.clear_faults()
    else:
        assert USER in said.partition("Could not be read")[2]
        assert "How the keys are used could not be read." in house.shown(11)
        assert list(house.notices()) == [0, 3, 7, 10, 11]
        house.sandbox.clear_faults()  # gate 4 asks the same before the act
    house.runs(13, 14)
    assert house.sandbox.user(USER)["keys"][0]["status"] == "Inactive"


def test_a_rehearsal_reads_and_keeps_nothing(house: House):
    house.runs(0, 3, 7, 8)
    at: datetime = at_day(9)
    house.sandbox.set_clock(at)
    house.sandbox.forget_calls()
    before = house.sandbox.fingerprint()
    done = house.command("run", "--as-of", iso(at + timedelta(minutes=1)))
    assert (done.code, done.err) == (0, "")
    assert house.lookups() == 1
    house.sandbox.forget_calls()
    assert house.command("plan", "--days", "3", "--as-of", iso(at)).code == 0
    assert house.lookups() == 0
    assert house.sandbox.fingerprint() == before
