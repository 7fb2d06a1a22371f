"""From options to a config, a door, an account: what nearly every verb begins with."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from keyreeve.cli.options import DEFAULT_CONFIG, Options
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import AccountId

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from keyreeve.config import Config
    from keyreeve.model.case import State
    from keyreeve.pipeline.daily import Account
    from keyreeve.wiring import Door

_CONFIG = "keyreeve.config"
"""Where a call keeps what it has read: all of it goes by the same words."""


def options() -> Options:
    """The global options of this call."""
    found = click.get_current_context().find_object(Options)
    return found or Options()


def config() -> Config:
    """The config that the options name, read once. ConfigError with every mistake in it."""
    kept = click.get_current_context().meta
    if _CONFIG not in kept:
        kept[_CONFIG] = _loaded()
    found: Config = kept[_CONFIG]
    return found


def _loaded() -> Config:
    from keyreeve.config import load

    given = options()
    if given.config is None and not DEFAULT_CONFIG.exists():
        raise ConfigError(
            "there is no config.yaml here, and no --config names one",
            where="config",
            remedy="`keyreeve init` asks for the few needed facts and writes it.",
        )
    return load(given.config_path)


def door(*, execute: bool, as_of: datetime | None = None, pool: Executor | None = None) -> Door:
    """Who we are and where the state lies. Without `execute` nothing can be changed.

    `pool`: as `open_door` says.
    """
    from keyreeve.wiring import open_door

    given = options()
    return open_door(
        config(),
        execute=execute,
        profile=given.profile,
        region=given.region,
        as_of=as_of,
        account=AccountId(given.account) if given.account else None,
        pool=pool,
    )


def several() -> bool:
    """Whether this call is about several accounts: the config has them, and none is named."""
    return options().account is None and config().accounts != "self"


def reading(as_of: datetime | None = None) -> Account:
    """The account for reading and rehearsing."""
    return wired(door(execute=False, as_of=as_of))


def wired(opened: Door) -> Account:
    """Every port filled; nothing is locked."""
    from keyreeve.wiring import wire

    return wire(opened)


def now_of(opened: Door, state: State | None, as_of: datetime | None) -> Door:
    """The door at the time that decisions of people are taken at.

    An emulator lives in the time of its runs: without `--as-of`, a decision there is taken at
    the instant of the last run. Everywhere else time is the wall clock's.
    """
    if as_of is not None or state is None or state.last_run is None:
        return opened
    if not opened.sessions.only_loopback():
        return opened
    return replace(opened, now=state.last_run.as_of)
