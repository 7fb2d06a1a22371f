"""GuardDuty makes sample findings.

AWS: CreateSampleFindings makes one finding per type, which ListFindings and GetFindings tell and
EventBridge sees.  moto has detectors without findings.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from keyreeve.sandbox.chain.delivery import put_event
from keyreeve.sandbox.chain.history import derived_id
from keyreeve.sandbox.patches.replacing import add
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Keep findings with their detector."""
    from moto.guardduty import urls
    from moto.guardduty.responses import GuardDutyResponse

    def detector(self: Any) -> Any:
        found = self.guardduty_backend.get_detector(self.path.split("/")[2])
        vars(found).setdefault("findings", {})
        return found

    def create_sample_findings(self: Any) -> str:
        kept = detector(self).findings
        for kind in self._get_param("findingTypes") or ["Policy:IAMUser/RootCredentialUsage"]:
            finding = _sample(world, self.current_account, self.region, detector(self).id, kind)
            kept[finding["id"]] = finding
            account_id, region = self.current_account, self.region
            world.afterwork.submit(partial(_tell, world, account_id, region, finding))
        return "{}"

    def list_findings(self: Any) -> str:
        return json.dumps({"findingIds": list(detector(self).findings)})

    def get_findings(self: Any) -> str:
        kept = detector(self).findings
        asked = self._get_param("findingIds") or ()
        return json.dumps({"findings": [kept[it] for it in asked if it in kept]})

    add(
        GuardDutyResponse,
        create_sample_findings=create_sample_findings,
        list_findings=list_findings,
        get_findings=get_findings,
    )
    for ending in ("", "/create", "/get"):
        path = "{0}/detector/(?P<detector_id>[^/]+)/findings" + ending + "$"
        urls.url_paths[path] = GuardDutyResponse.dispatch


def _sample(
    world: World, account_id: str, region: str, detector_id: str, kind: str
) -> dict[str, Any]:
    at = world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    id_ = derived_id("finding", detector_id, kind).replace("-", "")
    return {
        "schemaVersion": "2.0",
        "accountId": account_id,
        "region": region,
        "partition": "aws",
        "id": id_,
        "arn": f"arn:aws:guardduty:{region}:{account_id}:detector/{detector_id}/finding/{id_}",
        "type": kind,
        "severity": 5.0,
        "title": f"[SAMPLE] {kind}",
        "description": "A sample finding.",
        "createdAt": at,
        "updatedAt": at,
        "resource": {"resourceType": "AccessKey"},
        "service": {
            "serviceName": "guardduty",
            "detectorId": detector_id,
            "additionalInfo": {"value": '{"sample":true}', "type": "default"},
            "archived": False,
            "count": 1,
        },
    }


def _tell(world: World, account_id: str, region: str, finding: dict[str, Any]) -> None:
    event = {
        "version": "0",
        "id": derived_id("eventbridge", finding["id"], finding["updatedAt"]),
        "detail-type": "GuardDuty Finding",
        "source": "aws.guardduty",
        "account": account_id,
        "time": world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [],
        "detail": finding,
    }
    put_event(world, account_id, region, event)
