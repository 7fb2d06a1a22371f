"""`keyreeve report`: documents that people take away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen
from keyreeve.cli.options import as_of, example
from keyreeve.cli.progress import watched
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime

    from keyreeve.model.access import AccessModel
    from keyreeve.reporting.access_document import AccessReport
    from keyreeve.reporting.report import AccountReport


@click.command(
    epilog=example(
        "keyreeve report --out report.html",
        "keyreeve report --format csv > findings.csv",
        'keyreeve report --framework "SOC 2" --out soc2.html',
        "keyreeve report --access --out access.html",
    )
)
@click.option("--access", is_flag=True, help="Who may do what, why and since when.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "csv", "json"]),
    help="Default: html; json with the global --output json.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: stdout.")
@click.option(
    "--framework", metavar="NAME", help="Only the controls that support it, such as `SOC 2`."
)
@as_of
def report(
    *,
    access: bool,
    kind: str | None,
    out: Path | None,
    framework: str | None,
    as_of: datetime | None,
) -> int:
    """Write what stands today as one page: posture, cases, users, keys, evidence.

    Judged as `plan` judges; nothing is changed. The page needs no network. --access writes who
    may do what instead, from access.yaml and the account.
    """
    kind = kind or ("json" if opening.options().json else "html")
    if not access:
        found = _account(framework, as_of)
        _give(_page(found, kind), out, _told(found))
        return 0
    if framework is not None:
        raise ConfigError(
            "the access document has no view of a framework",
            where="--framework",
            remedy="Leave out --access, or leave out --framework.",
        )
    model, people, project = _read(as_of)
    said = f"{len(people.people)} users, {len(people.to_look_at)} to look at"
    _give(_written(people, model, project, kind), out, said)
    return 0


def _give(text: str, out: Path | None, said: str) -> None:
    """To stdout, or into the file. ConfigError if that cannot be written."""
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot be written: {error.strerror}",
            where=str(out),
            remedy="Name a file in a folder that exists and may be written to.",
        ) from None
    screen.note(f"{out}: {said}")


# --- the account ------------------------------------------------------------------------------


def _account(framework: str | None, as_of: datetime | None) -> AccountReport:
    from keyreeve.pipeline.account_report import named_framework, read_report
    from keyreeve.wiring.account_report import citations, sources

    if framework is not None:
        named_framework(framework, citations())  # a mistyped name is told before AWS is asked
    opened = opening.door(execute=False, as_of=as_of)
    account = opening.wired(opened)
    opened = opening.now_of(opened, account.tools.states.load(), as_of)
    with watched(quiet=opening.options().quiet) as progress:
        return read_report(account, sources(opened), opened.now, progress, framework=framework)


def _page(found: AccountReport, kind: str) -> str:
    import json

    from keyreeve.render import report as rendered

    match kind:
        case "csv":
            return rendered.rows(found)
        case "json":
            return json.dumps(rendered.document(found), indent=1, ensure_ascii=True) + "\n"
        case _:
            return rendered.page(found)


def _told(found: AccountReport) -> str:
    figures = found.figures
    return (
        f"{figures.users} users, {figures.open_findings} open findings, {figures.cases} cases, "
        f"{len(found.evidence.lines)} records of evidence"
    )


# --- who may do what --------------------------------------------------------------------------


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
