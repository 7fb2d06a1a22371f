"""All pages of an answer, where the SDK's token is passed on as it came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def by_token(ask: Callable[..., Any], token: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
    """All pages. ValueError for a token that comes back: such an answer would never end."""
    seen: set[str] = set()
    while True:
        page = ask(**parameters)
        yield page
        following = page.get(token)
        if not following:
            return
        if following in seen:
            raise ValueError(token)
        seen.add(following)
        parameters[token] = following
