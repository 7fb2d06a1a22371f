"""The whole cycle in fifteen compressed days on the sandbox: a ladder day lasts ten minutes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.sandbox_fixture import MONDAY
from tests.scenario.command_line import CONFIG, iso

from keyreeve.cli import main
from keyreeve.sandbox.process import Sandbox

DAY = timedelta(minutes=10)
ACCOUNT = {
    "password_policy": {"MinimumPasswordLength": 14, "AllowUsersToChangePassword": True},
    "groups": [{"name": "MFA-Setup"}, {"name": "Quarantine"}],
    "users": [
        {
            "name": "trial.key",
            "tags": {"email": "trial.key@example.com"},
            "keys": [{"created": "13h", "last_used": "1h"}],
        },
        {
            "name": "trial.spare",
            "tags": {"email": "trial.spare@example.com"},
            "keys": [
                {"created": "2h", "last_used": "30m"},
                {"created": "5h", "last_used": "3h"},
            ],
        },
        {
            "name": "trial.mfa",
            "tags": {"email": "trial.mfa@example.com"},
            "password": {"changed": "1h", "last_sign_in": "1h"},
        },
        {
            "name": "real.key",
            "tags": {"email": "real.key@example.com"},
            "keys": [{"created": "400d", "last_used": "1d"}],
        },
        {
            "name": "real.mfa",
            "tags": {"email": "real.mfa@example.com"},
            "password": {"changed": "1d", "last_sign_in": "1d"},
        },
    ],
}


@pytest.mark.parametrize("start", [MONDAY, MONDAY + timedelta(days=5, hours=17)], ids=["Mon", "Sat"])
def test_fifteen_compressed_days_walk_the_whole_ladder_and_touch_nobody_else(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start
):
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    sandbox.reset(ACCOUNT, start)
    path = tmp_path / "config.yaml"
    path.write_text(
        CONFIG
        + 'compressed_clock: {day: 10m, users: ["trial.*"]}\n'
        + "enforcement: {console_mfa: quarantine}\n"
        + "limits: {disruptive_share: 1.0, disruptive_floor: 5}\n",
        encoding="utf-8",
    )
    before = sandbox.account()["users"]
    for number in range(17):
        at = start + number * DAY
        sandbox.set_clock(at)
        for name in ("trial.key", "trial.spare"):
            if sandbox.user(name)["keys"][0]["status"] == "Active":
                sandbox.act(name, "use_key", key="newest" if name == "trial.spare" else "oldest")
        assert main(["--config", str(path), "run", "--execute", "--as-of", iso(at)]) == 0

    def days(user: str) -> list[int]:
        to = f"{user}@example.com"
        return [(m.at - start) // DAY for m in sandbox.mails() if to == m.destinations[0] and len(m.destinations) == 2]

    assert days("trial.key") == [0, 3, 7, 10, 11, 12, 13, 14, 15]
    assert days("trial.mfa")[:8] == [0, 3, 7, 10, 11, 12, 13, 14]
    private = [m for m in sandbox.mails() if m.destinations == ("trial.key@example.com",)]
    assert [(m.at - start) // DAY for m in private] == [7]
    after = sandbox.account()["users"]
    assert [k["status"] for k in after["trial.key"]["keys"]] == ["Inactive", "Active"]
    assert after["trial.mfa"]["groups"] == ["MFA-Setup"]
    assert sorted(k["status"] for k in after["trial.spare"]["keys"]) == ["Active", "Inactive"]
    for name in ("real.key", "real.mfa"):
        assert after[name] == before[name]
        assert not [m for m in sandbox.mails() if f"{name}@example.com" in m.destinations]
