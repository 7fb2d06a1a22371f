"""What a run leaves for people and programs below `runs/{run_id}/`."""

from __future__ import annotations

import json
from collections.abc import Iterable

from keyreeve.codec.seal import content_digest
from keyreeve.codec.values import to_json
from keyreeve.escalation.casebook import Happening
from keyreeve.model.people import Sweep
from keyreeve.model.plan import Outcome, Plan
from keyreeve.model.usage import UsageReading
from keyreeve.ports import Archive


def plan_document(
    plan: Plan,
    outcomes: Iterable[Outcome] | None,
    exit_code: int,
    sweep: Sweep | None = None,
    usage: UsageReading | None = None,
) -> dict[str, object]:
    """The JSON of `plan` and `run` (interface: effects, held, outcomes)."""
    document: dict[str, object] = {
        "schema": "keyreeve.run/1" if outcomes is not None else "keyreeve.plan/1",
        "run_id": plan.run_id,
        "account_id": plan.account_id,
        "as_of": to_json(plan.as_of),
        "on": to_json(plan.on),
        "population": plan.population,
        "allowed": plan.allowed,
        "refusal": to_json(plan.refusal) if plan.refusal else None,
        "summary_due": plan.summary_due,
        "observing": plan.observing,
        "effects": [to_json(effect) for effect in plan.effects],
        "held": [to_json(held) for held in plan.held],
        "gaps": [to_json(gap) for gap in plan.gaps],
        "slot_blocked": {
            "users": plan.slot_blocked_users,
            "by_keyreeve": plan.slot_blocked_by_us,
            "keys": [to_json(blocked) for blocked in plan.slot_blocked],
        },
        "exit_code": exit_code,
    }
    if outcomes is not None:
        document["outcomes"] = [to_json(outcome) for outcome in outcomes]
    if sweep is not None:
        document["access"] = to_json(sweep)
    if usage is not None and usage.keys:
        document["usage"] = to_json(usage)
    return document


def publish(
    archive: Archive,
    plan: Plan,
    outcomes: Iterable[Outcome],
    happenings: Iterable[Happening],
    exit_code: int,
    sweep: Sweep | None = None,
    usage: UsageReading | None = None,
    *,
    account_readable: bool = True,
) -> dict[str, str]:
    """Keep the run's report and the findings it judged by, and whether they are all there are.

    What was kept, for the audit log: SHA-256 by key.
    """
    document = plan_document(plan, outcomes, exit_code, sweep, usage)
    document["account_readable"] = account_readable
    document["happenings"] = [to_json(happening) for happening in happenings]
    document["findings"] = [to_json(finding) for finding in plan.findings]
    content = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode()
    key = f"runs/{plan.run_id}/run.json"
    archive.keep(key, content)
    return {key: content_digest(content)}
