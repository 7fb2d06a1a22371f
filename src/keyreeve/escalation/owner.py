"""Whose address a user's is, and whether credentials may go there (gate 2)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from keyreeve.model.case import Case
from keyreeve.model.policy import EscalationPolicy, OwnerRules
from keyreeve.model.snapshot import User

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Where a user's notices go; `address` is None when nobody can be reached."""

    address: str | None
    reason: str
    """How the address was found, or why there is none."""


def is_address(text: str) -> bool:
    """A plain ASCII mail address, without display name."""
    return _ADDRESS.fullmatch(text) is not None


def find_owner(user: User, rules: OwnerRules) -> Owner:
    """The tag's address; else the user name when it is one; else user name @ default domain.

    A tag that holds something else than an address is reported, never replaced by a guess.
    """
    tagged = user.tags.get(rules.tag, "").strip()
    if tagged:
        if is_address(tagged):
            return Owner(address=tagged, reason=f"tag {rules.tag}")
        return Owner(address=None, reason=f"tag {rules.tag} holds no mail address")
    if rules.user_name_is_address and is_address(user.name):
        return Owner(address=user.name, reason="the user name is an address")
    if rules.default_domain:
        guess = f"{user.name}@{rules.default_domain}"
        if is_address(guess):
            return Owner(address=guess, reason=f"user name @ {rules.default_domain}")
    return Owner(address=None, reason=f"no tag {rules.tag}, and the user name is no address")


def shared_addresses(users: Iterable[User], rules: OwnerRules) -> frozenset[str]:
    """Addresses, in lower case, that belong to more than one user."""
    owners = (find_owner(user, rules).address for user in users)
    count = Counter(address.lower() for address in owners if address)
    return frozenset(address for address, times in count.items() if times > 1)


def bounces(case: Case, address: str | None) -> bool:
    """Whether the address is the one that is known to refuse mail."""
    known = case.bounced.address.lower() if case.bounced is not None else None
    return address is not None and address.lower() == known


def not_arriving(case: Case, address: str, today: date) -> str | None:
    """Why nothing private may go to the address, as far as mails came back (gate 1).

    A notice tries an address again. Where no finding is left to be told, the private mail does.
    """
    if case.bounced is not None and bounces(case, address):
        on_trial = not case.findings and today >= case.bounced.again_on
        return None if on_trial else f"mail to {address} bounces"
    if case.returned and not case.addresses:
        return "no notice has reached the owner yet"
    return None


def may_receive_credentials(
    address: str, case: Case, shared: frozenset[str], policy: EscalationPolicy, today: date | None
) -> str | None:
    """None if credentials may go to the address, else the reason why not (gate 2).

    Whoever may set a tag could otherwise receive another's key: the address must be the one
    that got every earlier notice. Without `today` a person vouches for the address.
    """
    public = not_private(address, shared, policy)
    if public is not None:
        return public
    low = address.lower()
    earlier = {a.lower() for a in case.addresses}
    if earlier and earlier != {low}:
        return "the owner's address changed since the first notice"
    return None if today is None else _too_new(low, case, policy, today)


def not_private(address: str, shared: frozenset[str], policy: EscalationPolicy) -> str | None:
    """Why others than one owner may read what is sent there; None: nothing is known."""
    low = address.lower()
    domains = tuple(domain.lower() for domain in policy.owner.domains)
    team = {a.lower() for a in (*policy.mail_cc, *policy.summary_to, *policy.owner.fallback)}
    if domains and low.rsplit("@", 1)[1] not in domains:
        return f"{address} is outside mail.owner.domains"
    if low in team:
        return f"{address} is an address of the team"
    if low in shared:
        return f"{address} belongs to more than one user"
    return None


def _too_new(address: str, case: Case, policy: EscalationPolicy, today: date) -> str | None:
    """An address that took the place of one whose mail came back is told as long as any other.

    Or a false bounce, with a tag, would open the way that a tag alone does not.
    """
    if not any(bounce.address.lower() != address for bounce in case.returned.values()):
        return None
    told = [
        notice.on
        for record in case.findings.values()
        for notice in record.notices
        if notice.to is not None and notice.to.lower() == address
    ]
    days = policy.days.new_credentials
    if told and (today - min(told)).days >= days:
        return None
    return f"the owner's address changed after mail came back: it must be told for {days} days"
