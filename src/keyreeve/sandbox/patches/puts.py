"""What is put takes the place of what was put before.

AWS: PutInsightSelectors, PutMetricFilter and PutFunctionEventInvokeConfig replace; an empty list of
selectors turns Insights off. moto adds another beside the first.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import replace


def apply() -> None:
    """Replace."""
    from moto.awslambda.models import LambdaBackend
    from moto.cloudtrail.models import Trail
    from moto.logs.metric_filters import MetricFilters

    stock_filter = MetricFilters.add_filter
    stock_invocation = LambdaBackend.put_function_event_invoke_config

    def put_insight_selectors(self: Any, insight_selectors: list[dict[str, str]]) -> None:
        self.insight_selectors = list(insight_selectors)

    def add_filter(
        self: Any, filter_name: str, filter_pattern: str, log_group_name: str, moves: Any
    ) -> None:
        self.delete_filter(filter_name, log_group_name)
        stock_filter(self, filter_name, filter_pattern, log_group_name, moves)

    def put_function_event_invoke_config(
        self: Any, function_name: str, config: dict[str, Any]
    ) -> dict[str, Any]:
        told: dict[str, Any] = stock_invocation(self, function_name, config)
        kept = self.get_function(function_name).event_invoke_config
        kept[:] = kept[-1:]
        return told

    replace(Trail, put_insight_selectors=put_insight_selectors)
    replace(MetricFilters, add_filter=add_filter)
    replace(LambdaBackend, put_function_event_invoke_config=put_function_event_invoke_config)
