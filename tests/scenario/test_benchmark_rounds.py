"""Each round of `make bench` beyond one account, at its smallest: what a typo would break."""

from __future__ import annotations

from benchmarks import chapters, days, fleet, promised, results


def test_many_accounts_are_compared_account_by_account():
    found = fleet.many_accounts(3, 6, latency=1, repeats=1, peer=False)
    (row,) = found.rows
    assert row.calls["AssumeRole"] == 3
    assert "3 accounts × 6 users" in "\n".join(chapters.many_accounts(found))


def test_the_next_day_asks_about_the_keys_that_were_replaced_and_no_others():
    found = days.next_day(30, 3)
    assert (found.replaced, found.listed) == (3, 3)
    assert "| the state of a run |" in "\n".join(chapters.next_day(found))


def test_a_whole_day_counts_its_mails_and_writes():
    found = days.whole_day(30, neglected=1.0)
    assert found.puts["ops"] == found.puts["mails"] == found.mails > 5
    assert 0 < found.alone < found.day
    assert "| ops |" in "\n".join(chapters.whole_day(found))


def test_what_was_missed_is_said_plainly():
    flat = tuple(_of_peak(accounts, peak) for accounts, peak in ((10, 100.0), (1000, 200.0)))
    (memory,) = promised.promises(None, flat, None, None)
    assert memory.row().endswith("| at most 1.5 | 2 | **missed**, 1.3 times what is allowed |")
    faster = promised.Promise(what="faster", target=80, figure=90, at_least=True)
    assert faster.row() == "| faster | at least 80 | 90 | kept |"
    picture = results.plot([], promised.bars([memory, faster], results.PLOT), 100)
    assert "1.33" in picture
    assert "0.89" in picture


def _of_peak(accounts: int, peak: float) -> results.Round:
    row = results.Row(
        name="Keyreeve", wall=1, cpu=1, peak=peak, calls={}, received=0, throttled=0, remark=""
    )
    return results.Round(
        title="", users=1, latency=0, neglected=0, rate=0, rows=(row,), accounts=accounts
    )
