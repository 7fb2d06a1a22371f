"""A version that Object Lock keeps is refused in AWS's own words.

AWS: AccessDenied, "Access Denied because object protected by object lock.", by which it can be told
from a right that is missing. moto says "Access Denied".
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import replace


def apply() -> None:
    """Say why."""
    from moto.s3.exceptions import AccessDeniedByLock, S3ClientError

    def __init__(self: Any) -> None:  # noqa: N807 - it takes the place of one
        text = "Access Denied because object protected by object lock."
        S3ClientError.__init__(self, "AccessDenied", text)

    replace(AccessDeniedByLock, __init__=__init__)
