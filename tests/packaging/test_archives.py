"""What is published holds everything that it needs, and the same sources give the same bytes."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

import pytest

import keyreeve

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCE = ROOT / "src"


@dataclass(frozen=True)
class Archives:
    wheel: Path
    source: Path

    def packed(self) -> set[str]:
        """What the wheel puts into an environment, but for its own metadata."""
        with zipfile.ZipFile(self.wheel) as archive:
            return {name for name in archive.namelist() if ".dist-info/" not in name}

    def metadata(self) -> HeaderParser:
        with zipfile.ZipFile(self.wheel) as archive:
            (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            return HeaderParser().parsestr(archive.read(name).decode())

    def entries(self) -> set[str]:
        """What the source archive holds, below its own folder."""
        with tarfile.open(self.source) as archive:
            return {name.partition("/")[2] for name in archive.getnames()}


def build(sources: Path, into: Path) -> Archives:
    """Both archives of a folder, by the backend that pip calls."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(into)]
    subprocess.run(command, cwd=sources, check=True, capture_output=True)
    (wheel,), (source,) = into.glob("*.whl"), into.glob("*.tar.gz")
    return Archives(wheel, source)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def from_source(archives: Archives, tmp_path_factory: pytest.TempPathFactory) -> Archives:
    """Built from nothing but the source archive, unpacked now: other times, another place."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archives.source) as archive:
        archive.extractall(folder, filter="data")
    (sources,) = folder.iterdir()
    return build(sources, tmp_path_factory.mktemp("again"))


_NAMED = re.compile(r'ROOT / "([\w.-]+)|^(?:from|import) (\w+)', re.MULTILINE)
MADE = {".venv", "dist"}
"""Folders that a checkout does not bring: they are made."""


def named_by_tests() -> set[str]:
    """The project's own folders that a test imports from, or names by their path."""
    texts = (path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    names = {path or module for text in texts for path, module in _NAMED.findall(text)}
    return {name for name in names - MADE if (ROOT / name).is_dir()}


def tracked_below_source() -> set[str]:
    return {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_package_and_no_other(archives: Archives):
    assert archives.packed() == tracked_below_source()


@pytest.mark.parametrize(
    "kind",
    [
        "render/templates/*.html",
        "render/templates/*.txt",
        "stacks/*",
        "config/*.yaml",
        "*.schema.json",
        "sandbox/accounts/*.yaml",
    ],
)
def test_each_kind_of_data_that_the_program_reads_is_among_them(archives: Archives, kind: str):
    assert [name for name in archives.packed() if Path(name).match(f"keyreeve/{kind}")]


def test_the_source_archive_holds_what_builds_tests_and_documents_it(archives: Archives):
    entries = archives.entries()
    assert {f"src/{name}" for name in tracked_below_source()} <= entries
    assert {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "requirements-run.lock"} <= entries
    assert {"docs/conf.py", "tests/packaging/test_archives.py"} <= entries
    assert not [name for name in entries if name.startswith((".venv", ".git/", "dist", "mutants"))]


def test_every_folder_that_tests_name_is_whole_in_the_source_archive(archives: Archives):
    named, entries = named_by_tests(), archives.entries()
    assert named >= {".ci", "benchmarks", "deploy", "docs", "tests"}
    for folder in named:
        files = {
            str(path.relative_to(ROOT))
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert files - entries == set(), folder


def test_the_same_sources_give_the_same_bytes_wherever_and_whenever_they_are_built(
    archives: Archives, from_source: Archives
):
    assert from_source.wheel.name == archives.wheel.name
    assert from_source.wheel.read_bytes() == archives.wheel.read_bytes()
    assert from_source.source.read_bytes() == archives.source.read_bytes()


def test_the_wheel_says_what_it_is_and_on_which_pythons_it_runs(archives: Archives):
    told = archives.metadata()
    assert told["Version"] == keyreeve.__version__ == PROJECT["version"]
    assert told["Requires-Python"] == ">=3.11"
    assert told["License-Expression"] == "Apache-2.0"
    minors = {c[-4:] for c in told.get_all("Classifier") if re.search(r":: 3\.\d+$", c)}
    assert minors == {"3.11", "3.12", "3.13", "3.14"}


def test_the_changelog_speaks_of_this_version():
    assert f"\n## {keyreeve.__version__} " in (ROOT / "CHANGELOG.md").read_text()
