"""A trail has the insight selectors that it was given last.

AWS: PutInsightSelectors replaces them; an empty list turns Insights off. moto adds to those before.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import replace


def apply() -> None:
    """Replace."""
    from moto.cloudtrail.models import Trail

    def put_insight_selectors(self: Any, insight_selectors: list[dict[str, str]]) -> None:
        self.insight_selectors = list(insight_selectors)

    replace(Trail, put_insight_selectors=put_insight_selectors)
