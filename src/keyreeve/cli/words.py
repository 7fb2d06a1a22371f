"""Plans, outcomes and dates in words for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyreeve.model.effect import Effect
    from keyreeve.model.plan import Held, Outcome, Plan

MAILS = frozenset(
    {"send_notice", "send_closing", "send_team_notice", "send_summary", "tell_channel"}
)

_ACTS: Mapping[str, str] = {
    "create_replacement_key": "new key in place of",
    "reset_password": "reset",
    "deactivate_access_key": "make Inactive",
    "delete_login_profile": "take the console password away",
    "quarantine": "quarantine",
    "delete_orphaned_key": "delete an orphan",
    "purge_escrow": "delete",
}
_MAILS: Mapping[str, str] = {
    "send_notice": "notice",
    "send_closing": "closing",
    "send_team_notice": "to the team",
    "send_summary": "weekly summary",
    "tell_channel": "to a channel",
}
_COUNTED: Mapping[str, tuple[str, str]] = {
    "create_replacement_key": ("new key", "new keys"),
    "reset_password": ("password reset", "password resets"),
    "deactivate_access_key": ("key made Inactive", "keys made Inactive"),
    "delete_login_profile": ("console password taken away", "console passwords taken away"),
    "quarantine": ("user quarantined", "users quarantined"),
    "delete_orphaned_key": ("orphaned key deleted", "orphaned keys deleted"),
    "purge_escrow": ("escrowed secret deleted", "escrowed secrets deleted"),
    "send_notice": ("notice", "notices"),
    "send_closing": ("closing mail", "closing mails"),
    "send_team_notice": ("word to the team", "words to the team"),
    "send_summary": ("summary", "summaries"),
}


def day(on: date | None) -> str:
    """`Mon 2026-01-05`; empty for none."""
    return f"{on:%a %Y-%m-%d}" if on else ""


def count(number: int, one: str, many: str = "") -> str:
    """`1 user`, `2 users`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def counted_effects(kinds: Mapping[str, int]) -> str:
    """`3 notices · 1 new key`; the order of the words above."""
    return " · ".join(
        count(kinds[kind], *words) for kind, words in _COUNTED.items() if kinds.get(kind)
    )


def act_words(kind: str, resource: str) -> str:
    """What an act does."""
    words = _ACTS.get(kind, kind)
    return words if kind in ("delete_login_profile", "quarantine") else f"{words} {resource}"


def mail_words(effect: Effect | None, kind: str) -> str:
    """What a mail is."""
    from keyreeve.model.effect import SendNotice

    if isinstance(effect, SendNotice):
        return plain(effect.stage.value)
    return _MAILS.get(kind, kind)


def why(effect: Effect) -> str:
    """Why it is due; for the team, what it is told."""
    from keyreeve.model.effect import SendTeamNotice

    return effect.headline if isinstance(effect, SendTeamNotice) else plain(effect.reason)


def mail_to(effect: Effect | None) -> str:
    """Whom a mail goes to."""
    to = getattr(effect, "to", "")
    return to if isinstance(to, str) else ", ".join(to)


def plain(code: str) -> str:
    """`new_credentials` as people say it."""
    return code.replace("_", " ")


def to_ninety(days: int | None) -> str:
    """Days until the credential is 90 days old."""
    if days is None:
        return ""
    return f"{-days} past" if days < 0 else str(days)


def gap_words(step: str, reason: str, user: str | None) -> str:
    """Something that could not be read."""
    return f"{step}, {user}: {reason}" if user else f"{step}: {reason}"


def held_words(held: Held) -> str:
    """The gate and its reason."""
    return f"{plain(held.gate.value)}: {held.reason}"


Identity = tuple[str, str, str]


def by_identity(plan: Plan) -> dict[Identity, Effect]:
    """The planned effects, to be found by what an outcome says of them."""
    return {(e.kind, e.user_id, e.resource_id): e for e in plan.effects}


def identity(outcome: Outcome) -> Identity:
    """What tells which effect an outcome speaks of."""
    return (outcome.effect_kind, outcome.user_id, outcome.resource_id)


def is_act(kind: str) -> bool:
    """Whether an effect changes IAM."""
    return kind not in MAILS
