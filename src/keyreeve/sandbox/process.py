"""The sandbox from outside: start it, wait for it, ask it, end it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

from keyreeve.model.errors import ConfigError, KeyreeveError
from keyreeve.sandbox.account import OWN_KEY_ID, OWN_SECRET, REGION, Act, Document
from keyreeve.sandbox.account_file import load_document, read_account
from keyreeve.sandbox.returns import sns_event

_PATIENCE = 10


class SandboxFailed(KeyreeveError):
    """The sandbox did not start or did not understand."""


def environment_for(url: str) -> dict[str, str]:
    """What the SDK must see to reach the sandbox and nothing else."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": OWN_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": OWN_SECRET,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that the emulated SES accepted."""

    number: int
    """Counts from 1."""
    id: str
    """As SendEmail returned it."""
    wire_id: str
    """As the recipient sees it: `<id@email.amazonses.com>`."""
    source: str
    destinations: tuple[str, ...]
    at: datetime
    raw: bytes
    """As handed over."""
    delivered: bytes
    """As the recipient gets it: Message-ID and Date are SES's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSession:
    """Temporary credentials of somebody who signed in to the console."""

    access_key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    mfa: bool
    """Whether a code was shown."""
    must_change_password: bool
    """Nothing but ChangePassword is served before that."""
    expires: datetime
    """By the sandbox's clock."""


class Sandbox:
    """A running sandbox; a context manager that ends it. Also ends with this process."""

    def __init__(
        self, *, account: str | Path | Document = "small", at: datetime, port: int = 0
    ) -> None:
        self._account = account
        self._at = at
        self._port = port
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        """Start, and wait until it answers. SandboxFailed if it does not."""
        named = self._account if isinstance(self._account, str | Path) else "empty"
        command = [sys.executable, "-m", "keyreeve.sandbox", "--end-with-stdin"]
        command += ["--port", str(self._port), "--account", str(named), "--at", _iso(self._at)]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            self._await()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process, by its id."""
        self.stop()

    def _await(self) -> None:
        line = self._process.stdout.readline() if self._process and self._process.stdout else ""
        word, _, self.url = line.strip().partition(" ")
        if word != "ready":
            raise SandboxFailed("did not start", where="sandbox", remedy="See its error output.")
        if not isinstance(self._account, str | Path):
            self.reset(self._account, self._at)

    def stop(self) -> None:
        """End the process; harmless when it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    @property
    def pid(self) -> int:
        """The server's process id; 0 when it is not running."""
        return self._process.pid if self._process else 0

    def environment(self) -> dict[str, str]:
        """Environment variables for the SDK, with Keyreeve's own credentials."""
        return environment_for(self.url)

    # --- time and data ---------------------------------------------------------------------

    def reset(
        self,
        account: str | Path | Document = "small",
        at: datetime | None = None,
        **settings: object,
    ) -> None:
        """An account of this data alone, at this instant (default: as at the start)."""
        document = load_document(account) if isinstance(account, str | Path) else account
        given = {"account": document, "at": _iso(at or self._at), "settings": settings}
        self._ask("POST", "reset", given)

    def add_account(self, document: Document) -> None:
        """One more account beside those that are there."""
        self._ask("POST", "seed", document)

    def set_clock(self, at: datetime, *, ticking: bool = False) -> None:
        """Set the clock; it stands still unless it ticks."""
        self._ask("POST", "clock", {"at": _iso(at), "ticking": ticking})

    @property
    def now(self) -> datetime:
        """The sandbox's instant."""
        return datetime.fromisoformat(self._ask("GET", "clock")["at"])

    def configure(self, **settings: object) -> None:
        """Change settings (world.Settings), such as `mail_quota=200` or `report_cache=False`."""
        self._ask("POST", "settings", settings)

    # --- people and failures ---------------------------------------------------------------

    def act(self, user: str, act: Act | str, **details: object) -> dict[str, Any]:
        """Let a user of the home account do something now (acts.py)."""
        told: dict[str, Any] = self._ask(
            "POST", "act", {"user": user, "act": str(act), "details": details}
        )
        return told

    def emit(self, event: Document, account_id: str | None = None) -> str:
        """One more CloudTrail event, as it is: a duplicate, a foreign one. Its eventID."""
        told = self._ask("POST", "emit", {"event": event, "account_id": account_id})
        return str(told["eventID"])

    def confirm(self, subscription: str) -> list[str]:
        """Let a subscriber confirm, by subscription ARN or address; the ARNs."""
        told: list[str] = self._ask("POST", "confirm", {"subscription": subscription})["confirmed"]
        return told

    def alerts(self, since: int = 0) -> list[dict[str, Any]]:
        """What confirmed e-mail subscribers got, in order: to, subject, message, topic, at."""
        told: list[dict[str, Any]] = self._ask("GET", f"alerts?since={since}")
        return told

    def settle(self) -> None:
        """Wait until everything that follows from the calls so far has happened."""
        self._ask("POST", "settle", {})

    def plant_fault(self, operation: str = "*", **fault: object) -> None:
        """Let calls fail (faults.Fault): `code`, `status`, `when`, `count`, `key` …"""
        self._ask("POST", "fault", {"operation": operation, **fault})

    def clear_faults(self) -> None:
        """Let everything work again."""
        self._ask("DELETE", "fault")

    def authorise(
        self, documents: Sequence[Document] | None, *, access_key: str = OWN_KEY_ID
    ) -> None:
        """Let a key do what these policies allow and no more; None: everything again."""
        given = None if documents is None else list(documents)
        self._ask("POST", "guard", {"access_key": access_key, "documents": given})

    def enforce(self, on: bool = True) -> None:  # noqa: FBT001, FBT002 - a switch
        """Let every call be judged by the policies that its signer really has; a reset ends it."""
        self.configure(enforce=on)

    def sign_in(self, user: str, password: str, otp: str | None = None) -> ConsoleSession:
        """A user of the home account signs in to the console. SandboxFailed in AWS's words.

        A user with an MFA device needs its code (`otp`).
        """
        return self._signed_in({"user": user, "password": password, "otp": otp})

    def sign_in_as_root(self, *, mfa: bool = True) -> ConsoleSession:
        """The root user of the home account signs in."""
        return self._signed_in({"root": True, "mfa": mfa})

    def _signed_in(self, given: Mapping[str, Any]) -> ConsoleSession:
        told = self._ask("POST", "sign-in", given)
        return ConsoleSession(**{**told, "expires": datetime.fromisoformat(told["expires"])})

    def otp(self, serial: str, steps: int = 0) -> str:
        """What a virtual MFA device shows, now or so many steps of 30 seconds later."""
        told = self._ask("GET", f"otp?serial={quote(serial)}&steps={steps}")
        return str(told["code"])

    # --- what happened ---------------------------------------------------------------------

    def account(self, account_id: str | None = None) -> dict[str, Any]:
        """IAM as JSON: `users` by name, `groups`, `roles`, `policies`, `password_policy`."""
        told: dict[str, Any] = self._ask(
            "GET", "account" + (f"?id={account_id}" if account_id else "")
        )
        return told

    def user(self, name: str) -> dict[str, Any]:
        """One user of the home account: `keys`, `login_profile`, `mfa`, `tags`, `groups` …"""
        told: dict[str, Any] = self.account()["users"][name]
        return told

    def mails(self, since: int = 0) -> list[Mail]:
        """Sent mails in order, those with a number above `since`."""
        return list(map(_mail, self._ask("GET", f"mails?since={since}")))

    def feedback(
        self, mail: Mail, kind: str = "bounce", *, to: str | None = None, detail: str = "Permanent"
    ) -> Document:
        """The Lambda event with SES's notification that this mail came back (see `returns`).

        `kind`: bounce, complaint, delivery, reject; `to`: one of its recipients, default the
        first; `detail`: the type of a bounce.
        """
        return sns_event(mail.id, mail.source, mail.destinations, self.now, kind, to, detail)

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """AWS calls in order, as calls.Call has them; those with a number above `since`."""
        told: list[dict[str, Any]] = self._ask("GET", f"calls?since={since}")
        return told

    def forget_calls(self) -> None:
        """Count calls anew from 1."""
        self._ask("DELETE", "calls")

    def fingerprint(self) -> str:
        """A digest of IAM, S3, secrets and mail: equal before and after means: nothing changed."""
        return str(self._ask("GET", "fingerprint")["sha256"])

    def canonical_state(self) -> str:
        """What the fingerprint is made of, to see what changed."""
        return str(self._ask("GET", "fingerprint?full=1")["canonical"])

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One control request. SandboxFailed with the sandbox's words if it is refused."""
        place = urlsplit(self.url)
        connection = HTTPConnection(place.hostname or "", place.port or 0, timeout=_PATIENCE * 6)
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/_sandbox/{path}", content)
            response = connection.getresponse()
            told = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:  # noqa: PLR2004 - HTTP's word for "done"
            raise SandboxFailed(str(told.get("error", told)), where=f"sandbox {path}")
        return told


def events(account: str | Path | Document) -> Iterator[tuple[int, int, str, Act, Document]]:
    """The story of an account in order: day, hour, user, act, details."""
    document = load_document(account) if isinstance(account, str | Path) else account
    told = read_account(document).events
    for event in sorted(told, key=lambda event: (event.day, event.hour)):
        yield event.day, event.hour, event.user, event.act, event.details


def _mail(data: Mapping[str, Any]) -> Mail:
    return Mail(
        number=data["number"],
        id=data["id"],
        wire_id=data["wire_id"],
        source=data["source"],
        destinations=tuple(data["destinations"]),
        at=datetime.fromisoformat(data["at"]),
        raw=data["raw"].encode("utf-8", "surrogateescape"),
        delivered=data["delivered"].encode("utf-8", "surrogateescape"),
    )


def _iso(at: datetime) -> str:
    if at.tzinfo is None:
        raise ConfigError(f"{at} has no time zone", where="sandbox clock")
    return at.isoformat()
