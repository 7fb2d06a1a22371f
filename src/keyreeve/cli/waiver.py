"""`keyreeve waiver …`: approved, reasoned, expiring acceptance of a finding."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.options import Day, as_of, example
from keyreeve.model.decisions import Waiver
from keyreeve.model.identifiers import ControlId

if TYPE_CHECKING:
    from keyreeve.codec.values import Json


@click.group(epilog=example("keyreeve waiver list"))
def waiver() -> None:
    """Accept a finding until a date; list, revoke.

    A waiver needs a reason, a requester, another person who approves, and an end.
    """


@waiver.command(
    epilog=example(
        "keyreeve waiver add svc-backup --control access_key_rotation \\",
        '    --reason "vendor appliance, replaced in March" \\',
        "    --requested-by ana@example.com --approved-by ciso@example.com --expires 2026-03-31",
    )
)
@click.argument("user")
@click.option(
    "--control",
    type=click.Choice([control.value for control in ControlId]),
    help="Default: every control.",
)
@click.option("--resource", help="A key id, password, mfa …; default: every resource.")
@click.option("--reason", required=True, help="Why, in a sentence; it is kept.")
@click.option("--requested-by", required=True, help="Who asks.")
@click.option("--approved-by", required=True, help="Who approves: another person.")
@click.option("--expires", type=Day(), required=True, help="The last day on which it protects.")
@as_of
def add(
    *,
    user: str,
    control: str | None,
    resource: str | None,
    reason: str,
    requested_by: str,
    approved_by: str,
    expires: date,
    as_of: datetime | None,
) -> int:
    """Accept findings of USER until a date."""
    from keyreeve.cli.deciding import Desk

    desk = Desk.open(as_of)
    person = desk.person(user)
    made = Waiver(
        waiver_id=f"W{desk.today:%Y%m%d}-{secrets.token_hex(3)}",
        user=person.user_id,
        user_name=person.user_name,
        control=ControlId(control) if control else None,
        resource_id=resource,
        reason=reason,
        requested_by=requested_by,
        approved_by=approved_by,
        expires_on=expires,
        added_at=desk.now,
        added_by=desk.by,
    )
    desk.waive(made)
    if opening.options().json:
        screen.json_document(_document([made], desk.today))
    else:
        screen.line(
            f"Waiver {made.waiver_id}: {_scope(made)} of {screen.safe(person.user_name)} "
            f"until {words.day(expires)}."
        )
    return 0


@waiver.command(
    "list", epilog=example("keyreeve waiver list", "keyreeve --output json waiver list")
)
@as_of
def list_waivers(*, as_of: datetime | None) -> int:
    """Show every waiver: the standing ones, then those that have ended."""
    from keyreeve.escalation.calendar import Calendar

    opened = opening.door(execute=False, as_of=as_of)
    account = opening.wired(opened)
    if as_of is None and opened.sessions.only_loopback():
        opened = opening.now_of(opened, account.tools.states.load(), as_of)
    today = Calendar(account.policy).today(opened.now)
    waivers = sorted(account.tools.people.read().waivers, key=lambda w: (_over(w, today), w.named))
    if opening.options().json:
        screen.json_document(_document(waivers, today))
        return 0
    table = screen.Table(
        header=("ID", "USER", "WHAT", "UNTIL", "STATUS", "REASON", "APPROVED BY"),
        folding=frozenset({2, 5, 6}),
    )
    for each in waivers:
        table.add(
            each.waiver_id,
            each.named,
            _scope(each),
            each.expires_on,
            _status(each, today),
            each.reason,
            each.approved_by,
        )
    if not table.rows:
        screen.line("There are no waivers.")
    screen.table(table)
    return 0


@waiver.command(epilog=example("keyreeve waiver revoke W20260105-a1b2c3"))
@click.argument("waiver_id", metavar="ID")
@as_of
def revoke(*, waiver_id: str, as_of: datetime | None) -> int:
    """End a waiver now: its findings walk the ladder again."""
    from keyreeve.cli.deciding import Desk

    desk = Desk.open(as_of)
    ended = desk.revoke(waiver_id)
    if opening.options().json:
        screen.json_document(_document([ended], desk.today))
        return 0
    screen.line(f"Waiver {screen.safe(ended.waiver_id)} of {screen.safe(ended.named)} has ended.")
    return 0


def _scope(made: Waiver) -> str:
    control = words.plain(made.control) if made.control else "every control"
    return f"{control} ({made.resource_id})" if made.resource_id else control


def _over(made: Waiver, today: date) -> bool:
    return made.revoked_at is not None or made.expires_on < today


def _status(made: Waiver, today: date) -> str:
    if made.revoked_at is not None:
        return "revoked"
    return "expired" if made.expires_on < today else "stands"


def _document(waivers: list[Waiver], today: date) -> dict[str, object]:
    from keyreeve.codec.values import to_json

    return {
        "schema": "keyreeve.waivers/1",
        "waivers": [_row(to_json(each), _status(each, today)) for each in waivers],
    }


def _row(written: Json, status: str) -> Json:
    return {**written, "status": status} if isinstance(written, dict) else written
