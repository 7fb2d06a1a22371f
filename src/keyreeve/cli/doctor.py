"""`keyreeve doctor`: the preflight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.options import example
from keyreeve.model.errors import KeyreeveError

if TYPE_CHECKING:
    from keyreeve.aws.sessions import Sessions
    from keyreeve.pipeline.doctor import Diagnosis
    from keyreeve.wiring import Door

BROKEN = 1


@click.command(epilog=example("keyreeve doctor", "keyreeve doctor --send-test me@example.com"))
@click.option("--send-test", "address", metavar="ADDRESS", help="Also send one test mail there.")
def doctor(*, address: str | None) -> int:
    """See whether everything is in place: one line each, with the way to mend it.

    Changes nothing. Exits with 1 if something is broken.
    """
    from keyreeve.aws.sessions import Sessions
    from keyreeve.cli.probes import Probes

    given = opening.options()
    opened = opening.door(execute=False)
    acting = Sessions(rehearsal=False, profile=opened.sessions.profile, region=given.region)
    found = list(Probes(opened, acting).all())
    if address is not None:
        found.append(_test_mail(opened, acting, address))
    if given.json:
        screen.json_document(_document(found))
    else:
        _show(found)
    return BROKEN if any(each.verdict.value == "broken" for each in found) else 0


def _test_mail(opened: Door, acting: Sessions, address: str) -> Diagnosis:
    from keyreeve.model.notice import MailKind, OutgoingMail, TeamNotice
    from keyreeve.pipeline.doctor import broken, ok
    from keyreeve.wiring import mailer_for, wire

    account = wire(opened)
    letterhead = account.post.letterhead
    notice = TeamNotice(
        letterhead=letterhead,
        on=opened.now.date(),
        headline="A test mail",
        paragraphs=("Somebody ran `keyreeve doctor --send-test`: mail from Keyreeve arrives.",),
    )
    try:
        mail = OutgoingMail(
            kind=MailKind.TEST,
            sender=account.post.sender,
            to=(address,),
            cc=(),
            reply_to=None,
            subject=f"[{letterhead.project_name}] Keyreeve test mail",
            body=account.tools.renderer.team(notice),
            sent_at=opened.now,
        )
        accepted = mailer_for(opened.config, acting).send(mail)
    except KeyreeveError as failure:
        return broken("test mail", failure.what, failure.remedy)
    return ok("test mail", f"accepted for {address} ({accepted.message_id})")


def _show(found: list[Diagnosis]) -> None:
    for each in found:
        verdict = {"ok": "ok", "warning": "WARN", "broken": "BROKEN"}[each.verdict.value]
        screen.labelled(verdict, each.verdict.value, f"{each.check}: {each.found}", each.remedy)
    bad = sum(each.verdict.value == "broken" for each in found)
    warned = sum(each.verdict.value == "warning" for each in found)
    screen.line()
    if bad:
        screen.line(f"{words.count(bad, 'thing')} broken, {words.count(warned, 'warning')}.")
    else:
        screen.line(f"Nothing is broken; {words.count(warned, 'warning')}.")


def _document(found: list[Diagnosis]) -> dict[str, object]:
    from keyreeve.codec.values import to_json

    return {
        "schema": "keyreeve.doctor/1",
        "sound": all(each.verdict.value != "broken" for each in found),
        "checks": [to_json(each) for each in found],
    }
