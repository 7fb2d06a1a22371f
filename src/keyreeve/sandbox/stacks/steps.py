"""One resource: made, changed, taken in, taken away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed

_GONE: Final = ("NotFound", "NoSuch", "NonExistent", "ResourceDoesNotExist")


def judge(kind: Kind, props: Props) -> None:
    """Failed if a property is missing or not understood."""
    missing = sorted(kind.required - set(props))
    if missing:
        raise Failed(f"Properties validation failed: required key [{missing[0]}] not found")
    unknown = [] if kind.open else sorted(set(props) - kind.properties)
    if unknown:
        raise Failed(
            "Properties validation failed: #: extraneous key "
            f"[{unknown[0]}] is not permitted, or the sandbox does not know it"
        )


def make(kind: Kind, site: Site, props: Props, born: list[str]) -> str:
    """Create; the physical id, which stands in `born` as soon as there is something to remove."""
    judge(kind, props)
    named = str(props.get(kind.name, "")) if kind.name else ""
    if named and kind.present is not None and kind.present(site, named, props):
        raise Failed(
            f"Resource of type '{kind.type}' with identifier '{named}' already exists.",
            "AlreadyExists",
        )
    id_ = kind.make(site, props)
    if not id_:
        raise Failed("The resource has no physical id.")
    born.append(id_)
    for facet in kind.facets:
        if not facet.born and facet.differs(props, {}):
            facet.put(site, id_, props, {})
    return id_


def change(kind: Kind, site: Site, id_: str, new: Props, old: Props, done: list[Facet]) -> str:
    """Change in place; the physical id after it. `done`: facets that were touched."""
    judge(kind, new)
    if kind.change is not None:
        return kind.change(site, id_, new, old)
    for facet in kind.facets:
        if facet.differs(new, old):
            done.append(facet)
            facet.put(site, id_, new, old)
    return id_


def take_in(kind: Kind, site: Site, props: Props, identifier: Props) -> str:
    """An existing resource; its physical id. Failed if it is not there."""
    judge(kind, props)
    if set(identifier) != set(kind.identifier):
        raise Failed(f"{kind.type} is identified by {', '.join(kind.identifier)}")
    if kind.identify is not None:
        id_ = kind.identify(site, identifier)
    else:
        id_ = str(identifier[kind.identifier[0]])
    if kind.present is not None and not kind.present(site, id_, props):
        raise Failed(f"Resource of type '{kind.type}' with identifier '{id_}' was not found.")
    return id_


def remove(kind: Kind, site: Site, id_: str, props: Props) -> None:
    """Take away; what is gone already is no failure."""
    for facet in reversed(kind.facets):
        if facet.undo and facet.differs({}, props):
            with _gone_is_fine():
                facet.put(site, id_, {}, props)
    with _gone_is_fine():
        kind.remove(site, id_, props)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except Failed as failed:
        if not any(word in failed.code for word in _GONE):
            raise
