"""Signing in to the console: password, code, and the password change that may come first.

AWS: a user with an MFA device is asked for its code after the password. Who must choose a new
password does so at once, in a session in which nothing else is possible, and needs
iam:ChangePassword like everybody; a user without device has a session whose
aws:MultiFactorAuthPresent is false, not absent.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from keyreeve.model.errors import KeyreeveError
from keyreeve.sandbox.issuing import remember
from keyreeve.sandbox.otp import STEP, code, is_shown
from keyreeve.sandbox.sessions import Session, SessionKind, SignIn
from keyreeve.sandbox.world import World

ROOT: Final = "<root_account>"
_LASTS: Final = timedelta(hours=12)
_FAILED: Final = "Failed authentication"


class SignInFailed(KeyreeveError):
    """The console did not let somebody in."""


def sign_in(world: World, account_id: str, name: str, password: str, otp: str | None) -> Session:
    """The console's session of a user. SignInFailed in AWS's words; observers hear of both."""
    backend = _iam(account_id)
    user = backend.users.get(name)
    arn = "" if user is None else user.arn
    failure = _mistake(world, backend, user, password, otp)
    with_mfa = user is not None and bool(user.mfa_devices) and otp is not None
    heard = SignIn(
        account_id=account_id,
        user=name,
        arn=arn,
        at=world.clock.now(),
        mfa=with_mfa,
        failure=failure or "",
    )
    _tell(world, heard)
    if failure is not None:
        raise SignInFailed(failure, where="console", remedy="Check name, password and MFA code.")
    user.password_last_used = world.naive_now()
    return remember(
        *(world, SessionKind.CONSOLE, backend.create_temp_access_key(), account_id, _LASTS),
        user_id=user.id,
        mfa_at=world.clock.now() if with_mfa else None,
        must_change_password=bool(user.password_reset_required) or _is_over(world, backend, user),
    )


def sign_in_as_root(world: World, account_id: str, *, mfa: bool) -> Session:
    """A session of the root user, whose password the sandbox does not know."""
    made = _iam(account_id).create_temp_access_key()
    now = world.clock.now()
    arn = f"arn:aws:iam::{account_id}:root"
    _tell(world, SignIn(account_id=account_id, user=ROOT, arn=arn, at=now, mfa=mfa))
    kept = world, SessionKind.ROOT, made, account_id, _LASTS
    return remember(*kept, mfa_at=now if mfa else None)


def otp_of(world: World, serial: str, steps: int = 0) -> str:
    """What the device shows now, or so many steps of 30 seconds later (negative: earlier).

    LookupError if there is no such device.
    """
    backend = _iam(serial.split(":")[4] if serial.count(":") > 4 else "")  # noqa: PLR2004 - an ARN
    device = backend.virtual_mfa_devices.get(serial)
    if device is None:
        raise LookupError(f"no virtual MFA device {serial}")
    return code(device.base32_string_seed, world.clock.now() + steps * STEP)


def _iam(account_id: str) -> Any:
    from moto.iam.models import iam_backends

    if account_id not in iam_backends:
        raise LookupError(f"no account {account_id}")
    return iam_backends[account_id]["aws"]


def _mistake(world: World, backend: Any, user: Any, password: str, otp: str | None) -> str | None:
    """Why nobody is let in; None: nothing is wrong."""
    if user is None or not user.password or user.password != password:
        return _FAILED
    policy = backend.account_password_policy
    if policy is not None and policy.hard_expiry and _is_over(world, backend, user):
        return "Your password has expired. Contact your administrator"
    if not user.mfa_devices:
        return None
    devices = [backend.virtual_mfa_devices[it] for it in user.mfa_devices]
    shown = otp is not None and any(
        is_shown(device.base32_string_seed, otp, world.clock.now()) for device in devices
    )
    return None if shown else _FAILED


def _is_over(world: World, backend: Any, user: Any) -> bool:
    """Whether the account's policy has let the password expire."""
    policy = backend.account_password_policy
    if policy is None or not policy.max_password_age:
        return False
    changed = getattr(user, "password_changed", None) or user.create_date
    return bool(world.naive_now() - changed >= timedelta(days=policy.max_password_age))


def _tell(world: World, heard: SignIn) -> None:
    for observer in world.observers:
        observer(heard)
