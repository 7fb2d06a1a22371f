from __future__ import annotations

import json
from datetime import date

import pytest
from tests.fakes.memory_store import MemoryStore
from tests.proofs.evidence_pack import PERIOD, files_of, story
from tests.scenario.people import ACCOUNT
from tests.unit.storage.test_retention import at, ended, run_id, storage

from keyreeve.codec import verify_pack
from keyreeve.codec.masking import Mask
from keyreeve.codec.seal import canonical, content_digest, digest, seal
from keyreeve.controls.catalogue import CARDS
from keyreeve.model.compliance import Citation, CitedBy
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.evidence import Pack, PackSubject, Period, SigningKey
from keyreeve.model.identifiers import ControlId
from keyreeve.pipeline.evidence import Surroundings, exported, make_pack
from keyreeve.storage.audit_log import StoredAuditLog
from keyreeve.storage.evidence import StoredEvidence

CITED = Citation(framework="CIS AWS Foundations", version="5.0", id="1.13", cited_by=CitedBy.OURS)
AROUND = Surroundings(
    files={"config/config.json": b'{"cc": ["team@example.com"]}\n'},
    cards=CARDS.values(),
    supports={ControlId.ACCESS_KEY_ROTATION: (CITED,)},
    mapping_version="1",
)


class Signer:
    """A key that signs with its own name."""

    def key(self) -> SigningKey:
        return SigningKey(
            key_id="arn:key", algorithm="ECDSA_SHA_256", hash_name="sha256", public_key=b"PEM"
        )

    def sign(self, message: bytes) -> bytes:
        return b"signed " + message


def made(
    store: MemoryStore, period: Period = PERIOD, today: date = date(2026, 2, 1), **more
) -> Pack:
    subject = PackSubject(project="ETV", account_id=ACCOUNT, period=period, version="1.2")
    return make_pack(StoredEvidence(store), subject, AROUND, today, **more)


def test_the_index_says_which_runs_found_what_and_what_that_supports_never_satisfies():
    files = files_of(made(story()).content)
    index = json.loads(files["index.json"])
    rows = {row["control"]: row for row in index["controls"]}
    assert set(rows) == {card.id.value for card in CARDS.values()}
    rotation = rows["access_key_rotation"]
    assert rotation["supports"] == [
        {"framework": "CIS AWS Foundations 5.0", "id": "1.13", "cited_by": "ours"}
    ]
    runs = {name for name in files if name.endswith("/run.json")}
    assert set(rotation["findings"]) <= runs
    counted = {
        name: sum(
            f["control"] == "access_key_rotation" for f in json.loads(files[name])["findings"]
        )
        for name in runs
    }
    assert rotation["findings"] == {name: number for name, number in counted.items() if number}
    sorts = {row["files"]: row["count"] for row in index["sorts"]}
    assert sorts["runs/*"] == len(runs)
    text = files["index.json"].decode() + files["README.txt"].decode()
    assert "satisf" not in text.replace("not satisfies", "")


def test_the_manifest_counts_what_is_there_and_names_the_ends_of_the_chain():
    pack = made(story())
    files = files_of(pack.content)
    manifest = json.loads(files["manifest.json"])
    lines = [
        line
        for name in sorted(files)
        if name.startswith("audit/")
        for line in files[name].splitlines()
    ]
    assert (manifest["audit"]["records"], pack.records) == (len(lines), len(lines))
    assert manifest["audit"]["last"]["digest"] == json.loads(lines[-1])["digest"]
    assert manifest["counts"]["mails"] == sum(name.startswith("mails/") for name in files)
    assert manifest["period"] == {"from": "2026-01-08", "to": "2026-01-15", "zone": "UTC"}
    assert pack.files == len(manifest["files"])
    assert pack.manifest_sha256 == verify_pack.sha256(files["manifest.json"])


def test_what_people_decided_is_told_by_the_records_of_the_log():
    store = storage(1)
    log = StoredAuditLog(store, run_id=run_id(2))
    log.append("people.waived", at(2), {"by": "somebody"})
    log.append("act", at(2), {})
    log.flush()
    period = Period(first=at(0).date(), last=at(3).date())
    history = files_of(made(store, period).content)["decisions/history.jsonl"]
    assert [json.loads(line)["event"] for line in history.splitlines()] == ["people.waived"]


def test_a_period_that_is_not_over_says_so():
    over, running = (
        files_of(made(story(), today=today).content)["README.txt"]
        for today in (date(2026, 1, 16), date(2026, 1, 15))
    )
    assert b"was not over" in running
    assert b"was not over" not in over


def test_a_signed_pack_holds_signature_and_key_and_says_how_it_is_verified():
    content = made(story(), signer=Signer()).content
    files = files_of(content)
    assert files["manifest.sig"] == b"signed " + files["manifest.sha256"]
    assert verify_pack.problems(content) == []
    assert "openssl dgst -sha256 -verify signing-key.pem" in "\n".join(verify_pack.remarks(content))
    without = {name: c for name, c in files.items() if name != "manifest.sig"}
    assert "manifest.sig: it is missing" in verify_pack.problems(verify_pack.packed(without))[0]


def test_a_pack_that_begins_behind_a_purge_is_sound_and_says_where_it_begins():
    store = storage(6)
    ended(store, 0, 2)
    period = Period(first=at(0).date(), last=at(4).date())
    for mask in (False, True):
        pack = made(store, period, mask=mask)
        assert pack.problems == ()
        told = json.loads(files_of(pack.content)["manifest.json"])["audit"]
        assert (told["purged"]["seq"], told["begins"]["seq"]) == (6, 7)


def test_a_beginning_that_nothing_explains_is_found():
    store = storage(6)
    for row in [*store.list("audit/2026/01/01/")]:
        store.delete(row.key)
    pack = made(store, Period(first=at(0).date(), last=at(4).date()))
    assert "nothing tells what stood before record 4" in pack.problems[0]


def test_what_is_broken_in_the_storage_is_packed_and_named_but_cannot_be_masked():
    store = storage(3)
    key = next(row.key for row in store.list("audit/"))
    store.put(key, b"broken\n")
    pack = made(store, Period(first=at(0).date(), last=at(2).date()))
    assert pack.problems[0].startswith(f"{key} line 1: ")
    with pytest.raises(StateUnreadable, match="cannot be masked"):
        made(store, Period(first=at(0).date(), last=at(2).date()), mask=True)


def test_what_has_no_form_that_can_be_masked_is_left_out_and_named():
    store = storage(1)
    store.put("reviews/q1/form.html", b"<p>Ann")
    store.put("reviews/q1/answers.json", b'{"user_name": "ann", "comment": "Ann is nice"}')
    store.put("reviews/q1/list.json", b"[]")
    period = Period(first=at(0).date(), last=at(0).date())
    files = files_of(made(store, period, mask=True).content)
    manifest = json.loads(files["manifest.json"])
    assert manifest["left_out"] == ["reviews/q1/form.html", "reviews/q1/list.json"]
    assert "reviews/q1/form.html" in manifest["originals"]
    assert b"reviews/q1/form.html" in files["README.txt"].replace(b"\n", b" ")
    assert b"ann" not in files["reviews/q1/answers.json"].lower()


@pytest.mark.parametrize("mask", [False, True])
def test_a_masked_pack_tells_the_sums_of_earlier_packs_that_were_masked(*, mask: bool):
    store, period = storage(1), Period(first=at(0).date(), last=at(1).date())
    told = exported(made(store, period, mask=mask), period, masked=mask, signed_by=None)
    log = StoredAuditLog(store, run_id=run_id(1))
    log.append("evidence.exported", at(1), told)
    log.flush()
    files = files_of(made(store, period, mask=True).content)
    whole = b"".join(content for name, content in files.items() if name.startswith("audit/"))
    assert (str(told["manifest_sha256"]).encode() in whole) == mask
    assert (str(told["pack_sha256"]).encode() in whole) == mask


def test_no_sum_of_what_was_kept_is_in_a_masked_pack():
    store = storage(1)
    step = seal({"user_name": "ann", "source_sha256": "ab" * 32, "schema_version": 1})
    part = content_digest(step)[:8]
    store.put(f"reviews/q1/removals/20260101T060000000000Z-AIDA-{part}.json", step)
    feedback = f"feedback/{at(0):%Y/%m/%d}/060000-{content_digest(step)[:16]}.json"
    store.put(feedback, step)
    log = StoredAuditLog(store, run_id=run_id(1))
    log.append("mail.returned", at(1), {"feedback": feedback})
    log.append("run.finished", at(1), {"kept": {"runs/x/run.json": "cd" * 32}})
    log.flush()
    period = Period(first=at(0).date(), last=at(1).date())
    clear, masked = (made(store, period, mask=mask) for mask in (False, True))
    assert masked.problems == ()
    for known in (part, "ab" * 32, "cd" * 32, json.loads(step)["sha256"], content_digest(step)):
        assert known.encode() in clear.content
        assert known.encode() not in masked.content


def test_whoever_has_the_salt_can_show_which_record_a_masked_line_stands_for():
    store = story()
    clear, masked = (files_of(made(store, mask=mask).content) for mask in (False, True))
    mask = Mask(StoredEvidence(store).salt(), ())
    for name in clear:
        if not name.startswith(("audit/", "audit-links/")):
            continue
        for one, two in zip(clear[name].splitlines(), masked[name].splitlines(), strict=True):
            original, standing = json.loads(one), json.loads(two)
            assert standing["original"] == mask.keyed(original["digest"])
            assert standing["original_previous"] == mask.keyed(original["previous"])
            assert original["digest"] not in two.decode()
    originals = json.loads(masked["manifest.json"])["originals"]
    assert {name: mask.keyed(clear[name]) for name in originals} == originals


def test_the_record_of_an_export_says_what_was_taken_out():
    pack = made(story())
    told = exported(pack, PERIOD, masked=False, signed_by=None)
    assert (told["from"], told["to"]) == ("2026-01-08", "2026-01-15")
    assert told["pack_sha256"] == verify_pack.sha256(pack.content)
    assert told["manifest_sha256"] == pack.manifest_sha256


# --- P18: what is missing from the log is missed, by the pack and by whoever gets it --------------

WHOLE = Period(first=at(0).date(), last=at(9).date())


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("left", [0, 1, 17, 18])
def test_a_log_that_was_cut_off_at_its_end_makes_no_sound_pack(left: int, *, mask: bool):
    store = storage()
    assert made(store, WHOLE, mask=mask).problems == ()
    for row in list(store.list("audit/"))[left:]:
        store.delete(row.key)
    pack = made(store, WHOLE, mask=mask)
    assert any("missing" in problem for problem in pack.problems)
    assert verify_pack.problems(pack.content) == list(pack.problems)


@pytest.mark.parametrize("mask", [False, True])
def test_a_forged_newest_record_makes_no_sound_pack(*, mask: bool):
    store = storage()
    forge_newest(store)
    assert "record 30" in made(store, WHOLE, mask=mask).problems[0]


def forge_newest(store: MemoryStore) -> None:
    """Another event, with a digest that fits."""
    newest = max(row.key for row in store.list("audit/"))
    fields = json.loads(store.get(newest).content) | {"event": "run.failed"}
    del fields["digest"]
    forged = canonical(fields | {"digest": digest(fields)}) + b"\n"
    store.put(newest, forged)


def test_a_period_after_the_last_run_ends_with_the_newest_record_of_all():
    store = storage()
    later = Period(first=at(12).date(), last=at(14).date())
    assert made(store, later).problems == ()
    forge_newest(store)
    assert "record 30" in made(store, later).problems[0]


def test_the_index_of_a_masked_pack_counts_what_that_of_the_pack_as_kept_counts():
    store = storage(1)
    control = ControlId.ACCESS_KEY_ROTATION.value
    finding = {"control": control, "user_name": control, "user_id": "AIDAEXAMPLEEXAMPLE01"}
    store.put(f"runs/{run_id(0)}/run.json", json.dumps({"findings": [finding]}).encode())
    day = Period(first=at(0).date(), last=at(0).date())
    clear, masked = (files_of(made(store, day, mask=mask).content) for mask in (False, True))
    assert clear["index.json"] == masked["index.json"]
    rows = {row["control"]: row for row in json.loads(masked["index.json"])["controls"]}
    assert rows[control]["findings"] == {f"runs/{run_id(0)}/run.json": 1}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"findings": 3}'])
def test_a_record_of_a_run_that_cannot_be_read_is_no_run_without_findings(content: bytes):
    store = storage(1)
    name = f"runs/{run_id(0)}/run.json"
    store.put(name, content)
    pack = made(store, Period(first=at(0).date(), last=at(0).date()))
    assert [problem.partition(":")[0] for problem in pack.problems] == [name]
    assert json.loads(files_of(pack.content)["index.json"])["not_counted"] == [name]


@pytest.mark.parametrize("mask", [False, True])
def test_an_altered_step_of_a_review_is_named_by_the_export(*, mask: bool):
    store, day = storage(1), Period(first=at(0).date(), last=at(0).date())
    name, written = "reviews/q1/result.json", seal({"decided": "revoke"})
    store.put(name, written)
    assert made(store, day, mask=mask).problems == ()
    store.put(name, written.replace(b"revoke", b"keep"))
    (problem,) = made(store, day, mask=mask).problems
    assert problem.startswith(f"{name}: it was altered")


def test_a_copy_of_a_mail_that_a_stop_never_let_be_made_is_not_missed():
    store = story()
    key = next(row.key for row in store.list("mails/2026/01/12/"))
    kept = store.get(key)
    store.delete(key)
    try:
        assert made(store).problems == ()
    finally:
        store.put(key, kept.content)


def test_a_manifest_of_before_purges_were_told_is_read():
    files = files_of(made(story()).content)
    manifest = json.loads(files["manifest.json"])
    del manifest["audit"]["files_purged_before"]
    files["manifest.json"] = json.dumps(manifest).encode()
    files["manifest.sha256"] = verify_pack.sum_line(files["manifest.json"])
    assert verify_pack.problems(verify_pack.packed(files)) == []
