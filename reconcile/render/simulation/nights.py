"""The nights of a simulation in which clocks changed, and what became of the slots they touched."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from reconcile.model.simulation import Night, NightItem
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import Vantage, interval_text
from reconcile.render.layout import Cell, Ink, Row, listing, paint, wrap
from reconcile.render.names import address_text, counted

_SHOWN = 8
_DATED = Vantage("UTC", datetime(1970, 1, 1, tzinfo=UTC))


def night_lines(
    nights: Sequence[Night], width: int, *, colour: bool, verbose: bool
) -> Iterator[str]:
    """Yield each change of offset with the items it touched."""
    yield ""
    if not nights:
        yield from wrap("No change of clocks touches an item in this span.", width)
        return
    yield paint("Nights in which clocks change", Ink.BOLD, colour=colour)
    for night in nights:
        way = "forward" if night.change > timedelta() else "back"
        size = interval_text(abs(night.change))
        head = f"{escape_terminal(night.zone)}, {_DATED.local(night.instant)}: clocks go {way}"
        yield from (f"  {line}" for line in wrap(f"{head} {size}", width - 2))
        shown = night.items if verbose else night.items[:_SHOWN]
        rows = [_row(item, forward=night.change > timedelta()) for item in shown]
        yield from (f"  {line}" for line in listing(rows, width - 2, colour=colour))
        if left := len(night.items) - len(shown):
            yield f"    and {counted(left, 'more item')}; -v shows all"


def _row(item: NightItem, *, forward: bool) -> Row:
    covered = sum(sent is not None for sent in item.sent)
    lost = covered < len(item.slots)
    ink = Ink.BAD if lost else Ink.PLAIN
    return Row(
        Cell("lost" if lost else "ok", ink),
        address_text(item.address),
        Cell(""),
        _why(item, covered, forward=forward),
    )


def _why(item: NightItem, covered: int, *, forward: bool) -> tuple[str, ...]:
    first = f"{item.wall:%H:%M}"
    times = first if item.times == 1 else f"{item.times} local times from {first}"
    plural = item.times > 1
    if forward:
        happens = f"{times} {'do' if plural else 'does'} not exist"
    else:
        happens = f"{times} {'come' if plural else 'comes'} twice"
    if not item.slots:
        return (f"{happens}; not run, as clocks never show it",)
    if len(item.slots) > 1:
        return (f"{happens}; {covered} of {len(item.slots)} slots covered",)
    slot, sent = item.slots[0], item.sent[0]
    if sent is None:
        return (f"{happens}; due at {slot:%H:%M}Z, not covered",)
    return (f"{happens}; due once at {slot:%H:%M}Z, sent at {sent:%H:%M}Z",)
