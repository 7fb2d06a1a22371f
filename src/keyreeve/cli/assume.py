"""`keyreeve assume`: a role session for a person, or a profile that opens one."""

from __future__ import annotations

import os
import shlex
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen
from keyreeve.cli.options import DEFAULT_CONFIG, Span, example

if TYPE_CHECKING:
    from keyreeve.model.access import AccessModel
    from keyreeve.pipeline.assume import Target
    from keyreeve.ports.role_sessions import RoleSession, RoleSessions


@click.command(
    epilog=example(
        'eval "$(keyreeve assume DeveloperRole)"',
        "keyreeve assume Administrator --for 30m",
        "keyreeve assume DeveloperRole --write-profile dev    # then: aws --profile dev …",
    )
)
@click.argument("role")
@click.option("--for", "span", type=Span(), help="How long, such as 30m or 8h.  [default: 1h]")
@click.option("--mfa-serial", metavar="ARN", help="Your MFA device; default: the one IAM names.")
@click.option(
    "--write-profile",
    "profile",
    metavar="NAME",
    help="Write an AWS CLI profile for the role, without any secret, and open no session.",
)
def assume(
    *, role: str, span: timedelta | None, mfa_serial: str | None, profile: str | None
) -> int:
    """Open a session of ROLE, with your MFA code, and print its credentials for the shell.

    ROLE is a role of access.yaml, the duty that it belongs to, or an ARN. The code is asked for on
    the terminal. With --output json the credentials come as the AWS SDKs' credential_process
    expects them. Nothing is stored.
    """
    from keyreeve.aws.role_sessions import StsRoleSessions
    from keyreeve.aws.sessions import Sessions
    from keyreeve.pipeline import assume as use_case

    given = opening.options()
    sessions = StsRoleSessions(
        Sessions(rehearsal=False, profile=given.profile, region=given.region)
    )
    caller = sessions.caller()
    target = use_case.target(role, _model(), caller)
    duration = use_case.span(span, target, caller)
    if profile is not None:
        return _write_profile(profile, target, duration, sessions, mfa_serial)
    opened = use_case.assume(sessions, target, duration, _ask, mfa_serial)
    _print(opened)
    return 0


def _model() -> AccessModel | None:
    """access.yaml, where a config names one: names are easier than ARNs."""
    if opening.options().config is None and not DEFAULT_CONFIG.exists():
        return None
    found = opening.config()
    return found.access_model() if found.baseline.access is not None else None


def _ask(device: str) -> str:
    """On the terminal, never as an argument: a process list would show it."""
    code: str = click.prompt(f"MFA code of {screen.safe(device)}", err=True)
    return code


def _print(opened: RoleSession) -> None:
    if opening.options().json:
        screen.json_document(
            {
                "Version": 1,
                "AccessKeyId": opened.access_key_id,
                "SecretAccessKey": opened.secret,
                "SessionToken": opened.token,
                "Expiration": opened.expires_at.isoformat(),
            }
        )
    else:
        for name, value in (
            ("AWS_ACCESS_KEY_ID", opened.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", opened.secret),
            ("AWS_SESSION_TOKEN", opened.token),
        ):
            screen.line(f"export {name}={shlex.quote(value)}")
    screen.note(f"{screen.safe(opened.arn)} until {opened.expires_at:%Y-%m-%d %H:%M} UTC")


def _write_profile(
    name: str,
    target: Target,
    duration: timedelta,
    sessions: RoleSessions,
    serial: str | None,
) -> int:
    from keyreeve.local.aws_profile import add_profile, config_file
    from keyreeve.pipeline.assume import device_of, session_name

    caller = sessions.caller()
    device = serial or device_of(sessions, caller)
    settings = {
        "role_arn": target.arn,
        "source_profile": opening.options().profile or os.environ.get("AWS_PROFILE") or "default",
        "role_session_name": session_name(caller),
        "duration_seconds": str(int(duration.total_seconds())),
        **({"mfa_serial": device} if device else {}),
    }
    path = config_file(os.environ)
    added = add_profile(path, name, settings)
    if opening.options().json:
        screen.json_document(
            {
                "schema": "keyreeve.assume.profile/1",
                "profile": name,
                "file": str(path),
                "added": added,
            }
        )
        return 0
    screen.line(
        f"{'Added to' if added else 'Already in'} {path}: [profile {name}]. "
        f"Use it as: aws --profile {name} sts get-caller-identity"
    )
    return 0
