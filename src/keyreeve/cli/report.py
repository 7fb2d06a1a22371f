"""`keyreeve report`: documents that people take away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen
from keyreeve.cli.options import example
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.model.access import AccessModel
    from keyreeve.reporting.access_document import AccessReport


@click.command(
    epilog=example(
        "keyreeve report --access --out access.html",
        "keyreeve report --access --format csv > access.csv",
    )
)
@click.option("--access", is_flag=True, help="Who may do what, why and since when.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "csv", "json"]),
    default="html",
    show_default=True,
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: stdout.")
def report(*, access: bool, kind: str, out: Path | None) -> int:
    """Write a document: for now, who may do what.

    From access.yaml and the account: groups, roles, standing rights, and what differs.
    """
    if not access:
        raise ConfigError(
            "which report?", where="report", remedy="--access: who may do what, and since when."
        )
    model, found, project = _read()
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


def _read() -> tuple[AccessModel, AccessReport, str]:
    from keyreeve.aws.group_history import CloudTrailGroupHistory
    from keyreeve.aws.iam_people import IamPeopleReader
    from keyreeve.aws.sessions import Sessions
    from keyreeve.pipeline.access_document import Archives, read_access

    given = opening.options()
    opened = opening.door(execute=False)
    model = opened.config.access_model()
    home = Sessions(
        rehearsal=True, profile=given.profile, region=opened.config.baseline_settings().region
    )
    archives = Archives(
        account=opened.reader,
        people=IamPeopleReader(home),
        history=CloudTrailGroupHistory(home),
    )
    found = read_access(archives, model, opened.caller.account_id, opened.now)
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
