from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.data.state.make_state import OLD, OPERATION, USER, V1, content, saved_state

from keyreeve.codec.seal import canonical, content_digest, seal
from keyreeve.codec.state import decode, decode_saved, encode
from keyreeve.model.case import SCHEMA_VERSION, State
from keyreeve.model.errors import StateUnreadable

SMALL = encode(
    State(project="E", account_id="1"), saved_at=datetime(2026, 1, 5, tzinfo=UTC), saved_by="r"
)


def document() -> dict:
    return json.loads(content())


def sealed(changed: dict) -> bytes:
    changed.pop("sha256", None)
    return seal(changed)


def test_the_golden_file_of_schema_1_is_read_as_it_was_meant():
    assert decode_saved(V1.read_bytes()) == saved_state()


def test_a_state_of_a_checkout_that_wrote_it_indented_is_read_and_every_bit_of_it_counts():
    before = V1.with_name("v1-indented.json").read_bytes()
    assert decode_saved(before) == saved_state()
    for at in range(0, len(before), 97):
        turned = bytearray(before)
        turned[at] ^= 1
        with pytest.raises(StateUnreadable):
            decode_saved(bytes(turned))


def test_the_golden_file_of_schema_1_is_what_would_be_written_today():
    assert content() == V1.read_bytes()


def test_the_file_has_the_shape_that_the_interface_promises():
    written = document()
    case = written["users"][USER]
    assert written["schema_version"] == SCHEMA_VERSION
    assert written.keys() >= {"project", "account_id", "keys", "last_run", "summary_sent_on"}
    assert case.keys() >= {"user_name", "thread", "findings"}
    for finding in case["findings"].values():
        assert finding.keys() >= {
            *("control", "resource_id", "first_seen_on", "opened_on", "stage", "notices")
        }
    assert case["findings"]["console_mfa/mfa"]["opened_on"] is None
    assert case["findings"]["console_mfa/mfa"]["stage"] == "pending"
    assert OLD in written["keys"]


def test_the_checksum_is_the_digest_of_the_canonical_json_of_everything_else():
    written = document()
    said = written.pop("sha256")
    assert said == content_digest(canonical(written))


def test_the_same_state_gives_the_same_bytes_whatever_the_order_of_its_parts():
    saved = saved_state()
    turned = replace(saved.state, keys=dict(reversed(saved.state.keys.items())))
    assert encode(turned, saved_at=saved.saved_at, saved_by=saved.saved_by) == content()


def test_a_state_cut_off_at_any_byte_is_refused():
    for length in range(len(SMALL)):
        with pytest.raises(StateUnreadable):
            decode(SMALL[:length])


def test_a_state_with_any_single_bit_flipped_is_refused():
    for index in range(len(SMALL) * 8):
        flipped = bytearray(SMALL)
        flipped[index // 8] ^= 1 << index % 8
        with pytest.raises(StateUnreadable):
            decode(bytes(flipped))


def test_a_byte_put_in_or_taken_out_anywhere_is_refused():
    for index in range(len(SMALL)):
        with pytest.raises(StateUnreadable):
            decode(SMALL[:index] + SMALL[index + 1 :])
        with pytest.raises(StateUnreadable):
            decode(SMALL[:index] + b" " + SMALL[index:])


@pytest.mark.parametrize(
    "garbage",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"schema_version": 1e999}'],
)
def test_what_is_no_state_is_refused_with_a_way_to_repair_it(garbage: bytes):
    with pytest.raises(StateUnreadable, match=r"keyreeve state repair"):
        decode(garbage)


def _set(path: str, value: object) -> object:
    def change(written: dict) -> None:
        *parents, last = path.split(".")
        place = written
        for parent in parents:
            place = place[parent]
        place[last] = value

    return change


def _drop(path: str) -> object:
    def change(written: dict) -> None:
        *parents, last = path.split(".")
        place = written
        for parent in parents:
            place = place[parent]
        del place[last]

    return change


WRONG = [
    (_set("surprise", 1), "unknown field 'surprise'"),
    (_drop("summary_sent_on"), "missing field 'summary_sent_on'"),
    (_set("project", 7), "project: expected text"),
    (_set("saved_at", None), "saved_at: expected a time"),
    (_drop("saved_by"), "saved_by: expected text"),
    (_set("saved_at", "2026-01-12T06:00:00"), "saved_at: expected a time with offset"),
    (_set("summary_sent_on", "20260105"), "summary_sent_on: expected a date"),
    (_set("summary_sent_on", "2026-02-30"), "summary_sent_on: expected a date"),
    (_set("last_run.as_of", "2026-01-12T06:00:00"), "last_run.as_of: expected a time with offset"),
    (_set("last_run.exit_code", True), "last_run.exit_code: expected a whole number"),
    (_set("last_run.exit_code", 1.0), "last_run.exit_code: expected a whole number"),
    (_set("users", []), "users: expected an object"),
    (_set(f"users.{USER}.closing_due", 0), rf"users\[{USER}\].closing_due: expected true or false"),
    (_set(f"users.{USER}.user_id", "AIDAOTHER"), rf"users\[{USER}\].user_id: expected"),
    (_set(f"users.{USER}.addresses", "a@b"), rf"users\[{USER}\].addresses: expected a list"),
    (
        _set(f"users.{USER}.findings.console_mfa/mfa.stage", "furious"),
        r"findings\[console_mfa/mfa\].stage: expected one of pending",
    ),
    (
        _set(f"users.{USER}.findings.console_mfa/mfa.resource_id", "user"),
        r"findings\[console_mfa/mfa\]: expected",
    ),
    (_set(f"users.{USER}.findings.mfa", {}), r"findings\[mfa\]: expected 2 parts"),
    (_set(f"users.{USER}.operations.{OPERATION}.operation_id", "x"), "operation_id: expected"),
    (_set(f"keys.{OLD}.key_id", "AKIAOTHER"), rf"keys\[{OLD}\].key_id: expected"),
    (_set(f"keys.{OLD}.secret", "s"), "unknown field 'secret'"),
    (_set("ledger.someday", {}), r"ledger\[someday\]: expected a date"),
    (_set("population.users", ["A", "A"]), "population.users: expected every member once"),
    (_set("schema_version", "1"), "schema_version: expected a whole number"),
    (_set("schema_version", True), "schema_version: expected a whole number"),
]


@pytest.mark.parametrize(("change", "says"), WRONG, ids=[says for _, says in WRONG])
def test_a_wrong_shape_is_refused_with_the_path_of_the_offence(change, says: str):
    written = document()
    change(written)
    with pytest.raises(StateUnreadable, match=says):
        decode(sealed(written))


def test_twice_the_same_key_and_nan_are_refused():
    for text in (b'{"schema_version": 1, "schema_version": 1}', b'{"schema_version": NaN}'):
        with pytest.raises(StateUnreadable, match=r"stands twice|no JSON"):
            decode(text)


def test_a_newer_schema_says_that_keyreeve_must_be_upgraded_whatever_else_it_holds():
    newer = json.dumps({"schema_version": SCHEMA_VERSION + 1, "rest": "unknown"}).encode()
    with pytest.raises(StateUnreadable, match="Upgrade Keyreeve"):
        decode(newer)


def test_an_older_schema_passes_through_its_migration():
    older = document() | {"schema_version": 0, "old_name": "ETV"}
    del older["project"]

    def rename(found: dict) -> dict:
        project = found.pop("old_name")
        return {**found, "project": project}

    assert decode_saved(sealed(older), migrations={0: rename}) == saved_state()


def test_an_older_schema_without_a_migration_is_refused():
    with pytest.raises(StateUnreadable, match="no way from schema_version 0 to 1"):
        decode(sealed(document() | {"schema_version": 0}))


def test_repair_can_read_a_state_whose_checksum_is_wrong_but_no_wrong_shape():
    edited = content().replace(b'"project": "ETV"', b'"project": "ETW"')
    assert decode_saved(edited, sealed=False).state.project == "ETW"
    with pytest.raises(StateUnreadable):
        decode_saved(edited.replace(b'"slot"', b'"slit"'), sealed=False)


def test_an_inconsistent_state_is_not_written():
    saved = saved_state()
    astray = replace(saved.state, users={"AIDAOTHER": saved.state.users[USER]})
    with pytest.raises(ValueError, match="user_id"):
        encode(astray, saved_at=saved.saved_at, saved_by=saved.saved_by)
    with pytest.raises(ValueError, match="without offset"):
        encode(saved.state, saved_at=datetime(2026, 1, 5), saved_by="r")  # noqa: DTZ001 - the point
