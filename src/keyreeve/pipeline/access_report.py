"""The sweep in report mode: what the daily run sees of the access model, without asking AWS again.

MFA is as the credential report has it, so up to four hours old: nothing is moved by it.
`keyreeve user reconcile` looks live, and moves.
"""

from __future__ import annotations

from keyreeve.governance.reconcile import reconcile
from keyreeve.model.access import AccessModel
from keyreeve.model.identifiers import UserName
from keyreeve.model.people import Everybody, Member, Sweep
from keyreeve.model.snapshot import AccountSnapshot, Caller


def sweep_of(model: AccessModel | None, snapshot: AccountSnapshot) -> Sweep | None:
    """None: there is no access model, or the account could not be read.

    Users whose MFA is not known are left out: they are among the run's gaps.
    """
    if model is None or not snapshot.account_readable:
        return None
    members = tuple(
        Member(
            name=user.name,
            user_id=user.user_id,
            arn=user.arn,
            tags=user.tags,
            groups=frozenset(user.groups),
            has_mfa=user.mfa_active,
        )
        for user in snapshot.users
        if user.user_id is not None and user.mfa_active is not None
    )
    everybody = Everybody(members=members, groups=snapshot.groups)
    return reconcile(model, everybody, own=own_users(snapshot.caller))


def own_users(caller: Caller | None) -> frozenset[UserName]:
    """The IAM user that Keyreeve runs as; none where it runs as a role."""
    resource = caller.arn.split(":", 5)[-1] if caller is not None else ""
    name = resource.rpartition("/")[2] if resource.startswith("user/") else ""
    return frozenset({UserName(name)} if name else ())
