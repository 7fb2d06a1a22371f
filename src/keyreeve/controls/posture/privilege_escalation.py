"""Nobody can give itself rights that it was not given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from keyreeve.controls.posture.administrators import everything
from keyreeve.controls.posture.escalation_paths import PATHS, RESOURCES, EscalationPath
from keyreeve.controls.posture.library import Library, Shelf
from keyreeve.controls.posture.question import Question, Verdicts, resource_of
from keyreeve.language.authorizations import ACTIONS, Kind
from keyreeve.language.policy_evaluator import EVERY_RESOURCE, Policies, Request, evaluate
from keyreeve.model.account_facts import Holder, HolderKind
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard

CARD: Final = PostureCard(
    id=PostureId.PRIVILEGE_ESCALATION,
    title="Rights that lead to all rights",
    severity=Severity.HIGH,
    why="Who is no administrator cannot become one without being asked.",
    risk="A stolen key of such a holder is worth as much as an administrator's.",
    remediation=(
        "Limit the named actions to the resources that they are meant for, by ARN or path.",
        "Limit iam:PassRole to the roles that are meant, and by iam:PassedToService.",
        "Or give the holder a permissions boundary.",
    ),
    sources=(
        "S2.19",
        "https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/",
        "https://github.com/BishopFox/iam-vulnerable",
        "https://github.com/nccgroup/PMapper",
    ),
)

_NAMED: Final = 3
"""Paths that the sentence names."""
_IAM: Final = {
    Kind.USER: "user/keyreeve-probe",
    Kind.GROUP: "group/keyreeve-probe",
    Kind.ROLE: "role/keyreeve-probe",
    Kind.POLICY: "policy/keyreeve-probe",
}
"""Any resource of IAM: what is allowed on it is allowed whatever its name."""


def check(question: Question) -> Verdicts | None:
    """Sets of `escalation_paths` that are allowed on any resource, conditions taken as met.

    Administrators have a control of their own. What a group alone allows is told of the group; a
    user is told of what its own policies add to it.
    """
    return None if question.library is None else _judged(question, question.library)


def _judged(question: Question, library: Library) -> Verdicts:
    asked = _Asked(question, library)
    for holder in library.identities.holders:
        if holder.of_aws:
            continue
        for name in library.own(holder).unread:
            yield question.gap(CARD, f"{name} of {holder.kind} {holder.name} cannot be judged")
        found = asked.paths(holder)
        if found:
            yield question.finding(
                CARD,
                resource_of(holder),
                _sentence(holder, found),
                observed=", ".join(path.name for path in found),
                threshold="none",
            )


def _sentence(holder: Holder, found: list[EscalationPath]) -> str:
    named = "; ".join(f"{path.name} ({path.how})" for path in found[:_NAMED])
    more = f"; and {len(found) - _NAMED} ways more" if len(found) > _NAMED else ""
    return f"The {holder.kind} can raise its own rights by {named}{more}."


class _Asked:
    """The evaluator's answers, remembered by what bears on them: many users hold the same."""

    def __init__(self, question: Question, library: Library) -> None:
        self._question = question
        self._library = library
        self._groups = {g.name: g for g in library.identities.of_kind(HolderKind.GROUP)}
        self._administrators: dict[str, bool] = {}
        self._known: dict[tuple[object, ...], tuple[EscalationPath, ...]] = {}

    def paths(self, holder: Holder) -> list[EscalationPath]:
        """What the holder's findings name."""
        if holder.kind is not HolderKind.USER:
            return list(self._of(holder, self._library.own(holder), ()))
        if not holder.attached and not holder.inline and len(holder.groups) < 2:  # noqa: PLR2004
            return []  # the group's own finding, if there is one, says it all
        groups = [self._groups[name] for name in holder.groups if name in self._groups]
        if any(self._administers(group) for group in groups):
            return []
        told = {path.name for g in groups for path in self.paths(g)}
        shelf = self._library.with_groups(holder)
        return [p for p in self._of(holder, shelf, holder.groups) if p.name not in told]

    def _administers(self, group: Holder) -> bool:
        if group.arn not in self._administrators:
            policies = self._library.policies(group, self._library.own(group))
            self._administrators[group.arn] = everything(policies)
        return self._administrators[group.arn]

    def _of(
        self, holder: Holder, shelf: Shelf, groups: tuple[str, ...]
    ) -> tuple[EscalationPath, ...]:
        key: tuple[object, ...] = (
            holder.attached,
            holder.arn if holder.inline or holder.kind is HolderKind.GROUP else "",
            holder.boundary,
            groups,
        )
        if key not in self._known:
            policies = self._library.policies(holder, shelf)
            admin = everything(policies)
            self._known[key] = () if admin else tuple(possible(self._question, policies))
        return self._known[key]


def possible(
    question: Question, policies: Policies, paths: Iterable[EscalationPath] = PATHS
) -> Iterator[EscalationPath]:
    """The paths all of whose actions the policies allow on any resource."""
    return (
        path
        for path in paths
        if all(_may(question, policies, action, path.passed_to) for action in path.actions)
    )


def _may(question: Question, policies: Policies, action: str, passed_to: str | None) -> bool:
    context = {"iam:passedtoservice": (passed_to,)} if passed_to else {}
    request = Request(
        action=action, resource=_any(question, action), context=context, complete=False
    )
    return evaluate(policies, request, hopeful=True).allowed


def _any(question: Question, action: str) -> str:
    """The ARN of a resource that no policy can mean by its name."""
    service = action.partition(":")[0]
    of_iam = _IAM.get(ACTIONS.get(action, Kind.NONE))
    if of_iam is not None:
        return question.iam(of_iam)
    if service not in RESOURCES:
        return EVERY_RESOURCE
    facts = question.facts
    place = f"arn:{facts.partition}:{service}:{facts.region}:{facts.account_id}"
    return f"{place}:{RESOURCES[service]}"
