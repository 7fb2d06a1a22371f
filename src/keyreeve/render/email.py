"""The mails as people see them: an HTML body and a plain-text twin that says the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from jinja2 import Environment, TemplateError, TemplateSyntaxError

from keyreeve.model.case import Stage
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.errors import ConfigError
from keyreeve.model.notice import (
    ClosingNotice,
    CredentialsNotice,
    Letterhead,
    Notice,
    RenderedMail,
    Summary,
    SummaryRow,
    TeamNotice,
)
from keyreeve.model.review import ReviewNotice
from keyreeve.render import wording
from keyreeve.render.environment import html_environment, text_environment
from keyreeve.render.language import ENGLISH, Language, shipped_folder
from keyreeve.render.language import language as language_of
from keyreeve.reporting.months import month_rows

HTML_LIMIT: Final = 100_000
"""Bytes. Gmail clips a message whose HTML is over 102 KB."""

_CARDS_AND_ROWS: Final = (
    (30, 400),
    (20, 400),
    (16, 400),
    (12, 400),
    (8, 400),
    (4, 400),
    (1, 250),
    (5, 100),
    (1, 50),
    (0, 5),
)
"""How many findings are told in full, and how many more in a line, until the mail fits."""

_ROWS_A_SECTION: Final = (60, 30, 15, 8, 4, 1)
_TEXT_CARDS, _TEXT_ROWS, _TEXT_ROWS_A_SECTION = 250, 2000, 300
"""Plain text is not clipped; this only keeps a mail a mail."""

_OVERVIEW_UP_TO: Final = 12

_SECTIONS: Final = (
    ("due", "Due within seven days", "On that day the step is taken, unless a gate holds."),
    ("change_over", "Changing over to new keys", "Who uses the new key, and the old one still."),
    ("overdue", "Overdue", "The promised date has passed, or no date can be named."),
    ("held", "Held", "Due, but a gate says no. Each line says which, and why."),
    ("unreachable", "Owners who cannot be reached", "Nothing happens to them until they can."),
    ("slot_blocked", "No free key slot", ""),
    ("waivers", "Waivers that end soon or have ended", "After that day the finding counts again."),
    ("removals", "Access that ends by a review", "`keyreeve review due --execute` ends it."),
    ("inline_policies", "Inline policies", "Reported here only; nobody is mailed about them."),
    ("to_move", "Users in the wrong group", "`keyreeve user reconcile --execute` moves them."),
    ("to_place", "Users whom only a person can place", "Each is left where it is until then."),
    ("tag_gaps", "Tags that are missing or unknown", "`keyreeve user tags --set FILE` sets them."),
    ("admin_sessions", "Administrator sessions", "Of the past seven days, as CloudTrail tells."),
    ("iam_changes", "Changes of IAM", "Of the past seven days: who changed what."),
    ("open_findings", "All open findings", ""),
)
"""Sections of the summary in order: field, title, what it means."""


_UNUSABLE: Final = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a template of somebody's own may raise while it is read or filled in."""


_FOR_OWNERS: Final = ("notice", "closing", "credentials", "kept")
"""Mails in the language of the project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Templates:
    """Both forms of the mails in one language."""

    language: str
    html: Environment
    text: Environment

    @classmethod
    def of(cls, own: Path | None, language: Language) -> Self:
        return cls(
            language=language.code,
            html=html_environment(own, language),
            text=text_environment(own, language),
        )


class MailRenderer:
    """A `Renderer`. Files in `templates` take the place of shipped ones of the same name."""

    def __init__(self, templates: Path | None = None, *, language: str = ENGLISH) -> None:
        self.language = language_of(language, templates)
        for_owners = _Templates.of(templates, self.language)
        # The team's mails are written in English; a language of one's own has its own templates.
        shipped = shipped_folder(language) is not None
        for_team = _Templates.of(templates, Language()) if shipped else for_owners
        self._templates = dict.fromkeys(_FOR_OWNERS, for_owners)
        self._others = for_team

    def notice(self, notice: Notice) -> RenderedMail:
        """All open findings of a user: the most urgent in full, a line for those beyond."""
        say = self.language.say
        label, lead = say(wording.STAGE_LABELS[notice.stage]), say(wording.lead(notice))
        notice = self.language.notice(notice)
        facts = {
            "notice": notice,
            "headline": label,
            "tone": wording.TONES[notice.stage],
            "lead": lead,
            "preview": f"{label}: {lead}",
            "moved": say(wording.moved(notice)),
            "attention": say(wording.attention(notice)),
            "introduction": say(wording.INTRODUCTIONS[notice.stage]),
        }
        return self._fitting(
            "notice",
            notice.letterhead,
            facts,
            (_split(notice, cards, rows) for cards, rows in _CARDS_AND_ROWS),
            _split(notice, _TEXT_CARDS, _TEXT_ROWS),
        )

    def closing(self, notice: ClosingNotice) -> RenderedMail:
        """The thread's last mail."""
        said = self.language.closing(notice)
        return self._plainly("closing", notice.letterhead, {"notice": said})

    def credentials(self, notice: CredentialsNotice) -> RenderedMail:
        """What is attached, or where it lies, and what to do. Knows no secret, so tells none."""
        facts: dict[str, Any] = {
            "notice": notice,
            "is_key": notice.kind is CredentialKind.ACCESS_KEY,
            "import_command": wording.import_command(notice.attachment_name),
            "verify_command": wording.verify_command(notice.user_name),
        }
        if notice.attached or notice.place is None:
            return self._plainly("credentials", notice.letterhead, facts)
        facts |= {
            "fetch_command": wording.fetch_command(notice),
            "console_link": wording.web_link(notice.place.console_url),
        }
        return self._plainly("kept", notice.letterhead, facts)

    def team(self, notice: TeamNotice) -> RenderedMail:
        """A word to the MSP team."""
        return self._plainly("team", notice.letterhead, {"notice": notice})

    def review(self, notice: ReviewNotice) -> RenderedMail:
        """What a reviewer is asked, and until when."""
        facts = {"notice": notice, "headline": wording.REVIEW_HEADLINES[notice.occasion]}
        return self._plainly("review", notice.letterhead, facts)

    def summary(self, summary: Summary) -> RenderedMail:
        """Figures first, then what needs a person; empty sections are left out."""
        return self._fitting(
            "summary",
            summary.letterhead,
            {
                "summary": summary,
                "open_count": sum(count for *_, count in summary.by_control),
                "stages": _stages(summary),
                "month_rows": month_rows(summary.months),
            },
            (_sections(summary, rows) for rows in _ROWS_A_SECTION),
            _sections(summary, _TEXT_ROWS_A_SECTION),
        )

    # --- from template to mail ------------------------------------------------------------------

    def _plainly(self, name: str, head: Letterhead, facts: Mapping[str, Any]) -> RenderedMail:
        return self._fitting(name, head, facts, iter(({},)), {})

    def _fitting(
        self,
        name: str,
        head: Letterhead,
        facts: Mapping[str, Any],
        shorter_and_shorter: Iterator[Mapping[str, Any]],
        for_text: Mapping[str, Any],
    ) -> RenderedMail:
        """The longest HTML within the limit, and the text, which needs none."""
        templates = self._templates.get(name, self._others)
        common = {"head": head, "language": templates.language, **facts}
        html = ""
        for extent in shorter_and_shorter:
            html = _rendered(templates.html, f"{name}.html", common | dict(extent))
            if len(html.encode("utf-8", "replace")) <= HTML_LIMIT:
                break
        text = _rendered(templates.text, f"{name}.txt", common | dict(for_text))
        return RenderedMail(html=html, text=text)


def _rendered(environment: Environment, name: str, facts: Mapping[str, Any]) -> str:
    try:
        return environment.get_template(name).render(facts)
    except _UNUSABLE as error:
        line = f":{error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
        said = error.message if isinstance(error, TemplateError) else str(error)
        raise ConfigError(
            f"the mail template cannot be used: {said or type(error).__name__}",
            where=f"{name}{line}",
            remedy="Mend the template in texts.templates, or take it away to use the shipped one.",
        ) from error


def _split(notice: Notice, cards: int, rows: int) -> dict[str, Any]:
    findings = notice.findings
    return {
        "overview": findings if 1 < len(findings) <= _OVERVIEW_UP_TO else (),
        "cards": findings[:cards],
        "rows": findings[cards : cards + rows],
        "left_out": max(0, len(findings) - cards - rows),
    }


def _stages(summary: Summary) -> tuple[tuple[Stage, int, int], ...]:
    """Stage, open cases, findings; stages where nothing stands are left out."""
    cases, findings = dict(summary.cases_by_stage), dict(summary.by_stage)
    return tuple(
        (stage, cases.get(stage, 0), findings.get(stage, 0))
        for stage in Stage
        if stage in cases or stage in findings
    )


def _sections(summary: Summary, rows: int) -> dict[str, Any]:
    """The summary's sections that hold anything, each with the rows that are shown."""
    shown = []
    for field, title, meaning in _SECTIONS:
        found: tuple[SummaryRow, ...] = getattr(summary, field)
        if found:
            shown.append(
                {
                    "title": title,
                    "meaning": summary.slots if field == "slot_blocked" else meaning,
                    "count": len(found),
                    "rows": found[:rows],
                    "left_out": max(0, len(found) - rows),
                }
            )
    return {
        "sections": shown,
        "gaps": summary.gaps[:rows],
        "gaps_left_out": max(0, len(summary.gaps) - rows),
    }
