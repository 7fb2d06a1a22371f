"""`keyreeve report`: documents that people take away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from keyreeve.cli import opening, screen
from keyreeve.cli.options import as_of, example
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime

    from keyreeve.model.access import AccessModel
    from keyreeve.reporting.access_document import AccessReport


@click.command(
    epilog=example(
        "keyreeve report --access --out access.html",
        "keyreeve report --access --format csv > access.csv",
        "keyreeve report --projects customers/ --out overview.html",
    )
)
@click.option("--access", is_flag=True, help="Who may do what, why and since when.")
@click.option(
    "--projects",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="All projects of DIR (DIR/*/config.yaml, DIR/*.yaml) in one overview.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "csv", "json"]),
    default="html",
    show_default=True,
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: stdout.")
@as_of
def report(
    *, access: bool, projects: Path | None, kind: str, out: Path | None, as_of: datetime | None
) -> int:
    """Write a document: for now, who may do what.

    From access.yaml and the account: groups, roles, standing rights, and what differs.
    """
    if projects is not None:
        from keyreeve.cli.report_projects import overview

        if access:
            raise ConfigError(
                "the overview and the access document are two reports",
                where="--projects",
                remedy="Ask for one of them.",
            )
        chosen = click.get_current_context().get_parameter_source("kind")
        default = chosen is ParameterSource.DEFAULT
        return overview(projects, None if default else kind, out, as_of)
    if not access:
        raise ConfigError(
            "which report?", where="report", remedy="--access: who may do what, and since when."
        )
    model, found, project = _read(as_of)
    text = _written(found, model, project, kind)
    if out is None:
        click.echo(text, nl=False)
        return 0
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(out)) from None
    screen.note(f"{out}: {len(found.people)} users, {len(found.to_look_at)} to look at")
    return 0


def _read(as_of: datetime | None) -> tuple[AccessModel, AccessReport, str]:
    from keyreeve.pipeline.access_document import read_access
    from keyreeve.wiring import archives

    opened = opening.door(execute=False, as_of=as_of)
    model = opened.config.access_model()
    found = read_access(archives(opened), model, opened.caller.account_id, opened.now)
    return model, found, opened.config.project_name


def _written(found: AccessReport, model: AccessModel, project: str, kind: str) -> str:
    import json

    from keyreeve.codec.values import to_json
    from keyreeve.render import access_document

    match kind:
        case "csv":
            return access_document.rows(found, model)
        case "json":
            document = {"schema": "keyreeve.report.access/1", "report": to_json(found)}
            return json.dumps(document, indent=1, ensure_ascii=True) + "\n"
        case _:
            return access_document.page(found, model, project)
