"""The WSGI door: control endpoints, then rights, faults, moto; every AWS call is remembered.

One request at a time: the order of calls is the order of effects, and conditional writes are as
atomic as S3's.
"""

from __future__ import annotations

import io
import json
import logging
import select
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from keyreeve.language.policy_evaluator import Request as Question
from keyreeve.sandbox import control
from keyreeve.sandbox.authorisation import arn_of, judge, judge_missing, stranger
from keyreeve.sandbox.calls import Request, recognise
from keyreeve.sandbox.chain.callers import Caller
from keyreeve.sandbox.chain.delivery import follow
from keyreeve.sandbox.faults import Answer, Fault, When, error_body
from keyreeve.sandbox.judgement import Judgement
from keyreeve.sandbox.world import World

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]

_CONTROL = "/_sandbox/"
HANGING = "hanging"
"""Code of a call whose answer is held back."""
_GLANCE = 0.02
"""Seconds between two looks whether a caller still waits."""
_LOG = logging.getLogger(__name__)


class _Heard:
    """What an application told its server: status and headers, to be passed on or not."""

    def __init__(self) -> None:
        self.status = "500 Internal Server Error"
        self.headers: list[tuple[str, str]] = []

    def __call__(
        self, status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], None]:
        self.status, self.headers = status, headers
        return lambda _: None


class _Held(Exception):
    """The answer is held back: not under the lock, which others need."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault


class Door:
    """The application that the server serves."""

    def __init__(self, world: World, aws: Wsgi) -> None:
        self._world = world
        self._aws = aws

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        body = _read(environ)
        try:
            with self._world.turn:
                if environ.get("PATH_INFO", "").startswith(_CONTROL):
                    return self._control(environ, body, start_response)
                return self._call(environ, body, start_response)
        except _Held as held:
            self._hold(held.fault, environ["werkzeug.socket"])
            return _end(environ)

    def _control(
        self, environ: Environ, body: bytes, start_response: StartResponse
    ) -> Iterable[bytes]:
        status, told = control.answer(
            self._world,
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"].removeprefix(_CONTROL),
            dict(parse_qsl(environ.get("QUERY_STRING", ""))),
            json.loads(body or b"{}"),
        )
        return _send(start_response, status, "application/json", json.dumps(told).encode())

    def _call(
        self, environ: Environ, body: bytes, start_response: StartResponse
    ) -> Iterable[bytes]:
        request = recognise(environ, body)
        caller = self._caller(request)
        if self._is_inactive(request):
            fault = Fault(code="InvalidClientTokenId", status=403, message="The key is Inactive.")
            return self._fail(fault, request, environ, start_response)
        unknown = stranger(self._world, request)
        if unknown is not None:
            return self._fail(unknown, request, environ, start_response)
        judged = judge(self._world, request)
        if judged is not None and judged.refused is not None:
            return self._refuse(judged, request, start_response)
        fault_now = next((it for it in self._world.faults if it.strikes(request)), None)
        if fault_now is not None and fault_now.when is When.BEFORE:
            return self._fail(fault_now, request, environ, start_response)
        heard = _Heard()
        content = self._ask_moto(environ, heard)
        status = int(heard.status.split()[0])
        self._follow(request, caller, status, content)
        if fault_now is not None:
            return self._fail(fault_now, request, environ, start_response)
        if status == HTTPStatus.NOT_FOUND and "Key" in request.params:
            missing = judge_missing(self._world, request)
            if missing is not None and missing.refused is not None:
                return self._refuse(missing, request, start_response)
        self._remember(request, status, asked=judged.asked if judged else ())
        start_response(heard.status, heard.headers)
        return [content]

    def _refuse(
        self, judged: Judgement, request: Request, start_response: StartResponse
    ) -> Iterable[bytes]:
        """AccessDenied, in the service's own words."""
        self._remember(request, HTTPStatus.FORBIDDEN, "AccessDenied", judged.asked)
        by_json = not request.form and request.service != "s3"
        code = "AccessDeniedException" if by_json else "AccessDenied"
        message = judged.message(arn_of(self._world, request))
        kind, text, headers = error_body(request.service, code, message)
        self._follow(request, self._caller(request), HTTPStatus.FORBIDDEN, text)
        return _send(start_response, HTTPStatus.FORBIDDEN, kind, text, headers)

    def _caller(self, request: Request) -> Caller | None:
        sessions: Mapping[str, Any] = getattr(self._world, "sessions", {})
        session = sessions.get(request.access_key or "")
        return self._world.history.caller(request.access_key, self._world.clock.now(), session)

    def _follow(self, request: Request, caller: Caller | None, status: int, content: bytes) -> None:
        """Keep the call for CloudTrail, and let what follows from it happen."""
        now = self._world.clock.now()
        follow(self._world, self._world.history.keep(caller, request, now, status, content))

    def _ask_moto(self, environ: Environ, heard: _Heard) -> bytes:
        try:
            return b"".join(self._aws(environ, heard))
        except NotImplementedError as error:
            heard("501 Not Implemented", [("Content-Type", "text/plain")])
            return f"The sandbox cannot do this: {error}".encode()
        except Exception:  # noqa: BLE001 - moto may fail in any way; the caller gets a 500
            _LOG.exception("the emulated AWS failed")
            heard("500 Internal Server Error", [("Content-Type", "text/plain")])
            return b"The sandbox failed; its error output says why."

    def _is_inactive(self, request: Request) -> bool:
        """AWS refuses what an Inactive key signed; moto would not."""
        from moto.iam.models import iam_backends

        return any(
            key is not None and key.status == "Inactive"
            for account in list(iam_backends.values())
            if (key := account["aws"].access_keys.get(request.access_key or ""))
        )

    def _fail(
        self, fault: Fault, request: Request, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        if fault.answer is Answer.DROP:
            self._remember(request, 0, "dropped")
            return _end(environ)
        if fault.answer is Answer.HANG:
            self._remember(request, 0, HANGING)
            raise _Held(fault)
        if fault.answer is Answer.MALFORMED:
            self._remember(request, 200, "malformed")
            return _send(start_response, 200, "text/plain", b"\x00<not an answer")
        self._remember(request, fault.status, fault.code)
        kind, text, headers = error_body(request.service, fault.code, fault.message)
        if fault.when is When.BEFORE:
            self._follow(request, self._caller(request), fault.status, text)
        return _send(start_response, fault.status, kind, text, headers)

    def _hold(self, fault: Fault, caller: socket.socket) -> None:
        """Until the fault is cleared or the caller is gone."""
        while any(it is fault for it in self._world.faults):
            readable, _, _ = select.select([caller], [], [], _GLANCE)
            if readable and not caller.recv(1, socket.MSG_PEEK):
                return

    def _remember(
        self,
        request: Request,
        status: int,
        code: str | None = None,
        asked: tuple[Question, ...] = (),
    ) -> None:
        calls = self._world.calls
        calls.append(request.answered(len(calls) + 1, status, code, asked))


def _end(environ: Environ) -> NoReturn:
    """The connection ends without an answer."""
    with suppress(OSError):  # the caller may have been faster
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def _read(environ: Environ) -> bytes:
    """The whole body, so that nobody waits for a slow sender under the lock."""
    stream = environ["wsgi.input"]
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        body: bytes = stream.read()
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING")
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _send(
    start_response: StartResponse,
    status: int,
    kind: str,
    content: bytes,
    headers: dict[str, str] | None = None,
) -> Iterable[bytes]:
    told = {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}
    start_response(f"{status} Sandbox", list(told.items()))
    return [content]
