"""Tags in bulk: everything is checked before the first tag is set (S2.8, S2.T7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyreeve.codec.tag_file import TagRow
from keyreeve.codec.values import to_json
from keyreeve.escalation.owner import is_address
from keyreeve.model.errors import AwsFailure, ConfigError
from keyreeve.model.identifiers import UserName
from keyreeve.model.people import Member
from keyreeve.model.plan import OutcomeKind
from keyreeve.pipeline.did import Did
from keyreeve.pipeline.roster import Registrar, Roster


@dataclass(frozen=True, slots=True, kw_only=True)
class Retagging:
    """One user and the tags that change."""

    member: Member
    tags: Mapping[str, str]
    """Only those whose value differs."""


def plan(
    roster: Roster, rows: Sequence[TagRow], caller: UserName | None, *, where: str
) -> tuple[Retagging, ...]:
    """What would change. ConfigError with every mistake by its line; nothing is done then."""
    everybody = roster.reader.everybody()
    known = {member.name: member for member in everybody.members}
    mistakes: list[str] = []
    changes: list[Retagging] = []
    for row in rows:
        member = known.get(UserName(row.user))
        wrong = _mistakes(roster, row, member, caller)
        mistakes += [f"line {row.line}: {what}" for what in wrong]
        if member is None:
            continue
        differing = {n: v for n, v in row.tags.items() if member.tags.get(n) != v}
        if differing:
            changes.append(Retagging(member=member, tags=differing))
    mistakes += _left_without(roster, rows, known)
    if mistakes:
        raise refused(mistakes, where)
    return tuple(changes)


def refused(mistakes: Iterable[str], where: str) -> ConfigError:
    """All mistakes at once."""
    found = sorted(mistakes, key=_line_of)
    return ConfigError(
        "nothing was changed:\n  " + "\n  ".join(found),
        where=where,
        remedy="Mend these lines and ask again.",
    )


def apply(roster: Roster, changes: Iterable[Retagging], now: datetime, by: str) -> tuple[Did, ...]:
    """Set them, user by user; the lock must be held. What failed is told; asking again goes on."""
    done: list[Did] = []
    with Registrar(roster.account, now, by) as registrar:
        for change in changes:
            roster.account.tools.lease.check()
            done.append(_set(roster, change))
            registrar.note(
                "tagged",
                {
                    "user_id": change.member.user_id,
                    "user_name": change.member.name,
                    "before": {name: change.member.tags.get(name) for name in change.tags},
                    "did": to_json(done[-1]),
                },
            )
    return tuple(done)


def rehearsed(changes: Iterable[Retagging]) -> tuple[Did, ...]:
    """The same, not done."""
    return tuple(_did(change, OutcomeKind.REHEARSED) for change in changes)


def _mistakes(
    roster: Roster, row: TagRow, member: Member | None, caller: UserName | None
) -> list[str]:
    model = roster.model
    if member is None:
        return [f"there is no user {row.user!r}"]
    wrong = []
    if member.name in roster.own or member.name == caller:
        wrong.append(f"nobody sets the tags of the user who calls ({row.user})")
    elif any(each.match.matches(member) for each in model.exclusions):
        wrong.append(f"{row.user} is excluded in config.yaml")
    role = row.tags.get(model.tags.role)
    if role is not None and model.grant_for(role) is None:
        known = ", ".join(grant.functional_group for grant in model.grants) or "none"
        wrong.append(f"{model.tags.role} {role!r} is no role of access.yaml ({known})")
    address = row.tags.get(model.tags.email)
    if address is not None and not is_address(address):
        wrong.append(f"{model.tags.email} {address!r} is no mail address")
    return wrong


def _left_without(
    roster: Roster, rows: Iterable[TagRow], known: Mapping[UserName, Member]
) -> Iterable[str]:
    """A row that would leave required tags missing has not done its work."""
    for row in rows:
        member = known.get(UserName(row.user))
        if member is None:
            continue
        missing = roster.model.missing_tags({**member.tags, **row.tags})
        if missing:
            yield f"line {row.line}: {row.user} would still lack {', '.join(missing)}"


def _set(roster: Roster, change: Retagging) -> Did:
    try:
        roster.actuator.tag_user(change.member.name, change.tags)
    except AwsFailure as failure:
        return _did(change, OutcomeKind.FAILED, f"{failure.call}: {failure.what}")
    return _did(change, OutcomeKind.DONE)


def _did(change: Retagging, outcome: OutcomeKind, detail: str = "") -> Did:
    words = ", ".join(f"{name}={value}" for name, value in change.tags.items())
    return Did(what=words, subject=change.member.name, outcome=outcome, detail=detail)


def _line_of(mistake: str) -> int:
    number = mistake.removeprefix("line ").partition(":")[0]
    return int(number) if number.isdigit() else 0
