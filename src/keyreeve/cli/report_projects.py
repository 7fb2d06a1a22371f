"""`keyreeve report --projects DIR`: several projects in one overview."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from keyreeve.cli import opening, screen, words
from keyreeve.cli.progress import watched
from keyreeve.model.errors import ConfigError, KeyreeveError

if TYPE_CHECKING:
    from datetime import datetime

    from keyreeve.config import Config
    from keyreeve.model.projects import Overview, ProjectLine, ProjectStanding
    from keyreeve.ports import Progress

INCOMPLETE = 1
_EMPTY = (None,) * 8
"""Cells of a project of which nothing is known."""


def overview(folder: Path, kind: str | None, out: Path | None, as_of: datetime | None) -> int:
    """Every project of the folder; 1 if one of them, or a part of one, could not be read.

    `kind` None: a table on the terminal, a page where a file is named.
    """
    if opening.options().json:
        kind = "json"
    found = _read(folder, as_of)
    if kind is None and out is None:
        _show(found)
    else:
        from keyreeve.render.projects import headline

        screen.give(_written(found, kind or "html"), out, headline(found))
    return 0 if found.complete else INCOMPLETE


# --- reading ----------------------------------------------------------------------------------


def project_files(folder: Path) -> list[Path]:
    """`DIR/*/config.yaml` and `DIR/*.yaml`. ConfigError if there is none."""
    found = sorted({*folder.glob("*/config.yaml"), *folder.glob("*.yaml")})
    if not found:
        raise ConfigError(
            "no config.yaml lies there",
            where=str(folder),
            remedy="One folder per project with a config.yaml in it, or one NAME.yaml per project.",
        )
    return found


def _read(folder: Path, as_of: datetime | None) -> Overview:
    from datetime import UTC, datetime

    from keyreeve.reporting import projects

    paths = project_files(folder)
    configs = {path: _config(path) for path in paths}
    named = {
        config.baseline.access.resolve()
        for config in configs.values()
        if not isinstance(config, KeyreeveError) and config.baseline.access is not None
    }
    lines = []
    with watched(quiet=opening.options().quiet) as progress:
        for path, config in configs.items():
            if path.resolve() in named:
                continue  # an access.yaml beside the projects
            lines.append(_line(path, config, as_of, progress))
    return projects.overview(str(folder), lines, as_of or datetime.now(UTC))


def _config(path: Path) -> Config | KeyreeveError:
    from keyreeve.config import load

    try:
        return load(path)
    except KeyreeveError as error:
        return error


def _line(
    path: Path, config: Config | KeyreeveError, as_of: datetime | None, progress: Progress
) -> ProjectLine:
    """One project, whatever becomes of it: none of them stops another."""
    if isinstance(config, KeyreeveError):
        return _unread(path, path.parent.name if path.name == "config.yaml" else path.stem, config)
    try:
        return _opened(path, config, as_of, progress)
    except KeyreeveError as error:
        return _unread(path, config.project_name, error)
    except Exception as error:  # noqa: BLE001 - what nobody foresaw in one project
        return _unread(path, config.project_name, error)


def _opened(path: Path, config: Config, as_of: datetime | None, progress: Progress) -> ProjectLine:
    from keyreeve.pipeline.projects import read_project
    from keyreeve.reporting.projects import project_line
    from keyreeve.storage.run_records import StoredRunRecords
    from keyreeve.wiring import open_door, wire

    given = opening.options()
    door = open_door(config, execute=False, profile=given.profile, region=given.region, as_of=as_of)
    account = wire(door)
    door = opening.now_of(door, account.tools.states.load(), as_of)
    at = read_project(account, StoredRunRecords(door.store), door.now, progress)
    return project_line(str(path), config.project_name, at, door.now)


def _unread(path: Path, name: str, error: Exception) -> ProjectLine:
    """The first thing that is wrong, how many more there are, and what to do."""
    from keyreeve.codec.redaction import redact
    from keyreeve.reporting.projects import unread_line

    if not isinstance(error, KeyreeveError):
        return unread_line(str(path), name, redact(f"{type(error).__name__}: {error}"))
    where = f"{error.where}: " if error.where else ""
    first, *others = redact(f"{where}{error.what}").splitlines()
    more = f" (and {len(others)} more)" if others else ""
    return unread_line(str(path), name, f"{first}{more}", redact(error.remedy))


# --- writing ----------------------------------------------------------------------------------


def _written(found: Overview, kind: str) -> str:
    from keyreeve.render import projects

    match kind:
        case "csv":
            return projects.rows(found)
        case "json":
            return json.dumps(projects.document(found), indent=1, ensure_ascii=True) + "\n"
        case _:
            return projects.page(found)


def _show(found: Overview) -> None:
    from keyreeve.render.projects import headline

    header = ("Project", "Look at", "Last run", "Exit", "Due today", "Held", "Failed", "Overdue")
    table = screen.Table(
        header=(*header, "Cases", "Next act"),
        right=frozenset({3, 5, 6, 7, 8}),
        folding=frozenset({1, 9}),
    )
    for line in found.lines:
        alarms = ", ".join(alarm.value for alarm in line.alarms) or "in order"
        table.add(line.project, alarms, *(_cells(line.standing) if line.standing else _EMPTY))
    screen.line(f"{headline(found)}.")
    screen.line()
    screen.table(table)
    _explain(found)


def _cells(at: ProjectStanding) -> tuple[object, ...]:
    due = f"{words.count(at.acts_due, 'act')}, {words.count(at.mails_due, 'mail')}"
    act = at.next_act
    coming = f"{words.day(act.on)} {act.user_name} {act.control.value}" if act else ""
    more = f" +{act.more}" if act and act.more else ""
    return (
        f"{at.last_run_at:%Y-%m-%d %H:%M}" if at.last_run_at else "never",
        at.exit_code,
        due,
        at.held,
        "?" if at.failed is None else at.failed,
        at.overdue,
        at.open_cases,
        f"{coming}{more}",
    )


def _explain(found: Overview) -> None:
    """Below the table: stages, and what could not be read and why."""
    for line in found.lines:
        at = line.standing
        told = [] if at is None else [f"not read: {gap}" for gap in at.gaps]
        if at is not None and at.pause:
            told.append(f"paused: {at.pause}")
        if at is not None and at.refusal:
            told.append(f"a run would refuse: {at.refusal}")
        if at is not None and at.cases_by_stage:
            stages = ", ".join(f"{count} {stage.value}" for stage, count in at.cases_by_stage)
            told.append(f"open cases: {stages}")
        if line.problem:
            told = [line.problem, *([f"→ {line.remedy}"] if line.remedy else [])]
        if told:
            screen.heading(screen.safe(f"{line.project} ({line.config})"))
            for each in told:
                screen.line(f"  {screen.safe(each)}")
