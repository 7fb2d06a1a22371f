"""`.ci/run` is green when everything is, and only then; a stand-in for make says what it did.

What it does not run, the workflows do.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
PEOPLES = {"help", "demo", "check", "bench", "coverage", "mutants", "images", "lock", "clean"}
"""Targets that prove nothing of their own, or that a person waits for and looks at."""
PARTS = {"dist", "package"}
"""Of other targets."""
MAKE = """\
#!/bin/sh
echo "make $*"
case "$1" in
  "$FAILS") exit 3 ;;
  test) echo "$TESTED" ;;
  scan) sleep "$LATE" ;;
esac
"""
LATE = ["0", "0.5"]
"""Seconds that the work beside the tests needs: it ends before them, or after."""


def ci(folder: Path, *, fails: str = "", late: str = "0", tested: str = "") -> tuple[int, str]:
    """Exit code and output, with nothing but the shell's own tools real."""
    for name, script in (("make", MAKE), ("chromium", "#!/bin/sh\n")):
        (folder / name).write_text(script)
        (folder / name).chmod(0o700)
    done = subprocess.run(
        [ROOT / ".ci" / "run"],
        env={
            "PATH": f"{folder}:{os.environ['PATH']}",
            "FAILS": fails,
            "LATE": late,
            "TESTED": tested,
            "TMPDIR": str(folder),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("late", LATE)
def test_ci_is_green_when_everything_is(tmp_path, late):
    assert ci(tmp_path, late=late) == (
        0,
        "make lint\nmake test\n\nmake scan sbom docs deployfiles\n",
    )


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("part", ["lint", "test", "scan"])
def test_ci_fails_with_any_of_its_parts(tmp_path, part, late):
    assert ci(tmp_path, fails=part, late=late)[0] == 3


def test_ci_fails_where_the_browser_was_not_tried(tmp_path):
    skipped = "SKIPPED [1] tests/browser/test_mails.py:12: needs chromium"
    assert ci(tmp_path, tested=skipped)[0] == 1


# --- the workflows ------------------------------------------------------------------------------


def jobs() -> Iterator[dict[str, Any]]:
    for path in WORKFLOWS:
        yield from yaml.safe_load(path.read_text())["jobs"].values()


def made(job: dict[str, Any]) -> Iterator[str]:
    """Targets of make that a job runs, by their names or by those of its matrix."""
    for step in job["steps"]:
        for word in re.findall(r"^make (\S+)", step.get("run", ""), re.MULTILINE):
            if word == '"$TARGET"':
                assert step["env"] == {"TARGET": "${{ matrix.target }}"}
                yield from job["strategy"]["matrix"]["target"]
            else:
                yield word


def test_every_target_that_proves_something_is_run_by_a_machine():
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    run = (ROOT / ".ci" / "run").read_text()
    here = set(" ".join(re.findall(r"^make ([a-z ]+)", run, re.MULTILINE)).split())
    there = {word for job in jobs() for word in made(job)}
    assert there == {"advisories", "sbom", "wheels", "deployments", "zips", "fleet", "proofs"}
    assert targets - PEOPLES - PARTS == here | there
    assert targets >= PEOPLES | PARTS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_reads_the_repository_and_no_more_and_can_be_started_by_hand(path: Path):
    told = yaml.safe_load(path.read_text())
    assert told["permissions"] == {"contents": "read"}
    assert "workflow_dispatch" in told[True]  # YAML 1.1 reads `on` so
    for job in told["jobs"].values():
        assert "permissions" not in job
        assert 0 < job["timeout-minutes"] < 360
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
