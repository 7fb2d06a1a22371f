"""Virtual MFA devices.

AWS: GetMFADevice tells owner and date of one device; a device that does not exist, or is somebody
else's, is not enrolled; one that is in use is not deleted; a user has eight at most; UserName may
be left out where it is the caller's. moto has no GetMFADevice; it enrols and deletes anything.
With enforcement on, EnableMFADevice and ResyncMFADevice ask for two codes that follow each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from keyreeve.sandbox.otp import are_consecutive
from keyreeve.sandbox.patches.replacing import add, replace
from keyreeve.sandbox.world import World

_MOST: Final = 8


def apply(world: World) -> None:
    """Answer GetMFADevice from the users' devices, and look at what is enrolled and deleted."""
    from moto.core.responses import EmptyResult
    from moto.iam.exceptions import IAMException, NoSuchEntity
    from moto.iam.models import IAMBackend
    from moto.iam.responses import IamResponse

    stock: Callable[[Any], Any] = IamResponse.enable_mfa_device

    def resync_mfa_device(self: Any) -> Any:
        serial = self._get_param("SerialNumber")
        user = self.backend.get_user(self._get_param("UserName"))
        if serial not in user.mfa_devices:
            raise NoSuchEntity(f"MFA Device with serial number {serial} does not exist.")
        check(self.backend, serial, *_codes(self))
        return EmptyResult()

    def enable_mfa_device(self: Any) -> Any:
        device = self.backend.virtual_mfa_devices.get(self._get_param("SerialNumber"))
        if device is not None and device.user is None:
            check(self.backend, device.serial_number, *_codes(self))
        return stock(self)

    def check(backend: Any, serial: str, first: str, second: str) -> None:
        if not world.settings.enforce:
            return
        seed = backend.virtual_mfa_devices[serial].base32_string_seed
        if not are_consecutive(seed, first, second, world.clock.now()):
            raise IAMException(
                "InvalidAuthenticationCode", "Authentication code for device is not valid"
            )

    add(IamResponse, get_mfa_device=_get_mfa_device, resync_mfa_device=resync_mfa_device)
    replace(IamResponse, enable_mfa_device=enable_mfa_device)
    replace(
        IAMBackend,
        enable_mfa_device=_enabling(IAMBackend.enable_mfa_device),
        delete_virtual_mfa_device=_deleting(IAMBackend.delete_virtual_mfa_device),
    )


def _get_mfa_device(response: Any) -> Any:
    from moto.core.responses import ActionResult
    from moto.iam.exceptions import NoSuchEntity

    serial, named = response._get_param("SerialNumber"), response._get_param("UserName")
    for user in response.backend.users.values():
        device = user.mfa_devices.get(serial)
        if device is not None and named in (None, user.name):
            told = {"SerialNumber": serial, "EnableDate": device.enable_date}
            return ActionResult({"UserName": user.name, **told})
    raise NoSuchEntity(f"MFA Device with serial number {serial} does not exist.")


def _codes(response: Any) -> tuple[str, str]:
    return response._get_param("AuthenticationCode1"), response._get_param("AuthenticationCode2")


def _enabling(stock: Callable[..., None]) -> Callable[..., None]:
    from moto.iam.exceptions import EntityAlreadyExists, LimitExceededException, NoSuchEntity

    def enable_mfa_device(
        self: Any,
        user_name: str,
        serial_number: str,
        authentication_code_1: str,
        authentication_code_2: str,
    ) -> None:
        user = self.get_user(user_name)
        device = self.virtual_mfa_devices.get(serial_number)
        if device is None:
            raise NoSuchEntity(
                f"VirtualMFADevice with serial number {serial_number} doesn't exist."
            )
        if device.user is not None:
            raise EntityAlreadyExists("MFADevice is already in use.")
        if len(user.mfa_devices) >= _MOST:
            raise LimitExceededException(f"Cannot exceed quota for MfaDevicesPerUser: {_MOST}")
        stock(self, user_name, serial_number, authentication_code_1, authentication_code_2)

    return enable_mfa_device


def _deleting(stock: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    from moto.iam.exceptions import DeleteConflictException

    def delete_virtual_mfa_device(self: Any, serial_number: str) -> None:
        device = self.virtual_mfa_devices.get(serial_number)
        if device is not None and device.user is not None:
            raise DeleteConflictException("MFA VirtualDevice in use. Must deactivate first.")
        stock(self, serial_number)

    return delete_virtual_mfa_device
