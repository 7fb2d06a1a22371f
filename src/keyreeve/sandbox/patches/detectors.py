"""GuardDuty has one detector a region.

AWS: CreateDetector where there is one is BadRequestException. moto makes another.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import replace


def apply() -> None:
    """Refuse the second."""
    from moto.core.exceptions import JsonRESTError
    from moto.guardduty.models import GuardDutyBackend

    stock = GuardDutyBackend.create_detector

    def create_detector(self: Any, *args: Any, **kwargs: Any) -> str:
        if self.detectors:
            said = (
                "The request is rejected because a detector already exists for the current account."
            )
            raise JsonRESTError("BadRequestException", said)
        made: str = stock(self, *args, **kwargs)
        return made

    replace(GuardDutyBackend, create_detector=create_detector)
