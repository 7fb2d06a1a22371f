"""CloudFormation makes what a template says, or fails.

AWS: a stack is complete when every resource is there. moto says CREATE_COMPLETE and skips the types
and properties that it does not know, changes and deletes only some, never rolls back, and has
neither drift nor real change sets. Here keyreeve.sandbox.stacks answers in its place.
"""

from __future__ import annotations

from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Answer CloudFormation by the engine of our own."""
    from keyreeve.sandbox.stacks import api

    api.apply(world)
