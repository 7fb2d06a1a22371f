"""Real processes on the sandbox: started, watched, killed; and what happened, as a `History`.

Runs that nobody disturbs happen in this process, which is faster; those that race or die are
`python -m keyreeve` in processes of their own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.proofs.history import Call, History, Key, Mail
from tests.sandbox_fixture import MONDAY
from tests.scenario.village import Silence

from keyreeve import wiring
from keyreeve.config import load
from keyreeve.pipeline import daily
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Sandbox
from keyreeve.sandbox.wire import HANGING
from keyreeve.storage.layout import CREDENTIALS
from keyreeve.storage.lock import unlock
from keyreeve.wiring import machine

BUCKETED = f"{{bucket: {BUCKET}}}"
LOCAL = "{directory: ./state}"
STORAGES = (BUCKETED, LOCAL)
PREFIX = "iam-compliance/etv/"
TEAM = "msp-team@example.com"
CONFIG = """\
project_name: "ETV"
storage: {storage}
mail:
  sender: "IAM Compliance <iam-compliance@example.com>"
  cc: [msp-team@example.com]
  transport: ses
  owner: {{domains: [example.com]}}
"""
ACCOUNT = {
    "password_policy": {"MinimumPasswordLength": 14, "AllowUsersToChangePassword": True},
    "users": [
        {
            "name": "aged.key",
            "tags": {"email": "aged.key@example.com"},
            "keys": [{"created": "120d", "last_used": "1d"}],
        },
        {
            "name": "old.password",
            "tags": {"email": "old.password@example.com"},
            "password": {"changed": "100d", "last_sign_in": "2d"},
            "mfa": True,
        },
        {"name": "fine", "keys": [{"created": "2d", "last_used": "1d"}]},
        {"name": "fine.too", "keys": [{"created": "2d", "last_used": "1d"}]},
    ],
}
PREPARED = Path(__file__).parent / "prepared"
"""Put first on PYTHONPATH, it prepares a process: to die somewhere, to hold short leases."""
CHANGES = (
    *("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "UpdateLoginProfile"),
    *("DeleteLoginProfile", "AddUserToGroup", "SendEmail"),
)
_PATIENCE_SECONDS = 120.0
"""A process that has said nothing for so long has failed; it judges no promise."""


class Stage:
    """One account on the sandbox, one storage, and the runs on both."""

    def __init__(self, sandbox: Sandbox, folder: Path, storage: str) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.config = folder / "config.yaml"
        self.config.write_text(CONFIG.format(storage=storage), encoding="utf-8")
        self.now = MONDAY
        self._calls: list[Call | Mail] = []
        self._seen = self._mailed = 0
        self._files: set[Path] = set()
        sandbox.clear_faults()
        sandbox.reset(ACCOUNT, MONDAY)
        sandbox.forget_calls()
        self._first_keys = set(self._keys())

    # --- runs -----------------------------------------------------------------------------------

    def at(self, day: float) -> datetime:
        self.now = MONDAY + timedelta(days=day)
        self.sandbox.set_clock(self.now)
        return self.now

    def run(self, day: float) -> daily.Report:
        """A run in this process; nobody waits for IAM to become consistent."""
        now = self.at(day)
        with self.door() as door, wiring.account_for_writing(door) as account:
            report = daily.run(account, now, Silence(), execute=True)
        self.take_down()
        return report

    @contextmanager
    def door(self) -> Iterator[wiring.Door]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(machine.WallClock, "sleep", lambda *_: None)
            patch.chdir(self.folder)
            for name, value in self._environment().items():
                patch.setenv(name, value)
            yield wiring.open_door(load(self.config), execute=True, as_of=self.now)

    def launch(
        self, day: float, *arguments: str, more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """A process of its own: by default the daily run."""
        at = self.at(day).isoformat()
        verb = arguments or ("run", "--execute", "--as-of", at)
        return subprocess.Popen(
            [sys.executable, "-m", "keyreeve", "--config", str(self.config), *verb],
            env=self._environment() | _prepared(more or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
        )

    def _environment(self) -> dict[str, str]:
        usual = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "COV_"))}
        return usual | self.sandbox.environment() | {"NO_COLOR": "1"}

    # --- stops ----------------------------------------------------------------------------------

    def kill_at(self, process: subprocess.Popen[str]) -> bool:
        """SIGKILL once a planted `hang` holds the process; False if it ended before."""
        held = self.await_hanging(process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.sandbox.clear_faults()
        return held

    def await_hanging(self, process: subprocess.Popen[str]) -> bool:
        """Whether a planted `hang` holds the process."""
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < give_up:
            if any(call["code"] == HANGING for call in self.sandbox.calls(self._seen)):
                return True
            if process.poll() is not None:
                return False
            time.sleep(0.02)
        raise TimeoutError("the process neither went on nor ended")

    def break_lock(self) -> None:
        """`keyreeve state unlock --force`, as somebody does who knows that the run is dead."""
        with self.door() as door:
            unlock(door.store, clock=machine.WallClock(), force=True)

    # --- what happened --------------------------------------------------------------------------

    def take_down(self, *, lost_effect: bool = True) -> None:
        """Write down what reached AWS since the last time; a held call took effect or not."""
        rows = self.sandbox.calls(self._seen)
        self._take_down_files()
        mails = iter(self.sandbox.mails(self._mailed))
        for row in rows:
            effect = 200 <= row["status"] < 300 or (row["code"] == HANGING and lost_effect)
            if row["operation"] == "SendEmail" and effect:
                mail = next(mails)
                self._mailed = mail.number
                self._calls.append(Mail(at=self.now, to=mail.destinations, raw=mail.delivered))
            self._calls.append(
                Call(
                    at=self.now,
                    operation=f"{row['service']}:{row['operation']}",
                    user=row["user"],
                    params={k: str(v) for k, v in row["params"].items()},
                    effect=effect,
                    answered=row["status"] > 0,
                )
            )
        self._seen = rows[-1]["number"] if rows else self._seen

    def _take_down_files(self) -> None:
        """A directory tells nobody when a file was written: before the calls of its run."""
        for path in sorted(self.folder.glob(f"state/**/{CREDENTIALS}**/*.csv")):
            if path not in self._files:
                self._files.add(path)
                params = {"Key": f"{PREFIX}{CREDENTIALS}{str(path).rpartition(CREDENTIALS)[2]}"}
                self._calls.append(Call(at=self.now, operation="s3:PutObject", params=params))

    def history(self) -> History:
        """From the first run to now."""
        keys = self._keys()
        with self.door() as door:
            escrow = {
                PREFIX + row.key: door.store.get(row.key).content  # type: ignore[union-attr]
                for row in door.store.list(CREDENTIALS)
            }
        return History(
            calls=tuple(self._named(keys)),
            keys=tuple(keys.values()),
            escrow=escrow,
            team=frozenset({TEAM}),
        )

    def _named(self, keys: Mapping[str, Key]) -> Iterator[Call | Mail]:
        """CreateAccessKey with the id that it made: first those that were deleted."""
        deleted = [
            (e.user, e.params["AccessKeyId"])
            for e in self._calls
            if isinstance(e, Call) and e.operation == "iam:DeleteAccessKey" and e.effect
        ]
        alive = [(key.user, key.key_id) for key in keys.values()]
        new = [pair for pair in (*deleted, *alive) if pair[1] not in self._first_keys]
        for event in self._calls:
            if (
                isinstance(event, Call)
                and event.operation == "iam:CreateAccessKey"
                and event.effect
            ):
                made = next((pair for pair in new if pair[0] == event.user), None)
                if made is not None:
                    new.remove(made)
                    yield replace(event, made=made[1])
                    continue
            yield event

    def _keys(self) -> dict[str, Key]:
        return {
            key["id"]: Key(key_id=key["id"], user=name, active=key["status"] == "Active")
            for name, user in self.sandbox.account()["users"].items()
            for key in user["keys"]
            if name != "keyreeve"
        }

    def changes(self, since: int = 0) -> list[tuple[str, str | None]]:
        """Operation and user of the calls that changed something, after a call's number."""
        return [
            (row["operation"], row["user"])
            for row in self.sandbox.calls(since)
            if row["operation"] in CHANGES and 200 <= row["status"] < 300
        ]


def _prepared(more: Mapping[str, str]) -> dict[str, str]:
    path = f"{PREPARED}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    return {**more, "PYTHONPATH": path} if more else {}


@contextmanager
def stages() -> Iterator[Any]:
    """One sandbox; a function that makes an account anew: storage → Stage."""
    with Sandbox(account="small", at=MONDAY) as sandbox, TemporaryDirectory() as folder:
        made = 0

        def stage(storage: str) -> Stage:
            nonlocal made
            made += 1
            place = Path(folder, str(made))
            place.mkdir()
            return Stage(sandbox, place, storage)

        yield stage
