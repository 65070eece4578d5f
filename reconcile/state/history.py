"""What was folded into the state, kept for people and for `restore`; bounded, oldest let go."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from reconcile.model.address import Address
from reconcile.model.journal import (
    Began,
    Blamed,
    ClockMended,
    Forgotten,
    Intent,
    Marked,
    Missed,
    Moved,
    Noted,
    Numbered,
    Redated,
    Renamed,
    ScheduleGone,
    ScheduleIntent,
    ScheduleKept,
)
from reconcile.state.files import read_file, replace_file
from reconcile.state.journal import MAX_JOURNAL_BYTES, Line, decode_line
from reconcile.state.location import Location, is_remote, locate
from reconcile.state.strict import MalformedError

_BEGAN = b'"entry":"began"'
KEPT_LINES = 2_000
"""Lines kept, or more where the newest version of the state has folded in more."""


def history(url: str, address: Address | None = None) -> tuple[Numbered, ...]:
    """Return what is still known to have happened, oldest first; of one item, if one is named.

    An item's history holds its calls with their outcomes and the beginning of each run that made
    them, but not what befell it under an earlier address. Raises ReconcileError for files that
    cannot be read at all.
    """
    entries = tuple(line.numbered for line in _lines_at(url))
    if address is None:
        return entries
    operations = {
        entry.entry.operation
        for entry in entries
        if isinstance(entry.entry, Intent) and _concerns(entry, address, frozenset())
    }
    return tuple(_with_beginnings(entries, lambda one: _concerns(one, address, operations)))


def _with_beginnings(
    entries: Iterable[Numbered], concerns: Callable[[Numbered], bool]
) -> Iterator[Numbered]:
    """Yield what concerns an item, and before it the beginning of the run that wrote it."""
    began: Numbered | None = None
    for one in entries:
        if isinstance(one.entry, Began):
            began = one
        elif concerns(one):
            if began is not None:
                yield began
            began = None
            yield one


def past_lines(location: Location) -> tuple[Line, ...]:
    """Return every line that checks out, of the history and then of the journal, each once."""
    journal = read_file(location.journal, MAX_JOURNAL_BYTES) or b""
    past = read_file(location.history, MAX_JOURNAL_BYTES) or b""
    return good_lines(past, journal)


def good_lines(past: bytes, journal: bytes) -> tuple[Line, ...]:
    """Return every line that checks out, of a history and then of a journal, each once."""
    return tuple(_good_lines(past + b"\n" + journal).values())


def unreadable_lines(path: Path) -> int:
    """Count the lines of a history or a journal that say nothing any more."""
    return unreadable(read_file(path, MAX_JOURNAL_BYTES) or b"")


def unreadable(data: bytes) -> int:
    """Count the lines that say nothing any more."""
    return sum(1 for raw in data.split(b"\n") if raw and not _good_lines(raw))


def keep_history(location: Location) -> None:
    """Add the journal's lines, which the state holds by now, to the history.

    A crash half way does it again next time: a line is known by its bytes, and kept once.
    """
    journal = read_file(location.journal, MAX_JOURNAL_BYTES)
    if not journal:
        return
    longer = with_history(read_file(location.history, MAX_JOURNAL_BYTES) or b"", journal)
    if longer is not None:
        replace_file(location.history, longer)


def with_history(past: bytes, journal: bytes) -> bytes | None:
    """Return a history with a journal's lines added, or None if it has none to add."""
    folded_in = _good_lines(journal)
    if not folded_in:
        return None
    # What lies there was checked when it was added, and is again by whoever reads it: to do so here
    # would be most of what a run with one call costs.
    lines = [raw for raw in past.split(b"\n") if raw and raw not in folded_in]
    lines += folded_in
    # All of the newest: with them, the previous state can be brought up to this one.
    cut = len(lines) - max(KEPT_LINES, len(folded_in))
    if cut > 0:
        lines = [*_beginning(lines[: cut + 1]), *lines[cut:]]
    return b"".join(raw + b"\n" for raw in lines)


def _beginning(lines: Sequence[bytes]) -> list[bytes]:
    """Return how the run began that the last of these lines is of, unless that line says so."""
    for place in range(len(lines) - 1, -1, -1):
        if _BEGAN in lines[place] and _good_lines(lines[place]):
            return [] if place == len(lines) - 1 else [lines[place]]
    return []


def _lines_at(url: str) -> tuple[Line, ...]:
    if is_remote(url):
        from reconcile.state.remote import looking  # noqa: PLC0415 - remote states only

        return looking.past_lines(url)
    return past_lines(locate(url))


def _good_lines(data: bytes) -> dict[bytes, Line]:
    lines = {}
    for raw in data.split(b"\n"):
        try:
            lines[raw] = decode_line(raw)
        except MalformedError:
            continue
    return lines


def _concerns(numbered: Numbered, address: Address, operations: set[str] | frozenset[str]) -> bool:
    match numbered.entry:
        case Intent() as intent:
            return any(coverage.address == address for coverage in intent.covers)
        case Noted() | Missed() | Forgotten() | Marked() as entry:
            return entry.address == address
        case ScheduleIntent() | ScheduleKept() | ScheduleGone() as entry:
            return entry.address == address
        case Moved() as moved:
            return address in {moved.address, moved.to}
        case Renamed() as renamed:
            return any(address in move for move in renamed.moves)
        case Blamed() as blamed:
            return address in blamed.addresses
        case Redated() as redated:
            return not operations.isdisjoint(redated.operations)
        case ClockMended():
            return True
        case _ as entry:
            return getattr(entry, "operation", None) in operations
