"""Where one user belongs, from facts that were read just now (S2.6, traps S2.T1–T7).

with MFA       the group that the role tag names; then out of onboarding and of every other role
               group, for the tag says what somebody's duty is
without MFA    the onboarding group; then out of the role groups
otherwise      left where it is, with the reason

Who is governed: whoever is in a group of the access model, or bears the role tag.  Others are
outside: reported, never moved, for nobody said who they are.  Groups that the model does not know
are never touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from keyreeve.model.access import OFFBOARDED_TAG, QUARANTINE_GROUP, AccessModel, Grant
from keyreeve.model.identifiers import UserName
from keyreeve.model.people import Member, Move, Outcome, TagAuthor

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
AUTHOR_UNKNOWN = "who set the role tag is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read about one user."""

    user_name: UserName
    member: Member | None
    """None: there is no such user."""
    groups: frozenset[str]
    """Those of the model's groups that exist."""
    administrators: frozenset[UserName] = frozenset()
    """Of those who are in an administrators' group of the model, and not in Quarantine: whoever
    would be left, or one of them."""
    tagged_by: TagAuthor | None = None
    """None: not known."""
    author_unknown: str = ""
    """Why not, where CloudTrail was asked: worth a remark."""
    unaccounted: str = ""
    """The value that CloudTrail tells of, where the tag has another: nobody accounts for that."""


def plan_move(model: AccessModel, facts: Facts, *, own: frozenset[UserName] = frozenset()) -> Move:
    """What becomes of one user. `own`: Keyreeve's own users."""
    member = facts.member
    if member is None:
        return _left(facts.user_name, Outcome.USER_GONE, "there is no such user any more")
    untouched = _untouched(model, member, own)
    if untouched is not None:
        return untouched
    move = _to_role(model, facts, member) if member.has_mfa else _to_onboarding(model, member)
    return _guarded(model, facts, move) if move.outcome.moves else move


def author_of(told: Iterable[TagAuthor | None], value: str) -> TagAuthor | None:
    """The newest who set the tag to the value that it has; None: nobody of these did.

    Events come late, twice and out of order, and CloudTrail is minutes behind: who once set
    another value does not account for this one.  The earlier in `told` wins a tie.
    """
    fitting = [each for each in told if each is not None and each.value in (None, value)]
    return max(fitting, key=lambda each: each.at or _LONG_AGO, default=None)


def governed(model: AccessModel, member: Member) -> bool:
    """Whether the access model says anything about this user."""
    known = model.role_groups | {model.onboarding_group}
    return bool(member.groups & known) or bool(member.tags.get(model.tags.role, "").strip())


def model_groups(model: AccessModel) -> frozenset[str]:
    """Every group that the model names."""
    return model.role_groups | {model.onboarding_group}


def _untouched(model: AccessModel, member: Member, own: frozenset[UserName]) -> Move | None:
    """The users whom nobody moves."""
    if member.name in own:
        return _left(member.name, Outcome.OWN_IDENTITY, "Keyreeve itself runs as this user")
    excluded = next((e for e in model.exclusions if e.match.matches(member)), None)
    if excluded is not None:
        return _left(member.name, Outcome.EXCLUDED, f"excluded: {excluded.reason}")
    # Only out of every group: a mark of one's own making keeps nobody from being moved.
    if OFFBOARDED_TAG in member.tags and not member.groups & model_groups(model):
        why = f"offboarded on {member.tags[OFFBOARDED_TAG]}"
        return _left(member.name, Outcome.OFFBOARDED, why)
    if QUARANTINE_GROUP in member.groups:
        why = f"in {QUARANTINE_GROUP}: only `keyreeve user release` leads out"
        return _left(member.name, Outcome.QUARANTINED, why)
    if not governed(model, member):
        why = f"in no group of access.yaml and without the tag {model.tags.role}"
        return _left(member.name, Outcome.OUTSIDE, why)
    return None


# --- with MFA -------------------------------------------------------------------------------------


def _to_role(model: AccessModel, facts: Facts, member: Member) -> Move:
    """The role group, if everything that the move relies on is there."""
    missing = model.missing_tags(member.tags)
    if missing:
        return _left(member.name, Outcome.TAGS_MISSING, f"without {_tags(missing)}")
    value = member.tags[model.tags.role]
    grant = model.grant_for(value)
    if grant is None:
        known = ", ".join(each.functional_group for each in model.grants) or "none"
        why = f"the tag {model.tags.role} is {value!r}, and access.yaml knows: {known}"
        return _left(member.name, Outcome.ROLE_UNKNOWN, why)
    leave = _sorted((model_groups(model) - {grant.group}) & member.groups)
    if grant.group in member.groups and not leave:
        return _left(member.name, Outcome.IN_PLACE, f"MFA is active, and in {grant.group}")
    refused = _self_made(model, facts, member)
    if refused is not None:
        return refused
    return _promoted(model, facts, member, grant, leave)


def _promoted(
    model: AccessModel, facts: Facts, member: Member, grant: Grant, leave: tuple[str, ...]
) -> Move:
    unknown = facts.author_unknown if facts.tagged_by is None else ""
    return Move(
        user_name=member.name,
        outcome=Outcome.TO_ROLE_GROUP,
        reason=f"MFA is active, and {model.tags.role} is {grant.functional_group}",
        add=None if grant.group in member.groups else grant.group,
        leave=leave,
        remarks=(f"{AUTHOR_UNKNOWN}: {unknown}",) if unknown else (),
    )


def _self_made(model: AccessModel, facts: Facts, member: Member) -> Move | None:
    """Nobody promotes himself by a tag (S2.T7)."""
    author = facts.tagged_by
    if author is None and facts.unaccounted:
        why = (
            f"CloudTrail tells who set {model.tags.role} to {facts.unaccounted!r}, "
            "and not yet who set it to what it is: it is some minutes behind"
        )
        return _left(member.name, Outcome.TAG_UNACCOUNTED, why)
    if author is None or author.user_name != member.name:
        return None
    why = f"the tag {model.tags.role} was set by the user's own call ({author.arn})"
    return _left(member.name, Outcome.TAGGED_BY_ITSELF, why)


# --- without MFA ----------------------------------------------------------------------------------


def _to_onboarding(model: AccessModel, member: Member) -> Move:
    leave = _sorted(model.role_groups & member.groups)
    inside = model.onboarding_group in member.groups
    if inside and not leave:
        return _left(member.name, Outcome.IN_PLACE, f"no MFA, and in {model.onboarding_group}")
    return Move(
        user_name=member.name,
        outcome=Outcome.TO_ONBOARDING,
        reason="no MFA device is active",
        add=None if inside else model.onboarding_group,
        leave=leave,
    )


# --- both -----------------------------------------------------------------------------------------


def _guarded(model: AccessModel, facts: Facts, move: Move) -> Move:
    """The move, unless a group is not there or nobody would administer the account any more."""
    # The onboarding group is asked for even where nobody is in it: a wrong name in access.yaml
    # would otherwise look like "not in the group", for ever (S2.9, S2.T5).
    needed = {model.onboarding_group, *([move.add] if move.add else [])}
    absent = _sorted(needed - facts.groups)
    if absent:
        why = f"access.yaml names the group {absent[0]}, and there is no such group"
        return _left(move.user_name, Outcome.GROUP_MISSING, why)
    administering = {grant.group for grant in model.grants if grant.administrator}
    loses = administering & set(move.leave) and move.add not in administering
    if loses and facts.administrators <= {move.user_name}:
        why = "nobody else is in an administrators' group: moving this user would leave none"
        return _left(move.user_name, Outcome.LAST_ADMINISTRATOR, why)
    return move


def _left(name: UserName, outcome: Outcome, reason: str) -> Move:
    return Move(user_name=name, outcome=outcome, reason=reason)


def _tags(names: tuple[str, ...]) -> str:
    return f"the tag{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _sorted(names: set[str] | frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
