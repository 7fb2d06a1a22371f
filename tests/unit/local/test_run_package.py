"""The zip of the functions: the same bytes for the same wheels, and what it says of itself."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from tests.unit.local.test_wheels import ARM, NATIVE, PURE, X86, lock

from keyreeve.local import run_package
from keyreeve.local.lambda_package import zipped
from keyreeve.local.run_package import CONTENT, RunPackage, make, read
from keyreeve.local.wheels import Target
from keyreeve.model.errors import ConfigError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[Target, list[RunPackage]]:
    """One for each target, and one of them twice."""
    folder = tmp_path_factory.mktemp("stock")
    text = lock(folder)
    return {
        target: [make(text, target, source=folder) for _ in range(times)]
        for target, times in ((ARM, 2), (X86, 1))
    }


def names(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_the_same_wheels_make_the_same_bytes(made):
    first, second = made[ARM]
    assert first.content == second.content
    assert first.sha256 == second.sha256


def test_each_processor_has_its_own_wheels_and_the_package_says_which(made):
    arm, x86 = made[ARM][0], made[X86][0]
    assert arm.content != x86.content
    for target, package in ((ARM, arm), (X86, x86)):
        assert set(package.wheels) == {NATIVE[target], PURE}
        with zipfile.ZipFile(io.BytesIO(package.content)) as archive:
            assert archive.read("fast/__init__.py").decode() == NATIVE[target]
        assert read(package.content, where="x.zip") == package


def test_it_has_every_handler_and_no_sandbox(made):
    found = set(names(made[ARM][0].content))
    handlers = Path(run_package.__file__).parents[1] / "handlers"
    assert {f"keyreeve/handlers/{file.name}" for file in handlers.glob("*.py")} <= found
    assert not [name for name in found if name.startswith("keyreeve/sandbox/")]
    assert {"sample/__init__.py", CONTENT} <= found


def test_files_are_added_without_packing_anew_and_the_same_files_make_the_same_bytes(made):
    package = made[ARM][0]
    files = {"config/config.yaml": b"a", "config/access.yaml": b"b"}
    more = package.with_files(files)
    assert package.with_files(dict(reversed(files.items()))) == more
    assert names(more) == [*names(package.content), *sorted(files)]
    with pytest.raises(ValueError, match="in the package already"):
        package.with_files({CONTENT: b""})
    with pytest.raises(ValueError, match="leads out"):
        package.with_files({"../config.yaml": b""})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zip",
        zipped({}),
        zipped({CONTENT: b"{"}),
        zipped({CONTENT: b"[]"}),
        zipped({CONTENT: b'{"schema": "keyreeve.package/2"}'}),
        zipped({CONTENT: b'{"schema": "keyreeve.package/1", "architecture": "z80"}'}),
    ],
)
def test_what_keyreeve_has_not_packed_is_refused_with_the_way_to_a_package(content: bytes):
    with pytest.raises(ConfigError, match="this is no package of Keyreeve") as told:
        read(content, where="/somewhere/x.zip")
    assert "keyreeve package lambda --out x.zip" in str(told.value)


def test_a_package_that_aws_would_refuse_is_refused_here(made, monkeypatch, tmp_path: Path):
    monkeypatch.setattr(run_package, "UNPACKED_LIMIT", 1000)
    monkeypatch.setattr(run_package, "fetched", lambda *_, **__: ())
    with pytest.raises(ConfigError, match="AWS takes 1000"):
        make(b"", ARM, source=tmp_path)
