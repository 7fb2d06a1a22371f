"""What a check and a run may cost, counted: calls, bytes, modules, writes. No clock is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from benchmarks.account import FIRST_ACCOUNT, Account, account
from benchmarks.answer import answer
from benchmarks.contenders import CONFIG, once
from benchmarks.contenders import KEYREEVE as CHECKED
from benchmarks.fleet import KEYREEVE as MANY_CHECKED
from benchmarks.measuring import Served, serving
from tests.scenario.test_calls_are_few import CONFIG as IN_A_BUCKET
from tests.scenario.test_calls_are_few import MONDAY, Silent

from keyreeve import wiring
from keyreeve.config import parse
from keyreeve.pipeline import daily
from keyreeve.sandbox.old_account import old_account
from keyreeve.sandbox.process import Sandbox

NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
DETAILS = "GetAccountAuthorizationDetails"
COUNTING = """\
import json, sys
import keyreeve.cli as cli
code = cli.main(sys.argv[1:])
sys.stderr.write("\\n" + json.dumps(sorted(sys.modules)))
sys.exit(code)
"""
IDLE = (
    *("boto3", "jinja2", "rich", "css_inline", "moto", "holidays", "apprise"),
    *("keyreeve.escalation.planner", "keyreeve.pipeline.daily", "keyreeve.render"),
    *("keyreeve.controls.posture", "keyreeve.config.access", "keyreeve.model.effect"),
)
"""What a check has no use for."""


@dataclass(frozen=True)
class Looked:
    """One check in a process of its own."""

    known: Account
    told: str
    calls: Mapping[str, int]
    received: int
    throttled: int
    modules: frozenset[str]
    home: Path

    def right(self) -> None:
        """The findings are those of the data set."""
        assert CHECKED.check(self.told, self.home, self.known) == "equal to the known answer"


def looked(known: Account, served: Served, home: Path, how: str = "") -> Looked:
    (home / "config.yaml").write_text(CONFIG)
    served.control("reset" + how)
    command = [sys.executable, "-c", COUNTING, "--output", "json", "check"]
    done = subprocess.run(
        [*command, "--as-of", NOW.isoformat()],
        cwd=home,
        env=served.environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    asked: dict[str, Any] = served.control("stats")
    return Looked(
        known=known,
        told=done.stdout,
        calls=asked["calls"],
        received=asked["bytes"],
        throttled=asked["throttled"],
        modules=frozenset(json.loads(done.stderr.splitlines()[-1])),
        home=home,
    )


FEW = {"users": 1090, "neglected": 0.02}
MANY = {"users": 90, "neglected": 1.0}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Looked, Looked]]:
    """More users than a page holds; asked twice, and before there is a report."""
    with serving(FEW["users"], NOW, neglected=FEW["neglected"]) as served:
        known = account(FEW["users"], NOW, neglected=FEW["neglected"])
        yield (
            looked(known, served, tmp_path_factory.mktemp("large")),
            looked(known, served, tmp_path_factory.mktemp("cold"), "?cold"),
        )


@pytest.fixture(scope="module")
def throttled(tmp_path_factory: pytest.TempPathFactory) -> Looked:
    with serving(MANY["users"], NOW, neglected=MANY["neglected"]) as served:
        served.control("set?rate=25&burst=4")
        known = account(MANY["users"], NOW, neglected=MANY["neglected"])
        return looked(known, served, tmp_path_factory.mktemp("throttled"))


def with_a_key_finding(known: Account) -> int:
    return len({row[1] for row in answer(known) if row[0].startswith("access_key")})


def test_a_check_asks_for_report_and_pages_and_one_call_a_user_with_a_key_finding(large):
    first, _ = large
    first.right()
    listed = with_a_key_finding(first.known)
    assert listed > 5
    assert first.calls == {
        "GetCallerIdentity": 1,
        "GenerateCredentialReport": 1,
        "GetCredentialReport": 1,
        DETAILS: 2,
        "ListAccessKeys": listed,
    }


def test_a_check_of_many_accounts_asks_four_things_of_each_and_one_a_user_with_a_key_finding():
    """Who lets us in, twice for the report, a page."""
    known = [account(60, NOW, neglected=0.5, number=FIRST_ACCOUNT + each) for each in range(3)]
    with serving(60, NOW, neglected=0.5, accounts=3) as served:
        done, _ = once(MANY_CHECKED, served, known)  # findings and users are the known ones
    each = ("AssumeRole", "GenerateCredentialReport", "GetCredentialReport")
    assert done.calls == {
        "GetCallerIdentity": 1,
        **dict.fromkeys((*each, DETAILS), 3),
        "ListAccessKeys": sum(map(with_a_key_finding, known)),
    }


def test_a_report_that_is_still_to_be_made_costs_one_call_more(large):
    first, cold = large
    cold.right()
    assert sum(cold.calls.values()) == sum(first.calls.values()) + 1


def test_throttling_changes_no_finding(throttled):
    throttled.right()
    assert throttled.throttled > 0
    assert throttled.calls["ListAccessKeys"] - throttled.throttled <= with_a_key_finding(
        throttled.known
    )


@pytest.mark.parametrize("users", [999, 1000, 1001])
def test_a_user_on_the_edge_of_a_page_is_found_and_costs_a_page(tmp_path: Path, users: int):
    """A page is full at 1,000 users, groups and policies: these stand behind the users."""
    with serving(users, NOW, neglected=0.02) as served:
        seen = looked(account(users, NOW, neglected=0.02), served, tmp_path)
    seen.right()
    assert seen.calls[DETAILS] == 2


def test_throttling_between_two_pages_changes_no_finding(tmp_path: Path):
    with serving(1001, NOW, neglected=0.02) as served:
        served.control("set?rate=25&burst=2")
        seen = looked(account(1001, NOW, neglected=0.02), served, tmp_path)
    seen.right()
    assert seen.throttled > 0


def test_a_user_costs_about_a_kilobyte_of_answers(large):
    first, _ = large
    assert first.received < 1200 * FEW["users"]


def test_a_check_imports_what_it_uses(large):
    first, _ = large
    assert not [name for name in first.modules if name.startswith(IDLE)]
    ours = [name for name in first.modules if name.partition(".")[0] == "keyreeve"]
    assert len(ours) <= 85
    assert len(first.modules) <= 680


def test_help_imports_next_to_nothing():
    script = "import sys; before = set(sys.modules); import keyreeve.cli as cli; "
    script += "cli.main(['--help']); print(len(set(sys.modules) - before), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stderr) <= 40


# --- writes -------------------------------------------------------------------------------------

FLAGGED = 12


def test_a_run_writes_twice_for_each_mail_and_a_few_times_for_itself(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    sandbox.reset(old_account(40, FLAGGED), MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    sandbox.forget_calls()
    config = parse(IN_A_BUCKET, path=Path("config.yaml"))
    door = wiring.open_door(config, execute=True, as_of=MONDAY)
    with wiring.account_for_writing(door) as opened:
        report = daily.run(opened, MONDAY, Silent(), execute=True)
    assert report.exit_code == 0
    puts = [call for call in sandbox.calls() if call["operation"] == "PutObject"]
    written = Counter(_folder(call["params"]["Key"]) for call in puts)
    mails = sum(call["operation"] == "SendEmail" for call in sandbox.calls())
    assert mails > FLAGGED / 2
    # What was accepted (P1, P3), and the copy that people can look up.
    assert written.pop("ops") == written.pop("mails") == mails
    # Lock, state and audit log before the first act and after the last; report, run.
    assert sum(written.values()) <= 11


def _folder(key: str) -> str:
    return key.partition("/etv/")[2].partition("/")[0]
