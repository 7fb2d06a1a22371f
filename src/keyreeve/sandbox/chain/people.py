"""What people do in the console and by acts, as CloudTrail tells of it.

AWS: CloudTrail User Guide, "AWS Management Console sign-in events": ConsoleLogin is no API call; of
a wrong user name nothing is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from keyreeve.sandbox.account import Act, Document
from keyreeve.sandbox.chain.callers import Caller, root_identity, user_identity
from keyreeve.sandbox.chain.delivery import follow
from keyreeve.sandbox.chain.spelling import HIDDEN
from keyreeve.sandbox.world import World

__all__ = ["ROOT", "Attempt", "acted", "root_identity", "signed_in", "user_identity"]

ROOT = "<root_account>"


class SignInAttempt(Protocol):
    """An attempt to sign in to the console."""

    @property
    def account_id(self) -> str:
        """Where."""
        ...

    @property
    def user(self) -> str:
        """As given; `<root_account>` for the root user."""
        ...

    @property
    def at(self) -> datetime:
        """When."""
        ...

    @property
    def mfa(self) -> bool:
        """Whether a code was shown."""
        ...

    @property
    def failure(self) -> str:
        """Empty for a success; else such as `Failed authentication`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A sign-in that an act tells of."""

    account_id: str
    user: str
    at: datetime
    mfa: bool
    failure: str = ""


def signed_in(world: World, attempt: SignInAttempt) -> None:
    """ConsoleLogin, as an event."""
    event = {
        "userIdentity": _identity(attempt.account_id, attempt.user),
        "eventSource": "signin.amazonaws.com",
        "eventName": "ConsoleLogin",
        "eventType": "AwsConsoleSignIn",
        "userAgent": "Mozilla/5.0",
        "responseElements": {"ConsoleLogin": "Failure" if attempt.failure else "Success"},
        "additionalEventData": {
            "LoginTo": "https://console.aws.amazon.com/",
            "MobileVersion": "No",
            "MFAUsed": "Yes" if attempt.mfa else "No",
        },
        **({"errorMessage": attempt.failure} if attempt.failure else {}),
    }
    _add(world, attempt.account_id, attempt.at, event)


def acted(
    world: World, account_id: str, identity: dict[str, Any], act: Act, user: str, told: Document
) -> None:
    """What was done in the console, as the calls that it made. `told`: the details of the act."""
    for name in _NAMES.get(act, ()):
        event = {
            "userIdentity": identity,
            "eventName": name,
            "userAgent": "AWS Internal",
            "requestParameters": _parameters(name, user, told),
            "sessionCredentialFromConsole": "true",
        }
        _add(world, account_id, world.clock.now(), event)


def _add(world: World, account_id: str, at: datetime, event: Mapping[str, Any]) -> None:
    caller = Caller(account_id=account_id, identity=event["userIdentity"])
    follow(world, world.history.add(caller, at, event))


def _identity(account_id: str, user_name: str) -> dict[str, Any]:
    from moto.iam.models import iam_backends

    if user_name == ROOT:
        return root_identity(account_id)
    user = iam_backends[account_id]["aws"].users.get(user_name)
    if user is not None:
        return user_identity(account_id, user)
    return {"type": "IAMUser", "accountId": account_id, "accessKeyId": "", "userName": HIDDEN}


_NAMES: Mapping[Act, tuple[str, ...]] = {
    Act.CREATE_KEY: ("CreateAccessKey",),
    Act.ROTATE_KEY: ("CreateAccessKey", "DeleteAccessKey"),
    Act.DELETE_KEY: ("DeleteAccessKey",),
    Act.SET_KEY_STATUS: ("UpdateAccessKey",),
    Act.CHANGE_PASSWORD: ("ChangePassword",),
    Act.DELETE_PASSWORD: ("DeleteLoginProfile",),
    Act.ENROL_MFA: ("EnableMFADevice",),
    Act.REMOVE_MFA: ("DeactivateMFADevice",),
    Act.TAG: ("TagUser",),
    Act.UNTAG: ("UntagUser",),
    Act.RENAME: ("UpdateUser",),
    Act.DELETE_USER: ("DeleteUser",),
    Act.CREATE_USER: ("CreateUser",),
}
"""Acts that are calls of IAM."""


def _parameters(name: str, user: str, told: Document) -> dict[str, Any] | None:
    given: dict[str, Any] = {"userName": user}
    match name:
        case "ChangePassword":
            return None
        case "DeleteAccessKey" | "UpdateAccessKey":
            status = "Active" if told.get("active") else "Inactive"
            given["accessKeyId"] = told.get("key")
            return given | ({"status": status} if name == "UpdateAccessKey" else {})
        case "EnableMFADevice" | "DeactivateMFADevice":
            return given | {"serialNumber": told.get("serial")}
        case "TagUser":
            tags = dict(told.get("tags", {}))
            return given | {"tags": [{"key": key, "value": it} for key, it in tags.items()]}
        case "UntagUser":
            return given | {"tagKeys": list(told.get("keys", ()))}
        case "UpdateUser":
            return given | {"newUserName": told.get("to")}
        case _:
            return given
