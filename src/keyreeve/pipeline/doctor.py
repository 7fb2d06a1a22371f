"""The preflight's judgement: what was found, whether it is sound, and how to mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from shlex import quote

from keyreeve.escalation.owner import find_owner, shared_addresses
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.policy import EscalationPolicy
from keyreeve.model.snapshot import Caller, PasswordPolicy, User

SKEW_BROKEN = timedelta(minutes=5)
"""AWS refuses signatures that are 15 minutes off; state.json and leases suffer earlier."""
SKEW_WARNING = timedelta(seconds=30)


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One line of the doctor's."""

    check: str
    verdict: Verdict
    found: str
    remedy: str = ""


def ok(check: str, found: str) -> Diagnosis:
    """Nothing to mend."""
    return Diagnosis(check=check, verdict=Verdict.OK, found=found)


def warning(check: str, found: str, remedy: str) -> Diagnosis:
    """It works, and could be better."""
    return Diagnosis(check=check, verdict=Verdict.WARNING, found=found, remedy=remedy)


def broken(check: str, found: str, remedy: str) -> Diagnosis:
    """A run would fail, or harm."""
    return Diagnosis(check=check, verdict=Verdict.BROKEN, found=found, remedy=remedy)


def about_caller(caller: Caller) -> Diagnosis:
    """Keyreeve must never run as the root user."""
    if caller.arn.endswith(":root"):
        return broken(
            "credentials",
            "these are the root user's",
            "Use a role: `keyreeve policy print --role reader` prints what it needs.",
        )
    return ok("credentials", f"{caller.arn}, account {caller.account_id}")


def about_clock(wall: datetime, theirs: datetime, *, emulator: bool) -> Diagnosis:
    """This machine's clock against the Date header of an AWS answer."""
    skew = abs(wall - theirs)
    if emulator:
        if skew > SKEW_BROKEN:
            return ok("clock", f"an emulator that lives on {theirs:%Y-%m-%d}: use --as-of")
        return ok("clock", "an emulator")
    seconds = f"{skew.total_seconds():.0f} s off AWS's clock"
    if skew > SKEW_BROKEN:
        return broken(
            "clock", seconds, "`sudo timedatectl set-ntp true` lets this machine keep its time."
        )
    if skew > SKEW_WARNING:
        return warning(
            "clock", seconds, "`sudo timedatectl set-ntp true` lets this machine keep its time."
        )
    return ok("clock", "agrees with AWS's")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLock:
    """What a bucket keeps every new object for."""

    mode: str
    """GOVERNANCE or COMPLIANCE; empty: no default retention."""
    days: int


def about_object_lock(lock: ObjectLock | None, runs: timedelta, escrow_days: int) -> Diagnosis:
    """`runs` and `escrow_days` are how long records and delivered credentials are to be kept."""
    if lock is None:
        return ok("Object Lock", "off; the audit log shows alterations all the same")
    if not lock.days:
        return ok("Object Lock", "on, without a default retention")
    found = f"{lock.mode}, {lock.days} days for every object"
    if lock.days <= min(runs.days, escrow_days):
        return ok("Object Lock", found)
    return warning(
        "Object Lock",
        f"{found}: until then neither delivered credentials ({escrow_days} days) nor records of "
        f"runs ({runs.days} days) can be purged",
        "Shorten the bucket's default retention, or say in `retention` and "
        "`credentials.backup_retention_days` what it means.",
    )


def about_first_run(policy: EscalationPolicy, people: HumanDecisions) -> Diagnosis:
    """Nothing here is wrong; it says what the next `run --execute` would do."""
    if people.pause is not None:
        found = f"paused: {people.pause.reason}; `keyreeve run --resume` ends it"
        return ok("daily run", found)
    if people.observes(policy):
        return ok("daily run", "observes until `keyreeve arm`: nobody is told, nothing is done")
    if policy.observe_only and people.armed is not None:
        since = f"{people.armed.since:%Y-%m-%d} by {people.armed.by}"
        return ok("daily run", f"acts: armed since {since}")
    return ok("daily run", "acts: first_run is act")


def about_owners(users: tuple[User, ...], policy: EscalationPolicy) -> Iterator[Diagnosis]:
    """How many owners can be reached, and where credentials could go."""
    rules = policy.owner
    in_scope = [user for user in users if policy.exclusion_for(user) is None]
    found = {user.name: find_owner(user, rules) for user in in_scope}
    lost = sorted(name for name, owner in found.items() if owner.address is None)
    counted = f"{len(found) - len(lost)} of {len(found)} users have an address"
    if lost:
        yield warning(
            "owners",
            f"{counted}; without: {some(lost)}",
            f"{_tagging(lost[0], rules.tag)}, and so on; until then only the team is told.",
        )
    else:
        yield ok("owners", counted)
    shared = shared_addresses(users, rules)
    if shared:
        times = Counter(o.address.lower() for o in found.values() if o.address)
        named = sorted(address for address in shared if times[address])
        yield warning(
            "shared addresses",
            f"{len(named)} belong to more than one user: {some(named)}",
            "Credentials are never mailed to them: give each user an address of its own "
            f"({_tagging('NAME', rules.tag)}).",
        )
    yield from _about_domains([o.address for o in found.values() if o.address], policy)


def _tagging(user: str, tag: str) -> str:
    """The command that gives a user an address."""
    given = quote(f"Key={tag},Value=ADDRESS")
    return f"`aws iam tag-user --user-name {quote(user)} --tags {given}`"


def _about_domains(addresses: list[str], policy: EscalationPolicy) -> Iterator[Diagnosis]:
    domains = policy.owner.domains
    if not domains:
        yield warning(
            "owner domains",
            "mail.owner.domains is empty: credentials may be mailed anywhere",
            "Name your domains in config.yaml (mail.owner.domains: [example.com]): whoever may tag "
            "a user chooses the address.",
        )
        return
    outside = sorted({a for a in addresses if a.lower().rpartition("@")[2] not in domains})
    if outside:
        yield warning(
            "owner domains",
            f"{len(outside)} addresses are outside {', '.join(domains)}: {some(outside)}",
            "No credentials go there: mend the tags (`aws iam tag-user`), or add the domain to "
            "mail.owner.domains.",
        )
    else:
        yield ok("owner domains", ", ".join(domains))


def about_password_policy(policy: PasswordPolicy, *, resets: bool) -> Diagnosis:
    """Who may not change a password cannot use a generated one (S1.T6)."""
    if not policy.users_may_change and resets:
        return warning(
            "password policy",
            "users may not change their own password by the account's policy",
            "In IAM, Account settings, edit the password policy: allow users to change their own "
            "password. Until then resets wait for users whose own policies allow "
            "iam:ChangePassword.",
        )
    kind = "the account's own" if policy.custom else "AWS's default"
    return ok("password policy", f"{kind}, at least {policy.minimum_length} characters")


def some(names: Sequence[str], most: int = 3) -> str:
    """The first of them by name, the others by number."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
