"""GetPublicKey names the key by its ARN (KMS API Reference). moto names it by its id."""

from __future__ import annotations

import json
from typing import Any

from keyreeve.sandbox.patches.replacing import replace


def apply() -> None:
    """Answer with the ARN."""
    from moto.kms.responses import KmsResponse

    stock = KmsResponse.get_public_key

    def get_public_key(self: Any) -> str:
        answer = json.loads(stock(self))
        key, _ = self.kms_backend.get_public_key(answer["KeyId"])
        return json.dumps({**answer, "KeyId": key.arn})

    replace(KmsResponse, get_public_key=get_public_key)
