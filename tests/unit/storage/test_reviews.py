"""Reviews are kept step by step, each written once, over any store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests import review_samples as samples
from tests.fakes.memory_store import MemoryStore
from tests.unit.governance.test_reviewing import GONE, TOLD, answers, closed

from keyreeve.codec.review import encode
from keyreeve.codec.seal import content_digest, parse, readable
from keyreeve.local.directory_store import DirectoryStore
from keyreeve.model.errors import StateUnreadable, StorageConflict
from keyreeve.model.review import CampaignId, Closed, Removed, ReviewFile
from keyreeve.pipeline.review import closed_record
from keyreeve.ports import ObjectStore
from keyreeve.storage.reviews import StoredReviews

CAMPAIGN = samples.campaign(samples.PRIYA, samples.TOMAS, others=(samples.QUIET,))
ID = CAMPAIGN.campaign_id
REMOVED = Removed(
    campaign_id=ID,
    user_id=samples.PRIYA.user_id,
    user_name=samples.PRIYA.user_name,
    at=samples.MONDAY,
    by="lee",
    complete=True,
    steps=("leave Developers: done",),
)
STORES: dict[str, Callable[[Path], ObjectStore]] = {
    "memory": lambda _: MemoryStore(),
    "directory": lambda path: DirectoryStore(path, prefix="iam-compliance/etv/"),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return STORES[request.param](tmp_path)


def test_what_is_written_is_read_again(store: ObjectStore):
    reviews = StoredReviews(store)
    assert reviews.campaigns() == ()
    assert reviews.file(ID) is None
    whole = closed(answers(priya=GONE), answers(version=2), answers("boss"))
    assert whole.result is not None
    reviews.begin(CAMPAIGN)
    reviews.keep_form(ID, samples.ANN.name, "review-x-ann.html", b"<!doctype html>")
    reviews.told(TOLD)
    for each in whole.answers:
        reviews.answered(each)
    reviews.close(whole.result)
    reviews.removed(REMOVED)
    assert reviews.campaigns() == (ID,)
    digest = content_digest(encode(whole.result))
    assert reviews.file(ID) == replace(
        whole, told=(TOLD,), removed=(REMOVED,), result_sha256=digest
    )
    assert reviews.closed() == (Closed(result=whole.result, removed=(REMOVED,)),)


def test_an_open_review_is_not_among_the_closed(store: ObjectStore):
    reviews = StoredReviews(store)
    reviews.begin(CAMPAIGN)
    reviews.answered(answers())
    assert reviews.closed() == ()


def test_mails_of_one_instant_are_told_apart(store: ObjectStore):
    reviews = StoredReviews(store)
    reviews.begin(CAMPAIGN)
    reviews.told(TOLD)
    reviews.told(replace(TOLD, message_id="2"))
    reviews.told(replace(TOLD, at=TOLD.at + timedelta(days=1)))
    file = reviews.file(ID)
    assert file is not None
    assert len(file.told) == 3


def test_no_step_is_written_a_second_time_with_other_words(store: ObjectStore):
    reviews = StoredReviews(store)
    result = closed().result
    assert result is not None
    steps = [
        (reviews.begin, CAMPAIGN, replace(CAMPAIGN, name="Another")),
        (reviews.answered, answers(), replace(answers(), late=True)),
        (reviews.close, result, replace(result, closed_by="mallory")),
    ]
    for write, first, second in steps:
        write(first)
        write(first)  # a lost answer, tried again
        with pytest.raises(StorageConflict):
            write(second)
    assert reviews.file(ID) == ReviewFile(
        campaign=CAMPAIGN,
        answers=(answers(),),
        result=result,
        result_sha256=content_digest(encode(result)),
    )


def test_the_digest_of_a_result_is_that_of_the_bytes_as_they_lie_there():
    """Written by an older Keyreeve, fully indented: read as exactly, and not written anew."""
    store, result = MemoryStore(), closed().result
    assert result is not None
    reviews = StoredReviews(store)
    reviews.begin(CAMPAIGN)
    older = readable(parse(encode(result)))
    store.put(f"reviews/{ID}/result.json", older)
    file = reviews.file(ID)
    assert file is not None
    assert file.result == result
    record = closed_record(file, result, file.result_sha256)
    assert record["kept"] == {f"reviews/{ID}/result.json": content_digest(older)}


def test_an_altered_step_is_never_taken_for_what_was_decided(store: ObjectStore):
    reviews = StoredReviews(store)
    reviews.begin(CAMPAIGN)
    key = f"reviews/{ID}/campaign.json"
    found = store.get(key)
    assert found is not None
    store.put(key, found.content.replace(b"priya", b"prija"))
    with pytest.raises(StateUnreadable, match=key):
        reviews.file(ID)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x"])
def test_no_name_leads_elsewhere(name: str):
    with pytest.raises(ValueError, match="one part of a key"):
        StoredReviews(MemoryStore()).file(CampaignId(name))
