"""What the command line writes on disk: whole or not at all, and nothing of anybody else's lost."""

from __future__ import annotations

import errno
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from keyreeve import cli, demo
from keyreeve.cli import screen
from keyreeve.local import directory_store
from keyreeve.model.errors import ConfigError

LONG = "x" * 5000


@contextmanager
def a_full_disk(room: int = 1000) -> Iterator[None]:
    """No file of this process grows beyond `room` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --- documents ------------------------------------------------------------------------------------


def test_a_document_that_does_not_fit_leaves_the_old_one_as_it_was(tmp_path: Path):
    out = tmp_path / "report.html"
    out.write_text("yesterday's")
    with a_full_disk(), pytest.raises(ConfigError, match="cannot be written"):
        screen.give(LONG, out, "said")
    assert out.read_text() == "yesterday's"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_document_takes_the_place_of_the_old_one_and_keeps_its_mode(tmp_path: Path):
    out, led = tmp_path / "report.html", tmp_path / "link.html"
    out.write_text("yesterday's")
    out.chmod(0o640)
    led.symlink_to(out)
    screen.give(LONG, led, "said")
    assert out.read_text() == LONG
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert led.is_symlink()


def test_a_device_is_written_to_and_not_replaced():
    screen.give(LONG, Path("/dev/null"), "said")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_pipe_is_written_to():
    reading, writing = os.pipe()
    try:
        screen.give("told", Path(f"/dev/fd/{writing}"), "said")
        assert os.read(reading, 100) == b"told"
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("why", [errno.EACCES, errno.EPERM, errno.EBUSY])
def test_a_file_that_cannot_be_replaced_where_it_lies_is_written_in_place(
    why: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refused(*_: object, **__: object) -> None:
        raise OSError(why, "no other beside it")

    monkeypatch.setattr(directory_store, "write_whole", refused)
    out = tmp_path / "report.html"
    with pytest.raises(ConfigError, match="no other beside it"):
        screen.give("new", out, "said")
    out.write_text("old")
    screen.give("new", out, "said")
    assert out.read_text() == "new"


def test_a_config_that_does_not_fit_is_not_in_the_way_of_the_next_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    asked = (
        *("init", "--yes", "--project-name", "ETV", "--storage", "./state"),
        *("--sender", "a@example.com", "--cc", "a@example.com"),
    )
    with a_full_disk():
        assert cli.main(asked) == 2
    assert list(tmp_path.iterdir()) == []
    assert cli.main(asked) == 0


# --- the demo's folder ----------------------------------------------------------------------------


def test_the_demo_deletes_nothing_that_no_demo_has_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Not one day is played, and the folder stays as it was."""
    monkeypatch.setattr(demo, "Sandbox", None)
    work = tmp_path / "work"
    work.mkdir()
    (work / "thesis.txt").write_text("precious")
    assert cli.main(["demo", "--output", str(work)]) == 2
    assert "thesis.txt" in capsys.readouterr().err
    (work / "index.html").write_text("<title>Mine</title>")
    (work / "thesis.txt").unlink()
    assert cli.main(["demo", "--output", str(work)]) == 2
    (work / "index.html").write_bytes(b"\xff\xfe")
    assert cli.main(["demo", "--output", str(work)]) == 2
    assert [path.name for path in work.iterdir()] == ["index.html"]


def test_the_demo_replaces_what_an_earlier_one_has_left_and_that_only(tmp_path: Path):
    demo._keep_pages(tmp_path, [])
    (tmp_path / "report.csv").write_text("old")
    (tmp_path / "storage").mkdir()
    for hidden in (".DS_Store", ".keyreeve"):
        (tmp_path / hidden).write_text("of a file manager")
    demo._make_room(tmp_path)
    demo._keep_pages(tmp_path, [])
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".DS_Store", ".keyreeve", "index.html", "mails"]
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        demo._make_room(tmp_path)
    demo._keep_pages(tmp_path, [])
    assert (tmp_path / "notes.txt").read_text() == "precious"


def test_a_demo_that_was_stopped_while_it_wrote_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / ".DS_Store").write_text("of a file manager")
    demo._make_room(tmp_path)
    monkeypatch.setattr(demo.email, "message_from_bytes", None)
    with pytest.raises(TypeError):
        demo._keep_pages(tmp_path, [SimpleNamespace(delivered=b"")])
    demo._make_room(tmp_path)
