"""OCSF documents, by the public models of the schema."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import py_ocsf_models
import pytest
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from py_ocsf_models.objects.cloud import Cloud
from tests.builders import ACCOUNT, NOW
from tests.unit.codec.reported_findings import CITATIONS, everything

from keyreeve.codec import ocsf
from keyreeve.controls.catalogue import CARDS
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import ControlId

FINDINGS = everything()
DOCUMENTS = ocsf.documents(FINDINGS, CARDS, CITATIONS, NOW)


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda document: document["finding_info"]["uid"]
)
def test_every_document_is_a_compliance_finding_of_the_named_version(document: dict[str, object]):
    read = ComplianceFinding.model_validate_json(json.dumps(document), strict=False)
    Cloud.model_validate(document["cloud"])
    assert read.class_uid == 2003
    assert read.category_uid == 2
    assert read.type_uid == read.class_uid * 100 + read.activity_id
    assert read.metadata.version == ocsf.VERSION == py_ocsf_models.OCSF_VERSION
    assert read.time == int(NOW.timestamp() * 1000)
    assert read.compliance.status_id == 3


def test_what_is_written_is_what_the_models_read_back():
    """Nothing of a document is unknown to the models but what the profile `cloud` adds."""
    for document in DOCUMENTS:
        read = ComplianceFinding.model_validate(document).model_dump(exclude_none=True)
        assert set(document) - set(read) == {"cloud"}
        for part in ("finding_info", "metadata", "remediation"):
            assert set(document[part]) == set(read[part])
        assert set(document["compliance"]) - set(read["compliance"]) == {"status"}


def test_the_identity_is_the_findings_fingerprint_and_no_two_share_one():
    uids = [document["finding_info"]["uid"] for document in DOCUMENTS]
    assert uids == [finding.uid for finding in FINDINGS]
    assert max(Counter(uids).values()) == 1


def test_requirements_are_those_that_others_publish_and_the_standards_each_once():
    by_control = {d["metadata"]["event_code"]: d["compliance"] for d in DOCUMENTS}
    cited = by_control[ControlId.ACCESS_KEY_ROTATION.value]
    assert cited["requirements"] == ["CIS AWS Foundations 5.0 1.13", "NIST 800-53 r5 AC-2(1)"]
    assert cited["standards"] == ["CIS AWS Foundations 5.0", "NIST 800-53 r5"]
    assert by_control[ControlId.PASSWORD_AGE.value]["standards"] == []


def test_a_waived_finding_is_suppressed_and_an_open_one_new():
    told = {f.status: d["status_id"] for f, d in zip(FINDINGS, DOCUMENTS, strict=True)}
    assert told == {FindingStatus.OPEN: 1, FindingStatus.WAIVED: 3}


def test_a_finding_seen_before_is_an_update_that_keeps_its_first_day():
    earlier = NOW - timedelta(days=3)
    (document,) = ocsf.documents([replace(FINDINGS[0], first_seen=earlier)], CARDS, {}, NOW)
    assert document["activity_id"] == 2
    assert document["finding_info"]["created_time"] == int(earlier.timestamp() * 1000)


def test_the_same_facts_give_the_same_bytes_and_name_no_second_account():
    again = ocsf.documents(everything(), CARDS, CITATIONS, NOW)
    assert json.dumps(again) == json.dumps(DOCUMENTS)
    assert {document["cloud"]["account"]["uid"] for document in DOCUMENTS} == {ACCOUNT}


def test_words_from_outside_end_no_line_and_turn_no_text_around():
    shown = [
        d["message"] + d["finding_info"]["desc"] + d["resources"][0]["name"] for d in DOCUMENTS
    ]
    assert not any(character in text for text in shown for character in "\n\r\u202e")
