"""What is there already, and what becomes of it: adopt, skip or import; pure.

An account has one password policy, a region one Config recorder and one GuardDuty detector, and
names of groups and roles are taken once: a stack that makes them again fails half-way.
"""

from __future__ import annotations

from collections.abc import Iterator

from keyreeve.model.access import QUARANTINE_GROUP, AccessModel
from keyreeve.model.baseline import (
    BaselineSettings,
    Choice,
    Found,
    Inventory,
    Kind,
    StackName,
)
from keyreeve.model.errors import ConfigError

IMPORTABLE = frozenset({Kind.GROUP, Kind.ROLE})
"""What CloudFormation can take over without anything else of the stack."""


def found(
    model: AccessModel, settings: BaselineSettings, inventory: Inventory
) -> tuple[Found, ...]:
    """Everything that is there already. ConfigError for a choice that cannot be kept."""
    _known(model, settings)
    return tuple(_chosen(row, settings) for row in _found(model, inventory))


def _known(model: AccessModel, settings: BaselineSettings) -> None:
    """A choice about a name that access.yaml does not have would be passed over in silence."""
    named = {
        Kind.GROUP: groups(model),
        Kind.ROLE: tuple(grant.role for grant in model.grants),
    }
    for given in settings.existing:
        kind, _, name = given.partition("/")
        if kind not in set(Kind):
            raise ConfigError(
                f"{given!r} is no `kind/name`",
                where="baseline.existing",
                remedy=f"Kinds: {', '.join(Kind)}.",
            )
        known = named.get(Kind(kind))
        if known is not None and name not in known:
            raise ConfigError(
                f"access.yaml names no {kind} {name!r}",
                where=f"baseline.existing: {given}",
                remedy=f"It names: {', '.join(known)}.",
            )


def _chosen(row: Found, settings: BaselineSettings) -> Found:
    choice = settings.existing.get(f"{row.kind}/{row.name}", row.choice)
    if choice is Choice.IMPORT and row.kind not in IMPORTABLE:
        raise ConfigError(
            f"a {row.kind} cannot be imported: it needs others of the same stack",
            where=f"baseline.existing: {row.kind}/{row.name}",
            remedy="adopt it, or skip it.",
        )
    why = row.why if choice is row.choice else _WORDS[choice]
    return Found(stack=row.stack, kind=row.kind, name=row.name, choice=choice, why=why)


_WORDS = {
    Choice.ADOPT: "used as it is",
    Choice.SKIP: "left out by your choice",
    Choice.IMPORT: "taken into the stack, which changes it from then on",
}


def _found(model: AccessModel, inventory: Inventory) -> Iterator[Found]:
    for group in groups(model):
        if group in inventory.groups:
            why = "gets the policies of the stack; its other policies stay"
            yield _row(StackName.IDENTITY, Kind.GROUP, group, why)
    for grant in model.grants:
        if grant.role in inventory.roles:
            why = "left as it is, its trust policy too: `keyreeve doctor` looks at it"
            yield _row(StackName.IDENTITY, Kind.ROLE, grant.role, why)
    if inventory.password_policy and model.password_policy is not None:
        why = "made as strict as access.yaml, and nowhere weaker than it is"
        yield _row(StackName.IDENTITY, Kind.PASSWORD_POLICY, "account", why)
    yield from (_trail(trail.name, heard=trail.heard) for trail in inventory.trails)
    yield from _one_a_region(inventory)


def _one_a_region(inventory: Inventory) -> Iterator[Found]:
    for stack, kind, name, why in (
        (StackName.DETECTION, Kind.DETECTOR, inventory.detector, _FINDINGS),
        (StackName.DETECTION, Kind.EXTERNAL_ANALYZER, inventory.external_analyzer, _FINDINGS),
        (StackName.DETECTION, Kind.UNUSED_ANALYZER, inventory.unused_analyzer, _FINDINGS),
        (StackName.CONFIGURATION, Kind.RECORDER, inventory.recorder, _RECORDS),
    ):
        if name is not None:
            yield _row(stack, kind, name, why)


_FINDINGS = "its findings go to the alert topic"
_RECORDS = "the rules judge what it records; it must record IAM and S3"


def _trail(name: str, *, heard: bool) -> Found:
    if heard:
        why = "the alarms listen to its log group; no second trail is made"
        return _row(StackName.AUDIT_TRAIL, Kind.TRAIL, name, why)
    why = "no log group, not in all regions or not logging: a trail of our own is made beside it"
    row = _row(StackName.AUDIT_TRAIL, Kind.TRAIL, name, why)
    return Found(stack=row.stack, kind=row.kind, name=name, choice=Choice.SKIP, why=why)


def _row(stack: StackName, kind: Kind, name: str, why: str) -> Found:
    return Found(stack=stack, kind=kind, name=name, choice=Choice.ADOPT, why=why)


def groups(model: AccessModel) -> tuple[str, ...]:
    """All groups of the model, the onboarding group first."""
    return (model.onboarding_group, QUARANTINE_GROUP, *(grant.group for grant in model.grants))
