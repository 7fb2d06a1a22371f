"""A file of settings, whatever its kind: read whole, or refused with all that is wrong."""

from __future__ import annotations

from pathlib import Path

from keyreeve.config.document import Mistake, read
from keyreeve.config.mistakes import Form, S, path_text, validated
from keyreeve.model.errors import ConfigError


def text_of(path: Path, form: Form[S]) -> str:
    """The file's text. ConfigError if there is none, or it is no UTF-8."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError("there is no such file", where=str(path), remedy=form.advice) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"cannot be read: {reason}", where=str(path)) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(
            "not UTF-8 text", where=f"{path}:{line}", remedy="Save the file as UTF-8."
        ) from None


def parsed(text: str, path: Path, form: Form[S]) -> S:
    """What a text says that stands, or will stand, at `path`.

    ConfigError with all mistakes at once, each as `file:line:column: setting: what is wrong`.
    """
    document = read(text)
    if document.data is None:
        raise _config_error(path, document.mistakes)
    if not document.data and not document.positions and not document.mistakes:
        raise ConfigError("the file is empty", where=str(path), remedy=form.advice)
    settings, mistakes = validated(document, form, path.parent.absolute())
    if settings is None:
        # Not chained: a validation error carries the values, and those may hold a secret.
        raise _config_error(path, mistakes) from None
    return settings


def _config_error(path: Path, mistakes: list[Mistake]) -> ConfigError:
    # A key and what stands behind it may be wrong in the same words.
    lines = list(dict.fromkeys(_line(path, mistake) for mistake in mistakes))
    counted = "one mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return ConfigError(
        "\n".join(lines), remedy=f"Nothing was done: mend the {counted} and run again."
    )


def _line(path: Path, mistake: Mistake) -> str:
    where = f"{path}:{mistake.position.line}:{mistake.position.column}"
    setting = f"{path_text(mistake.place)}: " if mistake.place else ""
    return f"{where}: {setting}{mistake.what}"
