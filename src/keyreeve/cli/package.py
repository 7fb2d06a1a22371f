"""`keyreeve package …`: what Keyreeve runs from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen
from keyreeve.cli.options import example
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.local.run_package import RunPackage

_MEGABYTE = 1_000_000


@click.group(epilog=example("keyreeve package lambda --out keyreeve-lambda.zip"))
def package() -> None:
    """Make what Keyreeve runs from elsewhere."""


@package.command(
    name="lambda",
    epilog=example(
        "keyreeve package lambda --out keyreeve-lambda.zip",
        "keyreeve package lambda --architecture x86_64 --python 3.14 --out x86.zip",
        "keyreeve package lambda --wheels ./wheels --out keyreeve-lambda.zip     (no network)",
    ),
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.zip",
    help="Where to; what is there is replaced.",
)
@click.option(
    "--architecture",
    type=click.Choice(["arm64", "x86_64"]),
    default="arm64",
    show_default=True,
    help="The function's processor; arm64 costs less.",
)
@click.option(
    "--python",
    type=click.Choice(["3.12", "3.13", "3.14"]),
    default="3.13",
    show_default=True,
    help="The function's runtime, whatever this machine has.",
)
@click.option(
    "--wheels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Take the libraries from this folder; no network. [default: pip's index]",
)
def lambda_(*, out: Path, architecture: str, python: str, wheels: Path | None) -> int:
    """Make the zip of the functions on AWS: Keyreeve and its libraries, each by its hash.

    The versions are those that this release was tested with; the same release makes the same
    bytes. Name the file as `baseline.package` in config.yaml, and `keyreeve baseline deploy
    automation --execute` uploads it with the config.
    """
    from keyreeve.local.run_package import make
    from keyreeve.local.wheels import Architecture, Target, run_lock

    if not out.parent.is_dir():
        raise _unwritable(out, "there is no such folder")
    target = Target(architecture=Architecture(architecture), python=python)
    made = make(run_lock(), target, source=wheels)
    screen.keep(made.content, out)
    if opening.options().json:
        screen.json_document(_told(out, made))
    else:
        _show(out, made)
    return 0


def _unwritable(out: Path, why: str) -> ConfigError:
    return ConfigError(
        f"cannot be written: {why}",
        where=str(out),
        remedy="Name a file in a folder that exists and may be written to.",
    )


def _told(out: Path, made: RunPackage) -> dict[str, object]:
    return {
        "schema": "keyreeve.package.lambda/1",
        "file": str(out),
        "sha256": made.sha256,
        "bytes": len(made.content),
        "unpacked_bytes": made.unpacked,
        "architecture": made.target.architecture.value,
        "python": made.target.python,
        "version": made.version,
        "wheels": dict(made.wheels),
    }


def _show(out: Path, made: RunPackage) -> None:
    screen.line(
        f"{screen.safe(str(out))}: Keyreeve {made.version} and {len(made.wheels)} libraries for "
        f"Python {made.target.python} on {made.target.architecture}"
    )
    screen.line(
        f"  {len(made.content) / _MEGABYTE:.1f} MB, unpacked {made.unpacked / _MEGABYTE:.1f} MB"
    )
    screen.line(f"  sha256 {made.sha256}")
