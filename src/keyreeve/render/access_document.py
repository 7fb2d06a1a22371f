"""The access document as a page and as CSV."""

from __future__ import annotations

from keyreeve.model.access import AccessModel, TrustModel
from keyreeve.render import spreadsheet
from keyreeve.render.environment import page_environment
from keyreeve.reporting.access_document import AccessReport, Person, Remark

_TRUST = {
    TrustModel.GROUP: "the account, and a policy on each group that allows its own role",
    TrustModel.USERS: "the users that access.yaml names",
}
_HEADER = (
    *("user", "department", "email", "mfa", "group", "role", "why", "since", "by"),
    *("standing", "other_groups", "remarks", "created"),
)


def page(report: AccessReport, model: AccessModel, project: str) -> str:
    """One self-contained HTML file: no script, no network."""
    standing = sum(Remark.STANDING_ADMINISTRATOR in person.remarks for person in report.people)
    template = page_environment().get_template("access.page.html")
    return template.render(
        report=report,
        project=project,
        standing=standing,
        trust=_TRUST[report.trust],
        department=model.tags.department,
    )


def rows(report: AccessReport, model: AccessModel) -> str:
    """CSV, one line for each way that a user has; safe to open in a spreadsheet."""
    cells = (cells for person in report.people for cells in _cells(person, model))
    return spreadsheet.written(_HEADER, cells)


def _cells(person: Person, model: AccessModel) -> list[tuple[str, ...]]:
    first = (
        person.user_name,
        person.tags[model.tags.department],
        person.tags[model.tags.email],
        "yes" if person.mfa else "no",
    )
    last = (
        "; ".join(person.standing),
        "; ".join(person.other_groups),
        "; ".join(remark.value for remark in person.remarks),
        f"{person.created_at:%Y-%m-%d}",
    )
    ways = [
        (
            way.group,
            way.role or "",
            way.why,
            f"{way.since:%Y-%m-%d}" if way.since else "",
            way.by or "",
        )
        for way in person.ways
    ]
    return [(*first, *way, *last) for way in ways or [("", "", "", "", "")]]
