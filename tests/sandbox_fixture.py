"""One sandbox per test session (per xdist worker), reset between tests in milliseconds.

`from tests.sandbox_fixture import sandbox` in a conftest makes the fixture known.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config

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
    return boto3.session.Session(key, secret, token, region_name=REGION).client(
        service, endpoint_url=url, config=Config(retries={"total_max_attempts": 1}, proxies={})
    )
