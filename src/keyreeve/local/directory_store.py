"""A directory, as ports.ObjectStore: for one machine, for tests and for the sandbox.

    {root}/state.json                   files 0600, directories 0700; made at the first write
    {root}/ops/{operation}/1-intent.json
    {root}/.lock                        held (flock) by whoever writes
    {root}/…/.new-…                     a file on its way; renamed when it is whole and durable

Parts of a key keep letters, digits and `_ - . ~ = @ , +`; every other byte, and a dot at the
beginning, becomes `%XX`. So no key leads outside, and none meets the two names above.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from keyreeve.model.errors import StorageConflict, StorageUnreachable
from keyreeve.ports import ListedObject, StoredObject

_SAFE = "=@,+"
_LOCK = ".lock"
_NEW = ".new-"


class DirectoryStore:
    """ports.ObjectStore. The version of an object is the SHA-256 of its content.

    ValueError for keys that are no keys: empty, absolute, with `..`, `.`, `//` or NUL.
    """

    def __init__(self, directory: Path, *, prefix: str = "") -> None:
        self._root = directory.joinpath(*_parts(prefix.strip("/"))) if prefix else directory

    def get(self, key: str) -> StoredObject | None:
        """The object, or None."""
        path = self._path(key)
        with self._answering(key):
            return _read(path)

    def put(
        self, key: str, content: bytes, *, if_version: str | None = None, if_absent: bool = False
    ) -> str:
        """Write a whole file or nothing; its digest. StorageConflict if the condition fails."""
        path = self._path(key)
        with self._answering(key), self._writing():
            if if_absent or if_version is not None:
                found = _read(path)
                if (found.version if found else None) != if_version:
                    raise self._conflict(key)
            self._make_folder(path.parent)
            write_whole(path, content)
        return hashlib.sha256(content).hexdigest()

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ListedObject]:
        """In order of keys."""
        folder, _, _ = prefix.rpartition("/")
        start = self._root.joinpath(*_parts(folder)) if folder else self._root
        with self._answering(prefix):
            rows = [row for row in self._walk(start) if row.key.startswith(prefix)]
        rows.sort(key=lambda row: row.key)
        return (row for row in rows if row.key > start_after)

    def delete(self, key: str) -> None:
        """Gone; no error if it was not there."""
        path = self._path(key)
        with self._answering(key):
            if not path.exists():
                return
            with self._writing():
                path.unlink(missing_ok=True)
                _make_durable(path.parent)

    def purge(self, key: str) -> None:
        """As `delete`: a directory keeps no versions."""
        self.delete(key)

    def describe(self) -> str:
        """For people: the directory."""
        return str(self._root)

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*_parts(key))

    def _walk(self, start: Path) -> Iterator[ListedObject]:
        for folder, _, names in os.walk(start, onerror=_unless_missing):
            for name in names:
                path = Path(folder, name)
                if not name.startswith((_LOCK, _NEW)) and (row := self._row(path)):
                    yield row

    def _row(self, path: Path) -> ListedObject | None:
        try:
            found = path.stat()
        except FileNotFoundError:  # deleted while we listed
            return None
        parts = path.relative_to(self._root).parts
        return ListedObject(
            key="/".join(unquote(part, errors="strict") for part in parts),
            size=found.st_size,
            modified_at=datetime.fromtimestamp(found.st_mtime, UTC),
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time, between processes and between threads."""
        self._make_folder(self._root)
        lock = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folder(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            _make_durable(folder.parent)

    @contextmanager
    def _answering(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageUnreachable(
                error.strerror or type(error).__name__,
                where=f"{self._root}/{key}",
                remedy="Check the directory's owner and permissions, and the room on the disk.",
            ) from error

    def _conflict(self, key: str) -> StorageConflict:
        return StorageConflict(
            "somebody else wrote it first",
            where=f"{self._root}/{key}",
            remedy="Nothing was overwritten. Run again.",
        )


def _parts(key: str) -> list[str]:
    parts = key.split("/")
    if "\0" in key or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{key!r} is no key of an object")
    return [_file_name(part) for part in parts]


def _file_name(part: str) -> str:
    name = quote(part, safe=_SAFE)
    return f"%2E{name[1:]}" if name.startswith(".") else name


def _read(path: Path) -> StoredObject | None:
    try:
        with path.open("rb") as file:
            content = file.read()
            modified = os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    return StoredObject(
        content=content,
        version=hashlib.sha256(content).hexdigest(),
        modified_at=datetime.fromtimestamp(modified, UTC),
    )


def write_whole(path: Path, content: bytes, *, mode: int | None = 0o600) -> None:
    """The old file or the new one, at every instant and after a power cut.

    `mode` None: what the user's umask lets.
    """
    new = path.with_name(_NEW + secrets.token_hex(8))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(new, flags, 0o666 if mode is None else 0o600)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, opened with its mode
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    _make_durable(path.parent)


def _make_durable(folder: Path) -> None:
    """A rename is on the disk when its directory is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unless_missing(error: OSError) -> None:
    """A folder that is not there yet is empty; one that cannot be read is an error."""
    if not isinstance(error, FileNotFoundError):
        raise error
