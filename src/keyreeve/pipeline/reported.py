"""Today's findings, the ladder's and the posture's, as other tools take them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from keyreeve.controls.catalogue import CARDS
from keyreeve.controls.evaluation import evaluate
from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.spared import status_of
from keyreeve.model.identifiers import UserId
from keyreeve.model.posture import Posture, is_failure
from keyreeve.model.snapshot import AccountSnapshot, CollectionGap
from keyreeve.pipeline.collect import collect
from keyreeve.pipeline.daily import Account
from keyreeve.pipeline.memory import recall
from keyreeve.ports import Progress
from keyreeve.reporting.reported import Reported, of_ladder, of_posture


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found, and what was not judged: unknown is never mended."""

    partition: str
    findings: tuple[Reported, ...]
    gaps: tuple[CollectionGap, ...]
    judged_controls: frozenset[str]
    unjudged_users: frozenset[UserId]
    """Of the ladder's controls."""
    all_read: bool
    """Whether AWS answered every call; that an account has no analyzer is no failure."""

    @property
    def failed(self) -> tuple[CollectionGap, ...]:
        """The gaps that are failures."""
        return tuple(filter(is_failure, self.gaps))

    @property
    def judged_of_all(self) -> frozenset[str]:
        """Controls that may be said to have found nothing: nobody was left out of them."""
        if any(gap.user_name is not None for gap in self.gaps):
            return self.judged_controls - {control.value for control in CARDS}
        return self.judged_controls

    def has_ended(self, control: str, user_id: UserId | None) -> bool:
        """Whether a finding that is missing today is really gone."""
        return control in self.judged_controls and user_id not in self.unjudged_users


def read_found(
    account: Account, now: datetime, progress: Progress, posture: Posture | None = None
) -> Found:
    """Read and judge the account; nothing is changed. Without `posture` it is not judged."""
    tools, policy = account.tools, account.policy
    state, _ = recall(account.project, account.account_id, tools, policy.days)
    snapshot, _ = collect(tools.reader, policy, state.keys, now, progress)
    evaluation = evaluate(snapshot, policy, now, state.keys)
    users = {user.user_id or user.name: user for user in snapshot.users}
    people, today = tools.people.read(), Calendar(policy).today(now)
    judged = [
        (f, status_of(f, users.get(f.user_id or f.user_name), people, policy, today))
        for f in evaluation.findings
    ]
    partition = _partition(snapshot)
    about = posture or Posture()
    return Found(
        partition=partition,
        findings=tuple(
            chain(of_ladder(judged, snapshot.users, state, partition), of_posture(about.findings))
        ),
        gaps=(*evaluation.gaps, *about.gaps),
        judged_controls=frozenset(
            (*_ladder(evaluation.gaps), *(control.value for control in about.judged))
        ),
        unjudged_users=_unjudged(account, snapshot, evaluation.gaps),
        all_read=not evaluation.gaps and about.all_read,
    )


def _ladder(gaps: tuple[CollectionGap, ...]) -> frozenset[str]:
    """The ladder's controls; none where something about the whole account was not read."""
    if any(gap.user_name is None for gap in gaps):
        return frozenset()
    return frozenset(control.value for control in CARDS)


def _unjudged(
    account: Account, snapshot: AccountSnapshot, gaps: tuple[CollectionGap, ...]
) -> frozenset[UserId]:
    """Users that are there and were not judged; of whom a gap names by name alone, too."""
    named = {gap.user_id or gap.user_name for gap in gaps}
    compressed = account.policy.compressed is not None
    return frozenset(
        user.user_id
        for user in snapshot.users
        if user.user_id is not None
        and (
            named & {user.user_id, user.name}
            or (compressed and account.policy.exclusion_for(user) is not None)
        )
    )


def _partition(snapshot: AccountSnapshot) -> str:
    arn = snapshot.caller.arn if snapshot.caller else ""
    return arn.split(":")[1] if arn.startswith("arn:") else "aws"
