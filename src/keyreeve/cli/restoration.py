"""A good state.json put back; never an empty one, and never without keeping the broken one.

Besides, what lies unreadable in `feedback/` and `audit-inbox/` is set aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyreeve.codec.state import SavedState, decode_saved, encode
from keyreeve.model.case import SCHEMA_VERSION
from keyreeve.model.errors import ConfigError, StateUnreadable
from keyreeve.pipeline.memory import recall
from keyreeve.storage.layout import CREDENTIALS, FEEDBACK, KEPT_BROKEN, OPERATIONS, STATE
from keyreeve.storage.set_aside import EXAMINED, set_aside, unreadable
from keyreeve.wiring import account_for_writing, heard_at

if TYPE_CHECKING:
    from keyreeve.pipeline.daily import Account
    from keyreeve.ports import StoredObject
    from keyreeve.wiring import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class _Good:
    """A state that can be read, and where it was found."""

    saved: SavedState
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """An object that would have stopped every run."""

    key: str
    kept_as: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What `repair` did."""

    set_aside: tuple[SetAside, ...] = ()
    broken_kept_as: str | None = None
    """None: state.json was gone, or nothing had to be put back."""
    source: str | None = None
    """Where the good state was found; None: nothing had to be put back."""
    saved_at: datetime | None = None
    """When that state was written."""


def repair(door: Door, source: Path | None) -> Repaired:
    """What was done. StateUnreadable if no good state is to be had.

    Steps below ops/ that are newer than the restored state are folded in by the next run.
    """
    with account_for_writing(door, mails=False) as account:
        moved = _cleared(door, account)
        found = door.store.get(STATE)
        if source is None and found is None and moved and not _was_written(door):
            return Repaired(set_aside=moved)
        if source is None and found is not None and _is_sound(door, found):
            return Repaired(set_aside=moved)
        good = _from_file(door, source) if source else _newest_good(door, found)
        kept = None
        if found is not None:
            kept = f"{KEPT_BROKEN}{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            door.store.put(kept, found.content)
        _put(door, good.saved, found)
        account.tools.states.load()
        account.tools.audit.append(
            "state.repaired",
            door.now,
            {
                "source": good.source,
                "saved_at": good.saved.saved_at.isoformat(),
                "by": door.caller.arn,
            },
        )
        account.tools.audit.flush()
    return Repaired(
        set_aside=moved, broken_kept_as=kept, source=good.source, saved_at=good.saved.saved_at
    )


def _cleared(door: Door, account: Account) -> tuple[SetAside, ...]:
    """Objects that would stop every run, out of the way before anything reads them."""
    moved = []
    for folder in EXAMINED:
        # Mails that came back are told of where the mail system knows of: the project's own folder.
        store = heard_at(door) if folder == FEEDBACK else door.store
        for bad in unreadable(store, folder):
            kept = set_aside(store, bad)
            moved.append(SetAside(key=bad.key, kept_as=kept, reason=bad.reason))
            account.tools.audit.append(
                "state.set_aside",
                door.now,
                {"key": bad.key, "kept": kept, "reason": bad.reason, "by": door.caller.arn},
            )
    if moved:
        with suppress(StateUnreadable):
            account.tools.states.load()  # tells where the end of the chain is
        account.tools.audit.flush()
    return tuple(moved)


def _was_written(door: Door) -> bool:
    """Whether a state must have been there: what only a run that saved it first leaves behind."""
    return any(True for folder in (OPERATIONS, CREDENTIALS) for _ in door.store.list(folder))


def migrate(door: Door) -> int | None:
    """Rewrite state.json in the current schema, and which that is; None: there is no state yet.

    What was written since it was saved is folded in first: a state that is saved now is believed to
    know it. StateUnreadable if it cannot be read.
    """
    with account_for_writing(door, mails=False) as account:
        tools = account.tools
        if tools.states.load() is None:
            return None
        state, _ = recall(account.project, account.account_id, tools, account.policy.days)
        tools.audit.append(
            "state.migrated", door.now, {"schema": SCHEMA_VERSION, "by": door.caller.arn}
        )
        tools.states.save(replace(state, audit_head=tools.audit.flush()))
    return SCHEMA_VERSION


def _put(door: Door, saved: SavedState, found: StoredObject | None) -> None:
    content = encode(saved.state, saved_at=saved.saved_at, saved_by=saved.saved_by)
    door.store.put(
        STATE, content, if_version=found.version if found else None, if_absent=found is None
    )


def _is_sound(door: Door, found: StoredObject) -> bool:
    try:
        saved = decode_saved(found.content)
    except StateUnreadable as error:
        if "newer" in error.what or "Upgrade" in error.remedy:
            raise
        return False
    return _is_ours(door, saved)


def _is_ours(door: Door, saved: SavedState) -> bool:
    mine = (door.config.project_name, door.caller.account_id)
    return (saved.state.project, saved.state.account_id) == mine


def _from_file(door: Door, source: Path) -> _Good:
    try:
        content = source.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=f"--from {source}") from None
    saved = decode_saved(content, where=str(source))
    if not _is_ours(door, saved):
        raise ConfigError(
            f"it is the state of {saved.state.project}, account {saved.state.account_id}",
            where=f"--from {source}",
            remedy="Nothing was changed. Give a copy of this project's own state.json.",
        )
    return _Good(saved=saved, source=str(source))


def _newest_good(door: Door, found: StoredObject | None) -> _Good:
    """The newest readable version; else the broken file without its checksum."""
    for label, content in _versions(door):
        try:
            saved = decode_saved(content)
        except StateUnreadable:
            continue
        if _is_ours(door, saved):
            return _Good(saved=saved, source=label)
    unsealed = _unsealed(found) if found is not None else None
    if unsealed is not None and _is_ours(door, unsealed):
        return _Good(saved=unsealed, source="the broken file itself: only its checksum was wrong")
    raise StateUnreadable(
        "no readable earlier version was found",
        where=f"{door.store.describe()}/{STATE}",
        remedy="Nothing was changed. Give a copy of it: keyreeve state repair --from FILE.",
    )


def _unsealed(found: StoredObject) -> SavedState | None:
    try:
        return decode_saved(found.content, sealed=False)
    except StateUnreadable:
        return None


def _versions(door: Door) -> Iterator[tuple[str, bytes]]:
    """Earlier versions that the bucket keeps, newest first; none for a directory."""
    bucket = door.config.storage.bucket
    if bucket is None:
        return
    key = f"{door.prefix}{STATE}"
    client: Any = door.at_home.client("s3")
    for version in _listed(client, bucket, key):
        yield (
            f"the version of {version['LastModified']:%Y-%m-%d %H:%M:%S} UTC",
            _content(client, bucket, key, version["VersionId"]),
        )


def _listed(client: Any, bucket: str, key: str) -> list[Any]:
    from keyreeve.aws.failures import calling

    @calling("s3:ListObjectVersions")
    def ask() -> list[Any]:
        found: list[Any] = []
        request: dict[str, Any] = {"Bucket": bucket, "Prefix": key}
        while True:
            page = client.list_object_versions(**request)
            found += [row for row in page.get("Versions", ()) if row["Key"] == key]
            if not page["IsTruncated"]:
                return sorted(found, key=lambda row: row["LastModified"], reverse=True)
            request["KeyMarker"] = page["NextKeyMarker"]
            request["VersionIdMarker"] = page["NextVersionIdMarker"]

    return ask()


def _content(client: Any, bucket: str, key: str, version: str) -> bytes:
    from keyreeve.aws.failures import calling

    @calling("s3:GetObject")
    def ask() -> bytes:
        answer = client.get_object(Bucket=bucket, Key=key, VersionId=version)
        return bytes(answer["Body"].read())

    return ask()
