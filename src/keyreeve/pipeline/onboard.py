"""A new user, in write-ahead steps: with its tags, restricted, then a password (S2.4, S2.7).

    intent     {name, role, to}
    create     CreateUser with every tag, one attempt
    group      AddUserToGroup(onboarding), confirmed by reading: a password never works outside it
    escrow     the generated password, before anybody knows it
    profile    CreateLoginProfile with PasswordResetRequired, one attempt
    created    {escrow}
    deliver    read escrow, send the private mail
    delivered  {message id, to}

Asked again after a stop, it goes on at the last step that is known, for two weeks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, TypeVar

from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.operations import no_case, operation_id
from keyreeve.escalation.owner import is_address, not_private
from keyreeve.escalation.password import generate
from keyreeve.model.access import Grant
from keyreeve.model.case import OperationKind, Step, StepName
from keyreeve.model.errors import AlreadyExists, ConfigError, Doubtful, Malformed, NotFound
from keyreeve.model.identifiers import OperationId, UserId, UserName
from keyreeve.model.notice import (
    Accepted,
    Attachment,
    CredentialKind,
    CredentialsNotice,
    MailKind,
    OutgoingMail,
)
from keyreeve.model.people import Member
from keyreeve.pipeline.post_office import PostOffice
from keyreeve.pipeline.reset import password_csv
from keyreeve.pipeline.roster import Registrar, Roster
from keyreeve.pipeline.workbench import audit_data

T = TypeVar("T")

NAME: Final = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
"""AWS: what an IAM user may be called."""
RESUMED_WITHIN: Final = 14
"""Days in which an onboarding that was stopped is gone on with."""
ATTACHMENT: Final = "console-password.csv"
_WAITS: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds: a new user is not seen everywhere at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joiner:
    """Who is to be onboarded."""

    name: UserName
    tags: Mapping[str, str]
    """Every required tag."""
    by: str
    """The STS caller."""


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
    begun = _Begun.find(roster, joiner.name, now)
    grant, to = _checked(roster, joiner, begun)
    return Onboarded(grant=grant, to=to, resumed=begun.unfinished)


def onboard(roster: Roster, joiner: Joiner, now: datetime) -> Onboarded:
    """Check, then do. The lock must be held. ConfigError if the user cannot be onboarded."""
    begun = _Begun.find(roster, joiner.name, now)
    grant, to = _checked(roster, joiner, begun)
    with Registrar(roster.account, now, joiner.by) as registrar:
        return _Onboarding(roster, joiner, begun, registrar, now).carry_out(grant, to)


# --- what is known ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """The operation as its steps tell."""

    operation: OperationId
    steps: tuple[Step, ...] = ()
    on: date

    @classmethod
    def find(cls, roster: Roster, name: UserName, now: datetime) -> _Begun:
        """The newest of the last two weeks; else a fresh one of today."""
        account = roster.account
        today = Calendar(account.policy).today(now)
        for back in range(RESUMED_WITHIN):
            on = today - timedelta(days=back)
            operation = operation_id(
                account.account_id, no_case(on), OperationKind.ONBOARDING, name
            )
            steps = account.tools.journal.of(operation)
            if steps:
                return cls(operation=operation, steps=steps, on=on)
        operation = operation_id(account.account_id, no_case(today), OperationKind.ONBOARDING, name)
        return cls(operation=operation, on=today)

    @property
    def attempt(self) -> int:
        """The newest attempt; 0: none."""
        return max((step.attempt for step in self.steps), default=0)

    @property
    def last(self) -> StepName | None:
        """Of the newest attempt."""
        return self.steps[-1].name if self.steps else None

    @property
    def unfinished(self) -> bool:
        """Whether something was begun and not brought to its end."""
        return self.last in (StepName.INTENT, StepName.CREATED)

    @property
    def escrow(self) -> str | None:
        """Where the password lies that waits for its mail."""
        return str(self.steps[-1].data["escrow"]) if self.last is StepName.CREATED else None


# --- checks -----------------------------------------------------------------------------------


def _checked(roster: Roster, joiner: Joiner, begun: _Begun) -> tuple[Grant, str]:
    """The grant and the address. ConfigError for whatever would end half-way."""
    model = roster.model
    if NAME.fullmatch(joiner.name) is None:
        raise ConfigError(
            f"{joiner.name!r} is no name for an IAM user",
            where="NAME",
            remedy="Letters, digits and + = , . @ _ - up to 64 characters.",
        )
    missing = model.missing_tags(joiner.tags)
    if missing:
        raise ConfigError(
            f"without {', '.join(missing)} nobody is onboarded (S2.8)",
            where="tags",
            remedy="Give --role, --department and --email.",
        )
    grant = model.grant_for(joiner.tags[model.tags.role])
    if grant is None:
        known = ", ".join(each.functional_group for each in model.grants) or "none"
        raise ConfigError(
            f"access.yaml knows no role {joiner.tags[model.tags.role]!r}",
            where="--role",
            remedy=f"It knows: {known}.",
        )
    _groups_exist(roster, grant)
    _can_be_told(roster, joiner)
    _free(roster, joiner, begun)
    return grant, _address(roster, joiner)


def _can_be_told(roster: Roster, joiner: Joiner) -> None:
    """The rules of config.yaml let this user be made, and its password be mailed."""
    future = Member(
        name=joiner.name,
        user_id=UserId(""),
        arn="",
        tags=joiner.tags,
        groups=frozenset(),
        has_mfa=False,
    )
    roster.not_untouchable(future)
    if not roster.account.policy.delivery_for(future).by_mail:
        raise ConfigError(
            "credentials are handed over in Secrets Manager only, and a new user cannot sign in "
            "to fetch them",
            where="credentials.delivery",
            remedy="Give new users a class of their own in config.yaml, with delivery: csv.",
        )


def _groups_exist(roster: Roster, grant: Grant) -> None:
    """S2.9: names are looked up before anything relies on them."""
    for group in (roster.model.onboarding_group, grant.group):
        try:
            roster.reader.group_members(group)
        except NotFound:
            raise ConfigError(
                f"there is no group {group!r}",
                where="access.yaml",
                remedy="Deploy the identity stack, or mend the name in access.yaml.",
            ) from None


def _free(roster: Roster, joiner: Joiner, begun: _Begun) -> None:
    """The name is nobody's, or an onboarding of ours was stopped."""
    try:
        member = roster.reader.member(joiner.name)
    except NotFound:
        return
    roster.not_untouchable(member)
    if begun.unfinished and _bears(member, joiner.tags):
        return
    known = f"was onboarded on {begun.on}" if begun.steps and not begun.unfinished else "exists"
    raise ConfigError(
        f"a user {joiner.name!r} {known} already",
        where="NAME",
        remedy="`keyreeve user show` tells of it; `keyreeve user tags --set` gives it its tags.",
    )


def _bears(member: Member, tags: Mapping[str, str]) -> bool:
    return all(member.tags.get(name) == value for name, value in tags.items())


def _address(roster: Roster, joiner: Joiner) -> str:
    """Where the password may go: to its owner alone (gate 2)."""
    model, policy = roster.model, roster.account.policy
    address = joiner.tags[model.tags.email].strip()
    if not is_address(address):
        raise ConfigError(f"{address!r} is no mail address", where="--email")
    others = frozenset(
        member.tags.get(model.tags.email, "").strip().lower()
        for member in roster.reader.everybody().members
        if member.name != joiner.name
    )
    public = not_private(address, others, policy)
    if public is not None:
        raise ConfigError(
            f"the first password may not go there: {public}",
            where="--email",
            remedy="Give an address that only this person reads.",
        )
    return address


# --- the steps --------------------------------------------------------------------------------


class _Onboarding:
    """Carries one onboarding to its end."""

    def __init__(
        self, roster: Roster, joiner: Joiner, begun: _Begun, registrar: Registrar, now: datetime
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
        escrow = self._begun.escrow
        if self._begun.last is None:
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

    def _intend(self, to: str) -> None:
        tags = self._joiner.tags
        data = {"tags": dict(tags), "to": to, "by": self._joiner.by}
        self._write(StepName.INTENT, UserId(""), data)
        self._registrar.keep()  # whoever finds the user must find who asked for it

    def _user(self) -> UserId:
        """The user, made or found."""
        name = self._joiner.name
        self._tools.lease.check()
        try:
            return self._roster.actuator.create_user(name, self._joiner.tags).user_id
        except (Doubtful, Malformed):
            found = self._settled(lambda: self._roster.reader.member(name))
        except AlreadyExists:
            found = self._roster.reader.member(name)
        if not _bears(found, self._joiner.tags):
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
            attachments=(Attachment(name=ATTACHMENT, content=self._tools.escrow.read(escrow)),),
        )

        def remember(accepted: Accepted) -> None:
            data = {"message_id": accepted.message_id, "to": to}
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
