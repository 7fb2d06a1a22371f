"""Violations planted into the product, for as long as a proof looks for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import pytest

PLANTED = "KEYREEVE_PLANTED"
"""Name of the mutant that the process of a proof shall plant."""


def patched(*changes: tuple[object, str, object]) -> Callable[[], AbstractContextManager[object]]:
    """A mutant's `plant`: owner, name of the attribute, what stands there meanwhile."""

    @contextmanager
    def plant() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for owner, name, value in changes:
                patch.setattr(owner, name, value)
            yield

    return plant


def named(name: str) -> Callable[[], AbstractContextManager[object]]:
    """A mutant's `plant` where the proof is a process of its own, which is told the name."""

    @contextmanager
    def plant() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(PLANTED, name)
            yield

    return plant


def plant_what_is_named(plants: Mapping[str, Callable[[], object]]) -> None:
    """In that process, for the rest of its life; nothing where none is named."""
    if name := os.environ.get(PLANTED):
        plants[name]()
