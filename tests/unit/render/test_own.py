"""Templates of a project's own: tried on every kind of mail before a run begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyreeve.model.errors import ConfigError
from keyreeve.render import environment
from keyreeve.render.email import MailRenderer
from keyreeve.render.environment import shipped_templates
from keyreeve.render.own import mistakes, own_files, require_usable
from keyreeve.render.specimens import specimens


def found_in(folder: Path) -> list[str]:
    return [str(mistake) for mistake in mistakes(folder, language="en")]


BROKEN = {
    "a word that is no fact": ("notice.txt", "{{ notice.nobody }}", "notice.txt: "),
    "a block that does not end, by its line": ("notice.html", "<p>\n<!--% if x %-->", ".html:2: "),
    "a calculation": ("closing.html", "<p>{{ 1 // 0 }}</p>", "closing.html: "),
    "a part that is not there": ("team.txt", '{% include "nothing.txt" %}', "team.txt: "),
    "nothing at all": ("closing.txt", "", "the text of closing is empty"),
    "what only one stage says": (
        "notice.txt",
        "{% if notice.stage == 'overdue' %}{{ nobody }}{% endif %}x",
        "notice-overdue",
    ),
    "a name that is nearly right": ("notise.html", "<p>x</p>", "did you mean notice.html?"),
    "a style sheet that no mail has": ("mails.css", "p {}", "did you mean mail.css?"),
}


@pytest.mark.parametrize("row", BROKEN)
def test_what_would_lose_a_mail_is_named_with_its_file(tmp_path: Path, row: str):
    name, content, said = BROKEN[row]
    (tmp_path / name).write_text(content)
    (told,) = found_in(tmp_path)
    assert said in told
    assert str(tmp_path) in told


def test_a_file_that_is_no_text_is_named(tmp_path: Path):
    (tmp_path / "team.html").write_bytes(b"\xff\xfe")
    (told,) = found_in(tmp_path)
    assert told == f"{tmp_path / 'team.html'}: cannot be read: it is not UTF-8"


def test_a_folder_that_is_not_there_is_not_taken_for_the_shipped_words(tmp_path: Path):
    assert found_in(tmp_path / "mine") == [f"{tmp_path / 'mine'}: there is no such folder"]


def test_all_mistakes_come_at_once_as_one_error_of_the_setting(tmp_path: Path):
    (tmp_path / "closing.txt").write_text("{{ nobody }}")
    (tmp_path / "team.txt").write_text("{{ nothing }}")
    head = next(iter(specimens())).render.keywords["notice"].letterhead
    with pytest.raises(ConfigError) as raised:
        require_usable(tmp_path, language="en", head=head, where="config.yaml: texts.templates")
    assert raised.value.where == "config.yaml: texts.templates"
    assert "closing.txt" in raised.value.what
    assert "team.txt" in raised.value.what
    assert raised.value.exit_code == 2


def test_parts_of_ones_own_are_files_like_any_other(tmp_path: Path):
    (tmp_path / "closing.txt").write_text('{% include "our-name.txt" %}')
    (tmp_path / "our-name.txt").write_text("Danke, {{ notice.user_name }}!\n")
    (tmp_path / "README").write_text("ours")
    assert found_in(tmp_path) == []
    assert own_files(tmp_path) == ("closing.txt", "our-name.txt")


def test_every_shipped_template_of_a_mail_is_tried(monkeypatch: pytest.MonkeyPatch):
    asked: set[str] = set()
    shipped = environment._reader(None)

    def read(name: str) -> str:
        asked.add(name)
        return shipped(name)

    monkeypatch.setattr(environment, "_reader", lambda *_: read)
    renderer = MailRenderer()
    for specimen in specimens():
        mail = specimen.render(renderer)
        assert mail.html.strip(), specimen.name
        assert mail.text.strip(), specimen.name
    assert asked == shipped_templates()
