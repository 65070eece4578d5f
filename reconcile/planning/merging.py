"""One refresh per connection and branch: due ones become one call, running jobs are awaited."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.desired import Generation, Item, Mode, RefreshItem
from reconcile.model.noun import noun
from reconcile.model.plan import Await, Refresh, Status
from reconcile.model.reason import PulledForward
from reconcile.model.recorded import Coverage
from reconcile.planning.budget.polling import expected_duration_s
from reconcile.planning.requests import refresh_request
from reconcile.planning.verdict import Verdict, is_of_refresh


@noun(frozen=True, slots=True)
class Merged:
    """The refreshes of a plan. `riding`: what is judged anew, as it may ride along."""

    actions: tuple[Refresh | Await, ...]
    riding: Mapping[Address, Verdict[RefreshItem]]


def merge(verdicts: Collection[Verdict[Item]], generation: Generation, now: datetime) -> Merged:
    """Merge the selected refreshes that are due, connection by connection.

    A hard one makes the call hard. Filters are united, and dropped as soon as one member has
    none: what one model asks for in full may not be narrowed by another.
    """
    due: dict[str, list[Verdict[RefreshItem]]] = defaultdict(list)
    running: dict[str, list[Verdict[RefreshItem]]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.goes and is_of_refresh(verdict):
            groups = due if verdict.running is None else running
            groups[group_of(verdict.item)].append(verdict)
    riding = _let_ride(filter(is_of_refresh, verdicts), due, now) if due else {}
    actions: list[Refresh | Await] = []
    for group, members in running.items():
        actions.extend(_awaits(members, group))
    actions.extend(_refresh(members, generation, group) for group, members in due.items())
    return Merged(tuple(actions), riding)


def group_of(item: RefreshItem) -> str:
    """Name what a refresh acts on: the connection, or the model where none is given; the branch."""
    connection = item.lives_on or item.connection
    place = f"connection {connection}" if connection else f"model {item.model_id}"
    return f"{place} branch {item.branch_id}" if item.branch_id else place


def _let_ride(
    verdicts: Iterable[Verdict[RefreshItem]],
    due: Mapping[str, list[Verdict[RefreshItem]]],
    now: datetime,
) -> Mapping[Address, Verdict[RefreshItem]]:
    """Let items that will be due shortly ride along with a call that is made anyway.

    Add them to the `due` of their group, and return them and those that may ride a little later.
    """
    riding: dict[Address, Verdict[RefreshItem]] = {}
    for verdict in verdicts:
        item, standing = verdict.item, verdict.standing
        upcoming, within = standing.next_slot, item.coalesce_within
        if not within or upcoming is None or not standing.selected:
            continue
        group = due.get(group_of(item))
        if group is None or standing.status is not Status.COVERED:
            continue
        if upcoming - within > now:
            riding[item.address] = verdict.changing(upcoming - within)
            continue
        reason = PulledForward(upcoming, within)
        pulled = verdict.due(reason, Coverage(item.address, upcoming))
        riding[item.address] = pulled
        group.append(pulled)
    return riding


def _awaits(members: Iterable[Verdict[RefreshItem]], group: str) -> Iterable[Await]:
    jobs: dict[str, list[Verdict[RefreshItem]]] = defaultdict(list)
    for verdict in members:
        if verdict.running is not None:
            jobs[verdict.running.operation].append(verdict)
    for operation, sharing in sorted(jobs.items()):
        running = sharing[0].running
        if running is not None and running.job_id is not None:
            yield Await(
                covers=tuple(v.coverage for v in sharing if v.coverage is not None),
                operation=operation,
                job_id=running.job_id,
                since=running.since,
                reasons=tuple(v.standing.reason for v in sharing),
                timeout_s=_timeout_s(sharing),
                expected_s=_expected_s(sharing),
                group=group,
            )


def _refresh(due: list[Verdict[RefreshItem]], generation: Generation, group: str) -> Refresh:
    due.sort(key=lambda verdict: verdict.item.address)
    items = [v.item for v in due]
    mode = Mode.HARD if Mode.HARD in {item.mode for item in items} else Mode.SOFT
    filtered = mode is Mode.SOFT and all(item.schemas or item.tables for item in items)
    first = items[0]
    return Refresh(
        covers=tuple(v.coverage for v in due if v.coverage is not None),
        request=refresh_request(
            generation,
            first.model_id,
            mode=mode,
            branch_id=first.branch_id,
            schemas=_united(item.schemas for item in items) if filtered else (),
            tables=_united(item.tables for item in items) if filtered else (),
        ),
        mode=mode,
        model_id=first.model_id,
        reasons=tuple(v.standing.reason for v in due),
        timeout_s=_timeout_s(due),
        expected_s=_expected_s(due),
        group=group,
    )


def _united(filters: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for part in filters for name in part}))


def _timeout_s(verdicts: Iterable[Verdict[RefreshItem]]) -> float:
    return max(v.item.timeout for v in verdicts).total_seconds()


def _expected_s(verdicts: Iterable[Verdict[RefreshItem]]) -> float | None:
    known = [_measured_s(v) for v in verdicts]
    return max((seconds for seconds in known if seconds is not None), default=None)


def _measured_s(verdict: Verdict[RefreshItem]) -> float | None:
    """Expect what was measured, leaving out jobs that a later apply found ended when it looked.

    They are known by having outlived the timeout after which an apply lets a job be.
    """
    most_s = verdict.item.timeout.total_seconds()
    durations_s = verdict.record.durations_s
    return expected_duration_s(tuple(seconds for seconds in durations_s if seconds <= most_s))
