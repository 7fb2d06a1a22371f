"""Accounts as posture sees them, made in one line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from keyreeve.controls.posture.evaluation import evaluate_posture
from keyreeve.model.access import AccessModel
from keyreeve.model.account_facts import AccountFacts, Holder, HolderKind, Identities
from keyreeve.model.identifiers import AccountId, PostureId
from keyreeve.model.posture import Posture, PostureFinding
from keyreeve.model.snapshot import Absent

ACCOUNT = AccountId("123456789012")
STRANGER = "210987654321"
NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def iam(resource: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{resource}"


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*actions: str, on: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def deny(*actions: str, on: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": on, **more}


def trusts(principal: Any, *, action: str = "sts:AssumeRole", **condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        statement["Condition"] = condition
    return statement


def user(name: str, *, groups: tuple[str, ...] = (), **fields: Any) -> Holder:
    return _holder(HolderKind.USER, name, groups=groups, **fields)


def group(name: str, **fields: Any) -> Holder:
    return _holder(HolderKind.GROUP, name, **fields)


def role(name: str, trust: Any = None, **fields: Any) -> Holder:
    """Used yesterday, and trusting EC2 unless something else is said."""
    given: dict[str, Any] = {"last_used": ago(1), "trust": trust, **fields}
    if trust is None:
        given["trust"] = document(trusts({"Service": "ec2.amazonaws.com"}))
    return _holder(HolderKind.ROLE, name, **given)


def _holder(kind: HolderKind, name: str, **fields: Any) -> Holder:
    made: dict[str, Any] = {"path": "/", "created_at": LONG_AGO, **fields}
    return Holder(kind=kind, name=name, arn=iam(f"{kind}{made['path']}{name}"), **made)


def identities(*holders: Holder, **policies: Any) -> Identities:
    """`policies` by name become the account's own; AdministratorAccess is there."""
    own = {iam(f"policy/{name}"): text for name, text in policies.items()}
    return Identities(holders=holders, policies={ADMIN: document(allow("*")), **own})


def facts(**parts: Any) -> AccountFacts:
    return AccountFacts(account_id=ACCOUNT, partition="aws", region="eu-west-1", **parts)


def posture(model: AccessModel | None = None, **parts: Any) -> Posture:
    return evaluate_posture(facts(**parts), NOW, model)


def found(control: PostureId, model: AccessModel | None = None, **parts: Any) -> list[str]:
    """Names of the resources that this control flags."""
    return [each.resource_name for each in findings(control, model, **parts)]


def findings(
    control: PostureId, model: AccessModel | None = None, **parts: Any
) -> list[PostureFinding]:
    return [each for each in posture(model, **parts).findings if each.control is control]


NEVER = Absent.NEVER
