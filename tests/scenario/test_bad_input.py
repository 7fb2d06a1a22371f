"""Facts, storage and settings that are wrong: a clear word, nothing lost, others go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.sandbox_fixture import MONDAY, aws
from tests.scenario.command_line import CONFIG, at_day, iso
from tests.scenario.people import aged, bystanders, old_password, person
from tests.scenario.village import Village

from keyreeve.aws.s3_store import S3Store
from keyreeve.cli import main
from keyreeve.model.errors import AccountUnreadable
from keyreeve.ports import CredentialReport
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Sandbox
from keyreeve.storage.lock import AccountLock
from keyreeve.wiring.machine import WallClock

STATE = "iam-compliance/etv/state.json"


# --- the credential report ------------------------------------------------------------------------


def cut(content: bytes, keep: float) -> bytes:
    return content[: int(len(content) * keep)]


def old(report: CredentialReport) -> CredentialReport:
    return replace(report, generated_at=report.generated_at - timedelta(hours=25))


def young(report: CredentialReport) -> CredentialReport:
    return replace(report, generated_at=report.generated_at + timedelta(hours=25))


BROKEN: dict[str, Callable[[CredentialReport], CredentialReport]] = {
    "cut off": lambda report: replace(report, content=cut(report.content, 0.6)),
    "25 hours old": old,
    "25 hours ahead": young,
    "a strange row": lambda report: replace(report, content=report.content + b'"x,\n'),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("day", [0, 7, 14])
def test_a_report_that_cannot_be_trusted_stops_the_ladder_and_loses_nothing(name: str, day: int):
    village = Village(aged(), old_password(), *bystanders(6))
    village.live(0, day - 1)
    before = village.state
    mails = len(village.mailer.sent)
    village.account.report_of = BROKEN[name]
    report = village.run(day)
    assert report.exit_code == 1
    assert report.plan.gaps
    assert not [o for o in report.outcomes if o.effect_kind != "send_summary"]
    assert village.state.users == before.users
    assert len(village.mailer.sent) - mails <= 1
    village.account.report_of = lambda made: made
    village.live(day + 1, 24)
    assert [kind for _, kind in village.acts("aged.key")] == [
        "create_replacement_key",
        "deactivate_access_key",
    ]


@pytest.mark.parametrize("content", [b"", b"\n", b"<html>", b"user,arn\n", b"\xff\xfe\x00"])
def test_what_is_no_report_at_all_stops_the_run_before_it_starts(content: bytes):
    village = Village(aged(), *bystanders(6))
    village.live(0, 6)
    before = village.state
    village.account.report_of = lambda report: replace(report, content=content)
    with pytest.raises(AccountUnreadable):
        village.run(7)
    assert village.state == before
    village.account.report_of = lambda made: made
    village.live(8, 20)
    assert village.case("aged.key") is None


def test_a_row_that_cannot_be_read_holds_its_user_and_nobody_else():
    village = Village(aged(), aged("other"), *bystanders(6))
    village.live(0, 6)
    village.account.report_of = lambda report: replace(
        report, content=report.content.replace(b"aged.key,", b"aged.key,x", 1)
    )
    village.account.report_of = lambda report: replace(
        report,
        content=b"\n".join(
            line.replace(b"true", b"perhaps") if line.startswith(b"aged.key,") else line
            for line in report.content.split(b"\n")
        ),
    )
    report = village.run(7)
    assert report.exit_code == 1
    assert (7, "create_replacement_key") in village.acts("other")
    assert village.acts("aged.key") == []
    assert [h.gate.value for h in report.plan.held if h.user_name == "aged.key"] == ["evidence"]


def test_a_user_without_an_address_is_held_and_the_others_go_on():
    village = Village(person("nobody", *aged().keys, tags={}), aged(), *bystanders(6))
    codes = {village.run(day).exit_code for day in range(16)}
    assert codes == {0}
    assert [kind for _, kind in village.acts("aged.key")] == [
        "create_replacement_key",
        "deactivate_access_key",
    ]
    assert village.acts("nobody") == []


# --- storage and settings, by the command line ----------------------------------------------------


class Desk:
    """`keyreeve` called in this process, on the sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._capsys = capsys

    def run(self, day: float, config: str = CONFIG, *, execute: bool = True) -> tuple[int, str]:
        """Exit code, and what stands on stderr."""
        path = self._folder / "config.yaml"
        path.write_text(config, encoding="utf-8")
        self._sandbox.set_clock(at_day(day))
        verb = ["run", "--execute"] if execute else ["run"]
        code = main(["--config", str(path), *verb, "--as-of", iso(at_day(day))])
        return code, self._capsys.readouterr().err


@pytest.fixture
def desk(
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    sandbox.reset("small", MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_COLOR", "1")
    return Desk(sandbox, tmp_path, capsys)


def rewrite(sandbox: Sandbox, change: Callable[[bytes], bytes]) -> None:
    s3 = aws(sandbox.url, "s3")
    content = s3.get_object(Bucket=BUCKET, Key=STATE)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=STATE, Body=change(content), ServerSideEncryption="AES256")


def newer(content: bytes) -> bytes:
    return json.dumps(json.loads(content) | {"schema_version": 99}).encode()


def foreign_account(content: bytes) -> bytes:
    return content.replace(b"123456789012", b"999999999999")


@pytest.mark.parametrize(
    "change",
    [newer, foreign_account, lambda body: body[:-20], lambda _: b"", lambda _: b"{}"],
    ids=["newer schema", "another account", "truncated", "empty", "no state"],
)
def test_a_state_that_is_not_ours_to_read_ends_the_run_with_6_and_stays_as_it_is(
    sandbox: Sandbox, desk: Desk, change: Callable[[bytes], bytes]
):
    assert desk.run(0)[0] == 0
    rewrite(sandbox, change)
    sandbox.forget_calls()
    left = aws(sandbox.url, "s3").get_object(Bucket=BUCKET, Key=STATE)["Body"].read()
    mails = len(sandbox.mails())
    code, said = desk.run(1)
    assert (code, len(sandbox.mails())) == (6, mails)
    assert "state.json" in said
    assert "Traceback" not in said
    assert aws(sandbox.url, "s3").get_object(Bucket=BUCKET, Key=STATE)["Body"].read() == left


def test_two_projects_whose_names_collide_are_told_so(sandbox: Sandbox, desk: Desk):
    assert desk.run(0)[0] == 0
    code, said = desk.run(1, CONFIG.replace('"ETV"', '"etv"'))
    assert code == 6
    assert "project" in said
    assert desk.run(1)[0] == 0


def test_a_state_that_has_vanished_beside_its_operations_is_no_first_run(
    sandbox: Sandbox, desk: Desk
):
    assert desk.run(0)[0] == 0
    aws(sandbox.url, "s3").delete_object(Bucket=BUCKET, Key=STATE)
    code, said = desk.run(1)
    assert (code, "repair" in said) == (6, True)


@pytest.mark.parametrize("execute", [True, False])
def test_a_bucket_that_does_not_answer_ends_the_run_with_6(desk: Desk, execute: bool):  # noqa: FBT001
    code, said = desk.run(0, CONFIG.replace(BUCKET, "not-there-at-all"), execute=execute)
    assert code == 6
    assert "not-there-at-all" in said
    assert "Traceback" not in said


def test_a_run_before_the_last_one_is_a_usage_error(desk: Desk):
    assert desk.run(1)[0] == 0
    assert desk.run(0)[0] == 2


def test_a_wrong_setting_is_a_usage_error_with_its_line(desk: Desk):
    code, said = desk.run(0, CONFIG + "thresholds: {access_key_rotation: soon}\n")
    assert code == 2
    assert "thresholds" in said


def test_a_lock_that_somebody_holds_ends_the_run_with_5(sandbox: Sandbox, desk: Desk):
    store = S3Store(
        aws(sandbox.url, "s3"), bucket=BUCKET, prefix="iam-compliance/etv/", kms_key_id=None
    )
    with AccountLock(store, clock=WallClock(), holder="another run").held():
        code, said = desk.run(0)
    assert (code, "another run" in said) == (5, True)
    assert sandbox.mails() == []
    assert desk.run(0)[0] == 0


# --- the mail system ----------------------------------------------------------------------------


@pytest.mark.parametrize("day", [0, 7])
def test_an_unverified_sender_makes_no_key_and_the_next_day_recovers(
    sandbox: Sandbox, desk: Desk, day: int
):
    for earlier in range(0, day, 3):
        assert desk.run(earlier)[0] == 0
    mails = len(sandbox.mails())
    config = CONFIG.replace("iam-compliance@example.com", "iam@not-verified.example")
    code, _ = desk.run(day, config)
    assert (code, len(sandbox.mails())) == (1, mails)
    assert len(sandbox.user("aged.key")["keys"]) <= 2
    assert desk.run(day + 1)[0] == 0
    private = [m for m in sandbox.mails() if m.destinations == ("aged.key@example.com",)]
    assert len(private) == (1 if day == 7 else 0)
    assert len(sandbox.user("aged.key")["keys"]) == (2 if day == 7 else 1)


def test_the_sandbox_of_ses_refuses_one_recipient_and_the_others_go_on(
    sandbox: Sandbox, desk: Desk
):
    sandbox.reset(
        {
            "mail": {
                "verified": [
                    "iam-compliance@example.com",
                    "msp-team@example.com",
                    "one@example.com",
                ]
            },
            "users": [
                {
                    "name": name,
                    "tags": {"email": f"{name}@example.com"},
                    "keys": [{"created": "100d", "last_used": "1d"}],
                }
                for name in ("one", "two")
            ]
            + [{"name": f"fine{n}", "keys": [{"created": "2d"}]} for n in range(3)],
        },
        MONDAY,
        mail_production=False,
    )
    assert desk.run(0)[0] == 1
    assert [m.destinations[0] for m in sandbox.mails()] == [
        "one@example.com",
        "msp-team@example.com",
    ]
    assert desk.run(7)[0] == 1
    keys = {name: len(sandbox.user(name)["keys"]) for name in ("one", "two")}
    assert keys == {"one": 2, "two": 1}
    sandbox.configure(mail_production=True)
    assert desk.run(8)[0] == 0
    assert [m for m in sandbox.mails() if m.destinations[0] == "two@example.com"]


@pytest.mark.parametrize("left", [1, 2])
def test_a_spent_quota_makes_no_key_whose_mail_would_not_pass_and_the_next_day_recovers(
    sandbox: Sandbox, desk: Desk, left: int
):
    for day in (0, 3, 4):
        assert desk.run(day)[0] == 0
    sandbox.configure(mail_quota=left)
    desk.run(7)
    private = [
        m for m in sandbox.mails() if len(m.destinations) == 1 and "msp" not in m.destinations[0]
    ]
    keys = sandbox.user("aged.key")["keys"]
    assert len(private) <= left
    assert len(keys) - 1 == len([m for m in private if m.destinations[0].startswith("aged.key")])
    sandbox.configure(mail_quota=50_000)
    assert desk.run(8)[0] == 0
    assert len(sandbox.user("aged.key")["keys"]) == 2
    assert [m for m in sandbox.mails() if m.destinations == ("old.password@example.com",)]
