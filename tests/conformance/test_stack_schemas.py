"""The sandbox's resource types against AWS's own schemas of them, as cfn-lint ships them."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from keyreeve.sandbox.stacks.kind import Kind
from keyreeve.sandbox.stacks.kinds import KINDS

REGION = "us-east-1"
OPEN = {"AWS::CloudFormation::CustomResource"}
CASES = [
    pytest.param(kind, id=type_.removeprefix("AWS::"))
    for type_, kind in KINDS.items()
    if type_ not in OPEN
]
FIXED_BY_HAND = {
    # AWS: an update of these fails; the schema says so only in words.
    "AWS::KMS::Key": {"KeySpec", "KeyUsage", "MultiRegion", "Origin"},
    # AWS: "Update requires: Replacement", or its class cannot be changed.
    "AWS::Logs::LogGroup": {"LogGroupClass"},
    "AWS::Events::Rule": {"EventBusName"},
}
NOT_OF_THE_SANDBOX = {
    # Properties that decide at creation about what the sandbox does not have.
    "AWS::Config::ConfigurationRecorder": {"StartedOnCreate"},
    "AWS::Lambda::Function": {"TenancyConfig"},
    "AWS::Lambda::Permission": {"InvokedViaFunctionUrl"},
    "AWS::S3::Bucket": {"BucketNamePrefix", "BucketNamespace"},
}


@cache
def schema(type_: str) -> dict[str, Any]:
    told: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, type_).schema
    return told


def named(pointers: list[str] | None) -> set[str]:
    return {it.removeprefix("/properties/").partition("/")[0] for it in pointers or ()}


@pytest.mark.parametrize("kind", CASES)
def test_every_property_is_one_of_aws(kind: Kind) -> None:
    assert kind.properties <= set(schema(kind.type)["properties"])


@pytest.mark.parametrize("kind", CASES)
def test_what_must_be_given_is_as_on_aws(kind: Kind) -> None:
    assert kind.required == set(schema(kind.type).get("required", ()))


@pytest.mark.parametrize("kind", CASES)
def test_what_means_another_resource_is_as_on_aws(kind: Kind) -> None:
    fixed = named(schema(kind.type).get("createOnlyProperties"))
    unknown = NOT_OF_THE_SANDBOX.get(kind.type, set())
    assert kind.fixed == fixed - unknown | FIXED_BY_HAND.get(kind.type, set())


@pytest.mark.parametrize("kind", [it for it in CASES if it.values[0].identifier])
def test_what_names_an_existing_resource_is_as_on_aws(kind: Kind) -> None:
    assert set(kind.identifier) == named(schema(kind.type)["primaryIdentifier"])
    assert "read" in schema(kind.type)["handlers"]  # AWS imports only what it can read
