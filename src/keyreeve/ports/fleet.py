"""What a fleet needs: the accounts of an organisation, one account opened, and its rows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

from keyreeve.model.fleet import FleetRow, FleetSummary, Member
from keyreeve.model.identifiers import AccountId

OpenedT_co = TypeVar("OpenedT_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAccount:
    """One account as AWS Organizations tells of it."""

    account_id: AccountId
    name: str
    state: str
    """AWS's word: ACTIVE, SUSPENDED, PENDING_CLOSURE …"""


class AccountDirectory(Protocol):
    """AWS Organizations, asked from the management account or a delegated administrator."""

    def accounts(
        self, include: tuple[str, ...], exclude: tuple[str, ...]
    ) -> tuple[ListedAccount, ...]:
        """By id. Ids of accounts or units, units with all below them; no `include`: everybody.

        AccountUnreadable if AWS does not say, or an id names nothing.
        """


class Doors(Protocol[OpenedT_co]):
    """How one account is opened. Nothing of it is shared with another account."""

    def open(self, member: Member) -> AbstractContextManager[OpenedT_co]:
        """The account wired; with its lock where the run acts.

        NotCovered where nobody lets us in; any other KeyreeveError as for one account.
        """


class FleetRecords(Protocol):
    """What a fleet's day has left in the storage, one object per account."""

    def keep(self, on: date, row: FleetRow) -> None:
        """Durable when it returns; a later run of the same day replaces it."""

    def row(self, on: date, account: AccountId) -> FleetRow | None:
        """What became of the account on this day; None: nothing was heard.

        StateUnreadable if broken.
        """

    def rows(self, on: date) -> Mapping[AccountId, FleetRow]:
        """Of every account that left one."""

    def mailed(self, week: date) -> bool:
        """Whether the team has had the summary of the week that began on its day."""

    def remember_mail(self, week: date, message_id: str) -> None:
        """It was accepted."""

    def summarise(self, summary: FleetSummary) -> str:
        """The day's summary, replaced by a later one; its key."""
