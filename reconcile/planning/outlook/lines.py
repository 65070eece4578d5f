"""The calls that the runs of items make, connection by connection and reset by reset."""

from collections.abc import Iterator, Mapping, Sequence

from reconcile.model.address import Address
from reconcile.model.desired import Mode, RefreshItem, ResetItem
from reconcile.model.noun import noun
from reconcile.model.recorded import Record
from reconcile.planning.budget.polling import UNKNOWN_DURATION_S, expected_duration_s
from reconcile.planning.outlook.instants import Piece, count, once, parts
from reconcile.planning.outlook.met import Met
from reconcile.planning.outlook.union import united


@noun(frozen=True, slots=True, kw_only=True)
class Line:
    """Calls of which at most one goes out at an instant: of one connection and branch, or a reset.

    `calls`: their instants by how long their jobs are expected to last, in seconds; None for what
    was never measured, and for resets. `hard`: of those that are hard refreshes. `group`: empty
    for a reset.
    """

    addresses: tuple[Address, ...]
    group: str
    calls: tuple[tuple[float | None, tuple[Piece, ...]], ...]
    hard: tuple[Piece, ...]

    def count(self, start_us: int, until_us: int) -> int:
        """Count the calls from `start_us` (included) to `until_us` (excluded)."""
        return sum(count(pieces, start_us, until_us) for _, pieces in self.calls)


def refresh_line(
    group: str,
    members: Sequence[RefreshItem],
    courses: Mapping[Address, tuple[Piece, ...]],
    met: Met,
) -> Line:
    """Return the calls of one connection and branch: members that run together share one."""
    voices: list[tuple[float | None, tuple[Piece, ...]]] = []
    for item in members:
        voices += _voices(courses.get(item.address, ()), met.measured_s(item.address))
    # The longest job first: it is what a shared call takes.
    voices.sort(key=lambda voice: -1.0 if voice[0] is None else voice[0], reverse=True)
    alone = united(pieces for _, pieces in voices)
    hard = united(courses.get(item.address, ()) for item in members if item.mode is Mode.HARD)
    calls = [
        (lasts_s, tuple(fresh)) for (lasts_s, _), fresh in zip(voices, alone, strict=True) if fresh
    ]
    return Line(
        addresses=tuple(sorted(item.address for item in members)),
        group=group,
        calls=(*met.calls(group), *calls),
        hard=(*met.hard(group), *(piece for pieces in hard for piece in pieces)),
    )


def _voices(
    pieces: tuple[Piece, ...], lasts_s: float | None
) -> Iterator[tuple[float | None, tuple[Piece, ...]]]:
    """Yield when a refresh runs by how long its jobs last: after its first one that is measured."""
    if lasts_s is None and pieces:
        first_us = pieces[0][0]
        yield None, (once(first_us),)
        pieces = tuple(parts(pieces, first_us + 1, pieces[-1][-1] + 1))
    if pieces:
        yield UNKNOWN_DURATION_S if lasts_s is None else lasts_s, pieces


def reset_line(item: ResetItem, courses: Mapping[Address, tuple[Piece, ...]], met: Met) -> Line:
    """Return the calls of one reset."""
    pieces = (*met.runs(item.address), *courses.get(item.address, ()))
    calls = ((None, pieces),) if pieces else ()
    return Line(addresses=(item.address,), group="", calls=calls, hard=())


def measured_s(item: RefreshItem, record: Record) -> float | None:
    """Expect of a job what is on record, in seconds, as far as it is within the item's timeout."""
    most_s = item.timeout.total_seconds()
    return expected_duration_s(tuple(s for s in record.durations_s if s <= most_s))
