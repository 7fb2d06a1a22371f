"""What a run that acts must not be wired to."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from keyreeve.config import Config, Transport
from keyreeve.model.errors import ConfigError
from keyreeve.model.network import is_loopback

if TYPE_CHECKING:
    from keyreeve.aws.sessions import Sessions


def refuse_time_travel(config: Config, sessions: Sessions, as_of: datetime | None) -> None:
    """`--as-of` with `--execute` acts on another day than today: ConfigError but on an emulator."""
    from keyreeve.wiring import channels, heartbeat

    if as_of is None:
        return
    smtp = config.mail.smtp
    mail_is_local = config.mail.transport is not Transport.SMTP or (
        smtp is not None and is_loopback(smtp.host)
    )
    if not (
        sessions.only_loopback()
        and mail_is_local
        and channels.only_loopback(config, sessions)
        and heartbeat.only_loopback(config, sessions)
    ):
        raise ConfigError(
            "a run that acts cannot pretend to be at another time",
            where="--as-of",
            remedy=(
                "Leave out --execute or --send to see what would happen then, or point every "
                "endpoint at an emulator on 127.0.0.1 (`keyreeve sandbox`)."
            ),
        )


def refuse_unencrypted(config: Config, sessions: Sessions) -> None:
    """ConfigError where escrowed credentials would lie on a disk that nobody says is encrypted."""
    storage = config.storage
    if storage.directory is None or storage.unencrypted_ok or sessions.only_loopback():
        return
    raise ConfigError(
        "the state and the escrowed credentials would lie unencrypted on this disk",
        where=f"{config.path}: storage.directory",
        remedy="Use storage.bucket, or say storage.unencrypted_ok: true if the disk is encrypted.",
    )
