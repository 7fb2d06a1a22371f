"""The common forms of what kinds are made of, by the names of calls and parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keyreeve.sandbox.stacks.kind import Facet, Props, Put, Read, Site
from keyreeve.sandbox.stacks.refusals import Failed


def given(props: Props, *names: str, **renamed: str) -> dict[str, Any]:
    """Those of the properties that are there; `renamed`: the call's own name = the property's."""
    told = {name: props[name] for name in names if name in props}
    return told | {theirs: props[name] for theirs, name in renamed.items() if name in props}


def items(props: Props, name: str) -> list[Any]:
    """A list property; empty when it is not there."""
    return list(props.get(name) or ())


def removing(service: str, operation: str, named: str) -> Callable[[Site, str, Props], None]:
    """One call that names the resource by its physical id."""

    def remove(site: Site, id_: str, _: Props) -> None:
        site.call(service, operation, **{named: id_})

    return remove


def putting(service: str, operation: str, named: str, *names: str, **renamed: str) -> Put:
    """One call with the resource's id and the properties as they shall be."""

    def put(site: Site, id_: str, new: Props, _: Props) -> None:
        site.call(service, operation, **{named: id_}, **given(new, *names, **renamed))

    return put


def reading(service: str, operation: str, named: str, *path: str) -> Read:
    """What one call tells of the resource, `path` down into its answer."""

    def read(site: Site, id_: str, _: Props) -> Props:
        told: Any = site.call(service, operation, **{named: id_})
        for step in path:
            told = told[step]
        return dict(told)

    return read


def found_by(service: str, operation: str, named: str) -> Callable[[Site, str, Props], bool]:
    """Whether the call that describes a resource by its id finds it."""

    def present(site: Site, id_: str, _: Props) -> bool:
        try:
            site.call(service, operation, **{named: id_})
        except Failed:
            return False
        return True

    return present


def nothing(_site: Site, _id: str, _props: Props) -> None:
    """For what its facets have taken back already."""


def tags(
    service: str,
    tag: tuple[str, str, str],
    untag: tuple[str, str, str],
    named: Callable[[Site, str], str] = lambda _, id_: id_,
    read: Read | None = None,
) -> Facet:
    """A facet for Tags, which are there from birth.

    `tag`, `untag`: operation, its parameter for the resource, its parameter for tags or keys;
    `named`: how the service calls the resource.
    """

    def put(site: Site, id_: str, new: Props, old: Props) -> None:
        after, before = _by_key(new), _by_key(old)
        gone = [key for key in before if key not in after]
        if gone:
            site.call(service, untag[0], **{untag[1]: named(site, id_), untag[2]: gone})
        fresh = {key: value for key, value in after.items() if before.get(key) != value}
        if fresh:
            rows = [{"Key": key, "Value": value} for key, value in fresh.items()]
            site.call(service, tag[0], **{tag[1]: named(site, id_), tag[2]: rows})

    return Facet(properties=("Tags",), put=put, read=read, born=True)


def _by_key(props: Props) -> dict[str, str]:
    return {str(tag["Key"]): str(tag["Value"]) for tag in items(props, "Tags")}
