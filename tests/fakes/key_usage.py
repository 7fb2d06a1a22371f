"""ports.usage in memory: what a test says of keys, what a simulated account knows, what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.snapshot import Absent
from keyreeve.model.usage import UsageReading
from keyreeve.pipeline.simulation import SimulatedAccount
from keyreeve.ports.usage import CallPage, LastUse


class ToldUsage:
    """ports.usage.KeyUsageReader: what a test says, and what it was asked."""

    def __init__(
        self,
        uses: Mapping[AccessKeyId, LastUse | Exception] | None = None,
        pages: Mapping[tuple[AccessKeyId, str], Sequence[CallPage | Exception]] | None = None,
        regions: tuple[str, ...] = (),
    ) -> None:
        self.uses, self.pages, self._regions = uses or {}, pages or {}, regions
        self.asked: list[AccessKeyId | tuple[AccessKeyId, str, datetime]] = []

    def regions(self) -> tuple[str, ...]:
        return self._regions

    def last_use(self, key: AccessKeyId) -> LastUse:
        self.asked.append(key)
        found = self.uses.get(key, LastUse(at=Absent.NEVER))
        if isinstance(found, Exception):
            raise found
        return found

    def calls(self, key: AccessKeyId, region: str, since: datetime) -> Iterator[CallPage]:
        for page in self.pages.get((key, region), [CallPage(calls=(), more=False)]):
            self.asked.append((key, region, since))
            if isinstance(page, Exception):
                raise page
            yield page


class SimulatedUsage:
    """ports.usage.KeyUsageReader of a simulated account, without an event history."""

    def __init__(self, account: SimulatedAccount) -> None:
        self._account = account

    def regions(self) -> tuple[str, ...]:
        return ()

    def last_use(self, key: AccessKeyId) -> LastUse:
        return LastUse(at=self._account.access_key_last_used(key) or Absent.NEVER)

    def calls(self, key: AccessKeyId, region: str, since: datetime) -> Iterator[CallPage]:
        """Nobody asks: there is no region."""
        del key, region, since
        return iter(())


class KeptUsage:
    """ports.usage.UsageMemory."""

    def __init__(
        self, reading: UsageReading | None = None, failure: Exception | None = None
    ) -> None:
        self.reading, self.failure, self.writes = reading, failure, 0

    def recall(self) -> UsageReading | None:
        if self.failure:
            raise self.failure
        return self.reading

    def keep(self, reading: UsageReading) -> None:
        if self.failure:
            raise self.failure
        self.reading, self.writes = reading, self.writes + 1
