"""The account's policy documents, parsed once, and what each holder holds of them.

They are pared to the actions that are asked about: no other question may be put to them.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyreeve.controls.posture.asked_actions import pared
from keyreeve.language.policy_document import MalformedPolicy, PolicyDocument, parse_document
from keyreeve.language.policy_evaluator import Policies
from keyreeve.model.account_facts import Document, Holder, HolderKind, Identities


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The policies that hang on one holder itself."""

    documents: tuple[tuple[str, PolicyDocument], ...] = ()
    """`policy NAME` or `inline policy NAME`, with the document."""
    unread: tuple[str, ...] = ()
    """The same names where no document is known, or none that can be understood."""

    def together(self, other: Shelf) -> Shelf:
        """What both hold."""
        return Shelf(
            documents=(*self.documents, *other.documents), unread=(*self.unread, *other.unread)
        )


class Library:
    """Managed policies by ARN; inline ones are parsed where they hang."""

    def __init__(self, identities: Identities) -> None:
        self.identities = identities
        self._managed = {arn: _parsed(text) for arn, text in identities.policies.items()}
        self._own = {holder.arn: self._shelf(holder) for holder in identities.holders}
        self._groups = {g.name: g for g in identities.of_kind(HolderKind.GROUP)}

    def own(self, holder: Holder) -> Shelf:
        """What hangs on the holder itself."""
        return self._own[holder.arn]

    def _shelf(self, holder: Holder) -> Shelf:
        found: list[tuple[str, PolicyDocument | None]] = [
            (f"policy {policy_name(arn)}", self._managed.get(arn)) for arn in holder.attached
        ]
        found += [(f"inline policy {name}", _parsed(text)) for name, text in holder.inline.items()]
        return Shelf(
            documents=tuple((name, document) for name, document in found if document is not None),
            unread=tuple(name for name, document in found if document is None),
        )

    def with_groups(self, holder: Holder) -> Shelf:
        """What reaches a user: its own and its groups'."""
        shelf = self.own(holder)
        for name in holder.groups:
            if name in self._groups:
                shelf = shelf.together(self.own(self._groups[name]))
        return shelf

    def policies(self, holder: Holder, shelf: Shelf) -> Policies:
        """For the evaluator; a boundary that nobody read limits nothing."""
        boundary = self._managed.get(holder.boundary) if holder.boundary else None
        return Policies(identity=tuple(d for _, d in shelf.documents), boundary=boundary)


def policy_name(arn: str) -> str:
    """The last part of a policy's ARN."""
    return arn.rpartition("/")[2]


def _parsed(text: Document) -> PolicyDocument | None:
    try:
        return pared(parse_document(text))
    except MalformedPolicy:
        return None
