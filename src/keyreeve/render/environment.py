"""Where templates come from and what they may do.

*.html   blocks are written `<!--% … %-->`, so that a template is HTML before it is a template:
         mail.css can be inlined once, when it is loaded, and never sees what a mail says.
         Every value is escaped. `<`, `>` and `&` cannot stand inside `{{ … }}`.
*.txt    ordinary Jinja, values as they are, every one kept to its line.
*.page.html   ordinary Jinja, every value escaped: pages for a browser, not for mail programs.

Values of both: controls and direction overrides are replaced, overlong texts are cut.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from css_inline import CSSInliner
from jinja2 import (
    Environment,
    FunctionLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
)
from markupsafe import Markup

from keyreeve.codec.visible import one_line
from keyreeve.escalation.words import day
from keyreeve.render import wording
from keyreeve.render.language import ENGLISH, Language, shipped_folder

WIDTH: Final = 76
_LONGEST: Final = 2000
"""Characters of one value: nobody reads more, and Gmail clips what grows beyond 102 KB."""

Read = Callable[[str], str]


class Laid(str):
    """Text that is laid out in lines already."""

    __slots__ = ()


def html_environment(own: Path | None, language: Language | None = None) -> Environment:
    """For HTML: blocks in comments, CSS inlined, autoescape on."""
    said = language or Language()
    read = _reader(own, said.code)
    environment = Environment(
        loader=FunctionLoader(lambda name: _inlined(name, read)),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
        block_start_string="<!--%",
        block_end_string="%-->",
        comment_start_string="<!--#",
        comment_end_string="#-->",
    )
    return _furnished(environment, said)


def page_environment() -> Environment:
    """For pages that a browser opens: a style sheet of their own, nothing inlined, autoescape."""
    environment = Environment(
        loader=FunctionLoader(_reader(None)),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return _furnished(environment, Language())


def text_environment(own: Path | None, language: Language | None = None) -> Environment:
    """For the plain-text twins."""
    said = language or Language()
    environment = Environment(
        loader=FunctionLoader(_reader(own, said.code)),
        autoescape=False,  # noqa: S701 - plain text: an escape would be a mistake
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return _furnished(environment, said)


def _furnished(environment: Environment, language: Language) -> Environment:
    say = language.say
    environment.filters.update(
        say=say,
        day=lambda on: say(day(on)),
        month=wording.month,
        days_left=lambda days: say(wording.days_left(days)),
        counted=wording.counted,
        pieces=lambda text: wording.pieces(_clean(text)),
        promised=lambda finding: say(wording.promised(finding)),
        with_key=wording.resource_with_key,
        tone=wording.TONES.__getitem__,
        label=lambda stage: say(wording.STAGE_LABELS[stage]),
        wrap=_wrap,
        rule=_rule,
        mail_link=wording.mail_link,
        web_link=wording.web_link,
    )
    environment.globals["deadline"] = lambda on, days: say(wording.deadline(on, days))
    return environment


# --- values ---------------------------------------------------------------------------------


def _clean(value: Any) -> Any:
    """What every value goes through on its way into a mail."""
    if not isinstance(value, str) or isinstance(value, Markup | Laid):
        return value
    line = one_line(value)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _wrap(text: str, first: str = "", rest: str | None = None) -> Laid:
    """Lines of at most 76 characters; `first` leads the first, `rest` (or spaces) the others."""
    line = str(_clean(text))
    if len(first) + len(line) <= WIDTH:
        return Laid(first + line)
    lines = textwrap.fill(
        line,
        width=WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return Laid(lines)


def _rule(character: str) -> str:
    return character * WIDTH


# --- templates ------------------------------------------------------------------------------


def shipped_templates() -> frozenset[str]:
    """Names of the files that own ones may take the place of: mails, not pages for a browser."""
    found = {file.name for file in (files("keyreeve.render") / "templates").iterdir()}
    return frozenset(
        name
        for name in found
        if name.endswith((".html", ".txt")) and not name.endswith(".page.html")
    ) | {"mail.css", "dark.css"}


def _reader(own: Path | None, language: str = ENGLISH) -> Read:
    """Reads a template from the own directory, else from the language's, else the English one."""
    shipped = files("keyreeve.render") / "templates"
    folder = shipped_folder(language)

    def read(name: str) -> str:
        if own is not None and (own / name).is_file():
            try:
                return (own / name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8"
                raise TemplateError(f"cannot be read: {reason}") from error
        found = shipped / folder / name if folder else shipped / name
        if not found.is_file():
            found = shipped / name
        if not found.is_file():
            raise TemplateNotFound(name)
        return found.read_text(encoding="utf-8")

    return read


def _inlined(name: str, read: Read) -> str:
    """The template with mail.css in its style attributes, and without its indentation."""
    source, css = read(name), read("mail.css")
    if "</head>" in source:
        inliner = CSSInliner(
            keep_style_tags=True,
            keep_at_rules=True,
            minify_css=True,
            extra_css=css,
            load_remote_stylesheets=False,
        )
        inlined = inliner.inline(_with_dark_mode(source, read("dark.css")))
    else:
        inlined = CSSInliner(minify_css=True).inline_fragment(source, css)
    return re.sub(r"\n\s*", "\n", inlined)


def _with_dark_mode(source: str, rules: str) -> str:
    """The dark rules twice: for clients that know the media query, and for Outlook's own way."""
    outlook = re.sub(r"(?m)(^|, )(?=\.)", r"\1[data-ogsc] ", rules)
    media = f"@media (prefers-color-scheme: dark) {{\n{rules}}}"
    return source.replace("/* dark */", media).replace("/* outlook */", outlook)
