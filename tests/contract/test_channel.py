"""One contract, three channels: a webhook by apprise, an SNS topic, and the tests' own fake."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

import pytest
from tests.fakes.channel import FakeChannel
from tests.samples import summary, team
from tests.sandbox_fixture import MONDAY, aws, sandbox

from keyreeve.aws.sessions import Sessions
from keyreeve.aws.sns_channel import SnsChannel
from keyreeve.local.apprise_channel import AppriseChannel
from keyreeve.model.errors import AwsFailure, ChannelFailed
from keyreeve.ports.channels import Channel
from keyreeve.sandbox.account import REGION
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]
VARIABLE = "KEYREEVE_TEST_CHANNEL"


class Place(Protocol):
    """A channel and what came out at its other end."""

    channel: Channel

    def heard(self) -> list[tuple[str, str]]:
        """Titles and bodies, oldest first."""

    def close(self) -> None:
        """From now on nothing is taken."""


class FakePlace:
    def __init__(self) -> None:
        self.channel = FakeChannel()

    def heard(self) -> list[tuple[str, str]]:
        return [(text.title, text.body) for text in self.channel.posted]

    def close(self) -> None:
        self.channel.refusing = ChannelFailed("closed")


class Webhook:
    """An HTTP server on 127.0.0.1; `status` is what it answers."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.status = 200
        place = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                place.bodies.append(json.loads(self.rfile.read(length)))
                self.send_response(place.status)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"json://127.0.0.1:{self.server.server_port}/hook"
        self.channel = AppriseChannel(VARIABLE, {VARIABLE: self.url})

    def heard(self) -> list[tuple[str, str]]:
        return [(body["title"], body["message"]) for body in self.bodies]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Topic:
    """An SNS topic of the sandbox, with a subscriber."""

    def __init__(self, running: Sandbox) -> None:
        self.sns = aws(running.url, "sns")
        self.sandbox = running
        self.arn = self.sns.create_topic(Name="team")["TopicArn"]
        self.sns.subscribe(TopicArn=self.arn, Protocol="email", Endpoint="a@example.com")
        running.confirm("a@example.com")
        self.channel = SnsChannel(Sessions(rehearsal=False, region=REGION), self.arn)

    def heard(self) -> list[tuple[str, str]]:
        self.sandbox.settle()
        return [(told["subject"], told["message"]) for told in self.sandbox.alerts()]

    def close(self) -> None:
        self.sns.delete_topic(TopicArn=self.arn)


@pytest.fixture(params=["fake", "apprise", "sns"])
def place(
    request: pytest.FixtureRequest, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    match request.param:
        case "fake":
            yield FakePlace()
        case "apprise":
            hook = Webhook()
            yield hook
            hook.close()
        case _:
            sandbox.reset("empty", at=MONDAY)
            for name, value in sandbox.environment().items():
                monkeypatch.setenv(name, value)
            yield Topic(sandbox)


def test_a_bulletin_arrives_once_as_harmless_text(place: Place):
    place.channel.tell(team())
    place.channel.tell(summary())
    (first, body), (second, figures) = place.heard()
    assert first.startswith("ETV: ")
    assert "weekly summary of" in second
    assert "<" not in body
    assert "@" not in body
    assert "users have open findings" in figures


def test_what_is_not_taken_is_an_error_that_says_so(place: Place):
    place.close()
    with pytest.raises((ChannelFailed, AwsFailure)) as failed:
        place.channel.tell(team())
    assert failed.value.what


def test_a_usable_channel_says_what_it_is_and_posts_nothing(place: Place):
    assert place.channel.usable()
    assert place.heard() == []
    assert "http" not in place.channel.name
