"""Lambda `keyreeve.handlers.onboarding.handle`: moves users as they enrol or lose their MFA (S2.6).

An EventBridge rule in us-east-1 (IAM's events arrive nowhere else, E4) sends it what CloudTrail
says about calls of IAM; a schedule may send it nothing but the time, which asks for a sweep.
Events come twice, late, out of order or never: each only says at whom to look, and what is done
follows from what is read then.

    KEYREEVE_ACCESS   the access model as JSON (default: $LAMBDA_TASK_ROOT/access.json)
    KEYREEVE_ALERTS   ARN of the SNS topic that is told where a person is needed; optional

Every outcome is one line of JSON on stdout.  The answer is {outcomes: [...]} or {ignored: reason}.
A move that failed halfway, and facts that could not be read, are errors of the function: AWS
delivers the event again, and the second time goes on with what is left.

Nothing but the standard library, boto3 and Keyreeve itself is imported.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keyreeve.aws.alerts import SnsAlerts
from keyreeve.aws.iam_actuator import IamPeopleActuator
from keyreeve.aws.iam_people import CloudTrailTagHistory, IamPeopleReader
from keyreeve.aws.sessions import Sessions
from keyreeve.codec.access import decode
from keyreeve.governance.mfa_events import Everyone, NotForUs, Subject, subject
from keyreeve.governance.reconcile import reconcile, too_many
from keyreeve.model.access import AccessModel
from keyreeve.model.errors import ConfigError
from keyreeve.model.people import Outcome, Sweep
from keyreeve.model.policy import BlastLimits
from keyreeve.pipeline.move import Moved, Mover, row
from keyreeve.ports.people import Alerts, PeopleReader

Answer = dict[str, object]


def handle(event: Mapping[str, Any], context: object = None) -> Answer:  # noqa: ARG001 - Lambda's signature
    """Look at whom the event is about, and move them.

    ConfigError without a readable access model; AwsFailure where the event must come again.
    """
    model = _model()
    about = subject(event, role_tag=model.tags.role)
    if isinstance(about, NotForUs):
        _say("ignored", {"reason": about.reason, "event_id": _event_id(event)})
        return {"ignored": about.reason}
    sessions = Sessions(rehearsal=False)
    reader = IamPeopleReader(sessions)
    mover = Mover(
        model,
        reader=reader,
        actuator=IamPeopleActuator(sessions),
        history=CloudTrailTagHistory(sessions),
        clock=_Clock(),
        lease=_NoLease(),
    )
    moved, refusal = _moves(about, model, reader, mover)
    for each in moved:
        _say("outcome", {**row(each), "event_id": _event_id(event)})
    topic = os.environ.get("KEYREEVE_ALERTS")
    if topic:
        _tell(SnsAlerts(sessions, topic), moved, refusal)
    failed = next((each.failure for each in moved if each.failure is not None), None)
    if failed is not None:
        raise failed
    return {"outcomes": [row(each) for each in moved]}


def _moves(
    about: Subject | Everyone, model: AccessModel, reader: PeopleReader, mover: Mover
) -> tuple[list[Moved], str | None]:
    """One user, or everybody whom a sweep finds in the wrong place; what the sweep refused."""
    if isinstance(about, Subject):
        return [mover.move(about.user_name, about.tagged_by)], None
    sweep = reconcile(model, reader.everybody())
    refusal = too_many(sweep, BlastLimits())
    _say("sweep", {"reason": about.reason, "refusal": refusal, **_counts(sweep)})
    outcome = Outcome.TO_ROLE_GROUP if refusal else None
    moves = [move for move in sweep.moves if outcome in (None, move.outcome)]
    return list(mover.sweep(moves)), refusal


def _counts(sweep: Sweep) -> dict[str, object]:
    """Who is held stands in the daily run's report: a sweep would tell of them every time."""
    return {
        "users": sweep.users,
        "moves": len(sweep.moves),
        "held": len(sweep.held),
        "missing_groups": list(sweep.missing_groups),
    }


def _tell(alerts: Alerts, moved: list[Moved], refusal: str | None) -> None:
    """One message for all that needs a person. AwsFailure if it could not be published."""
    needing = [each for each in moved if each.needs_person]
    if refusal is not None:
        remedy = "`keyreeve user reconcile` shows them; --execute --accept N moves them."
        alerts.tell("Keyreeve onboarding: a sweep was refused", f"{refusal}.\n{remedy}")
    if not needing:
        return
    lines = []
    for each in needing:
        lines.append(f"{each.move.user_name}: {each.move.reason} ({each.move.outcome}).")
        lines += [f"  done: {step}" for step in each.steps]
        if each.failure is not None:
            lines.append(f"  failed: {each.failure}")
    lines += ["", "`keyreeve user show NAME` says what is missing."]
    who = f"{len(needing)} users need" if len(needing) > 1 else f"{needing[0].move.user_name} needs"
    alerts.tell(f"Keyreeve onboarding: {who} a person", "\n".join(lines))


def _model() -> AccessModel:
    path = os.environ.get("KEYREEVE_ACCESS") or str(
        Path(os.environ.get("LAMBDA_TASK_ROOT", ".")) / "access.json"
    )
    try:
        return decode(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the access model cannot be read: {error}",
            where=path,
            remedy="Deploy the function again: `keyreeve baseline deploy onboarding --execute`.",
        ) from None


def _event_id(event: Mapping[str, Any]) -> str:
    detail = event.get("detail")
    found = detail.get("eventID") if isinstance(detail, Mapping) else None
    return str(found or event.get("id") or "")


def _say(event: str, data: Mapping[str, object]) -> None:
    """One line of JSON, for the function's log group."""
    line = json.dumps({"keyreeve": f"onboarding.{event}", **data}, ensure_ascii=True)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Clock:
    """ports.Clock, for waiting only."""

    def now(self) -> datetime:
        """The instant, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class _NoLease:
    """ports.Lease: the function writes no state, so there is no lock to lose."""

    def check(self) -> None:
        """Nothing can be lost."""
