"""What goes wrong, in AWS's words."""

from __future__ import annotations

from keyreeve.sandbox.own_services import Refusal


class Refused(Refusal):
    """CloudFormation does not take the call."""

    def __init__(self, message: str, code: str = "ValidationError") -> None:
        super().__init__(code, message)


class Failed(Exception):
    """A resource could not be made, changed or taken away; the operation turns back."""

    def __init__(self, message: str, code: str = "InvalidRequest") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        """The service's own error code, or that of CloudFormation's handler."""


class Gone(Exception):
    """The world that the stack belonged to was reset."""


def no_stack(name: str) -> Refused:
    """AWS: the same words for stacks that never were and for those that are deleted."""
    return Refused(f"Stack with id {name} does not exist")
