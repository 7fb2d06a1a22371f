"""State machines are executed, as the role of each, and a distributed map keeps its word.

moto holds LocalStack's interpreter of the Amazon States Language, and runs it when asked to.  It
speaks to a fixed port with keys of nobody; it counts the failed children of a distributed map and
tolerates them all; its ResultWriter writes a manifest of no files; CloudWatch hears of nothing.
AWS: calls are signed by a session of the machine's role; a map run fails with
States.ExceedToleratedFailureThreshold once more children have failed than it tolerates, and takes
up no more items; results and failures are exported in either case; metrics count executions that
begin, and how they end.  Source: Step Functions Developer Guide, "Setting failure thresholds",
"ResultWriter (Map)", "Monitoring Step Functions metrics using Amazon CloudWatch".

The interpreter is large: it is loaded, and bent, by the first call to Step Functions.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from keyreeve.sandbox.account import REGION
from keyreeve.sandbox.chain import executions
from keyreeve.sandbox.chain.permissions import find_role, service_may
from keyreeve.sandbox.issuing import for_service
from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World

_PRINCIPAL: Final = "states.amazonaws.com"
_EXCEEDED: Final = "States.ExceedToleratedFailureThreshold"
_PERCENT: Final = re.compile(r'("ToleratedFailurePercentage"\s*:\s*\d+)(?=\s*[,}])')
_STATUSES: Final = ("SUCCEEDED", "FAILED", "PENDING")


def apply(world: World) -> None:
    """Let moto's Step Functions execute what they are given."""
    from moto.core.config import default_user_config
    from moto.stepfunctions import responses

    stock: Callable[[str, str], Any] = responses.get_backend
    default_user_config["stepfunctions"] = {"execute_state_machine": True}

    @cache
    def bent() -> bool:
        _bend(world)
        return True

    def get_backend(account: str, region: str) -> Any:
        bent()
        return stock(account, region)

    replace(responses, get_backend=get_backend)


def _bend(world: World) -> None:
    from moto.stepfunctions.parser.asl.component.state.exec.state_map import state_map
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import (
        resource_eval_s3 as reader,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (  # noqa: E501 - moto's own
        distributed_item_processor_worker as worker,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.result_writer.resource_eval import (  # noqa: E501 - moto's own
        resource_eval_s3 as writer,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
    from moto.stepfunctions.parser.backend.execution import (
        BaseExecutionWorkerCommunication,
        Execution,
    )
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend

    client = _signer(world)
    for module in (reader, writer, lambda_eval_utils):
        replace(module, boto_client_for=client)
    replace(
        StepFunctionsParserBackend,
        create_state_machine=_trusted(StepFunctionsParserBackend.create_state_machine),
    )
    replace(
        AmazonStateLanguageParser, parse=staticmethod(_lenient(AmazonStateLanguageParser.parse))
    )
    # It tells of every state that fails on stderr; whoever asks for the execution is told, too.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    own = worker.DistributedItemProcessorWorker
    replace(own, _eval_job=_remembering(own._eval_job), _eval_input=_heard(own._eval_input))
    replace(state_map.StateMap, _eval_execution=_counting(state_map.StateMap._eval_execution))
    replace(Execution, start=_begun(world, Execution.start))
    stock_end = BaseExecutionWorkerCommunication.terminated
    replace(BaseExecutionWorkerCommunication, terminated=_ended(world, stock_end))
    replace(writer.ResourceEvalS3, _handle_put_object=staticmethod(_exporting(client)))


# --- as whom ------------------------------------------------------------------------------------


def _signer(world: World) -> Callable[..., Any]:
    """A client with a session of the machine's role."""

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        import boto3
        from botocore.config import Config

        with world.turn:
            session = for_service(world, state_credentials.role_arn, "machine")
        made: Any = boto3.session.Session(
            session.access_key, session.secret, session.token, region_name=region or REGION
        )
        return made.client(
            service,
            endpoint_url=world.endpoint,
            config=Config(
                retries={"total_max_attempts": 1},
                read_timeout=1_000,
                proxies={},
                s3={"addressing_style": "path"},
            ),
        )

    return boto_client_for


def _trusted(stock: Callable[..., Any]) -> Callable[..., Any]:
    def create_state_machine(self: Any, **given: Any) -> Any:
        from moto.core.exceptions import JsonRESTError

        if not _trusts(given["roleArn"], self.account_id):
            raise JsonRESTError(
                "AccessDeniedException",
                f"Neither the global service principal {_PRINCIPAL}, nor the regional one is "
                f"authorized to assume the provided role.",
            )
        return stock(self, **given)

    return create_state_machine


def _trusts(role_arn: str, account_id: str) -> bool:
    """AWS: it says for which account it asks (aws:SourceAccount), so that others are kept out."""
    role = find_role(role_arn)
    if role is None:
        return False
    facts = {"aws:sourceaccount": account_id}
    trust = role.assume_role_policy_document
    return service_may(trust, _PRINCIPAL, "sts:AssumeRole", role.arn, facts)


def _lenient(stock: Callable[[str], Any]) -> Callable[[str], Any]:
    """AWS takes a whole number of percent; moto's grammar asks for a fraction."""

    def parse(definition: str) -> Any:
        return stock(_PERCENT.sub(r"\1.0", definition))

    return parse


# --- what CloudWatch is told --------------------------------------------------------------------


def _begun(world: World, stock: Callable[..., None]) -> Callable[..., None]:
    def start(self: Any) -> None:
        stock(self)
        executions.begun(world, self)

    return start


def _ended(world: World, stock: Callable[..., None]) -> Callable[..., None]:
    """Nobody sees the status before the metrics have it."""

    def terminated(self: Any) -> None:
        with world.turn.aside(), world.turn:
            stock(self)
            executions.ended(world, self.execution)

    return terminated


# --- what becomes of children -------------------------------------------------------------------


def _remembering(stock: Callable[..., Any]) -> Callable[..., Any]:
    """One item; its result is kept for the export, and one failure too many ends the others."""

    def _eval_job(self: Any, env: Any, job: Any) -> None:
        from moto.stepfunctions.parser.asl.eval.program_state import ProgramError

        began = datetime.now(UTC)
        stock(self, env, job)
        record = self._map_run_record
        done = job.job_output is not None
        state = env.program_state()
        told = state.error if isinstance(state, ProgramError) and state.error else {}
        given = getattr(self, "child_input", job.job_input)
        _children(record).append(_child(record, job, began, given, told, done=done))
        if not done and _too_many(record, self._job_pool._jobs_number):
            _no_more(self._job_pool)

    return _eval_job


def _heard(stock: Callable[..., Any]) -> Callable[..., Any]:
    """What the ItemSelector made of the item is the child's input."""

    def _eval_input(self: Any, env_frame: Any) -> None:
        stock(self, env_frame)
        self.child_input = env_frame.states.get_input()

    return _eval_input


def _child(
    record: Any, job: Any, began: datetime, given: Any, error: Any, *, done: bool
) -> dict[str, Any]:
    """As an exported file lists it."""
    name = f"{job.job_index:08d}-{record.map_run_arn.rpartition(':')[2][:8]}"
    child = {
        "ExecutionArn": f"{record.map_run_arn.replace(':mapRun:', ':execution:')}:{name}",
        "Input": json.dumps(given),
        "InputDetails": {"Included": True},
        "Name": name,
        "StartDate": began.isoformat(),
        "StateMachineArn": record.map_state_machine_arn,
        "Status": "SUCCEEDED" if done else "FAILED",
        "StopDate": datetime.now(UTC).isoformat(),
    }
    if done:
        output = {"Output": json.dumps(job.job_output), "OutputDetails": {"Included": True}}
        return child | output
    return child | {
        "Error": error.get("error") or "States.Runtime",
        "Cause": error.get("cause") or "",
    }


def _children(record: Any) -> list[dict[str, Any]]:
    if not hasattr(record, "children"):
        record.children = []
    kept: list[dict[str, Any]] = record.children
    return kept


def _too_many(record: Any, total: int) -> bool:
    """Where a threshold is not set moto keeps 0: with both at 0 nothing is tolerated."""
    failed = sum(child["Status"] == "FAILED" for child in _children(record))
    count, percentage = record.tolerated_failure_count, record.tolerated_failure_percentage
    if not count and not percentage:
        return failed > 0
    by_count = bool(count) and failed > count
    return by_count or (bool(percentage) and 100 * failed > percentage * total)


def _no_more(pool: Any) -> None:
    with pool._mutex:
        pool._jobs_number -= len(pool._open_jobs)
        pool._open_jobs.clear()


def _counting(stock: Callable[..., Any]) -> Callable[..., Any]:
    """After the export: the map run has failed if it had more failures than it tolerates."""

    def _eval_execution(self: Any, env: Any) -> None:
        before = len(env.map_run_record_pool_manager.get_all())
        stock(self, env)
        for record in list(env.map_run_record_pool_manager.get_all())[before:]:
            if _too_many(record, max(len(_children(record)), record.item_counter.total.get())):
                raise _exceeded(env)

    return _eval_execution


def _exceeded(env: Any) -> Exception:
    from moto.stepfunctions.parser.api import HistoryEventType
    from moto.stepfunctions.parser.asl.component.common.error_name import (
        failure_event,
        states_error_name,
    )
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
        StatesErrorNameType,
    )

    cause = "The specified tolerated failure threshold was exceeded"
    details: Any = {"mapRunFailedEventDetails": {"error": _EXCEEDED, "cause": cause}}
    kind = StatesErrorNameType.StatesExceedToleratedFailureThreshold
    failure: Exception = failure_event.FailureEventException(
        failure_event=failure_event.FailureEvent(
            env=env,
            error_name=states_error_name.StatesErrorName(typ=kind),
            event_type=HistoryEventType.MapRunFailed,
            event_details=details,
        )
    )
    return failure


# --- the export ---------------------------------------------------------------------------------


def _exporting(client: Callable[..., Any]) -> Callable[..., None]:
    """ResultWriter: a file of each status that there is, and their manifest."""

    def _handle_put_object(env: Any, resource_runtime_part: Any, state_credentials: Any) -> None:
        given = env.stack.pop()
        env.stack.pop()  # the results, which are in the files then
        record = list(env.map_run_record_pool_manager.get_all()).pop()
        folder = f"{given['Prefix'].rstrip('/')}/" if given["Prefix"] else ""
        folder += record.map_run_arn.rpartition(":")[2]
        s3 = client(resource_runtime_part.region, "s3", state_credentials)
        files: dict[str, list[dict[str, Any]]] = {status: [] for status in _STATUSES}
        for status in _STATUSES:
            children = [it for it in _children(record) if it["Status"] == status]
            if children:
                body = json.dumps(children).encode()
                key = f"{folder}/{status}_0.json"
                s3.put_object(Bucket=given["Bucket"], Key=key, Body=body)
                files[status].append({"Key": key, "Size": len(body)})
        manifest = {
            "DestinationBucket": given["Bucket"],
            "MapRunArn": record.map_run_arn,
            "ResultFiles": files,
        }
        key = f"{folder}/manifest.json"
        s3.put_object(Bucket=given["Bucket"], Key=key, Body=json.dumps(manifest).encode())
        details = {"Bucket": given["Bucket"], "Key": key}
        env.stack.append({"MapRunArn": record.map_run_arn, "ResultWriterDetails": details})

    return _handle_put_object
