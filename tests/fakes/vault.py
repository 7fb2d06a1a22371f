"""Secrets Manager in memory: who may read what, and in which order it came about."""

from __future__ import annotations

from keyreeve.model.errors import Conflict
from keyreeve.model.notice import SecretPlace
from keyreeve.ports import VaultItem


class FakeVault:
    """A `SecretVault`; `secrets` holds the value of each by its name, None before it has one."""

    def __init__(self) -> None:
        self.secrets: dict[str, str | None] = {}
        self.readers: dict[str, str] = {}
        """The one ARN that may read each secret."""
        self.region = "eu-west-1"
        self.foreign: set[str] = set()
        """Names that somebody else has taken."""

    def name(self, item: VaultItem) -> str:
        return f"keyreeve/etv/{item.user_id}/{item.stem}"

    def keep(self, item: VaultItem, owner_arn: str, content: str) -> SecretPlace:
        name = self.name(item)
        if name in self.foreign or self.secrets.get(name) not in (None, content):
            raise Conflict("the name is taken", call="secretsmanager:CreateSecret")
        self.readers[name] = owner_arn
        self.secrets[name] = content
        return SecretPlace(
            name=name,
            arn=f"arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}-AbCdEf",
            region="eu-west-1",
            console_url=f"https://eu-west-1.console.aws.amazon.com/secretsmanager/secret?name={name}",
        )

    def discard(self, item: VaultItem) -> None:
        self.secrets.pop(self.name(item), None)
