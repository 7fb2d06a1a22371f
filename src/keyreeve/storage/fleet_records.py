"""fleet/: what each day of a fleet has left, beside the accounts' own prefixes.

iam-compliance/{project}/fleet/YYYY-MM-DD/accounts.json        whom the day is about (state machine)
iam-compliance/{project}/fleet/YYYY-MM-DD/rows/{account}.json  one small row, replaced by a retry
iam-compliance/{project}/fleet/YYYY-MM-DD/summary.json         the summary over all
iam-compliance/{project}/fleet/mails/YYYY-MM-DD.json           that the week's summary was mailed
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from keyreeve.codec.fleet import items, row_document, row_read, summary_document
from keyreeve.codec.seal import parse, readable
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.fleet import FleetRow, FleetSummary, Member
from keyreeve.model.identifiers import AccountId
from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import fleet_day, fleet_mail_key, summary_key


class StoredFleetRecords:
    """ports.fleet.FleetRecords over the project's own prefix, that of no account."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def keep(self, on: date, row: FleetRow) -> None:
        """As the port says."""
        self._store.put(_row_key(on, row.account_id), readable(row_document(row)))

    def row(self, on: date, account: AccountId) -> FleetRow | None:
        """As the port says."""
        return self._read(_row_key(on, account))

    def rows(self, on: date) -> Mapping[AccountId, FleetRow]:
        """As the port says."""
        listed = self._store.list(f"{fleet_day(on)}rows/")
        found = (self._read(each.key) for each in listed)
        return {row.account_id: row for row in found if row is not None}

    def mailed(self, week: date) -> bool:
        """As the port says."""
        return self._store.get(fleet_mail_key(week)) is not None

    def remember_mail(self, week: date, message_id: str) -> None:
        """As the port says."""
        self._store.put(fleet_mail_key(week), readable({"message_id": message_id}))

    def summarise(self, summary: FleetSummary) -> str:
        """As the port says."""
        key = summary_key(summary.on)
        self._store.put(key, readable(summary_document(summary)))
        return key

    def name(self, on: date, members: tuple[Member, ...]) -> str:
        """Whom the day is about, as the items of a state machine; the key."""
        key = f"{fleet_day(on)}accounts.json"
        self._store.put(key, items(members))
        return key

    def _read(self, key: str) -> FleetRow | None:
        found = self._store.get(key)
        if found is None:
            return None
        try:
            return row_read(parse(found.content))
        except ValueError as error:
            raise StateUnreadable(
                str(error),
                where=f"{self._store.describe()}/{key}",
                remedy="Delete the object: it only says that the account is done on this day.",
            ) from error


def _row_key(on: date, account: AccountId) -> str:
    return f"{fleet_day(on)}rows/{account}.json"
