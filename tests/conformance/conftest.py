"""`--live ACCOUNT_ID`: the rows are put to a real account too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_socket
from tests.conformance.live import LiveAccount


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--live", metavar="ACCOUNT_ID", help="put the conformance rows to this real AWS account"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--live` the rows that need it are not there: a skip would only be noise."""
    if config.getoption("--live", default=None) is None:
        kept = [item for item in items if "live" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


@pytest.fixture
def live(request: pytest.FixtureRequest) -> Iterator[LiveAccount]:
    """The account; what the row made in it is taken away."""
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()
    account = LiveAccount(request.config.getoption("--live"))
    yield account
    account.clean()
