"""init, doctor, state: the storage made, examined, broken and mended over the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import aws
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox

NEEDED = (
    *("--project-name", "ETV", "--sender", "IAM <iam@example.com>"),
    *("--cc", "msp@example.com", "--domain", "example.com"),
)


@pytest.fixture
def keyreeve(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    return Command(sandbox, tmp_path, capsys, monkeypatch)


@pytest.fixture
def settled(keyreeve: Command) -> Command:
    keyreeve.settle()
    assert keyreeve.run(0).code == 0
    return keyreeve


def test_init_writes_a_config_that_doctor_finds_sound(keyreeve: Command):
    answer = keyreeve("init", "--yes", "--storage", "s3://a-new-bucket", "--bucket", *NEEDED)
    assert answer.code == 0, answer.err
    assert "Made bucket a-new-bucket" in answer.out
    doctor = keyreeve("doctor")
    assert doctor.code == 0, doctor.out
    assert "BROKEN" not in doctor.out
    assert keyreeve.run(0).code == 0


def test_the_bucket_may_refuse_requests_without_tls(keyreeve: Command):
    keyreeve.settle(storage="{bucket: tls-only-bucket}")
    assert "without TLS are refused" in keyreeve("init", "--bucket", "--tls-only").out
    policy = aws(keyreeve.sandbox.url, "s3").get_bucket_policy(Bucket="tls-only-bucket")
    assert "aws:SecureTransport" in policy["Policy"]


def test_init_never_overwrites(keyreeve: Command):
    keyreeve.config.write_text("precious", encoding="utf-8")
    answer = keyreeve("init", "--yes", "--storage", "./state", *NEEDED)
    assert answer.code == 2
    assert keyreeve.config.read_text(encoding="utf-8") == "precious"


def test_init_without_a_terminal_asks_for_options(keyreeve: Command):
    assert keyreeve("init", "--yes").code == 2
    answer = keyreeve.spawn("init")
    assert answer.code == 2
    assert "Traceback" not in answer.err
    assert not keyreeve.config.exists()


def test_init_twice_for_the_bucket_changes_nothing_more(keyreeve: Command):
    keyreeve.settle()
    first, second = keyreeve("init", "--bucket"), keyreeve("init", "--bucket")
    assert (first.code, second.code) == (0, 0)
    assert "was there already" in second.out


@pytest.mark.parametrize(
    ("breaking", "says"),
    [
        (lambda s3: s3.delete_public_access_block(Bucket="keyreeve-sandbox"), "public access"),
        (
            lambda s3: s3.put_bucket_versioning(
                Bucket="keyreeve-sandbox", VersioningConfiguration={"Status": "Suspended"}
            ),
            "versioning",
        ),
    ],
)
def test_doctor_names_what_is_broken_and_how_to_mend_it(
    keyreeve: Command, breaking: Any, says: str
):
    keyreeve.settle()
    breaking(aws(keyreeve.sandbox.url, "s3"))
    answer = keyreeve("doctor")
    assert answer.code == 1
    line = answer.out.index(f"BROKEN  {says}")
    assert "→" in answer.out[line:]


def test_doctor_tries_every_read_and_tells_which_is_denied(keyreeve: Command):
    keyreeve.settle()
    keyreeve.sandbox.plant_fault("GetAccessKeyLastUsed", code="AccessDenied", status=403)
    answer = keyreeve.json("doctor")
    assert answer["sound"] is False
    broken = [check["check"] for check in answer["checks"] if check["verdict"] == "broken"]
    assert broken == ["iam:GetAccessKeyLastUsed"]


def test_doctor_warns_where_cloudtrail_does_not_tell_who_uses_a_key(keyreeve: Command):
    keyreeve.settle()
    told = {it["check"]: it for it in keyreeve.json("doctor")["checks"]}["use of keys"]
    assert (told["verdict"], "us-east-1" in told["found"]) == ("ok", True)
    keyreeve.sandbox.plant_fault("LookupEvents", code="AccessDenied", status=403)
    answer = keyreeve.json("doctor")
    told = {it["check"]: it for it in answer["checks"]}["use of keys"]
    assert told["verdict"] == "warning"
    assert "cloudtrail:LookupEvents" in told["found"]
    assert told["remedy"]
    assert answer["sound"]


def test_doctor_finds_a_sender_that_ses_does_not_know(keyreeve: Command):
    keyreeve.settle(mail="transport: ses")
    text = keyreeve.config.read_text(encoding="utf-8").replace("iam@example.com", "x@unknown.org")
    keyreeve.config.write_text(text, encoding="utf-8")
    answer = keyreeve("doctor")
    assert answer.code == 1
    assert "x@unknown.org is not verified" in answer.out


def test_doctor_sends_one_test_mail_when_asked(keyreeve: Command):
    keyreeve.settle()
    assert keyreeve("doctor", "--send-test", "me@example.com").code == 0
    (mail,) = keyreeve.sandbox.mails()
    assert mail.destinations == ("me@example.com",)


def test_verify_finds_a_sound_storage_sound(settled: Command):
    answer = settled("state", "verify")
    assert answer.code == 0, answer.out
    assert settled.json("state", "verify")["sound"] is True


def test_verify_names_an_altered_audit_record(settled: Command):
    client, bucket, prefix = settled.objects()
    (row, *_) = client.list_objects_v2(**bucket, Prefix=f"{prefix}audit/")["Contents"]
    key = row["Key"].removeprefix(prefix)
    settled.store(key, settled.stored(key).replace(b"aged.key", b"aged.kez"))
    answer = settled("state", "verify")
    assert answer.code == 1
    assert "was altered" in answer.out


def test_verify_names_a_record_of_a_run_that_was_replaced(settled: Command):
    client, bucket, prefix = settled.objects()
    (row,) = client.list_objects_v2(**bucket, Prefix=f"{prefix}runs/")["Contents"]
    key = row["Key"].removeprefix(prefix)
    told = json.loads(settled.stored(key))
    settled.store(key, json.dumps({**told, "findings": []}).encode())
    answer = settled("state", "verify")
    assert answer.code == 1
    assert f"{key}: it is not the one that the audit log tells of" in answer.out


def test_verify_names_a_corrupt_step_and_a_missing_escrow_object(settled: Command):
    for day in (3, 7):
        settled.run(day)
    client, bucket, prefix = settled.objects()
    (escrowed, *_) = client.list_objects_v2(**bucket, Prefix=f"{prefix}credentials/")["Contents"]
    client.delete_object(**bucket, Key=escrowed["Key"])
    (step, *_) = client.list_objects_v2(**bucket, Prefix=f"{prefix}ops/")["Contents"]
    settled.store(step["Key"].removeprefix(prefix), b"{}")
    answer = settled("state", "verify")
    assert answer.code == 1
    assert escrowed["Key"].removeprefix(prefix) in answer.out
    assert step["Key"].removeprefix(prefix) in answer.out


def test_a_corrupt_state_stops_the_run_and_repair_puts_the_last_version_back(settled: Command):
    good = settled.stored("state.json")
    settled.store("state.json", good[: len(good) // 2])
    assert settled.run(1).code == 6
    assert settled("state", "show").code == 6
    assert settled("state", "verify").code == 1
    answer = settled("state", "repair")
    assert answer.code == 0, answer.err
    assert "state.json.broken-" in answer.out
    assert settled.stored("state.json") == good
    assert settled("state", "verify").code == 0
    assert "state.repaired" in settled.audited()
    assert settled.run(1).code == 0


@pytest.mark.parametrize("key", ["feedback/2099/01/05/070000-x.json", "audit-inbox/x.json"])
def test_an_unreadable_object_that_stops_every_run_is_named_and_set_aside_and_not_lost(
    settled: Command, key: str
):
    settled.store(key, b"rubbish")
    assert settled.run(1).code == 6
    verified = settled("state", "verify")
    assert verified.code == 1
    assert f"{key}: " in verified.out
    repaired = settled("state", "repair")
    assert repaired.code == 0
    assert f"it is kept as set-aside/{key}" in repaired.out
    assert settled.stored(f"set-aside/{key}") == b"rubbish"
    assert "state.set_aside" in settled.audited()
    assert settled("state", "verify").code == 0
    assert settled.run(1).code == 0
    assert "nothing to repair" in settled("state", "repair").out


def test_repair_leaves_a_sound_state_alone(settled: Command):
    before = settled.stored("state.json")
    assert "nothing to repair" in settled("state", "repair").out
    assert settled.stored("state.json") == before


def test_repair_from_a_file_refuses_another_projects_state(settled: Command, tmp_path: Path):
    good = settled.stored("state.json")
    copy = tmp_path / "copy.json"
    copy.write_bytes(good)
    settled.store("state.json", b"")
    settled.config.write_text(
        settled.config.read_text(encoding="utf-8").replace("ETV", "etv"), encoding="utf-8"
    )
    assert settled("state", "repair", "--from", str(copy)).code == 2
    settled.config.write_text(
        settled.config.read_text(encoding="utf-8").replace("etv", "ETV"), encoding="utf-8"
    )
    assert settled("state", "repair", "--from", str(copy)).code == 0
    assert settled.stored("state.json") == good


def test_repair_in_a_directory_believes_a_whole_state_with_a_wrong_checksum(
    keyreeve: Command, tmp_path: Path
):
    keyreeve.settle(storage="{directory: ./state}")
    keyreeve.run(0)
    (path,) = tmp_path.rglob("state.json")
    path.write_bytes(path.read_bytes().replace(b'"aged.key"', b'"aged.kez"'))
    assert keyreeve("state", "show").code == 6
    answer = keyreeve("state", "repair")
    assert "only its checksum was wrong" in answer.out
    assert keyreeve("state", "show").code == 0
    path.write_bytes(b"nothing of it is left")
    assert keyreeve("state", "repair").code == 6


def test_migrate_writes_the_current_schema(settled: Command):
    assert settled("state", "migrate").code == 0
    assert settled("state", "verify").code == 0


def test_migrating_after_a_stop_forgets_nothing_that_the_stopped_run_had_done(settled: Command):
    before = settled.stored("state.json")
    for day in (3, 7):
        settled.run(day)
    known = {case["user_name"]: case for case in cases_of(settled)}
    settled.store("state.json", before)  # as where each of these runs had died before its end
    assert settled("state", "migrate").code == 0
    migrated = {case["user_name"]: case for case in cases_of(settled)}
    for name, case in known.items():
        assert migrated[name]["operations"] == case["operations"]
        assert migrated[name]["thread"] == case["thread"]
    assert any(case["operations"] for case in known.values())
    assert settled("state", "verify").code == 0


def cases_of(keyreeve: Command) -> list[dict[str, Any]]:
    """The cases that state.json knows by itself."""
    return list(json.loads(keyreeve.stored("state.json"))["users"].values())


LISTED = f'accounts: [{{id: "{HOME_ACCOUNT}", name: home}}]\n'


def test_after_a_change_of_accounts_what_the_refusal_says_to_move_goes_on_where_it_was(
    settled: Command,
):
    settled.run(3)
    alone, listed = settled.config.read_text(encoding="utf-8"), ("--account", HOME_ACCOUNT)
    own = f"iam-compliance/etv/{HOME_ACCOUNT}/"
    settled.config.write_text(alone + LISTED, encoding="utf-8")
    refused = settled(*listed, "run", "--execute", *settled.at(7))
    assert refused.code == 6
    assert f"but those below feedback/ from there to s3://keyreeve-sandbox/{own[:-1]}" in (
        refused.err
    )
    move(settled, "iam-compliance/etv/", own)
    assert settled(*listed, "state", "verify").code == 0
    done = settled(*listed, "run", "--execute", *settled.at(7))
    assert done.code == 0, done.err
    assert "1 new key · 1 password reset" in done.out
    for day in (10, 11):
        assert settled(*listed, "run", "--execute", *settled.at(day)).code == 0
    settled.config.write_text(alone, encoding="utf-8")
    assert settled.run(14).code == 6
    move(settled, own, "iam-compliance/etv/")
    assert settled("state", "verify").code == 0
    assert "made Inactive" in settled.run(14).out


def move(keyreeve: Command, there: str, here: str) -> None:
    """As `aws s3 mv --recursive --exclude 'feedback/*'`."""
    client, bucket, _ = keyreeve.objects()
    for row in client.list_objects_v2(**bucket, Prefix=there)["Contents"]:
        name = row["Key"].removeprefix(there)
        if not name.startswith("feedback/"):
            client.copy_object(**bucket, Key=here + name, CopySource={**bucket, "Key": row["Key"]})
            client.delete_object(**bucket, Key=row["Key"])


def test_a_pause_before_the_first_run_is_not_forgotten_by_a_change_of_accounts(keyreeve: Command):
    keyreeve.settle()
    assert keyreeve("run", "--pause", "not before the summer").code == 0
    with keyreeve.config.open("a", encoding="utf-8") as file:
        file.write(LISTED)
    refused = keyreeve("--account", HOME_ACCOUNT, "run", "--execute", *keyreeve.at(0))
    assert (refused.code, "under another setting of `accounts`" in refused.err) == (6, True)
    assert keyreeve.sandbox.mails() == []


def test_only_a_lapsed_lease_is_ended_without_force(settled: Command):
    assert "free" in settled("state", "unlock").out
    settled.hold_lock()
    assert settled("state", "unlock").code == 5
    assert settled("state", "unlock", "--force").code == 0
    assert "state.unlocked" in settled.audited()
    settled.hold_lock(minutes=-1)
    assert settled("state", "unlock").code == 0


def test_what_repair_did_is_one_document_for_programs(settled: Command):
    sound = settled.json("state", "repair")
    assert sound == {
        "schema": "keyreeve.repair/1",
        "repaired": False,
        "set_aside": [],
        "broken_kept_as": None,
        "source": None,
        "saved_at": None,
    }
    good = settled.stored("state.json")
    settled.store("state.json", good[:9])
    settled.store("audit-inbox/x.json", b"rubbish")
    done = settled.json("state", "repair")
    assert settled.stored("state.json") == good
    (aside,) = done["set_aside"]
    assert (aside["key"], aside["kept_as"]) == (
        "audit-inbox/x.json",
        "set-aside/audit-inbox/x.json",
    )
    assert aside["reason"]
    assert done["repaired"]
    assert settled.stored(done["broken_kept_as"]) == good[:9]
    assert done["source"].startswith("the version of ")
    assert done["saved_at"] == json.loads(good)["saved_at"]


def test_migrating_and_unlocking_are_one_document_each_for_programs(settled: Command):
    schema = json.loads(settled.stored("state.json"))["schema_version"]
    assert settled.json("state", "migrate") == {
        "schema": "keyreeve.migrate/1",
        "migrated": True,
        "state_schema": schema,
    }
    free = {"schema": "keyreeve.unlock/1", "ended": None, "forced": False}
    assert settled.json("state", "unlock") == free
    settled.hold_lock()
    ended = settled.json("state", "unlock", "--force")
    assert (ended["ended"]["holder"], ended["forced"]) == ("another.run", True)
    assert set(ended["ended"]) == {"holder", "since", "until"}


def test_a_project_that_never_ran_has_nothing_to_migrate(keyreeve: Command):
    keyreeve.settle()
    assert keyreeve.json("state", "migrate")["migrated"] is False
    assert "nothing to migrate" in keyreeve("state", "migrate").out


def test_a_preview_is_the_mail_of_that_stage_and_nothing_is_sent(settled: Command, tmp_path: Path):
    sent = len(settled.sandbox.mails())
    shown = settled("mail", "preview", "aged.key", "--stage", "warning")
    assert "WARNING" in shown.out
    assert "On Thu 2026-01-15, warning" in shown.out
    out = tmp_path / "preview"
    answer = settled("mail", "preview", "aged.key", "--stage", "new_credentials", "--out", str(out))
    assert answer.code == 0
    assert {path.name for path in out.iterdir()} == {
        f"2026-01-12-{name}.{kind}"
        for name in ("new_credentials", "credentials")
        for kind in ("html", "txt")
    }
    assert len(settled.sandbox.mails()) == sent
