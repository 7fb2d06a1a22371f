"""Mails to owners in another language than the core's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from importlib.resources import files
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests import samples
from tests.scenario.people import aged, bystanders, key, no_mfa, old_password, person, quiet, spare
from tests.scenario.village import Village

from keyreeve.config.sections import LANGUAGES
from keyreeve.controls.catalogue import CARDS
from keyreeve.escalation import words
from keyreeve.escalation.cutover import CutOver
from keyreeve.escalation.key_usage import ChangeOver, sentences
from keyreeve.escalation.outlook import REFUSED
from keyreeve.model.control import Severity
from keyreeve.model.decisions import Hold
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import ControlId
from keyreeve.model.policy import Delivery, Enforcement, FinalAct
from keyreeve.model.snapshot import Absent
from keyreeve.model.usage import KeyCalls, KeyUsage
from keyreeve.render import wording
from keyreeve.render.email import MailRenderer
from keyreeve.render.language import PHRASES, language, pairs, shipped_folder
from keyreeve.render.own import mistakes
from keyreeve.render.specimens import specimens

TEMPLATES = files("keyreeve.render") / "templates"
GERMAN = language("de")
DAY = date(2026, 5, 4)
STRICT = Enforcement(
    console_mfa=FinalAct.QUARANTINE,
    user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS,
    password_age=FinalAct.DELETE_LOGIN_PROFILE,
)
GONE = "Console password: there is no console password any more."
DUE_SOON = (
    "No replacement can be made: AWS allows two access keys per user, and AKIA2 takes the second "
    "slot. It will itself be due soon: delete it, and a new one can be made."
)
TOLD = frozenset(ControlId) - {ControlId.INLINE_POLICIES}


# --- sentences ------------------------------------------------------------------------------------

SAID = {
    "Mon 4 May 2026": "Mo 4. Mai 2026",
    "day-14 action on Mon 19 Jan 2026, 1 day left": (
        "Maßnahme von Tag 14 am Mo 19. Jan. 2026, noch 1 Tag"
    ),
    "126 days old; the limit is 75 days.": "126 Tage alt (Grenze: 75 Tage).",
    "Console password: done by Keyreeve on Tue 3 Mar 2026.": (
        "Konsolenpasswort: von Keyreeve erledigt am Di 3. März 2026."
    ),
    "Promised for Mon 19 Jan 2026, moved to Mon 26 Jan 2026.": (
        "Zugesagt für Mo 19. Jan. 2026, verschoben auf Mo 26. Jan. 2026."
    ),
    "It was promised for Mon 19 Jan 2026.": "Zugesagt war es für Mo 19. Jan. 2026.",
    "This is on hold: held until 2026-02-01: on leave.": (
        "Dies ist angehalten: angehalten bis 2026-02-01: on leave."
    ),
    "": "",
}


@pytest.mark.parametrize("english", SAID)
def test_a_sentence_is_said_with_what_stands_in_it(english: str):
    assert GERMAN.say(english) == SAID[english]


def test_english_is_said_as_it_is():
    assert language("en").say("Console password") == "Console password"


def test_a_sentence_that_the_book_lacks_stays_english_and_is_named():
    german = language("de")
    assert german.say("Nobody foresaw this.") == "Nobody foresaw this."
    assert german.unknown == {"Nobody foresaw this."}


def every_sentence() -> list[str]:
    """What the core says of findings whatever the facts, and what leads a notice."""
    said = [words.CREATE_KEY, words.DELETE_ONE, words.RESET_SETTLES, *words.NO_REPLACEMENT.values()]
    said += [f"This is on hold: {REFUSED[1]}.", GONE, DUE_SOON]
    for control in TOLD:
        card = CARDS[control]
        steps = [s.format(user="ana", key="AKIA1", account="1") for s in card.remediation]
        said += [card.title, card.why, card.risk, *steps, words.resource(control, "AKIA1")]
        for act, acts, none_left in product((*FinalAct, None), (True, False), (True, False)):
            said.append(words.consequence(control, act, "Group", acts=acts, none_left=none_left))
        for act in ("delete_login_profile", "quarantine", "deactivate_access_key", None):
            said.append(words.act_done(control, "AKIA1", act, DAY))
    for kept, to in product((True, False), (None, "before@example.com")):
        said.append(words.take_key(samples.NEW_KEY, DAY, kept=kept, to=to))
        handed = f"{words.handed(kept=kept, to=to)} on {words.day(DAY)}."
        said.append(f"A new access key, {samples.NEW_KEY}, was created and {handed}")
        asked = "You will be asked to change it when you sign in."
        said.append(f"A new console password was set and {handed} {asked}")
    said += [*wording.STAGE_LABELS.values(), *wording.INTRODUCTIONS.values(), *map(str, Severity)]
    said += [words.day(DAY + timedelta(days=30 * n + n % 7)) for n in range(12)]
    for now in (DAY + timedelta(days=7), None):
        said.append(wording.promised(replace(samples.mfa(), promised_on=DAY, enforcement_on=now)))
    said += [wording.days_left(days) for days in (None, -2, -1, 0, 1, 2)]
    return said


def test_everything_that_is_said_whatever_the_facts_is_said_in_german():
    german = language("de")
    for sentence in every_sentence():
        german.say(sentence)
    assert german.unknown == set()


USES = (Absent.NEVER, datetime(2026, 1, 14, 8, 20, tzinfo=UTC))
CALLS = KeyCalls(
    event="s3.amazonaws.com:ListBuckets",
    source="203.0.113.77",
    agent="aws-cli/2.15.30",
    region="eu-west-1",
    count=1,
    last=USES[1],
)


def every_use() -> Iterator[ChangeOver]:
    """Whatever can be said of an old key and a new one."""
    for verdict, old, new in product(CutOver, USES, USES):
        for calls, complete in (((CALLS,), False), ((replace(CALLS, count=3),), True), ((), True)):
            place = {"service": "s3", "region": "eu-west-1"} if calls else {}
            asked = {"calls": calls, "calls_since": USES[1], "complete": complete}
            yield ChangeOver(
                verdict=verdict,
                old=KeyUsage(key_id=samples.OLD_KEY, last_used=old, **place, **asked),
                new_key=samples.NEW_KEY,
                new=KeyUsage(key_id=samples.NEW_KEY, last_used=new),
                delivered_at=None,
                enforcement_on=DAY if complete else None,
                zone=ZoneInfo("Europe/Berlin"),
            )


def test_whatever_is_said_of_the_use_of_keys_is_said_in_german():
    german = language("de")
    for use in every_use():
        for seen in (use, replace(use, new_key=None, new=None)):
            for sentence in sentences(seen):
                assert not re.search(r"\b(the|key|call|used|last)\b", german.say(sentence))
    assert german.unknown == set()


def test_the_use_of_a_key_is_said_with_place_and_time():
    uses = (use for use in every_use() if use.old.last_used == use.new.last_used == USES[1])
    use = next(
        it for it in uses if it.verdict is CutOver.SEEN and it.old.service and it.enforcement_on
    )
    at = "Mi 14. Jan. 2026, 09:20 Uhr"
    assert [GERMAN.say(sentence) for sentence in sentences(use)] == [
        (
            f"Umstellung erkannt: der alte Schlüssel wurde zuletzt am {at} benutzt, und der neue "
            "ist in Gebrauch. Mehr brauchen Sie nicht zu tun: er wird am Mo 4. Mai 2026 inaktiv, "
            "falls Sie das nicht vorher selbst getan haben."
        ),
        f"Alter Schlüssel {samples.OLD_KEY}: zuletzt benutzt am {at}, für s3 in eu-west-1.",
        f"Neuer Schlüssel {samples.NEW_KEY}: zuletzt benutzt am {at}.",
    ]


def lived(**policy: object) -> Village:
    """Every kind of owner from the first notice to the closing mail, in German."""
    full = person("full.slots", key(120), key(40, 1, active=False))
    both = person("both.aged", key(120), key(110))
    people = (aged(), spare(), old_password(), no_mfa(), quiet(), full, both)
    renderer = MailRenderer(language="de")
    village = Village(*people, *bystanders(12), renderer=renderer, **policy)
    village.decisions.add_hold(
        Hold(
            user="no.mfa",
            until=DAY.replace(month=2),
            reason="Urlaub",
            added_at=village.start,
            added_by="msp",
        ),
        today=village.start.date(),
    )
    for day in (0, 1, 3, 7, 8, 10, 11, 14, 15, 21, 22, 28):
        village.run(day)
    return village


@pytest.mark.parametrize("delivery", [Delivery.CSV, Delivery.SECRETS_MANAGER])
def test_no_mail_of_a_life_holds_an_english_sentence(delivery: Delivery):
    village = lived(delivery=delivery, enforcement=STRICT)
    renderer = village.renderer
    assert isinstance(renderer, MailRenderer)
    assert renderer.language.unknown == set()
    subjects = [mail for mail in village.mailer.sent if "Guten Tag" in mail.body.text]
    assert len(subjects) > 20


# --- templates ------------------------------------------------------------------------------------


class Skeleton(HTMLParser):
    """Tags with their attributes, and blocks; no words, nor how wide a column of words is."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.parts: list[object] = []
        self.feed(re.sub(r"<!--%(.*?)%-->", r'<jinja x="\1">', source.replace('"', "'")))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, [each for each in attrs if each[0] != "width"]))

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"/{tag}")


def names_in(source: str) -> set[str]:
    """Facts that a template shows."""
    blocks = re.findall(r"\{[{%](.*?)[}%]\}|<!--%(.*?)%-->", source)
    inside = " ".join(plain or commented for plain, commented in blocks)
    return set(re.findall(r"\b(?:notice|head|finding)\.\w+|\b\w+_command\b", inside))


GERMAN_TEMPLATES = sorted(
    each.name for each in (TEMPLATES / "de").iterdir() if each.name != PHRASES
)


@pytest.mark.parametrize("name", GERMAN_TEMPLATES)
def test_a_german_template_differs_from_the_english_one_in_its_words_only(name: str):
    english = (TEMPLATES / name).read_text(encoding="utf-8")
    german = (TEMPLATES / "de" / name).read_text(encoding="utf-8")
    assert names_in(german) == names_in(english)
    assert german.count("\n") == english.count("\n")
    if name.endswith(".html"):
        assert Skeleton(german).parts == Skeleton(english).parts


def test_every_mail_to_owners_has_its_german_templates():
    mails = product(("notice", "closing", "credentials", "kept"), ("html", "txt"))
    english = {f"{mail}.{form}" for mail, form in mails}
    assert english <= set(GERMAN_TEMPLATES)


def test_the_mails_read_as_they_were_agreed(snapshot):
    renderer = MailRenderer(language="de")
    wanted = {
        "notice-notification",
        "closing",
        "credentials-key-both-ways",
        "credentials-first-password",
        "credentials-password-kept",
    }
    found = {s.name: s.render(renderer).text for s in specimens() if s.name in wanted}
    assert found == snapshot


def test_the_language_of_a_page_is_that_of_its_words():
    mails = {s.name: s.render(MailRenderer(language="de-AT")).html for s in specimens()}
    assert '<html lang="de-AT"' in mails["notice-warning"]
    assert '<html lang="en"' in mails["team"]
    assert "Questions? Write to" in mails["summary"]


def test_what_is_shipped_is_what_the_settings_name():
    assert [code for code in LANGUAGES if code == "en" or shipped_folder(code)] == list(LANGUAGES)
    found = {each.name for each in TEMPLATES.iterdir() if each.is_dir()}
    assert found == set(LANGUAGES) - {"en"}


# --- books of one's own ---------------------------------------------------------------------------


def test_a_phrase_of_ones_own_goes_before_the_shipped_one(tmp_path: Path):
    (tmp_path / PHRASES).write_text("Console password\nKennwort der Konsole\n", encoding="utf-8")
    assert language("de", tmp_path).say("Console password") == "Kennwort der Konsole"
    assert language("en", tmp_path).say("Console password") == "Kennwort der Konsole"
    assert mistakes(tmp_path, language="de") == ()
    closing = replace(samples.closing(), cleared=("Console password: changed.",))
    assert (
        "Kennwort der Konsole: geändert."
        in MailRenderer(tmp_path, language="de").closing(closing).text
    )


BROKEN = {
    "three lines": ("a\nb\nc\n", "here stand 3"),
    "one line": ("a\n\nb\nc\n", "here stand 1"),
    "a name that is lost": ("the key {key}\nder Schlüssel\n", "{key} stands in one"),
    "a name that is new": ("the key\nder Schlüssel {key}\n", "{key} stands in one"),
}


@pytest.mark.parametrize("row", BROKEN)
def test_a_book_that_is_wrong_is_named_with_its_line(tmp_path: Path, row: str):
    text, said = BROKEN[row]
    with pytest.raises(ConfigError, match=r"phrases\.txt:1") as raised:
        list(pairs(text, where=PHRASES))
    assert said in raised.value.what
    (tmp_path / PHRASES).write_text(text, encoding="utf-8")
    (mistake,) = mistakes(tmp_path, language="en")
    assert f"{tmp_path / PHRASES}:1" in mistake.where
