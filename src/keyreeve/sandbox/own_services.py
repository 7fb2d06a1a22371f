"""Services that the sandbox answers by itself, behind moto's routing and wire formats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from keyreeve.sandbox.patches.replacing import replace


class Refusal(Exception):
    """An error of the service."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call."""

    params: Mapping[str, Any]
    """As botocore names them."""
    account: str
    region: str
    partition: str
    access_key: str
    token: str | None
    endpoint: str
    """The sandbox's own URL."""
    book: dict[str, Any]
    """What the service keeps in this account and region; a reset forgets it."""


Action = Callable[[Asked], Mapping[str, Any]]


def serve(service: str, actions: Mapping[str, Action]) -> None:
    """Let moto ask these functions for the service's operations (by botocore's names)."""
    from moto import backends
    from moto.core.base_backend import BackendDict, BaseBackend

    class Backend(BaseBackend):
        """Routes to our response class, and keeps the book."""

        def __init__(self, region_name: str, account_id: str) -> None:
            super().__init__(region_name, account_id)
            self.book: dict[str, Any] = {}

        def reset(self) -> None:
            """Forget; who still works with the book finds it empty."""
            self.book.clear()
            super().reset()

        @property
        def url_paths(self) -> dict[str, Any]:
            """Every path: the SDK's model of the service tells the operation."""
            return {"/$": response.dispatch, "/(?P<rest>.+)$": response.dispatch}

    books = BackendDict(Backend, service)
    response = _response(service, actions, books)
    stock = backends.get_backend
    replace(backends, get_backend=lambda name: books if name == service else stock(name))


def _response(service: str, actions: Mapping[str, Action], books: Any) -> Any:
    from botocore import xform_name
    from moto.core.exceptions import ServiceException
    from moto.core.responses import ActionResult, BaseResponse

    # moto reads off the module whose errors these are.
    error = type("OwnError", (ServiceException,), {"__module__": f"moto.{service}.exceptions"})

    def init(self: Any) -> None:
        BaseResponse.__init__(self, service_name=service)
        self.automated_parameter_parsing = True

    def answer(action: Action, self: Any) -> Any:
        asked = Asked(
            params=self.params,
            account=self.current_account,
            region=self.region,
            partition=self.partition,
            access_key=self.access_key,
            token=self.headers.get("X-Amz-Security-Token"),
            endpoint=f"http://{self.headers['Host']}",
            book=books[self.current_account][self.region].book,
        )
        try:
            return ActionResult(action(asked))
        except Refusal as refused:
            raise error(refused.code, refused.message) from None

    methods = {
        xform_name(name): _method(partial(answer, action)) for name, action in actions.items()
    }
    return type("OwnResponse", (BaseResponse,), {"__init__": init, **methods})


def _method(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A plain function: moto looks for methods by their kind."""

    def method(self: Any) -> Any:
        return function(self)

    return method
