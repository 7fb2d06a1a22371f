"""For every suite: no test reaches beyond this machine, and the sandbox is one per worker."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import socket_allow_hosts
from tests.sandbox_fixture import sandbox

__all__ = ["sandbox"]

# No test judges by time: a slow machine is no failure.  Where a change lands, the same examples
# are tried each time; at a developer's desk, new ones.
settings.register_profile(
    "keyreeve",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("keyreeve")

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


@pytest.fixture(autouse=True, scope="session")
def _only_this_machine() -> None:
    """Connections elsewhere fail at once, in fixtures of every scope too."""
    socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


def pytest_configure(config: pytest.Config) -> None:
    """pytest-socket asks before each test again; it must say the same."""
    config.option.allow_hosts = ",".join(LOOPBACK)
