"""What was folded into the state, kept for people and for `restore`; bounded, oldest let go."""

from pathlib import Path

from reconcile.model.address import Address
from reconcile.model.journal import Forgotten, Intent, Marked, Missed, Moved, Noted, Numbered
from reconcile.state.files import read_file, replace_file
from reconcile.state.journal import MAX_JOURNAL_BYTES, Line, decode_line
from reconcile.state.location import Location, locate
from reconcile.state.strict import MalformedError

KEPT_LINES = 2_000
"""Lines kept, or more where the newest version of the state has folded in more."""


def history(url: str, address: Address | None = None) -> tuple[Numbered, ...]:
    """Return what is still known to have happened, oldest first; of one item, if one is named.

    An item's history holds its calls with their outcomes, but not what befell it under an
    earlier address. Raises ReconcileError for files that cannot be read at all.
    """
    location = locate(url)
    entries = tuple(line.numbered for line in past_lines(location))
    if address is None:
        return entries
    operations = {
        entry.entry.operation
        for entry in entries
        if isinstance(entry.entry, Intent) and _concerns(entry, address, frozenset())
    }
    return tuple(entry for entry in entries if _concerns(entry, address, operations))


def past_lines(location: Location) -> tuple[Line, ...]:
    """Return every line that checks out, of the history and then of the journal, each once."""
    journal = read_file(location.journal, MAX_JOURNAL_BYTES) or b""
    past = read_file(location.history, MAX_JOURNAL_BYTES) or b""
    return tuple(_good_lines(past + b"\n" + journal).values())


def unreadable_lines(path: Path) -> int:
    """Count the lines of a history or a journal that say nothing any more."""
    data = read_file(path, MAX_JOURNAL_BYTES) or b""
    return sum(1 for raw in data.split(b"\n") if raw and not _good_lines(raw))


def keep_history(location: Location) -> None:
    """Add the journal's lines, which the state holds by now, to the history.

    A crash half way does it again next time: a line is known by its bytes, and kept once.
    """
    folded_in = _good_lines(read_file(location.journal, MAX_JOURNAL_BYTES) or b"")
    if not folded_in:
        return
    past = _good_lines(read_file(location.history, MAX_JOURNAL_BYTES) or b"")
    lines = [raw for raw in past if raw not in folded_in] + list(folded_in)
    # All of the newest: with them, the previous state can be brought up to this one.
    kept = lines[-max(KEPT_LINES, len(folded_in)) :]
    replace_file(location.history, b"".join(raw + b"\n" for raw in kept))


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
        case Moved() as moved:
            return address in {moved.address, moved.to}
        case _ as entry:
            return getattr(entry, "operation", None) in operations
