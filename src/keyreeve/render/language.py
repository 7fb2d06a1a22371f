"""The language of the mails to owners: templates in a folder of their own, sentences in a book.

The core speaks English.  A language is `templates/<code>/`: templates that take the place of the
English ones, and `phrases.txt`, which says every sentence of the core in it.  A sentence that the
book lacks stays English: no mail is lost for want of a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from keyreeve.model.errors import ConfigError
from keyreeve.model.notice import ClosingNotice, FindingLine, Notice

ENGLISH: Final = "en"
PHRASES: Final = "phrases.txt"
_TYPED: Final = {
    "n": r"\d+",
    "year": r"\d{4}",
    "weekday": r"Mon|Tue|Wed|Thu|Fri|Sat|Sun",
    "month": r"Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec",
    "day": r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{1,2} [A-Z][a-z]{2} \d{4}",
}
_HOLE: Final = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A sentence with holes, and how it is said."""

    matches: re.Pattern[str]
    said: str


@dataclass(slots=True, kw_only=True)
class Language:
    """How sentences are said. English says them as they are."""

    code: str = ENGLISH
    exact: Mapping[str, str] = field(default_factory=dict)
    phrases: tuple[Phrase, ...] = ()
    unknown: set[str] = field(default_factory=set)
    """Sentences that the book lacked."""
    _said: dict[str, str] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        """Whether everything is said as it is: English, without phrases of one's own."""
        return not self.exact and not self.phrases

    def say(self, text: str) -> str:
        """The sentence in this language; as it is where the book lacks it."""
        if not text or self.plain:
            return text
        if text not in self._said:
            said = self._known(text)
            if said is None:
                self.unknown.add(text)
            self._said[text] = text if said is None else said
        return self._said[text]

    def _known(self, text: str) -> str | None:
        if text in self.exact:
            return self.exact[text]
        for phrase in self.phrases:
            found = phrase.matches.fullmatch(text)
            if found is not None:
                parts = {name: self._part(value) for name, value in found.groupdict().items()}
                return _HOLE.sub(lambda hole, p=parts: p[hole[1]], phrase.said)  # type: ignore[misc]
        return None

    def _part(self, text: str) -> str:
        """What stood in a hole: mostly a name, now and then a phrase."""
        said = self._known(text)
        return text if said is None else said

    def notice(self, notice: Notice) -> Notice:
        """With the sentences of its findings said."""
        if self.plain:
            return notice
        return replace(notice, findings=tuple(map(self._line, notice.findings)))

    def _line(self, line: FindingLine) -> FindingLine:
        return replace(
            line,
            title=self.say(line.title),
            resource=self.say(line.resource),
            detail=self.say(line.detail),
            why=self.say(line.why),
            risk=self.say(line.risk),
            remediation=tuple(map(self.say, line.remediation)),
            consequence=self.say(line.consequence),
            done=tuple(map(self.say, line.done)),
            usage=tuple(map(self.say, line.usage)),
            remarks=tuple(map(self.say, line.remarks)),
        )

    def closing(self, notice: ClosingNotice) -> ClosingNotice:
        """With what has cleared said."""
        return replace(notice, cleared=tuple(map(self.say, notice.cleared)))


def language(code: str, own: Path | None = None) -> Language:
    """The language with its book; phrases of the own folder come first.

    ConfigError where a book cannot be read. A language that is not shipped has only its own.
    """
    book: dict[str, str] = {}
    shipped = files("keyreeve.render") / "templates" / _base(code) / PHRASES
    if shipped.is_file():
        book |= dict(pairs(shipped.read_text(encoding="utf-8"), where=PHRASES))
    if own is not None and (own / PHRASES).is_file():
        where = str(own / PHRASES)
        try:
            text = (own / PHRASES).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(
                "the phrases cannot be read as UTF-8", where=where, remedy="Save it as UTF-8."
            ) from None
        book = {**dict(pairs(text, where=where)), **book} | dict(pairs(text, where=where))
    return Language(
        code=code,
        exact={english: said for english, said in book.items() if not _HOLE.search(english)},
        phrases=tuple(_phrase(e, said) for e, said in book.items() if _HOLE.search(e)),
    )


def shipped_folder(code: str) -> str | None:
    """The folder below templates/ of a language that is shipped; None: English, or not shipped."""
    base = _base(code)
    found = (files("keyreeve.render") / "templates" / base / PHRASES).is_file()
    return base if found else None


def pairs(text: str, *, where: str) -> Iterator[tuple[str, str]]:
    """English and said, two lines each, an empty line between. ConfigError with the line."""
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.startswith("#"):
            continue
        if line.strip():
            block.append(line.strip())
            continue
        if block:
            yield _pair(block, f"{where}:{number - len(block)}")
        block = []


def _pair(block: list[str], where: str) -> tuple[str, str]:
    if len(block) != 2:  # noqa: PLR2004 - a pair
        raise ConfigError(
            f"a phrase is two lines, English and said, and here stand {len(block)}",
            where=where,
            remedy="Put an empty line between phrases, and none within one.",
        )
    english, said = block
    strange = set(_HOLE.findall(said)) ^ set(_HOLE.findall(english))
    if strange:
        raise ConfigError(
            f"{{{min(strange)}}} stands in one of the two lines only",
            where=where,
            remedy="Both lines of a phrase bear the same names in braces.",
        )
    return english, said


def _phrase(english: str, said: str) -> Phrase:
    pattern = "".join(
        f"(?P<{part}>{_TYPED.get(part, '.+?')})" if number % 2 else re.escape(part)
        for number, part in enumerate(_HOLE.split(english))
    )
    return Phrase(matches=re.compile(pattern, re.DOTALL), said=said)


def _base(code: str) -> str:
    """de-AT is said as de."""
    return code.partition("-")[0]
