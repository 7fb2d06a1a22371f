"""Findings of both kinds to write down, hostile and long ones among them."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

from tests.builders import ACCOUNT, NOW, console, old_key, policy, snapshot, user

from keyreeve.controls.catalogue import CARDS
from keyreeve.controls.evaluation import evaluate
from keyreeve.model.case import State
from keyreeve.model.compliance import Citation, CitedBy
from keyreeve.model.control import Severity
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import ControlId
from keyreeve.model.posture import PostureFinding, ResourceType
from keyreeve.reporting.reported import Reported, of_ladder, of_posture

HOSTILE = 'x<script>alert("1")</script>\n\u202e=cmd|{user}'
CITATIONS = {
    ControlId.ACCESS_KEY_ROTATION: (
        Citation(framework="CIS AWS Foundations", version="5.0", id="1.13"),
        Citation(framework="NIST 800-53", version="r5", id="AC-2(1)"),
        Citation(framework="SOC 2", version="", id="CC6.1", cited_by=CitedBy.OURS),
    ),
    ControlId.CONSOLE_MFA: tuple(
        Citation(framework=framework, version="1", id=str(number))
        for framework in ("A", "B")
        for number in range(40 if framework == "A" else 2)
    ),
}


def posture_finding(**changes: object) -> PostureFinding:
    usual: dict[str, object] = {
        "control": ControlId.INLINE_POLICIES,
        "account_id": ACCOUNT,
        "resource_type": ResourceType.ROLE,
        "resource_id": f"arn:aws:iam::{ACCOUNT}:role/admin",
        "resource_name": "admin",
        "severity": Severity.HIGH,
        "observed": "*",
        "threshold": "none",
        "detail": "Anybody may assume it.",
        "region": "eu-west-1",
    }
    return PostureFinding(**(usual | changes))  # type: ignore[arg-type]


def everything() -> list[Reported]:
    """Every control of the ladder, a hostile name, and one resource name that is far too long."""
    users = (
        user("ann", old_key(1), old_key(2, last_used=NOW - timedelta(days=90))),
        console("bob", mfa_active=False, password_last_changed=NOW - timedelta(days=200)),
        console("eve", password_last_used=NOW - timedelta(days=200), inline_policies=("p",)),
    )
    found = evaluate(snapshot(*users), policy(), NOW).findings
    judged = [
        (f, FindingStatus.WAIVED if f.user_name == "bob" else FindingStatus.OPEN) for f in found
    ]
    long = "n" * 700
    posture = (
        posture_finding(),
        posture_finding(resource_name=HOSTILE, resource_id=HOSTILE, detail=HOSTILE, region=None),
        posture_finding(resource_id=f"{long}1", resource_name=long, detail=long * 3),
        posture_finding(resource_id=f"{long}2"),
    )
    state = State(project="ETV", account_id=ACCOUNT)
    both = list(chain(of_ladder(judged, users, state), of_posture(posture)))
    assert {each.control for each in both} == set(CARDS)
    return both
