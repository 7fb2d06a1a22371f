"""The reviewers file: who reviews whom; read like config.yaml, every mistake with its line.

reviewers:
  ana:  {email: ana@example.com, user: ana.souza}
  boss: {email: boss@example.com}
assignments:                       # the first that fits decides
  - {users: ["svc-*"], reviewer: boss}
  - {tag: "Department=Engineering", reviewer: ana}
  - {group: Auditor, reviewer: boss}
  - {named_by: manager}            # the value of this tag names the reviewer
default: boss
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StringConstraints, model_validator

from keyreeve.config.mistakes import Form
from keyreeve.config.reading import parsed, text_of
from keyreeve.config.sections import Section
from keyreeve.config.values import Address, Impossible, Line, TagMatch, closest
from keyreeve.model import review
from keyreeve.model.identifiers import UserName
from keyreeve.model.review import ReviewerName

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""Becomes part of names of files."""


class Reviewer(Section):
    """One person who is asked."""

    email: Address
    """Where the form goes."""
    user: Line | None = None
    """The reviewer's own IAM user, which somebody else reviews."""


class Assignment(Section):
    """Whom somebody reviews: exactly one of users, tag, group and named_by."""

    reviewer: Line | None = None
    users: Annotated[tuple[Line, ...], Field(min_length=1)] | None = None
    """Globs on the user name."""
    tag: TagMatch | None = None
    group: Line | None = None
    named_by: Line | None = None
    """A tag whose value is the reviewer's name, address or IAM user."""

    @model_validator(mode="after")
    def _one_way(self) -> Assignment:
        ways = [n for n in ("users", "tag", "group", "named_by") if getattr(self, n) is not None]
        if len(ways) != 1:
            raise Impossible(
                "says whom with exactly one of users, tag, group and named_by",
                at=[*((name,) for name in ways[1:]), ()],
            )
        if (self.reviewer is None) is not (self.named_by is not None):
            raise Impossible(
                "named_by finds the reviewer by the tag, all others need reviewer",
                at=[("reviewer",), ()],
            )
        return self


class ReviewersFile(Section):
    """Everything that a reviewers file says."""

    reviewers: Annotated[Mapping[Name, Reviewer], Field(min_length=1)]
    """By a name of your choosing."""
    assignments: tuple[Assignment, ...] = ()
    default: Line | None = None
    """Who reviews whom no assignment fits; null: nobody, and `review start` names them."""

    @model_validator(mode="after")
    def _known(self) -> ReviewersFile:
        found = [*self._unknown(), *self._twice()]
        if found:
            first, *others = found
            raise Impossible(first.what, meant=first.meant, at=first.at, also=others)
        return self

    def _unknown(self) -> Iterator[Impossible]:
        named = [(("default",), self.default)]
        named += [
            (("assignments", index, "reviewer"), each.reviewer)  # type: ignore[misc]
            for index, each in enumerate(self.assignments)
        ]
        for place, name in named:
            if name is not None and name not in self.reviewers:
                yield Impossible(
                    f"{name!r} is none of reviewers",
                    meant=closest(name, self.reviewers),
                    at=[place],
                )

    def _twice(self) -> Iterator[Impossible]:
        """One person under two names could review itself."""
        seen: dict[str, str] = {}
        for name, each in self.reviewers.items():
            for word, field in ((each.email, "email"), (each.user, "user")):
                if word is None:
                    continue
                other = seen.setdefault(f"{field} {word.casefold()}", name)
                if other != name:
                    yield Impossible(
                        f"{word} is {other} already: one person has one name",
                        at=[("reviewers", name, field)],
                    )

    def to_model(self) -> review.Reviewers:
        """The same as a value of the model."""
        return review.Reviewers(
            reviewers=tuple(
                review.Reviewer(
                    name=ReviewerName(name),
                    email=each.email,
                    user=UserName(each.user) if each.user else None,
                )
                for name, each in self.reviewers.items()
            ),
            assignments=tuple(
                review.Assignment(
                    reviewer=ReviewerName(each.reviewer) if each.reviewer else None,
                    users=each.users or (),
                    tag=each.tag,
                    group=each.group,
                    named_by=each.named_by,
                )
                for each in self.assignments
            ),
            default=ReviewerName(self.default) if self.default else None,
        )


REVIEWERS: Final = Form(
    root=ReviewersFile,
    advice="docs/reviews.md shows what a reviewers file looks like.",
    stand_ins={("reviewers",): {"stand-in": {"email": "stand-in@example.com"}}},
)


def load_reviewers(path: Path) -> review.Reviewers:
    """What the file says. ConfigError with all mistakes at once, each with its line."""
    return parsed(text_of(path, REVIEWERS), path, REVIEWERS).to_model()
