"""What people have decided, read before each act and changed without ever losing a change.

Every change reads the file, changes it, and writes it with a condition on the version that was
read; who loses that race reads again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime

from keyreeve.codec.decisions import F, HoldFile, PauseFile, WaiverFile, decode, encode
from keyreeve.model.decisions import Arming, Extension, Hold, HumanDecisions, Pause, Waiver
from keyreeve.model.errors import ConfigError, StorageConflict
from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import HOLDS, PAUSE, WAIVERS

_ROUNDS = 20
"""Each lost race is somebody else's change that went through."""


class StoredDecisions:
    """ports.DecisionsOfPeople, and how people change them.

    A corrupt file is StateUnreadable. What a person may not decide is ConfigError.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self) -> HumanDecisions:
        """As they stand now; revoked waivers included."""
        holds, _ = self._load(HoldFile, HOLDS)
        stand, _ = self._load(PauseFile, PAUSE)
        return HumanDecisions(
            waivers=self._load(WaiverFile, WAIVERS)[0].waivers,
            holds=holds.holds,
            extensions=holds.extensions,
            pause=stand.pause,
            armed=stand.armed,
        )

    def add_waiver(self, waiver: Waiver, *, today: date) -> None:
        """Accept a finding until a date, approved by another person than the requester."""
        _check_waiver(waiver, today)

        def added(file: WaiverFile) -> WaiverFile:
            if waiver in file.waivers:
                return file
            if any(known.waiver_id == waiver.waiver_id for known in file.waivers):
                raise ConfigError(f"there is a waiver {waiver.waiver_id} already", where="waiver")
            return replace(file, waivers=(*file.waivers, waiver))

        self._change(WaiverFile, WAIVERS, added)

    def revoke_waiver(self, waiver_id: str, *, at: datetime) -> Waiver:
        """End a waiver now; as it stands afterwards. Revoking twice keeps the first time."""

        def revoked(file: WaiverFile) -> WaiverFile:
            _find(file, waiver_id)
            return replace(file, waivers=tuple(map(end, file.waivers)))

        def end(waiver: Waiver) -> Waiver:
            mine = waiver.waiver_id == waiver_id and waiver.revoked_at is None
            return replace(waiver, revoked_at=at) if mine else waiver

        return _find(self._change(WaiverFile, WAIVERS, revoked), waiver_id)

    def add_hold(self, hold: Hold, *, today: date) -> None:
        """Stop a user's case until a date; a newer hold replaces the user's earlier one."""
        _need_reason(hold.reason, "hold")
        if hold.until < today:
            raise ConfigError(
                f"{hold.until} is over already", where="hold", remedy="Name a later date."
            )

        def held(file: HoldFile) -> HoldFile:
            return replace(file, holds=(*_without(file, hold.user), hold))

        self._change(HoldFile, HOLDS, held)

    def lift_hold(self, user: str) -> None:
        """Let a user's case go on. ConfigError if it was not held."""

        def lifted(file: HoldFile) -> HoldFile:
            others = _without(file, user)
            if others == file.holds:
                raise ConfigError(f"the case of {user} is not held", where="hold")
            return replace(file, holds=others)

        self._change(HoldFile, HOLDS, lifted)

    def add_extension(self, extension: Extension) -> None:
        """Add days to a user's E. The cap is the policy's, and the caller's to apply."""
        _need_reason(extension.reason, "extension")
        if extension.days < 1:
            raise ConfigError("at least one day can be added", where="extension")

        def extended(file: HoldFile) -> HoldFile:
            if extension in file.extensions:
                return file
            return replace(file, extensions=(*file.extensions, extension))

        self._change(HoldFile, HOLDS, extended)

    def set_pause(self, pause: Pause) -> None:
        """Stop the whole project. A pause that stands already stays as it is."""
        _need_reason(pause.reason, "pause")
        self._change(PauseFile, PAUSE, lambda file: replace(file, pause=file.pause or pause))

    def clear_pause(self) -> None:
        """Let the project go on; nothing to do if it was not paused."""
        self._change(PauseFile, PAUSE, lambda file: replace(file, pause=None))

    def arm(self, arming: Arming) -> None:
        """Let a project that observes act. Who armed it first stays."""
        self._change(PauseFile, PAUSE, lambda file: replace(file, armed=file.armed or arming))

    def disarm(self) -> None:
        """Let it observe again; nothing to do if it was not armed."""
        self._change(PauseFile, PAUSE, lambda file: replace(file, armed=None))

    def _load(self, kind: type[F], key: str) -> tuple[F, str | None]:
        found = self._store.get(key)
        if found is None:
            return kind(), None
        return decode(kind, found.content, where=f"{self._store.describe()}/{key}"), found.version

    def _change(self, kind: type[F], key: str, change: Callable[[F], F]) -> F:
        """Read, change, write if nobody else did; StorageConflict after very many lost races."""
        for _ in range(_ROUNDS):
            file, version = self._load(kind, key)
            changed = change(file)
            if changed == file:
                return file
            with suppress(StorageConflict):
                self._store.put(key, encode(changed), if_version=version, if_absent=version is None)
                return changed
        raise StorageConflict(
            "others keep changing it at this moment",
            where=f"{self._store.describe()}/{key}",
            remedy="Nothing was changed. Try again.",
        )


def _check_waiver(waiver: Waiver, today: date) -> None:
    _need_reason(waiver.reason, "waiver")
    people = [person.strip().casefold() for person in (waiver.requested_by, waiver.approved_by)]
    if not all(people) or people[0] == people[1]:
        raise ConfigError(
            "a waiver needs a requester and another person who approves it",
            where="waiver",
            remedy="Name two people with --requested-by and --approved-by.",
        )
    if _is_caller(people[0], waiver.added_by):
        raise ConfigError(
            f"{waiver.requested_by} asked for this waiver and cannot be the one who records it",
            where="waiver",
            remedy="Let the person who approves it run this command.",
        )
    if waiver.expires_on <= today:
        raise ConfigError(
            f"it would expire on {waiver.expires_on}, which is not in the future",
            where="waiver",
            remedy="Every waiver ends: name a later date.",
        )


def _is_caller(person: str, caller_arn: str) -> bool:
    """Whether an STS caller is called so: its user or session name, with or without a domain.

    The name of a role session is the caller's own choice unless `sts:RoleSessionName` says it.
    """
    name = caller_arn.rsplit("/", 1)[-1].casefold()
    if "@" in person and "@" in name:
        return person == name
    return person.partition("@")[0] == name.partition("@")[0]


def _need_reason(reason: str, where: str) -> None:
    if not reason.strip():
        raise ConfigError("the reason is missing", where=where, remedy="Say why, in a sentence.")


def _find(file: WaiverFile, waiver_id: str) -> Waiver:
    for waiver in file.waivers:
        if waiver.waiver_id == waiver_id:
            return waiver
    raise ConfigError(
        f"there is no waiver {waiver_id}", where="waiver", remedy="See `keyreeve waiver list`."
    )


def _without(file: HoldFile, user: str) -> tuple[Hold, ...]:
    return tuple(hold for hold in file.holds if hold.user != user)
