"""IAM Access Analyzer, which moto does not have: analyzers, their archive rules and tags.

AWS: one analyzer of each type per account and region; another is refused with
ServiceQuotaExceededException.  Nothing is analysed here: lists of findings are empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from keyreeve.sandbox.account import REGION
from keyreeve.sandbox.calls import Request
from keyreeve.sandbox.world import World

SERVICE = "access-analyzer"
Given = Mapping[str, Any]
Analyzers = dict[str, dict[str, Any]]
"""By ARN: what GetAnalyzer tells, `rules` by name beside it."""
_OWNED = "rules"


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def answer(world: World, account_id: str, request: Request, given: Given) -> dict[str, Any]:
    """The answer to one call. Refused; NotImplementedError for an operation that is not here."""
    operation = _OPERATIONS.get(request.operation)
    if operation is None:
        raise NotImplementedError(f"{SERVICE} {request.operation}")
    return operation(_Place(world, account_id, request.region or REGION), given)


class _Place:
    """The analyzers of one account and region."""

    def __init__(self, world: World, account_id: str, region: str) -> None:
        self.all: Analyzers = world.analyzers
        self.prefix = f"arn:aws:access-analyzer:{region}:{account_id}:analyzer/"
        self.now = world.clock.now().isoformat()

    def here(self) -> Analyzers:
        return {arn: it for arn, it in self.all.items() if arn.startswith(self.prefix)}

    def named(self, name: str) -> dict[str, Any]:
        return self.at(self.prefix + name)

    def at(self, arn: str) -> dict[str, Any]:
        if arn not in self.here():
            raise _missing(f"Analyzer {arn} does not exist.")
        return self.all[arn]


def _missing(message: str) -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", message)


def _told(analyzer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in analyzer.items() if name != _OWNED}


def _create(place: _Place, given: Given) -> dict[str, Any]:
    name, kind = given["analyzerName"], given["type"]
    if place.prefix + name in place.all:
        raise Refused(HTTPStatus.CONFLICT, "ConflictException", f"Analyzer {name} already exists.")
    if any(it["type"] == kind for it in place.here().values()):
        quota = "ServiceQuotaExceededException"
        raise Refused(HTTPStatus.PAYMENT_REQUIRED, quota, f"There is an analyzer of type {kind}.")
    arn = place.prefix + name
    rules = {it["ruleName"]: _rule(place, it) for it in given.get("archiveRules") or ()}
    place.all[arn] = {
        "arn": arn,
        "name": name,
        "type": kind,
        "createdAt": place.now,
        "status": "ACTIVE",
        "tags": dict(given.get("tags") or {}),
        **({"configuration": given["configuration"]} if given.get("configuration") else {}),
        _OWNED: rules,
    }
    return {"arn": arn}


def _rule(place: _Place, given: Given) -> dict[str, Any]:
    told = {"ruleName": given["ruleName"], "filter": given["filter"]}
    return {**told, "createdAt": place.now, "updatedAt": place.now}


def _update(place: _Place, given: Given) -> dict[str, Any]:
    analyzer = place.named(given["analyzerName"])
    if given.get("configuration"):
        analyzer["configuration"] = given["configuration"]
    return {"configuration": analyzer.get("configuration")}


def _list(place: _Place, given: Given) -> dict[str, Any]:
    kind = given.get("type")
    found = [_told(it) for it in place.here().values() if kind in (None, it["type"])]
    return {"analyzers": found}


def _delete(place: _Place, given: Given) -> dict[str, Any]:
    del place.all[place.named(given["analyzerName"])["arn"]]
    return {}


def _put_rule(place: _Place, given: Given) -> dict[str, Any]:
    rules = place.named(given["analyzerName"])[_OWNED]
    if given["ruleName"] in rules:
        message = f"Rule {given['ruleName']} already exists."
        raise Refused(HTTPStatus.CONFLICT, "ConflictException", message)
    rules[given["ruleName"]] = _rule(place, given)
    return {}


def _existing_rule(place: _Place, given: Given) -> dict[str, Any]:
    rules: dict[str, dict[str, Any]] = place.named(given["analyzerName"])[_OWNED]
    if given["ruleName"] not in rules:
        raise _missing(f"Rule {given['ruleName']} does not exist.")
    return rules[given["ruleName"]]


def _update_rule(place: _Place, given: Given) -> dict[str, Any]:
    _existing_rule(place, given).update(filter=given["filter"], updatedAt=place.now)
    return {}


def _delete_rule(place: _Place, given: Given) -> dict[str, Any]:
    _existing_rule(place, given)
    del place.named(given["analyzerName"])[_OWNED][given["ruleName"]]
    return {}


def _tag(place: _Place, given: Given) -> dict[str, Any]:
    place.at(given["resourceArn"])["tags"].update(given["tags"])
    return {}


def _untag(place: _Place, given: Given) -> dict[str, Any]:
    tags = place.at(given["resourceArn"])["tags"]
    keys = given.get("tagKeys") or ()
    for key in [keys] if isinstance(keys, str) else keys:
        tags.pop(key, None)
    return {}


_OPERATIONS: Mapping[str, Callable[[_Place, Given], dict[str, Any]]] = {
    "CreateAnalyzer": _create,
    "GetAnalyzer": lambda place, given: {"analyzer": _told(place.named(given["analyzerName"]))},
    "UpdateAnalyzer": _update,
    "ListAnalyzers": _list,
    "DeleteAnalyzer": _delete,
    "CreateArchiveRule": _put_rule,
    "GetArchiveRule": lambda place, given: {"archiveRule": _existing_rule(place, given)},
    "UpdateArchiveRule": _update_rule,
    "DeleteArchiveRule": _delete_rule,
    "ListArchiveRules": lambda place, given: {
        "archiveRules": list(place.named(given["analyzerName"])[_OWNED].values())
    },
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": lambda place, given: {"tags": place.at(given["resourceArn"])["tags"]},
    "ListFindings": lambda place, given: {"findings": []} if place.at(given["analyzerArn"]) else {},
    "ListFindingsV2": lambda place, given: (
        {"findings": []} if place.at(given["analyzerArn"]) else {}
    ),
}
