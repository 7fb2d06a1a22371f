"""When a principal last used a service.

AWS: GenerateServiceLastAccessedDetails starts a job for a user, group, role or policy, and
GetServiceLastAccessedDetails tells the services that its policies grant, each with the last use if
there was one. moto has neither. The last uses that the sandbox knows are those of access keys and
roles; a grant of `*` stands for the services of the baseline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from keyreeve.language.policy_document import Effect, PolicyDocument
from keyreeve.sandbox.callers import Caller
from keyreeve.sandbox.patches.managed_policies import ensure
from keyreeve.sandbox.patches.replacing import add
from keyreeve.sandbox.principals import held, identity_policies, managed_document
from keyreeve.sandbox.world import World

_OF_EVERYTHING: Final = (
    *("cloudformation", "cloudtrail", "cloudwatch", "config", "events", "guardduty", "iam", "kms"),
    *("lambda", "logs", "s3", "secretsmanager", "ses", "sns", "sqs", "sts"),
)
_JOB: Final = "00000000-0000-0000-0000-{number:012d}"


def apply(world: World) -> None:
    """Jobs are done at once and forgotten with the account."""
    from moto.core.responses import ActionResult
    from moto.iam.exceptions import NoSuchEntity
    from moto.iam.responses import IamResponse

    def generate_service_last_accessed_details(self: Any) -> Any:
        arn = self._get_param("Arn")
        rows = _rows(self.backend, arn)
        if rows is None:
            raise NoSuchEntity(f"ARN {arn} is not found.")
        jobs = self.backend.__dict__.setdefault("last_accessed_jobs", {})
        job = _JOB.format(number=len(jobs) + 1)
        jobs[job] = (world.clock.now(), rows)
        return ActionResult({"JobId": job})

    def get_service_last_accessed_details(self: Any) -> Any:
        jobs = self.backend.__dict__.get("last_accessed_jobs", {})
        if self._get_param("JobId") not in jobs:
            raise NoSuchEntity("No such job.")
        at, rows = jobs[self._get_param("JobId")]
        done = {"JobStatus": "COMPLETED", "JobCreationDate": at, "JobCompletionDate": at}
        return ActionResult({**done, "ServicesLastAccessed": rows, "IsTruncated": False})

    add(
        IamResponse,
        generate_service_last_accessed_details=generate_service_last_accessed_details,
        get_service_last_accessed_details=get_service_last_accessed_details,
    )


def _rows(backend: Any, arn: str) -> list[dict[str, Any]] | None:
    """One per granted service; None: nothing has this ARN."""
    found = _grants(backend, arn)
    if found is None:
        return None
    documents, used = found
    services = sorted({service for it in documents for service in _services(it)})
    return [
        {
            "ServiceName": service,
            "ServiceNamespace": service,
            "TotalAuthenticatedEntities": int(service in used),
            **({"LastAuthenticated": used[service]} if service in used else {}),
            **({"LastAuthenticatedEntity": arn} if service in used else {}),
        }
        for service in services
    ]


def _grants(backend: Any, arn: str) -> tuple[list[PolicyDocument], Mapping[str, datetime]] | None:
    ensure(backend, arn)
    policy = backend.managed_policies.get(arn)
    if policy is not None:
        return [managed_document(policy)], {}
    for kind, holders in (("user", backend.users), ("role", backend.roles)):
        for holder in holders.values():
            if holder.arn == arn:
                caller = Caller(account_id=backend.account_id, iam=backend, **{kind: holder})
                return [it.document for it in identity_policies(caller)], _used(holder)
    group = next((it for it in backend.groups.values() if it.arn == arn), None)
    return None if group is None else ([it.document for it in held(group, "group")], {})


def _used(holder: Any) -> Mapping[str, datetime]:
    """Service → when a key of the user was last used there."""
    found: dict[str, datetime] = {}
    for key in getattr(holder, "access_keys", ()):
        if key.last_used is not None:
            service, at = key.last_used.service, key.last_used.timestamp
            found[service] = max(at, found.get(service, at))
    return found


def _services(document: PolicyDocument) -> Iterator[str]:
    for statement in document.statements:
        if statement.effect is Effect.DENY:
            continue
        if statement.actions.negated or "*" in statement.actions.values:
            yield from _OF_EVERYTHING
        else:
            yield from (action.partition(":")[0] for action in statement.actions.values)
