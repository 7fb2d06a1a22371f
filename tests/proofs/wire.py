"""The emulator inside this process, over HTTP, and a tap between the SDK and the wire.

What forks, forks with it: a child process of `in_a_fork` has the account, the bucket and the
mailbox as they stand, serves them on a port of its own, and takes its changes with it.
"""

from __future__ import annotations

import json
import os
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock, Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import botocore.endpoint
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session
from tests.proofs.chronicle import Blow, End
from tests.proofs.history import Call, Mail
from tests.scenario.peril import Stopped

from keyreeve.render import email
from keyreeve.render.email import MailRenderer
from keyreeve.sandbox import patches, seed
from keyreeve.sandbox.account import Document
from keyreeve.sandbox.account_file import read_account
from keyreeve.sandbox.process import Sandbox
from keyreeve.sandbox.server import HOST, listen
from keyreeve.sandbox.world import SettableClock, World
from keyreeve.wiring import machine

CHANGES = ("PUT ", "POST ", "DELETE ", "Create", "Update", "Delete", "Add", "Generate")
_MADE = re.compile(rb"<AccessKeyId>(\w+)</AccessKeyId>")
_send = URLLib3Session.send


class Emulator:
    """An AWS of one account, for the rest of this process's life."""

    def __init__(self, account: Document, at: datetime) -> None:
        self.world = World(clock=SettableClock(at))
        patches.apply(self.world)
        seed.reset(self.world, read_account(account), at)
        machine.WallClock.sleep = lambda *_: None
        botocore.endpoint.time = SimpleNamespace(sleep=lambda _: None)
        renderer = MailRenderer()  # its templates are read once for all runs
        email.MailRenderer = lambda *_, **__: renderer

    @contextmanager
    def serving(self) -> Iterator[Sandbox]:
        """Over HTTP, until the block ends."""
        server = listen(self.world)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        sandbox = Sandbox(at=self.world.clock.now())
        sandbox.url = f"http://{HOST}:{server.server_port}"
        os.environ.update(sandbox.environment())
        try:
            yield sandbox
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def in_a_fork(work: Callable[[], Any]) -> Any:
    """What `work` answers (JSON) in a copy of this process, which ends with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            told = {"answer": work()}
        except BaseException:  # noqa: BLE001 - told to the parent
            told = {"broke": traceback.format_exc()}
        with os.fdopen(writing, "w") as pipe:
            json.dump(told, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = json.loads(pipe.read() or '{"broke": "the fork ended without a word"}')
    os.waitpid(child, 0)
    if "broke" in told:
        raise RuntimeError(told["broke"])
    return told["answer"]


class Tap:
    """Sees every request of the SDK, its own retries included; may be the end of one."""

    def __init__(
        self, sandbox: Sandbox, events: list[Call | Mail], blow: Blow | None = None
    ) -> None:
        self.calls: list[str] = []
        self._sandbox = sandbox
        self._events = events
        self._blow = blow
        self._dead = False
        self._lock = Lock()

    @contextmanager
    def between(self) -> Iterator[None]:
        """While the block lasts."""

        def send(session: Any, request: Any) -> Any:
            return self._call(session, request)

        URLLib3Session.send = send
        try:
            yield
        finally:
            URLLib3Session.send = _send

    def _call(self, session: Any, request: Any) -> Any:
        with self._lock:
            if self._dead:
                raise Stopped
            number = len(self.calls)
            self.calls.append(name_of(request))
            if self._blow is None or self._blow.at != number:
                return self._pass(session, request)
            self._dead = self._blow.kills
            if self._blow.takes_effect:
                self._pass(session, request, answered=False)
            if self._dead:
                raise Stopped
            raise ConnectionClosedError(endpoint_url=request.url)

    def _pass(self, session: Any, request: Any, *, answered: bool = True) -> Any:
        response = _send(session, request)
        effect = response.status_code < 300
        operation, params = _asked(request)
        if operation == "PutObject" and "credentials/" in request.url:
            key = unquote(urlsplit(request.url).path).partition("/credentials/")[2]
            self._note(f"s3:{operation}", {"Key": f"credentials/{key}"}, effect, answered)
        elif "Action" in params:
            made = _MADE.search(response.content) if operation == "CreateAccessKey" else None
            self._note(f"iam:{operation}", params, effect, answered, made)
        elif operation == "SendEmail" and effect:
            known = sum(isinstance(event, Mail) for event in self._events)
            self._events += [
                Mail(at=mail.at, to=mail.destinations, raw=mail.raw)
                for mail in self._sandbox.mails(known)
            ]
        return response

    def _note(
        self,
        operation: str,
        params: dict[str, str],
        effect: bool,  # noqa: FBT001
        answered: bool,  # noqa: FBT001
        made: re.Match[bytes] | None = None,
    ) -> None:
        told = ("AccessKeyId", "Status", "GroupName", "Key")
        self._events.append(
            Call(
                at=self._sandbox.now,
                operation=operation,
                user=params.get("UserName"),
                params={name: params[name] for name in told if name in params},
                effect=effect,
                answered=answered,
                made=made[1].decode() if made else None,
            )
        )


def _asked(request: Any) -> tuple[str, dict[str, str]]:
    """Operation and form parameters."""
    body = request.body if isinstance(request.body, str | bytes) else b""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if "Action=" in text and "json" not in str(request.headers.get("Content-Type", "")):
        params = dict(parse_qsl(text))
        return params["Action"], params
    if request.url.endswith("/outbound-emails"):
        return "SendEmail", {}
    return {"PUT": "PutObject"}.get(request.method, request.method), {}


def name_of(request: Any) -> str:
    """`CreateAccessKey`, `PUT state.json`, `POST outbound-emails` …"""
    operation, params = _asked(request)
    if params:
        return operation
    path = urlsplit(request.url).path
    return f"{request.method} {path.partition('/etv/')[2] or path.rpartition('/')[2]}"


def strike(blow: Blow, call: str) -> str:
    """For people."""
    return f"{blow.end} call {blow.at} ({call})"


def ends_for(call: str) -> tuple[End, ...]:
    """What tells of a call: what only reads leaves the same world, whenever the process stops."""
    if call.startswith(CHANGES):
        return (End.STOPPED_AFTER, End.ANSWER_LOST, End.NEVER_ARRIVED)
    return (End.ANSWER_LOST,)
