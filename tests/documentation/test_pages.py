"""What a reader types from a page works, and prints what the page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.documentation.page import File, agrees, blocks, installs
from tests.documentation.shell import Shell
from tests.sandbox_fixture import MONDAY, aws

from keyreeve.sandbox.account import OWN_KEY_ID, OWN_SECRET
from keyreeve.sandbox.process import Sandbox

ADMINISTRATOR = f"""\
[profile etv-admin]
aws_access_key_id = {OWN_KEY_ID}
aws_secret_access_key = {OWN_SECRET}
region = us-east-1

"""
"""What the guide asks for; no variable names a region."""


def follow(shell: Shell, page: str) -> list[str]:
    """Type a page from top to bottom; what was typed."""
    typed = []
    for block in blocks(page):
        if isinstance(block, File):
            shell.write(block.name, block.content)
        elif not installs(block):
            code, printed = shell.type(block.typed)
            assert code == 0, f"{block.where}: {block.typed}\n{printed}"
            if block.printed:
                assert agrees(block.printed, printed), f"{block.where}: {block.typed}\n{printed}"
            if block.typed.endswith("&"):
                shell.paste(line for line in printed.splitlines() if line.startswith("export "))
            typed.append(block.typed)
    return typed


@pytest.fixture
def terminal(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Of somebody who has no access to AWS yet."""
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null"}
    shell = Shell(tmp_path, nothing, capsys, monkeypatch)
    yield shell
    shell.close()


def test_every_command_of_the_quick_start_runs_and_prints_what_the_page_says(
    terminal: Shell, sandbox: Sandbox, tmp_path: Path
):
    sandbox.reset("small", MONDAY)
    terminal.at = MONDAY
    (tmp_path / "report.csv").write_bytes(_credential_report(sandbox))

    typed = follow(terminal, "quickstart.md")

    assert "keyreeve demo" in typed
    assert (tmp_path / "demo-output" / "report.html").exists()


def test_the_guide_leads_from_an_account_without_keyreeve_to_its_first_plan_and_touches_nobody(
    sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
):
    """Every call is judged: the policies and roles are those that the guide makes."""
    sandbox.reset("small", MONDAY, enforce=True)
    here = {name: v for name, v in sandbox.environment().items() if not name.startswith("AWS_")}
    here["AWS_ENDPOINT_URL"] = sandbox.url
    here["AWS_CONFIG_FILE"] = str(tmp_path / ".aws" / "config")
    here["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null"
    shell = Shell(tmp_path, here, capsys, monkeypatch)
    shell.at = MONDAY
    shell.write("~/.aws/config", ADMINISTRATOR)
    before = _users(sandbox)

    typed = follow(shell, "guide.md")

    assert "keyreeve plan" in typed
    assert sandbox.mails() == []
    assert _users(sandbox) == before
    roles = aws(sandbox.url, "iam").list_roles()["Roles"]
    assert {r["RoleName"] for r in roles} >= {"keyreeve-etv-reader", "keyreeve-etv-actor"}


def _credential_report(sandbox: Sandbox) -> bytes:
    """What somebody had fetched from IAM's console."""
    client = aws(sandbox.url, "iam")
    while client.generate_credential_report()["State"] != "COMPLETE":
        pass
    content: bytes = client.get_credential_report()["Content"]
    return content


def _users(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Everything about every user that an act could change."""
    client = aws(sandbox.url, "iam")
    users = client.get_account_authorization_details(Filter=["User"])["UserDetailList"]
    keys = [
        client.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"] for user in users
    ]
    return [*users, *keys]


@pytest.mark.parametrize(
    ("promised", "printed", "same"),
    [
        ("one\ntwo", "one\ntwo\n", True),
        ("one\ntwo", "one\nthree", False),
        ("one", "one\ntwo", False),
        ("key AKIA… is old", "key AKIA123 is old", True),
        ("key AKIA… is old", "key AKIA123\n is old", False),
        ("one\n…\nfour", "one\ntwo\nthree\nfour", True),
        ("one\n…\nfour", "one\nfour", True),
        ("one\n…", "one\ntwo\nthree", True),
        ("…\nthree", "one\ntwo\nthree", True),
        ("…\nthree", "one\ntwo", False),
        ("a.c", "abc", False),
    ],
)
def test_a_page_agrees_with_a_terminal_but_for_what_it_leaves_open(
    promised: str, printed: str, same: object
):
    assert agrees(promised, printed) is same
