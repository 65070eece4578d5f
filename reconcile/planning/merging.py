"""One refresh per connection and branch: due ones become one call, running jobs are awaited."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from reconcile.model.address import Address
from reconcile.model.desired import Generation, Mode, RefreshItem
from reconcile.model.noun import noun
from reconcile.model.plan import Await, Refresh, Status
from reconcile.model.reason import PulledForward
from reconcile.model.recorded import Coverage
from reconcile.planning.budget.polling import expected_duration_s
from reconcile.planning.requests import refresh_request
from reconcile.planning.settled import earliest
from reconcile.planning.standing import Verdict


@noun(frozen=True, slots=True)
class Merged:
    """The refreshes of a plan. `verdicts` are those given, with what rides along marked due."""

    actions: tuple[Refresh | Await, ...]
    verdicts: tuple[Verdict[RefreshItem], ...]


def merge(
    verdicts: Sequence[Verdict[RefreshItem]],
    generation: Generation,
    now: datetime,
    chosen: frozenset[Address],
) -> Merged:
    """Merge the chosen refreshes that are due, connection by connection.

    A hard one makes the call hard. Filters are united, and dropped as soon as one member has
    none: what one model asks for in full may not be narrowed by another.
    """
    groups: dict[str, list[Verdict[RefreshItem]]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.item.address in chosen:
            groups[group_of(verdict.item)].append(verdict)
    actions: list[Refresh | Await] = []
    changed: dict[Address, Verdict[RefreshItem]] = {}
    for group, members in groups.items():
        actions.extend(_awaits(members, group))
        due = [v for v in members if v.status is Status.DUE and v.running is None]
        if not due:
            continue
        for verdict in members:
            pulled = _pulled_forward(verdict, now)
            if pulled.status is Status.DUE and pulled is not verdict:
                due.append(pulled)
            changed[verdict.item.address] = pulled
        actions.append(_refresh(due, generation, group))
    return Merged(tuple(actions), tuple(changed.get(v.item.address, v) for v in verdicts))


def group_of(item: RefreshItem) -> str:
    """Name what a refresh acts on: the connection, or the model where none is given; the branch."""
    connection = item.lives_on or item.connection
    place = f"connection {connection}" if connection else f"model {item.model_id}"
    return f"{place} branch {item.branch_id}" if item.branch_id else place


def _pulled_forward(verdict: Verdict[RefreshItem], now: datetime) -> Verdict[RefreshItem]:
    """Let an item that will be due shortly ride along with a call that is made anyway."""
    item, upcoming = verdict.item, verdict.need.next_slot
    if verdict.status is not Status.COVERED or upcoming is None:
        return verdict
    if not item.coalesce_within:
        return verdict
    opens = upcoming - item.coalesce_within
    if opens > now:
        return replace(verdict, until=earliest(verdict.until, opens))
    return replace(
        verdict,
        status=Status.DUE,
        reason=PulledForward(upcoming, item.coalesce_within),
        coverage=Coverage(item.address, upcoming),
    )


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
                reasons=tuple(v.reason for v in sharing),
                timeout_s=_timeout_s(sharing),
                expected_s=_expected_s(sharing),
                group=group,
            )


def _refresh(due: list[Verdict[RefreshItem]], generation: Generation, group: str) -> Refresh:
    due.sort(key=lambda verdict: verdict.item.address)
    items = [v.item for v in due]
    hard = any(item.mode is Mode.HARD for item in items)
    filtered = not hard and all(item.schemas or item.tables for item in items)
    first = items[0]
    mode = Mode.HARD if hard else Mode.SOFT
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
        reasons=tuple(v.reason for v in due),
        timeout_s=_timeout_s(due),
        expected_s=_expected_s(due),
        group=group,
    )


def _united(filters: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for part in filters for name in part}))


def _timeout_s(verdicts: Iterable[Verdict[RefreshItem]]) -> float:
    return max(v.item.timeout.total_seconds() for v in verdicts)


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
