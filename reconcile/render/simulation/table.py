"""The items of a simulation in columns, the most late first."""

from collections.abc import Callable, Iterator, Sequence

from reconcile.model.simulation import Lateness, SimulatedItem
from reconcile.render.instants import duration_text
from reconcile.render.layout import Ink, cells, pad, paint, wrap
from reconcile.render.names import address_text, counted

_SHOWN = 15
_GAP = 2
_NOTHING = "-"
_LEAST_NAME = 20


def _late(read: Callable[[Lateness], float]) -> Callable[[SimulatedItem], str]:
    return lambda item: _NOTHING if item.lateness is None else duration_text(read(item.lateness))


def _count(read: Callable[[SimulatedItem], int]) -> Callable[[SimulatedItem], str]:
    return lambda item: f"{number:,}" if (number := read(item)) else _NOTHING


_COLUMNS: tuple[tuple[str, Callable[[SimulatedItem], str]], ...] = (
    ("p50", _late(lambda late: late.p50_s)),
    ("p95", _late(lambda late: late.p95_s)),
    ("max", _late(lambda late: late.max_s)),
    ("runs", _count(lambda item: item.successes)),
    ("expected", _count(lambda item: item.expected or 0)),
    ("collapsed", _count(lambda item: item.collapsed)),
    ("missed", _count(lambda item: item.missed)),
    ("failed", _count(lambda item: item.failures + item.doubts)),
)


def lateness_lines(
    items: Sequence[SimulatedItem], width: int, *, colour: bool, verbose: bool
) -> Iterator[str]:
    """Yield a table of the latest items and a count of the rest; columns of nothing are left out.

    A name too long for its column stands on a line of its own, whole, to be copied.
    """
    ranked = sorted(items, key=_rank)
    shown = ranked if verbose else ranked[:_SHOWN]
    if not shown:
        return
    yield ""
    heading = "From a slot to the sending of the call that covers it, most late first"
    yield from (paint(line, Ink.BOLD, colour=colour) for line in wrap(heading, width))
    texts = [[read(item) for item in shown] for _, read in _COLUMNS]
    filled = [
        (max(cells(title), *(cells(text) for text in column)), title, column)
        for (title, _), column in zip(_COLUMNS, texts, strict=True)
        if any(text != _NOTHING for text in column)
    ]
    names = [address_text(item.address) for item in shown]
    room = width - _GAP - sum(_GAP + size for size, _, _ in filled)
    name = min(max(map(cells, names)), max(room, _LEAST_NAME))
    yield " " * (_GAP + name) + "".join(_right(title, size) for size, title, _ in filled)
    for row, text in enumerate(names):
        numbers = "".join(_right(column[row], size) for size, _, column in filled)
        above = cells(text) > name
        if above:
            yield " " * _GAP + text
        yield " " * _GAP + pad("" if above else text, name) + numbers
    yield from (f"  {line}" for line in wrap(_rest(ranked[len(shown) :]), width - _GAP) if line)


def _rank(item: SimulatedItem) -> tuple[float, float, str]:
    late = item.lateness
    return (-late.max_s, -late.p95_s, item.address) if late else (1.0, 0.0, item.address)


def _right(text: str, size: int) -> str:
    return " " * (_GAP + size - cells(text)) + text


def _rest(items: Sequence[SimulatedItem]) -> str:
    if not items:
        return ""
    longest = max((item.lateness.max_s for item in items if item.lateness), default=0.0)
    more = counted(len(items), "more item")
    return f"and {more}, never later than {duration_text(longest, up=True)}; -v shows all"
