"""A role session for a person: which role, for how long, proved by which device (S2.15)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from keyreeve.model.access import AccessModel, Grant
from keyreeve.model.errors import AccessDenied, ConfigError, Rejected
from keyreeve.model.snapshot import Caller
from keyreeve.ports.role_sessions import Proof, RoleSession, RoleSessions

SHORTEST = timedelta(minutes=15)
DEFAULT = timedelta(hours=1)
CHAINED = timedelta(hours=1)
"""The longest session that one role session may open (AWS: role chaining)."""
_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/(?:.*/)?[\w+=,.@-]+")
_NAME = re.compile(r"[\w+=,.@-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The role that is asked for."""

    arn: str
    longest: timedelta | None
    """None: only AWS knows."""


def target(role: str, model: AccessModel | None, caller: Caller) -> Target:
    """By ARN, by the name of the role, or by the duty that it belongs to.

    ConfigError for what is none of these.
    """
    if _ARN.fullmatch(role):
        grant = _grant(role.rpartition("/")[2], model)
        return Target(arn=role, longest=grant.max_session if grant else None)
    grant = _grant(role, model)
    name = grant.role if grant else role
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{role!r} is no role", where="ROLE", remedy=_known(model))
    arn = f"arn:{caller.arn.split(':')[1]}:iam::{caller.account_id}:role/{name}"
    return Target(arn=arn, longest=grant.max_session if grant else None)


def span(wanted: timedelta | None, target: Target, caller: Caller) -> timedelta:
    """How long: what was asked for, or an hour, within what the role allows. ConfigError beyond."""
    longest = target.longest
    if ":assumed-role/" in caller.arn:
        longest = min(longest or CHAINED, CHAINED)
    if wanted is None:
        return min(DEFAULT, longest) if longest else DEFAULT
    if wanted < SHORTEST:
        raise ConfigError("AWS gives no session under 15 minutes", where="--for")
    if longest is not None and wanted > longest:
        minutes = int(longest.total_seconds()) // 60
        raise ConfigError(
            f"this role's sessions last {minutes} minutes at most",
            where="--for",
            remedy="access.yaml says so: max_session. One role session opens another for 1 h.",
        )
    return wanted


def assume(
    sessions: RoleSessions,
    role: Target,
    duration: timedelta,
    ask: Callable[[str], str],
    serial: str | None = None,
) -> RoleSession:
    """Asks for the MFA code where the caller is a user with a device.

    `ask`: device → the code it shows. AccessDenied with a way to mend it if AWS refuses.
    """
    caller = sessions.caller()
    device = serial or device_of(sessions, caller)
    proof = Proof(serial=device, code=_code(ask(device))) if device else None
    try:
        return sessions.assume(role.arn, session_name(caller), duration, proof)
    except AccessDenied as denied:
        raise AccessDenied(
            denied.what, call=denied.call, code=denied.code, remedy=_why(caller, device)
        ) from None
    except Rejected as refused:
        if "DurationSeconds" not in refused.what and "MaxSessionDuration" not in refused.what:
            raise
        raise ConfigError(refused.what, where="--for", remedy="Ask for less.") from None


def session_name(caller: Caller) -> str:
    """The person's own name, so that CloudTrail and the trust policy know who it is (E5)."""
    return caller.arn.rpartition("/")[2][:64] or "root"


def device_of(sessions: RoleSessions, caller: Caller) -> str | None:
    """The caller's device; None for a role session, which carries no MFA of its own.

    AWS: passkeys and security keys show no code, and no call of the API takes them.
    """
    if ":user/" not in caller.arn:
        return None
    try:
        devices = sessions.mfa_devices()
    except AccessDenied:
        raise ConfigError(
            "IAM does not tell which MFA device is yours",
            where="--mfa-serial",
            remedy="Name it: its ARN stands in the console below your security credentials.",
        ) from None
    if not devices:
        raise ConfigError(
            "you have no MFA device, and the role asks for one",
            where=caller.arn,
            remedy="Enrol one in the console: Security credentials, Assign MFA device.",
        )
    found = next((serial for serial in devices if ":u2f/" not in serial), None)
    if found is None:
        raise ConfigError(
            "you have a passkey or a security key only, and at the command line AWS takes a code",
            where=caller.arn,
            remedy="Switch the role in the console, or enrol an authenticator app beside it.",
        )
    return found


def _code(said: str) -> str:
    code = said.replace(" ", "")
    if not re.fullmatch(r"[0-9]{6}", code):
        raise ConfigError("an MFA code has six digits", where="MFA code")
    return code


def _grant(name: str, model: AccessModel | None) -> Grant | None:
    if model is None:
        return None
    by_role = next((grant for grant in model.grants if grant.role == name), None)
    return by_role or model.grant_for(name)


def _known(model: AccessModel | None) -> str:
    names = ", ".join(grant.role for grant in model.grants) if model else ""
    return f"Known: {names}." if names else "Give its ARN, or name access.yaml in config.yaml."


def _why(caller: Caller, device: str | None) -> str:
    if device is None and ":user/" not in caller.arn:
        return "A role session carries no MFA: sign in as a user to assume a role that asks for it."
    return (
        "Either the code was used before (wait for the next one), or you are not in the role's "
        "group: `keyreeve user show` tells."
    )
