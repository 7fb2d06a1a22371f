"""The whole cycle against the sandbox, day by day, each run a process of its own.

One account with one of each trouble; nobody acts. Then: the promised mails to the promised people
with the promised headers, and the credentials in the promised state.
"""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from tests.sandbox_fixture import MONDAY, aws
from tests.scenario.command_line import CommandLine, at_day, iso

from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Mail, Sandbox

LAST = 16
TEAM = "msp-team@example.com"
PREFIX = "iam-compliance/etv/"
NOTICES = {
    # Six users: three cases may open a day, the oldest credentials first.
    "aged.key": [0, 3, 7, 10, 11, 14, 15],
    "old.password": [0, 3, 7, 8],
    "gone.quiet": [0, 3, 7, 10, 11, 14, 15],
    "stale.key": [1, 4, 8, 11, 14, 15, 16],
    "no.mfa": [1, 4, 8, 11, 14, 15],
}
"""Days of the mails of each thread, the closing one included."""


def parsed(mail: Mail) -> EmailMessage:
    message = email.message_from_bytes(mail.delivered, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def day_of(mail: Mail) -> int:
    return (mail.at - MONDAY).days


def thread_of(mails: list[Mail], user: str) -> list[Mail]:
    return [m for m in mails if set(m.destinations) == {f"{user}@example.com", TEAM}]


def private_of(mails: list[Mail], user: str) -> list[Mail]:
    return [m for m in mails if m.destinations == (f"{user}@example.com",)]


def test_the_promised_mails_reach_the_promised_people_and_the_keys_end_as_promised(
    sandbox: Sandbox, tmp_path: Path
):
    sandbox.reset("small", MONDAY)
    before = sandbox.account()["users"]
    command = CommandLine(sandbox, tmp_path)
    for day in range(LAST + 1):
        done = command.run(day)
        assert (done.returncode, done.stderr) == (0, "")
    mails = sandbox.mails()
    assert {user: [day_of(m) for m in thread_of(mails, user)] for user in NOTICES} == NOTICES
    for user in NOTICES:
        assert_one_thread(thread_of(mails, user), user)
    assert_private_key_mail(sandbox, private_of(mails, "aged.key"))
    assert_private_password_mail(private_of(mails, "old.password"))
    summaries = [m for m in mails if m.destinations == (TEAM,)]
    assert [day_of(m) for m in summaries] == [0, 7, 14]
    others = Counter(map(len, NOTICES.values()))
    assert len(mails) == sum(n * count for n, count in others.items()) + 2 + 3
    assert_account(before, sandbox.account()["users"])
    assert_storage(sandbox, mails)


def assert_one_thread(mails: list[Mail], user: str) -> None:
    """References name the case's root, then every earlier mail as it stood on the wire."""
    wire: list[str] = []
    root = None
    for mail in mails:
        message = parsed(mail)
        references = str(message["References"]).split()
        root = root or references[0]
        assert root.endswith("@keyreeve.invalid>")
        assert references == [root, *wire]
        assert message["In-Reply-To"] == (wire[-1] if wire else None)
        assert (message["To"], message["Cc"]) == (f"{user}@example.com", TEAM)
        assert message["Subject"] == f"[ETV] IAM Compliance: {user}"
        assert (message["Auto-Submitted"], message["Bcc"]) == ("auto-generated", None)
        assert message.get_content_type() == "multipart/alternative"
        wire.append(str(message["Message-ID"]))
        assert wire[-1] == mail.wire_id


def assert_private(mails: list[Mail], user: str) -> dict[str, str]:
    """To the owner alone, outside the thread; the secret only in the attachment. Its row."""
    (mail,) = mails
    message = parsed(mail)
    assert day_of(mail) == 7
    assert message["To"] == f"{user}@example.com"
    for header in ("Cc", "Bcc", "References", "In-Reply-To"):
        assert message[header] is None
    assert TEAM not in str(message["Reply-To"])
    (attachment,) = list(message.iter_attachments())
    content = attachment.get_content()
    text = content.decode() if isinstance(content, bytes) else content
    (row,) = csv.DictReader(io.StringIO(text))
    body = "".join(
        part.get_content()
        for part in message.walk()
        if part.get_filename() is None and part.get_content_maintype() == "text"
    )
    for secret in (row.get("Secret access key"), row.get("Password")):
        assert secret is None or secret not in body + str(message.items())
    return row


def assert_private_key_mail(sandbox: Sandbox, mails: list[Mail]) -> None:
    row = assert_private(mails, "aged.key")
    assert list(row) == ["User name", "Access key ID", "Secret access key"]
    key, secret = row["Access key ID"], row["Secret access key"]
    caller = aws(sandbox.url, "sts", key, secret).get_caller_identity()
    assert caller["Arn"].endswith(":user/aged.key")


def assert_private_password_mail(mails: list[Mail]) -> None:
    row = assert_private(mails, "old.password")
    assert list(row) == ["User name", "Password", "Console sign-in URL"]
    assert len(row["Password"]) >= 14
    assert row["Console sign-in URL"].startswith("https://123456789012.signin.aws.amazon.com")


def assert_account(before: dict[str, Any], after: dict[str, Any]) -> None:
    def states(users: dict[str, Any], name: str) -> list[str]:
        return [key["status"] for key in users[name]["keys"]]

    assert states(after, "aged.key") == ["Inactive", "Active"]
    assert states(after, "stale.key") == ["Active", "Inactive"]
    assert [key["id"] for key in after["aged.key"]["keys"]][:1] == [
        key["id"] for key in before["aged.key"]["keys"]
    ]
    profile = after["old.password"]["login_profile"]
    assert profile["reset_required"]
    assert profile["sha256"] != before["old.password"]["login_profile"]["sha256"]
    for name in ("ada.admin", "no.mfa", "gone.quiet"):
        assert after[name]["login_profile"] == before[name]["login_profile"]
        assert after[name]["groups"] == before[name]["groups"]


def assert_storage(sandbox: Sandbox, mails: list[Mail]) -> None:
    """Everything is encrypted by name; the secrets lie in escrow and nowhere else."""
    s3 = aws(sandbox.url, "s3")
    found = {}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=PREFIX)
    for row in (row for page in pages for row in page.get("Contents", [])):
        told = s3.get_object(Bucket=BUCKET, Key=row["Key"])
        assert told["ServerSideEncryption"] == "AES256"
        found[row["Key"].removeprefix(PREFIX)] = told["Body"].read()
    escrow = {name: body for name, body in found.items() if name.startswith("credentials/")}
    secrets = [
        line.rstrip(b"\r\n").split(b",")[index]
        for name, body in escrow.items()
        for line in body.splitlines()[1:]
        for index in ((2,) if "access-keys" in name else (1,))
    ]
    assert len(secrets) == 2
    for name, body in found.items():
        assert name in escrow or not any(secret in body for secret in secrets)
    assert len([name for name in found if name.startswith("mails/")]) == len(mails)
    open_cases = json.loads(found["state.json"])["users"].values()
    assert {case["user_name"] for case in open_cases} == {"gone.quiet", "no.mfa"}


MUTATING = ("Put", "Create", "Update", "Delete", "Send", "Add", "Remove", "Attach", "Upload")


def test_before_the_first_run_whatever_only_looks_changes_nothing_anywhere(
    sandbox: Sandbox, tmp_path: Path
):
    sandbox.reset("small", MONDAY)
    command = CommandLine(sandbox, tmp_path)
    at = at_day(0)
    sandbox.forget_calls()
    before = sandbox.fingerprint()
    for verb in (["run"], ["plan"], ["plan", "--days", "14"], ["check"], ["summary"]):
        done = command(*verb, "--as-of", iso(at))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout
    assert sandbox.fingerprint() == before
    assert not [c for c in sandbox.calls() if c["operation"].startswith(MUTATING)]
    assert all(
        command.json(verb, "--as-of", iso(at))["schema"] for verb in ("run", "plan", "check")
    )
