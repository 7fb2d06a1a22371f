"""The sandbox's own process: patches, then seed, then serve, on 127.0.0.1 only."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from threading import Thread
from typing import Any

from keyreeve.model.errors import ConfigError
from keyreeve.sandbox import patches, seed
from keyreeve.sandbox.account import AccountData
from keyreeve.sandbox.account_file import load_document, read_account
from keyreeve.sandbox.control import instant
from keyreeve.sandbox.process import environment_for
from keyreeve.sandbox.wire import Door
from keyreeve.sandbox.world import SettableClock, World

HOST = "127.0.0.1"
STORY_BEGINS = "2026-01-05T06:00:00Z"


def serve(account: AccountData, at: datetime, port: int = 0, *, print_env: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; prints `ready URL` once it listens. OSError: port taken."""
    world = World(clock=SettableClock(at))
    patches.apply(world)
    seed.reset(world, account, at)
    server = listen(world, port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: Thread(target=server.shutdown).start())
    _say(f"ready {world.endpoint}")
    if print_env:
        for name, value in environment_for(world.endpoint).items():
            _say(f"export {name}={value}")
    try:
        server.serve_forever(poll_interval=0.05)
    finally:
        server.server_close()
        world.stop_functions()


def listen(world: World, port: int = 0) -> Any:
    """A server of this world on 127.0.0.1; it answers from `serve_forever` on."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    class KeptAlive(MotoRequestHandler):
        """A connection and its thread serve many requests; short answers leave at once."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = DomainDispatcherApplication(create_backend_app)
    # moto looks through its own folders twice for each request; they never change.
    moto.get_backend_for_host = cache(moto.get_backend_for_host)  # type: ignore[method-assign]
    door = Door(world, moto)
    server = make_server(HOST, port, door, threaded=True, request_handler=KeptAlive)
    world.endpoint = f"http://{HOST}:{server.server_port}"
    return server


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    """The parent holds our standard input; when it is gone, so are we."""
    while os.read(0, 1024):
        pass
    os._exit(0)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m keyreeve.sandbox", description="The embedded AWS emulator on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--account", default="demo", help="YAML file, or the name of a shipped one")
    parser.add_argument("--at", default=STORY_BEGINS, help="the instant, with its zone")
    parser.add_argument("--print-env", action="store_true", help="also print shell exports")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when stdin closes")
    options = parser.parse_args(arguments)
    if options.end_with_stdin:
        Thread(target=_end_with_parent, daemon=True).start()
    try:
        account = read_account(load_document(options.account))
        serve(account, instant(options.at), options.port, print_env=options.print_env)
    except (ConfigError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0
