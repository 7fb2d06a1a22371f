"""EventBridge's targets: SNS, Lambda and SQS, with policies, inputs and dead-letter queues.

AWS: a target's own policy lets EventBridge in; Input, InputPath and InputTransformer make what it
gets; what cannot be delivered goes to the target's dead-letter queue; a disabled rule does nothing.
moto's PutEvents fails on topics and functions, ignores Input, asks no policy and no state.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from keyreeve.sandbox.chain.targets import SERVED, deliver
from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Serve these targets ourselves, after the call was answered."""
    from moto.events.models import Rule

    stock = Rule.send_to_targets

    def send_to_targets(self: Any, original_event: Any, **options: Any) -> None:
        if not self.state.startswith("ENABLED"):
            return
        ours = [it for it in self.targets if it["Arn"].split(":")[2] in SERVED]
        others = [it for it in self.targets if it not in ours]
        if ours and self.event_pattern.matches_event(original_event):
            event = _told(original_event)
            for target in ours:
                world.afterwork.submit(partial(deliver, world, self, target, event))
        if others:
            kept, self.targets = self.targets, others
            try:
                stock(self, original_event, **options)
            finally:
                self.targets = kept

    replace(Rule, send_to_targets=send_to_targets)


def _told(event: Any) -> dict[str, Any]:
    """As targets get it: `time` as text, without moto's own fields."""
    at = datetime.fromtimestamp(float(event["time"]), UTC)
    kept = {name: value for name, value in event.items() if name != "ingestion-time"}
    return {**kept, "time": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
