"""A run takes as few calls as carry the facts: other tools in the account keep their share."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keyreeve import wiring
from keyreeve.config import parse
from keyreeve.pipeline import daily
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.old_account import old_account
from keyreeve.sandbox.process import Sandbox

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
USERS, FLAGGED = 5000, 40
CONFIG = f"""\
project_name: ETV
storage: {{bucket: {BUCKET}}}
mail: {{sender: iam@example.com, cc: [msp-team@example.com]}}
exclusions: [{{tag: "keyreeve:exclude=true"}}]
"""


class Silent:
    def stage(self, name: str, total: int | None = None) -> None: ...

    def step(self, count: int = 1) -> None: ...


def calls_of(sandbox: Sandbox, now: datetime) -> Counter[str]:
    """IAM calls of one executed run."""
    sandbox.set_clock(now)
    sandbox.forget_calls()
    door = wiring.open_door(parse(CONFIG, path=Path("config.yaml")), execute=True, as_of=now)
    with wiring.account_for_writing(door) as account:
        report = daily.run(account, now, Silent(), execute=True)
    assert report.exit_code == 0
    return Counter(call["operation"] for call in sandbox.calls() if call["service"] == "iam")


def test_5000_users_cost_a_call_per_page_and_one_per_user_with_a_key_finding(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    sandbox.reset(old_account(USERS, FLAGGED), MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)

    first = calls_of(sandbox, MONDAY)
    second = calls_of(sandbox, MONDAY + timedelta(days=1))

    assert first["GetAccountAuthorizationDetails"] <= USERS // 1000 + 2
    assert first["GetCredentialReport"] == 1
    assert 0 < first["ListAccessKeys"] <= FLAGGED
    assert sum(first.values()) <= first["ListAccessKeys"] + USERS // 1000 + 10
    # The state knows the keys now: a slot costs a call only when it has changed.
    assert second["ListAccessKeys"] == 0
