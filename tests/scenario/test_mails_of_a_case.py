"""Every mail of a whole case, header by header and word by word, as reviewed snapshots.

`pytest tests/scenario/test_mails_of_a_case.py --snapshot-update` writes them anew; read the diff.
"""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from syrupy.assertion import SnapshotAssertion
from tests.scenario.people import (
    administrator,
    aged,
    bystanders,
    console,
    key,
    no_mfa,
    old_password,
    person,
    quiet,
    spare,
)
from tests.scenario.village import Village

from keyreeve.model.policy import Enforcement, FinalAct
from keyreeve.model.snapshot import PasswordPolicy, User
from keyreeve.render.email import MailRenderer

HEADERS = (
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
)


def read(wire: bytes) -> str:
    """A mail as its reader sees it: headers, the plain-text part, attachments."""
    message = email.message_from_bytes(wire, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    head = [f"{name}: {message[name]}" for name in HEADERS if message[name] is not None]
    text = message.get_body(("plain",)).get_content()
    files = [f"[{part.get_filename()}]\n{_content(part)}" for part in message.iter_attachments()]
    return "\n".join([*head, "", text, *files])


def _content(part: EmailMessage) -> str:
    content = part.get_content()
    return content.decode() if isinstance(content, bytes) else content


def mails_of(village: Village, last: int, user: str) -> list[str]:
    """All mails of the user's case, the private one included."""
    village.live(0, last)
    return mails_to(village, f"{user}@example.com")


def mails_to(village: Village, address: str) -> list[str]:
    sent = zip(village.mailer.sent, village.mailer.wire, strict=True)
    return [read(wire) for mail, wire in sent if address in mail.to]


def village_of(*people: User, **changes: object) -> Village:
    return Village(
        *people,
        *bystanders(8),
        renderer=MailRenderer(),
        **changes,
    )


@pytest.mark.parametrize(
    "user", [aged(), spare(), old_password(), no_mfa()], ids=lambda user: user.name
)
def test_the_mails_of_a_case_with_the_default_settings(user: User, snapshot: SnapshotAssertion):
    assert mails_of(village_of(user), 15, user.name) == snapshot


@pytest.mark.parametrize(
    "user",
    [
        quiet(),
        person("blocked", key(400, 300, active=False), key(100)),
        person("dormant", key(100, None)),
        person("many", key(100), key(90, 20), **console(mfa=False)),
    ],
    ids=lambda user: user.name,
)
def test_the_first_notice_and_the_one_about_the_act(user: User, snapshot: SnapshotAssertion):
    mails = mails_of(village_of(user), 14, user.name)
    assert [mails[0], mails[-1]] == snapshot


@pytest.mark.parametrize(
    "user", [no_mfa(), quiet("gone.quiet", key(30, None))], ids=["mfa", "inactive"]
)
def test_the_mails_of_a_case_that_ends_in_quarantine(user: User, snapshot: SnapshotAssertion):
    strict = Enforcement(console_mfa=FinalAct.QUARANTINE, user_inactive=FinalAct.QUARANTINE)
    mails = mails_of(village_of(user, enforcement=strict), 14, user.name)
    assert mails[-2:] == snapshot


def test_the_mails_of_a_case_whose_promise_had_to_move(snapshot: SnapshotAssertion):
    village = village_of(aged())
    village.run(0)
    village.live(11, 16)
    assert mails_to(village, "aged.key@example.com")[1:] == snapshot


def test_what_the_team_is_told(snapshot: SnapshotAssertion):
    locked = PasswordPolicy(users_may_change=False)
    village = village_of(
        person("nobody", key(100), tags={}),
        person("shared.a", key(100), tags={"email": "ops@example.com"}),
        person("shared.b", key(99), tags={"email": "ops@example.com"}),
        old_password(),
        administrator("ada.admin", key(100)),
        password_policy=locked,
    )
    village.live(0, 14)
    assert mails_to(village, "msp-team@example.com") == snapshot
