"""One process at a time on one server: what it cost and what it asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

SCRIPTS = Path(__file__).parent / "scripts"
ROOT = Path(__file__).parents[1]
_BEGINS = ("AWS_", "PYTHON", "KEYREEVE_")
"""Variables that a benchmark must not inherit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one run."""

    wall: float
    cpu: float
    peak: int
    """kB."""
    calls: Mapping[str, int] = field(default_factory=dict)
    throttled: int = 0
    received: int = 0
    """Bytes of the answers."""
    told: str = ""
    exit_code: int = 0


class Served:
    """A server that runs."""

    def __init__(self, url: str, now: datetime) -> None:
        self.url = url
        self.now = now

    def control(self, what: str) -> dict[str, Any]:
        """`stats`, `reset`, `set?…`."""
        with urlopen(f"{self.url}/_ctl/{what}") as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def environment(self, home: Path) -> dict[str, str]:
        """Of whoever talks to it; nothing of the caller's AWS settings."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_BEGINS)}
        return kept | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIABENCHBENCHBENCH0",
            "AWS_SECRET_ACCESS_KEY": "benchbenchbenchbenchbenchbenchbenchbench",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "10",
            "BENCH_NOW": self.now.isoformat(),
            "HOME": str(home),
        }


@contextmanager
def serving(
    users: int, now: datetime, *, neglected: float, accounts: int = 1, keys_anew: int = 0
) -> Iterator[Served]:
    """A server in a process of its own."""
    options = {
        "--users": users,
        "--neglected": neglected,
        "--accounts": accounts,
        "--keys-anew": keys_anew,
        "--now": now.isoformat(),
    }
    given = [str(part) for option in options.items() for part in option]
    command = [sys.executable, "-m", "benchmarks.server", *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            port = int(process.stdout.readline()) if process.stdout else 0
            yield Served(f"http://127.0.0.1:{port}", now)
        finally:
            process.kill()


def measured(command: Sequence[str], served: Served | None, home: Path) -> Cost:
    """Run it to its end. stdout is kept, stderr passes."""
    environment = served.environment(home) if served else dict(os.environ)
    if served:
        served.control("reset")
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(SCRIPTS / "measured.py"), *command],
        env=environment,
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told, _, figures = done.stdout.strip().rpartition("\n")
    cost = json.loads(figures)
    asked = served.control("stats") if served else {"calls": {}, "throttled": 0, "bytes": 0}
    return Cost(
        wall=cost["wall"],
        cpu=cost["cpu"],
        peak=cost["peak"],
        calls=asked["calls"],
        throttled=asked["throttled"],
        received=asked["bytes"],
        told=told,
        exit_code=cost["exit"],
    )
