"""How a member of moto is replaced."""

from __future__ import annotations

from typing import Any


def replace(owner: Any, **members: Any) -> None:
    """Put functions of ours in the place of members of a class or module.

    A member that should exist and does not means that moto changed: AttributeError at start.
    """
    for name, member in members.items():
        getattr(owner, name)
        setattr(owner, name, member)


def add(owner: Any, **members: Any) -> None:
    """Give a class what moto has not implemented."""
    for name, member in members.items():
        setattr(owner, name, member)
