"""The use of a key, as AWS tells it: by script where the emulator would not say it, else by it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from tests.contract.conftest import Account, ScriptedAws

from keyreeve.aws.key_usage import ELSEWHERE, UNNAMED, AwsKeyUsage
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import Malformed, NotFound
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.snapshot import Absent
from keyreeve.ports.usage import KeyUsageReader

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)
KEY = AccessKeyId("AKIAIOSFODNN7EXAMPLE")


def reader(*regions: str) -> KeyUsageReader:
    return AwsKeyUsage(
        Sessions(rehearsal=True), lambda region: Sessions(rehearsal=True, region=region), *regions
    )


def last_used(inner: str) -> str:
    return (
        "<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult><UserName>ada</UserName>"
        f"{inner}</GetAccessKeyLastUsedResult></GetAccessKeyLastUsedResponse>"
    )


def test_the_last_use_has_its_service_and_region(scripted: ScriptedAws):
    told = (
        "<AccessKeyLastUsed><Region>ap-south-1</Region><ServiceName>s3</ServiceName>"
        "<LastUsedDate>2026-01-14T09:12:00Z</LastUsedDate></AccessKeyLastUsed>"
    )
    scripted.answer(last_used(told))
    use = reader().last_use(KEY)
    assert use.at == datetime(2026, 1, 14, 9, 12, tzinfo=UTC)
    assert (use.service, use.region) == ("s3", "ap-south-1")


def test_a_key_that_was_never_used_has_no_service_and_no_region(scripted: ScriptedAws):
    told = (
        "<AccessKeyLastUsed><Region>N/A</Region><ServiceName>N/A</ServiceName></AccessKeyLastUsed>"
    )
    scripted.answer(last_used(told))
    use = reader().last_use(KEY)
    assert (use.at, use.service, use.region) == (Absent.NEVER, None, None)


def test_an_answer_without_the_use_is_not_read_as_never(scripted: ScriptedAws):
    scripted.answer(last_used(""))
    with pytest.raises(Malformed, match="AccessKeyLastUsed"):
        reader().last_use(KEY)


def test_the_emulator_tells_of_a_new_key_and_of_none(account: Account):
    account.seed.user("ada")
    assert reader().last_use(account.seed.access_key("ada")).at is Absent.NEVER
    with pytest.raises(NotFound):
        reader().last_use(AccessKeyId("AKIA0000000000000000"))


def row(**record: object) -> dict[str, object]:
    usual = {
        "eventSource": "s3.amazonaws.com",
        "sourceIPAddress": "203.0.113.9",
        "userAgent": "[aws-cli/2.15.30 Python/3.11.6]",
    }
    return {
        "EventName": "ListBuckets",
        "EventTime": NOW.timestamp(),
        "CloudTrailEvent": json.dumps({**usual, **record}),
    }


def test_calls_are_asked_for_by_the_keys_id_page_by_page_and_come_in_clean(
    scripted: ScriptedAws,
):
    hostile = {
        "eventSource": "see evil.example",
        "sourceIPAddress": "evil.example",
        "userAgent": "see https://evil.example/reset",
    }
    broken = {"EventName": "<b>", "EventTime": NOW.timestamp(), "CloudTrailEvent": "no json"}
    scripted.answer(
        json.dumps({"Events": [row()], "NextToken": "t"}),
        json.dumps({"Events": [row(**hostile), broken]}),
    )
    pages = reader().calls(KEY, "eu-central-1", NOW)
    first = next(pages)
    assert len(scripted.asked) == 1
    [call] = first.calls
    assert first.more
    assert (call.event, call.source, call.at) == (
        "s3.amazonaws.com:ListBuckets",
        "203.0.113.9",
        NOW,
    )
    assert call.agent == "aws-cli/2.15.30 Python/3.11.6"
    second = next(pages)
    assert not second.more
    assert [(it.event, it.source, it.agent) for it in second.calls] == [
        ("ListBuckets", ELSEWHERE, UNNAMED),
        ("?", ELSEWHERE, UNNAMED),
    ]
    assert next(pages, None) is None


def test_each_region_is_named_once_the_sdks_own_first(scripted: ScriptedAws):
    assert reader("eu-central-1", "us-east-1").regions() == ("eu-central-1", "us-east-1")
    assert reader("us-east-1", "us-east-1").regions() == ("us-east-1",)
