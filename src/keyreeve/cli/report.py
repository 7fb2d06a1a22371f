"""`keyreeve report`: documents that people take away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, report_formats, screen, words
from keyreeve.cli.options import as_of, example
from keyreeve.cli.progress import watched
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime

    from keyreeve.model.access import AccessModel
    from keyreeve.reporting.access_document import AccessReport
    from keyreeve.reporting.report import AccountReport
    from keyreeve.wiring import Door


PARTLY = 1


@click.command(
    epilog=example(
        "keyreeve report --out report.html",
        "keyreeve report --format csv > findings.csv",
        'keyreeve report --framework "SOC 2" --out soc2.html',
        "keyreeve report --access --out access.html",
        "keyreeve report --projects customers/ --out overview.html",
        "keyreeve report --format asff > findings.json",
        "keyreeve report --format junit --out findings.xml",
        "keyreeve report --security-hub --execute",
    )
)
@click.option("--access", is_flag=True, help="Who may do what, why and since when.")
@click.option(
    "--projects",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="All projects of DIR (DIR/*/config.yaml, DIR/*.yaml) in one overview.",
)
@click.option("--security-hub", is_flag=True, help="Import the findings into Security Hub.")
@click.option("--execute", is_flag=True, help="With --security-hub: send; without it, rehearse.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "csv", "json", *report_formats.FORMATS]),
    help="Default: html; json with --output json. ocsf, asff, junit: findings for other tools.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: stdout.")
@click.option(
    "--framework", metavar="NAME", help="Only the controls that support it, such as `SOC 2`."
)
@as_of
def report(
    *,
    access: bool,
    projects: Path | None,
    security_hub: bool,
    execute: bool,
    kind: str | None,
    out: Path | None,
    framework: str | None,
    as_of: datetime | None,
) -> int:
    """Write what stands today as one page: posture, cases, users, keys, evidence.

    Judged as `plan` judges; nothing is changed. The page needs no network. Instead of it: --access,
    who may do what; --projects, several projects at a glance; --security-hub, the findings there.
    """
    _one_report(access=access, projects=projects is not None, security_hub=security_hub)
    if execute and not security_hub:
        raise click.UsageError("--execute belongs to --security-hub.")
    special = access or projects is not None or security_hub or kind in report_formats.FORMATS
    if framework is not None and special:
        raise ConfigError(
            "only the report of an account has a view of a framework",
            where="--framework",
            remedy="Leave out the other option, or leave out --framework.",
        )
    if projects is not None:
        return _projects(projects, kind, out, as_of)
    if security_hub:
        if kind is not None or out is not None:
            raise click.UsageError(
                "--security-hub writes no document: leave out the other options."
            )
        opened = _at_its_time(opening.door(execute=execute, as_of=as_of), as_of)
        return report_formats.send(opened, execute=execute, as_of=as_of)
    if kind in report_formats.FORMATS:
        if access:
            raise click.UsageError(f"--format {kind} is of findings: leave out --access.")
        opened = _at_its_time(opening.door(execute=False, as_of=as_of), as_of)
        text, code = report_formats.written(kind, opened)
        screen.give(text, out, "the findings of the ladder and of posture")
        return code
    kind = kind or ("json" if opening.options().json else "html")
    if not access:
        found = _account(framework, as_of)
        screen.give(_page(found, kind), out, _told(found))
        return 0 if found.all_read else PARTLY
    model, people, project = _read(as_of)
    said = f"{len(people.people)} users, {len(people.to_look_at)} to look at"
    screen.give(_written(people, model, project, kind), out, said)
    return 0


def _at_its_time(opened: Door, as_of: datetime | None) -> Door:
    """An emulator lives in the time of its runs, for every form of the report alike."""
    if not opened.sessions.only_loopback():
        return opened
    return opening.now_of(opened, opening.wired(opened).tools.states.load(), as_of)


def _one_report(**asked: bool) -> None:
    wanted = [f"--{name.replace('_', '-')}" for name, given in asked.items() if given]
    if len(wanted) > 1:
        raise ConfigError(
            f"{' and '.join(wanted)} are different reports",
            where="report",
            remedy="Ask for one of them.",
        )


def _projects(folder: Path, kind: str | None, out: Path | None, as_of: datetime | None) -> int:
    from keyreeve.cli.report_projects import overview

    if kind in report_formats.FORMATS:
        raise click.UsageError(f"--format {kind} is of one account: leave out --projects.")
    return overview(folder, kind, out, as_of)


def _account(framework: str | None, as_of: datetime | None) -> AccountReport:
    from keyreeve.controls.compliance import MAPPING
    from keyreeve.pipeline.account_report import named_framework, read_report
    from keyreeve.wiring.account_report import sources

    if framework is not None:
        named_framework(framework, MAPPING)  # a mistyped name is told before AWS is asked
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
    unread = f" ({figures.unread} not judged)" if figures.unread else ""
    return (
        f"{words.count(figures.users, 'user')}{unread}, "
        f"{words.count(figures.open_findings, 'open finding')}, "
        f"{words.count(figures.cases, 'case')}, "
        f"{words.count(len(found.evidence.lines), 'record')} of evidence"
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
