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
    from keyreeve.config import Config
    from keyreeve.model.notice import Letterhead, OutgoingMail, RenderedMail
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
    from keyreeve.wiring import usable_texts

    opened = opening.door(execute=False, as_of=as_of)
    usable_texts(opened)
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


@mail.command(
    epilog=example("keyreeve mail samples", "keyreeve mail samples --out samples"),
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write each as HTML and text there.",
)
def samples(*, out: Path | None) -> int:
    """Every kind of mail in the project's words, with made-up facts. Asks AWS nothing.

    Own templates that a mail could not be written with are named; exits with 2.
    """
    from keyreeve.render.email import MailRenderer
    from keyreeve.render.own import require_usable
    from keyreeve.render.specimens import specimens

    config = opening.config()
    head, texts = _made_up(config), config.texts
    if texts.templates is not None:
        where = f"{config.path}: texts.templates"
        require_usable(texts.templates, language=texts.language, head=head, where=where)
    renderer = MailRenderer(texts.templates, language=texts.language)
    mails = {each.name: each.render(renderer) for each in specimens(head)}
    if out is not None:
        for name, body in mails.items():
            _write(out, name, body)
        screen.note(f"wrote {words.count(len(mails), 'mail')} to {out}, each as HTML and text")
    if opening.options().json:
        bodies = [{"name": n, "html": b.html, "text": b.text} for n, b in mails.items()]
        screen.json_document({"schema": "keyreeve.mail-samples/1", "mails": bodies})
    elif out is None:
        for name, body in mails.items():
            screen.heading(name)
            screen.block(body.text)
    return 0


def _made_up(config: Config) -> Letterhead:
    """The project's own letterhead over an account that does not exist."""
    from keyreeve.model.identifiers import AccountId
    from keyreeve.wiring import post_for

    return post_for(config, AccountId("123456789012")).letterhead


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
    return [
        path
        for each in found.mails
        for path in _write(out, f"{found.on.isoformat()}-{_name(found, each)}", each.body)
    ]


def _write(out: Path, name: str, body: RenderedMail) -> list[Path]:
    """ConfigError if the folder cannot be written to."""
    html, text = out / f"{name}.html", out / f"{name}.txt"
    try:
        out.mkdir(parents=True, exist_ok=True)
        html.write_text(body.html, encoding="utf-8")
        text.write_text(body.text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write there: {error.strerror}", where=f"--out {out}") from None
    return [html, text]


def _name(found: Preview, each: OutgoingMail) -> str:
    return found.stage.value if each.kind.value == "notice" else each.kind.value
