"""One contract, three heartbeats: a watcher's URL, a metric of CloudWatch, and the tests' fake."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

import pytest
from tests.fakes.heartbeat import FakeHeartbeat
from tests.sandbox_fixture import MONDAY, aws, sandbox

from keyreeve.aws.heartbeat_metric import MetricHeartbeat
from keyreeve.aws.sessions import Sessions
from keyreeve.local.url_heartbeat import UrlHeartbeat
from keyreeve.model.errors import AwsFailure, HeartbeatFailed
from keyreeve.ports.heartbeat import Heartbeat
from keyreeve.sandbox.account import REGION
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]
VARIABLE = "KEYREEVE_HEARTBEAT_URL"
CANARY = "5f2d7c1e-canary"


class Place(Protocol):
    """A heartbeat and what came out at its other end."""

    heartbeat: Heartbeat

    def heard(self) -> int:
        """How often."""

    def close(self) -> None:
        """From now on nothing is taken."""


class FakePlace:
    def __init__(self) -> None:
        self.heartbeat = FakeHeartbeat()

    def heard(self) -> int:
        return self.heartbeat.beats

    def close(self) -> None:
        self.heartbeat.refusing = HeartbeatFailed("closed")


class Watcher:
    """A server on 127.0.0.1 that answers by script: statuses, the last one again and again."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses or (200,))
        self.asked: list[str] = []
        self.waited: list[float] = []
        place = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place.asked.append(self.path)
                status = place.statuses.pop(0) if len(place.statuses) > 1 else place.statuses[0]
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/{CANARY}"
        self.heartbeat = UrlHeartbeat(VARIABLE, {VARIABLE: self.url}, self.waited.append)

    def heard(self) -> int:
        return len(self.asked)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Metric:
    """CloudWatch in the sandbox."""

    def __init__(self, running: Sandbox, forget: Callable[[str], None]) -> None:
        self.cloudwatch = aws(running.url, "cloudwatch")
        self.forget = forget
        self.heartbeat = MetricHeartbeat(Sessions(rehearsal=False, region=REGION), "etv")

    def heard(self) -> int:
        named = self.cloudwatch.list_metrics(
            Namespace="Keyreeve",
            MetricName="DailyRunEnded",
            Dimensions=[{"Name": "Project", "Value": "etv"}],
        )
        return len(named["Metrics"])

    def close(self) -> None:
        self.forget("AWS_ENDPOINT_URL")
        self.heartbeat = MetricHeartbeat(Sessions(rehearsal=True, region=REGION), "etv")


@pytest.fixture(params=["fake", "url", "metric"])
def place(
    request: pytest.FixtureRequest, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    match request.param:
        case "fake":
            yield FakePlace()
        case "url":
            with closing(Watcher()) as watcher:
                yield watcher
        case _:
            sandbox.reset("empty", at=MONDAY)
            for name, value in sandbox.environment().items():
                monkeypatch.setenv(name, value)
            yield Metric(sandbox, monkeypatch.delenv)


def test_a_beat_is_heard_once(place: Place):
    place.heartbeat.beat()
    assert place.heard() == 1


def test_what_is_not_taken_is_an_error_that_says_so(place: Place):
    place.close()
    with pytest.raises((HeartbeatFailed, AwsFailure)) as failed:
        place.heartbeat.beat()
    assert failed.value.what


def test_a_usable_heartbeat_says_what_it_is_and_tells_nobody(place: Place):
    assert place.heartbeat.usable()
    assert place.heard() == 0
    assert "http" not in place.heartbeat.name


@pytest.mark.parametrize(
    ("statuses", "asked", "waited", "told"),
    [
        ((200,), 1, [], True),
        ((204,), 1, [], True),
        ((503, 200), 2, [1.0], True),
        ((503, 500, 200), 3, [1.0, 5.0], True),
        ((503,), 3, [1.0, 5.0], False),
        ((404,), 1, [], False),
        ((302,), 3, [1.0, 5.0], False),
    ],
)
def test_a_watcher_that_falters_is_asked_thrice_and_one_that_refuses_once(
    statuses, asked, waited, told
):
    with closing(Watcher(*statuses)) as watcher:
        refusal = pytest.raises(HeartbeatFailed, match=f"the watcher answered {statuses[-1]}")
        with nullcontext() if told else refusal:
            watcher.heartbeat.beat()
        assert (watcher.asked, watcher.waited) == ([f"/{CANARY}"] * asked, waited)


@pytest.mark.parametrize(
    "url",
    [
        "",
        f"http://hc-ping.com/{CANARY}",
        f"ftp://127.0.0.1/{CANARY}",
        f"file:///etc/{CANARY}",
        f"https:///{CANARY}",
        f"https://ann:{CANARY}@hc-ping.com/",
        f"https://[{CANARY}",
        f"https://hc-ping.com:{CANARY}/",
        f"https://hc-ping.com/{CANARY} x",
        f"https://hc-ping.com/{CANARY}\r\nX: y",
        CANARY,
    ],
)
def test_what_could_be_read_on_the_way_is_never_asked_for_and_never_quoted(url):
    heartbeat = UrlHeartbeat(VARIABLE, {VARIABLE: url}, pytest.fail)
    for ask in (heartbeat.beat, heartbeat.usable):
        with pytest.raises(HeartbeatFailed) as failed:
            ask()
        assert VARIABLE in str(failed.value)
        assert CANARY not in repr(failed.value) + str(failed.value)
        assert failed.value.__cause__ is failed.value.__context__ is None


def test_no_error_of_a_watcher_that_cannot_be_reached_quotes_the_url(caplog):
    with closing(Watcher()) as watcher:
        url = watcher.url
    caplog.set_level("DEBUG")
    heartbeat = UrlHeartbeat(VARIABLE, {VARIABLE: url}, lambda _: None)
    with pytest.raises(HeartbeatFailed) as failed:
        heartbeat.beat()
    assert "no answer (ConnectionRefusedError)" in str(failed.value)
    assert failed.value.__context__ is None
    assert CANARY not in caplog.text + str(failed.value)


def test_what_stays_on_this_machine_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch):
    with closing(Watcher()) as proxy, closing(Watcher()) as watcher:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        watcher.heartbeat.beat()
        assert (watcher.heard(), proxy.heard()) == (1, 0)
