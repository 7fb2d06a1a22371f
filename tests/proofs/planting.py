"""Violations planted into the product, for as long as a proof looks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest


def patched(*changes: tuple[object, str, object]) -> Callable[[], AbstractContextManager[object]]:
    """A mutant's `plant`: owner, name of the attribute, what stands there meanwhile."""

    @contextmanager
    def plant() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for owner, name, value in changes:
                patch.setattr(owner, name, value)
            yield

    return plant
