"""Lambda keeps a function's logging configuration.

AWS: GetFunction tells LoggingConfig; where none was given, the group
/aws/lambda/NAME and text. moto drops it.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.patches.replacing import replace


def apply() -> None:
    """Keep what CreateFunction and UpdateFunctionConfiguration were given."""
    from moto.awslambda.models import LambdaFunction

    stock_init, stock_told = LambdaFunction.__init__, LambdaFunction.get_configuration
    stock_update = LambdaFunction.update_configuration

    def init(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        self.logging_config = spec.get("LoggingConfig") or {}
        stock_init(self, account_id, spec, *args, **kwargs)

    def get_configuration(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        told: dict[str, Any] = stock_told(self, *args, **kwargs)
        usual = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{self.function_name}"}
        return told | {"LoggingConfig": usual | self.logging_config}

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        self.logging_config = config_updates.get("LoggingConfig", self.logging_config)
        stock_update(self, config_updates)
        return get_configuration(self)

    replace(
        LambdaFunction,
        __init__=init,
        get_configuration=get_configuration,
        update_configuration=update_configuration,
    )
