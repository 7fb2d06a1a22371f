"""`keyreeve reinstate`: an Inactive key back for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen
from keyreeve.cli.options import Span, as_of, example
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import AccessKeyId

if TYPE_CHECKING:
    from keyreeve.pipeline.reinstate import Reinstated, Request


@click.command(
    epilog=example(
        "keyreeve reinstate ana.souza AKIAEXAMPLE123456789 --for 24h \\",
        '    --reason "billing export still uses it" --execute',
    )
)
@click.argument("user")
@click.argument("key_id")
@click.option("--for", "span", type=Span(), required=True, help="How long, such as 24h or 3d.")
@click.option("--reason", required=True, help="Why, in a sentence; it is kept.")
@click.option("--execute", is_flag=True, help="Do it; without it, only check and rehearse.")
@as_of
def reinstate(
    *, user: str, key_id: str, span: timedelta, reason: str, execute: bool, as_of: datetime | None
) -> int:
    """Make an Inactive access key of USER Active again, for a stated time and reason.

    When the time is up the daily run makes it Inactive again; the ladder does not start anew.
    """
    from keyreeve.pipeline import reinstate as use_case
    from keyreeve.pipeline.people import find_person
    from keyreeve.wiring import account_for_writing

    if not reason.strip():
        raise ConfigError("the reason is missing", where="--reason", remedy="Say why.")
    opened = opening.door(execute=execute, as_of=as_of)
    account = opening.wired(opened)
    state = account.tools.states.load()
    opened = opening.now_of(opened, state, as_of)
    request = use_case.Request(
        person=find_person(user, state, account.tools.reader),
        key_id=AccessKeyId(key_id),
        span=span,
        reason=reason,
        by=opened.caller.arn,
    )
    if execute:
        with account_for_writing(opened, mails=False) as account:
            done = use_case.reinstate(account, request, opened.now)
    else:
        done = use_case.rehearse(account, request, opened.now)
    if opening.options().json:
        screen.json_document(_document(request, done, execute=execute))
        return 0
    who = screen.safe(request.person.user_name)
    said = "is Active again" if execute else "would be Active again"
    screen.line(f"{done.key_id} of {who} {said} until {done.until:%Y-%m-%d %H:%M} UTC.")
    if done.recovered:
        screen.line("An earlier call had done it and was stopped; its record is complete now.")
    if not execute:
        screen.line("Rehearsed only: nothing was changed. --execute does it.")
    return 0


def _document(request: Request, done: Reinstated, *, execute: bool) -> dict[str, object]:
    from keyreeve.codec.values import to_json

    return {
        "schema": "keyreeve.reinstate/1",
        "user_name": request.person.user_name,
        "user_id": request.person.user_id,
        "key_id": done.key_id,
        "until": to_json(done.until),
        "reason": request.reason,
        "executed": execute,
    }
