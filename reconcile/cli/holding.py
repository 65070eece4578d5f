"""What a command made once and needs no more; it is not taken apart for that."""

from typing import TypeVar

T = TypeVar("T")

_held: list[object] = []


def hold(value: T) -> T:
    """Keep a value until the process ends, and return it.

    `entry` ends it without looking back. To take 100,000 models, their records and their plan apart
    one by one as a command returns would take half a second before that.
    """
    _held.append(value)
    return value
