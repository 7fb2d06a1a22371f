"""Many processes on one thread of time: whoever is due next goes on, and nobody else.

    spawn ─▶ pause(seconds) ─▶ … ─▶ pause(seconds) ─▶ end        an actor: one thread of a process
    freeze(process, until)                                       the whole process stands still

The clock is the conductor's: it jumps to the next actor's instant.  The same seed gives the same
schedule, since exactly one thread runs at any time and the rest wait for their turn.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

START = datetime(2026, 1, 5, 6, tzinfo=UTC)


class _Actor:
    """One thread, held until its turn."""

    def __init__(self, process: str, work: Callable[[], None], conductor: Conductor) -> None:
        self.process = process
        self.go = threading.Semaphore(0)
        self.broke: BaseException | None = None
        self._work = work
        self._conductor = conductor
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()

    def _live(self) -> None:
        self.go.acquire()
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - the conductor raises it in its own thread
            self.broke = error
        finally:
            self._conductor.back.release()


class Conductor:
    """ports.Clock, and the order in which things happen."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self.seconds = 0.0
        self.back = threading.Semaphore(0)
        self._due: list[tuple[float, int, _Actor]] = []
        self._order = itertools.count()
        self._frozen: dict[str, float] = {}
        self._playing: _Actor | None = None

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.pause(seconds)

    def pass_(self, seconds: float) -> None:
        """As the village's clock does between two days."""
        self.pause(seconds)

    @property
    def process(self) -> str:
        """Whose turn it is; nothing outside a schedule."""
        return self._playing.process if self._playing else ""

    def spawn(self, process: str, work: Callable[[], None], *, after: float = 0.0) -> None:
        """A thread of a process that begins in so many seconds."""
        self._push(self.seconds + after, _Actor(process, work, self))

    def pause(self, seconds: float) -> None:
        """The actor whose turn it is goes on in so many seconds; others may go before."""
        actor = self._playing
        if actor is None:
            self.seconds += seconds
            return
        self._push(self.seconds + seconds, actor)
        self.back.release()
        actor.go.acquire()

    def freeze(self, process: str, seconds: float) -> None:
        """Every thread of the process stands still, as if its machine slept."""
        self._frozen[process] = self.seconds + seconds

    def play(self) -> None:
        """Until nobody is left. The first error that an actor did not handle is raised."""
        while self._due:
            at, _, actor = heapq.heappop(self._due)
            if at < self._frozen.get(actor.process, 0.0):
                self._push(self._frozen[actor.process], actor)
                continue
            self.seconds = max(self.seconds, at)
            self._playing = actor
            actor.go.release()
            self.back.acquire()
            self._playing = None
            if actor.broke is not None:
                raise actor.broke

    def _push(self, at: float, actor: _Actor) -> None:
        heapq.heappush(self._due, (at, next(self._order), actor))


class Turnstile:
    """A lock between threads of one process: whoever waits lets others have their turn."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._taken = False

    def __enter__(self) -> None:
        while self._taken:
            self._conductor.pause(0.05)
        self._taken = True

    def __exit__(self, *_: object) -> None:
        self._taken = False


class Network:
    """How long a request and its answer take, and what gets lost on the way."""

    def __init__(self, conductor: Conductor, rng: random.Random, *, loss: float) -> None:
        self.conductor = conductor
        self.rng = rng
        self.loss = loss
        """Share of writes whose answer is lost, met by a retry, or refused as simultaneous."""

    def travel(self) -> None:
        self.conductor.pause(self.rng.uniform(0.005, 0.25))

    @contextmanager
    def trip(self) -> Iterator[None]:
        """There and back."""
        self.travel()
        yield
        self.travel()

    def fate_of_a_write(self) -> str:
        """`lost`, `retried`, `simultaneous`, or nothing."""
        if self.rng.random() >= self.loss:
            return ""
        return self.rng.choice(("lost", "retried", "simultaneous"))


class SharedBucket:
    """What S3 holds: conditional writes, one at a time."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.log: list[tuple[float, str, str, bytes]] = []
        """When, by which process, which key, what: writes that took effect."""
        self._count = itertools.count(1)

    def write(self, at: datetime, body: bytes, metadata: dict[str, str]) -> dict[str, Any]:
        return {
            "Body": body,
            "ETag": f'"{next(self._count)}"',
            "LastModified": at,
            "Metadata": metadata,
        }


class RacingS3:
    """An S3 client of one process, as far as S3Store uses it."""

    def __init__(self, bucket: SharedBucket, network: Network) -> None:
        self._bucket = bucket
        self._network = network
        self._conductor = network.conductor

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        with self._network.trip():
            found = self._bucket.objects.get(Key)
            if found is None:
                raise _refused(404, "NoSuchKey", "GetObject")
            return {**found, "Body": BytesIO(found["Body"])}

    def put_object(self, *, Bucket: str, Key: str, **request: Any) -> dict[str, Any]:  # noqa: N803
        fate = self._network.fate_of_a_write()
        conditional = "IfMatch" in request or "IfNoneMatch" in request
        with self._network.trip():
            if fate == "simultaneous" and conditional:
                raise _refused(409, "ConditionalRequestConflict", "PutObject")
            etag = self._put(Key, request)
            if fate == "retried":
                self._network.travel()
                etag = self._put(Key, request)
        if fate == "lost":
            raise ReadTimeoutError(endpoint_url="https://s3")
        return {"ETag": etag}

    def list_objects_v2(self, *, Prefix: str, StartAfter: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        with self._network.trip():
            rows = [
                {"Key": key, "Size": len(found["Body"]), "LastModified": found["LastModified"]}
                for key, found in sorted(self._bucket.objects.items())
                if key.startswith(Prefix) and key > StartAfter
            ]
        return {"Contents": rows, "IsTruncated": False}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        with self._network.trip():
            self._bucket.objects.pop(Key, None)

    def _put(self, key: str, request: dict[str, Any]) -> str:
        found = self._bucket.objects.get(key)
        if "IfMatch" in request and found is None:
            raise _refused(404, "NoSuchKey", "PutObject")
        wrong = found is not None and found["ETag"] != request.get("IfMatch", found["ETag"])
        if wrong or ("IfNoneMatch" in request and found is not None):
            raise _refused(412, "PreconditionFailed", "PutObject")
        conductor = self._conductor
        made = self._bucket.write(conductor.now(), request["Body"], request["Metadata"])
        self._bucket.objects[key] = made
        self._bucket.log.append((conductor.seconds, conductor.process, key, request["Body"]))
        return str(made["ETag"])


def _refused(status: int, code: str, operation: str) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}},
        operation,
    )
