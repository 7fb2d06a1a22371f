"""What the verbs about users work with: the access model, the people ports, who may not be touched.

Three kinds of users are never touched, whatever is asked: those that config.yaml excludes,
Keyreeve's own user, and the last administrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Literal, Self

from keyreeve.escalation.authority import Library, is_administrator
from keyreeve.governance.reconcile import administrators
from keyreeve.model.access import QUARANTINE_GROUP, AccessModel
from keyreeve.model.case import State
from keyreeve.model.errors import ConfigError, LockLost, NotFound
from keyreeve.model.identifiers import UserName
from keyreeve.model.people import Everybody, Member
from keyreeve.pipeline.daily import Account
from keyreeve.pipeline.memory import recall
from keyreeve.pipeline.move import Mover
from keyreeve.ports.people import PeopleActuator, PeopleReader, TagHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """One account's people, wired."""

    account: Account
    model: AccessModel
    reader: PeopleReader
    actuator: PeopleActuator
    history: TagHistory
    own: frozenset[UserName] = frozenset()
    """Keyreeve's own users."""

    def mover(self) -> Mover:
        """Moves users under the account's lock."""
        return Mover(
            self.model,
            reader=self.reader,
            actuator=self.actuator,
            history=self.history,
            clock=self.account.tools.clock,
            lease=self.account.tools.lease,
            own=self.own,
        )

    def member(self, name: str) -> Member:
        """Whom a name means. ConfigError if nobody is called so."""
        with suppress(NotFound):
            if name:  # the SDK sends no call without one
                return self.reader.member(UserName(name))
        raise ConfigError(
            f"there is no user {name!r} in this account",
            where="NAME",
            remedy="`keyreeve user list` shows everybody.",
        )

    def not_untouchable(self, member: Member) -> None:
        """ConfigError for a user whom nobody touches but the last administrator."""
        if member.name in self.own:
            raise _never(member.name, "Keyreeve itself runs as this user")
        excluded = next((e for e in self.model.exclusions if e.match.matches(member)), None)
        if excluded is not None:
            raise _never(member.name, f"excluded in config.yaml: {excluded.reason}")

    def not_last_administrator(self, member: Member) -> None:
        """ConfigError if nobody else administers the account.

        An administrator is in an administrators' group with an MFA device, or is one for certain
        by standing policies; Keyreeve's own user counts for none, nor does who is in Quarantine.
        """
        everybody = self.reader.everybody()
        admins = standing_administrators(self.account) | {
            name for name in administrators(self.model, everybody) if _has_mfa(everybody, name)
        }
        quarantined = {m.name for m in everybody.members if QUARANTINE_GROUP in m.groups}
        others = admins - {member.name} - self.own - quarantined
        groups = {grant.group for grant in self.model.grants if grant.administrator}
        administers = member.name in admins or groups & member.groups
        if not others and administers and member.name not in quarantined:
            raise _never(member.name, "the last administrator of the account")


def standing_administrators(account: Account) -> frozenset[UserName]:
    """Users whose own and group policies allow everything, for certain."""
    library = Library()
    return frozenset(
        user.name
        for user in account.tools.reader.details().users
        if is_administrator(user, library=library)
    )


def _has_mfa(everybody: Everybody, name: UserName) -> bool:
    return any(member.name == name and member.has_mfa for member in everybody.members)


def _never(name: UserName, why: str) -> ConfigError:
    return ConfigError(
        f"{name} is never touched: {why}",
        where="NAME",
        remedy="Nothing was changed.",
    )


class Registrar:
    """The record of one verb: audit records, each durable before the act that follows it.

    As a context manager it keeps what was noted, whatever ends the verb.
    """

    def __init__(self, account: Account, now: datetime, by: str, *, about: str = "user") -> None:
        self._account = account
        self._now = now
        self._by = by
        self._about = about
        self._state: State | None = None

    def __enter__(self) -> Self:
        """Recall what earlier runs have done; the lock must be held.

        The state is kept before anything else: without one, steps would be remains of a project
        that has lost it.
        """
        account = self._account
        self._state, _ = recall(
            account.project, account.account_id, account.tools, account.policy.days
        )
        self.keep()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        """Keep the record; without the lock it is somebody else's to write."""
        if not isinstance(error, LockLost):
            self.keep()
        return False

    def note(self, event: str, data: Mapping[str, object]) -> None:
        """One record, with who asked."""
        self._account.tools.audit.append(
            f"{self._about}.{event}", self._now, {**data, "by": self._by}
        )

    def keep(self) -> None:
        """Durable from here on."""
        tools = self._account.tools
        if self._state is None:
            return
        tools.lease.check()
        self._state = replace(self._state, audit_head=tools.audit.flush())
        tools.states.save(self._state)
