"""Custom resources: a function makes, changes and removes them, and tells of it at a URL."""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.stacks.kind import Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed
from keyreeve.sandbox.stacks.shaping import words


def _ask(site: Site, request: str, props: Props, **more: Any) -> str:
    """The physical id that the function answers. Failed with its reason."""
    event = {"RequestType": request, "ResourceProperties": words(props), **more}
    return site.invoke(str(props["ServiceToken"]), event)


def _change(site: Site, id_: str, new: Props, old: Props) -> str:
    if new["ServiceToken"] != old["ServiceToken"]:
        raise Failed("Modifying service token is not allowed.")
    before = {"PhysicalResourceId": id_, "OldResourceProperties": words(old)}
    return _ask(site, "Update", new, **before)


def _remove(site: Site, id_: str, props: Props) -> None:
    _ask(site, "Delete", props, PhysicalResourceId=id_)


CUSTOM: Final = Kind(
    type="AWS::CloudFormation::CustomResource",
    make=lambda site, props: _ask(site, "Create", props),
    change=_change,
    remove=_remove,
    required=frozenset({"ServiceToken"}),
    attributes=lambda site, _id, _props: site.data,
    open=True,
)
KINDS: Final = (CUSTOM,)
