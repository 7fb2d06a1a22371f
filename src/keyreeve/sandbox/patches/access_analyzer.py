"""IAM Access Analyzer: analyzers that are there and have found nothing.

AWS: analyzers of the types ACCOUNT, ORGANIZATION and those of unused or internal access, one of
external access an account and region. moto has no Access Analyzer at all. Findings need an analysis
that the sandbox does not make: there are none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from keyreeve.sandbox.own_services import Action, Asked, Refusal, serve
from keyreeve.sandbox.world import World

_HOST = re.compile(r"https?://access-analyzer\.(.+)\.amazonaws\.com")


def apply(world: World) -> None:
    """Let moto know the service, and answer it."""
    from moto import backend_index

    backend_index.backend_url_patterns.append(("accessanalyzer", _HOST))
    serve("accessanalyzer", _actions(world))


def _actions(world: World) -> Mapping[str, Action]:
    def create(asked: Asked) -> Mapping[str, Any]:
        name = str(asked.params["analyzerName"])
        if name in asked.book:
            raise Refusal("ConflictException", f"Analyzer {name} already exists.")
        type_ = asked.params["type"]
        if type_ == "ACCOUNT" and any(it["type"] == type_ for it in asked.book.values()):
            raise Refusal(
                "ServiceQuotaExceededException", "Limit exceeded: one analyzer of external access"
            )
        place = f"arn:{asked.partition}:access-analyzer:{asked.region}:{asked.account}"
        asked.book[name] = {
            "arn": f"{place}:analyzer/{name}",
            "name": name,
            "type": type_,
            "createdAt": world.clock.now(),
            "status": "ACTIVE",
            "tags": dict(asked.params.get("tags") or {}),
            "configuration": dict(asked.params.get("configuration") or {}),
            "rules": {it["ruleName"]: it for it in asked.params.get("archiveRules") or ()},
        }
        return {"arn": asked.book[name]["arn"]}

    return {
        "CreateAnalyzer": create,
        "GetAnalyzer": lambda asked: {"analyzer": _told(_named(asked))},
        "ListAnalyzers": _list,
        "UpdateAnalyzer": _update,
        "DeleteAnalyzer": _delete,
        "CreateArchiveRule": _put_rule,
        "UpdateArchiveRule": _put_rule,
        "DeleteArchiveRule": _delete_rule,
        "ListArchiveRules": lambda asked: {"archiveRules": list(_named(asked)["rules"].values())},
        "ListFindings": _no_findings,
        "ListFindingsV2": _no_findings,
        "TagResource": _tag,
        "UntagResource": _untag,
        "ListTagsForResource": lambda asked: {"tags": _by_arn(asked)["tags"]},
    }


def _named(asked: Asked) -> dict[str, Any]:
    name = str(asked.params["analyzerName"])
    if name not in asked.book:
        raise Refusal("ResourceNotFoundException", f"Analyzer {name} does not exist.")
    found: dict[str, Any] = asked.book[name]
    return found


def _by_arn(asked: Asked, parameter: str = "resourceArn") -> dict[str, Any]:
    arn = asked.params[parameter]
    analyzer: dict[str, Any]
    for analyzer in asked.book.values():
        if analyzer["arn"] == arn:
            return analyzer
    raise Refusal("ResourceNotFoundException", f"{arn} does not exist.")


def _told(analyzer: Mapping[str, Any]) -> dict[str, Any]:
    """As the service tells an analyzer: its rules are asked for apart."""
    return {key: value for key, value in analyzer.items() if key != "rules" and value != {}}


def _list(asked: Asked) -> Mapping[str, Any]:
    wanted = asked.params.get("type")
    rows = [_told(it) for it in asked.book.values() if wanted in (None, it["type"])]
    return {"analyzers": rows}


def _update(asked: Asked) -> Mapping[str, Any]:
    analyzer = _named(asked)
    analyzer["configuration"] = dict(asked.params.get("configuration") or {})
    return {"configuration": analyzer["configuration"]}


def _delete(asked: Asked) -> Mapping[str, Any]:
    del asked.book[_named(asked)["name"]]
    return {}


def _put_rule(asked: Asked) -> Mapping[str, Any]:
    rule = {"ruleName": asked.params["ruleName"], "filter": asked.params["filter"]}
    _named(asked)["rules"][rule["ruleName"]] = rule
    return {}


def _delete_rule(asked: Asked) -> Mapping[str, Any]:
    _named(asked)["rules"].pop(asked.params["ruleName"], None)
    return {}


def _no_findings(asked: Asked) -> Mapping[str, Any]:
    _by_arn(asked, "analyzerArn")
    return {"findings": []}


def _tag(asked: Asked) -> Mapping[str, Any]:
    _by_arn(asked)["tags"].update(asked.params["tags"])
    return {}


def _untag(asked: Asked) -> Mapping[str, Any]:
    for key in asked.params["tagKeys"]:
        _by_arn(asked)["tags"].pop(key, None)
    return {}
