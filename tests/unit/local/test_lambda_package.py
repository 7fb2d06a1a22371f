"""The zip of a function: the same bytes each time, and it runs alone."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from keyreeve.local.lambda_package import function_package

PROBE = """
import sys
sys.path[:0] = [sys.argv[1]]
import keyreeve.handlers.onboarding as handler
assert handler.__file__.startswith(sys.argv[1]), handler.__file__
print(handler.handle.__name__)
"""


def test_the_same_content_makes_the_same_bytes():
    first = function_package({"access.json": b"{}", "b.json": b"1"})
    assert function_package({"b.json": b"1", "access.json": b"{}"}) == first
    assert function_package({"access.json": b"[]", "b.json": b"1"}) != first


def test_names_are_sorted_and_carry_no_time_and_no_rubbish():
    with zipfile.ZipFile(io.BytesIO(function_package({"access.json": b"{}"}))) as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    assert names == sorted(names)
    assert {"access.json", "keyreeve/handlers/onboarding.py"} <= set(names)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert not [n for n in names if "__pycache__" in n or n.startswith("keyreeve/sandbox/")]


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a\\b"])
def test_a_path_that_leads_out_is_refused(path: str):
    with pytest.raises(ValueError, match="leads out"):
        function_package({path: b""})


def test_what_was_packed_can_be_imported_from_there(tmp_path: Path):
    with zipfile.ZipFile(io.BytesIO(function_package({}))) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("handle", "")
