"""Templates of a project's own, tried on every kind of mail before one goes out.

A template that breaks in the middle of a run would lose a notice, so a run does not begin with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from jinja2 import TemplateSyntaxError

from keyreeve.model.errors import ConfigError
from keyreeve.model.notice import Letterhead
from keyreeve.render.email import MailRenderer
from keyreeve.render.environment import html_environment, shipped_templates, text_environment
from keyreeve.render.language import PHRASES
from keyreeve.render.specimens import specimens

_KINDS = (".html", ".txt", ".css")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong with a file of the folder, or with the folder."""

    where: str
    what: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.where}: {self.what}"


def own_files(folder: Path) -> tuple[str, ...]:
    """Names of the templates and style sheets in the folder, sorted."""
    return tuple(sorted(each.name for each in folder.iterdir() if each.name.endswith(_KINDS)))


def mistakes(folder: Path, *, language: str, head: Letterhead | None = None) -> tuple[Mistake, ...]:
    """Everything that would keep a mail from being written with the templates of the folder."""
    if not folder.is_dir():
        return (Mistake(where=str(folder), what="there is no such folder"),)
    broken = tuple(_syntax(folder))
    if broken:
        return broken
    return (*_in_mails(folder, language, head), *_unused(folder))


def require_usable(folder: Path, *, language: str, head: Letterhead, where: str) -> None:
    """ConfigError with all mistakes; `where` names the setting."""
    found = mistakes(folder, language=language, head=head)
    if found:
        raise ConfigError(
            "mails cannot be written with these templates, so nothing is begun:\n"
            + "\n".join(f"  {mistake}" for mistake in found),
            where=where,
            remedy="Mend them, or take them away to use the shipped ones; then `keyreeve mail "
            "samples --out DIR` shows every kind of mail.",
        )


def _syntax(folder: Path) -> Iterator[Mistake]:
    """Read as they stand, so that the line is the line in the file."""
    html, text = html_environment(folder), text_environment(folder)
    for name in own_files(folder):
        if name.endswith(".css") or name == PHRASES:
            continue
        try:
            source = (folder / name).read_text(encoding="utf-8")
            (html if name.endswith(".html") else text).parse(source, name)
        except TemplateSyntaxError as error:
            yield Mistake(where=f"{folder / name}:{error.lineno}", what=str(error.message))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            yield Mistake(where=str(folder / name), what=f"cannot be read: {reason}")


def _in_mails(folder: Path, language: str, head: Letterhead | None) -> Iterator[Mistake]:
    """Each mistake once, with the first mail that shows it."""
    try:
        renderer = MailRenderer(folder, language=language)
    except ConfigError as error:
        yield Mistake(where=error.where, what=error.what)
        return
    told: set[tuple[str, str]] = set()
    for specimen in specimens(head):
        try:
            mail = specimen.render(renderer)
        except ConfigError as error:
            said = error.what.removeprefix("the mail template cannot be used: ")
            where = _place(folder, error.where)
            if (where, said) not in told:
                told.add((where, said))
                yield Mistake(where=where, what=f"{said} (in the mail {specimen.name})")
            continue
        for form, content in (("html", mail.html), ("text", mail.text)):
            said = f"the {form} of {specimen.kind} is empty"
            if not content.strip() and ("", said) not in told:
                told.add(("", said))
                yield Mistake(where=str(folder), what=said)


def _place(folder: Path, asked_for: str) -> str:
    """The file; only the folder where a shipped template includes or extends one of its files."""
    own = asked_for.partition(":")[0] in own_files(folder)
    return str(folder / asked_for) if own else f"{folder} ({asked_for} asks for a file of it)"


def _unused(folder: Path) -> Iterator[Mistake]:
    """A file that no mail asks for does nothing: mostly its name is mistyped."""
    shipped = shipped_templates()
    everything = [
        (folder / name).read_text(encoding="utf-8")
        for name in own_files(folder)
        if not name.endswith(".css")
    ]
    for name in own_files(folder):
        if (
            name in shipped
            or name == PHRASES
            or any(f'"{name}"' in text or f"'{name}'" in text for text in everything)
        ):
            continue
        close = get_close_matches(name, sorted(shipped), n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        yield Mistake(where=str(folder / name), what=f"no mail uses this file{meant}")
