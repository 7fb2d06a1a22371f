"""Reads config.yaml, or says everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from keyreeve.config.document import Mistake, read
from keyreeve.config.mistakes import path_text, validated
from keyreeve.config.settings import YEARS, Config
from keyreeve.model.errors import ConfigError

_INIT = "`keyreeve init` asks for the few needed facts and writes a commented config.yaml."


def load(path: Path, *, now_year_range: tuple[int, int] | None = None) -> Config:
    """The config of a file; public holidays are known for the given years, both included.

    ConfigError with all mistakes at once, each as `file:line:column: setting: what is wrong`.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError("there is no such file", where=str(path), remedy=_INIT) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"cannot be read: {reason}", where=str(path)) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(
            "not UTF-8 text", where=f"{path}:{line}", remedy="Save the file as UTF-8."
        ) from None
    return parse(text, path=path, now_year_range=now_year_range)


def parse(text: str, *, path: Path, now_year_range: tuple[int, int] | None = None) -> Config:
    """The config of a text that stands, or will stand, at `path`; errors as `load`."""
    document = read(text)
    if document.data is None:
        raise _config_error(path, document.mistakes)
    if not document.data and not document.positions and not document.mistakes:
        raise ConfigError("the file is empty", where=str(path), remedy=_INIT)
    config, mistakes = validated(document, path.parent.absolute())
    if config is None:
        # Not chained: a validation error carries the values, and those may hold a secret.
        raise _config_error(path, mistakes) from None
    return config.read_from(path, now_year_range or YEARS)


def _config_error(path: Path, mistakes: list[Mistake]) -> ConfigError:
    lines = [_line(path, mistake) for mistake in mistakes]
    counted = "one mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return ConfigError(
        "\n".join(lines), remedy=f"Nothing was done: mend the {counted} and run again."
    )


def _line(path: Path, mistake: Mistake) -> str:
    where = f"{path}:{mistake.position.line}:{mistake.position.column}"
    setting = f"{path_text(mistake.place)}: " if mistake.place else ""
    return f"{where}: {setting}{mistake.what}"
