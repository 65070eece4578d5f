"""When to ask for a job's status, and what an answer tells of how long the job ran.

One rule, shared by the load forecast and the executor.
"""

SHORTEST_S = 2.0
"""Omni's docs advise a poll every 2 to 5 s (omni-api.md 2.2)."""

LONGEST_S = 30.0
"""Between two polls, except of jobs that have run for so long that a sixth of it is more."""

_GROWTH = 0.25
_LONG = 6

UNKNOWN_DURATION_S = 30.0
"""What the load forecast assumes of a job that was never measured."""

_LESS = 5
"""Which part of the wait for another poll a job that had ended at the first is taken to be shorter.

Found running, it is recorded as half of that wait longer. So whatever the wait, expectations of
durations that do not scatter far settle where about one job in four needs another poll.
"""

_ENOUGH = 6
"""Recorded durations of which it means something that they came in order."""


def expected_duration_s(durations_s: tuple[float, ...]) -> float | None:
    """Return by when three of four recorded jobs were over; None if there are none.

    Not their median: the first poll is placed there, and each that comes too early costs another.
    Where none was longer than the one before, the job had ended at each first look and has become
    quicker by nobody knows how much: then it is the newest, the shortest of them.
    """
    # `statistics` says it in a word, and its import takes as long as planning a thousand items.
    longest_first = sorted(durations_s, reverse=True)
    if len(durations_s) >= _ENOUGH and longest_first == list(durations_s):
        return durations_s[-1]
    return longest_first[len(durations_s) // 4] if durations_s else None


def next_poll_s(age_s: float, expected_s: float | None) -> float:
    """Seconds to wait before the next poll of a job that has run for `age_s`.

    With known durations the first poll is placed where the job should have ended, since one before
    that is a request spent on an answer that is already known. Later ones are ever further apart.
    """
    if expected_s is not None and age_s < expected_s:
        return max(SHORTEST_S, expected_s - age_s)
    return _another_poll_s(age_s)


def lasted_s(running_s: float | None, ended_s: float, expected_s: float | None) -> float:
    """Estimate how long a job ran that was found ended at `ended_s`, polled by the rule above.

    `running_s`: its age when it was last found running, None if it never was. Then all that is
    known is that it ran no longer than expected, however late the look was. Were the instant of
    that look recorded, each run would be expected to last as long as the one before was waited for.
    A little less is recorded instead, until a poll comes too early once: so the expectation settles
    where most jobs need one poll, and follows jobs that become quicker.
    """
    if running_s is not None:
        return (running_s + ended_s) / 2
    most_s = ended_s if expected_s is None else min(ended_s, expected_s)
    return max(most_s - _another_poll_s(most_s) / _LESS, min(ended_s, SHORTEST_S))


def _another_poll_s(age_s: float) -> float:
    return min(max(LONGEST_S, age_s / _LONG), max(SHORTEST_S, age_s * _GROWTH))
