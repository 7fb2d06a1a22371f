"""What becomes of a channel that is not in order; and that its URL, a secret, shows nowhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from tests.samples import team

from keyreeve.local.apprise_channel import AppriseChannel
from keyreeve.model.errors import ChannelFailed

TOKEN = "canary-token-T0KEN"
VARIABLE = "KEYREEVE_CHAT"


def channel(url: str | None) -> AppriseChannel:
    return AppriseChannel(VARIABLE, {} if url is None else {VARIABLE: url})


class Answering:
    """Answers every POST with a status, and says where else to go."""

    def __init__(self, status: int) -> None:
        self.paths: list[str] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                hook.paths.append(self.path)
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - http.server's name

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"json://user:{TOKEN}@127.0.0.1:{self.server.server_port}/{TOKEN}"


@pytest.fixture
def refusing(request: pytest.FixtureRequest) -> Iterator[Answering]:
    hook = Answering(request.param)
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


@pytest.mark.parametrize("refusing", [403, 500, 302], indirect=True)
def test_a_service_that_does_not_take_it_is_named_without_its_url(
    refusing: Answering, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ChannelFailed) as failed:
        channel(refusing.url).tell(team())
    assert len(refusing.paths) == 1, "tried once, and no redirect is followed"
    said = capsys.readouterr()
    shown = f"{failed.value}{failed.value.__context__}{caplog.text}{said.out}{said.err}"
    assert VARIABLE in shown
    assert TOKEN not in shown


@pytest.mark.parametrize("call", ["tell", "usable"])
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, f"the environment variable {VARIABLE} is not set"),
        ("  ", f"the environment variable {VARIABLE} is not set"),
        (f"nosuch://{TOKEN}", "no URL that apprise knows"),
        (f"slack://{TOKEN}", "no URL that apprise knows"),
    ],
)
def test_what_is_not_in_order_is_said_with_what_to_do(call: str, url: str | None, expected: str):
    given = channel(url)
    with pytest.raises(ChannelFailed) as failed:
        given.tell(team()) if call == "tell" else given.usable()
    assert expected in failed.value.what
    assert failed.value.remedy
    assert TOKEN not in str(failed.value)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ChannelFailed) as failed:
        channel("json://127.0.0.1").usable()
    assert "keyreeve[channels]" in failed.value.remedy


def test_a_plugin_that_breaks_is_a_channel_that_failed(monkeypatch: pytest.MonkeyPatch):
    apprise = pytest.importorskip("apprise")

    def broken(*_: object, **__: object) -> bool:
        raise RuntimeError(TOKEN)

    monkeypatch.setattr(apprise.Apprise, "notify", broken)
    with pytest.raises(ChannelFailed) as failed:
        channel("json://127.0.0.1").tell(team())
    assert TOKEN not in f"{failed.value}{failed.value.__context__}"


def test_a_usable_one_names_its_service():
    assert "JSON" in channel("json://127.0.0.1").usable()
