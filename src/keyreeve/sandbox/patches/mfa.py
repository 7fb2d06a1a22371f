"""GetMFADevice.

AWS: tells owner and date of one device. moto has not implemented it.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import add


def apply() -> None:
    """Answer GetMFADevice from the users' devices."""
    from moto.core.responses import ActionResult
    from moto.iam.exceptions import NoSuchEntity
    from moto.iam.responses import IamResponse

    def get_mfa_device(self: Any) -> Any:
        serial = self._get_param("SerialNumber")
        named = self._get_param("UserName")
        for user in self.backend.users.values():
            device = user.mfa_devices.get(serial)
            if device is not None and named in (None, user.name):
                told = {"SerialNumber": serial, "EnableDate": device.enable_date}
                return ActionResult({"UserName": user.name, **told})
        raise NoSuchEntity(f"MFA Device with serial number {serial} does not exist.")

    add(IamResponse, get_mfa_device=get_mfa_device)
