"""`keyreeve user …`: joiners, movers, leavers."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from keyreeve.cli.options import as_of, example

FAILED = 1
execute_option = click.option(
    "--execute", is_flag=True, help="Do it; without it, only check and rehearse."
)


@click.group(
    epilog=example("keyreeve user list", "keyreeve user reconcile", "keyreeve user show ana.souza")
)
def user() -> None:
    """Onboard users, move them, tag them, take rights off, let them go.

    What access.yaml says is the measure. Users excluded in config.yaml, Keyreeve's own user and
    the last administrator are never touched.
    """


@user.command(
    epilog=example(
        "keyreeve user onboard ana.souza --role Developer --department Engineering \\",
        "    --email ana.souza@example.com --execute",
    )
)
@click.argument("name")
@click.option("--role", required=True, help="The value of the role tag, as access.yaml names it.")
@click.option("--department", required=True, help="The department's tag.")
@click.option("--email", required=True, help="The user's own address: the password goes there.")
@click.option("--again", is_flag=True, help="The mail was lost: set and mail another password.")
@execute_option
@as_of
def onboard(
    *,
    name: str,
    role: str,
    department: str,
    email: str,
    again: bool,
    execute: bool,
    as_of: datetime | None,
) -> int:
    """Create the user NAME and mail its first password.

    The user bears all tags and is in the onboarding group only. Asked again after a stop, it goes
    on where it was.
    """
    from keyreeve.cli import office, user_words
    from keyreeve.model.identifiers import UserName
    from keyreeve.pipeline import onboard as use_case
    from keyreeve.pipeline.joiner import Joiner

    with office.at_work(as_of, execute=execute) as desk:
        tags = desk.roster.model.tags
        joiner = Joiner(
            name=UserName(name),
            tags={tags.role: role, tags.department: department, tags.email: email},
            by=desk.by,
            again=again,
        )
        do = use_case.onboard if execute else use_case.rehearse
        done = do(desk.roster, joiner, desk.now)
        user_words.onboarded(desk, joiner, done, execute=execute)
    return 0


@user.command("list", epilog=example("keyreeve user list", "keyreeve --output json user list"))
def list_users() -> int:
    """Show every user, and whether it is in its place."""
    from keyreeve.cli import office, user_words

    user_words.everybody(office.look())
    return 0


@user.command(epilog=example("keyreeve user show ana.souza"))
@click.argument("name")
def show(*, name: str) -> int:
    """Show one user, and what the mover would do."""
    from keyreeve.cli import office, user_words

    user_words.one(office.look(), name)
    return 0


@user.command(
    epilog=example(
        "keyreeve user tags                       (who lacks which tag)",
        "keyreeve user tags --set tags.csv        (what would change)",
        "keyreeve user tags --set tags.csv --execute",
    )
)
@click.option(
    "--set",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="CSV with the columns user and the tags' names; an empty cell leaves a tag as it is.",
)
@execute_option
@as_of
def tags(*, file: Path | None, execute: bool, as_of: datetime | None) -> int:
    """Report missing and unknown tags, or set tags in bulk.

    With --set every line is checked first: one mistake, and nothing is changed.
    """
    from keyreeve.cli import office, user_words
    from keyreeve.codec.tag_file import read_tags
    from keyreeve.pipeline import tagging
    from keyreeve.pipeline.reconciling import sweep

    if file is None:
        if execute:
            raise click.UsageError("--execute needs --set FILE.")
        desk = office.look(as_of)
        found = sweep(desk.roster)
        user_words.tag_report(desk, found)
        return FAILED if found.tag_gaps else 0
    with office.at_work(as_of, execute=execute) as desk:
        where = f"--set {file}"
        rows, mistakes = read_tags(user_words.text_of(file), desk.roster.model.tags)
        if mistakes:
            raise tagging.refused(mistakes, where)
        caller = next(iter(desk.roster.own), None)
        changes = tagging.plan(desk.roster, rows, caller, where=where)
        if execute:
            steps = tagging.apply(desk.roster, changes, desk.now, desk.by)
        else:
            steps = tagging.rehearsed(changes)
        return user_words.steps_taken(desk, "keyreeve.user.tags/1", "tags", steps, execute=execute)


@user.command(
    epilog=example("keyreeve user reconcile", "keyreeve user reconcile --execute"),
)
@execute_option
@click.option(
    "--accept",
    "accepted",
    type=click.IntRange(min=1),
    metavar="N",
    help="So many may go back to onboarding at once: N as the refusal named it.",
)
@as_of
def reconcile(*, execute: bool, accepted: int | None, as_of: datetime | None) -> int:
    """Find users in the wrong place, and move them.

    This is what events have missed. Exits with 1 if something is left that a person must mend.
    """
    from keyreeve.cli import office, user_words
    from keyreeve.pipeline import reconciling

    with office.at_work(as_of, execute=execute) as desk:
        found = reconciling.sweep(desk.roster)
        moved = None
        if execute:
            moved = reconciling.carry_out(desk.roster, found, desk.now, desk.by, accepted)
        else:
            found = reconciling.rehearse(desk.roster, found)
        return user_words.reconciled(desk, found, moved)


@user.command(epilog=example("keyreeve user demote ana.souza --to-role Administrator --execute"))
@click.argument("name")
@click.option(
    "--to-role", "role", required=True, help="A role of access.yaml, or its role tag's value."
)
@execute_option
@as_of
def demote(*, name: str, role: str, execute: bool, as_of: datetime | None) -> int:
    """Take standing administrator policies off NAME.

    Only once the role is proved assumable: by the user's group, the policies and the trust policy.
    """
    from keyreeve.cli import office, user_words
    from keyreeve.pipeline import demote as use_case

    with office.at_work(as_of, execute=execute) as desk:
        done = use_case.plan(desk.roster, name, role)
        if execute:
            done = use_case.demote(desk.roster, done, desk.now, desk.by)
        return user_words.demoted(desk, done, execute=execute)


@user.command(epilog=example("keyreeve user release ana.souza --execute"))
@click.argument("name")
@execute_option
@as_of
def release(*, name: str, execute: bool, as_of: datetime | None) -> int:
    """Let NAME out of Quarantine."""
    from keyreeve.cli import office, user_words
    from keyreeve.pipeline import reconciling

    with office.at_work(as_of, execute=execute) as desk:
        if execute:
            done = reconciling.release(desk.roster, name, desk.now, desk.by)
        else:
            done = reconciling.plan_release(desk.roster, name)
        return user_words.released(desk, done, execute=execute)


@user.command(
    epilog=example(
        "keyreeve user offboard ana.souza --execute",
        "keyreeve user offboard ana.souza --delete --after-days 90 --execute",
    )
)
@click.argument("name")
@click.option("--delete", is_flag=True, help="Delete a user who was offboarded long enough ago.")
@click.option(
    "--after-days",
    "days",
    type=click.IntRange(min=1, max=36_500),
    help="With --delete: the days to wait.",
)
@execute_option
@as_of
def offboard(
    *, name: str, delete: bool, days: int | None, execute: bool, as_of: datetime | None
) -> int:
    """Shut NAME out; delete nothing.

    Access keys become Inactive; the console password, groups and sessions go. With --delete the
    user itself goes, once it has been offboarded for --after-days.
    """
    from keyreeve.cli import office, user_words
    from keyreeve.pipeline import offboard as use_case

    if delete is not (days is not None):
        raise click.UsageError("--delete and --after-days belong together.")
    with office.at_work(as_of, execute=execute) as desk:
        leaver = use_case.look(desk.roster, name)
        if days is not None:
            wait = timedelta(days=days)
            done = use_case.delete(desk.roster, leaver, desk.now, desk.by, wait, execute=execute)
        else:
            done = use_case.offboard(desk.roster, leaver, desk.now, desk.by, execute=execute)
        return user_words.offboarded(desk, done, execute=execute)
