"""One call on stacks: what it names, and the operation that it begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

from keyreeve.sandbox.own_services import Asked
from keyreeve.sandbox.stacks.kinds import KINDS
from keyreeve.sandbox.stacks.operation import Operation
from keyreeve.sandbox.stacks.parameters import judge_rules, parameter_values
from keyreeve.sandbox.stacks.refusals import Refused, no_stack
from keyreeve.sandbox.stacks.scope import StackScope, wanted_order
from keyreeve.sandbox.stacks.site import Caller, LiveSite
from keyreeve.sandbox.stacks.stack import Resource, Stack, Wanted
from keyreeve.sandbox.stacks.template import Template, read_template
from keyreeve.sandbox.world import World

_NAMED_IAM: Final = ("GroupName", "ManagedPolicyName", "RoleName")
_NOT_KNOWN: Final = (
    "DeploymentConfig",
    "DeploymentMode",
    "ImportExistingResources",
    "IncludeNestedStacks",
    "NotificationARNs",
    "ResourceTypes",
    "RoleARN",
    "RollbackConfiguration",
    "StackPolicyBody",
    "StackPolicyDuringUpdateBody",
    "StackPolicyDuringUpdateURL",
    "StackPolicyURL",
)
"""What would change the outcome and is not done here: refused, never ignored."""
_LARGEST: Final = 51_200
"""Bytes of a template in the call itself (AWS: CloudFormation quotas)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A call, and what it may touch."""

    world: World
    asked: Asked

    # --- what the call says ----------------------------------------------------------------

    def text(self, name: str) -> str:
        """A parameter; empty if it is not there."""
        return str(self.asked.params.get(name) or "")

    def flag(self, name: str) -> bool:
        """A boolean parameter; False if it is not there."""
        return self.text(name).lower() == "true"

    def rows(self, name: str) -> list[Any]:
        """A list parameter; empty if it is not there."""
        return list(self.asked.params.get(name) or ())

    @property
    def now(self) -> datetime:
        """The sandbox's instant."""
        return self.world.clock.now()

    @property
    def caller(self) -> Caller:
        """Who calls."""
        asked = self.asked
        return Caller(
            access_key=asked.access_key,
            token=asked.token,
            account=asked.account,
            region=asked.region,
            partition=asked.partition,
            endpoint=asked.endpoint,
        )

    # --- stacks ----------------------------------------------------------------------------

    @property
    def stacks(self) -> list[Stack]:
        """All of the account and region, deleted ones too, oldest first."""
        return list(self.asked.book.values())

    def find(self, named: str) -> Stack | None:
        """By id, or by the name of one that is there."""
        by_id: Stack | None = self.asked.book.get(named)
        return by_id or next((it for it in self.stacks if it.there and it.name == named), None)

    def stack(self, parameter: str = "StackName") -> Stack:
        """The one that the call names. Refused if there is none."""
        named = self.text(parameter)
        stack = self.find(named)
        if stack is None:
            raise no_stack(named)
        return stack

    def new_stack(self, name: str, status: str) -> Stack:
        """A stack in the book."""
        caller = self.caller
        place = f"arn:{caller.partition}:cloudformation:{caller.region}:{caller.account}"
        id_ = f"{place}:stack/{name}/{random_id()}"
        stack = Stack(id=id_, name=name, status=status, created=self.now)
        self.asked.book[id_] = stack
        return stack

    def exports(self) -> dict[str, str]:
        """Of all stacks of the account and region."""
        return {name: value for stack in self.stacks for name, value in stack.exports.items()}

    # --- what it asks for ------------------------------------------------------------------

    def template(self, stack: Stack | None) -> Template:
        """The one that the call brings, or the stack's own. Refused if it is not well-formed."""
        if self.flag("UsePreviousTemplate"):
            if stack is None or stack.template is None:
                raise Refused("There is no previous template.")
            return stack.template
        body = self.text("TemplateBody")
        if len(body.encode()) > _LARGEST:
            raise Refused(
                "1 validation error detected: Value at 'templateBody' failed to satisfy "
                f"constraint: Member must have length less than or equal to {_LARGEST}"
            )
        text = body or self._stored(self.text("TemplateURL"))
        return read_template(text, frozenset(KINDS))

    def _stored(self, url: str) -> str:
        """A template in S3. Asked of moto directly: this call holds the sandbox's turn."""
        from moto.s3.models import s3_backends

        if not url:
            raise Refused("Either Template URL or Template Body must be specified.")
        place = urlsplit(url)
        host, path = place.hostname or "", place.path.lstrip("/")
        by_host = ".s3" in host
        bucket, key = (host.split(".s3")[0], path) if by_host else path.split("/", 1)
        backend = s3_backends[self.asked.account][self.asked.partition]
        found = backend.get_object(bucket, key)
        if found is None:
            raise Refused("S3 error: Access Denied")
        return bytes(found.value).decode()

    def wanted(self, stack: Stack | None) -> Wanted:
        """What the stack is to become. Refused where AWS refuses it at once."""
        unknown = [name for name in _NOT_KNOWN if self.asked.params.get(name)]
        if unknown:
            raise Refused(f"The sandbox's CloudFormation does not know {', '.join(unknown)}")
        template = self.template(stack)
        before = stack.parameters if stack is not None else {}
        values = parameter_values(template, self.rows("Parameters"), before)
        given = self.rows("Tags")
        tags = {it["Key"]: it["Value"] for it in given} if given or stack is None else stack.tags
        wanted = Wanted(
            template=template,
            parameters=values,
            tags=tags,
            capabilities=tuple(self.rows("Capabilities")),
            on_failure=self._on_failure(),
            forget_new=self.flag("RetainExceptOnCreate"),
        )
        judge_capabilities(wanted)
        scope = self._scope(stack or self._nobody(), wanted)
        judge_rules(template, scope)
        wanted_order(template, scope)
        return wanted

    def _on_failure(self) -> str:
        told = self.text("OnFailure") or self.text("OnStackFailure")
        return "DO_NOTHING" if self.flag("DisableRollback") else told or "ROLLBACK"

    def _nobody(self) -> Stack:
        return Stack(id="", name=self.text("StackName"), status="", created=self.now)

    def _scope(self, stack: Stack, wanted: Wanted) -> StackScope:
        return StackScope(
            caller=self.caller,
            stack=stack,
            template=wanted.template,
            parameters=wanted.parameters,
            exports=self.exports,
            resources={},
            forecast=True,
        )

    # --- operations ------------------------------------------------------------------------

    def operation(self, stack: Stack, verb: str) -> Operation:
        """One that is not begun yet."""
        book = self.asked.book
        return Operation(
            stack=stack,
            caller=self.caller,
            verb=verb,
            now=self.world.clock.now,
            alive=lambda: book.get(stack.id) is stack,
            exports=self.exports,
            answers=self.world.cfn_answers,
        )

    def begin(self, stack: Stack, wanted: Wanted, verb: str) -> None:
        """On a thread of its own; DescribeStacks tells how it goes."""
        operation = self.operation(stack, verb)
        if verb != "CREATE":
            stack.updated = self.now
        operation.told(f"{verb}_IN_PROGRESS", "User Initiated")
        start(lambda: operation.become(wanted))

    def site(self, stack: Stack, resource: Resource) -> LiveSite:
        """Where a resource stands, to look at it."""
        return self.operation(stack, "UPDATE").site(resource)


def judge_capabilities(wanted: Wanted) -> None:
    """Refused unless the caller acknowledges what the template does with IAM."""
    of_iam = [
        body for body in wanted.template.resources.values() if body["Type"].startswith("AWS::IAM::")
    ]
    named = any(name in (it.get("Properties") or {}) for it in of_iam for name in _NAMED_IAM)
    enough = {"CAPABILITY_NAMED_IAM"} if named else {"CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"}
    if of_iam and not enough & set(wanted.capabilities):
        needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
        raise Refused(f"Requires capabilities : [{needed}]", "InsufficientCapabilitiesException")


def start(work: Callable[[], None]) -> None:
    """On a thread that ends with the process."""
    Thread(target=work, daemon=True, name="stack").start()


def random_id() -> str:
    """Repeatable: moto's source of randomness, which a reset seeds."""
    from moto.moto_api._internal import mock_random

    return str(mock_random.uuid4())


def page(rows: list[Any], token: str, size: int = 100) -> tuple[list[Any], Mapping[str, str]]:
    """A page of rows, and the token of the next if there is one."""
    first = int(token or 0)
    more = {"NextToken": str(first + size)} if len(rows) > first + size else {}
    return rows[first : first + size], more
