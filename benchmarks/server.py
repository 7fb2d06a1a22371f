"""Serves one account (or many alike) as AWS would; counts, delays, throttles.

    python -m benchmarks.server --users 1000

GET /_ctl/stats     calls by action, bytes sent, throttled ones
GET /_ctl/reset     forget them; `?cold`: the credential report is still to be made
GET /_ctl/set       ?latency=40&rate=20&burst=40 (ms; calls a second; calls; rate 0: no limit)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from benchmarks.account import FIRST_ACCOUNT, account, renewed
from benchmarks.iam import REQUEST_ID, Answers, Refusal, refused, written

_ASSUMED = re.compile(rb"Credential=ASIA(\d{12})")
"""Keys that AssumeRole here hands out say whose account they open."""
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_TARGET = re.compile(rb"(?i)x-amz-target: *([^\r]+)")
_THROTTLED = Refusal(400, "Throttling", "Rate exceeded")


class Desk:
    """What is known, what was asked, and how fast it is told."""

    def __init__(
        self, users: int, accounts: int, neglected: float, now: datetime, keys_anew: int
    ) -> None:
        drawn = (
            account(users, now, neglected=neglected, number=number)
            for number in range(FIRST_ACCOUNT, FIRST_ACCOUNT + accounts)
        )
        self._answers = {each.id: Answers(renewed(each, keys_anew)) for each in drawn}
        self.latency = 0.0
        self._rate, self._burst = 0.0, 40.0
        self.forget()

    def forget(self) -> None:
        """Counts from zero."""
        self.calls: Counter[str] = Counter()
        self.throttled = 0
        self.sent = 0
        self._buckets: dict[str, tuple[float, float]] = {}

    def control(self, target: str) -> bytes:
        """GET /_ctl/…"""
        parts = urlsplit(target)
        if parts.path.endswith("/reset"):
            self.forget()
            for each in self._answers.values():
                each.report_made = parts.query != "cold"
        if parts.path.endswith("/set"):
            given = dict(parse_qsl(parts.query))
            self.latency = float(given.get("latency", 0)) / 1000
            self._rate, self._burst = float(given.get("rate", 0)), float(given.get("burst", 40))
        told = {"calls": self.calls, "throttled": self.throttled, "bytes": self.sent}
        told["accounts"] = list(self._answers)
        return _http(200, json.dumps(told), "application/json")

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Any other request."""
        assumed = _ASSUMED.search(head)
        whose = assumed.group(1).decode() if assumed else f"{FIRST_ACCOUNT:012}"
        asked = dict(parse_qsl(body.decode("latin1"), keep_blank_values=True))
        action = asked.get("Action") or _named(head)
        self.calls[action] += 1
        if not self._may(whose):
            self.throttled += 1
            return _refusal(_THROTTLED)
        if action == "AssumeRole":
            return _http(200, written(action, _assumed(asked["RoleArn"], asked["RoleSessionName"])))
        try:
            found = self._answers[whose].answer(action, asked)
        except KeyError:
            return _refusal(Refusal(400, "InvalidAction", f"not known here: {action}"))
        return _refusal(found) if isinstance(found, Refusal) else _http(200, written(action, found))

    def _may(self, whose: str) -> bool:
        """A bucket of tokens for each account."""
        if not self._rate:
            return True
        now = time.monotonic()
        tokens, last = self._buckets.get(whose, (self._burst, now))
        tokens = min(self._burst, tokens + (now - last) * self._rate)
        self._buckets[whose] = (tokens - (tokens >= 1), now)
        return tokens >= 1


class Connection(asyncio.Protocol):
    """HTTP/1.1, kept alive; as much of it as SDKs use."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Whole requests are answered, in order."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length.group(1)) if length else 0)
            if len(self._read) < whole:
                if b"100-continue" in head.lower():
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body, self._read = self._read[end + 4 : whole], self._read[whole:]
            self._handle(head, body)

    def _handle(self, head: bytes, body: bytes) -> None:
        target = head.split(b" ", 2)[1].decode("latin1")
        if target.startswith("/_ctl/"):
            self._transport.write(self._desk.control(target))
            return
        answer = self._desk.answer(head, body)
        self._desk.sent += len(answer)
        asyncio.get_running_loop().call_later(self._desk.latency, self._write, answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _named(head: bytes) -> str:
    """What is asked by a header, or by the path alone."""
    target = _TARGET.search(head)
    return target.group(1).decode() if target else " ".join(head.decode("latin1").split()[:2])


def _assumed(role_arn: str, session: str) -> str:
    account_id, role = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    return (
        f"<Credentials><AccessKeyId>ASIA{account_id}AAAA</AccessKeyId>"
        f"<SecretAccessKey>{'s' * 40}</SecretAccessKey><SessionToken>{'t' * 300}</SessionToken>"
        f"<Expiration>{expires}</Expiration></Credentials><AssumedRoleUser>"
        f"<Arn>arn:aws:sts::{account_id}:assumed-role/{role}/{session}</Arn>"
        f"<AssumedRoleId>AROA{account_id}:{session}</AssumedRoleId></AssumedRoleUser>"
    )


def _refusal(refusal: Refusal) -> bytes:
    return _http(refusal.status, refused(refusal))


def _http(status: int, text: str, kind: str = "text/xml") -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status} X\r\nx-amzn-RequestId: {REQUEST_ID}\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _serve(desk: Desk, port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(desk), "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Print the port, serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--accounts", type=int, default=1)
    parser.add_argument("--neglected", type=float, default=1.0)
    parser.add_argument("--now", type=datetime.fromisoformat, default=None)
    parser.add_argument("--keys-anew", type=int, default=0)
    given = parser.parse_args()
    now = given.now or datetime.now(UTC).replace(microsecond=0)
    desk = Desk(given.users, given.accounts, given.neglected, now, given.keys_anew)
    asyncio.run(_serve(desk, given.port))


if __name__ == "__main__":
    main()
