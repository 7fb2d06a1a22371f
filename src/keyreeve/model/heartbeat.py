"""The heartbeat's own words, and what came of telling it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

NAMESPACE: Final = "Keyreeve"
METRIC: Final = "DailyRunEnded"
DIMENSION: Final = "Project"
"""Its value is the project as the storage writes it: lower case, `[a-z0-9._-]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One watcher, and whether it was told."""

    name: str
    missed: str | None = None
    """Why it was not; None: it was."""
    remedy: str = ""
