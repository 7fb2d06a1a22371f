from __future__ import annotations

import pytest

from keyreeve.controls.compliance import MAPPING, VERSION, cited, frameworks, requirements
from keyreeve.model.compliance import Citation, CitedBy
from keyreeve.model.identifiers import AnyControlId, ControlId, PostureId

CIS = "CIS AWS Foundations"


def numbers(control: AnyControlId) -> list[tuple[str, str]]:
    return [(c.version, c.id) for c in MAPPING[control] if c.framework == CIS]


def test_every_control_supports_something_and_nothing_twice():
    assert list(MAPPING) == [*ControlId, *PostureId]
    for row in MAPPING.values():
        assert row
        assert len({(each.title, each.id) for each in row}) == len(row)
        assert all(each.id and "\u2020" not in each.id for each in row)


@pytest.mark.parametrize(
    ("control", "ids"),
    [
        (
            ControlId.ACCESS_KEY_ROTATION,
            [("1.4", "1.14"), ("3.0", "1.14"), ("5.0", "1.13"), ("6.0", "2.13"), ("7.0", "2.12")],
        ),
        (ControlId.PASSWORD_AGE, [("1.2", "1.11")]),
        (
            PostureId.CONFIG_ON,
            [("1.4", "3.5"), ("3.0", "3.3"), ("5.0", "3.3"), ("6.0", "4.3"), ("7.0", "4.3")],
        ),
        (PostureId.GUARDDUTY_ON, []),
    ],
)
def test_every_version_of_cis_has_its_own_number(control, ids):
    assert numbers(control) == ids


def test_what_no_published_mapping_carries_is_marked_as_ours():
    by_id = {each.id: each.cited_by for each in MAPPING[ControlId.ACCESS_KEY_ROTATION]}
    assert by_id["IA-5(1)"] is CitedBy.OURS
    assert by_id["IAM.3"] is CitedBy.PUBLISHED
    assert cited(ControlId.ACCESS_KEY_ROTATION)["ISO 27001:2022"] == ("A.5.15", "A.5.17\u2020")


def test_frameworks_are_named_once_with_their_version():
    assert frameworks() == (
        *(f"{CIS} {version}" for version in ("1.2", "1.4", "3.0", "5.0", "6.0", "7.0")),
        *("AWS Security Hub", "HIPAA", "NIST 800-53 r5", "PCI DSS 4.0.1", "SOC 2"),
        "ISO 27001:2022",
    )
    assert VERSION


def test_a_framework_lists_its_requirements_in_its_own_order_with_what_supports_each():
    found = requirements("CIS AWS Foundations 5.0")
    assert list(found)[:8] == ["1.3", "1.4", "1.6", "1.7", "1.8", "1.9", "1.11", "1.13"]
    assert found["1.11"] == (ControlId.ACCESS_KEY_STALE, ControlId.USER_INACTIVE)
    assert requirements("CIS AWS Foundations 9.9") == {}
    controls = [control for row in requirements("HIPAA").values() for control in row]
    assert set(controls) == {*ControlId, *PostureId}


def test_a_title_is_written_as_the_framework_writes_itself():
    def title(framework: str, version: str) -> str:
        return Citation(framework=framework, version=version, id="1").title

    assert title("SOC 2", "") == "SOC 2"
    assert title("PCI DSS", "4.0.1") == "PCI DSS 4.0.1"
    assert title("ISO 27001", "2022") == "ISO 27001:2022"
