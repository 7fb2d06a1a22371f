"""The access model and the people of these tests."""

from __future__ import annotations

from typing import Any

from keyreeve.model.access import AccessModel, Grant
from keyreeve.model.identifiers import UserId, UserName
from keyreeve.model.people import Member
from keyreeve.model.policy import Exclusion, Match

AWS = "arn:aws:iam::aws:policy/"
GRANTS = (
    Grant(
        functional_group="Administrator",
        group="Administrator",
        role="AdministratorAccessRole",
        policies=(f"{AWS}AdministratorAccess",),
    ),
    Grant(
        functional_group="Developer",
        group="Developers",
        role="DeveloperRole",
        policies=(f"{AWS}PowerUserAccess",),
    ),
    Grant(
        functional_group="Auditor",
        group="Auditor",
        role="AuditorRole",
        policies=(f"{AWS}SecurityAudit",),
    ),
)
MODEL = AccessModel(
    grants=GRANTS,
    exclusions=(Exclusion(match=Match(user="svc-*"), reason="service user"),),
)
ALL = frozenset({"MFA-Setup", "Administrator", "Developers", "Auditor", "Quarantine", "Billing"})
TAGS = {"FunctionalGroup": "Developer", "Department": "Eng", "email": "bob@example.com"}


def member(name: str = "bob", *groups: str, mfa: bool = True, tags: Any = TAGS) -> Member:
    """Bob, a developer with all tags."""
    return Member(
        name=UserName(name),
        user_id=UserId(f"AIDA{name.upper()}"),
        arn=f"arn:aws:iam::123456789012:user/{name}",
        tags=tags,
        groups=frozenset(groups),
        has_mfa=mfa,
    )


def tags(role: str | None = "Developer", **changes: str | None) -> dict[str, str]:
    """All tags, with changes; None takes one away."""
    given = {**TAGS, "FunctionalGroup": role, **changes}
    return {key: value for key, value in given.items() if value is not None}
