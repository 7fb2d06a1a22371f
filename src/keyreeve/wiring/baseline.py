"""The baseline wired: CloudFormation in its region, the account's inventory, the functions' code.

ports.stacks are filled here, as ports.* are filled for the daily run.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from keyreeve.config import Config, Transport
from keyreeve.governance.stacks import Wanted, blueprints, stack_project
from keyreeve.model.baseline import Blueprint, Inventory, RunFunction, StackName
from keyreeve.model.errors import ConfigError
from keyreeve.model.identifiers import AccountId, UserName
from keyreeve.pipeline.baseline import Site, why_left_out
from keyreeve.wiring import (
    project_store,
    required_access_model,
)
from keyreeve.wiring.functions import RunCode, run_code
from keyreeve.wiring.installation import installation_of
from keyreeve.wiring.machine import WallClock

if TYPE_CHECKING:
    from keyreeve.aws.sessions import Sessions
    from keyreeve.governance.alarms import Alarm, SwitchedOff
    from keyreeve.governance.installation import Installation
    from keyreeve.model.access import AccessModel
    from keyreeve.model.snapshot import Caller
    from keyreeve.pipeline.live_verification import Live
    from keyreeve.ports import Progress
    from keyreeve.ports.monitoring import MonitoringReader

FUNCTIONS = "functions/"
"""Below the project's prefix: packages of functions, by their digest."""
_HERE = AccountId("${AWS::AccountId}")
_PARTITION = "${AWS::Partition}"


def site(config: Config, *, execute: bool, profile: str | None = None) -> Site:
    """The account and region of the baseline. Without `execute` nothing can be changed.

    ConfigError without access.yaml or bucket; AccountUnreadable without access.
    """
    from keyreeve.aws.cloudformation import StacksOfRegion
    from keyreeve.aws.iam_reader import IamReader
    from keyreeve.aws.inventory import InventoryOfRegion
    from keyreeve.aws.sessions import Sessions

    model, bucket = _asked_for(config)
    region = config.baseline_settings().region
    profile = profile or config.profile
    sessions = Sessions(rehearsal=not execute, profile=profile, region=region)
    caller = IamReader(sessions, WallClock()).caller()
    packages = _packages(config, model)

    def upload() -> None:
        store = project_store(config, Sessions(rehearsal=not execute, profile=profile))
        for package in packages.all:
            found = store.get(_key(package))
            # The key is a digest: whatever else lies there was put in its place.
            if found is None or found.content != package:
                store.put(_key(package), package)

    return Site(
        engine=StacksOfRegion(sessions, WallClock()),
        inventory=InventoryOfRegion(
            sessions, caller.account_id, region, stack_project(_slug(config))
        ),
        wanted=_maker(config, model, bucket, packages),
        upload=upload,
        project=stack_project(_slug(config)),
    )


def rendered(config: Config, named: frozenset[StackName]) -> tuple[Blueprint, ...]:
    """The stacks as an empty account would get them; nobody is asked. None named: all.

    ConfigError for one that is named and that the config leaves out.
    """
    from keyreeve.language.authorizations import partition

    model, bucket = _asked_for(config)
    region = config.baseline_settings().region
    empty = Inventory(account_id=_HERE, partition=partition(region))
    wanted = _maker(config, model, bucket, _packages(config, model))(empty)
    made = blueprints(wanted, ())
    for stack in sorted(named - {each.stack for each in made}):
        raise ConfigError(
            f"the stack {stack} is left out: {why_left_out(wanted, stack)}", where=str(config.path)
        )
    return tuple(each for each in made if not named or each.stack in named)


# --- its alarms -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The alarms that are wanted, who looks at them, and where."""

    caller: Caller
    sessions: Sessions
    reader: MonitoringReader
    region: str
    project: str
    alarms: tuple[Alarm, ...]
    off: tuple[SwitchedOff, ...]


def watch(config: Config, *, execute: bool, profile: str | None = None) -> Watch:
    """ConfigError without access.yaml; AccountUnreadable without access."""
    from keyreeve.aws.iam_reader import IamReader
    from keyreeve.aws.monitoring import AwsMonitoring
    from keyreeve.aws.sessions import Sessions
    from keyreeve.governance.alarm_card import Account
    from keyreeve.governance.alarms import cards, switched_off

    model, settings = config.access_model(), config.baseline_settings()
    profile = profile or config.profile
    sessions = Sessions(rehearsal=not execute, profile=profile, region=settings.region)
    caller = IamReader(sessions, WallClock()).caller()
    at = Account(partition=caller.arn.split(":")[1], account_id=caller.account_id)
    return Watch(
        caller=caller,
        sessions=sessions,
        reader=AwsMonitoring(sessions, caller.account_id),
        region=settings.region,
        project=stack_project(_slug(config)),
        alarms=cards(model, settings, at),
        off=switched_off(model, settings, at),
    )


def live(found: Watch, progress: Progress, deadline: timedelta) -> Live:
    """The same, with a throw-away user to act on."""
    from keyreeve.aws.iam_actuator import IamProbeUsers
    from keyreeve.pipeline.live_verification import Live

    arn = found.caller.arn.split(":")
    return Live(
        reader=found.reader,
        probes=IamProbeUsers(found.sessions, f"arn:{arn[1]}:iam::{arn[4]}"),
        clock=WallClock(),
        progress=progress,
        project=found.project,
        user=UserName(f"keyreeve-verify-{secrets.token_hex(4)}"),
        deadline=deadline,
    )


# --- what the stacks are made of ------------------------------------------------------------------


def _maker(
    config: Config, model: AccessModel, bucket: str, packages: _Packages
) -> Callable[[Inventory], Wanted]:
    """What the project wants of an account, given what is there."""
    from keyreeve.codec.template import shipped
    from keyreeve.governance.alarms import cards
    from keyreeve.governance.own_policies import Role, documents, in_documents
    from keyreeve.governance.people_policies import PeopleRole, people_statements
    from keyreeve.storage.layout import FLEET, FLEET_RESULTS, prefix

    settings = config.baseline_settings()
    own = _own_installation(config)
    folder, run = prefix(config.project_name), packages.run
    by_ses = config.mail.transport is Transport.SES

    def wanted(inventory: Inventory) -> Wanted:
        return Wanted(
            project=stack_project(_slug(config)),
            templates={stack: shipped(stack) for stack in StackName},
            model=model,
            settings=settings,
            inventory=inventory,
            alarms=cards(model, settings, inventory),
            code_bucket=bucket,
            code_key=f"{folder}{_key(packages.onboarding)}",
            reader=documents(own, Role.READER),
            actor=documents(own, Role.ACTOR),
            people=in_documents(people_statements(own, model, PeopleRole.PEOPLE)),
            mover=in_documents(people_statements(own, model, PeopleRole.ONBOARDING)),
            feedback=documents(own, Role.MAIL_FEEDBACK) if by_ses else (),
            timezone=config.timezone.key,
            fleet=documents(own, Role.FLEET),
            member=documents(own, Role.MEMBER),
            lists=f"{prefix(config.project_name)}{FLEET}",
            results=f"{prefix(config.project_name)}{FLEET_RESULTS}",
            run=None if run is None else _run_function(run, folder),
        )

    return wanted


def _run_function(run: RunCode, folder: str) -> RunFunction:
    return RunFunction(
        code_key=f"{folder}{_key(run.content)}", architecture=run.architecture, runtime=run.runtime
    )


def _own_installation(config: Config) -> Installation:
    """Account and partition as CloudFormation fills them in."""
    region = config.baseline_settings().region
    made = installation_of(config, account_id=_HERE, region=region)
    return replace(made, partition=_PARTITION)


def _asked_for(config: Config) -> tuple[AccessModel, str]:
    model = required_access_model(config)
    if config.storage.bucket is None:
        raise ConfigError(
            "the functions of the stacks are uploaded to a bucket",
            where=f"{config.path}: storage.bucket",
            remedy="Use a bucket; `keyreeve init --bucket` makes it.",
        )
    return model, config.storage.bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packages:
    """The zips that the functions of the stacks run from."""

    onboarding: bytes
    """Small: AWS's own runtime has all that it needs."""
    run: RunCode | None

    @property
    def all(self) -> tuple[bytes, ...]:
        return (self.onboarding, *([self.run.content] if self.run else []))


def _packages(config: Config, model: AccessModel) -> _Packages:
    """ConfigError where `baseline.package` is no package, or cannot work with this config."""
    from keyreeve.codec.access import encode
    from keyreeve.local.lambda_package import function_package

    return _Packages(
        onboarding=function_package({"access.json": encode(model)}), run=run_code(config)
    )


def _key(package: bytes) -> str:
    return f"{FUNCTIONS}{hashlib.sha256(package).hexdigest()}.zip"


def _slug(config: Config) -> str:
    from keyreeve.storage.layout import project_slug

    return project_slug(config.project_name)
