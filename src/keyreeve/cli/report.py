"""`keyreeve report`: documents that people take away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, report_formats, screen
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
        "keyreeve report --format asff > findings.json",
        "keyreeve report --security-hub --execute",
    )
)
@click.option("--access", is_flag=True, help="Who may do what, why and since when.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "csv", "json", "ocsf", "asff"]),
    default="html",
    show_default=True,
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: stdout.")
@click.option("--security-hub", is_flag=True, help="Import the findings into Security Hub.")
@click.option("--execute", is_flag=True, help="Send them; without it, only rehearse.")
@as_of
def report(
    *,
    access: bool,
    kind: str,
    out: Path | None,
    security_hub: bool,
    execute: bool,
    as_of: datetime | None,
) -> int:
    """Write a document: who may do what, or the findings as other tools take them.

    From access.yaml and the account: groups, roles, standing rights, and what differs.
    """
    if security_hub or execute:
        alone = not access and out is None and kind == "html"
        return _to_security_hub(execute=execute, wanted=security_hub, alone=alone, as_of=as_of)
    if kind in report_formats.FORMATS:
        if access:
            raise click.UsageError(f"--format {kind} is of findings: leave out --access.")
        text, code = report_formats.written(kind, opening.door(execute=False, as_of=as_of))
        _put(text, out)
        return code
    if not access:
        raise ConfigError(
            "which report?", where="report", remedy="--access: who may do what, and since when."
        )
    model, found, project = _read(as_of)
    text = _written(found, model, project, kind)
    _put(text, out)
    if out is not None:
        screen.note(f"{out}: {len(found.people)} users, {len(found.to_look_at)} to look at")
    return 0


def _put(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(out)) from None


def _to_security_hub(*, execute: bool, wanted: bool, alone: bool, as_of: datetime | None) -> int:
    if not wanted:
        raise click.UsageError("--execute belongs to --security-hub.")
    if not alone:
        raise click.UsageError("--security-hub writes no document: leave out the other options.")
    opened = opening.door(execute=execute, as_of=as_of)
    return report_formats.send(opened, execute=execute, as_of=as_of)


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
