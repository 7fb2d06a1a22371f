"""An asymmetric key of AWS KMS, as ports.evidence.Signer.

The message is signed as it is (`MessageType: RAW`, at most 4,096 bytes): KMS computes its digest.
RSA signs with PKCS #1 v1.5, whose signature of one message is always the same; ECDSA's never is.
Source: KMS Developer Guide, "Offline verification with key pairs"; KMS API, Sign, GetPublicKey.
"""

from __future__ import annotations

import base64
from functools import cached_property
from typing import Any, Final

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import AwsFailure, ConfigError
from keyreeve.model.evidence import SigningKey

_LINE: Final = 64
_ALGORITHMS: Final = {
    "RSASSA_PKCS1_V1_5_SHA_256": "sha256",
    "ECDSA_SHA_256": "sha256",
    "ECDSA_SHA_384": "sha384",
    "ECDSA_SHA_512": "sha512",
}
"""What `openssl dgst -verify` takes without further options; the first that the key knows."""


class KmsSigner:
    """One key, by id, ARN or alias; asked for its public half once."""

    def __init__(self, sessions: Sessions, key_id: str) -> None:
        self._sessions = sessions
        self._key_id = key_id

    def key(self) -> SigningKey:
        """Its public half. ConfigError if there is no such key, or it does not sign."""
        return self._key

    @cached_property
    def _key(self) -> SigningKey:
        try:
            answer = self._public_key()
        except AwsFailure as failure:
            raise ConfigError(
                f"{failure.call}: {failure.what}",
                where=f"--sign {self._key_id}",
                remedy=failure.remedy
                or "Name an asymmetric key of KMS for SIGN_VERIFY, and allow "
                "kms:GetPublicKey and kms:Sign on it.",
            ) from failure
        known = answer.get("SigningAlgorithms", ())
        algorithm = next((each for each in _ALGORITHMS if each in known), None)
        if algorithm is None:
            raise ConfigError(
                "the key signs with no algorithm that openssl verifies without more",
                where=f"--sign {self._key_id}",
                remedy="Use a key for SIGN_VERIFY of type RSA_2048 or larger, or ECC_NIST_P256.",
            )
        return SigningKey(
            key_id=answer["KeyId"],
            algorithm=algorithm,
            hash_name=_ALGORITHMS[algorithm],
            public_key=_pem(answer["PublicKey"]),
        )

    @calling("kms:GetPublicKey")
    def _public_key(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.get_public_key(KeyId=self._key_id)
        return answer

    @calling("kms:Sign")
    def sign(self, message: bytes) -> bytes:
        """The signature, in DER for ECDSA. AwsFailure if KMS refuses."""
        answer = self._client.sign(
            KeyId=self._key_id,
            Message=message,
            MessageType="RAW",
            SigningAlgorithm=self._key.algorithm,
        )
        signature: bytes = answer["Signature"]
        return signature

    @property
    def _client(self) -> Any:
        return self._sessions.client("kms")


def _pem(der: bytes) -> bytes:
    text = base64.b64encode(der).decode()
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return "\n".join(
        ["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]
    ).encode()
