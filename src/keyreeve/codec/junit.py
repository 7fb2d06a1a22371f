"""Findings as JUnit XML, for Jenkins and whatever else shows test results.

A suite a control, a case a finding: open is a failure, waived and excluded are skipped. A control
that was judged and found nothing is one case that passes. What AWS did not answer is an error in a
suite of its own. Names hold nothing that changes from day to day, so that a build server follows a
finding from the first build to the last.

Source: the `junit-10.xsd` of Jenkins's xUnit plugin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from keyreeve.codec.visible import one_line
from keyreeve.model.finding import FindingStatus
from keyreeve.model.snapshot import CollectionGap
from keyreeve.reporting.reported import Card, Reported, steps_for

NOTHING_FOUND: Final = "nothing found"
NOT_READ: Final = "Not read"
_OUTCOMES: Final[Mapping[str, str]] = {
    "failures": "failure",
    "errors": "error",
    "skipped": "skipped",
}
"""Attribute of a suite → the cases that it counts."""


def document(
    findings: Iterable[Reported],
    failed: Iterable[CollectionGap],
    judged: Collection[str],
    cards: Mapping[str, Card],
    now: datetime,
) -> str:
    """The XML, in the order of `cards`; the same for the same arguments.

    `failed`: calls that AWS did not answer; `judged`: controls that were judged of all users.
    """
    by_control: dict[str, list[Reported]] = {}
    for finding in findings:
        by_control.setdefault(finding.control, []).append(finding)
    root = Element("testsuites", name="Keyreeve")
    for control, card in cards.items():
        found = by_control.get(control, [])
        if found or control in judged:
            _suite(root, card.title, now, _cases(control, card, found))
    unread = list(_unread(failed))
    if unread:
        _suite(root, NOT_READ, now, unread)
    _count(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: Element, name: str, now: datetime, cases: Iterable[Element]) -> None:
    stamp = f"{now:%Y-%m-%dT%H:%M:%S}"
    suite = SubElement(root, "testsuite", name=name, timestamp=stamp, time="0")
    suite.extend(cases)
    _count(suite)


def _count(parent: Element) -> None:
    parent.set("tests", str(sum(1 for _ in parent.iter("testcase"))))
    for attribute, kind in _OUTCOMES.items():
        parent.set(attribute, str(sum(1 for _ in parent.iter(kind))))


def _cases(control: str, card: Card, found: Iterable[Reported]) -> Iterator[Element]:
    taken: set[str] = set()
    for finding in found:
        name = _name(finding)
        case = _case(control, name if name not in taken else f"{name} [{finding.uid}]")
        taken.add(name)
        if finding.status is FindingStatus.OPEN:
            said = SubElement(case, "failure", type=finding.severity.value)
            said.text = one_line(" ".join((card.why, *steps_for(finding, card.remediation))))
        else:
            said = SubElement(case, "skipped", type=finding.status.value)
        said.set("message", one_line(finding.detail))
        yield case
    if not taken:
        yield _case(control, NOTHING_FOUND)


def _name(finding: Reported) -> str:
    """Whose, which, and where."""
    owner = finding.owner.name if finding.owner else None
    parts = dict.fromkeys(filter(None, (owner, finding.resource_name, finding.region)))
    return one_line(" ".join(parts))


def _unread(failed: Iterable[CollectionGap]) -> Iterator[Element]:
    for gap in failed:
        about = f"{gap.step}, {gap.user_name}" if gap.user_name else gap.step
        case = _case("not_read", one_line(about))
        SubElement(case, "error", type="not read", message=one_line(gap.reason))
        yield case


def _case(control: str, name: str) -> Element:
    return Element("testcase", classname=f"keyreeve.{control}", name=name, time="0")
