"""A profile in the AWS CLI's own config file: names and no secret.

The CLI and every SDK then assume the role themselves, ask for the MFA code and renew the session.
The file is people's: what stands there is never rewritten, a section is added at its end.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path

from keyreeve.model.errors import ConfigError

_NAME = re.compile(r"[\w.+=,@-]+")


def config_file(environment: Mapping[str, str]) -> Path:
    """Where the AWS CLI keeps its profiles: `$AWS_CONFIG_FILE`, or `~/.aws/config`."""
    named = environment.get("AWS_CONFIG_FILE")
    return Path(named).expanduser() if named else Path("~/.aws/config").expanduser()


def add_profile(path: Path, name: str, settings: Mapping[str, str]) -> bool:
    """Add the section; False if it stands there already, word for word.

    ConfigError if a profile of this name says something else, or the file cannot be read or
    written.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name of a profile", where="--write-profile")
    section = "default" if name == "default" else f"profile {name}"
    there = _read(path)
    if there.has_section(section):
        if dict(there[section]) == dict(settings):
            return False
        raise ConfigError(
            f"there is a profile {name!r} already, and it says something else",
            where=str(path),
            remedy="Take another name, or remove that section.",
        )
    lines = [f"[{section}]", *(f"{key} = {value}" for key, value in settings.items()), ""]
    try:
        _append(path, "\n".join(lines))
    except OSError as error:
        raise ConfigError(
            f"cannot be written: {error.strerror}",
            where=str(path),
            remedy="Set $AWS_CONFIG_FILE to a file that may be written to.",
        ) from None
    return True


def _read(path: Path) -> ConfigParser:
    parser = ConfigParser(interpolation=None, default_section="", strict=False)
    try:
        if path.exists():
            parser.read_string(path.read_text("utf-8"))
    except (Error, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", where=str(path)) from None
    return parser


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = path.read_text("utf-8") if path.exists() else ""
    gap = "" if not before or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(gap + text)
