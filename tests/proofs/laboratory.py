"""AWS and Keyreeve in one process that can fork: each call can fail in a world of its own.

The SDK is the real one down to its last layer, which hands requests to the emulator instead of a
socket; the command line is the real one from its arguments to its exit code.  A fork is a process
with its own streams, files and account, and what it does to them ends with it.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

import boto3
import botocore.endpoint
import botocore.httpsession
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError

from keyreeve import cli, wiring
from keyreeve.aws import sessions
from keyreeve.sandbox import patches, seed
from keyreeve.sandbox.account import BUCKET, Document
from keyreeve.sandbox.account_file import load_document, read_account
from keyreeve.sandbox.faults import error_body
from keyreeve.sandbox.process import environment_for
from keyreeve.sandbox.seed import iam_backend
from keyreeve.sandbox.wire import Door
from keyreeve.sandbox.world import SettableClock, World
from keyreeve.wiring import machine

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
TOKEN = "session-token-canary-FwoGZXIvYXdzEJr/9fKk2Xq1t5vW8yZ3="
CONFIG = f"""\
project_name: "ETV"
storage: {{bucket: {BUCKET}}}
mail:
  sender: "IAM Compliance <iam-compliance@example.com>"
  cc: [msp-team@example.com]
  owner: {{domains: [example.com]}}
"""
KINDS = ("error", "drop", "cut", "odd", "port")
"""error: refused in words that quote the request · drop: done, no answer · cut: done, the answer
ends within its secret · odd: the SDK raises what quotes request and answer · port: a method of a
port raises what nobody expects."""
ARRIVING = ("outbound-emails", "PutSecretValue")
"""Calls that bring a secret to where it belongs."""
ODD = (RuntimeError, KeyError, OSError, UnicodeError, RecursionError, TypeError, AssertionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What fails: the call of this number, counted from the command's beginning."""

    kind: str
    at: int

    def __str__(self) -> str:
        """For the replay."""
        return f"{self.kind} at call {self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Something that was written, and where."""

    name: str
    content: bytes


class Raw(io.BytesIO):
    """What botocore asks of a response's body."""

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.read()


class Laboratory:
    """One account and the command line, from the first day on."""

    def __init__(
        self, folder: Path, *, account: str | Document = "small", config: str = CONFIG
    ) -> None:
        self.folder = folder
        self._account = load_document(account) if isinstance(account, str) else account
        self._config = config
        self.calls: list[str] = []
        """Operations, then port methods, since `count` began."""
        self.ports: list[str] = []
        self.secrets: dict[str, str] = {}
        """What must be found nowhere: name → secret, as the wire has seen them."""
        self.requests: list[Place] = []
        self.trouble: Trouble | None = None
        self._struck = ""
        self._seen: dict[str, int] = {}
        self.world = World(clock=SettableClock(MONDAY))
        self._door = self._aws()
        self.environment = environment_for("http://127.0.0.1:9") | {"AWS_SESSION_TOKEN": TOKEN}

    def _aws(self) -> Door:
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - patched in the fork only
            DomainDispatcherApplication,
            create_backend_app,
        )

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        patches.apply(self.world)
        seed.reset(self.world, read_account(self._account), MONDAY)
        return Door(self.world, DomainDispatcherApplication(create_backend_app))

    # --- the process ----------------------------------------------------------------------------

    def settle(self, *, loud: bool = True) -> None:
        """Make this process Keyreeve's: its folder, streams, environment, debug switches."""
        self.folder.mkdir(exist_ok=True)
        home = self.folder / "home"
        home.mkdir()
        (self.folder / "config.yaml").write_text(self._config)
        os.chdir(self.folder)
        for name in [n for n in os.environ if n.startswith(("AWS_", "KEYREEVE_"))]:
            del os.environ[name]
        os.environ.update(self.environment | {"HOME": str(home), "TMPDIR": str(home)})
        tempfile.tempdir = None
        for number, stream in ((1, "stdout"), (2, "stderr")):
            file = os.open(self.folder / stream, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(file, number)
            os.close(file)
            setattr(sys, stream, open(number, "w", closefd=False, buffering=1))  # noqa: SIM115
        warnings.simplefilter("default")
        root = logging.getLogger()
        root.handlers[:] = [logging.StreamHandler(sys.stderr)]
        if loud:
            boto3.set_stream_logger("")
            boto3.set_stream_logger("botocore")

    def prepare(self) -> None:
        """Requests go to the emulator, ports are watched, nobody waits."""
        laboratory = self
        wire = wiring.wire
        make, kept = sessions.Sessions, {}

        def signed_in(**given: Any) -> Any:
            """Clients cost more than all else: made once, as loud or silent as new ones."""
            sessions._hush()
            key = str(given)
            kept[key] = kept.get(key) or make(**given)
            return kept[key]

        def send(_: Any, request: Any) -> AWSResponse:
            return laboratory._send(request)

        def watched(*args: Any, **more: Any) -> Any:
            account = wire(*args, **more)
            for name in account.tools.__slots__:
                port = getattr(account.tools, name)
                seen = (
                    tuple(Watched(each, laboratory) for each in port)
                    if isinstance(port, tuple)
                    else Watched(port, laboratory)
                )
                object.__setattr__(account.tools, name, seen)
            return account

        botocore.httpsession.URLLib3Session.send = send
        botocore.endpoint.time = Impatient()
        machine.WallClock.sleep = lambda *_: None
        wiring.wire = watched
        sessions.Sessions = signed_in

    def command(
        self, day: float, *arguments: str, trouble: Trouble | None = None, quiet: bool = False
    ) -> int:
        """`keyreeve -v …` (or `-q …`) as of a day, to its exit code."""
        at = MONDAY + timedelta(days=day)
        self.world.clock.set(at)
        self.trouble, self._struck = trouble, ""
        self.calls, self.ports = [], []
        when = () if "state" in arguments else ("--as-of", at.isoformat())
        code = cli.main(["-q" if quiet else "-v", *arguments, *when])
        self.trouble = None
        return code

    @property
    def old_key(self) -> str:
        """The access key that the story replaces."""
        return iam_backend(self.world.home).get_user("aged.key").access_keys[0].access_key_id

    @property
    def seen(self) -> frozenset[str]:
        """The names of all places that were ever written, but requests."""
        return frozenset(self._seen)

    @staticmethod
    def branch(work: Callable[[], object]) -> Any:
        """What `work` returns, done in a fork; a RuntimeError if the fork broke."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(read)
                told = json.dumps(work())
                with os.fdopen(write, "w") as answer:
                    answer.write(told)
                os._exit(0)
            except BaseException as error:  # noqa: BLE001 - told to the parent, whatever it is
                with os.fdopen(write, "w") as answer:
                    answer.write(json.dumps({"broken": f"{type(error).__name__}: {error}"}))
                os._exit(1)
        os.close(write)
        with os.fdopen(read) as answer:
            told = json.loads(answer.read() or "null")
        os.waitpid(child, 0)
        if isinstance(told, dict) and "broken" in told:
            raise RuntimeError(told["broken"])
        return told

    # --- the wire -------------------------------------------------------------------------------

    def _send(self, request: Any) -> AWSResponse:
        body = _body(request)
        operation = _operation(request, body)
        self._remember(request, operation, body)
        struck = self._strikes(operation)
        if struck and self.trouble.kind == "error":
            said = b" ".join((body, repr(dict(request.headers)).encode()))
            kind, text, more = error_body(
                _service(request, operation), "ValidationError", said.decode("utf-8", "replace")
            )
            return _response(request, 400, [("Content-Type", kind), *more.items()], text)
        status, headers, content = self._answer(request, body)
        self._learn(operation, content)
        if struck and self.trouble.kind == "drop":
            raise ConnectionClosedError(error=OSError("reset"), request=request, endpoint_url="?")
        if struck and self.trouble.kind == "odd":
            raise ODD[self.trouble.at % len(ODD)](f"{request.url} {body!r} {content!r}")
        if struck and self.trouble.kind == "cut":
            content = self._cut(content)
        return _response(request, status, headers, content)

    def _strikes(self, operation: str) -> bool:
        """Whether this call fails: the one of the number, and the SDK's repeats of it."""
        self.calls.append(operation)
        if self.trouble is None or self.trouble.kind == "port":
            return False
        if len(self.calls) - 1 == self.trouble.at:
            self._struck = operation
        return operation == self._struck

    def port_strikes(self, name: str) -> None:
        """A port is called; perhaps it raises."""
        self.ports.append(name)
        if self.trouble and self.trouble.kind == "port" and len(self.ports) - 1 == self.trouble.at:
            raise ODD[self.trouble.at % len(ODD)](f"planted in {name}")

    def _answer(self, request: Any, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        place = urlsplit(request.url)
        heard: list[Any] = []
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(place.path).decode("latin-1"),
            "RAW_URI": place.path,
            "QUERY_STRING": place.query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "9",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": place.netloc,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
        }
        for name, value in request.headers.items():
            text = value.decode() if isinstance(value, bytes) else str(value)
            environ["HTTP_" + name.upper().replace("-", "_")] = text
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        content = b"".join(self._door(environ, lambda *told: heard.extend(told)))
        return int(heard[0].split()[0]), heard[1], content

    def _remember(self, request: Any, operation: str, body: bytes) -> None:
        """What of a request may hold no secret: all of it, but where it is meant to."""
        head = {n: v for n, v in request.headers.items() if n.lower() != "x-amz-security-token"}
        told = f"{request.method} {request.url} {head}".encode()
        if operation == "UpdateLoginProfile":
            self._learn_password(parse_qs(body.decode())["Password"][0])
        elif "/credentials/" in operation and request.method == "PUT":
            self._learn_escrow(body)
        elif not any(part in operation for part in ARRIVING) and request.method != "PUT":
            # Mails, objects and values are searched where they have arrived.
            told += b"\n" + body
        self.requests.append(Place(name=f"request {operation}", content=told))

    def _learn(self, operation: str, content: bytes) -> None:
        if operation == "CreateAccessKey":
            for secret in re.findall(rb"<SecretAccessKey>([^<]+)<", content):
                self._know("secret access key", secret.decode())

    def _learn_password(self, password: str) -> None:
        self._know("password", password)

    def _learn_escrow(self, content: bytes) -> None:
        (row,) = csv.DictReader(io.StringIO(content.decode()))
        for column in ("Secret access key", "Password"):
            if column in row:
                self._know(column.lower(), row[column])

    def _know(self, what: str, secret: str) -> None:
        if secret not in self.secrets.values():
            self.secrets[f"{what} {len(self.secrets) + 1}"] = secret

    def _cut(self, content: bytes) -> bytes:
        """Within the secret, if there is one; else in the middle."""
        at = content.find(b"<SecretAccessKey>")
        return content[: at + 17 + 30] if at >= 0 else content[: len(content) // 2]

    # --- what was written -----------------------------------------------------------------------

    def written(self) -> list[Place]:
        """All since the last time: streams, files, objects of all versions, values, mails."""
        found = (self._files, self._objects, self._secrets, self._mails, self._requested)
        return [place for each in found for place in each()]

    def _files(self) -> list[Place]:
        sys.stdout.flush()
        sys.stderr.flush()
        found = []
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            content = path.read_bytes() if path.is_file() else b""
            found += self._new(f"file {name}", name.encode() + b"\n" + content)
        return found

    def _objects(self) -> list[Place]:
        from moto.s3.models import s3_backends  # noqa: PLC0415 - patched in the fork only

        found = []
        for _, _, backend in s3_backends.iter_backends():
            for bucket in backend.buckets.values():
                for key in bucket.keys:
                    versions = [v for v in bucket.keys.getlist(key) if hasattr(v, "etag")]
                    for version in versions:
                        place = f"object {key.split('/', 2)[-1]} {version.version_id}"
                        content = key.encode() + repr(version.metadata).encode() + version.value
                        found += self._new(place, content)
        return found

    def _secrets(self) -> list[Place]:
        """Values in Secrets Manager, and apart from them all that is said about them."""
        from moto.secretsmanager.models import (  # noqa: PLC0415 - patched in the fork only
            secretsmanager_backends,
        )

        found = []
        for _, _, backend in secretsmanager_backends.iter_backends():
            for name, secret in backend.secrets.items():
                said = {**vars(secret), "versions": None}
                found += self._new(f"about secret {name}", f"{name} {said}".encode())
                for number, version in (secret.versions or {}).items():
                    value = str(version.get("secret_string", "")).encode()
                    found += self._new(f"secret {name} {number}", value)
        return found

    def _mails(self) -> list[Place]:
        found = []
        for number, mail in enumerate(self.world.outbox):
            private, rest = split_mail(mail.raw)
            who = "to its owner" if len(mail.destinations) == 1 else "to several"
            found += self._new(f"mail {number}", rest)
            for content in private:
                found += self._new(f"attachment {number} {who}", content)
        return found

    def _requested(self) -> list[Place]:
        found, self.requests = self.requests, []
        return found

    def _new(self, name: str, content: bytes) -> list[Place]:
        if self._seen.get(name) == hash(content):
            return []
        self._seen[name] = hash(content)
        return [Place(name=name, content=content)]


class Impatient:
    """botocore's `time`: between its attempts nobody waits."""

    def sleep(self, _: float) -> None: ...


class Watched:
    """A port whose methods are counted, and one of which may raise."""

    def __init__(self, port: Any, laboratory: Laboratory) -> None:
        self._port = port
        self._laboratory = laboratory

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value) or name in ("describe", "choice", "shuffle", "getrandbits"):
            return value

        def call(*args: Any, **more: Any) -> Any:
            self._laboratory.port_strikes(f"{type(self._port).__name__}.{name}")
            return value(*args, **more)

        return call


def split_mail(raw: bytes) -> tuple[list[bytes], bytes]:
    """The attachments' contents, and all the rest of the mail as it is on the wire."""
    private, rest = [], raw
    for part in message_from_bytes(raw).walk():
        if part.get_content_disposition() == "attachment":
            private.append(part.get_payload(decode=True))
            rest = rest.replace(part.get_payload().encode("ascii", "surrogateescape"), b"")
    return private, rest


def _body(request: Any) -> bytes:
    body = request.body
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _operation(request: Any, body: bytes) -> str:
    """`CreateAccessKey`; for services that speak in paths, method and path."""
    if found := re.match(rb"(?:.*&)?Action=(\w+)", body):
        return found[1].decode()
    if target := request.headers.get("X-Amz-Target"):
        return (target.decode() if isinstance(target, bytes) else target).partition(".")[2]
    path = urlsplit(request.url).path
    service = "email" if path.startswith("/v2/email") else "s3"
    return f"{service} {request.method} {path}"


def _service(request: Any, operation: str) -> str:
    """Whose errors look like this one's."""
    if request.headers.get("X-Amz-Target"):
        return "secretsmanager"
    return "s3" if "s3" in operation else "sesv2" if "email" in operation else "iam"


def _response(
    request: Any, status: int, headers: list[tuple[str, str]], content: bytes
) -> AWSResponse:
    return AWSResponse(request.url, status, dict(headers), Raw(content))
