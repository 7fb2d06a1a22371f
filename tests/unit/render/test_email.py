"""Both forms of every mail say the same, fit where they must, and say only what they were given."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import review_samples, samples

from keyreeve.codec.visible import one_line
from keyreeve.model.case import Stage
from keyreeve.model.errors import ConfigError
from keyreeve.model.notice import Notice, RenderedMail
from keyreeve.model.review import Occasion
from keyreeve.render.email import HTML_LIMIT, MailRenderer
from keyreeve.render.wording import STAGE_LABELS

RENDERER = MailRenderer()
DATE = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\d{1,2}[A-Z][a-z]{2}\d{4}"


class Reading(HTMLParser):
    """What a reader sees of a page, the tags on it, and where it would lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._hidden += tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.seen.append(data)

    @property
    def text(self) -> str:
        return squeezed("".join(self.seen))


def squeezed(text: str) -> str:
    """Without white space and the marks of code: wrapping is layout, not words."""
    return re.sub(r"[\s`]", "", text)


MAILS: dict[str, Callable[[], RenderedMail]] = {
    "notice": lambda: RENDERER.notice(samples.notice()),
    "notice-first": lambda: RENDERER.notice(samples.first_notice()),
    "notice-moved": lambda: RENDERER.notice(samples.moved_notice()),
    "notice-still-used": lambda: RENDERER.notice(samples.still_used_notice()),
    "notice-cut-over": lambda: RENDERER.notice(samples.cut_over_notice()),
    "notice-enforced": lambda: RENDERER.notice(samples.enforced_notice()),
    "closing": lambda: RENDERER.closing(samples.closing()),
    "credentials-key": lambda: RENDERER.credentials(samples.key_credentials()),
    "credentials-password": lambda: RENDERER.credentials(samples.password_credentials()),
    "credentials-first": lambda: RENDERER.credentials(samples.first_credentials()),
    "credentials-kept-key": lambda: RENDERER.credentials(samples.kept_key()),
    "credentials-kept-password": lambda: RENDERER.credentials(samples.kept_password()),
    "credentials-both": lambda: RENDERER.credentials(samples.kept_and_attached()),
    "team": lambda: RENDERER.team(samples.team()),
    "summary": lambda: RENDERER.summary(samples.summary()),
    **{
        f"review-{occasion}": lambda occasion=occasion: RENDERER.review(
            review_samples.notice(occasion)
        )
        for occasion in Occasion
    },
}


@pytest.fixture(params=MAILS)
def mail(request) -> RenderedMail:
    return MAILS[request.param]()


def facts_of(notice: Notice) -> list[str]:
    """Everything that a notice was given to say."""
    said = [notice.user_name, notice.letterhead.project_name, notice.letterhead.account_id]
    for line in notice.findings:
        said += [line.title, line.resource, line.detail, line.why, line.risk, line.consequence]
        said += [*line.remediation, *line.done, *line.usage, *line.remarks]
        said += [STAGE_LABELS[line.stage]]
        said += [told(on) + STAGE_LABELS[stage] for stage, on in line.timeline]
        said += [line.key_id] if line.key_id else []
        if line.enforcement_on is not None:
            said += [told(line.enforcement_on), f"{line.days_left} days left"]
    return said


def told(on: date) -> str:
    return f"{on:%a} {on.day} {on:%b %Y}"


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_hostile_words_about_the_use_of_keys_are_words(text):
    line = replace(samples.rotation(), usage=("x", "x"))
    plain = Reading(RENDERER.notice(samples.notice(findings=(line,))).html)
    hostile = replace(line, usage=(text, text))
    page = Reading(RENDERER.notice(samples.notice(findings=(hostile,))).html)
    assert (page.tags, page.attributes) == (plain.tags, plain.attributes)


@pytest.mark.parametrize(
    "notice", [samples.notice(), samples.still_used_notice(), samples.cut_over_notice()]
)
def test_html_and_text_say_every_fact_of_a_notice(notice):
    mail = RENDERER.notice(notice)
    html, text = Reading(mail.html).text, squeezed(mail.text).replace("*", "")
    for fact in facts_of(notice):
        assert squeezed(fact) in html, fact
        assert squeezed(fact).lower() in text.lower(), fact


def test_html_and_text_show_the_same_dates_and_keys(mail):
    html, text = Reading(mail.html).text, squeezed(mail.text)
    for pattern in (
        r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\d{1,2}[A-Z][a-z]{2}\d{4}",
        r"AKIA[A-Z0-9]{16}",
    ):
        assert set(re.findall(pattern, html)) == set(re.findall(pattern, text))


@pytest.mark.parametrize("name", MAILS)
def test_the_text_reads_as_it_was_agreed(name, snapshot):
    assert MAILS[name]().text == snapshot


def test_text_lines_are_short_and_hold_no_entities(mail):
    assert not re.search(r"&(?:[a-z]+|#\d+);", mail.text)
    assert "<" not in mail.text
    for line in mail.text.splitlines():
        assert len(line) <= 76 or len(max(line.split(), key=len)) > 50, line


def test_the_page_is_built_for_mail_clients(mail):
    page = Reading(mail.html)
    assert page.tags[0] == "html"
    assert ("lang", "en") in page.attributes
    laid_out, of_figures = (
        page.attributes.count(("role", role)) for role in ("presentation", "table")
    )
    assert page.tags.count("table") == laid_out + of_figures
    assert of_figures == page.tags.count("thead")
    assert not set(page.tags) & {"img", "script", "link", "iframe", "form", "svg", "input"}
    for banned in ("display:flex", "display:grid", "url(", "@import", "position:"):
        assert banned not in mail.html.replace(" ", "")
    assert "prefers-color-scheme: dark" in mail.html
    assert "[data-ogsc] .box, [data-ogsc] .card" in mail.html
    assert "<!--[if mso]>" in mail.html
    assert "<!--%" not in mail.html
    assert all(
        len(style) < 8192 for style in re.findall(r"<style>(.*?)</style>", mail.html, re.DOTALL)
    )


def test_stage_and_date_lead_the_preview_and_the_body():
    mail = RENDERER.notice(replace(samples.notice(), stage=Stage.WARNING))
    lead = "day-14 action on Mon 19 Jan 2026, 4 days left"
    preview = re.search(r'class="preview"[^>]*>([^<&]*)', mail.html)
    assert preview is not None
    assert preview[1].strip("\u2007\u034f") == f"Warning: {lead}"
    assert f"WARNING: {lead}" in mail.text.splitlines()[1]


GREEN, AMBER, RED = ("green", "#1a7048"), ("amber", "#f4b740"), ("red", "#b3261e")
BADGES = {
    "pending": GREEN,
    "notification": GREEN,
    "reminder": GREEN,
    "new_credentials": AMBER,
    "warning": AMBER,
    "countdown": AMBER,
    "enforcement": RED,
    "overdue": RED,
}
"""S1.21, word for word: not asked of the program."""


def test_every_stage_has_a_badge():
    assert set(BADGES) == {stage.value for stage in Stage}


@pytest.mark.parametrize("stage", BADGES)
def test_badges_have_words_and_the_colour_of_their_stage(stage):
    stage, (tone, colour) = Stage(stage), BADGES[stage]
    line = replace(samples.mfa(), stage=stage)
    mail = RENDERER.notice(samples.notice(stage=stage, findings=(line,)))
    badge = (
        rf'<td class="badge {tone}" bgcolor="{colour}" style="([^"]*)">{STAGE_LABELS[stage]}</td>'
    )
    (style,) = set(re.findall(badge, mail.html))
    assert f"background-color:{colour};" in style


@pytest.mark.parametrize("name", MAILS)
def test_the_banner_is_navy_in_what_is_rendered(name):
    """S1.21: by attribute, and by the inlined style that wins over it."""
    (banner,) = re.findall(r'<td class="banner"[^>]*>', MAILS[name]().html)
    assert 'bgcolor="#14213d"' in banner
    assert "background-color:#14213d;" in banner


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"days_left": 1}, "next step on Mon 19 Jan 2026, 1 day left"),
        ({"days_left": -7}, "it was due on Mon 19 Jan 2026, 7 days ago"),
        ({"stage": Stage.ENFORCEMENT, "days_left": 0}, "day-14 action today, Mon 19 Jan 2026"),
        (
            {"enforcement_on": None, "days_left": None},
            "open on Thu 15 Jan 2026, no date is set for the next step",
        ),
        (
            {"moved_from": date(2026, 1, 16), "moved_to": date(2026, 1, 21)},
            "The date has moved: it was Fri 16 Jan 2026 and is now Wed 21 Jan 2026.",
        ),
        (
            {"moved_from": date(2026, 1, 16)},
            "The date has moved: it was Fri 16 Jan 2026; a new one is not set yet.",
        ),
    ],
)
def test_the_lead_tells_where_the_promise_stands(changes, said):
    mail = RENDERER.notice(samples.notice(**changes))
    assert squeezed(said).lower() in Reading(mail.html).text.lower()
    assert squeezed(said).lower() in squeezed(mail.text).lower()


PROMISES = {
    "Promised for Mon 19 Jan 2026, moved to Tue 20 Jan 2026.": samples.moved_notice(),
    "It was promised for Mon 5 Jan 2026.": samples.notice(findings=(samples.overdue(),)),
}


@pytest.mark.parametrize("said", PROMISES)
def test_a_finding_whose_date_is_another_than_the_promised_one_names_both(said):
    mail = RENDERER.notice(PROMISES[said])
    assert squeezed(said) in Reading(mail.html).text
    assert squeezed(said) in squeezed(mail.text)


def test_a_promise_that_stands_is_not_named_twice():
    mail = RENDERER.notice(samples.first_notice())
    assert "promised for" not in (mail.html + mail.text).lower()


@pytest.mark.parametrize("count", [1, 2, 13, 25, 31, 200, 5000])
def test_a_notice_is_never_clipped_and_its_text_lists_every_key(count):
    notice = samples.crowded_notice(count)
    mail = RENDERER.notice(notice)
    assert len(mail.html.encode()) <= HTML_LIMIT
    shown = sum(line.key_id in mail.html for line in notice.findings)
    assert shown == count if count <= 200 else shown >= 100
    listed = sum(line.key_id in mail.text for line in notice.findings)
    assert listed == min(count, 2250)
    assert len(mail.text) < 700_000


@pytest.mark.parametrize("count", [0, 3, 40, 1000])
def test_a_summary_is_never_clipped(count):
    mail = RENDERER.summary(samples.crowded_summary(count))
    assert len(mail.html.encode()) <= HTML_LIMIT
    assert len(mail.text) < 700_000
    assert ("more" in mail.text) == (count == 1000)


def test_overlong_words_are_cut_and_still_fit():
    lines = tuple(replace(samples.rotation(), why="w" * 100_000) for _ in range(300))
    mail = RENDERER.notice(samples.notice(findings=lines))
    assert len(mail.html.encode()) <= HTML_LIMIT
    assert max(map(len, mail.text.splitlines())) <= 2000


def test_sections_without_lines_are_left_out():
    bare = samples.crowded_summary(0)
    none = dict.fromkeys(("by_control", "by_stage", "cases_by_stage", "months"), ())
    mail = RENDERER.summary(replace(bare, **none, done_this_week=()))
    headings = ("Held", "Overdue", "Waivers", "By control", "By stage", "could not be read")
    for heading in (*headings, "Month by month", "estimate"):
        assert heading.lower() not in mail.text.lower()
        assert squeezed(heading).lower() not in Reading(mail.html).text.lower()


def test_p9_a_summary_does_not_look_clean_where_users_could_not_be_judged():
    assert "not judged" not in RENDERER.summary(samples.summary()).text
    mail = RENDERER.summary(samples.summary(unjudged=1514))
    heading = mail.text.partition("====")[0]
    assert "1514 users not judged" in heading
    assert "  1514  not judged" in mail.text
    assert mail.html.count("not judged") == 3


def test_hours_saved_never_stand_without_the_word_estimate_and_the_formula():
    summary = samples.summary(months=(samples.month(11, run_days=0), samples.month(12)))
    mail = RENDERER.summary(summary)
    (saved,) = (month.saved for month in summary.months if month.run_days)
    for text in (squeezed(mail.text), Reading(mail.html).text):
        assert squeezed(f"Hours saved in Dec 2025 (estimate): {saved.formula}.") in text
        assert "Nov2025(estimate)" not in text
        assert text.count("Hourssaved") == text.count("(estimate)")


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_hostile_texts_appear_as_text_and_as_nothing_else(text):
    plain = Reading(RENDERER.notice(samples.hostile_notice("plain")).html)
    page = Reading(RENDERER.notice(samples.hostile_notice(text)).html)
    assert set(page.tags) <= set(plain.tags) | {"code"}
    assert squeezed(one_line(text)) in page.text
    assert {name for name, _ in page.attributes} <= {name for name, _ in plain.attributes}
    assert not any("javascript" in (value or "") for _, value in page.attributes)


@given(text=st.text(max_size=80))
def test_any_text_keeps_to_its_line_and_shows_no_control(text):
    mail = RENDERER.team(
        replace(samples.team(), headline=text, paragraphs=(text,), letterhead=samples.letterhead())
    )
    assert one_line(text).strip()[:20] in mail.text or len(text) > 60
    for body in (mail.text, mail.html):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", body)
    assert set(Reading(mail.html).tags) <= set(Reading(MAILS["team"]().html).tags)


def test_links_lead_only_to_the_web_or_to_an_address():
    head = samples.letterhead(help_url="javascript:alert(1)", contact="the team, room 4")
    mail = RENDERER.notice(samples.notice(letterhead=head))
    assert "href" not in mail.html
    assert "javascript:alert(1)" in mail.text


def test_the_private_mail_says_how_to_use_the_attachment():
    mail = MAILS["credentials-key"]()
    for said in (
        "aws configure import --csv file://priya.sharma-access-key.csv",
        samples.OLD_KEY,
        samples.NEW_KEY,
        "Mon 19 Jan 2026",
    ):
        assert squeezed(said) in Reading(mail.html).text
        assert said in mail.text


def test_the_pointer_says_where_the_secret_lies_how_it_is_fetched_and_until_when():
    kept = samples.kept_key()
    mail = RENDERER.credentials(kept)
    command = (
        f"aws secretsmanager get-secret-value --region eu-west-1 --secret-id {kept.place.name} "
        f"--query SecretString --output text > {samples.NEW_KEY}.csv"
    )
    said = (kept.place.name, command, "Wed 11 Feb 2026", "your old key", samples.OLD_KEY)
    for one in (*said, f"aws configure import --csv file://{samples.NEW_KEY}.csv"):
        assert squeezed(one) in Reading(mail.html).text
        assert one in mail.text
    assert kept.place.console_url in mail.text
    assert ("href", kept.place.console_url) in Reading(mail.html).attributes
    assert "attach" not in mail.text.lower() + Reading(mail.html).text.lower()


def test_a_kept_password_is_fetched_with_a_key_since_nobody_can_sign_in():
    mail = RENDERER.credentials(samples.kept_password())
    assert "access keys" in mail.text
    assert ".csv" not in mail.text
    assert "console.aws" not in mail.text


def test_where_both_ways_are_open_the_mail_names_both():
    mail = RENDERER.credentials(samples.kept_and_attached())
    assert "attached file" in mail.text
    assert samples.kept_key().place.name in mail.text


def test_a_shell_never_sees_more_than_a_file_name():
    notice = replace(samples.key_credentials(), attachment_name="a;b $(c).csv")
    assert "--csv 'file://a;b $(c).csv'" in RENDERER.credentials(notice).text


def test_an_own_template_takes_the_place_of_one(tmp_path):
    (tmp_path / "closing.txt").write_text("Danke, {{ notice.user_name }}!\n")
    (tmp_path / "closing.html").write_text('<p class="p">Danke, {{ notice.user_name }}!</p>')
    own = MailRenderer(tmp_path)
    mail = own.closing(replace(samples.closing(), user_name="<b>"))
    assert mail.text == "Danke, <b>!\n"
    assert "Danke, &lt;b&gt;!" in mail.html
    assert 'style="' in mail.html
    assert own.team(samples.team()) == RENDERER.team(samples.team())


@pytest.mark.parametrize(
    ("template", "where"),
    [("{{ notice.nobody }}", "closing.txt"), ("one\n{% if %}", "closing.txt:2")],
)
def test_a_template_that_is_wrong_is_named(tmp_path, template, where):
    (tmp_path / "closing.txt").write_text(template)
    with pytest.raises(ConfigError) as raised:
        MailRenderer(tmp_path).closing(samples.closing())
    assert raised.value.where == where
