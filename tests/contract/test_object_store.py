"""One contract, three stores: a directory, a bucket (on moto), and the fake that others rely on."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto.server import ThreadedMotoServer
from tests.fakes.memory_store import MemoryStore

from keyreeve.aws.s3_store import S3Store
from keyreeve.local.directory_store import DirectoryStore
from keyreeve.model.errors import StorageConflict, StorageUnreachable
from keyreeve.ports import ObjectStore

BUCKET = "keyreeve-contract"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    session = boto3.session.Session(
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        region_name="us-east-1",
    )
    client = session.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()
    server.stop()


@pytest.fixture
def in_bucket(s3: Any) -> S3Store:
    return S3Store(s3, bucket=BUCKET, prefix=f"iam-compliance/{secrets.token_hex(4)}")


@pytest.fixture
def in_directory(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "made" / "later", prefix="iam-compliance/etv/")


@pytest.fixture(params=["directory", "s3", "memory"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    match request.param:
        case "directory":
            return request.getfixturevalue("in_directory")
        case "s3":
            return request.getfixturevalue("in_bucket")
        case _:
            return MemoryStore()


HOSTILE = [
    "a b",
    "a%2Fb",
    "a%b",
    "=cmd|' /C calc'!A0",
    "ünï-ключ-钥",
    ".hidden/.new-file",
    ".lock",
    'CON:<>"|?*\\',
    "x/" * 20 + "deep",
    "-rf",
    "~",
]


@pytest.mark.parametrize("key", HOSTILE)
def test_any_name_is_kept_as_it_is(store: ObjectStore, key: str):
    store.put(key, b"content")
    assert store.get(key).content == b"content"
    assert [row.key for row in store.list("")] == [key]
    assert [row.key for row in store.list(key)] == [key]
    store.delete(key)
    assert store.get(key) is None


def test_what_was_written_is_read_byte_for_byte_with_the_version_that_put_named(store: ObjectStore):
    content = bytes(range(256)) * 50
    version = store.put("a/b.bin", content)
    found = store.get("a/b.bin")
    assert (found.content, found.version) == (content, version)
    [row] = store.list("a/")
    assert (row.key, row.size) == ("a/b.bin", len(content))
    assert found.modified_at.utcoffset() == row.modified_at.utcoffset() == timedelta(0)


def test_a_missing_object_is_none_and_its_deletion_no_error(store: ObjectStore):
    assert store.get("nothing") is None
    assert list(store.list("")) == []
    store.delete("nothing")


def test_a_purged_object_is_gone_and_nothing_else_is(store: ObjectStore):
    store.put("credentials/a-1.csv", b"one")
    store.put("credentials/a-1.csv.more", b"longer name")
    store.purge("credentials/a-1.csv")
    store.purge("credentials/a-1.csv")
    assert [row.key for row in store.list("")] == ["credentials/a-1.csv.more"]


def test_put_replaces_and_gives_another_version(store: ObjectStore):
    first = store.put("k", b"one")
    second = store.put("k", b"two")
    assert first != second
    assert store.get("k").content == b"two"


def test_if_absent_writes_once(store: ObjectStore):
    store.put("once", b"first", if_absent=True)
    with pytest.raises(StorageConflict):
        store.put("once", b"second", if_absent=True)
    assert store.get("once").content == b"first"


def test_if_version_replaces_only_what_was_read(store: ObjectStore):
    old = store.put("k", b"one")
    new = store.put("k", b"two", if_version=old)
    with pytest.raises(StorageConflict):
        store.put("k", b"three", if_version=old)
    assert store.get("k").content == b"two"
    store.put("k", b"three", if_version=new)
    assert store.get("k").content == b"three"


def test_if_version_on_a_missing_object_is_a_conflict(store: ObjectStore):
    version = store.put("k", b"one")
    store.delete("k")
    with pytest.raises(StorageConflict):
        store.put("k", b"two", if_version=version)
    assert store.get("k") is None


def test_of_many_racing_to_write_once_exactly_one_wins(store: ObjectStore):
    def race(number: int) -> bytes | None:
        content = f"writer {number}".encode()
        with suppress(StorageConflict):
            store.put("race", content, if_absent=True)
            return content
        return None

    with ThreadPoolExecutor(8) as pool:
        winners = [content for content in pool.map(race, range(24)) if content]
    assert winners == [store.get("race").content]


def test_a_counter_under_compare_and_swap_loses_nothing(store: ObjectStore):
    store.put("counter", b"0")

    def count(_: int) -> None:
        while True:
            found = store.get("counter")
            with suppress(StorageConflict):
                store.put("counter", b"%d" % (int(found.content) + 1), if_version=found.version)
                return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(32)))
    assert store.get("counter").content == b"32"


def test_a_listing_is_in_order_of_keys_and_starts_after_any_key(store: ObjectStore):
    keys = ["a/1", "a/10", "a/2", "a-b", "a.b", "a/é", "a/z", "ab/1", "b"]
    for key in reversed(keys):
        store.put(key, b"x")
    ordered = sorted(keys)
    assert [row.key for row in store.list("")] == ordered
    assert [row.key for row in store.list("a/")] == ["a/1", "a/10", "a/2", "a/z", "a/é"]
    assert [row.key for row in store.list("a/1")] == ["a/1", "a/10"]
    assert [row.key for row in store.list("a/", start_after="a/10")] == ["a/2", "a/z", "a/é"]
    assert [row.key for row in store.list("", start_after="a/zz")] == ["a/é", "ab/1", "b"]
    assert list(store.list("", start_after="c")) == []


def test_a_listing_goes_on_over_all_pages(store: ObjectStore):
    keys = [f"ops/{number:04d}/1-intent.json" for number in range(1_100)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda key: store.put(key, b"{}"), keys))
    assert [row.key for row in store.list("ops/")] == keys
    assert [row.key for row in store.list("ops/", start_after="ops/0050")] == keys[50:]


# --- only in a directory -------------------------------------------------------------------------


def test_a_directory_lets_only_its_owner_read(in_directory: DirectoryStore, tmp_path: Path):
    before = os.umask(0)
    try:
        in_directory.put("credentials/passwords/AIDA/1.csv", b"secret")
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "made").rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}


def test_a_directory_is_not_made_by_reading(in_directory: DirectoryStore, tmp_path: Path):
    in_directory.get("state.json")
    list(in_directory.list("ops/"))
    in_directory.delete("state.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", "a\0b", ".."]
)
def test_no_key_leads_out_of_the_directory(in_directory: DirectoryStore, key: str):
    for act in (in_directory.get, in_directory.delete, lambda key: in_directory.put(key, b"")):
        with pytest.raises(ValueError, match="is no key"):
            act(key)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    in_directory: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    in_directory.put("k", b"old")
    before = sorted((tmp_path / "made").rglob("*"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageUnreachable, match="No space left"):
        in_directory.put("k", b"new")
    monkeypatch.undo()
    assert in_directory.get("k").content == b"old"
    assert sorted((tmp_path / "made").rglob("*")) == before


def test_a_directory_that_cannot_be_used_says_where_and_what_to_do(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    store = DirectoryStore(tmp_path / "file" / "state")
    with pytest.raises(StorageUnreachable, match="Check the directory") as caught:
        store.put("k", b"x")
    assert str(tmp_path) in caught.value.where


def test_bytes_that_the_emulator_cannot_route_are_kept_by_a_directory(in_directory: DirectoryStore):
    keys = ["new\nline", "tab\tand\x01", "\x7f"]
    for key in keys:
        in_directory.put(key, b"x")
    assert [row.key for row in in_directory.list("")] == sorted(keys)


def test_the_modification_time_is_the_walls(in_directory: DirectoryStore):
    in_directory.put("k", b"x")
    assert abs(in_directory.get("k").modified_at - datetime.now(UTC)) < timedelta(minutes=5)


# --- only in a bucket ----------------------------------------------------------------------------


def test_encryption_is_named_on_every_put(s3: Any):
    named: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        named.append(params["ServerSideEncryption"])

    s3.meta.events.register("provide-client-params.s3.PutObject", note, "encryption")
    try:
        plain = S3Store(s3, bucket=BUCKET, prefix="plain")
        plain.put("a", b"1", if_absent=True)
        plain.put("a", b"2", if_version=plain.get("a").version)
        plain.put("a", b"3")
        kms = S3Store(s3, bucket=BUCKET, prefix="kms", kms_key_id="alias/keyreeve")
        kms.put("a", b"1", if_absent=True)
    finally:
        s3.meta.events.unregister("provide-client-params.s3.PutObject", unique_id="encryption")
    assert named == ["AES256"] * 3 + ["aws:kms"]
    assert s3.head_object(Bucket=BUCKET, Key="plain/a")["ServerSideEncryption"] == "AES256"
    head = s3.head_object(Bucket=BUCKET, Key="kms/a")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/keyreeve")


def test_a_key_lies_below_the_prefix_and_is_listed_without_it(s3: Any):
    store = S3Store(s3, bucket=BUCKET, prefix="iam-compliance/etv/")
    store.put("state.json", b"{}")
    assert s3.head_object(Bucket=BUCKET, Key="iam-compliance/etv/state.json")
    assert [row.key for row in store.list("")] == ["state.json"]
    assert store.describe() == f"s3://{BUCKET}/iam-compliance/etv"


@pytest.mark.parametrize(
    "page",
    [{}, {"IsTruncated": True}, {"IsTruncated": False, "Contents": [{}]}],
    ids=["nothing", "no token", "nameless"],
)
def test_a_garbled_listing_is_told_as_storage_that_does_not_answer(page: dict[str, Any]):
    class Garbled:
        def list_objects_v2(self, **_: Any) -> dict[str, Any]:
            return page

    store = S3Store(Garbled(), bucket=BUCKET, prefix="p")
    with pytest.raises(StorageUnreachable, match=r"cannot be read|lacks"):
        list(store.list("ops/"))


class Interfering:
    """An S3 client whose next puts meet what a test planned; everything else is the real one."""

    def __init__(self, client: Any, *plans: Callable[[Callable[[], Any]], Any]) -> None:
        self._client = client
        self._plans = list(plans)
        self.puts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_object(self, **request: Any) -> Any:
        self.puts += 1
        plan = self._plans.pop(0) if self._plans else lambda put: put()
        return plan(lambda: self._client.put_object(**request))


def refused(code: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutObject")


def effect_then(error: Exception) -> Callable[[Callable[[], Any]], Any]:
    def plan(put: Callable[[], Any]) -> Any:
        put()
        raise error

    return plan


def instead(error: Exception) -> Callable[[Callable[[], Any]], Any]:
    def plan(_: Callable[[], Any]) -> Any:
        raise error

    return plan


PRECONDITION = refused("PreconditionFailed", 412)
RACING = refused("ConditionalRequestConflict", 409)
TIMEOUT = ReadTimeoutError(endpoint_url="http://127.0.0.1")


def planned(s3: Any, name: str, *plans: Any) -> tuple[S3Store, Interfering]:
    client = Interfering(s3, *plans)
    return S3Store(client, bucket=BUCKET, prefix=name, sleep=lambda _: None), client


@pytest.mark.parametrize("error", [PRECONDITION, TIMEOUT, RACING, refused("SlowDown", 503)])
def test_our_own_earlier_try_is_recognised_after_a_failed_condition(s3: Any, error: Exception):
    store, client = planned(s3, f"lost-{type(error).__name__}-{error}", effect_then(error))
    version = store.put("k", b"ours", if_absent=True)
    assert store.get("k").version == version
    assert client.puts == 1


def test_the_same_content_of_somebody_else_is_not_taken_for_ours(s3: Any):
    store, _ = planned(s3, "same-content")
    store.put("k", b"content", if_absent=True)
    with pytest.raises(StorageConflict):
        store.put("k", b"content", if_absent=True)


def test_two_writers_at_once_are_tried_again_while_the_condition_holds(s3: Any):
    store, client = planned(s3, "racing", instead(RACING), instead(RACING))
    version = store.put("k", b"ours", if_absent=True)
    assert (store.get("k").version, client.puts) == (version, 3)


def test_two_writers_at_once_are_a_conflict_once_the_other_is_through(s3: Any):
    other = S3Store(s3, bucket=BUCKET, prefix="racing-lost")

    def other_wins(_: Callable[[], Any]) -> Any:
        other.put("k", b"theirs")
        raise RACING

    store, client = planned(s3, "racing-lost", other_wins)
    with pytest.raises(StorageConflict):
        store.put("k", b"ours", if_absent=True)
    assert (store.get("k").content, client.puts) == (b"theirs", 1)


def test_trying_again_is_bounded(s3: Any):
    store, client = planned(s3, "racing-forever", *[instead(RACING)] * 50)
    with pytest.raises(StorageConflict):
        store.put("k", b"ours", if_absent=True)
    assert client.puts < 10


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (refused("AccessDenied", 403), "role"),
        (refused("NoSuchBucket", 404), "init --bucket"),
        (TIMEOUT, "doctor"),
        (refused("InternalError", 500), "doctor"),
        (refused("KMS.DisabledException", 400), "doctor"),
    ],
)
@pytest.mark.parametrize("condition", [{}, {"if_absent": True}, {"if_version": '"etag"'}])
def test_a_bucket_that_does_not_answer_is_storage_unreachable(
    s3: Any, error: Exception, says: str, condition: dict[str, Any]
):
    store, client = planned(s3, "unreachable", instead(error))
    with pytest.raises(StorageUnreachable, match=says):
        store.put("k", b"ours", **condition)
    assert client.puts == 1


def test_a_missing_bucket_says_how_to_make_it_whatever_is_asked(s3: Any):
    store = S3Store(s3, bucket="keyreeve-is-not-there", prefix="p")
    for ask in (
        lambda: store.get("k"),
        lambda: store.put("k", b"", if_absent=True),
        lambda: list(store.list("")),
        lambda: store.delete("k"),
    ):
        with pytest.raises(StorageUnreachable, match="init --bucket") as caught:
            ask()
        assert "s3://keyreeve-is-not-there/p" in caught.value.where


# --- purge ----------------------------------------------------------------------------------------


@pytest.fixture
def versioned(s3: Any) -> Iterator[str]:
    bucket = f"versioned-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def everything(s3: Any, bucket: str) -> list[str]:
    told = s3.list_object_versions(Bucket=bucket)
    return [row["Key"] for row in (*told.get("Versions", ()), *told.get("DeleteMarkers", ()))]


def test_a_purge_takes_old_versions_and_delete_markers_along(s3: Any, versioned: str):
    store = S3Store(s3, bucket=versioned, prefix="p")
    for content in (b"1", b"2"):
        store.put("k", content)
    store.delete("k")
    store.put("k", b"3")
    store.put("kept", b"")
    assert everything(s3, versioned).count("p/k") == 4
    store.purge("k")
    assert everything(s3, versioned) == ["p/kept"]


def test_a_purge_goes_on_over_all_pages(s3: Any, versioned: str, monkeypatch: pytest.MonkeyPatch):
    store = S3Store(s3, bucket=versioned, prefix="p")
    for number in range(7):
        store.put("k", str(number).encode())
    ask = s3.list_object_versions
    monkeypatch.setattr(s3, "list_object_versions", lambda **more: ask(MaxKeys=2, **more))
    store.purge("k")
    monkeypatch.undo()
    assert everything(s3, versioned) == []


def test_the_version_that_is_listed_goes_last(
    s3: Any, versioned: str, monkeypatch: pytest.MonkeyPatch
):
    store = S3Store(s3, bucket=versioned, prefix="p")
    for content in (b"1", b"2", b"3"):
        store.put("k", content)
    delete, left = s3.delete_object, []

    def watched(**more: Any) -> Any:
        left.append(store.get("k"))
        return delete(**more)

    monkeypatch.setattr(s3, "delete_object", watched)
    store.purge("k")
    assert [found.content for found in left] == [b"3", b"3", b"3"]
