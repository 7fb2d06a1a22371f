"""One sandbox per test session (per xdist worker), reset between tests in milliseconds.

`from tests.sandbox_fixture import sandbox` in a conftest makes the fixture known.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.loaders import create_loader

from keyreeve.sandbox.account import OWN_KEY_ID, OWN_SECRET, REGION
from keyreeve.sandbox.process import Sandbox

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(account="small", at=MONDAY) as running:
        yield running


@cache
def aws(
    url: str,
    service: str,
    key: str = OWN_KEY_ID,
    secret: str = OWN_SECRET,
    token: str | None = None,
) -> Any:
    """A client that tries once and sees nothing of this machine's own configuration."""
    once = Config(retries={"total_max_attempts": 1}, proxies={})
    return session(key, secret, token).create_client(service, endpoint_url=url, config=once)


_MODELS = create_loader()
"""AWS's descriptions of its services, read once: a client costs a tenth of one that reads them."""


def session(
    key: str, secret: str, token: str | None = None, *, region: str = REGION
) -> botocore.session.Session:
    """Whose clients act as the owner of the credentials."""
    made = botocore.session.Session()
    made.register_component("data_loader", _MODELS)
    made.set_config_variable("region", region)
    made.set_credentials(key, secret, token)
    return made
