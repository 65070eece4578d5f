"""Frozen dataclasses for the values of which there are tens of thousands.

`@noun(frozen=True, slots=True)` is `@dataclass` to a type checker, which lets nobody assign to a
field. At run time that is not checked once more: a frozen dataclass sets each field through a call,
which takes three times as long, and a plan of 10,000 models makes 200,000 of them. Nor is text
compiled to compare, hash and show each class; and for `__init__` only once a class is used. A start
makes 150 classes, and two thirds of them stand for what seldom happens.
"""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["noun"]

if TYPE_CHECKING:
    from dataclasses import dataclass as noun
else:
    T = TypeVar("T")

    def noun(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
        """Make a dataclass that is compared, hashed, matched and shown like a frozen one."""
        del frozen  # The type checker has seen to it.

        def make(cls: type[T]) -> type[T]:
            # Where a class says nothing, `dataclass` parses its signature to have that said.
            cls.__doc__ = cls.__doc__ or cls.__name__
            made = dataclasses.dataclass(
                init=False, repr=False, eq=False, slots=slots, kw_only=kw_only
            )(cls)
            names = [field.name for field in dataclasses.fields(made)]
            if hasattr(made, "__post_init__") or not all(f.init for f in dataclasses.fields(made)):
                raise TypeError(f"{cls.__qualname__}: a noun is what it is given, and no more")
            values = attrgetter(*names) if names else type

            def first(self: T, *given: object, **named: object) -> None:
                made.__init__ = _initialiser(made)
                made.__init__(self, *given, **named)

            def equal(self: T, other: object) -> bool:
                return values(self) == values(other) if type(other) is made else NotImplemented

            def shown(self: T) -> str:
                told = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
                return f"{made.__qualname__}({told})"

            made.__init__, made.__eq__, made.__repr__ = first, equal, shown
            made.__hash__ = lambda self: hash(values(self))
            return made

        return make


def _initialiser(made: type[Any]) -> Callable[..., None]:
    """Compile what `dataclass` would: a parameter and an assignment for each field."""
    known: dict[str, Any] = {"MISSING": dataclasses.MISSING}
    by_place, by_name, assigned = ["self"], ["*"], ["pass"]
    for field in dataclasses.fields(made):
        name = parameter = value = field.name
        if field.default_factory is not dataclasses.MISSING:
            known[f"make_{name}"] = field.default_factory
            parameter, value = f"{name}=MISSING", f"make_{name}() if {name} is MISSING else {name}"
        elif field.default is not dataclasses.MISSING:
            known[f"default_{name}"] = field.default
            parameter = f"{name}=default_{name}"
        (by_name if field.kw_only else by_place).append(parameter)
        assigned.append(f"self.{name} = {value}")
    parameters = ", ".join(by_place + (by_name if len(by_name) > 1 else []))
    # As dataclasses do, whose text takes three times as long to compile. The names are our own.
    exec(f"def __init__({parameters}):\n " + "\n ".join(assigned), known)  # noqa: S102
    initialiser: Callable[..., None] = known["__init__"]
    initialiser.__qualname__ = f"{made.__qualname__}.__init__"
    return initialiser
