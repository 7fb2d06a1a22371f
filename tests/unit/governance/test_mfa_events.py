"""Whom an event of CloudTrail is about (S2.T2, S2.T3)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keyreeve.governance.mfa_events import Everyone, NotForUs, Subject, subject

ADMIN = {
    "type": "IAMUser",
    "userName": "ada.admin",
    "arn": "arn:aws:iam::123456789012:user/ada.admin",
}
SESSION = {
    "type": "AssumedRole",
    "arn": "arn:aws:sts::123456789012:assumed-role/Provisioner/ada.admin",
    "sessionContext": {"sessionIssuer": {"userName": "Provisioner"}},
}
ROOT = {"type": "Root", "arn": "arn:aws:iam::123456789012:root"}


def event(name, asked=None, *, caller=ADMIN, **more):
    detail = {
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "eventID": "e-1",
        "userIdentity": caller,
        "requestParameters": asked,
        **more,
    }
    return {"source": "aws.iam", "detail-type": "AWS API Call via CloudTrail", "detail": detail}


def tagged(*keys, user="bob"):
    return {"userName": user, "tags": [{"key": key, "value": "x"} for key in keys]}


@pytest.mark.parametrize(
    ("given", "whom"),
    [
        # S2.T2: the enrolled user, not the caller.
        (event("EnableMFADevice", {"userName": "bob", "serialNumber": "s"}), "bob"),
        (event("EnableMFADevice", {"userName": "bob"}, caller=SESSION), "bob"),
        (event("EnableMFADevice", {"userName": "bob"}, caller=ROOT), "bob"),
        (event("EnableMFADevice", {"serialNumber": "s"}), "ada.admin"),
        (event("EnableMFADevice", None), "ada.admin"),
        (event("DeactivateMFADevice", {"userName": "bob"}), "bob"),
        (event("CreateUser", {"userName": "bob"}), "bob"),
        (event("TagUser", tagged("FunctionalGroup")), "bob"),
        (event("UntagUser", {"userName": "bob", "tagKeys": ["email"]}), "bob"),
    ],
)
def test_the_named_user_is_looked_at_else_the_calling_one(given, whom):
    found = subject(given)
    assert isinstance(found, Subject)
    assert (found.user_name, found.event_id) == (whom, "e-1")


@pytest.mark.parametrize(
    "given",
    [
        event("DeleteVirtualMFADevice", {"serialNumber": "arn:aws:iam::123456789012:mfa/bob"}),
        event("DeactivateMFADevice", {"serialNumber": "arn:aws:iam::123456789012:mfa/bob"}),
        event("DeleteVirtualMFADevice", None, caller=ROOT),
        {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    ],
)
def test_an_event_that_names_nobody_asks_for_a_sweep(given):
    assert isinstance(subject(given), Everyone)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        # S2.T3
        (event("EnableMFADevice", {"userName": "bob"}, errorCode="AccessDenied"), "AccessDenied"),
        (event("EnableMFADevice", {"userName": "AWS ROOT USER"}, caller=ROOT), "root user"),
        (event("EnableMFADevice", {"serialNumber": "s"}, caller=ROOT), "names no user"),
        (event("EnableMFADevice", None, caller=SESSION), "names no user"),
        (event("ListUsers", {}), "ListUsers moves nobody"),
        (event("EnableMFADevice", {"userName": "bob"}, eventSource="sso.amazonaws.com"), "no IAM"),
        ({}, "no IAM"),
        ({"detail": "text"}, "no IAM"),
        ({"detail": {"eventSource": "iam.amazonaws.com"}}, "nameless"),
        (event("TagUser", "text", caller="text"), "names no user"),
    ],
)
def test_what_is_not_for_us_says_why(given, why):
    found = subject(given)
    assert isinstance(found, NotForUs)
    assert why in found.reason


@pytest.mark.parametrize(
    ("given", "author"),
    [
        (event("TagUser", tagged("FunctionalGroup")), "ada.admin"),
        (event("CreateUser", tagged("email", "FunctionalGroup")), "ada.admin"),
        (event("TagUser", tagged("FunctionalGroup"), caller=SESSION), "ada.admin"),
        (
            event(
                "TagUser",
                tagged("FunctionalGroup"),
                caller={**SESSION, "sessionContext": {"sourceIdentity": "bob"}},
            ),
            "bob",
        ),
    ],
)
def test_an_event_that_sets_the_role_tag_tells_who_set_it(given, author):
    found = subject(given)
    assert isinstance(found, Subject)
    assert found.tagged_by is not None
    assert found.tagged_by.user_name == author


@pytest.mark.parametrize(
    "given",
    [
        event("TagUser", tagged("Department")),
        event("CreateUser", {"userName": "bob"}),
        event("EnableMFADevice", tagged("FunctionalGroup")),
    ],
)
def test_other_events_tell_no_author(given):
    found = subject(given)
    assert isinstance(found, Subject)
    assert found.tagged_by is None


def test_the_role_tag_is_called_as_the_model_says():
    found = subject(event("TagUser", tagged("Duty")), role_tag="Duty")
    assert isinstance(found, Subject)
    assert found.tagged_by is not None


def test_an_author_is_told_with_the_value_and_the_instant():
    """What the event says may be older than the tag that is there."""
    told = event("TagUser", tagged("FunctionalGroup"), eventTime="2026-01-05T06:00:00Z")
    found = subject(told)
    assert isinstance(found, Subject)
    assert found.tagged_by is not None
    assert found.tagged_by.value == "x"
    assert found.tagged_by.at == datetime(2026, 1, 5, 6, tzinfo=UTC)


def test_another_spelling_of_the_key_sets_the_same_tag():
    """AWS: IAM's tag keys ignore case."""
    found = subject(event("TagUser", tagged("functionalgroup")))
    assert isinstance(found, Subject)
    assert found.tagged_by is not None
