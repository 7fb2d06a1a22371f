"""Who reviews whom: everybody has a reviewer, and nobody reviews himself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from keyreeve.model.identifiers import UserName
from keyreeve.model.policy import Match
from keyreeve.model.review import Assignment, Reviewer, ReviewerName, Reviewers
from keyreeve.model.snapshot import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """Whom each reviewer is shown, in the order of the file; and who has no reviewer, and why."""

    of: tuple[tuple[Reviewer, tuple[UserName, ...]], ...]
    unassigned: tuple[tuple[UserName, str], ...]


def assign(plan: Reviewers, users: Iterable[User], email_tag: str) -> Assigned:
    """Each user to the first reviewer that the file names and that is not the user itself."""
    found: dict[ReviewerName, list[UserName]] = {each.name: [] for each in plan.reviewers}
    nobody = []
    for user in sorted(users, key=lambda user: user.name):
        reviewer = _reviewer_of(plan, user, email_tag)
        if isinstance(reviewer, Reviewer):
            found[reviewer.name].append(user.name)
        else:
            nobody.append((user.name, reviewer))
    return Assigned(
        of=tuple((each, tuple(found[each.name])) for each in plan.reviewers if found[each.name]),
        unassigned=tuple(nobody),
    )


def is_the_user(reviewer: Reviewer, user: User, email_tag: str) -> bool:
    """Whether the reviewer is this user: by the IAM user's name, or by the address.

    AWS: names of users are not distinguished by case.
    """
    address = user.tags.get(email_tag, "").strip().casefold()
    named = (reviewer.user or "").casefold() == user.name.casefold()
    return named or address == reviewer.email.casefold()


def _reviewer_of(plan: Reviewers, user: User, email_tag: str) -> Reviewer | str:
    """The reviewer, or why there is none."""
    by_name = {each.name: each for each in plan.reviewers}
    itself = False
    named = [_named(plan, each, user) for each in plan.assignments if _applies(each, user)]
    for name in (*named, plan.default):
        if name is None:
            continue
        if not is_the_user(by_name[name], user, email_tag):
            return by_name[name]
        itself = True
    if itself:
        return "only the user itself would review it"
    return "no assignment fits, and there is no default"


def _applies(assignment: Assignment, user: User) -> bool:
    if assignment.users:
        return any(fnmatchcase(user.name, glob) for glob in assignment.users)
    if assignment.tag is not None:
        return Match(tag=assignment.tag).matches(user)
    if assignment.group is not None:
        return assignment.group in user.groups
    return assignment.named_by in user.tags


def _named(plan: Reviewers, assignment: Assignment, user: User) -> ReviewerName | None:
    """Whom an assignment names; None where a tag names nobody whom the file knows."""
    if assignment.named_by is None:
        return assignment.reviewer
    value = user.tags[assignment.named_by].strip().casefold()
    for each in plan.reviewers:
        if value in (each.name, each.email.casefold(), (each.user or "").casefold()) and value:
            return each.name
    return None
