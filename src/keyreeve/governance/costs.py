"""What a stack costs to run, named before it is deployed; pure.

Prices are AWS's list prices of us-east-1 as of 2026: they say what to look at, not what is due.
"""

from __future__ import annotations

from collections.abc import Iterator

from keyreeve.model.baseline import Blueprint, Cost, Inventory, StackName


def costs(blueprint: Blueprint, inventory: Inventory) -> tuple[Cost, ...]:
    """Cost drivers of one stack as it is wanted; empty: nothing to speak of."""
    return tuple(_costs(blueprint, inventory))


def _costs(made: Blueprint, inventory: Inventory) -> Iterator[Cost]:
    types = [resource["Type"] for resource in made.template["Resources"].values()]
    keys = types.count("AWS::KMS::Key")
    if keys:
        yield Cost(what="KMS key", driver=f"{keys} x 1 USD a month, and 0.03 USD per 10,000 uses")
    match made.stack:
        case StackName.AUDIT_TRAIL:
            yield from _trail(made, inventory)
        case StackName.MONITORING:
            alarms = types.count("AWS::CloudWatch::Alarm")
            yield Cost(what="alarms", driver=f"{alarms} x 0.10 USD a month")
        case StackName.DETECTION:
            yield from _detection(made, inventory)
        case StackName.CONFIGURATION:
            yield from _configuration(made, types.count("AWS::Config::ConfigRule"))
        case StackName.MAIL_FEEDBACK:
            alarms = types.count("AWS::CloudWatch::Alarm")
            yield Cost(what="alarms", driver=f"{alarms} x 0.10 USD a month")
        case StackName.AUTOMATION if _said(made, "RunCodeKey"):
            alarms = types.count("AWS::CloudWatch::Alarm")
            driver = f"{alarms} x 0.10 USD a month, and 0.30 USD for the metric of ended runs"
            yield Cost(what="alarms", driver=driver)
            yield Cost(what="function", driver="0.0000133 USD per second of the run (arm64, 1 GB)")
        case StackName.FLEET:
            alarms = types.count("AWS::CloudWatch::Alarm")
            driver = f"{alarms} x 0.10 USD a month, and 0.30 USD for the metric of ended days"
            yield Cost(what="alarms", driver=driver)
            yield Cost(what="functions", driver="0.0000133 USD per second of each account's run")
        case _:
            return


def _trail(made: Blueprint, inventory: Inventory) -> Iterator[Cost]:
    if any(trail.logging for trail in inventory.trails):
        driver = "2 USD per 100,000 management events: another trail has the first, free copy"
        yield Cost(what="second trail", driver=driver)
    yield Cost(what="log group", driver="0.50 USD per GB that the trail writes")
    if _said(made, "Insights") == "true":
        yield Cost(what="Insights", driver="0.35 USD per 100,000 events analysed, per kind")
    if _said(made, "DataEvents") != "None":
        yield Cost(what="data events", driver="0.10 USD per 100,000 objects and invocations")


def _detection(made: Blueprint, inventory: Inventory) -> Iterator[Cost]:
    if _said(made, "CreateDetector") == "true":
        yield Cost(what="GuardDuty", driver="per event and GB analysed; the first 30 days are free")
    if _said(made, "CreateUnusedAnalyzer") == "true":
        each = f"0.20 USD a month for each of {inventory.population} users and roles"
        yield Cost(what="unused-access analysis", driver=each)


def _configuration(made: Blueprint, rules: int) -> Iterator[Cost]:
    if _said(made, "CreateRecorder") == "true":
        yield Cost(what="Config items", driver="0.003 USD for each recorded change")
    yield Cost(what="Config rules", driver=f"{rules} rules, 0.001 USD for each evaluation")


def _said(made: Blueprint, parameter: str) -> str:
    default = made.template["Parameters"][parameter].get("Default", "")
    return made.parameters.get(parameter, str(default))
