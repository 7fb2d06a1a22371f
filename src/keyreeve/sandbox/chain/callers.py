"""Access key → who it is, as CloudTrail writes `userIdentity`.

AWS: CloudTrail User Guide, "CloudTrail userIdentity element".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An account and its `userIdentity`."""

    account_id: str
    identity: dict[str, Any]


def user_identity(account_id: str, user: Any) -> dict[str, Any]:
    """Of an IAM user, without a key."""
    return {
        "type": "IAMUser",
        "principalId": user.id,
        "arn": user.arn,
        "accountId": account_id,
        "userName": user.name,
    }


def root_identity(account_id: str) -> dict[str, Any]:
    """Of the root user."""
    return {
        "type": "Root",
        "principalId": account_id,
        "arn": f"arn:aws:iam::{account_id}:root",
        "accountId": account_id,
    }


def service_identity(service: str) -> dict[str, Any]:
    """Of AWS acting by itself: `lambda.amazonaws.com`."""
    return {"type": "AWSService", "invokedBy": service}


def find(access_key: str, at: datetime, *, mfa: bool = False) -> Caller | None:
    """Who signs with the key; None: nobody has it. `at`: since when a session is known."""
    return _user(access_key, at, mfa=mfa) or _session(access_key, at, mfa=mfa)


def of_session(session: Any) -> Caller | None:
    """Who holds temporary credentials that the sandbox gave out (a `Session`); None: nobody."""
    from moto.iam.models import iam_backends

    backend: Any = iam_backends[session.account_id]["aws"]
    attributes = _attributes(session.issued, mfa=session.mfa_at is not None)
    user = next((it for it in backend.users.values() if it.id == session.user_id), None)
    role = next((it for it in backend.roles.values() if it.id == session.role_id), None)
    if user is not None:
        identity = user_identity(session.account_id, user)
    elif role is not None:
        identity = _role_identity(session.account_id, role, session.name)
    elif session.kind == "root":
        identity = root_identity(session.account_id)
    else:
        return None
    context = {**identity.pop("sessionContext", {}), "attributes": attributes}
    identity.update(accessKeyId=session.access_key, sessionContext=context)
    return Caller(account_id=session.account_id, identity=identity)


def _role_identity(account_id: str, role: Any, session_name: str) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": f"{role.id}:{session_name}",
        "arn": f"arn:aws:sts::{account_id}:assumed-role/{role.name}/{session_name}",
        "accountId": account_id,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role.id,
                "arn": role.arn,
                "accountId": account_id,
                "userName": role.name,
            }
        },
    }


def _user(access_key: str, at: datetime, *, mfa: bool) -> Caller | None:
    from moto.iam.models import iam_backends

    for account_id, partitions in list(iam_backends.items()):
        backend: Any = partitions["aws"]
        key = backend.access_keys.get(access_key)
        user = backend.users.get(key.user_name) if key is not None and key.user_name else None
        if user is None:
            continue
        identity = {**user_identity(account_id, user), "accessKeyId": access_key}
        if access_key.startswith("ASIA"):
            identity["sessionContext"] = {"attributes": _attributes(at, mfa=mfa)}
        return Caller(account_id=account_id, identity=identity)
    return None


def _session(access_key: str, at: datetime, *, mfa: bool) -> Caller | None:
    from moto.sts.models import sts_backends

    if not access_key.startswith("ASIA"):
        return None
    for account_id, partitions in list(sts_backends.items()):
        backend: Any = partitions["aws"]
        session = backend.get_assumed_role_from_access_key(access_key)
        if session is not None:
            return Caller(
                account_id=account_id, identity=_assumed(account_id, session, at, mfa=mfa)
            )
    return None


def _assumed(account_id: str, session: Any, at: datetime, *, mfa: bool) -> dict[str, Any]:
    role_id = session.user_id.partition(":")[0]
    return {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{session.session_name}",
        "arn": session.arn,
        "accountId": account_id,
        "accessKeyId": session.access_key_id,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": session.role_arn,
                "accountId": account_id,
                "userName": session.role_arn.rpartition("/")[2],
            },
            "attributes": _attributes(at, mfa=mfa),
        },
    }


def _attributes(at: datetime, *, mfa: bool) -> dict[str, str]:
    return {
        "creationDate": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "mfaAuthenticated": str(mfa).lower(),
    }
