"""Into which accounts the central role may go, as ARNs for its policy."""

from __future__ import annotations

from keyreeve.config import Config, Organization
from keyreeve.governance.installation import Reach
from keyreeve.model.identifiers import AccountId


def reach_of(config: Config, account_id: AccountId, partition: str) -> Reach | None:
    """None where the project is one account; `account_id`: the central one."""
    accounts = config.accounts
    if accounts == "self":
        return None
    if isinstance(accounts, Organization):
        units = [it for it in (*accounts.include, *accounts.exclude) if not it.isdigit()]
        wanted = [it for it in accounts.include if it.isdigit()]
        only = wanted if len(wanted) == len(accounts.include) and wanted else ["*"]
        own = account_id not in accounts.exclude and (only == ["*"] or account_id in only)
        others = [it for it in only if it != account_id]
        return Reach(
            roles=tuple(f"arn:{partition}:iam::{it}:role/{accounts.role_name}" for it in others),
            organization=True,
            units=_units(partition) if units else (),
            own=own,
        )
    return Reach(
        roles=tuple(each.role_arn for each in accounts if each.role_arn),
        organization=False,
        own=any(each.role_arn is None for each in accounts),
    )


def _units(partition: str) -> tuple[str, ...]:
    """Which units lie below one, nobody but AWS knows beforehand."""
    return tuple(f"arn:{partition}:organizations::*:{kind}/*" for kind in ("ou", "root"))
