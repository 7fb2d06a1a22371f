"""`ports.stacks.AccountInventory`: what the account holds of what the stacks would make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.language.authorizations import partition
from keyreeve.model.baseline import Inventory, Trail
from keyreeve.model.errors import NotFound
from keyreeve.model.identifiers import AccountId


class InventoryOfRegion:
    """One account, and the region of the sessions."""

    def __init__(
        self, sessions: Sessions, account_id: AccountId, region: str, project: str
    ) -> None:
        self._project = project
        self._logs = sessions.client("logs")
        self._s3 = sessions.client("s3")
        self._iam = sessions.client("iam")
        self._trails = sessions.client("cloudtrail")
        self._config = sessions.client("config")
        self._guardduty = sessions.client("guardduty")
        self._analyzers = sessions.client("accessanalyzer")
        self._account_id = account_id
        self._region = region

    def read(self, ours: frozenset[str]) -> Inventory:
        """Without the resources of these physical ids."""
        groups, roles, users = self._principals()
        analyzers = self._list_analyzers()
        return Inventory(
            account_id=self._account_id,
            partition=partition(self._region),
            groups=groups - ours,
            roles=roles - ours,
            trails=tuple(t for t in self._list_trails() if not {t.name, t.arn} & ours),
            detector=_foreign(self._list_detectors(), ours),
            recorder=_foreign(self._list_recorders(), ours),
            external_analyzer=_foreign(analyzers.get("ACCOUNT", []), ours),
            unused_analyzer=_foreign(analyzers.get("ACCOUNT_UNUSED_ACCESS", []), ours),
            password_policy=self._has_password_policy(),
            kept=(self._log_groups() | self._buckets()) - ours,
            population=len(roles) + users,
        )

    def members(self, group: str) -> tuple[str, ...]:
        """As the port says."""
        try:
            return tuple(sorted(self._members(group)))
        except NotFound:
            return ()

    @calling("iam:GetGroup")
    def _members(self, group: str) -> list[str]:
        pages = _pages(self._iam.get_group, "Marker", GroupName=group)
        return [user["UserName"] for page in pages for user in page["Users"]]

    @calling("iam:GetAccountAuthorizationDetails")
    def _principals(self) -> tuple[frozenset[str], frozenset[str], int]:
        """Names of groups, names of roles, number of users."""
        groups: set[str] = set()
        roles: set[str] = set()
        users = 0
        ask = self._iam.get_account_authorization_details
        for page in _pages(ask, "Marker", Filter=["Group", "Role", "User"]):
            groups |= {row["GroupName"] for row in page["GroupDetailList"]}
            roles |= {row["RoleName"] for row in page["RoleDetailList"]}
            users += len(page["UserDetailList"])
        return frozenset(groups), frozenset(roles), users

    @calling("logs:DescribeLogGroups")
    def _log_groups(self) -> frozenset[str]:
        """By the beginnings of the names that the stacks give."""
        found: set[str] = set()
        for prefix in (f"/keyreeve/{self._project}/", f"/aws/lambda/keyreeve-{self._project}-"):
            pages = _pages(self._logs.describe_log_groups, "nextToken", logGroupNamePrefix=prefix)
            found |= {row["logGroupName"] for page in pages for row in page["logGroups"]}
        return frozenset(found)

    @calling("s3:ListBuckets")
    def _buckets(self) -> frozenset[str]:
        names = (row["Name"] for row in self._s3.list_buckets()["Buckets"])
        return frozenset(name for name in names if name.startswith(f"keyreeve-{self._project}-"))

    def _has_password_policy(self) -> bool:
        try:
            self._password_policy()
        except NotFound:
            return False
        return True

    @calling("iam:GetAccountPasswordPolicy")
    def _password_policy(self) -> None:
        self._iam.get_account_password_policy()

    @calling("cloudtrail:DescribeTrails")
    def _list_trails(self) -> list[Trail]:
        rows = self._trails.describe_trails(includeShadowTrails=True)["trailList"]
        return [self._trail(row) for row in rows]

    def _trail(self, row: Mapping[str, Any]) -> Trail:
        return Trail(
            name=row["Name"],
            arn=row["TrailARN"],
            home_region=row["HomeRegion"],
            multi_region=row.get("IsMultiRegionTrail", False),
            logging=self._is_logging(row["TrailARN"]),
            log_group=_log_group(row.get("CloudWatchLogsLogGroupArn")),
        )

    @calling("cloudtrail:GetTrailStatus")
    def _is_logging(self, arn: str) -> bool:
        logging: bool = self._trails.get_trail_status(Name=arn)["IsLogging"]
        return logging

    @calling("config:DescribeConfigurationRecorders")
    def _list_recorders(self) -> list[tuple[str, str]]:
        rows = self._config.describe_configuration_recorders()["ConfigurationRecorders"]
        return [(row["name"], row["name"]) for row in rows]

    @calling("guardduty:ListDetectors")
    def _list_detectors(self) -> list[tuple[str, str]]:
        pages = _pages(self._guardduty.list_detectors, "NextToken")
        return [(each, each) for page in pages for each in page["DetectorIds"]]

    @calling("accessanalyzer:ListAnalyzers")
    def _list_analyzers(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for page in _pages(self._analyzers.list_analyzers, "nextToken"):
            for row in page["analyzers"]:
                found.setdefault(row["type"], []).append((row["name"], row["arn"]))
        return found


def _foreign(rows: list[tuple[str, str]], ours: frozenset[str]) -> str | None:
    """The first that is not ours, by name; rows are names with their ids."""
    return next((name for name, id_ in rows if not {name, id_} & ours), None)


def _log_group(arn: str | None) -> str | None:
    """`arn:aws:logs:…:log-group:NAME:*` → NAME."""
    return arn.split(":log-group:", 1)[1].removesuffix(":*") if arn else None


def _pages(ask: Callable[..., Any], token: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
    while True:
        page = ask(**parameters)
        yield page
        if not page.get(token):
            return
        parameters[token] = page[token]
