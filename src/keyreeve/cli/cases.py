"""The open cases, as `case list` and `case show` tell of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from keyreeve.cli import opening, screen, words
from keyreeve.codec.values import Json, to_json
from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.extensions import given_in_case
from keyreeve.escalation.key_usage import ChangeOver, change_over, sentences
from keyreeve.escalation.standing import days_to_90
from keyreeve.model.case import Case, FindingRecord, Stage, State
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.identifiers import AccountId
from keyreeve.model.usage import UsageReading
from keyreeve.pipeline.memory import recall
from keyreeve.pipeline.people import hold_of, no_case
from keyreeve.pipeline.usage import recall_usage


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """State and decisions of one account, read once."""

    account_id: AccountId
    state: State
    people: HumanDecisions
    calendar: Calendar
    now: datetime
    usage: UsageReading | None = None
    """How the keys were used when the last run looked."""

    @classmethod
    def read(cls, as_of: datetime | None) -> File:
        """From the storage alone: the account itself is not asked."""
        opened = opening.door(execute=False, as_of=as_of)
        account = opening.wired(opened)
        state, _ = recall(account.project, account.account_id, account.tools, account.policy.days)
        return cls(
            account_id=account.account_id,
            state=state,
            people=account.tools.people.read(),
            calendar=Calendar(account.policy),
            now=opening.now_of(opened, state, as_of).now,
            usage=recall_usage(account.usage),
        )

    def cases(self) -> list[Case]:
        """The earliest E first; cases without one last."""
        return sorted(
            self.state.users.values(), key=lambda case: (earliest(case) or date.max, case.user_name)
        )

    def find(self, user: str) -> Case:
        """By name or unique id. ConfigError if there is no such case."""
        for case in self.state.users.values():
            if user in (case.user_id, case.user_name):
                return case
        raise no_case(user)

    def today(self, case: Case) -> date:
        """The ladder's date for this case."""
        return self.calendar.today(self.now, case.anchor)

    def document(self) -> dict[str, Json]:
        """The JSON of `case list`."""
        return {
            "schema": "keyreeve.cases/1",
            "account_id": self.account_id,
            "as_of": to_json(self.now),
            "cases": [self.row(case) for case in self.cases()],
        }

    def row(self, case: Case) -> dict[str, Json]:
        """One case: the fields of the state, lists instead of objects, and what people decided."""
        hold = hold_of(case, self.people, self.today(case))
        written = to_json(case)
        assert isinstance(written, Mapping)  # noqa: S101 - a dataclass becomes an object
        return {
            **written,
            "stage": stage_of(case),
            "findings": [self._finding(record) for record in case.findings.values()],
            "operations": [to_json(operation) for operation in case.operations.values()],
            "enforcement_on": to_json(earliest(case)),
            "held_until": to_json(hold.until) if hold else None,
            "extension_days": given_in_case(case, self.people, self.calendar.policy.timezone),
            "change_over": [
                {
                    "cut_over": seen.verdict.value,
                    "old": to_json(seen.old),
                    "new_key": seen.new_key,
                    "new": to_json(seen.new),
                }
                for seen in self.changes(case)
            ],
        }

    def changes(self, case: Case) -> list[ChangeOver]:
        """The case's keys that are being replaced, from day 7 on."""
        policy, today = self.calendar.policy, self.today(case)
        seen = (
            change_over(case, record, self.usage, policy, today, record.enforcement_on)
            for record in case.findings.values()
        )
        return [it for it in seen if it is not None]

    def _finding(self, record: FindingRecord) -> Json:
        written = to_json(record)
        assert isinstance(written, Mapping)  # noqa: S101 - a dataclass becomes an object
        return {**written, "days_to_90": days_to_90(record, self.now)}


def earliest(case: Case) -> date | None:
    """The case's earliest E that is still to come."""
    dates = [r.enforcement_on for r in case.findings.values() if r.enforced_on is None]
    return min((on for on in dates if on), default=None)


def stage_of(case: Case) -> str:
    """The most advanced stage among the findings."""
    order = list(Stage)
    stages = [record.stage for record in case.findings.values()]
    return max(stages, key=order.index).value if stages else "closing"


def show_list(file: File) -> None:
    """One line a case."""
    table = screen.Table(
        header=("USER", "STAGE", "N", "DAY 0", "E", "LEFT", "HELD"),
        right=frozenset({2, 5}),
        folding=frozenset({6}),
    )
    for case in file.cases():
        end = earliest(case)
        table.add(
            case.user_name,
            words.plain(stage_of(case)),
            len(case.findings),
            case.opened_on,
            end or _no_day(case),
            (end - file.today(case)).days if end else "",
            "; ".join(_remarks(file, case)),
        )
    if not table.rows:
        screen.line("No case is open.")
        return
    screen.table(table)
    screen.line()
    screen.line(f"{words.count(len(table.rows), 'case')}, as the last run left them.")


def _no_day(case: Case) -> str:
    """In place of an E to come: everything is done, or nobody can name a day."""
    records = case.findings.values()
    done = max((r.enforced_on for r in records if r.enforced_on is not None), default=None)
    if done is not None and all(r.enforced_on is not None for r in records):
        return f"done {done}"
    return "open" if records else ""


def _remarks(file: File, case: Case) -> Iterator[str]:
    hold = hold_of(case, file.people, file.today(case))
    if hold is not None:
        yield f"held by {_who(hold.added_by)} until {hold.until}"
    for record in case.findings.values():
        if record.held is not None:
            yield words.plain(record.held.gate)
            return


def _who(arn: str) -> str:
    """The last part of an ARN: a user, or a role's session."""
    return arn.rpartition("/")[2] or arn


def show_case(file: File, case: Case) -> None:
    """Everything about one case, for whoever is on the telephone with its owner."""
    screen.line(f"{screen.safe(case.user_name)}  {case.user_id}  case {case.case_id}")
    begun = f"day 0 was {words.day(case.opened_on)}" if case.opened_on else "nobody was told yet"
    screen.line(f"First seen {words.day(case.first_seen_on)}; {begun}; today {file.today(case)}.")
    if case.addresses:
        screen.line(f"Mail goes to {screen.safe(', '.join(case.addresses))}.")
    _decisions(file, case)
    screen.heading("Findings")
    table = screen.Table(
        header=("CONTROL", "RESOURCE", "STAGE", "E", "TO 90", "HELD AT"),
        right=frozenset({4}),
        folding=frozenset({5}),
    )
    for record in case.findings.values():
        held = f"{words.plain(record.held.gate)}: {record.held.reason}" if record.held else ""
        table.add(
            words.plain(record.control),
            record.resource_id,
            words.plain(record.stage),
            _end(record),
            words.to_ninety(days_to_90(record, file.now)),
            held,
        )
    screen.table(table)
    _use_of_keys(file, case)
    _history(case)


def _end(record: FindingRecord) -> str:
    if record.enforced_on is not None:
        return f"done {record.enforced_on}"
    return str(record.enforcement_on or "open")


def _use_of_keys(file: File, case: Case) -> None:
    """What the owner's mail says of it, as the last run saw it."""
    said = [text for seen in file.changes(case) for text in sentences(seen)]
    if not said or file.usage is None:
        return
    screen.heading(f"Use of the keys, as read on {file.usage.at:%Y-%m-%d %H:%M} UTC")
    for text in said:
        screen.line("  " + screen.safe(text))


def _decisions(file: File, case: Case) -> None:
    hold = hold_of(case, file.people, file.today(case))
    if hold is not None:
        screen.line(screen.safe(f"Held until {hold.until} by {_who(hold.added_by)}: {hold.reason}"))
    days = given_in_case(case, file.people, file.calendar.policy.timezone)
    if days:
        screen.line(f"{words.count(days, 'day')} were added to E.")


def _history(case: Case) -> None:
    """Notices and operations, oldest first."""
    entries: list[tuple[str, str]] = []
    told: dict[tuple[date, str], set[str]] = {}
    for record in case.findings.values():
        for notice in record.notices:
            told.setdefault((notice.on, notice.to or ""), set()).add(words.plain(notice.stage))
    for (on, to), stages in told.items():
        whom = f"told {to}" if to else "told"
        entries.append((str(on), f"{whom}: {', '.join(sorted(stages))}"))
    for operation in case.operations.values():
        at = f"{operation.begun_at:%Y-%m-%d}" if operation.begun_at else ""
        what = words.plain(operation.kind)
        subject = operation.new_key or operation.resource_id or ""
        last = operation.steps[-1].value if operation.steps else "begun"
        stuck = f" — a person must look: {operation.stuck}" if operation.stuck else ""
        entries.append((at, f"{what} {subject}: {last}{stuck}"))
    if not entries:
        return
    screen.heading("So far")
    for at, what in sorted(entries):
        screen.line(f"  {at}  {screen.safe(what)}")
