"""Users are where access.yaml says: in one role group, with every tag (S2.3, S2.7–S2.10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from keyreeve.controls.posture.question import Question, Verdicts, resource_of
from keyreeve.model.access import OFFBOARDED_TAG, QUARANTINE_GROUP, AccessModel
from keyreeve.model.account_facts import Holder, HolderKind, Identities
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId, UserName
from keyreeve.model.posture import PostureCard

OUTSIDE: Final = PostureCard(
    id=PostureId.OUTSIDE_ROLE_GROUPS,
    title="User is in no group of the access model",
    severity=Severity.MEDIUM,
    why="Every user's rights come by the group of its duty.",
    risk="Nobody reviews rights that come some other way, and no MFA rule of a group holds.",
    remediation=(
        "Give the user its tags, and `keyreeve user reconcile` moves it where it belongs.",
        "A robot, or a user for emergencies: exclude it in config.yaml, with a reason.",
    ),
    sources=("S2.2", "S2.3", "S2.9"),
)

DOUBLE: Final = PostureCard(
    id=PostureId.DOUBLE_MEMBERSHIP,
    title="User is in several groups of the access model",
    severity=Severity.MEDIUM,
    why="A user is in onboarding or in one role group, never in both.",
    risk="The rights of two duties add up, and onboarding's limits do not hold.",
    remediation=("`keyreeve user reconcile` names what to leave, and does it with --execute.",),
    sources=("S2.10", "S2.T9"),
)

TAGS: Final = PostureCard(
    id=PostureId.MISSING_TAGS,
    title="User lacks a required tag",
    severity=Severity.LOW,
    why="Tags say whose user it is, and which duty it has.",
    risk="Nobody can be told, and no event moves the user to its group.",
    remediation=("`keyreeve user tags` lists what is missing, and sets it from a file.",),
    sources=("S2.7", "S2.8"),
)


_Judge = Callable[[Question, AccessModel, Identities], Verdicts]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A user, as exclusions look at it."""

    name: UserName
    tags: Mapping[str, str]


def check_outside(question: Question) -> Verdicts | None:
    """Neither in a role group, nor in onboarding or Quarantine."""
    return _checked(question, _outside)


def check_double(question: Question) -> Verdicts | None:
    """In two groups of the model at once."""
    return _checked(question, _double)


def check_tags(question: Question) -> Verdicts | None:
    """A required tag absent or empty, or a role tag that names no role of the model."""
    return _checked(question, _tags)


def _checked(question: Question, judge: _Judge) -> Verdicts | None:
    model, identities = question.model, question.facts.identities
    if model is None or identities is None:
        return None
    return judge(question, model, identities)


def _users(model: AccessModel, identities: Identities) -> Iterator[Holder]:
    """Whom the model is about: not who is excluded, and no leaver."""
    for user in identities.of_kind(HolderKind.USER):
        tagged = _Named(name=UserName(user.name), tags=user.tags)
        left = OFFBOARDED_TAG in user.tags
        if not left and not any(each.match.matches(tagged) for each in model.exclusions):
            yield user


def _outside(question: Question, model: AccessModel, identities: Identities) -> Verdicts:
    known = {*model.role_groups, model.onboarding_group, QUARANTINE_GROUP}
    for user in _users(model, identities):
        if known.isdisjoint(user.groups):
            yield question.finding(
                OUTSIDE,
                resource_of(user),
                f"In {', '.join(sorted(user.groups)) or 'no group at all'}.",
                observed=", ".join(sorted(user.groups)),
                threshold="a group of access.yaml",
                since=user.created_at,
            )


def _double(question: Question, model: AccessModel, identities: Identities) -> Verdicts:
    known = {*model.role_groups, model.onboarding_group}
    for user in _users(model, identities):
        both = sorted(known.intersection(user.groups))
        if len(both) > 1:
            yield question.finding(
                DOUBLE,
                resource_of(user),
                f"In {' and '.join(both)} at once.",
                observed=", ".join(both),
                threshold="one group",
            )


def _tags(question: Question, model: AccessModel, identities: Identities) -> Verdicts:
    for user in _users(model, identities):
        lacks = [f"no {name}" for name in model.missing_tags(user.tags)]
        role = user.tags.get(model.tags.role, "")
        if role.strip() and model.grant_for(role) is None:
            lacks.append(f"{model.tags.role} {role!r} is no role of access.yaml")
        if lacks:
            text = "; ".join(lacks)
            yield question.finding(
                TAGS,
                resource_of(user),
                f"{text[0].upper()}{text[1:]}.",
                observed=text,
                threshold=", ".join(model.tags.all),
                since=user.created_at,
            )
