"""One contract, two vaults: Secrets Manager (the sandbox) and the tests' own fake."""

from __future__ import annotations

import json
from abc import abstractmethod
from contextlib import suppress
from typing import Any, Protocol

import pytest
from botocore.exceptions import ClientError
from tests.fakes.vault import FakeVault
from tests.sandbox_fixture import MONDAY, aws

from keyreeve.aws.secrets_manager import SecretsManagerVault, reading_policy
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import Conflict, KeyreeveError
from keyreeve.ports import SecretVault, VaultItem
from keyreeve.sandbox.process import Sandbox

CONTENT = "User name,Password,Console sign-in URL\r\nann,p w;=1,https://x\r\n"


class Vault(Protocol):
    """A vault, and what lies in it."""

    vault: SecretVault
    owner_arn: str
    item: VaultItem

    @abstractmethod
    def values(self) -> dict[str, str | None]: ...
    @abstractmethod
    def take(self, name: str) -> None:
        """Somebody else's secret gets the name."""


class InMemory:
    def __init__(self) -> None:
        self.vault = FakeVault()
        self.owner_arn = "arn:aws:iam::123456789012:user/ann"
        self.item = VaultItem(user_id="AIDAANN", stem="20260105-a-1")

    def values(self) -> dict[str, str | None]:
        return self.vault.secrets

    def take(self, name: str) -> None:
        self.vault.foreign.add(name)


class InSandbox:
    def __init__(self, sandbox: Sandbox) -> None:
        self.vault = SecretsManagerVault(Sessions(rehearsal=False), project="etv")
        owner = sandbox.user("aged.key")
        self.sandbox, self.owner_arn = sandbox, owner["arn"]
        self.item = VaultItem(user_id=owner["id"], stem="20260105-a-1")
        self.client = aws(sandbox.url, "secretsmanager")

    def values(self) -> dict[str, str | None]:
        found = json.loads(self.sandbox.canonical_state())["secretsmanager"]
        names = [path.split("/", 2)[2] for path in found]
        return {
            name: self.read(name) if found[path]["versions"] else None
            for name, path in zip(names, found, strict=True)
        }

    def read(self, name: str) -> str:
        """As the owner, with the key that the owner has."""
        made = aws(self.sandbox.url, "iam").create_access_key(UserName="aged.key")["AccessKey"]
        try:
            own = aws(
                self.sandbox.url, "secretsmanager", made["AccessKeyId"], made["SecretAccessKey"]
            )
            return own.get_secret_value(SecretId=name)["SecretString"]
        finally:
            self.sandbox.act("aged.key", "delete_key", key=made["AccessKeyId"])

    def take(self, name: str) -> None:
        self.client.create_secret(Name=name, SecretString="theirs")


@pytest.fixture(params=["memory", "sandbox"])
def place(request: pytest.FixtureRequest) -> Vault:
    return InMemory() if request.param == "memory" else request.getfixturevalue("in_sandbox")


@pytest.fixture
def in_sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> InSandbox:
    sandbox.reset("small", MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return InSandbox(sandbox)


def test_the_owner_reads_what_was_kept_byte_for_byte(place: Vault):
    kept = place.vault.keep(place.item, place.owner_arn, CONTENT)
    assert kept.name == place.vault.name(place.item)
    assert place.values() == {kept.name: CONTENT}
    assert kept.name in kept.arn
    assert kept.region == place.vault.region
    assert kept.region in kept.console_url


def test_kept_again_it_is_still_one_secret_with_one_value(place: Vault):
    first = place.vault.keep(place.item, place.owner_arn, CONTENT)
    assert place.vault.keep(place.item, place.owner_arn, CONTENT) == first
    assert place.values() == {first.name: CONTENT}


def test_attempts_users_and_operations_have_secrets_of_their_own(place: Vault):
    others = [
        VaultItem(user_id=place.item.user_id, stem="20260105-a-2"),
        VaultItem(user_id=place.item.user_id, stem="20260105-b-1"),
        VaultItem(user_id="AIDAOTHER", stem="20260105-a-1"),
    ]
    assert len({place.vault.name(item) for item in (place.item, *others)}) == 4


def test_a_name_that_somebody_else_has_taken_is_a_conflict_and_gets_nothing(place: Vault):
    name = place.vault.name(place.item)
    place.take(name)
    with pytest.raises(Conflict):
        place.vault.keep(place.item, place.owner_arn, CONTENT)
    assert CONTENT not in place.values().values()


def test_discarded_it_is_gone_and_its_name_is_free_again(place: Vault):
    place.vault.keep(place.item, place.owner_arn, CONTENT)
    place.vault.discard(place.item)
    place.vault.discard(place.item)
    assert place.values() == {}
    place.vault.keep(place.item, place.owner_arn, CONTENT)
    assert len(place.values()) == 1


# --- Secrets Manager alone ----------------------------------------------------------------------

CALLS = ("CreateSecret", "PutResourcePolicy", "PutSecretValue")


def calls(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [call for call in sandbox.calls() if call["service"] == "secretsmanager"]


def test_the_policy_stands_before_the_value_does(in_sandbox: InSandbox):
    in_sandbox.vault.keep(in_sandbox.item, in_sandbox.owner_arn, CONTENT)
    made, allowed, put = calls(in_sandbox.sandbox)
    assert tuple(call["operation"] for call in (made, allowed, put)) == CALLS
    assert allowed["params"]["BlockPublicPolicy"] is True
    assert 32 <= len(put["params"]["ClientRequestToken"]) <= 64
    name = in_sandbox.vault.name(in_sandbox.item)
    assert made["params"]["Name"] == allowed["params"]["SecretId"] == name
    assert not any("SecretString" in call["params"] for call in (made, allowed, put))


def test_a_key_of_ones_own_is_named_when_the_secret_is_made(in_sandbox: InSandbox):
    vault = SecretsManagerVault(Sessions(rehearsal=False), project="etv", kms_key_id="alias/own")
    vault.keep(in_sandbox.item, in_sandbox.owner_arn, CONTENT)
    assert calls(in_sandbox.sandbox)[0]["params"]["KmsKeyId"] == "alias/own"


def test_nobody_but_the_owner_reads_not_even_who_made_it(in_sandbox: InSandbox):
    kept = in_sandbox.vault.keep(in_sandbox.item, in_sandbox.owner_arn, CONTENT)
    with pytest.raises(ClientError, match="AccessDenied"):
        in_sandbox.client.get_secret_value(SecretId=kept.name)
    assert in_sandbox.read(kept.name) == CONTENT


def test_a_rename_locks_the_owner_not_out_and_a_successor_not_in(in_sandbox: InSandbox):
    kept = in_sandbox.vault.keep(in_sandbox.item, in_sandbox.owner_arn, CONTENT)
    sandbox = in_sandbox.sandbox
    key = sandbox.act("aged.key", "create_key")["key"]
    sandbox.act("aged.key", "rename", to="new.name")
    renamed = aws(sandbox.url, "secretsmanager", key, "any")
    assert renamed.get_secret_value(SecretId=kept.name)["SecretString"] == CONTENT
    sandbox.act("new.name", "delete_user")
    sandbox.act("new.name", "create_user")
    key = sandbox.act("new.name", "create_key")["key"]
    successor = aws(sandbox.url, "secretsmanager", key, "any")
    with pytest.raises(ClientError, match="AccessDenied"):
        successor.get_secret_value(SecretId=kept.name)


def test_the_policy_allows_one_principal_and_denies_everybody_else_by_unique_id():
    document = json.loads(reading_policy("arn:aws:iam::1:user/team/ann", "AIDAANN"))
    allow, deny = document["Statement"]
    assert allow["Principal"] == {"AWS": "arn:aws:iam::1:user/team/ann"}
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert deny["Action"] == "secretsmanager:GetSecretValue"
    assert deny["Condition"] == {"StringNotEquals": {"aws:userid": "AIDAANN"}}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", CALLS)
def test_a_lost_answer_is_made_good_by_the_next_try(
    in_sandbox: InSandbox, operation: str, when: str
):
    in_sandbox.sandbox.plant_fault(operation, answer="drop", when=when, count=5)
    with suppress(KeyreeveError):
        in_sandbox.vault.keep(in_sandbox.item, in_sandbox.owner_arn, CONTENT)
    in_sandbox.sandbox.clear_faults()
    kept = in_sandbox.vault.keep(in_sandbox.item, in_sandbox.owner_arn, CONTENT)
    assert in_sandbox.values() == {kept.name: CONTENT}
    found = json.loads(in_sandbox.sandbox.canonical_state())["secretsmanager"]
    assert [len(secret["versions"]) for secret in found.values()] == [1]


def test_an_error_never_quotes_the_secret(in_sandbox: InSandbox):
    in_sandbox.sandbox.plant_fault("PutSecretValue", code="InternalServiceError", count=9)
    with pytest.raises(KeyreeveError) as caught:
        in_sandbox.vault.keep(in_sandbox.item, in_sandbox.owner_arn, "canary-p4ss")
    assert "canary" not in repr(caught.value) + str(caught.value) + repr(caught.value.__context__)


def test_the_fingerprint_tells_that_a_secret_was_made_and_holds_none(in_sandbox: InSandbox):
    before = in_sandbox.sandbox.fingerprint()
    in_sandbox.vault.keep(in_sandbox.item, in_sandbox.owner_arn, "canary-p4ss")
    assert in_sandbox.sandbox.fingerprint() != before
    assert "canary" not in in_sandbox.sandbox.canonical_state()
    assert "canary" not in json.dumps(in_sandbox.sandbox.calls())


@pytest.mark.parametrize(
    "key", ["credentials/passwords/AIDAANN/20260105-a-2.csv", "k/20260105-a-2"]
)
def test_an_item_is_called_after_its_escrow_object(key: str):
    assert VaultItem.of("AIDAANN", key) == VaultItem(user_id="AIDAANN", stem="20260105-a-2")
