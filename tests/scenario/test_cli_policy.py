"""`keyreeve policy print`: the policies of the config, offline or for the caller's account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.language.policy_document import parse_document
from keyreeve.sandbox.process import Sandbox


@pytest.fixture
def keyreeve(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle()
    return command


@pytest.mark.parametrize("role", ["reader", "actor", "deployer", "mail-feedback", "evidence"])
def test_the_policy_is_json_for_the_callers_account(keyreeve: Command, role: str):
    answer = keyreeve("policy", "print", "--role", role, "--part", "1")
    assert (answer.code, answer.err) == (0, "")
    document = json.loads(answer.out)
    assert parse_document(document).statements
    assert "123456789012" in answer.out
    assert [call["operation"] for call in keyreeve.sandbox.calls()] == ["GetCallerIdentity"]


def test_an_account_that_is_named_is_not_asked_for(keyreeve: Command):
    answer = keyreeve(
        "--region", "eu-west-1", "policy", "print", "--role", "actor", "--account", "999999999999"
    )
    assert answer.code == 0
    assert "arn:aws:ses:eu-west-1:999999999999:identity/example.com" in answer.out
    assert keyreeve.sandbox.calls() == []


def test_programs_get_role_account_and_documents(keyreeve: Command):
    told = keyreeve.json("policy", "print", "--role", "reader")
    assert told["schema"] == "keyreeve.policy/1"
    assert (told["role"], told["account_id"]) == ("reader", "123456789012")
    assert len(told["documents"]) == 1


def test_a_policy_beyond_awss_quota_comes_in_parts_and_says_so(keyreeve: Command):
    tags = "".join(f"  - {{tag: 'reason-{n:02}=excluded'}}\n" for n in range(30))
    keyreeve.settle(more=f"exclusions:\n{tags}  - {{user: '[ab]*'}}\n")
    whole = keyreeve("policy", "print", "--role", "actor")
    assert "documents: attach all" in whole.err
    assert "IAM cannot say '[ab]*'" in whole.err
    second = keyreeve("policy", "print", "--role", "actor", "--part", "2")
    assert json.loads(second.out)["Statement"]
    assert keyreeve("policy", "print", "--role", "actor", "--part", "9").code == 2


@pytest.mark.parametrize("account", ["12345", "12345678901a", "１２３４５６７８９０１２"])
def test_a_number_that_is_no_accounts_is_a_mistake(keyreeve: Command, account: str):
    answer = keyreeve("policy", "print", "--role", "actor", "--account", account)
    assert answer.code == 2
    assert "twelve digits" in answer.err


def test_a_directory_asks_for_no_role_that_writes_feedback(keyreeve: Command):
    keyreeve.settle(storage="{directory: there}")
    answer = keyreeve("policy", "print", "--role", "mail-feedback")
    assert (answer.code, answer.out) == (2, "")
    assert "needs no policy" in answer.err


def test_a_role_is_needed(keyreeve: Command):
    assert keyreeve("policy", "print").code == 2


def test_the_doctor_of_a_role_that_only_reads_says_what_it_could_not_try(keyreeve: Command):
    documents = keyreeve.json("policy", "print", "--role", "reader")["documents"]
    keyreeve.sandbox.authorise(documents)
    told = keyreeve.json("doctor")
    assert told["sound"] is True
    (check,) = [each for each in told["checks"] if each["check"] == "conditional writes"]
    assert (check["verdict"], check["found"]) == ("warning", "not tried: this role may not write")
