"""Create, update, import, delete: on a thread of its own, as AWS answers before it is done.

                    ┌ every resource in order ┐
CREATE_IN_PROGRESS ─┤                         ├─ CREATE_COMPLETE
                    └ one fails ─ ROLLBACK_IN_PROGRESS ─ what was done, undone backwards
UPDATE: the same; what has left the template is removed at the end, when nothing can fail any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from keyreeve.sandbox.stacks import steps
from keyreeve.sandbox.stacks.changes import changed_names, check_type, properties_for
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props
from keyreeve.sandbox.stacks.kinds import kind_of
from keyreeve.sandbox.stacks.refusals import Failed, Gone, Refused
from keyreeve.sandbox.stacks.scope import Exports, StackScope, wanted_order, wanted_outputs
from keyreeve.sandbox.stacks.site import Caller, LiveSite
from keyreeve.sandbox.stacks.stack import Event, Resource, Stack, Wanted
from keyreeve.sandbox.stacks.template import Template

_LOG = logging.getLogger(__name__)
OF_STACKS = "AWS::CloudFormation::Stack"


@dataclass(slots=True, kw_only=True)
class Operation:
    """One operation on one stack."""

    stack: Stack
    caller: Caller
    verb: str
    """CREATE, UPDATE, IMPORT or DELETE."""
    now: Callable[[], datetime]
    alive: Callable[[], bool]
    exports: Exports
    answers: dict[str, Props]
    undo: list[Callable[[], None]] = field(default_factory=list)
    forget_new: bool = False
    leaving: list[Resource] = field(default_factory=list)
    """Replaced: removed once everything else is done."""

    # --- telling ---------------------------------------------------------------------------

    def told(self, status: str, reason: str = "") -> None:
        """The stack's own status."""
        self.stack.status, self.stack.reason = status, reason
        self._event(self.stack.name, self.stack.id, OF_STACKS, status, reason)

    def mark(self, resource: Resource, status: str, reason: str = "") -> None:
        """A resource's status."""
        resource.status, resource.reason, resource.updated = status, reason, self.now()
        self._event(resource.logical_id, resource.physical_id, resource.type, status, reason)

    def _event(self, logical: str, physical: str, type_: str, status: str, reason: str) -> None:
        number = len(self.stack.events) + 1
        self.stack.events.append(
            Event(
                id=f"{logical}-{status}-{number:06}",
                logical_id=logical,
                physical_id=physical,
                type=type_,
                status=status,
                reason=reason,
                at=self.now(),
            )
        )

    def site(self, resource: Resource) -> LiveSite:
        """Where the resource stands."""
        return LiveSite(
            caller=self.caller,
            stack=self.stack,
            logical_id=resource.logical_id,
            type=resource.type,
            alive=self.alive,
            answers=self.answers,
        )

    def scope(self, template: Template, parameters: dict[str, str]) -> StackScope:
        """What names mean now."""
        return StackScope(
            caller=self.caller,
            stack=self.stack,
            template=template,
            parameters=parameters,
            exports=self.exports,
            resources=self.stack.resources,
        )

    # --- forwards --------------------------------------------------------------------------

    def become(self, wanted: Wanted) -> None:
        """Make the stack what is wanted, or leave it as it was."""
        self.forget_new = wanted.forget_new
        try:
            try:
                self._forwards(wanted)
            except (Failed, Refused) as failed:
                self._turn_back(wanted, failed.message)
        except Gone:
            return
        except Exception as error:  # noqa: BLE001 - a stack must not stay under way for ever
            _LOG.exception("the sandbox failed at the stack %s", self.stack.name)
            self.told(f"{self.verb}_FAILED", f"Internal failure of the sandbox: {error!r}")

    def _forwards(self, wanted: Wanted) -> None:
        scope = self.scope(wanted.template, wanted.parameters)
        order = wanted_order(wanted.template, scope)
        for logical in order:
            self._one(wanted, scope, logical)
        outputs = wanted_outputs(wanted.template, scope)
        gone = [it for logical, it in self.stack.resources.items() if logical not in order]
        self._take_over(wanted, order, outputs)
        if self.verb == "UPDATE":
            self.told("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            for resource in [*reversed(gone), *reversed(self.leaving)]:
                self._let_go(resource, replaced=resource in self.leaving)
        self.told(f"{self.verb}_COMPLETE")

    def _take_over(self, wanted: Wanted, order: list[str], outputs: list[dict[str, str]]) -> None:
        stack = self.stack
        stack.template, stack.parameters, stack.tags = (
            wanted.template,
            wanted.parameters,
            wanted.tags,
        )
        stack.capabilities, stack.outputs = wanted.capabilities, outputs
        stack.resources = {logical: stack.resources[logical] for logical in order}

    def _one(self, wanted: Wanted, scope: StackScope, logical: str) -> None:
        body = wanted.template.resources[logical]
        type_ = str(body["Type"])
        kind = kind_of(type_)
        props = properties_for(kind, body, scope, wanted.tags)
        old = self.stack.resources.get(logical)
        if old is None:
            fresh = Resource(
                logical_id=logical, type=type_, body=body, properties=props, updated=self.now()
            )
            if logical in wanted.imports:
                self._take_in(kind, fresh, wanted.imports[logical])
            else:
                self._make(kind, fresh, None)
            return
        check_type(old, type_)
        names = changed_names(props, old.properties)
        if kind.fixed.intersection(names):
            fresh = Resource(
                logical_id=logical, type=type_, body=body, properties=props, updated=self.now()
            )
            self._replace(kind, fresh, old)
        elif names:
            self._change(kind, old, props, body)
        else:
            self._keep(old, body)

    def _keep(self, old: Resource, body: Props) -> None:
        before = old.body
        old.body = body

        def back() -> None:
            old.body = before

        self.undo.append(back)

    def _make(self, kind: Kind, fresh: Resource, old: Resource | None) -> None:
        verb = "CREATE" if old is None else "UPDATE"
        self.stack.resources[fresh.logical_id] = fresh
        born: list[str] = []
        self.undo.append(lambda: self._unmake(fresh, old))
        self.mark(fresh, f"{verb}_IN_PROGRESS")
        site = self.site(fresh)
        try:
            fresh.physical_id = steps.make(kind, site, fresh.properties, born)
            fresh.attributes = kind.attributes(site, fresh.physical_id, fresh.properties)
        except Failed as failed:
            fresh.physical_id = fresh.physical_id or (born[0] if born else "")
            self.mark(fresh, f"{verb}_FAILED", failed.message)
            raise Failed(
                f"The following resource(s) failed to {verb.lower()}: [{fresh.logical_id}]."
            ) from failed
        self.mark(fresh, f"{verb}_COMPLETE")

    def _replace(self, kind: Kind, fresh: Resource, old: Resource) -> None:
        named = kind.name and fresh.properties.get(kind.name)
        if named and named == old.properties.get(kind.name):
            reason = (
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {named} and update the stack again."
            )
            self.mark(old, "UPDATE_FAILED", reason)
            raise Failed(reason)
        self._make(kind, fresh, old)
        self.leaving.append(old)

    def _take_in(self, kind: Kind, fresh: Resource, identifier: Props) -> None:
        self.stack.resources[fresh.logical_id] = fresh
        self.undo.append(lambda: self._forget(fresh))
        self.mark(fresh, "IMPORT_IN_PROGRESS")
        site = self.site(fresh)
        try:
            fresh.physical_id = steps.take_in(kind, site, fresh.properties, identifier)
            fresh.attributes = kind.attributes(site, fresh.physical_id, fresh.properties)
        except Failed as failed:
            self.mark(fresh, "IMPORT_FAILED", failed.message)
            raise
        self.mark(fresh, "IMPORT_COMPLETE")

    def _change(self, kind: Kind, old: Resource, props: Props, body: Props) -> None:
        before = (old.physical_id, old.properties, old.attributes, old.body)
        done: list[Facet] = []
        self.undo.append(lambda: self._unchange(kind, old, before, props, done))
        self.mark(old, "UPDATE_IN_PROGRESS")
        site = self.site(old)
        try:
            id_ = steps.change(kind, site, old.physical_id, props, old.properties, done)
            if id_ != old.physical_id:
                self.leaving.append(
                    Resource(
                        logical_id=old.logical_id,
                        type=old.type,
                        physical_id=old.physical_id,
                        properties=old.properties,
                        body=old.body,
                        updated=self.now(),
                    )
                )
            old.physical_id, old.properties, old.body = id_, props, body
            old.attributes = kind.attributes(site, id_, props)
        except Failed as failed:
            self.mark(old, "UPDATE_FAILED", failed.message)
            raise Failed(
                f"The following resource(s) failed to update: [{old.logical_id}]."
            ) from failed
        self.mark(old, "UPDATE_COMPLETE")

    # --- backwards -------------------------------------------------------------------------

    def _turn_back(self, wanted: Wanted, reason: str) -> None:
        if self.verb == "CREATE" and wanted.on_failure != "ROLLBACK":
            self.told("CREATE_FAILED", reason)
            self.stack.template = wanted.template
            if wanted.on_failure == "DELETE":
                self.vanish(frozenset())
            return
        rollback = "ROLLBACK" if self.verb == "CREATE" else f"{self.verb}_ROLLBACK"
        self.told(f"{rollback}_IN_PROGRESS", reason)
        if self.stack.template is None:
            self.stack.template, self.stack.parameters = wanted.template, wanted.parameters
        try:
            for step in reversed(self.undo):
                step()
        except Failed as failed:
            self.told(f"{rollback}_FAILED", failed.message)
            return
        if self.verb == "UPDATE":
            self.told("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self.told(f"{rollback}_COMPLETE")

    def _unmake(self, fresh: Resource, old: Resource | None) -> None:
        self._let_go(fresh, replaced=False, strict=True, rolled_back=True)
        if old is not None:
            self.stack.resources[old.logical_id] = old
        elif self.verb != "CREATE":
            self._forget(fresh)

    def _forget(self, fresh: Resource) -> None:
        self.stack.resources.pop(fresh.logical_id, None)

    def _unchange(
        self,
        kind: Kind,
        resource: Resource,
        before: tuple[str, Props, Props, Props],
        tried: Props,
        done: list[Facet],
    ) -> None:
        id_, props, attributes, body = before
        self.mark(resource, "UPDATE_IN_PROGRESS")
        site = self.site(resource)
        failed_midway = resource.properties is not tried
        try:
            if kind.change is not None:
                kind.change(site, resource.physical_id, props, tried)
            for facet in reversed(done):
                self._back(facet, site, id_, (props, tried), lenient=failed_midway)
        except Failed as failed:
            self.mark(resource, "UPDATE_FAILED", failed.message)
            raise
        resource.physical_id, resource.properties = id_, props
        resource.attributes, resource.body = attributes, body
        self.mark(resource, "UPDATE_COMPLETE")

    def _back(
        self, facet: Facet, site: LiveSite, id_: str, props: tuple[Props, Props], *, lenient: bool
    ) -> None:
        """`lenient`: the facet may have failed halfway, so that some of it is not there."""
        try:
            facet.put(site, id_, *props)
        except Failed:
            if not lenient:
                raise

    # --- away ------------------------------------------------------------------------------

    def vanish(self, kept: frozenset[str]) -> None:
        """Delete the stack; `kept`: logical ids that stay whatever their policy says."""
        try:
            self.told("DELETE_IN_PROGRESS")
            for resource in self._backwards():
                if resource.logical_id in kept:
                    self.mark(resource, "DELETE_SKIPPED")
                    continue
                try:
                    self._let_go(resource, replaced=False, strict=True)
                except Failed:
                    reason = (
                        f"The following resource(s) failed to delete: [{resource.logical_id}]. "
                    )
                    self.told("DELETE_FAILED", reason)
                    return
            self.stack.outputs = []
            self.stack.deleted = self.now()
            self.told("DELETE_COMPLETE")
        except Gone:
            return
        except Exception as error:  # noqa: BLE001 - as above
            _LOG.exception("the sandbox failed at the stack %s", self.stack.name)
            self.told("DELETE_FAILED", f"Internal failure of the sandbox: {error!r}")

    def _backwards(self) -> list[Resource]:
        """Each before what it refers to."""
        stack = self.stack
        there = [it for it in stack.resources.values() if not it.status.startswith("DELETE_CO")]
        if stack.template is None:
            return []
        order = wanted_order(stack.template, self.scope(stack.template, stack.parameters))
        place = {logical: number for number, logical in enumerate(order)}
        return sorted(there, key=lambda it: place.get(it.logical_id, -1), reverse=True)

    def _let_go(
        self,
        resource: Resource,
        *,
        replaced: bool,
        strict: bool = False,
        rolled_back: bool = False,
    ) -> None:
        """Remove, or keep by its policy. `strict`: a failure is one of the operation too."""
        policy = resource.replacement_policy if replaced else resource.deletion_policy
        if rolled_back and (self.forget_new or policy == "RetainExceptOnCreate"):
            policy = "Delete"
        if policy.startswith("Retain"):
            self.mark(resource, "DELETE_SKIPPED")
            return
        self.mark(resource, "DELETE_IN_PROGRESS")
        if resource.physical_id:
            kind = kind_of(resource.type)
            try:
                steps.remove(kind, self.site(resource), resource.physical_id, resource.properties)
            except Failed as failed:
                self.mark(resource, "DELETE_FAILED", failed.message)
                if strict:
                    raise
                return
        self.mark(resource, "DELETE_COMPLETE")
