"""What an evidence pack needs from the outside."""

from __future__ import annotations

from typing import Protocol

from keyreeve.model.evidence import Kept, Period, SigningKey


class EvidenceShelf(Protocol):
    """What the storage holds of a period."""

    def kept(self, period: Period) -> Kept:
        """Everything of the period, read now. The escrow is never read."""

    def salt(self) -> bytes:
        """What pseudonyms are made with: made once, kept in the storage, never in a pack."""


class Signer(Protocol):
    """Signs with an asymmetric key that never leaves its place (AWS KMS)."""

    def key(self) -> SigningKey:
        """Its public half. ConfigError if it is no key that signs."""

    def sign(self, message: bytes) -> bytes:
        """The signature of a message of at most 4,096 bytes, as `openssl dgst -verify` takes it."""
