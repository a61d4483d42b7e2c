"""How much is measured: all of it, or a quick look."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Scale"]


@dataclass(frozen=True)
class Scale:
    """Sizes and numbers of rounds.

    Attributes:
        records: Records of half a kilobyte in the documents that are compared.
        rounds: Rounds of what takes milliseconds.
        few_rounds: Rounds of what takes seconds.
        starts: Rounds of whole pytest runs with one test.
        runs: Rounds of whole pytest runs with many tests.
        rows: Sizes of cassettes of function calls.
        interactions: Sizes of cassettes of HTTP calls.
        calls: Function calls in a round.
        requests: HTTP requests in a round.
        slow_requests: HTTP requests in all rounds together with a peer that looks through its whole cassette for each.
        tests: Sizes of test suites of unmarked tests.
        suite: Requests of a test suite: in one test, and in as many tests.
        large_rows: Rows of 2.5 kB each in the cassette that is merged into.
        changed: Calls in a report of what has changed.
        cassette_mb: The size of the cassette that is committed, in MB.
        commits: How often one of its answers changes.

    """

    records: tuple[int, ...]
    rounds: int
    few_rounds: int
    starts: int
    runs: int
    rows: tuple[int, ...]
    interactions: tuple[int, ...]
    calls: int
    requests: int
    slow_requests: int
    tests: tuple[int, int]
    suite: int
    large_rows: int
    changed: int
    cassette_mb: int
    commits: int


FULL = Scale(
    records=(4, 1_980),
    rounds=15, few_rounds=5, starts=21, runs=15, rows=(1_000, 10_000, 100_000), interactions=(200, 1_000, 5_000),
    calls=600, requests=150, slow_requests=50, tests=(1_000, 4_000), suite=200, large_rows=21_500,
    changed=2_000, cassette_mb=50, commits=100,
)  # fmt: skip
QUICK = Scale(
    records=(4, 400),
    rounds=5, few_rounds=2, starts=5, runs=2, rows=(1_000, 10_000), interactions=(200, 500),
    calls=300, requests=100, slow_requests=10, tests=(500, 1_500), suite=40, large_rows=4_000,
    changed=500, cassette_mb=4, commits=10,
)  # fmt: skip
