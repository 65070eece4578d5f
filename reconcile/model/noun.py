"""Frozen dataclasses for the values of which there are tens of thousands.

`@noun(frozen=True, slots=True)` is `@dataclass` to a type checker, which lets nobody assign to a
field. At run time that is not checked once more: a frozen dataclass sets each field through a call,
which takes three times as long, and a plan of 10,000 models makes 200,000 of them.
"""

import dataclasses
from typing import TYPE_CHECKING

__all__ = ["noun"]

if TYPE_CHECKING:
    from dataclasses import dataclass as noun
else:

    def noun(*, frozen, slots, kw_only=False):
        """Make a dataclass that can be compared, hashed and matched like a frozen one."""
        del frozen  # The type checker has seen to it.
        return dataclasses.dataclass(slots=slots, kw_only=kw_only, unsafe_hash=True)
