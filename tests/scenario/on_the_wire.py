"""Two cases to come on the sandbox, run over HTTP in this process as the command line runs them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore.httpsession
import pytest
from tests.sandbox_fixture import MONDAY, aws
from tests.scenario.peril import Stopped
from tests.scenario.village import Silence

from keyreeve import wiring
from keyreeve.config import parse
from keyreeve.pipeline import daily
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Sandbox
from keyreeve.wiring import machine

PREFIX = "iam-compliance/etv/"
CONFIG = f"""\
project_name: "ETV"
storage: {{bucket: {BUCKET}}}
mail:
  sender: "IAM Compliance <iam-compliance@example.com>"
  cc: [msp-team@example.com]
  owner: {{domains: [example.com]}}
"""
POLICY = {"MinimumPasswordLength": 14, "AllowUsersToChangePassword": True}
ACCOUNT = {
    "password_policy": POLICY,
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


@pytest.fixture
def wire(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox with two cases to come; nobody waits for IAM to become consistent."""
    monkeypatch.setattr(machine.WallClock, "sleep", lambda *_: None)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    sandbox.reset(ACCOUNT, MONDAY)
    return sandbox


def run(sandbox: Sandbox, day: float) -> daily.Report:
    """The daily run as the command line does it, in this process."""
    now = MONDAY + timedelta(days=day)
    sandbox.set_clock(now)
    config = parse(CONFIG, path=Path("config.yaml"))
    door = wiring.open_door(config, execute=True, as_of=now)
    with wiring.account_for_writing(door) as account:
        return daily.run(account, now, Silence(), execute=True)


def break_the_lock(sandbox: Sandbox) -> None:
    """As the lease's end would."""
    aws(sandbox.url, "s3").delete_object(Bucket=BUCKET, Key=f"{PREFIX}lock.json")


def escrowed(sandbox: Sandbox) -> set[str]:
    s3 = aws(sandbox.url, "s3")
    found = set()
    prefix = f"{PREFIX}credentials/access-keys/"
    for row in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", []):
        content = s3.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read().decode()
        found |= {line["Access key ID"] for line in csv.DictReader(io.StringIO(content))}
    return found


def private(sandbox: Sandbox, user: str) -> int:
    return sum(mail.destinations == (f"{user}@example.com",) for mail in sandbox.mails())


def state(sandbox: Sandbox) -> dict[str, Any]:
    found = aws(sandbox.url, "s3").get_object(Bucket=BUCKET, Key=f"{PREFIX}state.json")
    return json.loads(found["Body"].read())


def keys(sandbox: Sandbox) -> dict[str, str]:
    return {key["id"]: key["status"] for key in sandbox.user("aged.key")["keys"]}


@contextmanager
def stopped_at(place: Callable[[Any], bool], *, after: bool) -> Iterator[None]:
    """The process ends at the first request for which `place` is true."""
    send = botocore.httpsession.URLLib3Session.send
    dead = []

    def last_call(self: Any, request: Any) -> Any:
        if dead:
            raise Stopped
        if not place(request):
            return send(self, request)
        dead.append(request.url)
        if after:
            send(self, request)
        raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.httpsession.URLLib3Session, "send", last_call)
        with pytest.raises(Stopped):
            yield
    assert dead
