"""Who is to be onboarded: every check that comes before the user exists, and what was begun."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.operations import no_case, operation_id
from keyreeve.escalation.owner import is_address, not_private
from keyreeve.governance.leaving import DENY_POLICY
from keyreeve.model.access import OFFBOARDED_TAG, Grant, tag_fault
from keyreeve.model.case import OperationKind, Step, StepName
from keyreeve.model.errors import ConfigError, NotFound
from keyreeve.model.identifiers import OperationId, UserId, UserName
from keyreeve.model.people import Member
from keyreeve.pipeline.roster import Roster

NAME: Final = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
"""AWS: what an IAM user may be called."""
RESUMED_WITHIN: Final = 14
"""Days in which an onboarding that was stopped is gone on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joiner:
    """Who is to be onboarded."""

    name: UserName
    tags: Mapping[str, str]
    """Every required tag."""
    by: str
    """The STS caller."""
    again: bool = False
    """The mail was lost: another password, for a user who has not signed in yet."""


# --- what is known ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The operation as its steps tell."""

    operation: OperationId
    steps: tuple[Step, ...] = ()
    on: date

    @classmethod
    def find(cls, roster: Roster, name: UserName, now: datetime) -> Begun:
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
    def delivered(self) -> bool:
        """Whether the mail system took the mail."""
        return self.last is StepName.DELIVERED

    @property
    def escrow(self) -> str | None:
        """Where the password lies that waits for its mail."""
        return str(self.steps[-1].data["escrow"]) if self.last is StepName.CREATED else None


# --- checks -----------------------------------------------------------------------------------


def checked(roster: Roster, joiner: Joiner, begun: Begun) -> tuple[Grant, str]:
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
    for name, value in joiner.tags.items():
        fault = tag_fault(value)
        if fault is not None:
            raise ConfigError(
                f"the tag {name} {fault}", where=repr(value[:40]), remedy="Give another value."
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
    members = roster.reader.everybody().members
    _free(roster, joiner, begun, members)
    return grant, _address(roster, joiner, members)


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


def _free(roster: Roster, joiner: Joiner, begun: Begun, members: Iterable[Member]) -> None:
    """The name is nobody's, or an onboarding of ours was stopped."""
    try:
        member = roster.reader.member(joiner.name)
    except NotFound:
        _no_look_alike(joiner, members)
        return
    roster.not_untouchable(member)
    _not_offboarded(member)
    if begun.unfinished and bears(member, joiner.tags):
        _not_in_use(roster, joiner)
        return
    if joiner.again and begun.delivered and bears(member, joiner.tags):
        _never_signed_in(roster, joiner)
        return
    known = f"was onboarded on {begun.on}" if begun.steps and not begun.unfinished else "exists"
    raise ConfigError(
        f"a user {joiner.name!r} {known} already",
        where="NAME",
        remedy=(
            "Was the mail lost? --again sets and mails another password."
            if begun.delivered
            else "`keyreeve user show` tells of it; `keyreeve user tags --set` gives it its tags."
        ),
    )


def _no_look_alike(joiner: Joiner, members: Iterable[Member]) -> None:
    """AWS: names of users are not distinguished by case, so CreateUser would refuse."""
    folded = joiner.name.casefold()
    alike = next((m.name for m in members if m.name.casefold() == folded), None)
    if alike not in (None, joiner.name):
        raise ConfigError(
            f"a user {alike!r} exists already, and IAM takes both names for one",
            where="NAME",
            remedy="Take another name.",
        )


def _not_offboarded(member: Member) -> None:
    """A leaver who had not finished joining is denied everything: a password would open nothing."""
    if OFFBOARDED_TAG in member.tags:
        raise ConfigError(
            f"{member.name} was offboarded on {member.tags[OFFBOARDED_TAG]}",
            where="NAME",
            remedy=f"Take another name; or take the policy {DENY_POLICY} and the tag off it first.",
        )


def _not_in_use(roster: Roster, joiner: Joiner) -> None:
    """A password that waits for its mail opens nothing once another was set."""
    reader = roster.account.tools.reader
    if reader.must_change_password(joiner.name) or not reader.has_login_profile(joiner.name):
        return
    raise ConfigError(
        f"{joiner.name} has a console password already, and it has been used or set by others",
        where="NAME",
        remedy="Nothing was mailed. `keyreeve user show` tells of the user.",
    )


def _never_signed_in(roster: Roster, joiner: Joiner) -> None:
    """Whoever has changed the password holds it: nobody else sets another here."""
    if not roster.account.tools.reader.must_change_password(joiner.name):
        raise ConfigError(
            f"{joiner.name} has signed in, or has no console password any more",
            where="--again",
            remedy="An administrator resets a forgotten password in the console.",
        )


def bears(member: Member, tags: Mapping[str, str]) -> bool:
    """Whether the user has these tags, exactly."""
    return all(member.tags.get(name) == value for name, value in tags.items())


def _address(roster: Roster, joiner: Joiner, members: Iterable[Member]) -> str:
    """Where the password may go: to its owner alone (gate 2)."""
    model, policy = roster.model, roster.account.policy
    address = joiner.tags[model.tags.email].strip()
    if not is_address(address):
        raise ConfigError(f"{address!r} is no mail address", where="--email")
    others = frozenset(
        member.tags.get(model.tags.email, "").strip().lower()
        for member in members
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
