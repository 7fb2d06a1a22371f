"""Credentials for a session: made in moto's books and remembered in ours."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from keyreeve.language.policy_document import PolicyDocument
from keyreeve.model.errors import ConfigError
from keyreeve.sandbox.assuming import role_of
from keyreeve.sandbox.sessions import Session, SessionKind
from keyreeve.sandbox.world import World

_AN_HOUR: Final = timedelta(hours=1)


def remember(
    world: World,
    kind: SessionKind,
    made: Any,
    account_id: str,
    lasts: timedelta,
    *,
    user_id: str = "",
    role_id: str = "",
    name: str = "",
    mfa_at: datetime | None = None,
    policy: PolicyDocument | None = None,
    tags: Mapping[str, str] | None = None,
    must_change_password: bool = False,
) -> Session:
    """`made`: moto's AccessKey or AssumedRole, with its session token if it has one."""
    now = world.clock.now()
    session = Session(
        kind=kind,
        account_id=account_id,
        access_key=made.access_key_id,
        secret=made.secret_access_key,
        token=getattr(made, "session_token", None) or f"IQoJ{secrets.token_hex(24)}",
        issued=now,
        expires=now + lasts,
        user_id=user_id,
        role_id=role_id,
        name=name,
        mfa_at=mfa_at,
        policy=policy,
        tags=tags or {},
        must_change_password=must_change_password,
    )
    world.sessions[session.access_key] = session
    return session


def for_service(world: World, role_arn: str, name: str) -> Session:
    """A session of a role that a service assumes, such as Lambda a function's. An hour long.

    ConfigError if the role does not exist; whether it trusts the service is the service's to ask.
    """
    from moto.sts.models import sts_backends

    role = role_of(role_arn)
    if role is None:
        raise ConfigError(f"no role {role_arn}", where="sandbox", remedy="Create the role first.")
    seconds = int(_AN_HOUR.total_seconds())
    made = sts_backends[role.account_id]["aws"].assume_role(
        region_name="us-east-1",
        role_session_name=name,
        role_arn=role_arn,
        policy="",
        duration=seconds,
        external_id="",
    )
    return remember(
        *(world, SessionKind.ROLE, made, role.account_id, _AN_HOUR), role_id=role.id, name=name
    )


def trusts(role_arn: str, service: str) -> bool:
    """Whether a role lets a service assume it: `lambda.amazonaws.com`."""
    from keyreeve.language.policy_evaluator import Policies, Principal, Request, evaluate
    from keyreeve.sandbox.principals import EVERYTHING, stored

    role = role_of(role_arn)
    if role is None:
        return False
    trust = stored(role.assume_role_policy_document)
    question = Request(
        action="sts:AssumeRole", resource=role_arn, principal=Principal(service=service)
    )
    sides = Policies(identity=(EVERYTHING,), resource=(trust,), resource_decides=True)
    return evaluate(sides, question).allowed
