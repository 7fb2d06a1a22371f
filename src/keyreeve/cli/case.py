"""`keyreeve case …`: the daily work of the MSP team on open cases."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.options import Day, as_of, example
from keyreeve.cli.progress import watched
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.pipeline.people import Moved, Person
    from keyreeve.pipeline.resend import Resent


@click.group(
    epilog=example("keyreeve case list", "keyreeve case show ana.souza"),
)
def case() -> None:
    """Look at open cases; hold, extend, send credentials again.

    USER is an IAM user name or a unique id (AIDA…).
    """


@case.command("list", epilog=example("keyreeve case list", "keyreeve --output json case list"))
@as_of
def list_cases(*, as_of: datetime | None) -> int:
    """Show every open case, the earliest enforcement date first."""
    from keyreeve.cli.cases import File, show_list

    file = File.read(as_of)
    if opening.options().json:
        screen.json_document(file.document())
    else:
        show_list(file)
    return 0


@case.command(
    epilog=example("keyreeve case show ana.souza", "keyreeve case show AIDAEXAMPLE1234567890")
)
@click.argument("user")
@as_of
def show(*, user: str, as_of: datetime | None) -> int:
    """Show one case: findings, promises, notices, what was done."""
    from keyreeve.cli.cases import File, show_case

    file = File.read(as_of)
    found = file.find(user)
    if opening.options().json:
        screen.json_document(
            {"schema": "keyreeve.case/1", "account_id": file.account_id, **file.row(found)}
        )
    else:
        show_case(file, found)
    return 0


@case.command(
    epilog=example('keyreeve case hold ana.souza --until 2026-02-02 --reason "on leave until then"')
)
@click.argument("user")
@click.option("--until", type=Day(), required=True, help="The first day on which it goes on.")
@click.option("--reason", required=True, help="Why, in a sentence; it is kept.")
@as_of
def hold(*, user: str, until: date, reason: str, as_of: datetime | None) -> int:
    """Stop a case: no mail and no act until the date."""
    from keyreeve.cli.deciding import Desk

    desk = Desk.open(as_of)
    if until <= desk.today:
        raise ConfigError(
            f"{until} is not after today ({desk.today})",
            where="--until",
            remedy="Name a later day.",
        )
    person = desk.person(user)
    desk.hold(person, until, reason)
    if opening.options().json:
        screen.json_document(_hold_document(person, until, reason))
        return 0
    screen.line(f"The case of {screen.safe(person.user_name)} is held until {words.day(until)}.")
    return 0


@case.command(epilog=example("keyreeve case unhold ana.souza"))
@click.argument("user")
@as_of
def unhold(*, user: str, as_of: datetime | None) -> int:
    """Let a held case go on."""
    from keyreeve.cli.deciding import Desk

    desk = Desk.open(as_of)
    person = desk.person(user)
    desk.unhold(person)
    if opening.options().json:
        screen.json_document(_hold_document(person, None, None))
        return 0
    screen.line(f"The case of {screen.safe(person.user_name)} goes on.")
    return 0


@case.command(
    epilog=example('keyreeve case extend ana.souza --days 7 --reason "release freeze until Friday"')
)
@click.argument("user")
@click.option("--days", type=click.IntRange(min=1), required=True, help="Days added to E.")
@click.option("--reason", required=True, help="Why, in a sentence; it is kept.")
@as_of
def extend(*, user: str, days: int, reason: str, as_of: datetime | None) -> int:
    """Move the enforcement date of a case later, within escalation.max_extension."""
    from keyreeve.cli.deciding import Desk

    desk = Desk.open(as_of, need_state=True)
    person = desk.person(user)
    moved = desk.extend(person, days, reason)
    if opening.options().json:
        screen.json_document(_extension_document(person, days, reason, moved))
        return 0
    screen.line(f"{words.count(days, 'day')} more for {screen.safe(person.user_name)}.")
    table = screen.Table(
        header=("CONTROL", "RESOURCE", "E WAS", "E IS", "TO 90 ON E"), right=frozenset({4})
    )
    for each in moved:
        table.add(
            words.plain(each.control),
            each.resource_id,
            words.day(each.before) or "open",
            words.day(each.after) or "open",
            words.to_ninety(each.days_to_90),
        )
    screen.table(table)
    if any(each.days_to_90 is not None and each.days_to_90 < 0 for each in moved):
        screen.line("On the new date a credential is older than 90 days.")
    return 0


@case.command(
    epilog=example(
        "keyreeve case resend ana.souza            (shows what would be sent, to whom)",
        "keyreeve case resend ana.souza --send",
    )
)
@click.argument("user")
@click.option("--send", is_flag=True, help="Send it; without it, only say what would be sent.")
@as_of
def resend(*, user: str, send: bool, as_of: datetime | None) -> int:
    """Send the private mail with the newest credentials again, to the owner only."""
    from keyreeve.pipeline.people import find_person
    from keyreeve.pipeline.resend import resend as send_again
    from keyreeve.wiring import account_for_writing

    opened = opening.door(execute=send, as_of=as_of)
    account = opening.wired(opened)
    state = account.tools.states.load()
    opened = opening.now_of(opened, state, as_of)
    person = find_person(user, state, account.tools.reader)
    with watched(quiet=opening.options().quiet) as progress:
        if send:
            with account_for_writing(opened) as account:
                done = send_again(account, person, opened.now, progress, send=True)
        else:
            done = send_again(account, person, opened.now, progress, send=False)
    if opening.options().json:
        screen.json_document(_resend_document(person, done))
        return 0
    what = done.operation.new_key or "the console password"
    said = "Sent" if send else "Would send"
    screen.line(f"{said}: {what} of {screen.safe(person.user_name)} to {screen.safe(done.to)}.")
    if not send:
        screen.line("Nothing was sent: --send does it.")
    return 0


# --- for programs ---------------------------------------------------------------------------------


def _of(person: Person) -> dict[str, object]:
    return {"user_name": person.user_name, "user_id": person.user_id}


def _hold_document(person: Person, until: date | None, reason: str | None) -> dict[str, object]:
    """`until` None: the case goes on."""
    return {
        "schema": "keyreeve.hold/1",
        **_of(person),
        "held_until": until.isoformat() if until else None,
        "reason": reason,
    }


def _extension_document(
    person: Person, days: int, reason: str, moved: tuple[Moved, ...]
) -> dict[str, object]:
    from keyreeve.codec.values import to_json

    return {
        "schema": "keyreeve.extension/1",
        **_of(person),
        "days": days,
        "reason": reason,
        "findings": [to_json(each) for each in moved],
    }


def _resend_document(person: Person, done: Resent) -> dict[str, object]:
    """Whose and which, never what: the credential stays in escrow and in the mail."""
    return {
        "schema": "keyreeve.resend/1",
        **_of(person),
        "new_key": done.operation.new_key,
        "to": done.to,
        "sent": done.message_id is not None,
        "message_id": done.message_id,
    }
