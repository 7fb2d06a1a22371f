"""The governance baseline, from what is wanted to what is there.

look      what the account holds, which stacks are wanted, where they stand; reads only
compare   what a deployment would change, from templates alone; reads only
plan      the same, worked out by CloudFormation itself; its change sets are removed again
deploy    change sets, carried out one stack after the other
status    where each stack stands, and what has drifted
destroy   the stacks in reverse; logs, state, keys and groups stay
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from keyreeve.governance import adoption
from keyreeve.governance.identity_stack import confining
from keyreeve.governance.stacks import (
    Wanted,
    blueprints,
    missing_parameters,
    stack_name,
    without_work,
)
from keyreeve.model.baseline import Blueprint, Found, Inventory, StackName
from keyreeve.model.errors import ConfigError, StackFailed
from keyreeve.pipeline.doctor import some
from keyreeve.ports.stacks import (
    AccountInventory,
    Change,
    Deployed,
    Drift,
    Resource,
    StackEngine,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The account that the baseline is laid into."""

    engine: StackEngine
    inventory: AccountInventory
    wanted: Callable[[Inventory], Wanted]
    """What the project asks for, given what is there."""
    upload: Callable[[], None]
    """Put the functions' package where the stacks look for it."""
    project: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is there, and what is wanted."""

    rows: tuple[Found, ...]
    blueprints: tuple[Blueprint, ...]
    deployed: dict[StackName, Deployed]
    left_out: dict[StackName, str]
    """Stacks that are not wanted, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """What a deployment would do to one stack."""

    blueprint: Blueprint
    deployed: Deployed | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStatus:
    """Where one stack stands."""

    stack: StackName
    deployed: Deployed | None
    drifts: tuple[Drift, ...] = ()


def look(site: Site, only: frozenset[StackName]) -> Picture:
    """Reads. ConfigError where another project has our names, or a choice cannot be kept."""
    deployed = {stack: it for stack in StackName if (it := _find(site, stack)) is not None}
    ours = {r.physical_id for it in deployed.values() for r in _resources(site, it)}
    inventory = site.inventory.read(frozenset(ours - {""}))
    wanted = site.wanted(inventory)
    rows = adoption.found(wanted.model, wanted.settings, inventory)
    made = blueprints(wanted, rows)
    return Picture(
        rows=tuple(row for row in rows if row.stack in only),
        blueprints=tuple(each for each in made if each.stack in only),
        deployed=deployed,
        left_out={
            stack: why_left_out(wanted, stack)
            for stack in StackName
            if stack in only and stack not in {each.stack for each in made}
        },
    )


def compare(site: Site, picture: Picture) -> tuple[StackPlan, ...]:
    """From templates and parameters alone: what CloudFormation would be asked for."""
    return tuple(_compared(site, picture, each) for each in picture.blueprints)


def plan(site: Site, picture: Picture) -> Iterator[StackPlan]:
    """Each stack's change set, worked out by CloudFormation and removed again.

    Where a first deployment was rolled back, CloudFormation works out nothing until the empty
    stack is deleted, as `deploy` does it: everything would be made anew.
    """
    for blueprint in picture.blueprints:
        if _rolled_back(picture.deployed.get(blueprint.stack)):
            yield _compared(site, picture, blueprint)
            continue
        changes = site.engine.prepare(_first_step(site, blueprint))
        site.engine.discard(changes)
        deployed = picture.deployed.get(blueprint.stack)
        yield StackPlan(blueprint=blueprint, deployed=deployed, changes=changes.changes)


def deploy(
    site: Site, picture: Picture, *, let_go: bool = False
) -> Iterator[tuple[StackPlan, Deployed]]:
    """One after the other; StackFailed ends it, and what was deployed before stays.

    ConfigError as `nobody_let_go` says, unless `let_go`.
    """
    if not let_go:
        nobody_let_go(site, picture)
    site.upload()
    for blueprint in picture.blueprints:
        _mend(site, picture.deployed.get(blueprint.stack))
        yield _deployed(site, picture, blueprint)


def status(site: Site, only: Iterable[StackName], *, drift: bool) -> Iterator[StackStatus]:
    """Where each stack stands; with `drift`, what differs from its template."""
    for stack in only:
        deployed = _find(site, stack)
        there = deployed is not None and deployed.at_rest
        drifts = site.engine.drift(stack_name(site.project, stack)) if drift and there else ()
        yield StackStatus(stack=stack, deployed=deployed, drifts=drifts)


def nobody_confined(site: Site, only: Collection[StackName]) -> None:
    """ConfigError where the stacks hold somebody: groups stay, and what they deny would be gone."""
    if StackName.IDENTITY in only:
        held = confining(_identities(site, _find(site, StackName.IDENTITY)))
        _nobody_in(
            site,
            held,
            why="The group stays, and what denies them everything else goes with the stack",
            where="baseline destroy identity",
            remedy="Nothing was deleted. Take them out of it on purpose (`keyreeve user "
            "release NAME --execute`), or give --let-go.",
        )


def nobody_let_go(site: Site, picture: Picture) -> None:
    """ConfigError where access.yaml names another group since, and somebody is in the old one."""
    for blueprint in picture.blueprints:
        if blueprint.stack is StackName.IDENTITY:
            before = _identities(site, picture.deployed.get(StackName.IDENTITY))
            wanted = confining(blueprint.template)
            _nobody_in(
                site,
                [group for group in confining(before) if group not in wanted],
                why="access.yaml names it no more, or baseline.existing skips it: nothing denies "
                "them everything else then",
                where="baseline deploy identity",
                remedy="Nothing was deployed. Take them out of it on purpose, or give --let-go, "
                "and `keyreeve user reconcile --execute` next.",
            )


def _nobody_in(site: Site, groups: Iterable[str], *, why: str, where: str, remedy: str) -> None:
    for group in groups:
        names = site.inventory.members(group)
        if names:
            raise ConfigError(
                f"in the group {group}: {some(names)}. {why}", where=where, remedy=remedy
            )


def _identities(site: Site, deployed: Deployed | None) -> Mapping[str, Any]:
    """The template of the stack of identities as it stands; empty where nothing of it is there."""
    if deployed is None or not deployed.there or _rolled_back(deployed):
        return {}
    return site.engine.template(deployed.name)


def destroy(
    site: Site, only: Collection[StackName], *, let_go: bool = False
) -> Iterator[tuple[StackName, tuple[Resource, ...]]]:
    """The last first; what was in each. ConfigError as `nobody_confined` says, unless `let_go`."""
    if not let_go:
        nobody_confined(site, only)
    for stack in reversed(list(only)):
        if _find(site, stack) is not None:
            yield stack, site.engine.delete(stack_name(site.project, stack))


# --- one stack ------------------------------------------------------------------------------------


def _deployed(site: Site, picture: Picture, blueprint: Blueprint) -> tuple[StackPlan, Deployed]:
    changes: tuple[Change, ...] = ()
    if blueprint.imports:
        first = site.engine.prepare(_first_step(site, blueprint))
        site.engine.carry_out(first)
        changes = first.changes
    prepared = site.engine.prepare(replace(blueprint, imports={}))
    rested = site.engine.carry_out(prepared)
    made = StackPlan(
        blueprint=blueprint,
        deployed=picture.deployed.get(blueprint.stack),
        changes=(*changes, *prepared.changes),
    )
    return made, rested


def _first_step(site: Site, blueprint: Blueprint) -> Blueprint:
    """An import stands alone: the stack as it is, and what is taken over (AWS's rule)."""
    if not blueprint.imports:
        return blueprint
    taken = {name: blueprint.template["Resources"][name] for name in blueprint.imports}
    deployed = site.engine.find(blueprint.name)
    if deployed is None or not deployed.there:
        bare = {k: v for k, v in blueprint.template.items() if k not in ("Outputs", "Rules")}
        alone = {name: _alone(each, taken) for name, each in taken.items()}
        return replace(blueprint, template={**bare, "Resources": alone})
    current = site.engine.template(blueprint.name)
    there = {*taken, *current["Resources"]}
    alone = {name: _alone(each, there) for name, each in taken.items()}
    resources = {**current["Resources"], **alone}
    return replace(
        blueprint,
        template={**current, "Resources": resources},
        parameters=deployed.parameters,
    )


def _alone(resource: Mapping[str, Any], there: Collection[str]) -> dict[str, Any]:
    """Without the policies that the stack makes only in its second step."""
    own = dict(resource["Properties"])
    if "ManagedPolicyArns" in own:
        own["ManagedPolicyArns"] = [
            arn
            for arn in own["ManagedPolicyArns"]
            if not isinstance(arn, Mapping) or arn.get("Ref", "") in {"", *there}
        ]
    return {**resource, "Properties": own}


def _mend(site: Site, deployed: Deployed | None) -> None:
    """A first deployment that was rolled back left an empty stack, which can only be deleted."""
    if deployed is None or not deployed.broken:
        return
    if not _rolled_back(deployed):
        raise StackFailed(
            f"the stack is {deployed.status}: {deployed.why or 'no reason given'}",
            where=deployed.name,
            remedy="Continue or delete it in CloudFormation, then deploy again.",
        )
    site.engine.delete(deployed.name)


def _rolled_back(deployed: Deployed | None) -> bool:
    return deployed is not None and deployed.status == "ROLLBACK_COMPLETE"


def _compared(site: Site, picture: Picture, blueprint: Blueprint) -> StackPlan:
    deployed = picture.deployed.get(blueprint.stack)
    there = deployed is not None and deployed.there and not deployed.broken
    old = site.engine.template(blueprint.name) if there else {}
    changes = tuple(_differences(old.get("Resources", {}), blueprint))
    if deployed is not None and there and not changes:
        changes = tuple(_parameter_changes(deployed, blueprint))
    return StackPlan(blueprint=blueprint, deployed=deployed, changes=changes)


def _differences(old: dict[str, dict[str, object]], blueprint: Blueprint) -> Iterator[Change]:
    new = blueprint.template["Resources"]
    for name, resource in new.items():
        if name not in old:
            action = "Import" if name in blueprint.imports else "Add"
            yield Change(action=action, logical_id=name, type=resource["Type"])
        elif old[name] != resource:
            before, after = old[name].get("Properties", {}), resource.get("Properties", {})
            details = tuple(sorted(_changed(before, after)))
            yield Change(action="Modify", logical_id=name, type=resource["Type"], details=details)
    for name, gone in old.items():
        if name not in new:
            yield Change(action="Remove", logical_id=name, type=str(gone["Type"]))


def _changed(before: object, after: object) -> set[str]:
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return set()
    return {str(key) for key in {*before, *after} if before.get(key) != after.get(key)}


def _parameter_changes(deployed: Deployed, blueprint: Blueprint) -> Iterator[Change]:
    for name, value in sorted(blueprint.parameters.items()):
        if deployed.parameters.get(name) != value:
            yield Change(action="Modify", logical_id=name, type="parameter", details=(value,))


# --- what is there --------------------------------------------------------------------------------


def _find(site: Site, stack: StackName) -> Deployed | None:
    """Ours, or none. ConfigError if a stack of our name belongs to another project."""
    deployed = site.engine.find(stack_name(site.project, stack))
    if deployed is None:
        return None
    theirs = deployed.parameters.get("Project", site.project)
    if theirs != site.project:
        raise ConfigError(
            f"the stack belongs to the project {theirs!r}",
            where=deployed.name,
            remedy="Give this project another name.",
        )
    return deployed


def _resources(site: Site, deployed: Deployed) -> tuple[Resource, ...]:
    return site.engine.resources(deployed.name) if deployed.there else ()


def why_left_out(wanted: Wanted, stack: StackName) -> str:
    """Of a stack that is not made."""
    missing = missing_parameters(wanted.settings, stack)
    if missing:
        return f"asks for baseline.parameters: {stack}: {', '.join(missing)}"
    return without_work(wanted, stack) or "what is there already makes it needless"
