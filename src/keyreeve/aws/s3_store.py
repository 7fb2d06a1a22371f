"""A bucket below a prefix, as ports.ObjectStore.

    put        PutObject, encryption named every time, with the writer's own token as metadata
    condition  If-None-Match: *  (absent) or  If-Match: ETag  (this version)
      412      somebody else won, or an earlier try of our own did: the token tells
      404      the version that was to be replaced is gone
      409      two writers at once: look again, and try again where the condition still holds
      no answer  the token tells whether the effect happened

Source: S3 User Guide, "How to prevent object overwrites with conditional writes".
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keyreeve.aws.failures import calling
from keyreeve.model.errors import (
    AccessDenied,
    AwsFailure,
    Conflict,
    Doubtful,
    NotFound,
    StorageConflict,
    StorageLocked,
    StorageUnreachable,
    Throttled,
)
from keyreeve.ports import ListedObject, StoredObject

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

WRITER = "keyreeve-writer"
"""Metadata with a token of each put; on the wire `x-amz-meta-keyreeve-writer`."""

_LOCKED = "object lock"
"""In AWS's words of refusal for a version under retention; its code is that of any denial."""
_TRIES = 5
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Condition:
    """What must hold for a write to happen; neither: anything."""

    version: str | None
    absent: bool

    def headers(self) -> dict[str, str]:
        if self.absent:
            return {"IfNoneMatch": "*"}
        return {} if self.version is None else {"IfMatch": self.version}

    def holds(self, found: StoredObject | None) -> bool:
        if found is None:
            return self.absent
        return found.version == self.version


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class _Version:
    """One version of an object, or a delete marker; sorts before the one that is shown."""

    latest: bool
    id: str


class S3Store:
    """ports.ObjectStore. Every error is StorageConflict or StorageUnreachable, with a remedy."""

    def __init__(
        self,
        client: S3Client,
        *,
        bucket: str,
        prefix: str,
        kms_key_id: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._encryption = {"ServerSideEncryption": "AES256"}
        if kms_key_id is not None:
            self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id}
        self._sleep = sleep

    def get(self, key: str) -> StoredObject | None:
        """The object, or None."""
        return self._read(key)[0]

    def put(
        self, key: str, content: bytes, *, if_version: str | None = None, if_absent: bool = False
    ) -> str:
        """Write with encryption named; the new ETag. StorageConflict if the condition fails."""
        condition = _Condition(version=if_version, absent=if_absent)
        writer = secrets.token_hex(16)
        request = {
            "Key": self._prefix + key,
            "Body": content,
            "Metadata": {WRITER: writer},
            **self._encryption,
            **condition.headers(),
        }
        for _ in range(_TRIES):
            try:
                return self._put_object(request)
            except AwsFailure as failure:
                found, written_by = self._look_again(key, failure, condition)
                if found is not None and written_by == writer:
                    return found.version
                self._give_up(key, failure, again=condition.holds(found))
            self._sleep(_PAUSE_SECONDS)
        raise self._conflict(key, "others keep writing it at this moment")

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ListedObject]:
        """In order of keys, all pages."""
        request: dict[str, Any] = {"Prefix": self._prefix + prefix}
        if start_after:
            request["StartAfter"] = self._prefix + start_after
        while True:
            try:
                rows, more = self._list_objects(request)
            except AwsFailure as failure:
                raise self._unreachable(prefix, failure) from failure
            yield from rows
            if more is None:
                return
            request["ContinuationToken"] = more

    def delete(self, key: str) -> None:
        """Gone; no error if it was not there."""
        try:
            self._delete_object(self._prefix + key)
        except AwsFailure as failure:
            raise self._unreachable(key, failure) from failure

    def purge(self, key: str) -> None:
        """Every version and delete marker gone, the newest last: until then a listing shows it.

        StorageLocked if Object Lock keeps one of them.
        """
        try:
            for version in sorted(self._versions(self._prefix + key)):
                self._delete_version(self._prefix + key, version.id)
        except AccessDenied as failure:
            if _LOCKED not in failure.what.lower():
                raise self._unreachable(key, failure) from failure
            raise StorageLocked(
                f"{failure.call}: {failure.what}",
                where=f"{self.describe()}/{key}",
                remedy="It can be purged when its Object Lock retention is over.",
            ) from failure
        except AwsFailure as failure:
            raise self._unreachable(key, failure) from failure

    def describe(self) -> str:
        """For people: `s3://bucket/prefix`."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def _read(self, key: str) -> tuple[StoredObject | None, str | None]:
        """The object and the token of who wrote it."""
        try:
            return self._get_object(self._prefix + key)
        except AwsFailure as failure:
            if failure.code == "NoSuchKey":
                return None, None
            raise self._unreachable(key, failure) from failure

    def _look_again(
        self, key: str, failure: AwsFailure, condition: _Condition
    ) -> tuple[StoredObject | None, str | None]:
        """What stands there after a failed write, where that can tell anything."""
        conditional = bool(condition.headers())
        telling = isinstance(failure, Conflict | Doubtful | Throttled) or _missing(failure)
        if not (conditional and telling):
            raise self._unreachable(key, failure) from failure
        return self._read(key)

    def _give_up(self, key: str, failure: AwsFailure, *, again: bool) -> None:
        """Return only if the write may be tried again."""
        if not isinstance(failure, Conflict) and not _missing(failure):
            raise self._unreachable(key, failure) from failure
        if failure.code != "ConditionalRequestConflict" or not again:
            raise self._conflict(key, "somebody else wrote it first")

    @calling("s3:GetObject")
    def _get_object(self, key: str) -> tuple[StoredObject, str | None]:
        answer = self._client.get_object(Bucket=self._bucket, Key=key)
        found = StoredObject(
            content=answer["Body"].read(),
            version=answer["ETag"],
            modified_at=answer["LastModified"],
        )
        return found, answer["Metadata"].get(WRITER)

    @calling("s3:PutObject")
    def _put_object(self, request: dict[str, Any]) -> str:
        return self._client.put_object(Bucket=self._bucket, **request)["ETag"]

    @calling("s3:ListObjectsV2")
    def _list_objects(self, request: dict[str, Any]) -> tuple[tuple[ListedObject, ...], str | None]:
        """One page, read here so that a garbled one is told as such; where the next begins."""
        page = self._client.list_objects_v2(Bucket=self._bucket, **request)
        rows = tuple(
            ListedObject(
                key=row["Key"].removeprefix(self._prefix),
                size=row["Size"],
                modified_at=row["LastModified"],
            )
            for row in page.get("Contents", ())
        )
        return rows, page["NextContinuationToken"] if page["IsTruncated"] else None

    @calling("s3:DeleteObject")
    def _delete_object(self, key: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def _versions(self, key: str) -> Iterator[_Version]:
        """Versions and markers of exactly this key, all pages."""
        following: dict[str, Any] | None = {}
        while following is not None:
            page, following = self._list_versions(key, following)
            yield from page

    @calling("s3:ListObjectVersions")
    def _list_versions(
        self, key: str, following: dict[str, Any]
    ) -> tuple[tuple[_Version, ...], dict[str, Any] | None]:
        """One page, and where the next begins; other keys may begin like this one."""
        page = self._client.list_object_versions(Bucket=self._bucket, Prefix=key, **following)
        found = tuple(
            _Version(latest=row["IsLatest"], id=row["VersionId"])
            for row in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            if row["Key"] == key
        )
        if not page["IsTruncated"]:
            return found, None
        return found, {
            "KeyMarker": page["NextKeyMarker"],
            "VersionIdMarker": page["NextVersionIdMarker"],
        }

    @calling("s3:DeleteObject")
    def _delete_version(self, key: str, version: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version)

    def _conflict(self, key: str, what: str) -> StorageConflict:
        return StorageConflict(
            what,
            where=f"{self.describe()}/{key}",
            remedy="Nothing was overwritten. Run again.",
        )

    def _unreachable(self, key: str, failure: AwsFailure) -> StorageUnreachable:
        return StorageUnreachable(
            f"{failure.call}: {failure.what}",
            where=f"{self.describe()}/{key}",
            remedy=self._remedy(failure),
        )

    def _remedy(self, failure: AwsFailure) -> str:
        if failure.code == "NoSuchBucket":
            return "Make it with `keyreeve init --bucket`, or correct `storage.bucket`."
        if isinstance(failure, AccessDenied):
            key = " and the key `storage.kms_key_id`" if "SSEKMSKeyId" in self._encryption else ""
            return failure.remedy or f"Allow the role the bucket {self._bucket}{key}."
        return failure.remedy or "Run again; `keyreeve doctor` examines the bucket."


def _missing(failure: AwsFailure) -> bool:
    """The object that was to be replaced is gone (the bucket is not)."""
    return isinstance(failure, NotFound) and failure.code != "NoSuchBucket"
