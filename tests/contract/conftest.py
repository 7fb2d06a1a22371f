"""What the contract suites run against: the emulator, and servers that answer by script.

`account` is one AWS account behind the ports, once for each implementation. A new implementation
is a class like `MotoAccount` and a line in `IMPLEMENTATIONS`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from keyreeve.aws.iam_actuator import IamActuator
from keyreeve.aws.iam_reader import IamReader
from keyreeve.aws.sessions import Sessions
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.ports import AccountReader, CredentialActuator


class Seed(Protocol):
    """How a test furnishes an account."""

    def user(self, name: str, *, path: str = "/", tags: dict[str, str] | None = None) -> None: ...
    def access_key(self, user: str) -> AccessKeyId: ...
    def password(self, user: str) -> None: ...
    def mfa_device(self, user: str) -> None: ...
    def group(self, name: str, *members: str) -> None: ...
    def user_policy(self, user: str, name: str, document: dict) -> None: ...
    def group_policy(self, group: str, name: str, document: dict) -> None: ...
    def managed_policy(self, name: str, document: dict) -> str: ...
    def attach_to_user(self, user: str, arn: str) -> None: ...
    def attach_to_group(self, group: str, arn: str) -> None: ...
    def password_policy(self, **settings: object) -> None: ...
    def delete_user(self, user: str) -> None: ...


class Account(Protocol):
    """One account behind the ports."""

    reader: AccountReader
    actuator: CredentialActuator
    seed: Seed


class StillClock:
    """Waits without waiting, and remembers for how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 5, 6, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class MotoSeed:
    """Furnishes the emulator through its own API, without our adapters."""

    def __init__(self, endpoint: str) -> None:
        self._iam = _client(endpoint)

    def user(self, name: str, *, path: str = "/", tags: dict[str, str] | None = None) -> None:
        rows = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
        self._iam.create_user(UserName=name, Path=path, Tags=rows)

    def access_key(self, user: str) -> AccessKeyId:
        return self._iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]

    def password(self, user: str) -> None:
        self._iam.create_login_profile(UserName=user, Password="Correct-Horse-7")

    def mfa_device(self, user: str) -> None:
        device = self._iam.create_virtual_mfa_device(VirtualMFADeviceName=user)
        self._iam.enable_mfa_device(
            UserName=user,
            SerialNumber=device["VirtualMFADevice"]["SerialNumber"],
            AuthenticationCode1="123456",
            AuthenticationCode2="654321",
        )

    def group(self, name: str, *members: str) -> None:
        self._iam.create_group(GroupName=name)
        for member in members:
            self._iam.add_user_to_group(GroupName=name, UserName=member)

    def user_policy(self, user: str, name: str, document: dict) -> None:
        self._iam.put_user_policy(
            UserName=user, PolicyName=name, PolicyDocument=json.dumps(document)
        )

    def group_policy(self, group: str, name: str, document: dict) -> None:
        self._iam.put_group_policy(
            GroupName=group, PolicyName=name, PolicyDocument=json.dumps(document)
        )

    def managed_policy(self, name: str, document: dict) -> str:
        made = self._iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))
        return made["Policy"]["Arn"]

    def attach_to_user(self, user: str, arn: str) -> None:
        self._iam.attach_user_policy(UserName=user, PolicyArn=arn)

    def attach_to_group(self, group: str, arn: str) -> None:
        self._iam.attach_group_policy(GroupName=group, PolicyArn=arn)

    def password_policy(self, **settings: object) -> None:
        self._iam.update_account_password_policy(**settings)

    def delete_user(self, user: str) -> None:
        self._iam.delete_user(UserName=user)


@cache
def _client(endpoint: str):
    session = botocore.session.Session()
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "planted-secret")
    return session.create_client("iam", endpoint_url=endpoint, region_name="eu-west-1")


class MotoAccount:
    """The emulator over HTTP, through the AWS adapters."""

    def __init__(self, endpoint: str) -> None:
        sessions = Sessions(rehearsal=False)
        self.reader = IamReader(sessions, StillClock())
        self.actuator = IamActuator(sessions)
        self.seed = MotoSeed(endpoint)


def _moto(request: pytest.FixtureRequest) -> MotoAccount:
    return MotoAccount(request.getfixturevalue("moto_endpoint"))


IMPLEMENTATIONS: dict[str, Callable[[pytest.FixtureRequest], Account]] = {
    "moto": _moto,
}


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def account(request: pytest.FixtureRequest) -> Account:
    """One empty account."""
    return IMPLEMENTATIONS[request.param](request)


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path) -> pytest.MonkeyPatch:
    """An SDK chain that finds nothing of the machine it runs on, but credentials and a region."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return monkeypatch


@pytest.fixture(scope="session")
def _moto_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto_endpoint(_moto_server: str, clean_environment: pytest.MonkeyPatch) -> str:
    """The emulator, emptied, and the SDK pointed at it."""
    with urlopen(Request(f"{_moto_server}/moto-api/reset", method="POST")):  # noqa: S310
        pass
    clean_environment.setenv("AWS_ENDPOINT_URL", _moto_server)
    return _moto_server


DROP = object()
"""Instead of an answer: the connection is closed."""


class ScriptedAws:
    """A server on loopback that answers in order by script, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.signers: list[str] = []
        """The access key id of each request."""
        self.answers: list[object] = []
        self.turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, *bodies: object) -> None:
        """Each a body (200), a pair of status and body, DROP, or what makes one of the request.

        The last one is repeated.
        """
        self.answers = list(bodies)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                asked = body or f"{self.command} {self.path}"
                signed = self.headers.get("Authorization", "").partition("Credential=")[2]
                with script.turn:
                    script.asked.append(asked)
                    script.signers.append(signed.partition("/")[0])
                    answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
                if callable(answer):
                    answer = answer(asked)
                if answer is DROP:
                    self.close_connection = True
                    return
                status, text = answer if isinstance(answer, tuple) else (200, answer)
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = do_DELETE = do_HEAD = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler

    def actions(self) -> list[str]:
        """The names of the IAM calls."""
        return [parse_qs(body).get("Action", [body])[0] for body in self.asked]


@pytest.fixture
def scripted(clean_environment: pytest.MonkeyPatch) -> Iterator[ScriptedAws]:
    """A scripted AWS, and the SDK pointed at it."""
    server = ScriptedAws()
    clean_environment.setenv("AWS_ENDPOINT_URL", server.endpoint)
    yield server
    server.stop()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()
