"""Several accounts under the policies of the central role and of the members' roles."""

from __future__ import annotations

from typing import Any

from tests import fleets
from tests.sandbox_fixture import MONDAY, aws
from tests.scenario.roles import PLAIN, House, shipped

from keyreeve.governance.own_policies import Role
from keyreeve.model.identifiers import AccountId

LISTED = PLAIN + fleets.listed(map(fleets.number, range(2)))


def listed(house: House) -> None:
    """Accounts that the config names: a day, and the same day again."""
    house.settle(LISTED)
    house.reset("empty")
    _open(house, LISTED, map(fleets.number, range(2)))
    _day(house)


def organized(house: House) -> None:
    """All accounts below the root of an organisation, the central one included."""
    house.reset("empty")
    api = aws(house.sandbox.url, "organizations")
    api.create_organization()
    [root] = api.list_roots()["Roots"]
    below = api.create_organizational_unit(ParentId=root["Id"], Name="below")
    made = api.create_account(AccountName="prod", Email="prod@example.com")
    account = made["CreateAccountStatus"]["AccountId"]
    unit = below["OrganizationalUnit"]["Id"]
    api.move_account(AccountId=account, SourceParentId=root["Id"], DestinationParentId=unit)
    config = PLAIN + fleets.of_organization(more=f", include: [{root['Id']}]")
    house.settle(config)
    _open(house, config, (account,))
    _day(house)


def _open(house: House, config: str, accounts: Any) -> None:
    """Each lets the central role in; from now on every call is judged."""
    for each in accounts:
        rights = shipped(config, Role.MEMBER, AccountId(each))
        house.sandbox.add_account(fleets.account(each, 2, rights))
    house.sandbox.enforce()


def _day(house: House) -> None:
    when = ("--as-of", MONDAY.isoformat())
    for command in ("org accounts", "run", "run --execute", "org run --execute", "org status"):
        house(Role.FLEET, *command.split(), *(when if "accounts" not in command else ()))
