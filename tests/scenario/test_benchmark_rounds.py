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


STARTED = {
    "a bare interpreter": (0.25, 0.01),
    "keyreeve --help": (0.5, 0.02),
    "custodian --help": (8.0, 0.3),
}


def test_what_was_missed_is_said_plainly():
    flat = tuple(of(peak=peak, accounts=accounts) for accounts, peak in ((10, 100.0), (1000, 200)))
    *starts, memory = promised.promises([], STARTED, None, flat, None, None)
    assert [(each.figure, each.kept) for each in starts] == [(2, True), (0.0625, True)]
    assert memory.row().endswith("| at most 1.5 | 2 | **missed**, 1.33 times what is allowed |")
    faster = promised.Promise(what="faster", target=80, figure=90, at_least=True)
    assert faster.row() == "| faster | at least 80 | 90 | kept |"
    picture = results.plot([], promised.bars([memory, faster], results.PLOT), 100)
    assert "1.33" in picture
    assert "0.89" in picture


def test_one_account_is_held_to_calls_cpu_memory_and_its_peers():
    calls = {"GetAccountAuthorizationDetails": 6, "GetCredentialReport": 1, "ListAccessKeys": 40}
    large = of("lean boto3 script", users=5000, cpu=2, calls=calls)
    slow = of("Cloud Custodian", "Prowler", users=1000, latency=40, walls=(1, 100, 600))
    found = {
        each.what: each for each in promised.promises([large, slow], STARTED, None, (), None, None)
    }
    figures = {what.partition(": ")[2]: each.figure for what, each in found.items()}
    assert figures["calls beside pages and `ListAccessKeys`"] == 2
    assert figures["CPU ÷ lean boto3 script"] == 0.5
    assert figures["peak memory in MB"] == 90
    assert figures["wall of Cloud Custodian ÷ ours"] == 100
    assert [each.kept for what, each in found.items() if "wall of" in what] == [
        *(False, True),  # Custodian, Prowler
        *(True, True),
    ]


def of(
    *others: str,
    peak: float = 90.0,
    cpu: float = 1.0,
    calls: dict[str, int] | None = None,
    walls: tuple[float, ...] = (1.0, 1.0, 1.0),
    **round_: int,
) -> results.Round:
    """A round of Keyreeve and others, whose CPU is `cpu`."""
    rows = [
        results.Row(
            name=name,
            wall=wall,
            cpu=cpu if number else 1.0,
            cpus=(cpu if number else 1.0,),
            peak=peak,
            calls=calls or {},
            received=0,
            throttled=0,
            remark="",
        )
        for number, (name, wall) in enumerate(zip(("Keyreeve", *others), walls, strict=False))
    ]
    usual = {"users": 1, "latency": 0, "rate": 0}
    return results.Round(title="", neglected=0, rows=tuple(rows), **(usual | round_))
