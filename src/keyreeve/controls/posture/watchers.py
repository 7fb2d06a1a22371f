"""What watches the account is on: CloudTrail, AWS Config, GuardDuty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from keyreeve.controls.posture.question import Question, Verdicts
from keyreeve.model.account_facts import TrailFacts
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard

CLOUDTRAIL: Final = PostureCard(
    id=PostureId.CLOUDTRAIL_ON,
    title="No CloudTrail trail of all regions is logging",
    severity=Severity.HIGH,
    why="Every call in every region is written down where it cannot be changed.",
    risk="After an incident nobody can tell what was done, by whom and since when.",
    remediation=(
        "`keyreeve baseline deploy audit-trail` makes one with validation and its own key.",
        "Or in CloudTrail, create a trail of all regions, or start the one that stands still.",
    ),
    sources=(
        "S2.20",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-1",
    ),
)

CONFIG: Final = PostureCard(
    id=PostureId.CONFIG_ON,
    title="AWS Config does not record",
    severity=Severity.MEDIUM,
    why="AWS Config writes down how resources were configured, and when that changed.",
    risk="Nobody can tell how a policy or a bucket stood on a given day.",
    remediation=(
        "`keyreeve baseline deploy configuration`, which names what it costs first.",
        "Or start the recorder that stands still.",
    ),
    sources=(
        "S2.29",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/config-controls.html#config-1",
    ),
)

GUARDDUTY: Final = PostureCard(
    id=PostureId.GUARDDUTY_ON,
    title="GuardDuty is off",
    severity=Severity.HIGH,
    why="GuardDuty looks for stolen credentials and strange calls.",
    risk="A stolen key is used for weeks before anybody notices.",
    remediation=(
        "`keyreeve baseline deploy detection`.",
        "Or in GuardDuty, enable the detector of the region.",
    ),
    sources=(
        "S2.28",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/guardduty-controls.html#guardduty-1",
    ),
)


def check_cloudtrail(question: Question) -> Verdicts | None:
    """A trail of all regions that is logging, wherever its home is."""
    trails = question.facts.trails
    return None if trails is None else _cloudtrail(question, trails)


def _cloudtrail(question: Question, trails: tuple[TrailFacts, ...]) -> Verdicts:
    if any(trail.multi_region and trail.logging for trail in trails):
        return
    told = [
        f"{trail.name} {'stands still' if not trail.logging else 'logs one region only'}"
        for trail in trails
    ]
    yield question.finding(
        CLOUDTRAIL,
        question.account,
        f"{'; '.join(told)}." if told else "There is no trail.",
        observed=len(trails),
        threshold="a trail of all regions that is logging",
    )


def check_config(question: Question) -> Verdicts | None:
    """A recorder of the region that records."""
    recorders = question.facts.recorders
    return None if recorders is None else _off(question, CONFIG, recorders, "recorder", "records")


def check_guardduty(question: Question) -> Verdicts | None:
    """A detector of the region that is enabled."""
    detectors = question.facts.detectors
    if detectors is None:
        return None
    return _off(question, GUARDDUTY, detectors, "detector", "is enabled")


def _off(
    question: Question, card: PostureCard, found: Mapping[str, bool], what: str, does: str
) -> Verdicts:
    if any(found.values()):
        return
    where = question.facts.region
    yield question.finding(
        card,
        question.account,
        f"No {what} {does} in {where}: {', '.join(sorted(found))}."
        if found
        else f"There is no {what} in {where}.",
        observed=False,
        threshold=True,
        regional=True,
    )
