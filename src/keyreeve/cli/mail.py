"""`keyreeve mail preview`: the mail as it would look."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.options import as_of, example
from keyreeve.cli.progress import Silence
from keyreeve.model.case import Stage
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.model.notice import OutgoingMail
    from keyreeve.pipeline.preview import Preview


@click.group(epilog=example("keyreeve mail preview ana.souza"))
def mail() -> None:
    """See mails as they would look; nothing is sent."""


@mail.command(
    epilog=example(
        "keyreeve mail preview ana.souza",
        "keyreeve mail preview ana.souza --stage warning --out preview",
    )
)
@click.argument("user")
@click.option(
    "--stage",
    type=click.Choice([stage.value for stage in Stage if stage is not Stage.PENDING]),
    help="The first notice of this stage, if nobody acts; default: the next notice.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write HTML and text files there.",
)
@as_of
def preview(*, user: str, stage: str | None, out: Path | None, as_of: datetime | None) -> int:
    """Show the mail to USER with the real facts and the real state. Nothing is sent."""
    from keyreeve.pipeline.people import find_person, standing
    from keyreeve.pipeline.preview import preview as look_ahead

    opened = opening.door(execute=False, as_of=as_of)
    account = opening.wired(opened)
    state = account.tools.states.load()
    opened = opening.now_of(opened, state, as_of)
    facts = standing(account, opened.now, Silence())
    person = find_person(user, facts.state, account.tools.reader)
    wanted = Stage(stage) if stage else None
    found = look_ahead(account, facts, person, opened.now, Silence(), stage=wanted)
    if out is not None:
        for path in _written(found, out):
            screen.note(f"wrote {path}")
    if opening.options().json:
        screen.json_document(_document(found))
    elif out is None:
        _show(found)
    return 0


def _show(found: Preview) -> None:
    for each in found.mails:
        screen.line(f"On {words.day(found.on)}, {words.plain(found.stage)}:")
        screen.line(f"To:       {screen.safe(', '.join(each.to))}")
        if each.cc:
            screen.line(f"Cc:       {screen.safe(', '.join(each.cc))}")
        screen.line(f"Subject:  {screen.safe(each.subject)}")
        for attachment in each.attachments:
            screen.line(f"Attached: {screen.safe(attachment.name)} (not in the preview)")
        screen.line()
        screen.block(each.body.text)
        screen.line()


def _document(found: Preview) -> dict[str, object]:
    return {
        "schema": "keyreeve.mail/1",
        "on": found.on.isoformat(),
        "stage": found.stage.value,
        "mails": [
            {
                "kind": each.kind.value,
                "to": list(each.to),
                "cc": list(each.cc),
                "subject": each.subject,
                "html": each.body.html,
                "text": each.body.text,
            }
            for each in found.mails
        ],
    }


def _written(found: Preview, out: Path) -> list[Path]:
    """ConfigError if the folder cannot be written to."""
    written: list[Path] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for each in found.mails:
            written += _files(each, out / f"{found.on.isoformat()}-{_name(found, each)}")
    except OSError as error:
        raise ConfigError(f"cannot write there: {error.strerror}", where=f"--out {out}") from None
    return written


def _name(found: Preview, each: OutgoingMail) -> str:
    return found.stage.value if each.kind.value == "notice" else each.kind.value


def _files(each: OutgoingMail, stem: Path) -> list[Path]:
    html, text = stem.with_name(stem.name + ".html"), stem.with_name(stem.name + ".txt")
    html.write_text(each.body.html, encoding="utf-8")
    text.write_text(each.body.text, encoding="utf-8")
    return [html, text]
