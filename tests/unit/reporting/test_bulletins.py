"""Bulletins in words, and what a bulletin can never be."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest
from tests.builders import NOW
from tests.samples import (
    closing,
    kept_password,
    key_credentials,
    letterhead,
    notice,
    outgoing,
    summary,
)

from keyreeve.aws.sns_channel import SnsChannel
from keyreeve.codec.chat import chat_text
from keyreeve.local.apprise_channel import AppriseChannel
from keyreeve.model.bulletin import Bulletin, RunDigest, kind_of
from keyreeve.model.bulletin_kind import BulletinKind
from keyreeve.model.identifiers import AccountId, RunId, UserId, UserName
from keyreeve.model.notice import (
    Attachment,
    ClosingNotice,
    CredentialsNotice,
    Notice,
    OutgoingMail,
    RenderedMail,
    SecretPlace,
    Summary,
    TeamNotice,
)
from keyreeve.model.plan import Outcome, OutcomeKind, Plan, Refusal
from keyreeve.ports import NewAccessKey
from keyreeve.ports.channels import Channel
from keyreeve.reporting.bulletins import posting, run_digest

FORBIDDEN = (
    Notice,
    ClosingNotice,
    CredentialsNotice,
    OutgoingMail,
    RenderedMail,
    Attachment,
    SecretPlace,
    NewAccessKey,
    bytes,
    object,
    Any,
)


def reached(kind: Any, seen: set[Any]) -> set[Any]:
    """The type, and every type that a value of it can hold."""
    if kind in seen:
        return seen
    seen.add(kind)
    if is_dataclass(kind):
        for name in (field.name for field in fields(kind)):
            reached(get_type_hints(kind)[name], seen)
    for part in get_args(kind):
        reached(part, seen)
    return seen


@pytest.mark.parametrize("channel", [Channel, AppriseChannel, SnsChannel])
def test_a_channel_takes_three_types_and_none_can_hold_a_credential_or_an_owners_notice(
    channel: type,
):
    taken = get_type_hints(channel.tell)["bulletin"]
    assert set(get_args(taken)) == {TeamNotice, Summary, RunDigest}
    assert not reached(Bulletin, set()) & set(FORBIDDEN)
    assert reached(OutgoingMail, set()) & set(FORBIDDEN), "the search finds what there is to find"


@pytest.mark.parametrize(
    "foreign", [notice(), closing(), key_credentials(), kept_password(), outgoing()]
)
def test_whoever_gets_around_the_types_gets_nowhere(foreign: Any):
    with pytest.raises(AssertionError):
        posting(foreign)
    with pytest.raises(AssertionError):
        kind_of(foreign)


def outcome(kind: OutcomeKind, effect: str = "send_notice", reason: str = "") -> Outcome:
    return Outcome(
        kind=kind,
        effect_kind=effect,
        user_id=UserId("AIDA1"),
        user_name=UserName("ann"),
        resource_id="r",
        reason=reason,
    )


def plan(**changes: Any) -> Plan:
    usual: dict[str, Any] = {
        "run_id": RunId("20260105T060000Z-0001"),
        "account_id": AccountId("123456789012"),
        "as_of": NOW,
        "on": NOW.date(),
        "users": (),
    }
    return Plan(**(usual | changes))


def test_a_run_is_told_in_numbers_and_only_failures_by_name():
    done = [outcome(OutcomeKind.DONE)] * 3 + [outcome(OutcomeKind.DONE, "deactivate_access_key")]
    failed = [outcome(OutcomeKind.FAILED, reason=f"no {n}") for n in range(7)]
    digest = run_digest(plan(), [*done, *failed], letterhead())
    assert kind_of(digest) is BulletinKind.RUN
    said = posting(digest)
    assert said.title.endswith("run of 2026-01-05")
    assert "Done: 3 × send notice, 1 × deactivate access key." in said.lines
    assert [line for line in said.lines if "Failed" in line] == [
        f"Failed: send notice, ann: no {n}" for n in range(5)
    ]
    assert said.lines[-1] == "… and 2 more failed."


def test_no_count_is_taken_for_a_secret():
    kinds = ("reset_password", "create_replacement_key", "purge_escrow", "tell_channel")
    digest = run_digest(plan(), [outcome(OutcomeKind.DONE, k) for k in kinds], letterhead())
    body = chat_text(digest).body
    assert all(f"1 × {kind.replace('_', ' ')}" in body for kind in kinds)
    assert "redacted" not in body + chat_text(summary()).body


def test_a_quiet_run_and_a_refused_one_say_so():
    assert "Nothing was due." in posting(run_digest(plan(), [], letterhead())).lines
    refused = plan(refusal=Refusal(reason="half the users are gone", number=20))
    lines = posting(run_digest(refused, [], letterhead())).lines
    assert any("Refused" in line and "half the users are gone" in line for line in lines)


def test_p9_a_channel_hears_how_many_users_could_not_be_judged():
    assert "could not be judged" not in "\n".join(posting(summary()).lines)
    assert "7 could not be judged." in posting(summary(unjudged=7)).lines
