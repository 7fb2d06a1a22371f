"""Who waits for a message lets others send it.

AWS: ReceiveMessage with WaitTimeSeconds waits for the next message.  moto waits too; under the
sandbox's one turn nobody else could send meanwhile, so the wait steps aside.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Step aside while waiting."""
    from moto.sqs.models import Queue

    stock = Queue.wait_for_messages

    def wait_for_messages(self: Any, timeout: int) -> None:
        with world.turn.aside():
            stock(self, timeout)

    replace(Queue, wait_for_messages=wait_for_messages)
