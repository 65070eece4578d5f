"""What a damaged state can still be, from a base that is whole and the lines that follow it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconcile.model.diagnostic import ReconcileError
from reconcile.model.journal import Numbered
from reconcile.model.recorded import Recorded
from reconcile.planning.replay import replay
from reconcile.state.journal import Line
from reconcile.state.refusals import Named, refusal
from reconcile.state.snapshot import NewerFormatError, decode_state
from reconcile.state.strict import MalformedError

STATE_IS_LOST = {"state-damaged", "state-missing"}
JOURNAL_IS_LOST = {"journal-damaged", "journal-foreign"}


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair left, and what it could not keep.

    `lost`: entries that could be read, but not built on. `unreadable`: how many lines say nothing
    any more. `set_aside`: where the damaged files are now.
    """

    recorded: Recorded
    lost: tuple[Numbered, ...]
    unreadable: int
    set_aside: tuple[Path | str, ...]


def rebuilt(
    base: Recorded, found: Sequence[Line], reached: int = 0
) -> tuple[Recorded, tuple[Numbered, ...]]:
    """Return a base brought on as far as lines reach, and the entries that it cannot have.

    `reached`: the last sequence that is known to have been given, readable or not.
    """
    lines = [line for line in found if line.lineage == base.lineage]
    recorded = replay(base, [line.numbered for line in _chain(base, lines)])
    lost = [line.numbered for line in lines if line.numbered.sequence > recorded.sequence]
    recorded = replace(
        recorded,
        # Past every line there is: none of them may be taken for a later one.
        serial=max([base.serial, *(line.base for line in lines)]) + 1,
        sequence=max([recorded.sequence, reached, *(numbered.sequence for numbered in lost)]),
    )
    return recorded, tuple(lost)


def beginning(state: Named, lines: Sequence[Line]) -> Recorded:
    """Return the empty state that the oldest line was written on, if that was the very first."""
    first = lines[0] if lines else None
    # A history that was cut keeps how the run began in whose midst it was.
    cut = len(lines) > 1 and lines[1].numbered.sequence != lines[0].numbered.sequence + 1
    if first is None or first.numbered.sequence > 1 or cut:
        raise refusal(
            "nothing-to-restore",
            "There is nothing to go back to",
            f"There is no previous version of {state}, and its history does not reach "
            "back to its beginning.",
            path=state,
            hint="Put a copy in its place: reconcile state push --force FILE",
        )
    return Recorded(lineage=first.lineage)


def refuse_unless(lost: set[str], read: Callable[[], object], state: Named, command: str) -> None:
    """Refuse to mend what `read` takes for whole, or refuses for another reason than these."""
    try:
        read()
    except ReconcileError as error:
        if error.diagnostics[0].code in lost:
            return
        raise
    raise refusal(
        "nothing-to-repair",
        "There is nothing to repair",
        f"{state} and its journal are whole, so {command} has nothing to do.",
        path=state,
    )


def is_whole(data: bytes) -> bool:
    """Tell whether bytes are a state as it was saved."""
    try:
        decode_state(data)
    except (MalformedError, NewerFormatError):
        return False
    return True


def _chain(base: Recorded, lines: Sequence[Line]) -> list[Line]:
    """Return the lines that follow a state without a gap, each on the same state or a later."""
    by_sequence = {line.numbered.sequence: line for line in lines}
    chain: list[Line] = []
    serial, sequence = base.serial, base.sequence + 1
    while (line := by_sequence.get(sequence)) is not None and line.base >= serial:
        chain.append(line)
        serial, sequence = line.base, sequence + 1
    return chain
