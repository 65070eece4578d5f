"""Fitting a list into the room there is, by leaving out its middle."""

from collections.abc import Sequence


def middle_cut(sizes: Sequence[int], room: int, at_most: int) -> tuple[int, int]:
    """Return how many to keep from the start of a list and from its end.

    What is kept takes at most `room` together, and is at most `at_most` parts: alternately from
    both ends, since the first and the last of a sorted list tell what lies between.
    """
    if sum(sizes) <= room and len(sizes) <= at_most:
        return len(sizes), 0
    head = tail = 0
    while head + tail < min(at_most, len(sizes)):
        cost = sizes[head] if head <= tail else sizes[-1 - tail]
        if cost > room:
            break
        room -= cost
        head, tail = (head + 1, tail) if head <= tail else (head, tail + 1)
    return head, tail
