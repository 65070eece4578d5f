"""Frozen dataclasses for the values of which there are tens of thousands.

`@noun(frozen=True, slots=True)` is `@dataclass` to a type checker, which lets nobody assign to a
field. At run time that is not checked once more: a frozen dataclass sets each field through a call,
which takes three times as long, and a plan of 10,000 models makes 200,000 of them. Nor is text
compiled to compare, hash and show each class: with a hundred of them, that was most of a start.
"""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

__all__ = ["noun"]

if TYPE_CHECKING:
    from dataclasses import dataclass as noun
else:
    T = TypeVar("T")

    def noun(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
        """Make a dataclass that is compared, hashed, matched and shown like a frozen one."""
        del frozen  # The type checker has seen to it.

        def make(cls: type[T]) -> type[T]:
            made = dataclasses.dataclass(slots=slots, kw_only=kw_only, eq=False, repr=False)(cls)
            names = [field.name for field in dataclasses.fields(made)]
            values = attrgetter(*names) if names else type

            def equal(self: T, other: object) -> bool:
                return values(self) == values(other) if type(other) is made else NotImplemented

            def shown(self: T) -> str:
                told = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
                return f"{made.__qualname__}({told})"

            made.__eq__, made.__repr__ = equal, shown
            made.__hash__ = lambda self: hash(values(self))
            return made

        return make
