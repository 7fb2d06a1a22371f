"""A new user, in write-ahead steps: with its tags, restricted, then a password (S2.4, S2.7).

    intent     {name, role, to}
    create     CreateUser with every tag, one attempt
    group      AddUserToGroup(onboarding), confirmed by reading: a password never works outside it
    escrow     the generated password, before anybody knows it
    profile    CreateLoginProfile with PasswordResetRequired, one attempt
    created    {escrow}
    deliver    read escrow, send the private mail
    delivered  {message id, to}

Asked again after a stop, it goes on at the last step that is known, for two weeks.  A mail that
was lost is answered with another password (`--again`), as long as the user has not signed in.
Where somebody has deleted the user or its password since, both are made anew: nobody is mailed a
password that opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.operations import no_case
from keyreeve.escalation.password import generate
from keyreeve.model.access import Grant
from keyreeve.model.case import OperationKind, Step, StepName
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.errors import AlreadyExists, ConfigError, Doubtful, Malformed, NotFound
from keyreeve.model.evidence import KEPT
from keyreeve.model.identifiers import UserId
from keyreeve.model.notice import Accepted, Attachment, CredentialsNotice, MailKind, OutgoingMail
from keyreeve.pipeline.credentials_file import password_csv, proved
from keyreeve.pipeline.joiner import Begun, Joiner, bears, checked
from keyreeve.pipeline.post_office import PostOffice
from keyreeve.pipeline.roster import Registrar, Roster
from keyreeve.pipeline.workbench import audit_data

T = TypeVar("T")

ATTACHMENT: Final = "console-password.csv"
_WAITS: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds: a new user is not seen everywhere at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarded:
    """What was, or would be, done."""

    grant: Grant
    to: str
    user_id: UserId | None = None
    """None: rehearsed."""
    message_id: str | None = None
    resumed: bool = False
    """An earlier call was stopped: this one went on with it."""


def rehearse(roster: Roster, joiner: Joiner, now: datetime) -> Onboarded:
    """Every check, and nothing else. ConfigError if the user cannot be onboarded."""
    begun = Begun.find(roster, joiner.name, now)
    grant, to = checked(roster, joiner, begun)
    return Onboarded(grant=grant, to=to, resumed=begun.unfinished)


def onboard(roster: Roster, joiner: Joiner, now: datetime) -> Onboarded:
    """Check, then do. The lock must be held. ConfigError if the user cannot be onboarded."""
    begun = Begun.find(roster, joiner.name, now)
    grant, to = checked(roster, joiner, begun)
    with Registrar(roster.account, now, joiner.by) as registrar:
        return _Onboarding(roster, joiner, begun, registrar, now).carry_out(grant, to)


# --- the steps --------------------------------------------------------------------------------


class _Onboarding:
    """Carries one onboarding to its end."""

    def __init__(
        self, roster: Roster, joiner: Joiner, begun: Begun, registrar: Registrar, now: datetime
    ) -> None:
        self._roster = roster
        self._joiner = joiner
        self._begun = begun
        self._registrar = registrar
        self._now = now
        self._tools = roster.account.tools
        self._attempt = begun.attempt or 1

    def carry_out(self, grant: Grant, to: str) -> Onboarded:
        """From the last step that is known."""
        escrow = self._begun.escrow if self._opens() else None
        anew = self._begun.delivered or (self._begun.escrow is not None and escrow is None)
        if anew:
            self._attempt += 1  # nobody holds the password whose mail was lost
        if anew or self._begun.last is None:
            self._intend(to)
        user_id = self._user()
        self._restricted()
        if escrow is None:
            escrow = self._password(user_id, to)
        accepted = self._deliver(user_id, escrow, to)
        return Onboarded(
            grant=grant,
            to=to,
            user_id=user_id,
            message_id=accepted.message_id,
            resumed=self._begun.unfinished,
        )

    def _opens(self) -> bool:
        """Whether there is a password in escrow, and the user still has it."""
        if self._begun.escrow is None:
            return False
        return self._tools.reader.must_change_password(self._joiner.name)

    def _intend(self, to: str) -> None:
        tags = self._joiner.tags
        data = {"tags": dict(tags), "to": to, "by": self._joiner.by}
        self._write(StepName.INTENT, UserId(""), data)
        self._registrar.keep()  # whoever finds the user must find who asked for it

    def _user(self) -> UserId:
        """The user, made or found."""
        name = self._joiner.name
        if self._begun.delivered:
            with suppress(NotFound):  # deleted since: made anew
                return self._roster.reader.member(name).user_id
        self._tools.lease.check()
        try:
            return self._roster.actuator.create_user(name, self._joiner.tags).user_id
        except (Doubtful, Malformed):
            found = self._settled(lambda: self._roster.reader.member(name))
        except AlreadyExists:
            found = self._roster.reader.member(name)
        if not bears(found, self._joiner.tags):
            raise ConfigError(
                f"somebody else has made a user {name!r} meanwhile, with other tags",
                where="NAME",
                remedy="Nothing was done to it.",
            )
        return found.user_id

    def _restricted(self) -> None:
        """In the onboarding group, as reading tells; before there is any password."""
        name, group = self._joiner.name, self._roster.model.onboarding_group
        self._tools.lease.check()
        self._settled(lambda: self._roster.actuator.add_to_group(name, group))

        def seen() -> None:
            if group not in self._roster.reader.member(name).groups:
                raise NotFound(
                    f"reading does not show {name} in {group}", call="iam:AddUserToGroup"
                )

        self._settled(seen)

    def _password(self, user_id: UserId, to: str) -> str:
        """Escrow first, then the login profile."""
        joiner, tools = self._joiner, self._tools
        kind = CredentialKind.PASSWORD
        operation = self._begun.operation
        if tools.escrow.find(kind, user_id, operation, self._attempt) is not None:
            # Whether the profile was made with that password is unknown, and nobody holds it.
            self._attempt += 1
            self._intend(to)
        password = generate(tools.reader.password_policy(), tools.randomness)
        csv = password_csv(joiner.name, password, self._roster.account.post.sign_in_url)
        escrow = tools.escrow.deposit(kind, user_id, operation, self._attempt, csv)
        tools.lease.check()
        try:
            self._settled(lambda: self._roster.actuator.create_login_profile(joiner.name, password))
        except AlreadyExists:
            self._again(password)
        self._write(StepName.CREATED, user_id, {"escrow": escrow})
        return escrow

    def _again(self, password: str) -> None:
        """The profile of an earlier attempt, whose password nobody ever got."""
        name = self._joiner.name
        if not self._tools.reader.must_change_password(name):
            raise ConfigError(
                f"{name} has a console password already, and it has been used or set by others",
                where="NAME",
                remedy="Nothing was mailed. `keyreeve user show` tells of the user.",
            )
        self._tools.actuator.reset_password(name, password)

    def _deliver(self, user_id: UserId, escrow: str, to: str) -> Accepted:
        """At least once: a lost answer is another mail, never another password."""
        account = self._roster.account
        notice = CredentialsNotice(
            letterhead=account.post.letterhead,
            user_name=self._joiner.name,
            kind=CredentialKind.PASSWORD,
            on=Calendar(account.policy).today(self._now),
            old_key=None,
            new_key=None,
            enforcement_on=None,
            attachment_name=ATTACHMENT,
            first=True,
        )
        csv = proved(self._tools.escrow.read(escrow), None, escrow)
        mail = OutgoingMail(
            kind=MailKind.CREDENTIALS,
            sender=account.post.sender,
            to=(to,),
            cc=(),
            reply_to=None,
            subject=(
                f"[{account.post.letterhead.project_name}] Your access to AWS: {self._joiner.name}"
            ),
            body=self._tools.renderer.credentials(notice),
            sent_at=self._now,
            attachments=(Attachment(name=ATTACHMENT, content=csv),),
        )

        def remember(accepted: Accepted) -> None:
            data = {"message_id": accepted.message_id, "to": to, KEPT: accepted.kept}
            self._write(StepName.DELIVERED, user_id, data)

        return PostOffice(self._tools, account.run_id).send(mail, user_id, remember)

    def _settled(self, ask: Callable[[], T]) -> T:
        """What a new user needs: AWS may not know it everywhere yet. NotFound means: not done."""
        for wait in _WAITS:
            try:
                return ask()
            except NotFound:
                self._tools.clock.sleep(wait)
        return ask()

    def _write(self, name: StepName, user_id: UserId, data: Mapping[str, object]) -> None:
        step = Step(
            operation_id=self._begun.operation,
            attempt=self._attempt,
            name=name,
            kind=OperationKind.ONBOARDING,
            run_id=self._roster.account.run_id,
            case_id=no_case(self._begun.on),
            user_id=user_id,
            user_name=self._joiner.name,
            at=self._now,
            on=Calendar(self._roster.account.policy).today(self._now),
            data=data,
        )
        self._tools.journal.write(step)
        self._tools.audit.append(f"step.{step.kind}.{step.name}", step.at, audit_data(step))
