"""The whole cycle in fifteen compressed days on the sandbox: a ladder day lasts ten minutes."""

from __future__ import annotations

from datetime import datetime, timedelta
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
                {"created": "5h", "last_used": "30m"},
                {"created": "4h", "last_used": "3h"},
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


STARTS = [MONDAY, MONDAY + timedelta(days=5, hours=17)]
"""The second crosses midnight into a Sunday."""


class Trial:
    """`keyreeve run --execute` in this process, every ten minutes."""

    def __init__(
        self,
        sandbox: Sandbox,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        self._path = folder / "config.yaml"
        self._path.write_text(CONFIG + COMPRESSED, encoding="utf-8")
        self.sandbox = sandbox
        self.start = MONDAY

    def begin(self, start: datetime) -> None:
        self.start = start
        self.sandbox.reset(ACCOUNT, start)

    def run(self, day: int) -> int:
        at = self.start + day * DAY
        self.sandbox.set_clock(at)
        for name in ("trial.key", "trial.spare"):
            if self.sandbox.user(name)["keys"][0]["status"] == "Active":
                self.sandbox.act(name, "use_key", key="oldest")
        return main(["--config", str(self._path), "run", "--execute", "--as-of", iso(at)])

    def days(self, user: str, *, private: bool = False) -> list[int]:
        """Compressed days of the mails to a user."""
        to = f"{user}@example.com"
        return [
            (mail.at - self.start) // DAY
            for mail in self.sandbox.mails()
            if to in mail.destinations and (len(mail.destinations) == 1) == private
        ]


COMPRESSED = """\
compressed_clock: {day: 10m, users: ["trial.*"]}
enforcement: {console_mfa: quarantine}
limits: {disruptive_share: 1.0, disruptive_floor: 5}
"""


@pytest.fixture
def trial(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    return Trial(sandbox, tmp_path, monkeypatch)


@pytest.mark.parametrize("start", STARTS, ids=["Mon", "Sat"])
def test_fifteen_compressed_days_walk_the_whole_ladder_and_touch_nobody_else(
    trial: Trial, start: datetime
):
    trial.begin(start)
    before = trial.sandbox.account()["users"]
    for number in range(17):
        assert trial.run(number) == 0
    assert trial.days("trial.key") == [0, 3, 7, 10, 11, 12, 13, 14, 15]
    assert trial.days("trial.spare") == [0, 3, 7, 10, 11, 12, 13, 14, 15]
    assert trial.days("trial.mfa") == [0, 3, 7, 10, 11, 12, 13, 14]
    assert trial.days("trial.key", private=True) == [7]
    after = trial.sandbox.account()["users"]
    assert [k["status"] for k in after["trial.key"]["keys"]] == ["Inactive", "Active"]
    assert [k["status"] for k in after["trial.spare"]["keys"]] == ["Active", "Inactive"]
    assert after["trial.mfa"]["groups"] == ["MFA-Setup"]
    for name in ("real.key", "real.mfa"):
        assert after[name] == before[name]
        assert trial.days(name) == trial.days(name, private=True) == []


def test_users_who_are_not_listed_are_no_gap(trial: Trial):
    trial.begin(MONDAY)
    assert trial.run(0) == 0
