"""`.ci/run` is green when everything is, and only then; a stand-in for make says what it did."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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
