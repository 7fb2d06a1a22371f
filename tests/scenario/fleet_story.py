"""A fleet lived through: by the thread pool, and by the state machine of the stack `fleet`.

Members' roles and the central role have the policies that are shipped for them, and every call is
judged by them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tests import fleets
from tests.function_zip import run_zip
from tests.sandbox_fixture import MONDAY, aws
from tests.sandbox_stacks import NAMED, body, until
from tests.stacks import sample

from keyreeve.cli.progress import Silence
from keyreeve.codec.fleet import row_document
from keyreeve.config import Config, load
from keyreeve.governance.own_policies import Role, documents
from keyreeve.governance.stacks import Wanted
from keyreeve.model.baseline import StackName
from keyreeve.model.fleet import FleetSummary
from keyreeve.model.identifiers import AccountId
from keyreeve.pipeline.fleet import run_fleet
from keyreeve.sandbox.account import BUCKET, HOME_ACCOUNT, REGION
from keyreeve.sandbox.process import Sandbox
from keyreeve.wiring.fleet import fleet_of, open_home
from keyreeve.wiring.installation import installation_of

BROKEN = "299999999999"
"""Has no role for us."""
PATIENCE = 900.0
"""Seconds: functions start cold, and a busy machine may take its time."""
PREFIX = "iam-compliance/etv/"
TIMELESS = ("run_id",)
"""What two runs of the same day differ in."""
CONFIG = f"""\
project_name: ETV
storage: {{bucket: {BUCKET}}}
mail:
  sender: "IAM Compliance <iam-compliance@example.com>"
  cc: [msp-team@example.com]
  owner: {{domains: [example.com]}}
"""


@dataclass(frozen=True, kw_only=True)
class World:
    """A sandbox with member accounts, and the config that means them."""

    sandbox: Sandbox
    config: Config
    ids: tuple[str, ...]


def world(
    sandbox: Sandbox, folder: Path, *, accounts: int, users: int, at: datetime = MONDAY
) -> World:
    """As many accounts, and one that lets nobody in."""
    sandbox.reset("empty", at)
    sandbox.configure(mail_quota=-1, mail_rate=10_000)
    ids = tuple(map(fleets.number, range(accounts)))
    file = folder / "config.yaml"
    file.write_text(CONFIG + fleets.listed([*ids, BROKEN]), encoding="utf-8")
    config = load(file)
    for each in ids:
        rights = documents(installed(config, each), Role.MEMBER)
        sandbox.add_account(fleets.account(each, users, rights))
    sandbox.enforce()
    return World(sandbox=sandbox, config=config, ids=ids)


def installed(config: Config, account: str) -> Any:
    return installation_of(config, account_id=AccountId(account), region=REGION)


@contextmanager
def surroundings(sandbox: Sandbox) -> Iterator[None]:
    """The sandbox is what this process sees as AWS."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("AWS_", "KEYREEVE_"))]:
        del os.environ[name]
    os.environ.update(sandbox.environment())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


# --- by threads ---------------------------------------------------------------------------------


def by_threads(
    at: World, now: datetime = MONDAY, *, at_once: int = 4, again: bool = False
) -> FleetSummary:
    """`org run --execute`, with the rights of the central role and no more."""
    at.sandbox.authorise(documents(installed(at.config, HOME_ACCOUNT), Role.FLEET))
    with surroundings(at.sandbox):
        home = open_home(at.config, execute=True, as_of=now)
        with fleet_of(home, again=again) as fleet:
            return run_fleet(fleet, Silence(), at_once)


def rows_of(summary: FleetSummary) -> dict[str, dict[str, Any]]:
    return {row.account_id: timeless(row_document(row)) for row in summary.rows}


def timeless(row: Any) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in TIMELESS}


# --- by the state machine -----------------------------------------------------------------------


def deploy(at: World, *, concurrency: int = 3, tolerated: int = 100) -> str:
    """The stack `fleet` with its package; the machine's ARN."""
    s3 = aws(at.sandbox.url, "s3")
    text = at.config.path.read_bytes()
    s3.put_object(Bucket=BUCKET, Key="run.zip", Body=run_zip({"config/config.yaml": text}))
    parameters = {
        "RunCodeKey": "run.zip",
        "MaxConcurrency": str(concurrency),
        "ToleratedFailurePercentage": str(tolerated),
    }
    api = aws(at.sandbox.url, "cloudformation")
    blueprint = sample.made(**_wanted(at, parameters))[StackName.FLEET]
    api.create_stack(
        StackName=blueprint.name,
        **body(dict(blueprint.template)),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in blueprint.parameters.items()
        ],
        Capabilities=NAMED,
    )
    stack = until(
        lambda: api.describe_stacks(StackName=blueprint.name)["Stacks"][0],
        lambda it: "PROGRESS" not in it["StackStatus"],
        PATIENCE,
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    outputs = {row["OutputKey"]: row["OutputValue"] for row in stack["Outputs"]}
    return str(outputs["MachineArn"])


def _wanted(at: World, parameters: dict[str, str]) -> dict[str, Any]:
    here: Wanted = sample.wanted()
    settings = replace(here.settings, parameters={StackName.FLEET: parameters})
    own = installed(at.config, "${AWS::AccountId}")
    return {
        "settings": settings,
        "code_bucket": BUCKET,
        "fleet": documents(own, Role.FLEET),
        "lists": f"{PREFIX}fleet/",
        "results": f"{PREFIX}fleet-results/",
    }


def by_machine(
    at: World,
    machine: str,
    now: datetime = MONDAY,
    patience: float = PATIENCE,
    *,
    execute: bool = True,
) -> dict[str, Any]:
    """One execution, to its end: `status`, and `output` or `error` and `cause`."""
    return until_ended(at, begun(at, machine, now, execute=execute), patience)


def begun(at: World, machine: str, now: datetime, *, execute: bool = True) -> str:
    """The ARN of an execution that has just been started."""
    told = aws(at.sandbox.url, "stepfunctions").start_execution(
        stateMachineArn=machine,
        name=f"of-{now:%Y%m%dT%H%M%S}",  # moto names every other one None
        input=json.dumps({"execute": execute, "as_of": now.isoformat()}),
    )
    return str(told["executionArn"])


def until_ended(at: World, execution: str, patience: float = PATIENCE) -> dict[str, Any]:
    """What became of it, waited for."""
    api = aws(at.sandbox.url, "stepfunctions")
    ended: dict[str, Any] = until(
        lambda: api.describe_execution(executionArn=execution),
        lambda it: it["status"] != "RUNNING",
        patience,
    )
    return ended


def gathered(at: World, now: datetime = MONDAY) -> dict[str, Any]:
    """The day's summary as it lies in the bucket."""
    key = f"{PREFIX}fleet/{now:%Y-%m-%d}/summary.json"
    found = aws(at.sandbox.url, "s3").get_object(Bucket=BUCKET, Key=key)
    document: dict[str, Any] = json.loads(found["Body"].read())
    return document


def gathered_rows(at: World, now: datetime = MONDAY) -> dict[str, dict[str, Any]]:
    return {row["account_id"]: timeless(row) for row in gathered(at, now)["accounts"]}
