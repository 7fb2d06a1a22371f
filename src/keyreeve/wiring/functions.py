"""What the functions on AWS are made of and begin with: package, config, the variables they need.

config/config.yaml      in the package, beside access.yaml and templates of one's own
s3://…/config.yaml      the same in a bucket; templates of one's own lie in a package only
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyreeve.config import Config, Transport, load, parse
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.local.run_package import RunPackage

PLACE: Final = "KEYREEVE_CONFIG"
TEXT: Final = "KEYREEVE_CONFIG_YAML"
SECRETS: Final = "KEYREEVE_SECRETS"
FOLDER: Final = "config"
"""Of the config in the package."""
_NAME: Final = "config.yaml"
_TASK_ROOT: Final = Path("/var/task")
"""Where AWS unpacks a package."""


# --- in the function ------------------------------------------------------------------------------


def configured() -> Config:
    """The config of this function, and its secrets put where they are looked for.

    ConfigError if there is none, or none that a function could work with.
    """
    config = fit_for_functions(_read())
    arn = os.environ.get(SECRETS)
    if arn:
        from keyreeve.aws.function_secrets import secret_text
        from keyreeve.aws.sessions import Sessions

        take_secrets(config, secret_text(Sessions(rehearsal=False), arn), os.environ)
    return config


def fit_for_functions(config: Config) -> Config:
    """The config as a function uses it: as its role, whatever profile people have.

    ConfigError where what it writes would be gone with it.
    """
    lost = {
        "storage.directory": config.storage.directory is not None,
        "mail.transport": config.mail.transport is Transport.DIRECTORY,
    }
    for setting, said in lost.items():
        if said:
            raise ConfigError(
                "a function's disk is gone when it ends",
                where=f"{config.path}: {setting}",
                remedy="Use storage.bucket and mail.transport: ses.",
            )
    return config.model_copy(update={"profile": None})


def take_secrets(config: Config, secret: str, into: MutableMapping[str, str]) -> None:
    """Those members of a JSON object that the config reads from the environment; no other.

    ConfigError if it is no such object; what it holds is never told.
    """
    from keyreeve.wiring import SMTP_PASSWORD

    named = (*(each.url_env for each in config.channels), config.heartbeat.url_env)
    wanted = {SMTP_PASSWORD, *filter(None, named)}
    found = _members(secret)
    if found is None:
        raise ConfigError(
            "the secret is no JSON object of texts",
            where=SECRETS,
            remedy=f"Its members are variables, such as {SMTP_PASSWORD}.",
        )
    into.update({name: value for name, value in found.items() if name in wanted})


def _members(text: str) -> dict[str, str] | None:
    """None: it is no object, or one of its members is no text."""
    try:
        members = json.loads(text)
    except ValueError:
        return None
    if not isinstance(members, dict):
        return None
    return members if all(isinstance(value, str) for value in members.values()) else None


def _read() -> Config:
    place = os.environ.get(PLACE, "")
    text = os.environ.get(TEXT)
    if text is not None:
        return parse(text, path=_in_package(f"{FOLDER}/{_NAME}"))
    if place.startswith("s3://"):
        return _from_bucket(place)
    if place:
        return load(_in_package(place))
    packed = _in_package(f"{FOLDER}/{_NAME}")
    if packed.exists():
        return load(packed)
    raise ConfigError(
        "nothing names the config",
        where=PLACE,
        remedy=(
            f"Set it in the function's environment: a path in its package, or s3://BUCKET/KEY; or "
            f"put the whole text into {TEXT}."
        ),
    )


def _in_package(path: str) -> Path:
    return Path(os.environ.get("LAMBDA_TASK_ROOT", ".")) / path


def _from_bucket(place: str) -> Config:
    """Config and access.yaml of a bucket, read anew for each invocation."""
    from keyreeve.aws.s3_store import S3Store
    from keyreeve.aws.sessions import Sessions

    bucket, _, key = place.removeprefix("s3://").partition("/")
    folder, slash, name = key.rpartition("/")
    store = S3Store(Sessions(rehearsal=True).client("s3"), bucket=bucket, prefix=f"{folder}{slash}")
    here = Path(tempfile.gettempdir()) / "keyreeve-config"
    here.mkdir(exist_ok=True)

    def fetch(path: str) -> Path:
        found = store.get(path)
        if found is None:
            raise ConfigError(
                "there is no such object",
                where=f"s3://{bucket}/{folder}{slash}{path}",
                remedy=f"{PLACE} names it, or the config does.",
            )
        (here / path).write_bytes(found.content)
        return here / path

    config = load(fetch(name))
    for path in _named_files(config, here):
        fetch(path)
    return config


def _named_files(config: Config, folder: Path) -> Iterator[str]:
    """Names beside the config. ConfigError for templates, and for what lies elsewhere."""
    if config.texts.templates is not None:
        raise ConfigError(
            "templates of your own lie in a package only",
            where=f"{config.path}: texts.templates",
            remedy="Leave the config in the package: `keyreeve baseline deploy` puts all there.",
        )
    access = config.baseline.access
    if access is not None:
        if access.parent != folder:
            raise _elsewhere(config, "baseline.access", access)
        yield access.name


def _elsewhere(config: Config, setting: str, path: Path) -> ConfigError:
    return ConfigError(
        f"{path} does not lie beside or below the config, so that no function would find it",
        where=f"{config.path}: {setting}",
        remedy="Move it there, and name it relative to the config.",
    )


# --- from here ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCode:
    """The package of a project: its own config is in it."""

    content: bytes
    """The zip."""
    architecture: str
    runtime: str
    """In AWS's words, such as python3.13."""


def run_code(config: Config) -> RunCode | None:
    """What `baseline.package` names, with the config; None where nothing is named.

    ConfigError if it cannot be read, or no function could work with the config.
    """
    path = config.baseline.package
    if path is None:
        return None
    package = _package(path)
    return RunCode(
        content=package.with_files(config_files(config)),
        architecture=package.target.architecture.value,
        runtime=f"python{package.target.python}",
    )


def _package(path: Path) -> RunPackage:
    from keyreeve.local.run_package import read

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}",
            where=f"{path} (baseline.package)",
            remedy=f"`keyreeve package lambda --out {path.name}` makes it.",
        ) from None
    return read(content, where=str(path))


def config_files(config: Config) -> Mapping[str, bytes]:
    """config.yaml and what it names, by their path in the package.

    ConfigError where the function would not find a file, or could not work with the config.
    """
    here = config.path.parent.absolute()
    text = config.path.read_bytes()
    there = parse(text.decode("utf-8-sig"), path=_TASK_ROOT / FOLDER / _NAME)
    fit_for_functions(there)
    files = {f"{FOLDER}/{_NAME}": text}
    for setting, path, packed in (
        ("baseline.access", config.baseline.access, there.baseline.access),
        ("texts.templates", config.texts.templates, there.texts.templates),
    ):
        if path is None or packed is None:
            continue
        at = Path(os.path.normpath(packed))
        if not at.is_relative_to(_TASK_ROOT / FOLDER):
            raise _elsewhere(config, setting, path)
        for file in (path,) if path.is_file() else sorted(path.rglob("*")):
            if file.is_file():
                below = os.path.relpath(file, here)
                files[f"{FOLDER}/{Path(below).as_posix()}"] = file.read_bytes()
    return files
