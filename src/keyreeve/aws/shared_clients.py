"""One client for looking at many accounts: each account signs its own calls of it.

A client of its own for each costs a third of what looking at a small account costs, and a TLS
connection more.  The client that is shared has no credentials: a call that no account signs for
does not leave.  Only who looks shares: what may act is signed by a client of its own.

The SDK lets a client repeat so many calls and no more.  Each account keeps a count of its own, so
that a storm in one neither ends the patience with another nor lasts longer than it would alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from botocore.retries.standard import register_retry_handler

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.credentials import Credentials


def signed_by(shared: BaseClient, credentials: Credentials | None, *, attempts: int) -> BaseClient:
    """The same client, connections and all, whose calls are signed with these credentials.

    `attempts`: of one call, in the SDK's `standard` mode, as the client was made with.
    """

    def sign(context: dict[str, Any], **_: Any) -> None:
        signing: Mapping[str, Any] = context.get("signing", {})
        context["signing"] = {**signing, "request_credentials": credentials}

    own: Any = object.__new__(type(shared))
    vars(own).update(vars(shared))
    events = copy(shared.meta.events)
    own.meta = copy(shared.meta)
    own.meta.events = events
    own._endpoint = copy(own._endpoint)  # noqa: SLF001 - it asks its emitter whether to try again
    own._endpoint._event_emitter = events  # noqa: SLF001
    events.register("before-parameter-build", sign)
    service = shared.meta.service_model.service_id.hyphenize()
    events.unregister(f"needs-retry.{service}", unique_id=f"retry-config-{service}")
    register_retry_handler(own, max_attempts=attempts)
    made: BaseClient = own
    return made
