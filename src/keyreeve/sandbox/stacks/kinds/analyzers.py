"""AWS::AccessAnalyzer::Analyzer."""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.stacks.calling import items, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.refusals import Failed


def _make(site: Site, props: Props) -> str:
    name = str(props.get("AnalyzerName") or site.name())
    told: dict[str, Any] = {"type": props["Type"]}
    if "AnalyzerConfiguration" in props:
        told["configuration"] = _configuration(props)
    if "Tags" in props:
        told["tags"] = props["Tags"]
    answer = site.call("accessanalyzer", "CreateAnalyzer", analyzerName=name, **told)
    return str(answer["arn"])


def _configuration(props: Props) -> dict[str, Any]:
    """AnalyzerConfiguration; the template names the kind of access, the service the same."""
    unused = dict(props["AnalyzerConfiguration"].get("UnusedAccessConfiguration", {}))
    return {"unusedAccess": unused}


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _analyzer(site: Site, arn: str, _: Props) -> dict[str, Any]:
    told = site.call("accessanalyzer", "GetAnalyzer", analyzerName=_name(arn))["analyzer"]
    return dict(told)


def _there(site: Site, id_: str, props: Props) -> bool:
    try:
        _analyzer(site, id_, props)
    except Failed:
        return False
    return True


def _put_configuration(site: Site, arn: str, new: Props, _: Props) -> None:
    told = _configuration({"AnalyzerConfiguration": {}, **new})
    site.call("accessanalyzer", "UpdateAnalyzer", analyzerName=_name(arn), configuration=told)


def _read_configuration(site: Site, arn: str, props: Props) -> Props:
    told = _analyzer(site, arn, props).get("configuration", {}).get("unusedAccess", {})
    age = told.get("unusedAccessAge")
    return {"AnalyzerConfiguration": {"UnusedAccessConfiguration": {"UnusedAccessAge": age}}}


def _filter(rule: Props) -> dict[str, Any]:
    conditions = {}
    for row in rule["Filter"]:
        words = {key: value for key, value in row.items() if key != "Property"}
        conditions[str(row["Property"])] = words
    return conditions


def _put_rules(site: Site, arn: str, new: Props, old: Props) -> None:
    after = {it["RuleName"]: it for it in items(new, "ArchiveRules")}
    before = {it["RuleName"]: it for it in items(old, "ArchiveRules")}
    for name in before:
        if name not in after:
            told = {"analyzerName": _name(arn), "ruleName": name}
            site.call("accessanalyzer", "DeleteArchiveRule", **told)
    for name, rule in after.items():
        operation = "UpdateArchiveRule" if name in before else "CreateArchiveRule"
        told = {"analyzerName": _name(arn), "ruleName": name, "filter": _filter(rule)}
        site.call("accessanalyzer", operation, **told)


def _remove(site: Site, arn: str, _: Props) -> None:
    site.call("accessanalyzer", "DeleteAnalyzer", analyzerName=_name(arn))


ANALYZER: Final = Kind(
    type="AWS::AccessAnalyzer::Analyzer",
    make=_make,
    remove=_remove,
    facets=(
        Facet(
            properties=("AnalyzerConfiguration",),
            put=_put_configuration,
            read=_read_configuration,
            born=True,
        ),
        Facet(properties=("ArchiveRules",), put=_put_rules),
        tags(
            "accessanalyzer",
            ("TagResource", "resourceArn", "tags"),
            ("UntagResource", "resourceArn", "tagKeys"),
        ),
    ),
    fixed=frozenset({"AnalyzerName", "Type"}),
    required=frozenset({"Type"}),
    attributes=lambda _site, arn, _props: {"Arn": arn},
    present=_there,
    name="AnalyzerName",
    identifier=("Arn",),
)
KINDS: Final = (ANALYZER,)
