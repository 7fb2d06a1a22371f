"""Several accounts against the sandbox: by threads, by the state machine, killed and resumed.

The story is small here and of full size in `make fleet` (tests/fleet_at_full_size.py).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests import fleets
from tests.contract.test_heartbeat import CANARY, VARIABLE, Watcher
from tests.sandbox_fixture import MONDAY, aws, sandbox
from tests.scenario.cli_command import Command
from tests.scenario.fleet_story import (
    BROKEN,
    CONFIG,
    PREFIX,
    World,
    by_machine,
    by_threads,
    deploy,
    gathered,
    gathered_rows,
    rows_of,
    surroundings,
    world,
)

from keyreeve.handlers import fleet as handler
from keyreeve.handlers import mail_feedback
from keyreeve.model.errors import ConfigError, LockHeld
from keyreeve.model.fleet import FleetSummary, Standing
from keyreeve.model.identifiers import AccountId
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Mail, Sandbox
from keyreeve.wiring.fleet import door_of, member, open_home

__all__ = ["sandbox"]

ACCOUNTS, USERS = 3, 5
AT = ("--as-of", MONDAY.isoformat())


# --- threads and the state machine ---------------------------------------------------------------


class Lived:
    """The same day of the same fleet, by both; everything is looked at afterwards."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.threads, self.thread_mails, self.thread_calls = self._threads(sandbox, folder)
        at = world(sandbox, folder, accounts=ACCOUNTS, users=USERS)
        self.ended = by_machine(at, deploy(at, concurrency=1))
        self.machine = gathered(at)
        self.machine_rows = gathered_rows(at)
        self.machine_mails = sandbox.mails()

    def _threads(
        self, sandbox: Sandbox, folder: Path
    ) -> tuple[FleetSummary, list[Mail], list[dict[str, Any]]]:
        at = world(sandbox, folder, accounts=ACCOUNTS, users=USERS)
        sandbox.forget_calls()
        return by_threads(at), sandbox.mails(), sandbox.calls()


@pytest.fixture(scope="module")
def lived(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return Lived(sandbox, tmp_path_factory.mktemp("fleet"))


def test_threads_and_state_machine_come_to_the_same(lived: Lived):
    by_both = rows_of(lived.threads), lived.machine_rows
    told = [{key: row.pop("problem") for key, row in rows.items()} for rows in by_both]
    assert by_both[0] == by_both[1]
    assert len(by_both[0]) == ACCOUNTS + 1
    assert told[0].keys() == told[1].keys()
    assert recipients(lived.thread_mails) == recipients(lived.machine_mails)


def recipients(mails: list[Mail]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(sorted(mail.destinations)) for mail in mails)


def test_the_broken_account_stops_no_other_and_is_never_clean(lived: Lived):
    rows = {row.account_id: row for row in lived.threads.rows}
    assert rows[fleets.number(0)].standing is Standing.DONE
    broken = rows[BROKEN]
    assert broken.standing is Standing.NOT_COVERED
    assert (broken.users, broken.exit_code) == (0, 6)
    assert "sts:AssumeRole" in broken.problem
    assert "member-role" in broken.remedy
    assert lived.threads.count(Standing.DONE) == ACCOUNTS
    assert lived.threads.exit_code == 1
    assert lived.machine["standings"] == {"done": ACCOUNTS, "not covered": 1}


def test_an_execution_in_part_fails_and_says_how_many(lived: Lived):
    assert (lived.ended["status"], lived.ended["error"]) == ("FAILED", "FleetInPart")
    assert lived.ended["cause"] == f"{ACCOUNTS + 1} accounts: {ACCOUNTS} done, 1 not covered"


def test_one_summary_goes_to_the_team_and_none_of_an_account(lived: Lived):
    for mails in (lived.thread_mails, lived.machine_mails):
        summaries = [mail for mail in mails if b"IAM Compliance summary" in mail.raw]
        assert [mail.destinations for mail in summaries] == [("msp-team@example.com",)]
        assert b"999" in summaries[0].raw


def test_the_subject_of_a_notice_names_its_account(lived: Lived):
    for mails in (lived.thread_mails, lived.machine_mails):
        read = [message_from_bytes(mail.raw, policy=default) for mail in mails]
        subjects = {mail["Subject"] for mail in read if "u000.a000" in str(mail["To"])}
        assert subjects == {"[ETV] IAM Compliance: u000.a000 (account 000)"}


def test_members_are_entered_by_external_id_and_with_a_named_source(lived: Lived):
    assumed = [row for row in lived.thread_calls if row["operation"] == "AssumeRole"]
    told = {(row["params"]["ExternalId"], row["params"]["SourceIdentity"]) for row in assumed}
    assert told == {(fleets.EXTERNAL_ID, "keyreeve-etv")}
    assert len(assumed) == len({row["params"]["RoleArn"] for row in assumed}) == ACCOUNTS + 1


@pytest.mark.parametrize("execute", [False, True], ids=["looking", "acting"])
def test_aws_itself_refuses_an_act_to_a_session_that_only_looks_at_a_member(
    small: World,
    execute: bool,  # noqa: FBT001 - a parameter
):
    by_threads(small)  # with the rights of the central role
    with surroundings(small.sandbox):
        home = open_home(small.config, execute=execute, as_of=MONDAY)
        door = door_of(home, member(home, AccountId(small.ids[0])))
        name = door.reader.details().users[0].name
        held = door.sessions.own_credentials().get_frozen_credentials()
    unguarded = aws(small.sandbox.url, "iam", held.access_key, held.secret_key, held.token)
    if execute:
        unguarded.create_access_key(UserName=name)
    else:
        with pytest.raises(ClientError, match="because no session policy allows"):
            unguarded.create_access_key(UserName=name)


# --- a day is done once --------------------------------------------------------------------------


@pytest.fixture
def small(sandbox: Sandbox, tmp_path: Path) -> World:
    return world(sandbox, tmp_path, accounts=2, users=2)


def test_the_same_day_again_asks_no_account_that_is_done(small: World):
    by_threads(small)
    mails = len(small.sandbox.mails())
    small.sandbox.forget_calls()
    summary = by_threads(small)
    assert {row.earlier for row in summary.rows if row.clean} == {True}
    asked = [row["operation"] for row in small.sandbox.calls() if row["service"] == "iam"]
    assert asked == []
    assert len(small.sandbox.mails()) == mails


def test_an_account_whose_lock_is_held_is_tried_once_more_and_told(small: World):
    key = hold_lock(small)
    summary = by_threads(small)
    [locked] = [row for row in summary.rows if row.standing is Standing.LOCKED]
    assert (locked.account_id, locked.exit_code) == (small.ids[0], 5)
    aws(small.sandbox.url, "s3").delete_object(Bucket=BUCKET, Key=key)
    again = by_threads(small)
    assert {row.account_id for row in again.rows if not row.earlier} == {small.ids[0], BROKEN}
    assert again.count(Standing.DONE) == len(small.ids)


def hold_lock(at: World) -> str:
    """Of the first account, as another run would; its key."""
    lock = {
        "token": "0" * 32,
        "holder": "another.run",
        "since": "2026-01-05T06:00:00+00:00",
        "until": "2099-01-01T00:00:00+00:00",
        "released": False,
    }
    key = f"{PREFIX}{at.ids[0]}/lock.json"
    store = aws(at.sandbox.url, "s3")
    store.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(lock).encode())
    return key


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture
def keyreeve(small: World, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(small.sandbox, tmp_path, capsys, monkeypatch)


@pytest.fixture
def watcher(keyreeve: Command, small: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    """Waits for the day's end, as the config says."""
    with small.config.path.open("a", encoding="utf-8") as file:
        file.write(f"heartbeat: {{url_env: {VARIABLE}}}\n")
    with closing(Watcher()) as made:
        monkeypatch.setenv(VARIABLE, made.url)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        yield made


@pytest.mark.parametrize("verb", [("run",), ("org", "run")], ids=" ".join)
def test_a_fleets_day_that_has_ended_is_told_once_and_a_rehearsal_is_not(
    keyreeve: Command, watcher: Watcher, verb: tuple[str, ...]
):
    assert keyreeve(*verb, *AT).code == 1  # an account is not covered
    assert watcher.asked == []
    done = keyreeve.json(*verb, "--execute", *AT)
    assert [each["missed"] for each in done["heartbeat"]] == [None]
    assert watcher.asked == [f"/{CANARY}"]
    watcher.statuses = [500]
    unheard = keyreeve(*verb, "--execute", *AT)
    assert unheard.code == 1
    assert f"Heartbeat: URL in {VARIABLE} was not told" in unheard.out
    assert CANARY not in unheard.out + unheard.err


def test_a_day_on_which_no_account_was_entered_has_not_ended(
    keyreeve: Command, small: World, watcher: Watcher
):
    small.sandbox.plant_fault("AssumeRole", code="AccessDenied", status=403, count=None)
    done = keyreeve("run", "--execute", *AT)
    small.sandbox.clear_faults()
    assert (done.code, watcher.asked) == (6, [])


def test_a_fleet_on_the_command_line(keyreeve: Command, small: World):
    listed = keyreeve("--output", "json", "org", "accounts")
    covered = {row["account_id"]: row["covered"] for row in listed.json["accounts"]}
    assert listed.code == 1
    assert covered == {BROKEN: False} | dict.fromkeys(small.ids, True)

    checked = keyreeve("check", "--fail-on-findings", *AT)
    assert checked.code == 1  # not covered comes before findings
    assert "3 accounts: 2 done, 1 not covered." in checked.out

    before = keyreeve.sandbox.fingerprint()
    for verb in ("plan", "run"):
        rehearsed = keyreeve.json(verb, *AT)
        assert (rehearsed["executed"], rehearsed["totals"]["mails"]) == (False, 2)
    assert keyreeve.sandbox.fingerprint() == before

    done = keyreeve("org", "run", "--execute", *AT)
    assert done.code == 1
    assert f"{BROKEN} account 999" in done.out

    status = keyreeve.json("org", "status", *AT)
    alarms = {row["account_id"]: row["alarms"] for row in status["accounts"]}
    assert alarms == {BROKEN: ["not read"]} | {each: [] for each in small.ids}
    assert status["accounts"][0]["account_id"] == BROKEN

    one = keyreeve("--account", small.ids[1], "case", "list", *AT)
    assert "u000.a001" in one.out
    assert "u000.a000" not in one.out
    which = keyreeve("case", "list")
    assert (which.code, "--account ID" in which.err) == (2, True)
    assert keyreeve("--account", "123", "case", "list").code == 2
    assert "none of this project's" in keyreeve("--account", "1" * 12, "plan").err


def test_rubbish_beside_the_accounts_that_stops_all_of_them_is_named_and_set_aside(
    keyreeve: Command, small: World
):
    keyreeve("org", "run", "--execute", *AT)
    store = aws(small.sandbox.url, "s3")
    key = "feedback/2099/01/05/070000-x.json"
    store.put_object(Bucket=BUCKET, Key=PREFIX + key, Body=b"rubbish")
    of_one = ("--account", small.ids[0])
    assert keyreeve(*of_one, "run", "--execute", *AT).code == 6
    verified = keyreeve(*of_one, "state", "verify")
    assert (verified.code, f"{key}: " in verified.out) == (1, True)
    repaired = keyreeve(*of_one, "state", "repair")
    assert f"it is kept as set-aside/{key}" in repaired.out
    kept = store.get_object(Bucket=BUCKET, Key=f"{PREFIX}set-aside/{key}")
    assert kept["Body"].read() == b"rubbish"
    for each in small.ids:
        assert keyreeve("--account", each, "state", "verify").code == 0
        assert keyreeve("--account", each, "run", "--execute", *AT).code == 0


def test_a_run_that_was_killed_goes_on_and_repeats_nothing(
    keyreeve: Command, sandbox: Sandbox, tmp_path: Path
):
    small = world(sandbox, tmp_path, accounts=3, users=2)
    keyreeve.sandbox.forget_calls()
    # The second account hangs at its mail, and there the process dies.
    keyreeve.sandbox.plant_fault("SendEmail", skip=1, answer="hang")
    process = subprocess.Popen(
        [sys.executable, "-m", "keyreeve", "org", "run", "--execute", "--at-once", "1", *AT],
        cwd=keyreeve.folder,
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ends = time.monotonic() + 60
    while [row["operation"] for row in keyreeve.sandbox.calls()].count("SendEmail") < 2:
        assert process.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    keyreeve.sandbox.clear_faults()

    rows = {row["account_id"]: row for row in keyreeve.json("org", "status", *AT)["accounts"]}
    assert [rows[each]["last_run_at"] is not None for each in small.ids] == [True, False, False]
    first = small.ids[0]
    keyreeve.sandbox.forget_calls()
    second = keyreeve("--output", "json", "org", "run", "--execute", *AT).json
    standings = {row["account_id"]: (row["standing"], row["earlier"]) for row in second["accounts"]}
    assert standings == {
        BROKEN: ("not covered", False),
        first: ("done", True),
        small.ids[1]: ("locked", False),  # until the dead run's lease is over
        small.ids[2]: ("done", False),
    }
    assert keyreeve("--account", small.ids[1], "state", "unlock", "--force").code == 0
    third = keyreeve("--output", "json", "org", "run", "--execute", *AT).json
    assert {row["standing"] for row in third["accounts"]} == {"done", "not covered"}
    reached = [mail.destinations[0] for mail in keyreeve.sandbox.mails()]
    told = Counter(each for each in reached if each.startswith("u000"))
    assert set(told) == {f"u000.a{each[-3:]}@example.com" for each in small.ids}
    assert told[f"u000.a{first[-3:]}@example.com"] == 1
    assert max(told.values()) == 1


# --- AWS Organizations ---------------------------------------------------------------------------


def test_a_suspended_account_of_the_organisation_is_told_and_never_opened(
    keyreeve: Command, small: World
):
    sandbox = keyreeve.sandbox
    sandbox.reset("empty", MONDAY)
    api = aws(sandbox.url, "organizations")
    api.create_organization()
    ids = []
    for name in ("prod", "closed", "kept-out"):
        made = api.create_account(AccountName=name, Email=f"{name}@example.com")
        ids.append(made["CreateAccountStatus"]["AccountId"])
        sandbox.add_account(fleets.account(ids[-1], 1))
    prod, closed, out = ids
    api.close_account(AccountId=closed)
    sandbox.enforce()
    text = CONFIG + fleets.of_organization(more=f', exclude: ["{out}"]')
    keyreeve.config.write_text(text, encoding="utf-8")
    told = keyreeve("--output", "json", "org", "run", "--execute", *AT)
    standings = {row["name"]: row["standing"] for row in told.json["accounts"]}
    # The central account is one of the organisation, and needs no role.
    assert standings == {"master": "done", "prod": "done", "closed": "not covered"}
    assert told.code == 1
    [row] = [row for row in told.json["accounts"] if row["name"] == "closed"]
    assert "AWS Organizations says" in row["problem"]
    assumed = [row for row in sandbox.calls() if row["operation"] == "AssumeRole"]
    assert [row["params"]["RoleArn"].split(":")[4] for row in assumed] == [prod]


# --- the functions by themselves -----------------------------------------------------------------


@pytest.fixture
def functions(keyreeve: Command, small: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(keyreeve.folder))
    monkeypatch.setenv("KEYREEVE_CONFIG", "config.yaml")
    return small


EVENT = {"execute": True, "as_of": MONDAY.isoformat()}


def test_an_account_of_which_the_map_heard_nothing_is_named_and_never_clean(functions: World):
    whom = handler.accounts(EVENT)
    assert whom["accounts"] == len(functions.ids) + 1
    one = {"item": {"account_id": functions.ids[0], "name": "account 000"}, "on": whom["on"]}
    assert handler.one_account({**EVENT, **one})["standing"] == "done"
    answer = handler.gather(whom)
    assert answer["exit_code"] == 1
    assert answer["standings"] == {"done": 1, "not run": 2}
    rows = gathered_rows(functions)
    assert rows[functions.ids[1]]["problem"] == "its turn never came"
    again = handler.one_account({**EVENT, **one})
    assert again["earlier"] is True


def test_the_row_names_users_and_the_functions_log_does_not(functions: World, capsys: Any):
    whom = handler.accounts(EVENT)
    item = {"account_id": functions.ids[0], "name": "account 000"}
    capsys.readouterr()
    row = handler.one_account({**EVENT, "item": item, "on": whom["on"]})
    said = json.loads(capsys.readouterr().out)
    assert said == {"keyreeve": "fleet.account", **{k: v for k, v in row.items() if k != "named"}}
    assert "unreachable" in row["named"]


def test_a_function_fails_where_another_run_holds_the_lock(functions: World):
    hold_lock(functions)
    item = {"account_id": functions.ids[0], "name": ""}
    with pytest.raises(LockHeld):
        handler.one_account({**EVENT, "item": item, "on": "2026-01-05"})


def test_a_rehearsed_day_keeps_no_summary_and_touches_nobody(functions: World):
    event = {"execute": False, "as_of": MONDAY.isoformat()}
    whom = handler.accounts(event)
    item = {"account_id": functions.ids[0], "name": "account 000"}
    row = handler.one_account({**event, "item": item, "on": whom["on"]})
    assert (row["standing"], row["mails"]) == ("done", 1)
    assert handler.gather(whom)["summary"] is None
    assert functions.sandbox.mails() == []
    with pytest.raises(ConfigError, match="none of this project's"):
        handler.one_account({**event, "item": {"account_id": "1" * 12}, "on": whom["on"]})


def test_a_day_that_was_gathered_is_told_to_whoever_waits_for_it(
    functions: World, watcher: Watcher
):
    handler.gather(handler.accounts({**EVENT, "execute": False}))
    assert watcher.asked == []
    whom = handler.accounts(EVENT)
    assert "heartbeat" not in handler.gather(whom)
    assert watcher.asked == [f"/{CANARY}"]
    watcher.statuses = [500]
    (untold,) = handler.gather(whom)["heartbeat"]
    assert "the watcher answered 500" in untold
    assert CANARY not in untold


def test_the_log_tells_a_day_that_has_ended_from_one_that_was_rehearsed_or_entered_nobody(
    functions: World, capsys: pytest.CaptureFixture[str]
):
    def told(event: dict[str, Any]) -> dict[str, Any]:
        capsys.readouterr()
        handler.gather(event)
        [line] = capsys.readouterr().out.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    whom = handler.accounts(EVENT)
    assert told({**whom, "execute": False})["keyreeve"] == "fleet.rehearsed"
    functions.sandbox.plant_fault("AssumeRole", code="AccessDenied", status=403, count=None)
    for each in (*functions.ids, BROKEN):
        handler.one_account({**whom, "item": {"account_id": each, "name": ""}})
    functions.sandbox.clear_faults()
    nobody = told(whom)
    assert (nobody["keyreeve"], nobody["exit_code"]) == ("fleet.not_ended", 6)
    handler.one_account({**whom, "item": {"account_id": functions.ids[0], "name": ""}})
    ended = told(whom)
    assert (ended["keyreeve"], ended["exit_code"]) == ("fleet.ended", 1)
    assert ended["project"] == "etv"


def test_what_lies_outside_the_project_is_not_gathered(functions: World):
    with pytest.raises(ConfigError, match="no such object of this project"):
        handler.gather({**EVENT, "on": "2026-01-05", "key": "other/secret.json"})


# --- mails that came back ------------------------------------------------------------------------


def test_a_mail_that_came_back_concerns_its_own_account_alone(functions: World):
    by_threads(functions)
    to = f"u000.a{functions.ids[0][-3:]}@example.com"
    [mail] = [mail for mail in functions.sandbox.mails() if to in mail.destinations]
    functions.sandbox.authorise(None)  # the handler has a role of its own
    answer = mail_feedback.handle(functions.sandbox.feedback(mail, to=to))
    assert len(answer["kept"]) == 1
    day = MONDAY.replace(day=8)
    functions.sandbox.set_clock(day)
    summary = by_threads(functions, day)
    assert {row.account_id for row in summary.rows if row.held} == {functions.ids[0]}
