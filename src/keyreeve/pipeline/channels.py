"""The team's channels told, each once; one that fails is named and stops nothing.

A channel hears what the team was mailed, after the mail was accepted: it never stands for the mail,
and its failure is no reason to mail or to act again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keyreeve.model.bulletin import Bulletin, kind_of
from keyreeve.model.bulletin_kind import BulletinKind
from keyreeve.model.errors import CannotStart, KeyreeveError, LockLost
from keyreeve.model.identifiers import UserId, UserName
from keyreeve.model.plan import Outcome, OutcomeKind, Plan
from keyreeve.pipeline.workbench import Workbench
from keyreeve.ports.channels import Channel
from keyreeve.reporting.bulletins import run_digest

TELL = "tell_channel"
"""The kind of an outcome that is about a channel."""


def tell(bench: Workbench, bulletin: Bulletin) -> Iterator[Outcome]:
    """Every channel that hears this kind; an outcome for each that did not take it."""
    kind = kind_of(bulletin)
    for subscription in bench.tools.channels:
        if kind in subscription.hears:
            bench.tools.lease.check()
            failure = _told(subscription.channel, bulletin)
            name = subscription.channel.name
            bench.tools.audit.append(
                "channel.failed" if failure else "channel.told",
                bench.stamp,
                {"channel": name, "kind": kind.value, "reason": failure},
            )
            if failure is not None:
                yield Outcome(
                    kind=OutcomeKind.FAILED,
                    effect_kind=TELL,
                    user_id=UserId(""),
                    user_name=UserName(""),
                    resource_id=name,
                    reason=f"{name} was not told ({kind.value}): {failure}",
                )


def tell_of_run(bench: Workbench, plan: Plan, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """Who hears of runs; nobody while the project is paused or only observes."""
    hear = any(BulletinKind.RUN in each.hears for each in bench.tools.channels)
    if not hear:
        return
    people = bench.tools.people.read()
    if people.pause or people.observes(bench.outlook.policy):
        return
    yield from tell(bench, run_digest(plan, outcomes, bench.post.letterhead))


def _told(channel: Channel, bulletin: Bulletin) -> str | None:
    """Why it was not; None: it was."""
    try:
        channel.tell(bulletin)
    except (LockLost, CannotStart):
        raise
    except KeyreeveError as failure:
        return failure.what
    return None
