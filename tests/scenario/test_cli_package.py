"""`keyreeve package lambda`, and what becomes of the file in the stacks: no AWS is asked."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.scenario.governed import ACCESS
from tests.unit.local.test_wheels import lock

from keyreeve.cli import main
from keyreeve.config import load
from keyreeve.local import wheels
from keyreeve.local.lambda_package import zipped
from keyreeve.local.run_package import CONTENT
from keyreeve.wiring.functions import config_files, run_code

CONFIG = """\
project_name: ETV
storage: {bucket: our-bucket}
mail: {sender: iam@example.com, cc: [msp@example.com]}
"""
BASELINE = "baseline: {access: access.yaml, package: keyreeve-lambda.zip}\n"


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    """A lock of two libraries, and their wheels."""
    folder = tmp_path_factory.mktemp("stock")
    return lock(folder), folder


@pytest.fixture
def here(stock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(wheels, "run_lock", lambda: stock[0])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG + BASELINE)
    (tmp_path / "access.yaml").write_text(ACCESS)
    return tmp_path


@pytest.fixture
def pack(stock: Any, here: Path, capsys: Any) -> Any:
    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*arguments[:2], "package", "lambda", f"--wheels={stock[1]}", *arguments[2:]])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_the_file_is_told_with_what_it_fits_and_its_digest(pack, here: Path):
    code, out, err = pack("--output", "json", "--out", "a.zip")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["schema"] == "keyreeve.package.lambda/1"
    assert (told["architecture"], told["python"], len(told["wheels"])) == ("arm64", "3.13", 2)
    assert told["bytes"] == (here / "a.zip").stat().st_size
    before = (here / "a.zip").read_bytes()
    code, out, _ = pack("--output", "table", "--out", "a.zip")
    assert told["sha256"] in out
    assert "2 libraries for Python 3.13 on arm64" in out
    assert (here / "a.zip").read_bytes() == before


def test_a_file_that_cannot_be_written_is_said(pack):
    code, _, err = pack("--output", "table", "--out", "nowhere/a.zip")
    assert code == 2
    assert "nowhere/a.zip: cannot be written" in err


def test_wheels_that_are_missing_leave_no_file(pack, here: Path):
    code, _, err = pack("--output", "table", "--python", "3.14", "--out", "a.zip")
    assert code == 2
    assert "fast==2.0" in err
    assert not (here / "a.zip").exists()


def packed(folder: Path) -> None:
    """A package of nothing, for x86-64."""
    told = {
        "schema": "keyreeve.package/1",
        "keyreeve": "0.1.0",
        "architecture": "x86_64",
        "python": "3.13",
        "wheels": {},
    }
    content = zipped({CONTENT: json.dumps(told).encode()})
    (folder / "keyreeve-lambda.zip").write_bytes(content)


def rendered(capsys: Any, *stacks: str) -> tuple[int, Any, str]:
    capsys.readouterr()
    code = main(["--output", "json", "baseline", "render", *stacks])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else None, said.err


def test_the_stack_takes_key_processor_and_python_from_the_package(here: Path, capsys: Any):
    packed(here)
    code, told, _ = rendered(capsys, "automation")
    [stack] = told["stacks"]
    given = stack["parameters"]
    assert code == 0
    assert (given["RunArchitecture"], given["RunRuntime"]) == ("x86_64", "python3.13")
    assert given["RunCodeKey"].startswith("iam-compliance/etv/functions/")
    # Another config is another package: code and policies change together.
    with (here / "config.yaml").open("a") as config:
        config.write("thresholds: {access_key_rotation: 80d}\n")
    _, after, _ = rendered(capsys, "automation")
    assert after["stacks"][0]["parameters"]["RunCodeKey"] != given["RunCodeKey"]


def test_a_package_that_is_not_there_is_said_with_the_way_to_make_it(here: Path, capsys: Any):
    code, _, err = rendered(capsys)
    assert code == 2
    assert "keyreeve-lambda.zip (baseline.package): cannot be read" in err
    assert "keyreeve package lambda --out keyreeve-lambda.zip" in err


def test_without_a_package_there_is_no_function(here: Path, capsys: Any):
    (here / "config.yaml").write_text(CONFIG + "baseline: {access: access.yaml}\n")
    _, told, _ = rendered(capsys, "automation")
    assert "RunCodeKey" not in told["stacks"][0]["parameters"]


@pytest.mark.parametrize(
    ("more", "stack", "why"),
    [
        ("", "mail-feedback", "it asks for baseline.package"),
        (", package: keyreeve-lambda.zip", "fleet", "the project is one account"),
        (", package: keyreeve-lambda.zip", "member-role", "CentralRoleArn, ExternalId"),
    ],
)
def test_a_named_stack_that_is_left_out_is_no_empty_file(
    here: Path, capsys: Any, more: str, stack: str, why: str
):
    packed(here)
    (here / "config.yaml").write_text(f"{CONFIG}baseline: {{access: access.yaml{more}}}\n")
    code, told, err = rendered(capsys, "automation", stack)
    assert (code, told) == (2, None)
    assert f"the stack {stack} is left out: " in err
    assert why in err
    code, told, _ = rendered(capsys)
    assert code == 0
    assert stack not in {each["stack"] for each in told["stacks"]}


def test_where_ses_does_not_send_nothing_hears_of_mails_that_come_back(here: Path, capsys: Any):
    packed(here)
    _, told, _ = rendered(capsys)
    assert "mail-feedback" in {each["stack"] for each in told["stacks"]}
    by_smtp = "mail: {transport: smtp, smtp: {host: mail.example.com}, sender"
    (here / "config.yaml").write_text((CONFIG + BASELINE).replace("mail: {sender", by_smtp))
    _, told, _ = rendered(capsys)
    assert "mail-feedback" not in {each["stack"] for each in told["stacks"]}


def test_config_access_and_templates_go_into_the_package_where_the_config_finds_them(here: Path):
    (here / "own/mails").mkdir(parents=True)
    (here / "own/mails/notice.txt").write_text("ours")
    (here / "config.yaml").write_text(f"{CONFIG}{BASELINE}texts: {{templates: own/mails}}\n")
    packed(here)
    made = run_code(load(here / "config.yaml"))
    assert made is not None
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        found = [name for name in archive.namelist() if name.startswith("config/")]
    assert found == ["config/access.yaml", "config/config.yaml", "config/own/mails/notice.txt"]


@pytest.mark.parametrize("place", ["../access.yaml", "/{here}/access.yaml"])
def test_what_the_function_would_not_find_is_refused_before_anything_is_sent(
    here: Path, place: str, capsys: Any
):
    place = place.replace("/{here}", str(here))
    inner = here / "inner"
    inner.mkdir()
    (inner / "config.yaml").write_text(f"{CONFIG}baseline: {{access: {place}}}\n")
    with pytest.raises(Exception, match="no function would find it") as told:
        config_files(load(inner / "config.yaml"))
    assert "baseline.access" in str(told.value)


def test_a_config_that_no_function_could_work_with_is_refused_before_anything_is_sent(here: Path):
    kept = CONFIG.replace("{bucket: our-bucket}", "{directory: ./state}")
    (here / "config.yaml").write_text(kept)
    with pytest.raises(Exception, match="a function's disk is gone") as told:
        config_files(load(here / "config.yaml"))
    assert "storage.directory" in str(told.value)
