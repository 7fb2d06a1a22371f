"""One running Lambda function: its zip in a folder of its own, and the Lambda Runtime API for it.

AWS: "Using the Lambda runtime API for custom runtimes": the runtime asks for the next invocation
and posts its response or its error; a function that fails to start posts an init error.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

from keyreeve.sandbox.function_libraries import library_paths

_BOOTSTRAP = Path(__file__).with_name("lambda_bootstrap.py")
_INIT_SECONDS = 60
"""AWS gives 10; a busy machine may need more."""
_UNHANDLED = "Unhandled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What a function answered."""

    payload: bytes
    """Its JSON; with an error, AWS's JSON about it: errorMessage, errorType, stackTrace."""
    error: str | None = None
    """The header X-Amz-Function-Error: None when the function returned."""
    log: str = ""
    """What it wrote to its output meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionData:
    """What must be known to run a function."""

    arn: str
    handler: str
    code: bytes
    """The zip."""
    environment: Mapping[str, str]
    seconds: int
    """Its timeout."""
    good_until: datetime
    """When its session is over, by the sandbox's clock."""


class RunningFunction:
    """A process that waits for invocations, one at a time."""

    def __init__(self, data: FunctionData) -> None:
        self._data = data
        self.good_until = data.good_until
        self._given: SimpleQueue[tuple[str, bytes] | None] = SimpleQueue()
        self._answers: SimpleQueue[Invocation] = SimpleQueue()
        self._ready = Event()
        self.folder = Path(tempfile.mkdtemp(prefix="keyreeve-function-"))
        task, scratch = self.folder / "task", self.folder / "tmp"
        runtime = self.folder / "runtime"
        scratch.mkdir()
        runtime.mkdir()
        for path in library_paths():
            (runtime / path.name).symlink_to(path)
        with zipfile.ZipFile(io.BytesIO(data.code)) as archive:
            archive.extractall(task)
        self._server = _Server(("127.0.0.1", 0), _api(self))
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self._output = (self.folder / "output").open("wb")
        self._read = 0
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            # -S: nothing of this installation's own libraries.
            [sys.executable, "-S", "-P", str(_BOOTSTRAP), data.handler],
            cwd=task,
            env=self._environment(task, scratch, runtime),
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    def _environment(self, task: Path, scratch: Path, runtime: Path) -> dict[str, str]:
        return {
            **self._data.environment,
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "TMPDIR": str(scratch),
            "LAMBDA_TASK_ROOT": str(task),
            "PYTHONPATH": f"{task}{os.pathsep}{runtime}",
            "_HANDLER": self._data.handler,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "KEYREEVE_SANDBOX_FOLDER": str(self.folder),
        }

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked again."""
        return self._process.poll() is None

    def ask(self, payload: bytes) -> Invocation:
        """Run it once. It is killed at its timeout; AWS's error tells so."""
        told = self._started()
        if told is None:
            self._given.put((str(uuid.uuid4()), payload))
            told = self._answer(self._data.seconds)
        return Invocation(payload=told.payload, error=told.error, log=self._written())

    def _started(self) -> Invocation | None:
        """None once it waits for invocations; else what kept it from starting."""
        until = time.monotonic() + _INIT_SECONDS
        while not self._ready.wait(0.02):
            if not self.alive or time.monotonic() > until:
                return self._answer(0)
        return None

    def _answer(self, seconds: int) -> Invocation:
        until = time.monotonic() + seconds
        while True:
            try:
                return self._answers.get(timeout=0.05)
            except Empty:
                if not self.alive:
                    return self._last_words()
            if time.monotonic() > until:
                self._process.kill()
                self._process.wait()
                return _failed("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds")

    def _last_words(self) -> Invocation:
        try:
            return self._answers.get_nowait()
        except Empty:
            return _failed("Runtime.ExitError", "Runtime exited without providing a reason")

    def _written(self) -> str:
        try:
            with (self.folder / "output").open("rb") as output:
                output.seek(self._read)
                text = output.read()
        except FileNotFoundError:  # it was stopped meanwhile
            return ""
        self._read += len(text)
        return text.decode("utf-8", "replace")

    def stop(self) -> None:
        """End the process and take its folder away."""
        self._process.kill()
        self._process.wait()
        self._given.put(None)
        if self._process.stdin:
            self._process.stdin.close()
        self._output.close()
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what the runtime asks -----------------------------------------------------------------

    def following(self) -> tuple[bytes, dict[str, str]] | None:
        """The next invocation: payload and headers. Waits for it; None: there will be none."""
        self._ready.set()
        given = self._given.get()
        if given is None:
            return None
        request_id, payload = given
        return (
            payload,
            {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._data.seconds) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": self._data.arn,
                "Content-Type": "application/json",
            },
        )

    def answered(self, kind: str, payload: bytes) -> None:
        """`response`, or `error` of the invocation or of the start."""
        self._answers.put(
            Invocation(payload=payload, error=None if kind == "response" else _UNHANDLED)
        )


class _Server(ThreadingHTTPServer):
    """Of one function."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that died in mid-sentence; whoever asked it is told so."""


def _failed(kind: str, message: str) -> Invocation:
    told = {"errorType": kind, "errorMessage": message}
    return Invocation(payload=json.dumps(told).encode(), error=_UNHANDLED)


def _api(function: RunningFunction) -> type[BaseHTTPRequestHandler]:
    """The Runtime API, version 2018-06-01, of one function."""

    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            given = function.following()
            if given is None:
                self.close_connection = True
            else:
                self._send(200, *given)

        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            function.answered(self.path.rpartition("/")[2], payload)
            self._send(202, b'{"status":"OK"}', {})

        def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Api
