"""Evidence over the command line, against the sandbox: exported, verified, signed, purged."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import aws
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.sandbox.process import Sandbox, events

DAYS = (0, 3, 7)
DEMO = "limits: {disruptive_share: 1.0, disruptive_floor: 50}\n"
PERIOD = ("--from", "2026-01-05", "--to", "2026-01-10")


@pytest.fixture
def keyreeve(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    return Command(sandbox, tmp_path, capsys, monkeypatch)


@pytest.fixture
def lived(keyreeve: Command) -> Command:
    """Three days of the story, a waiver among them."""
    keyreeve.settle()
    for day in DAYS:
        assert keyreeve.run(day).code == 0
    return keyreeve


def files_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def export(keyreeve: Command, name: str, *more: str, period: tuple[str, ...] = PERIOD) -> Any:
    answer = keyreeve("--output", "json", "evidence", "export", *period, "--out", name, *more)
    assert answer.code == 0, answer.err
    return answer.json


def test_a_pack_holds_the_period_and_is_verified_by_the_script_in_it(lived: Command):
    told = export(lived, "pack.zip")
    pack = lived.folder / "pack.zip"
    files = files_of(pack)
    runs = [name for name in files if name.startswith("runs/")]
    assert [name[5:13] for name in runs] == ["20260105", "20260108"]
    assert {name.partition("/")[0] for name in files} >= {
        *("README.txt", "verify.py", "manifest.json", "index.json", "audit", "audit-links"),
        *("collected", "runs", "mails", "decisions", "config", "policies"),
    }
    verified = lived("evidence", "verify", "pack.zip", "--expect", told["manifest_sha256"])
    assert (verified.code, verified.out[:5]) == (0, "Sound")
    script = lived.folder / "verify.py"
    script.write_bytes(files["verify.py"])
    by_script = subprocess.run(
        [sys.executable, "-I", str(script), "pack.zip", "--expect", told["manifest_sha256"]],
        capture_output=True,
        text=True,
        check=False,
        cwd=lived.folder,
        env={},
    )
    assert (by_script.returncode, by_script.stdout[:5]) == (0, "Sound"), by_script.stdout
    assert oct(pack.stat().st_mode & 0o777) == "0o600"


def test_no_credential_is_in_a_pack_and_the_escrow_is_never_asked(lived: Command):
    secrets = [
        lived.objects()[0]
        .get_object(Bucket="keyreeve-sandbox", Key=row["Key"])["Body"]
        .read()
        .split(b",")[-1]
        .strip()
        for row in lived.objects()[0].list_objects_v2(
            Bucket="keyreeve-sandbox", Prefix="iam-compliance/etv/credentials/"
        )["Contents"]
    ]
    assert secrets
    period = ("--from", "2026-01-05", "--to", "2026-01-12")
    lived.sandbox.clear_faults()
    export(lived, "pack.zip", period=period)
    content = (lived.folder / "pack.zip").read_bytes()
    assert not any(secret in content for secret in secrets)
    assert b"credentials/access-keys/" in content  # its key is told, in the audit log


def test_the_same_storage_makes_the_same_bytes_though_the_export_itself_is_recorded(
    lived: Command,
):
    first, second = export(lived, "a.zip"), export(lived, "b.zip")
    pack = (lived.folder / "a.zip").read_bytes()
    assert pack == (lived.folder / "b.zip").read_bytes()
    assert first["pack_sha256"] == second["pack_sha256"]
    records = [r for r in lived.audit_records() if r["event"] == "evidence.exported"]
    assert [r["data"]["manifest_sha256"] for r in records] == [first["manifest_sha256"]] * 2
    assert records[0]["data"]["by"].startswith("arn:aws:")
    assert (records[0]["data"]["from"], records[0]["data"]["to"]) == ("2026-01-05", "2026-01-10")
    assert lived("state", "verify").code == 0


def test_packs_of_neighbouring_periods_are_linked(lived: Command):
    first = (*PERIOD[:2], "--to", "2026-01-06")
    second = ("--from", "2026-01-07", "--to", "2026-01-09")
    export(lived, "a.zip", period=first)
    export(lived, "b.zip", period=second)
    before, after = files_of(lived.folder / "a.zip"), files_of(lived.folder / "b.zip")
    told = json.loads(before["manifest.json"])["audit"]["last"]
    link = json.loads(after["audit-links/before.jsonl"])
    assert (link["seq"], link["digest"]) == (told["seq"], told["digest"])
    first_line = json.loads(before["audit-links/after.jsonl"])
    assert first_line["digest"] == json.loads(after["manifest.json"])["audit"]["first"]["digest"]


def test_an_altered_pack_and_a_pack_of_somebody_else_are_found(lived: Command):
    export(lived, "pack.zip")
    pack = lived.folder / "pack.zip"
    content = pack.read_bytes()
    pack.write_bytes(content.replace(b'"event":"run.started"', b'"event":"run.startet"', 1))
    found = lived("evidence", "verify", "pack.zip")
    assert found.code == 1
    pack.write_bytes(content)
    found = lived("--output", "json", "evidence", "verify", "pack.zip", "--expect", "0" * 64)
    assert (found.code, found.json["sound"], found.json["compared"]) == (1, False, True)


def test_what_was_altered_in_the_storage_is_said_at_the_export(lived: Command):
    client, bucket, prefix = lived.objects()
    rows = client.list_objects_v2(**bucket, Prefix=f"{prefix}audit/2026/01/05/")["Contents"]
    key = rows[0]["Key"].removeprefix(prefix)
    altered = lived.stored(key).replace(b'"event":"run.started"', b'"event":"run.startet"')
    lived.store(key, altered)
    answer = lived("evidence", "export", *PERIOD, "--out", "pack.zip")
    assert answer.code == 1
    assert f"NOT SOUND: {key} line 1" in answer.err


@pytest.mark.parametrize("mask", [(), ("--mask",)], ids=["as kept", "masked"])
def test_what_was_deleted_in_the_storage_is_said_at_the_export(
    lived: Command, mask: tuple[str, ...]
):
    client, bucket, prefix = lived.objects()
    for folder in ("collected/2026/01/05/", "runs/20260105"):
        rows = client.list_objects_v2(**bucket, Prefix=f"{prefix}{folder}")["Contents"]
        key = rows[0]["Key"].removeprefix(prefix)
        content = lived.stored(key)
        client.delete_object(**bucket, Key=f"{prefix}{key}")
        answer = lived("evidence", "export", *PERIOD, "--out", f"{folder[:4]}.zip", *mask)
        assert answer.code == 1
        assert f"NOT SOUND: {key}: the audit log tells of it, and it is missing" in answer.err
        code = lived("state", "verify").code
        assert code == (1 if folder.startswith("runs/") else 0)  # others it does not list
        lived.store(key, content)
    export(lived, "pack.zip", *mask)
    assert lived("state", "verify").code == 0


def test_what_was_purged_is_not_missed_and_a_pack_says_so(keyreeve: Command):
    keyreeve.settle(more="retention: {runs: 3d, audit: 400d}\n")
    for day in DAYS:
        assert keyreeve.run(day).code == 0
    assert keyreeve("evidence", "purge", "--execute").code == 0
    answer = keyreeve("evidence", "export", *PERIOD, "--out", "pack.zip")
    assert answer.code == 0, answer.err
    names = files_of(keyreeve.folder / "pack.zip")
    assert not [name for name in names if name.startswith(("runs/20260105", "mails/2026/01/05"))]
    said = "By its manifest: files from before 2026-01-09 were purged."
    assert said in answer.out
    assert said in keyreeve("evidence", "verify", "pack.zip").out
    assert keyreeve("state", "verify").code == 0
    client, bucket, prefix = keyreeve.objects()
    rows = client.list_objects_v2(**bucket, Prefix=f"{prefix}runs/20260112")["Contents"]
    client.delete_object(**bucket, Key=rows[0]["Key"])
    assert keyreeve("state", "verify").code == 1


def test_a_masked_pack_names_nobody_and_agrees_with_the_next_one(lived: Command):
    told = export(lived, "masked.zip", "--mask")
    export(lived, "again.zip", "--mask")
    export(lived, "open.zip")
    masked, clear = (lived.folder / name for name in ("masked.zip", "open.zip"))
    assert masked.read_bytes() == (lived.folder / "again.zip").read_bytes()
    iam = aws(lived.sandbox.url, "iam")
    users = [user["UserName"] for user in iam.list_users()["Users"]]
    users.remove("keyreeve")  # which is the product's own name as well
    text, open_text = (pack.read_bytes().decode("latin-1") for pack in (masked, clear))
    assert [name for name in users if re.search(rf"\b{re.escape(name)}\b", open_text)] == users
    assert [name for name in users if re.search(rf"\b{re.escape(name)}\b", text)] == []
    assert "@example.com" not in text
    assert lived("evidence", "verify", "masked.zip", "--expect", told["manifest_sha256"]).code == 0
    record = next(
        json.loads(line)
        for name, content in files_of(masked).items()
        if name.startswith("audit/")
        for line in content.splitlines()
    )
    assert len(record["original"]) == len(record["digest"]) == 64


def test_a_signature_is_verified_by_openssl_offline(lived: Command):
    for spec in ("RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384"):
        signed_and_verified(lived, spec)


def signed_and_verified(lived: Command, spec: str) -> None:
    kms = aws(lived.sandbox.url, "kms")
    key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec=spec)["KeyMetadata"]["Arn"]
    pack = f"{spec}.zip"
    told = export(lived, pack, "--sign", key)
    assert told["signed_by"] == key
    folder = lived.folder / f"unpacked-{spec}"
    with zipfile.ZipFile(lived.folder / pack) as opened:
        opened.extractall(folder)
    verified = lived("evidence", "verify", pack)
    assert verified.code == 0
    (command,) = [line.strip() for line in verified.out.splitlines() if "openssl" in line]
    right = subprocess.run(command.split(), cwd=folder, capture_output=True, text=True, check=False)
    assert (right.returncode, right.stdout.strip()) == (0, "Verified OK")
    sums = subprocess.run(
        ["/usr/bin/env", "sha256sum", "-c", "manifest.sha256"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert sums.returncode == 0
    (folder / "manifest.sha256").write_text(f"{'0' * 64}  manifest.json\n")
    wrong = subprocess.run(command.split(), cwd=folder, capture_output=True, check=False)
    assert wrong.returncode != 0


def test_a_key_that_does_not_sign_is_said_so_and_nothing_is_written(lived: Command):
    key = aws(lived.sandbox.url, "kms").create_key()["KeyMetadata"]["KeyId"]
    answer = lived("evidence", "export", *PERIOD, "--out", "pack.zip", "--sign", key)
    assert (answer.code, "--sign" in answer.err) == (2, True)
    assert not (lived.folder / "pack.zip").exists()
    assert "evidence.exported" not in lived.audited()


@pytest.mark.parametrize(
    ("period", "says"),
    [
        (("--from", "2026-01-09", "--to", "2026-01-08"), "is after"),
        (("--from", "2026-01-05", "--to", "2027-01-01"), "has not come yet"),
    ],
)
def test_a_period_that_cannot_be_is_refused(keyreeve: Command, period: Any, says: str):
    keyreeve.settle()
    answer = keyreeve("evidence", "export", *period, "--out", "pack.zip")
    assert (answer.code, says in answer.err) == (2, True)


def test_a_file_that_is_there_is_never_overwritten(lived: Command):
    (lived.folder / "pack.zip").write_text("precious")
    answer = lived("evidence", "export", *PERIOD, "--out", "pack.zip")
    assert answer.code == 2
    assert (lived.folder / "pack.zip").read_text() == "precious"
    assert "evidence.exported" not in lived.audited()


def test_a_disk_that_is_full_is_told_and_leaves_no_half_of_a_pack(lived: Command):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        answer = lived("evidence", "export", *PERIOD, "--out", "pack.zip")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (answer.code, "pack.zip: cannot be written" in answer.err) == (2, True)
    assert not (lived.folder / "pack.zip").exists()
    export(lived, "pack.zip")


def test_after_days_of_the_demo_a_pack_is_sound_tells_of_everybody_and_masked_of_nobody(
    keyreeve: Command,
):
    keyreeve.settle(more=DEMO)
    keyreeve.sandbox.reset("demo", MONDAY)
    story = list(events("demo"))
    for day in range(8):
        assert keyreeve.run(day).code == 0
        for on, hour, user, act, details in story:
            if on == day:
                keyreeve.sandbox.set_clock(MONDAY + timedelta(days=on, hours=hour))
                keyreeve.sandbox.act(user, act, **details)
    users = keyreeve.sandbox.account()["users"].keys() - {"keyreeve"}
    assert len(users) > 30
    period = ("--from", "2026-01-05", "--to", "2026-01-12")
    told = export(keyreeve, "open.zip", period=period)
    assert (told["problems"], told["records"] > 100) == ([], True)
    export(keyreeve, "masked.zip", "--mask", period=period)
    for name, seen in (("open.zip", users), ("masked.zip", set())):
        assert keyreeve("evidence", "verify", name).code == 0
        text = (keyreeve.folder / name).read_bytes().decode("latin-1")
        assert {
            user for user in users if re.search(rf"(?<![\w.-]){re.escape(user)}(?![\w-])", text)
        } == seen
    index = json.loads(files_of(keyreeve.folder / "open.zip")["index.json"])
    found = {row["control"] for row in index["controls"] if row["findings"]}
    assert found >= {"access_key_rotation", "console_mfa", "password_age"}
    assert all(row["supports"] for row in index["controls"] if row["findings"])


def test_the_end_of_retention_is_rehearsed_then_kept_and_the_log_stays_verifiable(
    keyreeve: Command,
):
    keyreeve.settle(more="retention: {runs: 3d, audit: 5d}\n")
    for day in DAYS:
        assert keyreeve.run(day).code == 0
    before = keyreeve.audit_records()
    rehearsed = keyreeve("--output", "json", "evidence", "purge")
    assert (rehearsed.code, rehearsed.json["executed"]) == (0, False)
    assert rehearsed.json["objects"].keys() >= {"audit", "collected", "mails", "runs"}
    assert keyreeve.audit_records() == before
    done = keyreeve("--output", "json", "evidence", "purge", "--execute")
    assert (done.code, done.json["gone"]) == (0, sum(done.json["objects"].values()))
    left = keyreeve.audit_records()
    assert left[0]["seq"] > 1
    purged = next(r for r in left if r["event"] == "evidence.purged")
    assert purged["data"]["audit_through"] == {
        "sequence": left[0]["seq"] - 1,
        "digest": left[0]["previous"],
    }
    assert keyreeve("state", "verify").code == 0
    export(keyreeve, "pack.zip", period=("--from", "2026-01-05", "--to", "2026-01-12"))
    assert keyreeve("evidence", "verify", "pack.zip").code == 0
    again = keyreeve("evidence", "purge", "--execute")
    assert (again.code, "Nothing is older" in again.out) == (0, True)
    assert keyreeve.run(8).code == 0
    assert keyreeve("state", "verify").code == 0


def test_what_object_lock_keeps_is_said_and_no_error(keyreeve: Command):
    s3 = aws(keyreeve.sandbox.url, "s3")
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket="locked",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3650}},
        },
    )
    keyreeve.settle(storage="{bucket: locked}", more="retention: {runs: 3d, audit: 5d}\n")
    for day in DAYS:
        assert keyreeve.run(day).code == 0
    doctor = keyreeve("doctor")
    assert "Object Lock" in doctor.out
    done = keyreeve("--output", "json", "evidence", "purge", "--execute")
    assert done.code == 0, done.err
    assert done.json["gone"] == 0
    assert len(done.json["locked"]) == sum(done.json["objects"].values()) > 0
    assert keyreeve("state", "verify").code == 0
