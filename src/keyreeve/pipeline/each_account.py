"""Any work on each of many accounts: what one raises becomes its row and stops no other."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

from keyreeve.codec.redaction import redact
from keyreeve.model.errors import KeyreeveError, LockHeld, NotCovered
from keyreeve.model.fleet import FleetRow, Member, Standing

T = TypeVar("T")

AT_ONCE = 8
"""Accounts in work at a time, where nobody says otherwise."""
LOOKED_AT_ONCE = 24
"""The same of who only looks: more would wait for the processor, not for the wire."""
SWEPT_AFTER = 40
"""Accounts after which memory is searched for those that are done."""
_UNFORESEEN = 1
_UNCOVERED = 6
_OUT = "Name it under accounts.exclude, or take it off the list, if that is meant."


def attempt(member: Member, work: Callable[[], FleetRow]) -> FleetRow:
    """The work's row, or that of what it raised."""
    if member.barred:
        return _row(member, Standing.NOT_COVERED, _UNCOVERED, member.barred, _OUT)
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - what nobody foresaw in one account stops no other
        return failed_row(member, error)


def failed_row(member: Member, error: Exception) -> FleetRow:
    """What stopped the account, in words without a secret."""
    if not isinstance(error, KeyreeveError):
        text = f"unexpected: {type(error).__name__}: {error}"
        return _row(member, Standing.FAILED, _UNFORESEEN, text, "`keyreeve --account` shows more.")
    where = f"{error.where}: " if error.where else ""
    standing = Standing.FAILED
    if isinstance(error, NotCovered):
        standing = Standing.NOT_COVERED
    elif isinstance(error, LockHeld):
        standing = Standing.LOCKED
    return _row(member, standing, error.exit_code, f"{where}{error.what}", error.remedy)


def _row(member: Member, standing: Standing, code: int, problem: str, remedy: str) -> FleetRow:
    return FleetRow(
        account_id=member.account_id,
        name=member.name,
        standing=standing,
        exit_code=code,
        problem=redact(problem),
        remedy=redact(remedy),
    )


def each(members: Iterable[Member], work: Callable[[Member], T], at_once: int) -> list[T]:
    """The work's results, in no order. On an interruption what has begun ends, the rest does not.

    `work` must not raise: what it raises ends the whole.  An account's clients refer to each other
    and are let go of by the collector alone, which the command line keeps from looking often.
    """
    pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="account")
    try:
        gc.freeze()  # what is here already stays: only accounts are searched for
        begun: list[Future[T]] = [pool.submit(work, member) for member in members]
        done: list[T] = []
        for number, future in enumerate(as_completed(begun), start=1):
            done.append(future.result())
            if number % SWEPT_AFTER == 0:
                gc.collect()
        return done
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        gc.unfreeze()
