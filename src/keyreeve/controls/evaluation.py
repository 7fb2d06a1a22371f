"""Apply every control to a snapshot: facts and `now` in, findings and gaps out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from keyreeve.controls.catalogue import CATALOGUE, OF_KEYS, Control
from keyreeve.controls.subject import Subject
from keyreeve.model.finding import Evaluation, Finding
from keyreeve.model.identifiers import AccessKeyId, ControlId
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.policy import CompressedClock, EscalationPolicy
from keyreeve.model.snapshot import AccountSnapshot, CollectionGap, User


def evaluate(
    snapshot: AccountSnapshot,
    policy: EscalationPolicy,
    now: datetime,
    known_keys: Mapping[AccessKeyId, KeyRecord] | None = None,
) -> Evaluation:
    """Findings of every user, excluded ones included; gaps of the snapshot and of the checks.

    A user with a gap of its own is not judged at all: unknown is never compliant, and half a
    judgement would clear what it could not see.
    """
    findings: list[Finding] = []
    gaps: list[CollectionGap] = list(snapshot.gaps)
    unreadable = {gap.user_id or gap.user_name for gap in snapshot.gaps if gap.user_name}
    for user in snapshot.users:
        if (user.user_id or user.name) in unreadable:
            continue
        if policy.compressed is not None and policy.exclusion_for(user) is not None:
            continue  # under a compressed clock nobody looks beyond the listed users
        found, missing = judge(user, snapshot, policy, now, known_keys or {})
        gaps.extend(missing)
        if not missing:
            findings.extend(found)
    return Evaluation(findings=tuple(findings), gaps=tuple(gaps))


def judge(
    user: User,
    snapshot: AccountSnapshot,
    policy: EscalationPolicy,
    now: datetime,
    known_keys: Mapping[AccessKeyId, KeyRecord],
    controls: tuple[Control, ...] = CATALOGUE,
) -> tuple[list[Finding], list[CollectionGap]]:
    """One user under every control, or under these."""
    subject = Subject(
        account_id=snapshot.account_id,
        user=user,
        now=now,
        thresholds=policy.thresholds_for(user),
        stale_scope=policy.stale_scope,
        known_keys=known_keys,
    )
    findings: list[Finding] = []
    gaps: list[CollectionGap] = []
    for control in controls if policy.compressed is None else _live(controls, policy.compressed):
        for verdict in control.check(subject):
            if isinstance(verdict, Finding):
                findings.append(verdict)
            else:
                gaps.append(verdict)
    return findings, gaps


def _live(controls: tuple[Control, ...], clock: CompressedClock) -> tuple[Control, ...]:
    """Under a compressed clock only what can be read live (S2.14)."""
    unread = None if clock.password_age else ControlId.PASSWORD_AGE
    return tuple(control for control in controls if control.card.id is not unread)


def slots_in_question(
    user: User,
    snapshot: AccountSnapshot,
    policy: EscalationPolicy,
    now: datetime,
    known_keys: Mapping[AccessKeyId, KeyRecord],
) -> frozenset[int]:
    """The report slots of this user that a key control would flag, whatever their key ids are.

    Collection asks this to know for which few users a ListAccessKeys is worth its call.
    """
    findings, gaps = judge(user, snapshot, policy, now, known_keys, OF_KEYS)
    named = {finding.slot for finding in findings if finding.slot is not None}
    nameless = {gap.slot for gap in gaps if gap.slot is not None}
    return frozenset(named | nameless)
