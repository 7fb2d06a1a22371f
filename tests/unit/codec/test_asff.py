"""ASFF documents, by botocore's own model of Security Hub and by what AWS documents besides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator
from tests.builders import ACCOUNT, NOW
from tests.unit.codec.reported_findings import CITATIONS, everything

from keyreeve.codec import asff
from keyreeve.controls.catalogue import CARDS
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import ControlId

MODEL = botocore.session.Session().get_service_model("securityhub")
REQUEST = MODEL.operation_model("BatchImportFindings").input_shape
FINDING = MODEL.shape_for("AwsSecurityFinding")
PRODUCT = asff.Product(account_id=ACCOUNT, region="eu-west-1")
FINDINGS = everything()
NEW = asff.documents(FINDINGS, CARDS, CITATIONS, PRODUCT, NOW)
KNOWN = asff.documents(
    FINDINGS, CARDS, CITATIONS, PRODUCT, NOW, known=frozenset(f.uid for f in FINDINGS)
)
GONE = asff.archived(FINDINGS, CARDS, PRODUCT, NOW)
EVERY = [*NEW, *KNOWN, *GONE]
_LONGEST = re.compile(r"Maximum (?:length )?of (\d+)(?! items)(?: length)?")
_MOST = re.compile(r"(?:Maximum number of|up to) (\d+) (?:items?|key-value pairs)")
SECONDS_AND_ZONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def offences(shape: Shape, value: Any, path: str, said: str = "") -> Iterator[str]:
    """All that botocore itself does not check: patterns, enumerations and documented lengths."""
    yield from (f"{path}: {what}" for what in _of_one(shape, value, said))
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            below = shape.members[name]
            yield from offences(below, member, f"{path}.{name}", below.documentation)
    elif isinstance(shape, ListShape):
        for item in value:
            yield from offences(shape.member, item, f"{path}[]")
    elif isinstance(shape, MapShape):
        for item in value.values():
            yield from offences(shape.value, item, f"{path}{{}}")


def _of_one(shape: Shape, value: Any, said: str) -> Iterator[str]:
    allowed = getattr(shape, "enum", ())
    if allowed and value not in allowed:
        yield f"{value!r} is none of {allowed}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.search(pattern, value):
        yield f"{value!r} does not match {pattern}"
    limit = (_LONGEST if isinstance(value, str) else _MOST).search(said)
    if limit and isinstance(value, (str, list, dict)) and len(value) > int(limit[1]):
        yield f"{len(value)} long, at most {limit[1]}"


def test_the_checker_finds_what_it_is_to_find():
    broken = {
        **NEW[0],
        "Id": "x" * 513,
        "Title": " ",
        "RecordState": "GONE",
        "Compliance": {"Status": "FAILED", "RelatedRequirements": ["r"] * 33},
        "Remediation": {"Recommendation": {"Text": "t" * 513}},
        "ProductFields": {str(number): "x" for number in range(51)},
    }
    assert len(list(offences(FINDING, broken, ""))) == 6


@pytest.mark.parametrize("document", EVERY)
def test_every_document_keeps_to_botocores_model_and_its_documented_limits(
    document: dict[str, Any],
):
    report = ParamValidator().validate({"Findings": [document]}, REQUEST)
    assert not report.has_errors(), report.generate_report()
    assert not list(offences(FINDING, document, ""))
    assert len(json.dumps(document)) < 240_000
    assert document["SchemaVersion"] == "2018-10-08"
    assert document["GeneratorId"].startswith("keyreeve/")
    assert document["AwsAccountId"] == ACCOUNT
    assert document["ProductArn"] == (
        f"arn:aws:securityhub:eu-west-1:{ACCOUNT}:product/{ACCOUNT}/default"
    )
    for name in ("CreatedAt", "UpdatedAt"):
        assert SECONDS_AND_ZONE.fullmatch(document[name])
    for given in document["FindingProviderFields"]["Types"]:
        assert given.split("/")[0] == "Software and Configuration Checks"
    for name, value in document.get("ProductFields", {}).items():
        assert len(name) <= 128
        assert 0 < len(value) <= 2048


def test_the_id_is_the_fingerprint_and_one_too_long_stays_itself():
    for finding, document in zip(FINDINGS, NEW, strict=True):
        if len(finding.uid) <= 512:
            assert document["Id"] == finding.uid
    ids = [document["Id"] for document in NEW]
    assert len(set(ids)) == len(ids)
    assert [document["Id"] for document in GONE] == ids == [document["Id"] for document in KNOWN]


def test_of_more_than_32_requirements_every_framework_keeps_some_and_the_rest_is_counted():
    (crowded,) = (d for d in NEW if d["GeneratorId"].endswith(ControlId.CONSOLE_MFA.value))
    kept = crowded["Compliance"]["RelatedRequirements"]
    assert len(kept) == 32
    assert {"B 1 0", "B 1 1"} < set(kept)
    assert crowded["ProductFields"]["keyreeve/RequirementsLeftOut"] == "10"


def test_severity_and_types_of_a_known_finding_stay_its_providers_and_workflow_its_customers():
    assert not any({"Severity", "Types", "Workflow"} & set(d) for d in (*KNOWN, *GONE))
    assert all(d["Severity"] == d["FindingProviderFields"]["Severity"] for d in NEW)
    assert all(d["Types"] == list(asff.TYPES) for d in NEW)


def test_a_waived_finding_arrives_suppressed():
    told = {f.status: d["Workflow"]["Status"] for f, d in zip(FINDINGS, NEW, strict=True)}
    assert told == {FindingStatus.OPEN: "NEW", FindingStatus.WAIVED: "SUPPRESSED"}


def test_what_is_gone_is_archived_and_fails_no_more():
    assert {d["RecordState"] for d in GONE} == {"ARCHIVED"}
    assert {d["Compliance"]["Status"] for d in GONE} == {"PASSED"}
    assert {d["RecordState"] for d in NEW} == {"ACTIVE"}
    assert {d["Compliance"]["Status"] for d in NEW} == {"FAILED"}


def test_a_finding_of_a_control_that_this_version_lacks_can_still_be_archived():
    (document,) = asff.archived(FINDINGS[:1], {}, PRODUCT, NOW)
    assert document["Title"] == FINDINGS[0].control


def test_the_first_day_is_kept_and_the_update_is_todays():
    earlier = NOW - timedelta(days=3)
    (document,) = asff.documents(
        [replace(FINDINGS[0], first_seen=earlier)], CARDS, {}, PRODUCT, NOW
    )
    assert document["CreatedAt"] == document["FirstObservedAt"] == "2026-01-02T06:00:00.000Z"
    assert document["UpdatedAt"] == document["LastObservedAt"] == "2026-01-05T06:00:00.000Z"


def test_an_access_key_is_named_as_security_hub_names_it_with_its_user_beside():
    (document,) = (
        d for d in NEW if d["Id"].startswith("access_key_rotation/") and "AKIA1" in d["Id"]
    )
    key, owner = document["Resources"]
    assert (key["Type"], key["Id"]) == ("AwsIamAccessKey", "AWS::IAM::AccessKey:AKIA1")
    assert (owner["Type"], owner["Id"]) == ("AwsIamUser", f"arn:aws:iam::{ACCOUNT}:user/ann")
    assert "AKIA1" in document["Remediation"]["Recommendation"]["Text"]
