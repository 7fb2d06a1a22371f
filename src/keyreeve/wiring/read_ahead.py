"""What a look at the account asks for in any case, asked while AWS still says who we are."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keyreeve.ports import AccountDetails, AccountReader, CredentialReport


class ReadAhead:
    """`ports.AccountReader`, with the report and the list of users under way already.

    For who only looks: an answer is believed no sooner than `collect` has compared whose it is.
    """

    def __init__(self, reader: AccountReader, pool: Executor) -> None:
        self._reader = reader
        self._report = pool.submit(reader.credential_report)
        self._details = pool.submit(reader.details)

    def credential_report(self) -> CredentialReport:
        """As the port says; what went wrong is raised here."""
        return self._report.result()

    def details(self) -> AccountDetails:
        """As the port says; what went wrong is raised here."""
        return self._details.result()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the reader's."""
        return getattr(self._reader, name)
