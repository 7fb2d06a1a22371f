"""Where the emulator differs from AWS, and what is done about it.

Each row is one probe, put to stock moto and to the sandbox; with `--live` to a real account (see
live.py). `stock` failing means that moto has changed, perhaps so far that the patch may go. Rows
whose `aws` is another than `ours` say what no test on the sandbox can prove.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws
from tests.conformance import (
    chain_rows,
    credential_report_rows,
    governed_rows,
    iam_rows,
    mail_rows,
    storage_rows,
)
from tests.conformance.live import LiveAccount
from tests.conformance.rows import Clients, Row, Skip
from tests.sandbox_fixture import MONDAY, aws, sandbox, session

from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

SERVICES = (credential_report_rows, iam_rows, mail_rows, storage_rows, governed_rows)
CHAIN = tuple(
    Row(probe, stock, ours, Skip(why) if why else None)
    for probe, stock, ours, why in chain_rows.ROWS
)
TABLE = [
    *(row for each in SERVICES for row in each.DIFFERENCES),
    *CHAIN,
    *(row for each in SERVICES for row in (*each.AS_AWS, *each.LEFT_UNLIKE_AWS)),
]
ROWS = [pytest.param(row, id=row.probe.__name__) for row in TABLE]


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield lambda service, key="AKIA0", secret="s", token=None: session(
            key, secret, token
        ).create_client(service)


@pytest.fixture
def ours(sandbox: Sandbox) -> Clients:
    sandbox.reset("empty", MONDAY)
    return lambda service, *identity: aws(sandbox.url, service, *identity)


@pytest.mark.parametrize("row", ROWS)
def test_stock_moto_is_as_it_was_when_the_patch_was_written(row: Row, stock: Clients) -> None:
    assert row.probe(stock) == row.stock


@pytest.mark.parametrize("row", ROWS)
def test_the_sandbox_behaves_as_the_table_says(row: Row, ours: Clients) -> None:
    assert row.probe(ours) == row.ours


@pytest.mark.parametrize("row", ROWS)
def test_aws_answers_as_the_table_says(row: Row, live: LiveAccount) -> None:
    if isinstance(row.real, Skip):
        pytest.skip(row.real.why)
    assert row.probe(live) == row.real


@pytest.mark.parametrize("row", [row for row in ROWS if not isinstance(row.values[0].real, Skip)])
def test_what_a_live_row_makes_is_taken_away_after_it(
    row: Row, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.reset("empty", MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    before = sandbox.canonical_state()
    account = LiveAccount(HOME_ACCOUNT, patience=0)
    assert row.probe(account) == row.ours
    account.clean()
    assert sandbox.canonical_state() == before


def test_a_live_run_needs_the_account_named_whose_credentials_it_has(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match="not of 999999999999"):
        LiveAccount("999999999999")
