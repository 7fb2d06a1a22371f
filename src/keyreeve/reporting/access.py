"""What the weekly summary says of the access model (S2.8–S2.10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from keyreeve.model.identifiers import UserName
from keyreeve.model.notice import SummaryRow
from keyreeve.model.people import Move, Sweep, TagGap


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPart:
    """The parts of a summary; empty without an access model."""

    figures: tuple[tuple[str, int], ...] = ()
    to_move: tuple[SummaryRow, ...] = ()
    to_place: tuple[SummaryRow, ...] = ()
    tag_gaps: tuple[SummaryRow, ...] = ()


def access_part(sweep: Sweep | None) -> AccessPart:
    """Counts first, then names."""
    if sweep is None:
        return AccessPart()
    return AccessPart(
        figures=(
            ("users whom the access model knows", sweep.governed),
            ("bear every tag", sweep.governed - len(sweep.tag_gaps)),
            ("are in order", sweep.compliant),
        ),
        to_move=tuple(_move(move) for move in sweep.moves),
        to_place=(*_missing(sweep.missing_groups), *(_held(move) for move in sweep.held)),
        tag_gaps=tuple(_gap(gap) for gap in sweep.tag_gaps),
    )


def _move(move: Move) -> SummaryRow:
    join = [f"into {move.add}"] if move.add else []
    steps = [*join, *(f"out of {group}" for group in move.leave)]
    return SummaryRow(user_name=move.user_name, what=", ".join(steps), reason=move.reason)


def _held(move: Move) -> SummaryRow:
    return SummaryRow(
        user_name=move.user_name, what=move.outcome.value.replace("_", " "), reason=move.reason
    )


def _missing(groups: Iterable[str]) -> Iterator[SummaryRow]:
    for group in groups:
        yield SummaryRow(
            user_name=UserName("access.yaml"),
            what=f"there is no group {group}",
            reason="nobody can be moved there",
        )


def _gap(gap: TagGap) -> SummaryRow:
    lacks = [f"without {', '.join(gap.missing)}"] if gap.missing else []
    unknown = gap.unknown_role
    wrong = [f"the role tag {unknown!r} is in no access.yaml"] if unknown is not None else []
    return SummaryRow(user_name=gap.user_name, what="; ".join([*lacks, *wrong]))
