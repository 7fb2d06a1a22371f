"""The handler of the daily run in this process: what it takes, what it tells, how it fails."""

from __future__ import annotations

import csv
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.contract.test_heartbeat import CANARY, VARIABLE, Watcher
from tests.sandbox_fixture import MONDAY, aws
from tests.scenario.on_the_wire import CONFIG, PREFIX, wire

from keyreeve.handlers.daily_run import DailyRunFailed, handle
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Sandbox
from keyreeve.wiring import functions

__all__ = ["wire"]

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12"


@pytest.fixture
def lambda_(wire: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """As AWS's runtime calls it: the package is a folder, and its logger stands there already."""
    wire.clear_faults()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text(CONFIG)
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    monkeypatch.delenv("KEYREEVE_CONFIG", raising=False)
    root = logging.getLogger()
    before = list(root.handlers)
    yield wire
    root.handlers[:] = before


def settled(folder: Path, more: str) -> None:
    (folder / "config/config.yaml").write_text(CONFIG + more)


def at(day: float, **event: Any) -> dict[str, Any]:
    return {"as_of": (MONDAY + timedelta(days=day)).isoformat(), **event}


def failure(event: object, context: Any = None) -> str:
    with pytest.raises(DailyRunFailed) as told:
        handle(event, context)
    assert told.value.__cause__ is None
    return str(told.value)


def mails(sandbox: Sandbox) -> int:
    return len(sandbox.mails())


def secrets(sandbox: Sandbox) -> list[str]:
    """Of the keys that were made, from their escrow."""
    s3, below = aws(sandbox.url, "s3"), f"{PREFIX}credentials/access-keys/"
    rows = s3.list_objects_v2(Bucket=BUCKET, Prefix=below).get("Contents", [])
    files = [s3.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read() for row in rows]
    return [
        line["Secret access key"]
        for file in files
        for line in csv.DictReader(io.StringIO(file.decode()))
    ]


def put(sandbox: Sandbox, key: str, text: str) -> None:
    aws(sandbox.url, "s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())


def test_the_answer_counts_what_was_done_and_names_the_record_but_no_secret(
    lambda_: Sandbox, capsys: Any
):
    for day in (0, 7):
        lambda_.set_clock(MONDAY + timedelta(days=day))
        answer = handle(at(day))
    assert answer["exit_code"] == 0
    assert answer["outcomes"]["done"] >= 2
    record = answer["record"].removeprefix(f"s3://{BUCKET}/")
    assert record == f"{PREFIX}runs/{answer['run_id']}/run.json"
    assert aws(lambda_.url, "s3").get_object(Bucket=BUCKET, Key=record)
    out = capsys.readouterr().out + json.dumps(answer)
    assert secrets(lambda_)
    assert not [secret for secret in secrets(lambda_) if secret in out]


def test_the_log_has_one_line_of_json_for_a_run_and_no_line_of_the_runtimes_own_logger(
    lambda_: Sandbox, capsys: Any
):
    theirs = logging.StreamHandler()
    logging.getLogger().addHandler(theirs)
    handle(at(0))
    assert theirs not in logging.getLogger().handlers
    lines = capsys.readouterr().out.splitlines()
    [told] = [json.loads(line) for line in lines if line.startswith("{")]
    assert (told["keyreeve"], told["project"], told["project_name"]) == (
        "daily_run.ended",
        "etv",
        "ETV",
    )


def test_a_part_that_failed_fails_the_invocation_and_is_named(lambda_: Sandbox):
    lambda_.plant_fault("SendEmail", code="MessageRejected", status=400, count=1)
    said = failure(at(0))
    first, *_, last = said.splitlines()
    assert first.startswith("exit code 1: ")
    assert "send_notice" in first
    assert last.startswith(f"All of it: s3://{BUCKET}/{PREFIX}runs/")
    # The record, and the line of the log, say the same as when nothing failed.
    assert handle(at(0.1))["exit_code"] == 0


def test_a_refused_plan_says_how_it_is_accepted(lambda_: Sandbox, monkeypatch: Any):
    monkeypatch.setenv("KEYREEVE_CONFIG_YAML", f"{CONFIG}limits: {{disruptive_floor: 1}}\n")
    handle(at(0))
    for name in ("aged.key", "old.password", "fine"):
        lambda_.act(name, "delete_user")
    said = failure(at(0.1))
    assert said.startswith("exit code 4: refused: ")
    number = int(said.partition('{"accept_blast_radius": ')[2].partition("}")[0])
    assert handle(at(0.2, accept_blast_radius=number))["refusal"] is None


def test_another_run_that_holds_the_lock_fails_it_with_5(lambda_: Sandbox):
    now = MONDAY.replace(year=2099)
    lock = {
        "token": "0" * 32,
        "holder": "another.run",
        "since": now.isoformat(),
        "until": (now + timedelta(minutes=2)).isoformat(),
        "released": False,
    }
    put(lambda_, f"{PREFIX}lock.json", json.dumps(lock))
    said = failure(at(0))
    assert said.startswith("exit code 5: ")
    assert "another.run" in said
    assert mails(lambda_) == 0


def test_a_run_whose_time_is_nearly_over_stops_before_its_next_act_and_tomorrow_goes_on(
    lambda_: Sandbox,
):
    left = iter([900_000] * 4 + [59_000] * 9)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: next(left))
    said = failure(at(0), context)
    assert said.startswith("exit code 1: Lambda: the function's time is nearly over")
    sent = mails(lambda_)
    assert handle(at(0.1))["exit_code"] == 0  # the lock was given back
    assert mails(lambda_) > sent


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ([], "list is no JSON object"),
        ({"exeute": False}, "'exeute' is not known"),
        ({"execute": "false"}, "execute is true or false"),
        ({"accept_blast_radius": "3"}, "the number that the refusal named"),
        ({"accept_blast_radius": True}, "the number that the refusal named"),
        ({"as_of": "2026-01-05"}, "a time with its zone"),
        ({"as_of": 5}, "a time with its zone"),
    ],
)
def test_an_event_that_is_not_understood_is_refused_before_anything_is_read(
    monkeypatch: Any, event: object, said: str
):
    monkeypatch.setattr("keyreeve.handlers.daily_run._speak", lambda: None)
    monkeypatch.setattr("keyreeve.handlers.daily_run.configured", None)
    told = failure(event)
    assert told.startswith("exit code 2: event: ")
    assert said in told


def test_another_time_is_refused_where_aws_is_real(lambda_: Sandbox, monkeypatch: Any):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://aws.example.com")
    told = failure(at(0))
    assert told.startswith("exit code 2: --as-of: ")


def test_what_nobody_foresaw_is_told_without_its_secret(lambda_: Sandbox, monkeypatch, capsys):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"SecretAccessKey={SECRET}\x1b[2J\nforged")

    monkeypatch.setattr("keyreeve.handlers.daily_run.open_door", broken)
    told = failure({})
    assert told.startswith("exit code 1: unexpected: RuntimeError: ")
    said = told + capsys.readouterr().out
    assert "broken" in said  # the traceback
    assert SECRET not in said
    assert "\x1b" not in said


# --- where its config lies ------------------------------------------------------------------------


def test_the_config_may_lie_in_a_bucket_beside_access_yaml_and_is_read_anew(
    lambda_: Sandbox, monkeypatch: Any
):
    monkeypatch.setenv("KEYREEVE_CONFIG", f"s3://{BUCKET}/ours/config.yaml")
    said = failure(at(0))
    assert said.startswith(f"exit code 2: s3://{BUCKET}/ours/config.yaml: there is no such object")
    put(lambda_, "ours/config.yaml", f"{CONFIG}baseline: {{access: access.yaml}}\n")
    assert f"s3://{BUCKET}/ours/access.yaml" in failure(at(0))
    grant = "{group: Developers, role: Dev, policies: [arn:aws:iam::aws:policy/SecurityAudit]}"
    put(lambda_, "ours/access.yaml", f"roles:\n  Developer: {grant}\n")
    assert handle(at(0))["exit_code"] == 0
    put(lambda_, "ours/config.yaml", CONFIG.replace("ETV", "Other"))
    assert handle(at(0.1))["project_name"] == "Other"
    put(lambda_, "ours/config.yaml", f"{CONFIG}baseline: {{access: ../access.yaml}}\n")
    assert "does not lie beside or below" in failure(at(0.2))
    put(lambda_, "ours/config.yaml", f"{CONFIG}texts: {{templates: ours}}\n")
    assert "templates of your own lie in a package only" in failure(at(0.2))


def test_the_config_may_stand_in_the_environment(lambda_: Sandbox, monkeypatch: Any):
    monkeypatch.setenv("KEYREEVE_CONFIG_YAML", CONFIG.replace("ETV", "Third"))
    assert handle(at(0))["project_name"] == "Third"


def test_a_profile_of_peoples_own_is_left_aside(lambda_: Sandbox, monkeypatch: Any):
    monkeypatch.setenv("KEYREEVE_CONFIG_YAML", f"{CONFIG}profile: of-a-person\n")
    assert handle(at(0))["exit_code"] == 0


@pytest.mark.parametrize(
    ("old", "new", "setting"),
    [
        (f"{{bucket: {BUCKET}}}", "{directory: ./state}", "storage.directory"),
        ("mail:\n", "mail:\n  transport: directory\n  directory: ./mails\n", "mail.transport"),
    ],
)
def test_what_would_be_gone_with_the_function_is_refused(
    lambda_: Sandbox, monkeypatch: Any, old: str, new: str, setting: str
):
    monkeypatch.setenv("KEYREEVE_CONFIG_YAML", CONFIG.replace(old, new))
    said = failure(at(0))
    assert said.startswith("exit code 2: ")
    assert setting in said


def test_a_secret_gives_the_variables_that_the_config_names_and_no_other(
    lambda_: Sandbox, monkeypatch: Any
):
    secrets = aws(lambda_.url, "secretsmanager")
    made = secrets.create_secret(
        Name="ours",
        SecretString=json.dumps(
            {"CHAT_URL": "json://127.0.0.1:9/", VARIABLE: "https://x.example", "PATH": "/theirs"}
        ),
    )
    monkeypatch.setenv("KEYREEVE_SECRETS", made["ARN"])
    channel = "channels: [{kind: apprise, url_env: CHAT_URL, what: [run]}]\n"
    heartbeat = f"heartbeat: {{url_env: {VARIABLE}}}\n"
    monkeypatch.setenv("KEYREEVE_CONFIG_YAML", CONFIG + channel + heartbeat)
    into: dict[str, str] = {}
    taken = functions.take_secrets
    monkeypatch.setattr(
        functions, "take_secrets", lambda config, text, _: taken(config, text, into)
    )
    functions.configured()
    assert into == {"CHAT_URL": "json://127.0.0.1:9/", VARIABLE: "https://x.example"}
    secrets.put_secret_value(SecretId="ours", SecretString=f'["{SECRET}"]')
    said = failure(at(0))
    assert said.startswith("exit code 2: KEYREEVE_SECRETS: ")
    assert SECRET not in said


# --- what a cold start imports --------------------------------------------------------------------

_COUNTED = """\
import json, sys
import keyreeve.handlers.daily_run as handler
first = sorted(sys.modules)
handler.handle(json.loads(sys.argv[1]))
print(json.dumps([first, sorted(sys.modules)]))
"""
_FOREIGN = frozenset(
    {*("apprise", "click", "holidays", "markdown", "moto", "pygments", "requests", "rich", "yaml")}
)
"""What a run without chat, public holidays and a terminal never needs."""
_LATE = frozenset({"botocore", "boto3", "css_inline", "jinja2"})
"""What is not needed before the config is understood."""


def test_a_cold_start_and_a_day_import_no_more_than_they_use(lambda_: Sandbox):
    command = [sys.executable, "-c", _COUNTED, json.dumps(at(0))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, all_of_them = json.loads(done.stdout.splitlines()[-1])
    tops = {name.partition(".")[0] for name in first}
    assert tops & (_FOREIGN | _LATE) == set()
    assert len(first) < 440, len(first)
    assert {name.partition(".")[0] for name in all_of_them} & _FOREIGN == set()
    assert len(all_of_them) < 690, len(all_of_them)


def test_a_run_that_has_ended_is_told_to_whoever_waits_for_it(
    lambda_: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settled(tmp_path, f"heartbeat: {{url_env: {VARIABLE}, metric: true}}\n")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with closing(Watcher()) as watcher:
        monkeypatch.setenv(VARIABLE, watcher.url)
        handle(at(0, execute=False))
        assert watcher.asked == []
        assert handle(at(0))["heartbeat"] == [
            {"name": f"URL in {VARIABLE}", "missed": None, "remedy": ""}
        ]
        assert watcher.asked == [f"/{CANARY}"]
        watcher.statuses = [500]
        said = failure(at(1))
    assert said.startswith("exit code 1: ")
    assert "was not told that the run has ended: the watcher answered 500" in said
    assert CANARY not in said
    metrics = aws(lambda_.url, "cloudwatch").list_metrics(Namespace="Keyreeve")["Metrics"]
    assert metrics == []  # the stack counts the log's line
