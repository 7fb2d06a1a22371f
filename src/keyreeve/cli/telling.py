"""What a run did, or would do, as people read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from keyreeve.cli import screen, words
from keyreeve.codec.values import to_json
from keyreeve.model.decisions import Pause
from keyreeve.model.effect import Effect
from keyreeve.model.heartbeat import Beat
from keyreeve.model.people import Sweep
from keyreeve.model.plan import Held, Outcome, OutcomeKind, Plan
from keyreeve.pipeline.heartbeat import missed
from keyreeve.pipeline.publish import plan_document
from keyreeve.reporting.slots import slots_sentence

if TYPE_CHECKING:
    from keyreeve.pipeline.daily import Report

_TOLD_BY_STATUS = frozenset({OutcomeKind.DONE, OutcomeKind.REHEARSED})


def show_pause(pause: Pause | None) -> None:
    """Why nothing happens, while the project stands still."""
    if pause is not None:
        since = f"{pause.since:%Y-%m-%d %H:%M} UTC"
        screen.line(f"PAUSED since {since}: {screen.safe(pause.reason)}")
        screen.line("Nothing is sent and nothing is changed until `keyreeve run --resume`.")


def show_observing(plan: Plan) -> None:
    """Why nothing happens, until the project is armed."""
    if plan.observing:
        users = len({finding.user_name for finding in plan.findings})
        found = f"{words.count(len(plan.findings), 'finding')} of {words.count(users, 'user')}"
        screen.line(f"OBSERVING until `keyreeve arm`: {found}; nobody is told, nothing is done.")
        screen.line("`keyreeve arm` shows what would come, and asks.")


def run_document(report: Report) -> dict[str, object]:
    """The JSON of `run`."""
    document = plan_document(
        report.plan, report.outcomes, report.exit_code, report.sweep, report.usage
    )
    removals = [to_json(row) for row in report.summary.removals]
    return {**document, "executed": report.executed, "removals": removals}


def beats_document(beats: Iterable[Beat]) -> dict[str, object]:
    """What became of the dead man's switch, as a member of the document of `run`."""
    return {"heartbeat": [to_json(beat) for beat in beats]}


def show_beats(beats: Iterable[Beat]) -> None:
    """Who was not told that the run has ended."""
    for beat in beats:
        for said in missed((beat,)):
            screen.line(f"Heartbeat: {screen.safe(said)}")
            if beat.remedy:
                screen.line(f"  {screen.safe(beat.remedy)}")


def show_run(report: Report) -> None:
    """Acts, mails, what is held, what could not be read, and the sum of it."""
    plan = report.plan
    screen.line(_title(plan, "run" if report.executed else "rehearsal of the run"))
    show_observing(plan)
    _outcomes(plan, report.outcomes)
    show_held(plan.held)
    _access(report.sweep)
    _removals(report)
    _gaps(plan)
    _refusal(plan)
    screen.line()
    screen.line(_sum(report))
    if not report.executed:
        screen.line("Rehearsed only: nothing was changed, nobody was told. --execute acts.")


def _removals(report: Report) -> None:
    """Access that ends by a review: the run names it, `review due` ends it."""
    due = [row for row in report.summary.removals if row.on and row.on <= report.plan.on]
    if due:
        names = ", ".join(screen.safe(row.user_name) for row in due)
        screen.line(
            f"{words.count(len(due), 'removal')} {'is' if len(due) == 1 else 'are'} due after "
            f"access reviews: {names}. `keyreeve review due --execute` ends their access."
        )


def show_plan(plan: Plan) -> None:
    """What today's run would do."""
    screen.line(_title(plan, "plan"))
    show_observing(plan)
    _planned_acts(plan)
    _planned_mails(plan)
    show_held(plan.held)
    _slots(plan)
    _gaps(plan)
    _refusal(plan)
    screen.line()
    screen.line(_plan_sum(plan))


def show_held(held: Iterable[Held]) -> None:
    """Everything that is due and does not happen, with its gate."""
    table = screen.Table(
        header=("USER", "RESOURCE", "E", "TO 90", "HELD AT"),
        right=frozenset({3}),
        folding=frozenset({4}),
    )
    for item in held:
        table.add(
            item.user_name,
            item.resource_id,
            item.enforcement_on or "open",
            words.to_ninety(item.days_to_90),
            words.held_words(item),
        )
    _titled("Held", table)


def _title(plan: Plan, what: str) -> str:
    return f"{words.day(plan.on)} · account {plan.account_id} · {what}"


def _outcomes(plan: Plan, outcomes: tuple[Outcome, ...]) -> None:
    effects = words.by_identity(plan)
    acts = screen.Table(header=("USER", "ACT", "OUTCOME", "WHY"), folding=frozenset({3}))
    mails = screen.Table(header=("USER", "MAIL", "OUTCOME", "TO", "WHY"), folding=frozenset({3, 4}))
    for outcome in outcomes:
        effect = effects.get(words.identity(outcome))
        why = _why(outcome, effect)
        kind = outcome.kind.value
        if words.is_act(outcome.effect_kind):
            what = words.act_words(outcome.effect_kind, outcome.resource_id)
            acts.add(outcome.user_name, what, kind, why)
        else:
            what = words.mail_words(effect, outcome.effect_kind)
            to = words.mail_to(effect)
            mails.add(outcome.user_name or "–", what, kind, to, why)
    _titled("Acts", acts)
    _titled("Mails", mails)


def _why(outcome: Outcome, effect: Effect | None) -> str:
    """The planned reason of what went as planned; else what came between."""
    if outcome.kind in _TOLD_BY_STATUS:
        return words.why(effect) if effect else words.plain(outcome.reason)
    gate = f"{words.plain(outcome.gate.value)}: " if outcome.gate else ""
    return gate + outcome.reason


def _planned_acts(plan: Plan) -> None:
    table = screen.Table(header=("USER", "ACT", "WHY"), folding=frozenset({2}))
    for effect in plan.effects:
        if words.is_act(effect.kind):
            what = words.act_words(effect.kind, effect.resource_id)
            table.add(effect.user_name, what, words.plain(effect.reason))
    _titled("Acts", table)


def _planned_mails(plan: Plan) -> None:
    table = screen.Table(header=("USER", "MAIL", "TO", "WHY"), folding=frozenset({2, 3}))
    for effect in plan.effects:
        if not words.is_act(effect.kind):
            what = words.mail_words(effect, effect.kind)
            table.add(effect.user_name, what, words.mail_to(effect), words.why(effect))
    _titled("Mails", table)


def _titled(title: str, table: screen.Table) -> None:
    if table.rows:
        screen.heading(title)
        screen.table(table)


def _access(sweep: Sweep | None) -> None:
    """Users who stand where the access model does not want them; told, never moved by a run."""
    if sweep is None or sweep.clean:
        return
    table = screen.Table(header=("USER", "WHAT", "JOIN", "LEAVE", "WHY"), folding=frozenset({4}))
    for move in (*sweep.moves, *sweep.held):
        what = words.plain(move.outcome.value)
        table.add(move.user_name, what, move.add, ", ".join(move.leave), move.reason)
    _titled("Access model: `keyreeve user reconcile --execute` moves these", table)
    bearing = sweep.governed - len(sweep.tag_gaps)
    screen.line()
    screen.line(f"{bearing} of {words.count(sweep.governed, 'governed user')} bear every tag.")
    for group in sweep.missing_groups:
        screen.line(f"access.yaml names the group {screen.safe(group)}, and there is none.")


def _slots(plan: Plan) -> None:
    """How many the two-key limit keeps from a new key."""
    said = slots_sentence(plan)
    if said:
        screen.line()
        screen.line(said)


def _gaps(plan: Plan) -> None:
    if not plan.gaps:
        return
    screen.heading("Could not be read: these neither open, advance nor close")
    for gap in plan.gaps:
        screen.line("  " + screen.safe(words.gap_words(gap.step, gap.reason, gap.user_name)))


def _refusal(plan: Plan) -> None:
    if plan.refusal is None:
        return
    screen.heading("Refused: the facts look wrong")
    screen.line(f"  {screen.safe(plan.refusal.reason)}.")
    screen.line("  Nothing opens and nothing acts; notices of open cases go on.")
    screen.line("  If the facts are right, this and only this plan is accepted by")
    screen.line(f"    keyreeve run --execute --accept-blast-radius {plan.refusal.number}")


def _sum(report: Report) -> str:
    done = [o for o in report.outcomes if o.kind in _TOLD_BY_STATUS]
    others = Counter(o.kind for o in report.outcomes if o.kind not in _TOLD_BY_STATUS)
    parts = [words.counted_effects(Counter(o.effect_kind for o in done)) or "Nothing to do"]
    parts += [f"{number} {words.plain(kind.value)}" for kind, number in others.items()]
    return " · ".join([*parts, *_common(report.plan, told=report.executed)])


def _plan_sum(plan: Plan) -> str:
    planned = words.counted_effects(Counter(effect.kind for effect in plan.effects))
    return " · ".join([planned or "Nothing to do", *_common(plan)])


def _common(plan: Plan, *, told: bool = False) -> list[str]:
    parts = []
    if plan.held:
        parts.append(f"{len(plan.held)} held")
    if plan.gaps:
        parts.append(f"{len(plan.gaps)} not read")
    if plan.summary_due and not told:
        parts.append("summary due")
    users = words.count(plan.population, "user")
    disturbed = f"at most {plan.allowed} of {users} disturbed today"
    return [*parts, f"{disturbed}, and {plan.allowed} given new keys"]
