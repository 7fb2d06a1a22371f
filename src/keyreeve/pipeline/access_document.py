"""Reads what the access document needs, and writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from keyreeve.escalation.authority import Library, is_administrator
from keyreeve.governance.identity_stack import policy_names
from keyreeve.model.access import AccessModel
from keyreeve.model.errors import AwsFailure, NotFound
from keyreeve.model.identifiers import AccountId, UserName
from keyreeve.ports import AccountReader
from keyreeve.ports.people import PeopleReader
from keyreeve.reporting.access_document import (
    REMEMBERED,
    AccessReport,
    Facts,
    Joined,
    RoleFacts,
    access_report,
)


class GroupHistory(Protocol):
    """CloudTrail's memory of who was put into which group."""

    def joined(self, since: datetime) -> Mapping[tuple[UserName, str], Joined]:
        """The latest AddUserToGroup of each user and group since then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archives:
    """Where the facts come from."""

    account: AccountReader
    people: PeopleReader
    history: GroupHistory
    project: str
    """As the stacks' names bear it."""


def read_access(
    archives: Archives, model: AccessModel, account_id: AccountId, now: datetime
) -> AccessReport:
    """The document as of now. AwsFailure if the account cannot be read; CloudTrail may be mute."""
    since = now - REMEMBERED
    try:
        joined, remembered = archives.history.joined(since), since
    except AwsFailure:
        joined, remembered = {}, None
    members = archives.people.everybody().members
    users, library = archives.account.details().users, Library()
    facts = Facts(
        account_id=account_id,
        as_of=now,
        users=users,
        administrators=frozenset(
            user.name for user in users if is_administrator(user, library=library)
        ),
        with_mfa=frozenset(member.name for member in members if member.has_mfa),
        roles=tuple(_role(archives.people, grant.role) for grant in model.grants),
        own_policies=policy_names(model, archives.project),
        joined=joined,
        remembered_from=remembered,
    )
    return access_report(model, facts)


def _role(people: PeopleReader, name: str) -> RoleFacts:
    try:
        found = people.role(name)
    except NotFound:
        return RoleFacts(name=name, trust=None, max_session=None)
    longest = timedelta(seconds=found.max_session_seconds)
    return RoleFacts(name=name, trust=found.trust, max_session=longest)
