"""The whole life of a secret against the sandbox: made, fetched by its owner, purged."""

from __future__ import annotations

import json
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.sandbox_fixture import MONDAY, aws
from tests.scenario.on_the_wire import (
    ACCOUNT,
    CONFIG,
    PREFIX,
    break_the_lock,
    keys,
    stopped_at,
)
from tests.scenario.village import Silence

from keyreeve import wiring
from keyreeve.cli.app import app
from keyreeve.config import parse
from keyreeve.pipeline import daily
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Sandbox
from keyreeve.wiring import machine

KEPT = CONFIG + "credentials: {delivery: secrets_manager}\n"
KEYED = {
    **ACCOUNT,
    "users": [
        {**user, "keys": [{"created": "20d", "last_used": "1d"}]}
        if user["name"] == "old.password"
        else user
        for user in ACCOUNT["users"]
    ],
}


@pytest.fixture
def wire(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.setattr(machine.WallClock, "sleep", lambda *_: None)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    sandbox.reset(KEYED, MONDAY)
    aws(sandbox.url, "s3").put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
    )
    return sandbox


def run(sandbox: Sandbox, day: float, config: str = KEPT) -> daily.Report:
    now = MONDAY + timedelta(days=day)
    sandbox.set_clock(now)
    door = wiring.open_door(parse(config, path=Path("config.yaml")), execute=True, as_of=now)
    with wiring.account_for_writing(door) as account:
        return daily.run(account, now, Silence(), execute=True)


def secrets(sandbox: Sandbox) -> dict[str, Any]:
    """By name: policy, tags and digests of versions."""
    found = json.loads(sandbox.canonical_state())["secretsmanager"]
    return {path.split("/", 2)[2]: secret for path, secret in found.items()}


def of(sandbox: Sandbox, user: str) -> str:
    (name,) = [n for n in secrets(sandbox) if sandbox.user(user)["id"] in n]
    return name


def read_as(sandbox: Sandbox, user: str, name: str) -> str:
    """With the oldest key that the user has; the sandbox looks at ids, not at signatures."""
    key = sandbox.user(user)["keys"][0]["id"]
    own = aws(sandbox.url, "secretsmanager", key, "any")
    return own.get_secret_value(SecretId=name)["SecretString"]


def versions(sandbox: Sandbox) -> list[str]:
    told = aws(sandbox.url, "s3").list_object_versions(
        Bucket=BUCKET, Prefix=f"{PREFIX}credentials/"
    )
    return [row["Key"] for row in (*told.get("Versions", ()), *told.get("DeleteMarkers", ()))]


def private(sandbox: Sandbox, user: str) -> list[Any]:
    to = (f"{user}@example.com",)
    mails = [mail for mail in sandbox.mails() if mail.destinations == to]
    return [message_from_bytes(mail.delivered, policy=policy.default) for mail in mails]


def test_day_7_keeps_the_secret_for_its_owner_and_mails_where_it_lies(wire: Sandbox):
    run(wire, 0)
    wire.forget_calls()
    run(wire, 7)
    for user in ("aged.key", "old.password"):
        name = of(wire, user)
        (mail,) = private(wire, user)
        assert list(mail.iter_attachments()) == []
        text = mail.get_body(("plain",)).get_content()
        assert name in text
        assert "aws secretsmanager get-secret-value" in text
        value = read_as(wire, user, name)
        secret = value.splitlines()[1].split(",")[2 if user == "aged.key" else 1]
        assert secret not in mail.as_string()
        other = "fine"
        with pytest.raises(Exception, match="AccessDenied"):
            read_as(wire, other, name)
        document = json.loads(secrets(wire)[name]["policy"])
        assert document["Statement"][0]["Principal"]["AWS"] == wire.user(user)["arn"]
    order = [
        call["operation"]
        for call in wire.calls()
        if call["operation"] in ("CreateAccessKey", "UpdateLoginProfile", "SendEmail")
        or (call["service"] == "secretsmanager")
    ]
    kept = ["CreateSecret", "PutResourcePolicy", "PutSecretValue", "SendEmail"]
    assert order[:5] == ["CreateAccessKey", *kept]
    assert "UpdateLoginProfile" in order
    assert order[order.index("UpdateLoginProfile") + 1 :][:4] == kept
    assert "SecretString" not in json.dumps(wire.calls())


def target(request: Any) -> str:
    value = request.headers.get("X-Amz-Target", b"")
    return value.decode() if isinstance(value, bytes) else value


CALLS = ("CreateSecret", "PutResourcePolicy", "PutSecretValue")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [*CALLS, "-keeping.json"])
def test_a_stop_around_each_call_leaves_one_secret_with_the_escrowed_value(
    wire: Sandbox,
    call: str,
    after: bool,  # noqa: FBT001
):
    run(wire, 0)
    with stopped_at(lambda it: target(it).endswith(call) or call in it.url, after=after):
        run(wire, 7)
    break_the_lock(wire)
    run(wire, 7.05)
    for user in ("aged.key", "old.password"):
        assert len(secrets(wire)[of(wire, user)]["versions"]) == 1
        assert len(private(wire, user)) == 1
    new = [key for key, status in keys(wire).items() if status == "Active"][-1]
    assert len(keys(wire)) == 2
    assert new in read_as(wire, "aged.key", of(wire, "aged.key"))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_a_lost_answer_is_reconciled_today_or_by_the_next_run(wire: Sandbox, call: str, when: str):
    run(wire, 0)
    wire.plant_fault(call, answer="drop", when=when, count=5)
    run(wire, 7)
    wire.clear_faults()
    run(wire, 7.05)
    for user in ("aged.key", "old.password"):
        assert len(secrets(wire)[of(wire, user)]["versions"]) == 1
        assert len(private(wire, user)) == 1
    assert len(keys(wire)) == 2


def test_at_the_end_of_the_retention_every_version_and_the_secret_are_gone(wire: Sandbox):
    for day in (0, 7, 11, 14, 15):
        run(wire, day)
    assert len(versions(wire)) == len(secrets(wire)) == 2
    s3 = aws(wire.url, "s3")
    kept = versions(wire)[0]
    content = s3.get_object(Bucket=BUCKET, Key=kept)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=kept, Body=content)
    assert len(versions(wire)) == 3
    run(wire, 36.9)
    assert len(versions(wire)) == 3
    report = run(wire, 37)
    assert report.exit_code == 0
    assert versions(wire) == []
    assert secrets(wire) == {}
    assert [e.kind for e in run(wire, 38).plan.effects if e.kind == "purge_escrow"] == []


def asked(tmp_path: Path, *arguments: str) -> str:
    """What the command line says under the config that keeps secrets."""
    config = tmp_path / "config.yaml"
    config.write_text(KEPT)
    told = CliRunner().invoke(app, ["--config", str(config), *arguments], catch_exceptions=False)
    return told.output


def test_a_rehearsal_changes_nothing_and_names_the_purges(wire: Sandbox, tmp_path: Path):
    for day in (0, 7, 11, 14, 15):
        run(wire, day)
    wire.set_clock(MONDAY + timedelta(days=37))
    before = wire.fingerprint()
    assert "credentials/access-keys/" in asked(tmp_path, "plan", "--as-of", "2026-02-11T06:00:00Z")
    assert wire.fingerprint() == before


def test_verify_misses_no_escrow_that_was_purged(wire: Sandbox, tmp_path: Path):
    for day in (0, 7, 11, 14, 15, 37):
        run(wire, day)
    assert versions(wire) == []
    assert "missing" not in asked(tmp_path, "state", "verify")


def test_the_doctor_looks_whether_the_vault_answers(wire: Sandbox, tmp_path: Path):
    said = asked(tmp_path, "doctor")
    assert "Secrets Manager" in said
    assert "old versions" in said
    wire.plant_fault("DescribeSecret", code="AccessDeniedException", status=400, count=None)
    said = asked(tmp_path, "doctor")
    assert "secretsmanager:DescribeSecret" in said
