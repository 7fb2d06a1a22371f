from __future__ import annotations

import pytest
from tests.fakes.memory_store import MemoryStore

from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.errors import StorageConflict
from keyreeve.storage.archive import StoredArchive
from keyreeve.storage.escrow import StoredEscrow

KEY = CredentialKind.ACCESS_KEY
OPERATION = "20260105-a"


def test_a_deposit_is_found_and_read_back_byte_for_byte():
    escrow = StoredEscrow(MemoryStore())
    assert escrow.find(KEY, "AIDA1", OPERATION, 1) is None
    key = escrow.deposit(KEY, "AIDA1", OPERATION, 1, b"a,b\r\n=1,2\r\n")
    assert key == "credentials/access-keys/AIDA1/20260105-a-1.csv"
    assert escrow.find(KEY, "AIDA1", OPERATION, 1) == key
    assert escrow.read(key) == b"a,b\r\n=1,2\r\n"


def test_each_attempt_kind_and_user_has_its_own_deposit():
    escrow = StoredEscrow(MemoryStore())
    escrow.deposit(KEY, "AIDA1", OPERATION, 1, b"1")
    assert escrow.find(KEY, "AIDA1", OPERATION, 2) is None
    assert escrow.find(KEY, "AIDA2", OPERATION, 1) is None
    assert escrow.find(CredentialKind.PASSWORD, "AIDA1", OPERATION, 1) is None


def test_a_deposit_is_never_overwritten_and_a_conflict_tells_no_secret():
    escrow = StoredEscrow(MemoryStore())
    key = escrow.deposit(KEY, "AIDA1", OPERATION, 1, b"first-canary")
    with pytest.raises(StorageConflict) as caught:
        escrow.deposit(KEY, "AIDA1", OPERATION, 1, b"second-canary")
    assert "canary" not in repr(caught.value) + str(caught.value)
    assert escrow.read(key) == b"first-canary"


def test_our_own_deposit_whose_answer_was_lost_does_not_stop_us():
    store = MemoryStore()
    store.lose_answer_to_retry.add("credentials/access-keys/AIDA1/20260105-a-1.csv")
    StoredEscrow(store).deposit(KEY, "AIDA1", OPERATION, 1, b"1")


def test_a_deposit_that_is_gone_says_what_to_do():
    with pytest.raises(StorageConflict, match="Restore"):
        StoredEscrow(MemoryStore()).read("credentials/passwords/AIDA1/20260105-a-1.csv")


def test_everything_that_lies_there_is_told_and_a_purge_takes_one():
    store = MemoryStore()
    escrow = StoredEscrow(store)
    key = escrow.deposit(KEY, "AIDA1", OPERATION, 1, b"1")
    other = escrow.deposit(CredentialKind.PASSWORD, "AIDA2", OPERATION, 3, b"2")
    store.put("credentials/readme.txt", b"somebody else's")
    told = [(one.key, one.kind, one.user_id, one.attempt) for one in escrow.deposits()]
    assert told == [(key, KEY, "AIDA1", 1), (other, CredentialKind.PASSWORD, "AIDA2", 3)]
    escrow.purge(key)
    escrow.purge(key)
    assert [one.key for one in escrow.deposits()] == [other]


def test_the_archive_keeps_below_its_own_folders_only():
    store = MemoryStore()
    archive = StoredArchive(store)
    archive.keep("mails/2026/01/05/x.eml", b"1")
    archive.keep("mails/2026/01/05/x.eml", b"2")
    assert store.get("mails/2026/01/05/x.eml").content == b"2"
    for key in ("state.json", "credentials/x", "ops/x", "audit/x", "lock.json"):
        with pytest.raises(ValueError, match="not below"):
            archive.keep(key, b"")
