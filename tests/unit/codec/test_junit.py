"""JUnit XML, as a build server reads it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from xml.etree.ElementTree import Element, fromstring

import pytest
from tests.builders import NOW
from tests.unit.codec.reported_findings import everything

from keyreeve.codec.junit import NOT_READ, NOTHING_FOUND, document
from keyreeve.controls.catalogue import CARDS
from keyreeve.model.finding import FindingStatus
from keyreeve.model.snapshot import CollectionGap

FINDINGS = everything()
JUDGED = frozenset(control.value for control in CARDS)
GAP = CollectionGap(step="iam:ListAccessKeys", reason="AccessDenied\n\x00", user_name="zoe")


def read(findings=FINDINGS, failed=(), judged=JUDGED, now=NOW) -> Element:
    return fromstring(document(findings, failed, judged, CARDS, now))


def cases(root: Element, kind: str = "testcase") -> list[Element]:
    inside = root.iter("testcase")
    return list(inside) if kind == "testcase" else [c for c in inside if c.find(kind) is not None]


def test_each_finding_is_one_case_and_open_ones_fail():
    root = read()
    by_status = Counter(finding.status for finding in FINDINGS)
    assert len(cases(root, "failure")) == by_status[FindingStatus.OPEN] > 0
    assert len(cases(root, "skipped")) == by_status[FindingStatus.WAIVED] > 0
    assert len(cases(root)) == len(FINDINGS)
    assert [suite.get("name") for suite in root] == [card.title for card in CARDS.values()]


def test_the_counts_are_those_of_the_cases():
    root = read(failed=[GAP])
    for parent in (root, *root):
        for attribute, kind in {
            "tests": "testcase",
            "failures": "failure",
            "errors": "error",
            "skipped": "skipped",
        }.items():
            assert parent.get(attribute) == str(len(cases(parent, kind)))


def test_a_control_that_found_nothing_passes_and_one_that_was_not_judged_says_nothing():
    root = read(findings=[])
    assert [case.get("name") for case in cases(root)] == [NOTHING_FOUND] * len(CARDS)
    assert [list(case) for case in cases(root)] == [[]] * len(CARDS)
    assert cases(read(findings=[], judged=frozenset())) == []


def test_what_aws_did_not_answer_is_an_error_and_never_a_pass():
    root = read(findings=[], failed=[GAP], judged=frozenset())
    (suite,) = root
    assert suite.get("name") == NOT_READ
    (case,) = suite
    assert case.get("name") == "iam:ListAccessKeys, zoe"
    assert case.find("error").get("message").startswith("AccessDenied ")


def test_a_finding_bears_the_same_name_on_every_day_and_no_other_finding_does():
    today = [(case.get("classname"), case.get("name")) for case in cases(read())]
    later = [
        replace(finding, detail="another day's", observed=99, first_seen=NOW)
        for finding in FINDINGS
    ]
    other = read(later, now=NOW + timedelta(days=1))
    assert [(case.get("classname"), case.get("name")) for case in cases(other)] == today
    assert max(Counter(today).values()) == 1


@pytest.mark.parametrize("name", ["]]>", "<!--", "\x00\x08\ud800\ufffe", "a\nb\u202e", "&lt;😀"])
def test_words_from_outside_break_no_xml_and_hide_nothing(name: str):
    hostile = replace(FINDINGS[0], resource_name=name, detail=name, owner=None)
    case = next(iter(cases(read([hostile]))))
    assert not any(c in case.get("name") for c in "\n\x00\u202e\ud800")
    document([hostile], [], JUDGED, CARDS, NOW).encode("utf-8")


def test_the_same_facts_give_the_same_bytes():
    once, again = (document(everything(), [GAP], JUDGED, CARDS, NOW) for _ in range(2))
    assert once == again
