"""What a resource type is: its properties, and the calls that make, change and remove it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from keyreeve.sandbox.stacks.shaping import plain

Props = Mapping[str, Any]


class Site(Protocol):
    """Where a resource stands, and who acts."""

    @property
    def account(self) -> str:
        """The account's id."""

    @property
    def region(self) -> str:
        """The stack's region."""

    @property
    def partition(self) -> str:
        """The region's partition."""

    def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """One call; parameters may be in the template's form. Failed with AWS's words."""

    def name(self, longest: int = 255, *, lower: bool = False) -> str:
        """A name of CloudFormation's making: stack, logical id and random characters."""

    @property
    def data(self) -> Props:
        """What the function of a custom resource has answered."""

    def invoke(self, function_arn: str, event: Props) -> str:
        """Ask the function of a custom resource; the physical id that it answers.

        Failed with its reason, or if it does not answer.
        """


Put = Callable[[Site, str, Props, Props], None]
Read = Callable[[Site, str, Props], Props]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """Properties that the same calls keep."""

    properties: tuple[str, ...]
    put: Put
    """Site, physical id, properties as they shall be, as they are: makes it so."""
    read: Read | None = None
    """Site, physical id, properties as they should be → as the service tells them; for drift."""
    born: bool = False
    """`make` has done it already."""
    undo: bool = False
    """Must be taken back before the resource can be removed."""

    def differs(self, new: Props, old: Props) -> bool:
        """Whether one of the properties is to change."""
        return any(plain(new.get(name)) != plain(old.get(name)) for name in self.properties)


def _no_attributes(_site: Site, _id: str, _props: Props) -> Props:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A resource type; `fixed`, `required` and `identifier` are as in AWS's schema of it."""

    type: str
    make: Callable[[Site, Props], str]
    """Creates it with its `fixed` and `born` properties; the physical id."""
    remove: Callable[[Site, str, Props], None]
    facets: tuple[Facet, ...] = ()
    fixed: frozenset[str] = frozenset()
    """Changing one means another resource."""
    required: frozenset[str] = frozenset()
    attributes: Read = _no_attributes
    """What GetAtt gives."""
    present: Callable[[Site, str, Props], bool] | None = None
    """Whether a resource of this id is there: asked before `make` where that would overwrite it."""
    name: str = ""
    """The property that names it, when it is the physical id."""
    identifier: tuple[str, ...] = ()
    """Properties that name an existing resource to be imported; empty: cannot be imported."""
    identify: Callable[[Site, Props], str] | None = None
    """Identifier → physical id, where they are not the same."""
    unwatched: frozenset[str] = frozenset()
    """Properties that concern the stack's calls alone and no service keeps."""
    change: Callable[[Site, str, Props, Props], str] | None = None
    """In place of the facets; the physical id after it, perhaps of another resource."""
    open: bool = False
    """Takes properties of any name."""

    @property
    def properties(self) -> frozenset[str]:
        """All that are understood."""
        kept = {name for facet in self.facets for name in facet.properties}
        return self.fixed | self.unwatched | kept
