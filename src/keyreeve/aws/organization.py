"""`ports.fleet.AccountDirectory` over AWS Organizations.

Only the management account and delegated administrators may list accounts. AWS: `State` says how
an account stands; `Status`, which it replaces, knows fewer words and goes away in September 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from keyreeve.aws.failures import calling
from keyreeve.aws.pages import by_token
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import AccountUnreadable, AwsFailure
from keyreeve.model.identifiers import AccountId
from keyreeve.ports.fleet import ListedAccount

_REMEDY = (
    "Run in the management account or a delegated administrator of AWS Organizations, or name "
    "the accounts as a list."
)


class OrganizationOfCaller:
    """The organisation that the caller's account belongs to."""

    def __init__(self, sessions: Sessions) -> None:
        self._api = sessions.client("organizations")

    def accounts(
        self, include: tuple[str, ...], exclude: tuple[str, ...]
    ) -> tuple[ListedAccount, ...]:
        """As the port says."""
        try:
            found = {account.account_id: account for account in self._listed()}
            chosen = self._expanded(include, found) if include else set(found)
            left_out = self._expanded(exclude, found)
        except AwsFailure as failure:
            raise AccountUnreadable(
                failure.what, where=failure.where, remedy=failure.remedy or _REMEDY
            ) from failure
        if not found:
            raise AccountUnreadable(
                "AWS Organizations lists no account", where="accounts", remedy=_REMEDY
            )
        return tuple(found[it] for it in sorted(found) if it in chosen and it not in left_out)

    def _expanded(
        self, ids: tuple[str, ...], found: Mapping[AccountId, ListedAccount]
    ) -> set[AccountId]:
        """Accounts as they are, units as all accounts below them."""
        chosen: set[AccountId] = set()
        for each in ids:
            if each.startswith(("ou-", "r-")):
                chosen.update(self._below(each))
            elif each in found:
                chosen.add(AccountId(each))
            else:
                raise AccountUnreadable(
                    f"{each} is neither an account nor a unit of this organisation",
                    where="accounts",
                    remedy="`keyreeve org accounts` lists those that there are.",
                )
        return chosen

    def _below(self, unit: str) -> Iterator[AccountId]:
        yield from self._accounts_of(unit)
        for child in self._units_of(unit):
            yield from self._below(child)

    @calling("organizations:ListAccounts")
    def _listed(self) -> tuple[ListedAccount, ...]:
        pages = by_token(self._api.list_accounts, "NextToken")
        return tuple(_account(row) for page in pages for row in page["Accounts"])

    @calling("organizations:ListAccountsForParent")
    def _accounts_of(self, unit: str) -> tuple[AccountId, ...]:
        pages = by_token(self._api.list_accounts_for_parent, "NextToken", ParentId=unit)
        return tuple(AccountId(row["Id"]) for page in pages for row in page["Accounts"])

    @calling("organizations:ListOrganizationalUnitsForParent")
    def _units_of(self, unit: str) -> tuple[str, ...]:
        pages = by_token(self._api.list_organizational_units_for_parent, "NextToken", ParentId=unit)
        return tuple(str(row["Id"]) for page in pages for row in page["OrganizationalUnits"])


def _account(row: Mapping[str, Any]) -> ListedAccount:
    return ListedAccount(
        account_id=AccountId(row["Id"]),
        name=str(row.get("Name") or row["Id"]),
        state=str(row.get("State") or row["Status"]),
    )
