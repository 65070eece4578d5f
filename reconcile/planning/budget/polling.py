"""When to ask for a job's status: one rule, shared by the load forecast and the executor."""

SHORTEST_S = 2.0
"""Omni's docs advise a poll every 2 to 5 s (omni-api.md 2.2)."""

LONGEST_S = 30.0
GROWTH = 0.25
FIRST_POLL_AT = 0.95
"""Of the expected duration. Below 1, as what is measured is when a poll saw the end: were the first
poll late by any margin, each run would be measured that much longer than the one before it.
"""

UNKNOWN_DURATION_S = 30.0
"""What the load forecast assumes of a job that was never measured."""


def expected_duration_s(durations_s: tuple[float, ...]) -> float | None:
    """Median of the recorded durations; None if there are none."""
    # `statistics` says it in a word, and its import takes as long as planning a thousand items.
    ordered, middle = sorted(durations_s), len(durations_s) // 2
    if not ordered or len(ordered) % 2:
        return ordered[middle] if ordered else None
    return (ordered[middle - 1] + ordered[middle]) / 2


def next_poll_s(age_s: float, expected_s: float | None) -> float:
    """Seconds to wait before the next poll of a job that has run for `age_s`.

    With known durations the first poll is placed where the job should be about to end, since one
    long before that is a request spent on an answer that is already known.
    """
    if expected_s is not None and age_s < expected_s * FIRST_POLL_AT:
        return max(SHORTEST_S, expected_s * FIRST_POLL_AT - age_s)
    return min(LONGEST_S, max(SHORTEST_S, age_s * GROWTH))
