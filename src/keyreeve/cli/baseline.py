"""`keyreeve baseline …`: the governance baseline as CloudFormation stacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.baseline_verify import verify
from keyreeve.cli.options import example
from keyreeve.model.baseline import StackName
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.model.baseline import Found
    from keyreeve.pipeline.baseline import Picture, Site, StackPlan, StackStatus
    from keyreeve.ports.stacks import Change

_NAMES = tuple(stack.value for stack in StackName)
_DRIFTED = 1
_LONG = 160
_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "<"}
_stacks = click.argument("stacks", nargs=-1, type=click.Choice(_NAMES), metavar="[STACK]…")


@click.group(epilog=example("keyreeve baseline plan", "keyreeve baseline deploy --execute"))
def baseline() -> None:
    """Put the account in order, and keep it so: groups, roles, trail, alarms, detection.

    STACK is one of: identity, audit-trail, monitoring, onboarding, detection, configuration,
    mail-feedback, automation, member-role, fleet. Without any, all of them.
    """


baseline.add_command(verify)


@baseline.command(epilog=example("keyreeve baseline render monitoring > monitoring.yaml"))
@_stacks
def render(*, stacks: tuple[str, ...]) -> int:
    """Print the templates as they would be deployed, without a look at the account.

    With --output json: templates and parameters by stack.
    """
    from keyreeve.codec.template import write
    from keyreeve.wiring.baseline import rendered

    made = rendered(opening.config(), frozenset(map(StackName, stacks)))
    if opening.options().json:
        screen.json_document(
            {
                "schema": "keyreeve.baseline.render/1",
                "stacks": [
                    {
                        "stack": each.stack.value,
                        "name": each.name,
                        "parameters": dict(each.parameters),
                        "template": dict(each.template),
                    }
                    for each in made
                ],
            }
        )
        return 0
    for number, each in enumerate(made):
        screen.line(f"{'---' + chr(10) if number else ''}# {each.name}")
        click.echo(write(dict(each.template)), nl=False)
    return 0


@baseline.command(epilog=example("keyreeve baseline plan", "keyreeve baseline plan monitoring"))
@_stacks
def plan(*, stacks: tuple[str, ...]) -> int:
    """Show what is there already, what a deployment would change, and what it would cost.

    CloudFormation works the changes out: a change set is made for each stack, read and removed.
    Nothing else is written.
    """
    from keyreeve.pipeline import baseline as use_case

    site, picture = _looked(stacks, execute=True)
    plans = list(use_case.plan(site, picture))
    return _told(picture, plans, by="CloudFormation")


@baseline.command(
    epilog=example("keyreeve baseline deploy", "keyreeve baseline deploy identity --execute")
)
@_stacks
@click.option("--execute", is_flag=True, help="Deploy; without it nothing is changed.")
@click.option(
    "--let-go",
    is_flag=True,
    help="Also while somebody is in a group whose policy of denial the stack holds no more.",
)
def deploy(*, stacks: tuple[str, ...], execute: bool, let_go: bool) -> int:
    """Make the stacks, or bring them up to date, one after the other.

    Without --execute the templates are compared with what is deployed, and nothing is sent.
    """
    from keyreeve.pipeline import baseline as use_case

    site, picture = _looked(stacks, execute=execute)
    if not execute:
        if not let_go:
            use_case.nobody_let_go(site, picture)
        code = _told(picture, use_case.compare(site, picture), by="comparison")
        if not opening.options().json:
            screen.line("Rehearsed only: nothing was changed. --execute deploys.")
        return code
    return _deployed(site, picture, let_go=let_go)


@baseline.command(epilog=example("keyreeve baseline status", "keyreeve baseline status --no-drift"))
@_stacks
@click.option("--drift/--no-drift", default=True, help="Ask CloudFormation what has drifted.")
def status(*, stacks: tuple[str, ...], drift: bool) -> int:
    """Show where the stacks stand, and what was changed behind CloudFormation's back.

    Exits with 1 if something has drifted or a stack is broken.
    """
    from keyreeve.pipeline import baseline as use_case

    site = _site(execute=False)
    rows = list(use_case.status(site, _chosen(stacks), drift=drift))
    if opening.options().json:
        screen.json_document(
            {"schema": "keyreeve.baseline.status/1", "stacks": list(map(_status, rows))}
        )
    else:
        _show_status(rows)
    bad = any(row.drifts or (row.deployed and row.deployed.broken) for row in rows)
    return _DRIFTED if bad else 0


@baseline.command(epilog=example("keyreeve baseline destroy detection --execute"))
@_stacks
@click.option("--execute", is_flag=True, help="Destroy; without it nothing is changed.")
@click.option(
    "--let-go",
    is_flag=True,
    help="Also while somebody is in Quarantine or waits for MFA: nothing denies them any more.",
)
def destroy(*, stacks: tuple[str, ...], execute: bool, let_go: bool) -> int:
    """Delete the stacks, the last first. Logs, log buckets, keys and groups stay.

    There is no default: name them.
    """
    from keyreeve.pipeline import baseline as use_case

    if not stacks:
        raise ConfigError(
            "which stacks?",
            where="baseline destroy",
            remedy=f"Name them: {', '.join(_NAMES)}.",
        )
    site = _site(execute=execute)
    if not execute:
        if not let_go:
            use_case.nobody_confined(site, _chosen(stacks))
        _would_destroy(list(use_case.status(site, _chosen(stacks), drift=False)))
        return 0
    done = []
    for stack, held in use_case.destroy(site, _chosen(stacks), let_go=let_go):
        done.append({"stack": stack.value, "resources": len(held)})
        if not opening.options().json:
            screen.line(f"{stack.value}: deleted ({words.count(len(held), 'resource')})")
    if opening.options().json:
        _destroyed_document(done, rehearsed=())
    return 0


def _would_destroy(rows: Iterable[StackStatus]) -> None:
    there = [(row.stack.value, row.deployed.status if row.deployed else None) for row in rows]
    if opening.options().json:
        rehearsed = [{"stack": stack, "status": status} for stack, status in there]
        _destroyed_document((), rehearsed)
        return
    for stack, status in there:
        screen.labelled(stack, "", status or "not there")
    screen.line("Rehearsed only: nothing was changed. --execute destroys.")


def _destroyed_document(
    destroyed: Iterable[Mapping[str, Any]], rehearsed: Iterable[Mapping[str, Any]]
) -> None:
    screen.json_document(
        {
            "schema": "keyreeve.baseline.destroy/1",
            "destroyed": list(destroyed),
            "rehearsed": list(rehearsed),
        }
    )


# --- what they share ------------------------------------------------------------------------------


def _chosen(stacks: Iterable[str]) -> tuple[StackName, ...]:
    wanted = set(stacks)
    return tuple(stack for stack in StackName if not wanted or stack.value in wanted)


def _site(*, execute: bool) -> Site:
    from keyreeve.wiring.baseline import site

    given = opening.options()
    return site(opening.config(), execute=execute, profile=given.profile)


def _looked(stacks: tuple[str, ...], *, execute: bool) -> tuple[Site, Picture]:
    from keyreeve.pipeline.baseline import look

    site = _site(execute=execute)
    return site, look(site, frozenset(_chosen(stacks)))


def _deployed(site: Site, picture: Picture, *, let_go: bool) -> int:
    from keyreeve.pipeline import baseline as use_case

    told = []
    if not opening.options().json:
        _show_found(picture.rows)
        screen.heading("Deployed")
    for made, rested in use_case.deploy(site, picture, let_go=let_go):
        told.append({**_plan(made), "status": rested.status, "outputs": dict(rested.outputs)})
        if not opening.options().json:
            said = words.count(len(made.changes), "change") if made.changes else "unchanged"
            screen.line(f"  {made.blueprint.stack.value:<14} {said:<12} {rested.status}")
    if opening.options().json:
        screen.json_document({"schema": "keyreeve.baseline.deploy/1", "stacks": told})
        return 0
    _show_left_out(picture)
    return 0


def _told(picture: Picture, plans: Iterable[StackPlan], *, by: str) -> int:
    rows = list(plans)
    if opening.options().json:
        screen.json_document(
            {
                "schema": "keyreeve.baseline.plan/1",
                "worked_out_by": by,
                "found": list(map(_found, picture.rows)),
                "stacks": list(map(_plan, rows)),
                "left_out": {k.value: why for k, why in picture.left_out.items()},
            }
        )
        return 0
    _show_found(picture.rows)
    for each in rows:
        _show_plan(each)
    _show_left_out(picture)
    return 0


# --- for people -----------------------------------------------------------------------------------


def _show_found(rows: Iterable[Found]) -> None:
    table = screen.Table(
        header=("there already", "", "what becomes of it", "why"), folding=frozenset({3})
    )
    for row in rows:
        table.add(row.kind.value, row.name, row.choice.value, row.why)
    screen.table(table)


def _show_plan(made: StackPlan) -> None:
    state = made.deployed.status if made.deployed and made.deployed.there else "new"
    counted = words.count(len(made.changes), "change") if made.changes else "no change"
    screen.heading(f"{made.blueprint.stack.value}  ({state}, {counted})")
    for change in made.changes:
        screen.line("  " + _change_words(change))
    for name in made.blueprint.reused:
        screen.line(f"  = {screen.safe(name)} is there from before, and is used again")
    for cost in made.blueprint.costs:
        screen.line(f"  $ {cost.what}: {cost.driver}")


def _change_words(change: Change) -> str:
    text = f"{_SIGNS.get(change.action, '?')} {screen.safe(change.logical_id)}  {change.type}"
    if change.details:
        text += f"  {screen.safe(', '.join(change.details))}"
    return text + ("  REPLACED" if change.replacement == "True" else "")


def _show_left_out(picture: Picture) -> None:
    for stack, why in picture.left_out.items():
        screen.line(f"\n{stack.value} is left out: {screen.safe(why)}.")


def _show_status(rows: Sequence[StackStatus]) -> None:
    for row in rows:
        if row.deployed is None:
            screen.line(f"{row.stack.value:<14} not there")
            continue
        drifted = f", {words.count(len(row.drifts), 'resource')} drifted" if row.drifts else ""
        screen.line(f"{row.stack.value:<14} {row.deployed.status}{drifted}")
        for drift in row.drifts:
            screen.line(f"  {drift.status.lower()}: {screen.safe(drift.logical_id)}  {drift.type}")
            for difference in drift.differences:
                screen.line(f"    {screen.safe(_shortened(difference))}")
    if any(row.drifts for row in rows):
        screen.line("\nSet it back by hand: a deployment changes only what the templates change.")


def _shortened(text: str) -> str:
    """Whole documents are for programs: --output json has them."""
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


# --- for programs ---------------------------------------------------------------------------------


def _found(row: Found) -> dict[str, str]:
    return {
        "stack": row.stack.value,
        "kind": row.kind.value,
        "name": row.name,
        "choice": row.choice.value,
        "why": row.why,
    }


def _plan(made: StackPlan) -> dict[str, Any]:
    return {
        "stack": made.blueprint.stack.value,
        "name": made.blueprint.name,
        "new": made.deployed is None or not made.deployed.there,
        "changes": [_change(change) for change in made.changes],
        "reused": list(made.blueprint.reused),
        "costs": [{"what": cost.what, "driver": cost.driver} for cost in made.blueprint.costs],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "logical_id": change.logical_id,
        "type": change.type,
        "physical_id": change.physical_id,
        "replacement": change.replacement,
        "details": list(change.details),
    }


def _status(row: StackStatus) -> dict[str, Any]:
    return {
        "stack": row.stack.value,
        "status": row.deployed.status if row.deployed else None,
        "outputs": dict(row.deployed.outputs) if row.deployed else {},
        "drifts": [
            {
                "logical_id": drift.logical_id,
                "type": drift.type,
                "status": drift.status,
                "differences": list(drift.differences),
            }
            for drift in row.drifts
        ],
    }
