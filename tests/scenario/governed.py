"""An account whose baseline is deployed over the command line, and people who live in it."""

from __future__ import annotations

import csv
import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.sandbox_fixture import aws
from tests.scenario.cli_command import Answer, Command

from keyreeve.cli import main
from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import ConsoleSession, Sandbox

ACCESS = """\
roles:
  Administrator:
    group: Administrator
    role: AdministratorAccessRole
    policies: [arn:aws:iam::aws:policy/AdministratorAccess]
  Developer:
    group: Developers
    role: DeveloperRole
    policies: [arn:aws:iam::aws:policy/job-function/ViewOnlyAccess]
    max_session: 8h
  Auditor:
    group: Auditor
    role: AuditorRole
    policies: [arn:aws:iam::aws:policy/SecurityAudit]
  NetworkAdministrator:
    group: NetworkAdministrators
    role: NetworkOperationsRole
    policies: [arn:aws:iam::aws:policy/job-function/NetworkAdministrator]
"""
GROUPS = {
    "Administrator": ("Administrator", "AdministratorAccessRole"),
    "Developer": ("Developers", "DeveloperRole"),
    "Auditor": ("Auditor", "AuditorRole"),
    "NetworkAdministrator": ("NetworkAdministrators", "NetworkOperationsRole"),
}
"""Value of the role tag → group and role."""
OPS = "ops@example.com"
BASELINE = f"baseline: {{access: access.yaml, alerts: [{OPS}]}}\n"
PASSWORD = "Chosen-By-Themselves-{}!9"


class Governed(Command):
    """The command line in an account of its own, which several tests may share."""

    def __init__(self, sandbox: Sandbox, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(sandbox, folder, None, patch)

    def __call__(self, *arguments: str) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(list(arguments))
        return Answer(code, out.getvalue(), err.getvalue())

    heard = 0

    def begin(self, account: Any = "empty", *, more: str = "") -> None:
        """A fresh account, a config and an access.yaml."""
        self.sandbox.clear_faults()
        self.sandbox.reset(account, self.now)
        self.settle(more=BASELINE + more)
        (self.folder / "access.yaml").write_text(ACCESS)

    def deploy(self, *stacks: str) -> Any:
        """`baseline deploy --execute`; its JSON document."""
        answer = self("--output", "json", "baseline", "deploy", *stacks, "--execute")
        assert answer.code == 0, answer.err
        return answer.json

    def client(self, service: str) -> Any:
        """As an administrator."""
        return aws(self.sandbox.url, service)

    def groups(self, user: str) -> set[str]:
        found = self.client("iam").list_groups_for_user(UserName=user)["Groups"]
        return {group["GroupName"] for group in found}

    def onboard(self, name: str, role: str) -> Joiner:
        """Over the command line; the password comes by mail."""
        before = len(self.sandbox.mails())
        answer = self(
            *("user", "onboard", name, "--role", role, "--department", "Engineering"),
            *("--email", f"{name}@example.com", "--execute"),
        )
        assert answer.code == 0, answer.err
        [mail] = self.sandbox.mails(before)
        assert mail.destinations == (f"{name}@example.com",)
        return Joiner(sandbox=self.sandbox, name=name, password=_password(mail.delivered))

    def alerted(self) -> str:
        """Everything that the confirmed subscriber was told since `heard`."""
        told = self.sandbox.alerts(self.heard)
        return "\n".join(f"{it['subject']}\n{it['message']}" for it in told)


def _password(raw: bytes) -> str:
    [attachment] = message_from_bytes(raw, policy=default).iter_attachments()
    row = next(csv.DictReader(io.StringIO(attachment.get_content())))
    return row["Password"]


@dataclass
class Joiner:
    """A person with a console password, and soon a device."""

    sandbox: Sandbox
    name: str
    password: str
    serial: str = ""

    def sign_in(self, *, mfa: bool) -> ConsoleSession:
        otp = self.sandbox.otp(self.serial) if mfa else None
        return self.sandbox.sign_in(self.name, self.password, otp)

    def client(self, service: str, session: ConsoleSession) -> Any:
        return aws(self.sandbox.url, service, session.access_key, session.secret, session.token)

    def change_password(self, session: ConsoleSession) -> None:
        chosen = PASSWORD.format(self.name)
        self.client("iam", session).change_password(OldPassword=self.password, NewPassword=chosen)
        self.password = chosen

    def enrol(self, session: ConsoleSession) -> None:
        """A virtual device, with two codes that follow each other."""
        iam = self.client("iam", session)
        made = iam.create_virtual_mfa_device(VirtualMFADeviceName=self.name)
        self.serial = made["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(
            UserName=self.name,
            SerialNumber=self.serial,
            AuthenticationCode1=self.sandbox.otp(self.serial),
            AuthenticationCode2=self.sandbox.otp(self.serial, 1),
        )

    def assume(self, role: str, session: ConsoleSession) -> Any:
        return self.client("sts", session).assume_role(
            RoleArn=f"arn:aws:iam::{HOME_ACCOUNT}:role/{role}",
            RoleSessionName=self.name,
        )


def refused(call: Any, **parameters: Any) -> bool:
    """Whether AWS says no; any other error is one."""
    try:
        call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"):
            return True
        raise
    return False
