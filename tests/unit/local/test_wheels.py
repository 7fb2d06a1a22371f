"""Wheels for another machine: chosen to fit, held to the lock's hashes, unpacked where imported."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from keyreeve.local import wheels
from keyreeve.local.wheels import Architecture, Target, fetched, run_lock, unpacked
from keyreeve.model.errors import ConfigError

ARM = Target(architecture=Architecture.ARM64, python="3.13")
X86 = Target(architecture=Architecture.X86_64, python="3.13")
PURE = "sample-1.0-py3-none-any.whl"
NATIVE = {
    ARM: "fast-2.0-cp313-cp313-manylinux_2_28_aarch64.whl",
    X86: "fast-2.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
}
OTHERS = (
    "fast-2.0-cp312-cp312-manylinux_2_28_aarch64.whl",
    "fast-2.0-cp313-cp313-manylinux_2_35_aarch64.whl",
    "fast-2.0-cp313-cp313-musllinux_1_2_aarch64.whl",
    "fast-2.0-cp313-cp313t-manylinux_2_28_aarch64.whl",
    "fast-2.0-cp313-cp313-win_amd64.whl",
)


def wheel(folder: Path, file: str, **content: str) -> str:
    """One with a module that names it; its hash."""
    name, version, *_ = file.split("-")
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": file,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\n",
        f"{info}/RECORD": "",
        **content,
    }
    with zipfile.ZipFile(folder / file, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return hashlib.sha256((folder / file).read_bytes()).hexdigest()


def lock(folder: Path) -> bytes:
    """Of two libraries, one of them native, with every wheel that its makers have."""
    pure = wheel(folder, PURE)
    native = [wheel(folder, file) for file in (*NATIVE.values(), *OTHERS)]
    hashes = " ".join(f"--hash=sha256:{each}" for each in native)
    return f"sample==1.0 --hash=sha256:{pure}\nfast==2.0 {hashes}\n".encode()


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    folder = tmp_path_factory.mktemp("stock")
    return lock(folder), folder


@pytest.mark.parametrize("target", [ARM, X86], ids=lambda target: target.architecture)
def test_of_all_wheels_those_that_fit_the_function_are_taken(stock, tmp_path: Path, target):
    text, folder = stock
    found = fetched(text, target, tmp_path / "wheels", source=folder)
    assert [each.name for each in found] == [NATIVE[target], PURE]


def test_a_wheel_with_another_hash_than_the_locks_is_refused(stock, tmp_path: Path):
    _, folder = stock
    text = b"sample==1.0 --hash=sha256:" + b"0" * 64 + b"\n"
    with pytest.raises(ConfigError, match=r"(?i)hash") as told:
        fetched(text, ARM, tmp_path / "wheels", source=folder)
    assert f"--wheels {folder}" in str(told.value)


def test_a_wheel_that_is_missing_is_named_with_what_it_must_fit(stock, tmp_path: Path):
    text, _ = stock
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"sample==1\.0") as told:
        fetched(text, ARM, tmp_path / "wheels", source=tmp_path / "empty")
    assert "for Python 3.13 on Linux, arm64" in str(told.value)


def test_a_python_without_pip_says_so(stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    text, folder = stock
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(wheels.sys, "executable", str(bare))
    with pytest.raises(ConfigError, match="has no pip") as told:
        fetched(text, ARM, tmp_path / "wheels", source=folder)
    assert "ensurepip" in str(told.value)


def test_only_what_is_imported_is_unpacked_and_lies_where_it_is_imported_from(tmp_path: Path):
    inside = {
        "sample-1.0.data/purelib/beside.py": "pure",
        "sample-1.0.data/platlib/native.so": "platform",
        "sample-1.0.data/scripts/run": "a script",
        "sample-1.0.data/data/share/man": "a page",
        "sample/data/table.json": "{}",
    }
    wheel(tmp_path, PURE, **inside)
    found = unpacked([tmp_path / PURE])
    assert {path for path in found if "dist-info" not in path} == {
        *("sample/__init__.py", "sample/data/table.json", "beside.py", "native.so"),
    }
    assert found["native.so"] == b"platform"


def test_two_wheels_that_would_overwrite_each_other_are_refused(tmp_path: Path):
    other = "other-1.0-py3-none-any.whl"
    wheel(tmp_path, PURE)
    wheel(tmp_path, other, **{"sample/__init__.py": "theirs"})
    with pytest.raises(ValueError, match=r"different sample/__init__\.py"):
        unpacked([tmp_path / PURE, tmp_path / other])


def test_the_lock_that_is_shipped_is_the_one_that_is_tested():
    root = Path(__file__).parents[3]
    assert run_lock() == (root / "requirements-run.lock").read_bytes()
