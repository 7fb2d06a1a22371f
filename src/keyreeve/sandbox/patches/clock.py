"""IAM tells the sandbox's time.

AWS: CreateDate, EnableDate, last use and report times are the time of the call. moto takes wall
time; here IAM takes the settable clock. S3 and STS keep wall time: the lease of a lock is compared
with S3's LastModified, and the SDK compares session expiry with the wall.
"""

from __future__ import annotations

from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Let moto's IAM ask our clock."""
    import moto.iam.models

    replace(moto.iam.models, utcnow=world.naive_now)
