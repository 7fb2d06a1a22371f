"""The key of a log group can be changed.

AWS: AssociateKmsKey and DisassociateKmsKey.  moto takes a key at the group's creation only.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import add


def apply() -> None:
    """Serve the two calls."""
    from moto.logs.exceptions import ResourceNotFoundException
    from moto.logs.responses import LogsResponse

    def group_of(self: Any) -> Any:
        named = self._get_param("logGroupName") or self._get_param("resourceIdentifier") or ""
        name = named.partition(":log-group:")[2].removesuffix(":*") or named
        if name not in self.logs_backend.groups:
            raise ResourceNotFoundException("The specified log group does not exist.")
        return self.logs_backend.groups[name]

    def associate_kms_key(self: Any) -> str:
        group_of(self).kms_key_id = self._get_param("kmsKeyId")
        return "{}"

    def disassociate_kms_key(self: Any) -> str:
        group_of(self).kms_key_id = None
        return "{}"

    add(
        LogsResponse, associate_kms_key=associate_kms_key, disassociate_kms_key=disassociate_kms_key
    )
