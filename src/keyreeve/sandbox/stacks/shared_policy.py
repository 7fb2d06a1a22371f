"""One policy that a template puts on several topics, or on several queues."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from keyreeve.sandbox.stacks.calling import items, nothing
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.shaping import plain, text


def shared_policy(
    type_: str,
    several: str,
    *,
    put: Callable[[Site, str, str], None],
    read: Callable[[Site, str], str],
    usual: Callable[[Site, str], str],
) -> Kind:
    """A type whose property `several` lists whom the policy is for.

    `put` and `read` take and give one's policy as text (empty: none); `usual`: what one has again
    when the policy is taken away.
    """

    def put_on_each(site: Site, _id: str, new: Props, old: Props) -> None:
        for one in items(new, several):
            put(site, one, text(new["PolicyDocument"]))
        for one in items(old, several):
            if one not in items(new, several):
                put(site, one, usual(site, one))

    def read_the_worst(site: Site, _id: str, props: Props) -> Props:
        """The first that is not as it should be, else the last one."""
        found: Any = None
        for one in items(props, several):
            found = json.loads(read(site, one) or "{}")
            if plain(found) != plain(props["PolicyDocument"]):
                break
        return {"PolicyDocument": found, several: items(props, several)}

    properties = ("PolicyDocument", several)
    return Kind(
        type=type_,
        make=lambda site, _: site.name(),
        remove=nothing,
        facets=(Facet(properties=properties, put=put_on_each, read=read_the_worst, undo=True),),
        required=frozenset(properties),
    )
