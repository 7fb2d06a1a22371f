from __future__ import annotations

from pathlib import Path

import pytest

from keyreeve.cli import main, report_projects
from keyreeve.cli.report_projects import project_files


def write(folder: Path, *files: str) -> None:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"project_name: {path.parent.name if path.name == 'config.yaml' else path.stem}\n"
            "storage: {directory: ./state}\n"
            "mail: {sender: a@example.com, cc: [a@example.com]}\n",
            encoding="utf-8",
        )


def test_projects_are_folders_with_a_config_and_yaml_files_beside_them(tmp_path: Path):
    write(tmp_path, "b/config.yaml", "a.yaml", "b/other.yaml", "deep/er/config.yaml", "notes.txt")
    found = [str(path.relative_to(tmp_path)) for path in project_files(tmp_path)]
    assert found == ["a.yaml", "b/config.yaml"]


def test_what_nobody_foresaw_in_one_project_stops_no_other_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    write(tmp_path, "a.yaml", "b.yaml")

    def breaks(path: Path, *_: object) -> None:
        raise RuntimeError(f"in {path.stem}: SecretAccessKey=wJalrXUtnFEMI\x1b[31m")

    monkeypatch.setattr(report_projects, "_opened", breaks)
    assert main(["report", "--projects", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "RuntimeError: in a" in said
    assert "RuntimeError: in b" in said
    assert "wJalrXUtnFEMI" not in said
    assert "\x1b" not in said


def test_an_interrupt_stops_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, "a.yaml")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(report_projects, "_opened", interrupted)
    assert main(["report", "--projects", str(tmp_path)]) == 130
