"""`keyreeve summary`: the weekly summary, shown or sent."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen
from keyreeve.cli.options import as_of, example
from keyreeve.cli.progress import watched

if TYPE_CHECKING:
    from keyreeve.model.plan import Outcome

PARTLY = 1


@click.command(
    epilog=example("keyreeve summary", "keyreeve summary --send", "keyreeve --output json summary")
)
@click.option("--send", is_flag=True, help="Mail it to summary.to; without it, only show it.")
@as_of
def summary(*, send: bool, as_of: datetime | None) -> int:
    """Show the weekly summary as it would read now, or send it now.

    Exits with 1 if one of the channels did not take it.
    """
    from keyreeve.codec.values import to_json
    from keyreeve.pipeline.resend import send_summary, summary_now
    from keyreeve.wiring import account_for_writing

    opened = opening.door(execute=send, as_of=as_of)
    account = opening.wired(opened)
    message_id = None
    not_told: tuple[Outcome, ...] = ()
    with watched(quiet=opening.options().quiet) as progress:
        if send:
            with account_for_writing(opened) as account:
                outcome, content, not_told = send_summary(account, opened.now, progress)
                message_id = outcome.message_id
        else:
            _, content = summary_now(account, opened.now, progress)
    if opening.options().json:
        document = {"schema": "keyreeve.summary/1", "account_id": account.account_id}
        told = {"message_id": message_id, "not_told": [each.reason for each in not_told]}
        screen.json_document({**document, **told, "summary": to_json(content)})
        return PARTLY if not_told else 0
    screen.block(account.tools.renderer.summary(content).text)
    if send:
        screen.line(f"Sent to {', '.join(account.policy.summary_to)}.")
    for each in not_told:
        screen.line(screen.safe(each.reason))
    return PARTLY if not_told else 0
