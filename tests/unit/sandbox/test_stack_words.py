"""The words of templates: functions, equality, and properties as calls want them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.sandbox.stacks.expressions import (
    KNOWN_AFTER,
    NO_VALUE,
    holds,
    references,
    resolve,
)
from keyreeve.sandbox.stacks.refusals import Failed, Refused
from keyreeve.sandbox.stacks.shaping import plain, shaped, words


class Names:
    """A scope of a few names."""

    known = {"Name": "acme", "List": ["a", "b"], "AWS::NoValue": NO_VALUE, "Later": KNOWN_AFTER}  # noqa: RUF012

    def ref(self, name: str) -> Any:
        return self.known[name]

    def attribute(self, resource: str, name: str) -> Any:
        return f"{resource}/{name}"

    def condition(self, name: str) -> bool:
        return name == "Yes"

    def mapping(self, name: str, first: str, second: str) -> Any:
        return f"{name}:{first}:{second}"

    def imported(self, name: str) -> str:
        return f"<{name}>"


NAME, LATER, NOTHING = {"Ref": "Name"}, {"Ref": "Later"}, {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (NAME, "acme"),
        ({"Fn::GetAtt": ["R", "A.B"]}, "R/A.B"),
        ({"Fn::GetAtt": "R.A.B"}, "R/A.B"),
        ({"Fn::Sub": "${Name}-${R.Arn}-${!kept}-$x"}, "acme-R/Arn-${kept}-$x"),
        ({"Fn::Sub": ["${Name}${w}", {"w": NAME}]}, "acmeacme"),
        ({"Fn::Join": ["-", ["a", 1, True, NAME]]}, "a-1-true-acme"),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::Select": [0, {"Ref": "List"}]}, "a"),
        ({"Fn::FindInMap": ["M", NAME, 1]}, "M:acme:1"),
        ({"Fn::ImportValue": {"Fn::Sub": "${Name}-x"}}, "<acme-x>"),
        ({"Fn::If": ["Yes", "a", "b"]}, "a"),
        ({"Fn::If": ["No", "a", NAME]}, "acme"),
        ({"Fn::Base64": NAME}, "YWNtZQ=="),
        ({"Fn::ToJsonString": {"a": NAME}}, '{"a":"acme"}'),
        ({"a": NOTHING, "b": [NOTHING, 1]}, {"b": [1]}),
        ({"a": {"Fn::If": ["No", "a", NOTHING]}}, {}),
        ({"Ref": "Name", "Other": 1}, {"Ref": "Name", "Other": 1}),
        ({"Fn::Split": ["/", LATER]}, KNOWN_AFTER),
        ({"Fn::Select": [3, {"Fn::Split": ["/", LATER]}]}, KNOWN_AFTER),
        ({"Fn::Join": ["/", LATER]}, KNOWN_AFTER),
        ({"Fn::Sub": "${Later}/x"}, KNOWN_AFTER + "/x"),
    ],
)
def test_functions_are_worked_out(written: Any, meant: Any) -> None:
    assert resolve(written, Names()) == meant


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"Fn::Cidr": []}, "does not know the function Fn::Cidr"),
        ({"Fn::Select": [2, ["a"]]}, "nonexistent value at index 2"),
    ],
)
def test_what_cannot_be_worked_out_is_an_error(written: Any, why: str) -> None:
    with pytest.raises(Refused, match=why):
        resolve(written, Names())


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ({"Fn::Equals": [NAME, "acme"]}, True),
        ({"Fn::Equals": [1, "1"]}, True),
        ({"Fn::Equals": [True, "true"]}, True),
        ({"Fn::Not": [{"Condition": "Yes"}]}, False),
        ({"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]}, False),
        ({"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]}, True),
        ({"Fn::Contains": [{"Ref": "List"}, "b"]}, True),
        ({"Fn::Contains": [["x"], NAME]}, False),
    ],
)
def test_conditions_hold_or_do_not(condition: Any, *, held: bool) -> None:
    assert holds(condition, Names()) is held


def test_what_is_no_condition_is_an_error() -> None:
    with pytest.raises(Refused, match="no condition function"):
        holds({"Fn::Sub": "a"}, Names())


@pytest.mark.parametrize(
    ("written", "chosen", "named"),
    [
        ([NAME, {"Fn::GetAtt": "R.A"}], {"Name", "R"}, {"Name", "R"}),
        ({"Fn::Sub": ["${A}${B.c}${d}${!E}", {"d": NAME}]}, {"A", "B", "Name"}, None),
        ({"Fn::If": ["No", {"Ref": "A"}, {"Ref": "B"}]}, {"B"}, {"A", "B"}),
    ],
)
def test_references_are_found_in_chosen_branches_or_in_all(
    written: Any, chosen: set[str], named: set[str] | None
) -> None:
    assert set(references(written, Names())) == chosen
    assert set(references(written)) == (named or chosen)


@given(
    st.recursive(
        st.integers() | st.booleans() | st.text(st.characters(categories=["L"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    )
)
def test_scalars_and_their_text_are_equal(value: Any) -> None:
    assert plain(value) == plain(words(value))


def test_a_policy_and_its_text_are_equal_and_tags_have_no_order() -> None:
    assert plain('{"a": [1]}') == plain({"a": ["1"]})
    a, b = {"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}
    assert plain([a, b]) == plain([b, a])
    assert plain(["a", "b"]) != plain(["b", "a"])


def shape(service: str, operation: str) -> Any:
    return Session().get_service_model(service).operation_model(operation).input_shape


@pytest.mark.parametrize(
    ("service", "operation", "written", "wanted"),
    [
        (
            "logs",
            "PutMetricFilter",
            {
                "FilterName": "f",
                "MetricTransformations": [{"MetricName": "m", "DefaultValue": "0"}],
            },
            {
                "filterName": "f",
                "metricTransformations": [{"metricName": "m", "defaultValue": 0.0}],
            },
        ),
        (
            "cloudwatch",
            "PutMetricAlarm",
            {"Period": "300", "ActionsEnabled": "true", "Threshold": 1},
            {"Period": 300, "ActionsEnabled": True, "Threshold": 1.0},
        ),
        (
            "iam",
            "CreateRole",
            {"AssumeRolePolicyDocument": {"a": 1}},
            {"AssumeRolePolicyDocument": '{"a": 1}'},
        ),
        ("logs", "CreateLogGroup", {"Tags": [{"Key": "a", "Value": 1}]}, {"tags": {"a": "1"}}),
    ],
)
def test_properties_become_what_the_call_wants(
    service: str, operation: str, written: Any, wanted: Any
) -> None:
    assert shaped(written, shape(service, operation)) == wanted


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"Bogus": 1}, r"#: extraneous key \[Bogus\] is not permitted"),
        ({"Period": "soon"}, "#/Period: 'soon' is no integer"),
        ({"ActionsEnabled": "yes"}, "#/ActionsEnabled: 'yes' is no boolean"),
        ({"Dimensions": {"Name": "a"}}, "#/Dimensions: expected type: JSONArray"),
        ({"Dimensions": ["a"]}, "#/Dimensions/0: expected type: JSONObject"),
        ({"Dimensions": [{"Bogus": 1}]}, r"#/Dimensions/0: extraneous key \[Bogus\]"),
    ],
)
def test_a_property_that_does_not_fit_is_an_error_that_says_where(written: Any, why: str) -> None:
    with pytest.raises(Failed, match=why):
        shaped(written, shape("cloudwatch", "PutMetricAlarm"))
