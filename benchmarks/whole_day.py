"""A whole day in one process: `keyreeve run --execute` over an account with many new cases.

    python -m benchmarks.whole_day                 (in a folder with config.yaml, beside a server)

Every case is new, so each gets its first mail.  Storage and mail are directories.  What a mail
costs is compared with rendering and assembling the very same mails alone, in the same process by
the same renderer and MIME code, right after the run.  Prints one JSON document.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stdout
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from keyreeve import cli, wiring
from keyreeve.codec.mime import to_bytes
from keyreeve.model.notice import Accepted, Notice, OutgoingMail, RenderedMail
from keyreeve.pipeline import daily
from keyreeve.ports import Mailer, ObjectStore, Renderer
from keyreeve.storage.audit_log import StoredAuditLog
from keyreeve.storage.state_store import StoredState

ROUNDS = 3
"""Times that the mails are made again, alone."""
PARTS = (
    ("run", daily, "run"),
    ("collect", daily, "collect"),
    ("judge", daily, "judge"),
    ("publish", daily, "publish"),
    ("state", StoredState, "save"),
    ("audit", StoredAuditLog, "flush"),
    ("audit", StoredAuditLog, "append"),
)
"""What is noted of a run: part, where, which. The first holds all others."""


class Spent:
    """CPU seconds by part of the day; what was written, by folder or document."""

    def __init__(self) -> None:
        self.cpu: Counter[str] = Counter()
        self.puts: Counter[str] = Counter()
        self.sizes: Counter[str] = Counter()

    def timed(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work, its CPU noted."""

        def noted(*given: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return work(*given, **named)
            finally:
                self.cpu[part] += time.process_time() - began

        return noted


class CountingStore:
    """ports.ObjectStore: each put is noted."""

    def __init__(self, store: ObjectStore, spent: Spent) -> None:
        self._store = store
        self._spent = spent

    def put(self, key: str, content: bytes, **condition: Any) -> str:
        """As the port says."""
        folder = key.partition("/")[0]
        self._spent.puts[folder] += 1
        self._spent.sizes[folder] += len(content)
        return self._spent.timed(f"put {folder}", self._store.put)(key, content, **condition)

    def __getattr__(self, name: str) -> Any:
        """All other methods are the store's."""
        return getattr(self._store, name)


class Overheard:
    """Renderer and mailer of the run, and what went through them."""

    def __init__(self, spent: Spent) -> None:
        self._spent = spent
        self.notices: list[Notice] = []
        self.mails: list[tuple[OutgoingMail, str]] = []
        self._renderer: Renderer | None = None
        self._mailer: Mailer | None = None

    def over(self, account: daily.Account) -> daily.Account:
        """The same account, overheard."""
        self._renderer, self._mailer = account.tools.renderer, account.tools.mailer
        return replace(account, tools=replace(account.tools, renderer=self, mailer=self))

    def notice(self, notice: Notice) -> RenderedMail:
        """As `ports.Renderer` says."""
        self.notices.append(notice)
        return self._spent.timed("render", self._renderer.notice)(notice)

    def send(self, mail: OutgoingMail) -> Accepted:
        """As `ports.Mailer` says."""
        accepted = self._spent.timed("mailer", self._mailer.send)(mail)
        self.mails.append((mail, accepted.message_id))
        return accepted

    def __getattr__(self, name: str) -> Any:
        """What is not overheard."""
        return getattr(self._mailer if name == "remaining_quota" else self._renderer, name)

    def alone(self) -> None:
        """Each mail rendered and assembled once more."""
        for notice, (mail, message_id) in zip(self.notices, self.mails, strict=True):
            to_bytes(replace(mail, body=self._renderer.notice(notice)), message_id=message_id)


def lived() -> Iterator[tuple[str, Any]]:
    """One day, and what it cost."""
    spent = Spent()
    overheard = Overheard(spent)
    open_store, wire = wiring.project_store, wiring.wire
    with ExitStack() as patches:
        for room, name, instead in (
            (wiring, "project_store", lambda *a: CountingStore(open_store(*a), spent)),
            (wiring, "wire", lambda *a, **n: overheard.over(wire(*a, **n))),
            *((room, name, spent.timed(part, getattr(room, name))) for part, room, name in PARTS),
        ):
            patches.enter_context(patch.object(room, name, instead))
        printed = patches.enter_context(redirect_stdout(io.StringIO()))
        as_of = os.environ["BENCH_NOW"]
        begun, before = time.monotonic(), os.times()
        code = cli.main(["--quiet", "--output", "json", "run", "--execute", "--as-of", as_of])
    wall, after = time.monotonic() - begun, os.times()
    told = json.loads(printed.getvalue())
    overheard.alone()  # warm
    began = time.process_time()
    for _ in range(ROUNDS):
        overheard.alone()
    yield "alone", (time.process_time() - began) / ROUNDS
    yield "exit_code", code
    yield "mails", len(overheard.mails)
    yield "not_done", [row for row in told["outcomes"] if row["kind"] != "done"][:3]
    yield "cpu", dict(spent.cpu)
    yield "wall", wall
    yield "system", after.system - before.system
    yield "puts", dict(spent.puts)
    yield "bytes", dict(spent.sizes)


def main() -> None:
    """Print what it cost."""
    json.dump(dict(lived()), sys.stdout)


if __name__ == "__main__":
    main()
