"""The situation of one finding, as the outlook sees it."""

from __future__ import annotations

from tests.builders import (
    PASSWORD_AGE,
    access_key,
    case,
    old_key,
    outlook,
    policy,
    record,
    snapshot,
)

from keyreeve.model.policy import (
    Enforcement,
    FinalAct,
)
from keyreeve.model.snapshot import GrantedPolicies, PasswordPolicy

ADMIN = GrantedPolicies(managed=frozenset({"arn:aws:iam::aws:policy/AdministratorAccess"}))
PASSWORD = record(PASSWORD_AGE, "password", day_0=True)
QUARANTINE = policy(enforcement=Enforcement(password_age=FinalAct.QUARANTINE))
CLOSED = PasswordPolicy(users_may_change=False)


def situation(who, seen=None, *others, settings=None, told=None, facts=None, **more):
    """The situation of the first record (the rotation of KEY_1 by default)."""
    seen = seen or record(day_0=True)
    told = told or case(seen, *others, who=who)
    crew = snapshot(who, **(facts or {}))
    return outlook(crew, settings, **more).situation(told, seen)


AGED, YOUNG = old_key(), access_key(2)
