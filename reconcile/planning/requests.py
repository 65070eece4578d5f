"""The calls of a plan: one refresh per connection and branch, its filter, and the exact request."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from msgspec import Struct

from reconcile.model.address import Address, fold_id
from reconcile.model.desired import Desired, Freeze, Generation, Item, Mode, RefreshItem
from reconcile.model.plan import Await, EarlierJob, Member, Refresh, Request
from reconcile.model.reason import PulledForward, Status
from reconcile.model.recorded import Carrier, Coverage, Record
from reconcile.model.struct import replace
from reconcile.planning.budget import expected_duration_s
from reconcile.planning.item import ItemVerdict, is_of_refresh, unseen_calls
from reconcile.planning.time.slots import frozen_by

# One refresh per connection and branch: due ones become one call, unless their connection says
# otherwise; running jobs are awaited.


class Merged(Struct, frozen=True):
    """The refreshes of a plan. `riding`: what is judged anew, as it may ride along."""

    actions: tuple[Refresh | Await, ...]
    riding: Mapping[Address, ItemVerdict[RefreshItem]]


def merge(
    verdicts: Collection[ItemVerdict[Item]],
    generation: Generation,
    freezes: tuple[Freeze, ...],
    now: datetime,
) -> Merged:
    """Merge the selected refreshes that are due, connection by connection.

    Before a call of theirs each job that runs on its connection is awaited, whoever is selected.
    """
    due: dict[str, list[ItemVerdict[RefreshItem]]] = defaultdict(list)
    running: dict[str, list[ItemVerdict[RefreshItem]]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.is_due and is_of_refresh(verdict):
            if verdict.running is not None:
                running[group_of(verdict.item)].append(verdict)
            elif verdict.goes:
                due[company_of(verdict.item)].append(verdict)
    called = {group_of(members[0].item) for members in due.values()}
    riding = _let_ride(filter(is_of_refresh, verdicts), due, freezes, now) if due else {}
    actions: list[Refresh | Await] = []
    for group, members in running.items():
        awaited = members if group in called else [verdict for verdict in members if verdict.goes]
        actions.extend(_awaits(awaited, group))
    actions.extend(_refresh(members, generation, now) for members in due.values())
    return Merged(_guessed(actions, verdicts), riding)


def group_of(item: RefreshItem) -> str:
    """Name what a refresh acts on: the connection, or the model where none is given; the branch."""
    place = place_of(item)
    return f"{place} branch {item.branch_id}" if item.branch_id else place


def company_of(item: RefreshItem) -> str:
    """Name who shares a call if they are due together: a group, or the model where none is shared.

    All of a group wait for each other's jobs all the same.
    """
    return group_of(item) if item.merges else f"{group_of(item)} model {item.model_id}"


def place_of(item: RefreshItem) -> str:
    """Name the connection of a refresh, or the model where none is given."""
    connection = item.lives_on or item.connection
    return f"connection {connection}" if connection else f"model {item.model_id}"


def _guessed(
    actions: Sequence[Refresh | Await], verdicts: Iterable[ItemVerdict[Item]]
) -> tuple[Refresh | Await, ...]:
    """Let jobs of which nothing is known be guessed by the quickest model of their connection.

    A guess that is too short costs another poll; one that is too long keeps what follows waiting.
    """
    if all(action.expected_s is not None for action in actions):
        return tuple(actions)
    where: dict[Address, str] = {}
    quickest: dict[str, float] = {}
    for verdict in filter(is_of_refresh, verdicts):
        where[verdict.item.address] = place = place_of(verdict.item)
        seconds = measured_s(verdict.item, verdict.record)
        if seconds is not None:
            quickest[place] = min(seconds, quickest.get(place, seconds))
    return tuple(
        replace(action, guess_s=quickest.get(where[action.covers[0].address]))
        if action.expected_s is None
        else action
        for action in actions
    )


def strayed(desired: Desired, records: Mapping[Address, Record]) -> frozenset[Address]:
    """Return the refreshes covered by the call of a model that shares none with them any more.

    Where that model is declared nowhere, all that can be told is whether the group's name is still
    the same. So a new label for a whole connection changes nothing, and one for a single model
    does: what was refreshed was not its connection.
    """
    carried = {
        address: record.carrier for address, record in records.items() if record.carrier is not None
    }
    if not carried:
        return frozenset()
    refreshes = [item for item in desired.items if isinstance(item, RefreshItem)]
    companies = companies_of(refreshes)
    return frozenset(
        item.address
        for item in refreshes
        if has_strayed(item, carried.get(item.address), companies)
    )


class Companies(NamedTuple):
    """With whom each model, by its id, shares calls, and all there are to share them with."""

    of_model: Mapping[str, set[str]]
    every: frozenset[str]


def companies_of(items: Iterable[Item]) -> Companies:
    """Return with whom each model shares calls."""
    of_model: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if isinstance(item, RefreshItem):
            of_model[item.model_id].add(company_of(item))
    return Companies(of_model, frozenset().union(*of_model.values()))


def has_strayed(item: RefreshItem, carrier: Carrier | None, companies: Companies) -> bool:
    """Tell of one refresh what `strayed` tells of all."""
    if carrier is None or carrier.model_id == item.model_id:
        return False
    # A group was once recorded with the id of its connection as the files had it.
    groups = {carrier.group, " ".join(map(fold_id, carrier.group.split(" ")))}
    if not (item.lives_on or item.connection or groups & companies.every):
        # It was found by a live look on a connection of which the files know nothing.
        return False
    return company_of(item) not in companies.of_model.get(carrier.model_id, groups)


def _let_ride(
    verdicts: Iterable[ItemVerdict[RefreshItem]],
    due: Mapping[str, list[ItemVerdict[RefreshItem]]],
    freezes: tuple[Freeze, ...],
    now: datetime,
) -> Mapping[Address, ItemVerdict[RefreshItem]]:
    """Let items that will be due shortly ride along with a call that is made anyway.

    Add them to the `due` of their company, and return them and those that may ride a little later:
    a freeze keeps an item from riding as it keeps it from running.
    """
    riding: dict[Address, ItemVerdict[RefreshItem]] = {}
    for verdict in verdicts:
        item, standing = verdict.item, verdict.standing
        upcoming, within = standing.next_slot, item.coalesce_within
        if not within or upcoming is None or not standing.selected:
            continue
        group = due.get(company_of(item))
        if group is None or standing.status is not Status.COVERED:
            continue
        if upcoming - within > now:
            riding[item.address] = verdict.changing(upcoming - within)
            continue
        frozen = frozen_by(freezes, item.address, now)
        if frozen is not None:
            riding[item.address] = verdict.changing(frozen.until)
            continue
        reason = PulledForward(upcoming, within)
        pulled = verdict.due(reason, Coverage(item.address, upcoming))
        riding[item.address] = pulled
        group.append(pulled)
    return riding


def _awaits(members: Iterable[ItemVerdict[RefreshItem]], group: str) -> Iterable[Await]:
    jobs: dict[str, list[ItemVerdict[RefreshItem]]] = defaultdict(list)
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


def _refresh(due: list[ItemVerdict[RefreshItem]], generation: Generation, now: datetime) -> Refresh:
    due.sort(key=lambda verdict: verdict.item.address)
    group = group_of(due[0].item)
    members = tuple([_member(v.item, v.coverage, v.record) for v in due if v.coverage is not None])
    carrier, mode, request = _carried(members, generation)
    return Refresh(
        covers=tuple([member.coverage for member in members]),
        request=request,
        mode=mode,
        model_id=carrier.model_id,
        reasons=tuple([v.standing.reason for v in due]),
        timeout_s=_timeout_s(due),
        expected_s=_expected_s(due),
        group=group,
        members=members,
        earlier=_earlier(due, now),
    )


def _member(item: RefreshItem, coverage: Coverage, record: Record) -> Member:
    return Member(
        coverage,
        item.model_id,
        item.mode,
        item.branch_id,
        item.schemas,
        item.tables,
        record.failures,
    )


def _carried(members: Sequence[Member], generation: Generation) -> tuple[Member, Mode, Request]:
    """Choose who carries the call of a group, and make the request. `members`: one at least.

    Who failed least, then whose model id comes first: a model that always fails must not take the
    others with it, and a name in the file means nothing to Omni. The call is hard if any member is;
    its filter covers each member's own.
    """
    carrier = min(members, key=lambda member: (member.failures, member.model_id))
    mode = Mode.HARD if any(member.mode is Mode.HARD for member in members) else Mode.SOFT
    narrowed = UNFILTERED if mode is Mode.HARD else covering_filter(members)
    return carrier, mode, _refresh_request(generation, carrier, mode, narrowed)


def without_blamed(refresh: Refresh, blamed: Collection[Address]) -> Refresh | None:
    """Return the call for the members that are not blamed, through another; None if none are left.

    It asks for what these ask for: a blamed member makes no call hard, and widens no filter.
    """
    kept = [
        (member, reason)
        for member, reason in zip(refresh.members, refresh.reasons, strict=True)
        if member.coverage.address not in blamed
    ]
    if not kept:
        return None
    members = tuple(member for member, _ in kept)
    legacy = refresh.request.path.startswith(_LEGACY_REFRESH)
    generation = Generation.LEGACY if legacy else Generation.V1
    carrier, mode, request = _carried(members, generation)
    return replace(
        refresh,
        covers=tuple(member.coverage for member in members),
        request=request,
        mode=mode,
        model_id=carrier.model_id,
        reasons=tuple(reason for _, reason in kept),
        members=members,
        earlier=tuple(_still_waiting(refresh.earlier, members)),
    )


def carrier_of(refresh: Refresh) -> Carrier | None:
    """Return whose model id carries a call for others too; None where it does so for itself."""
    if all(member.model_id == refresh.model_id for member in refresh.members):
        return None
    return Carrier(refresh.model_id, refresh.group)


def _earlier(due: Iterable[ItemVerdict[RefreshItem]], now: datetime) -> tuple[EarlierJob, ...]:
    """List the jobs that may have done already what is tried once more now."""
    jobs: dict[str, EarlierJob] = {}
    for verdict in due:
        coverage = verdict.coverage
        if coverage is None or coverage.attempt == 1:
            continue
        for call in unseen_calls(verdict.record, now):
            known = jobs.get(call.operation)
            sharing = (coverage.address,) if known is None else (*known.addresses, coverage.address)
            if call.job_id is not None:
                jobs[call.operation] = EarlierJob(call.operation, call.job_id, call.since, sharing)
    return tuple(jobs.values())


def _still_waiting(jobs: Iterable[EarlierJob], members: Iterable[Member]) -> Iterator[EarlierJob]:
    left = {member.coverage.address for member in members}
    for job in jobs:
        waiting = tuple(address for address in job.addresses if address in left)
        if waiting:
            yield replace(job, addresses=waiting)


def _timeout_s(verdicts: Iterable[ItemVerdict[RefreshItem]]) -> float:
    return max(v.item.timeout for v in verdicts).total_seconds()


def _expected_s(verdicts: Iterable[ItemVerdict[RefreshItem]]) -> float | None:
    known = [measured_s(v.item, v.record) for v in verdicts]
    return max((seconds for seconds in known if seconds is not None), default=None)


def measured_s(item: RefreshItem, record: Record) -> float | None:
    """Expect what was measured, leaving out jobs that a later apply found ended when it looked.

    They are known by having outlived the timeout after which an apply lets a job be.
    """
    most_s = item.timeout.total_seconds()
    return expected_duration_s(tuple([s for s in record.durations_s if s <= most_s]))


# The filter of a merged soft refresh: it narrows no member's own, however Omni reads it.
#
# No source says whether `schemas` beside `tables` means "both" or "either" (omni-api.md 9.5). So
# filters are only united with filters of the same shape; where shapes differ, what is sent names
# schemas alone, of which there is but one reading.

QUOTES = frozenset("\"'`[]")
"""Where a name is written with one, its dots are not known to divide it."""


class Filter(Struct, frozen=True):
    """What a refresh is narrowed to; without either it is of everything."""

    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


UNFILTERED = Filter()


def covering_filter(members: Sequence[Member]) -> Filter:
    """Return a filter that covers each member's own, under either reading.

    Members without a filter want everything. One with schemas and tables is a shape of its own:
    two such filters united cover both, read either way; beside another shape it may mean any of
    its schemas and any of its tables.
    """
    if not all(member.schemas or member.tables for member in members):
        return UNFILTERED
    schemas = {name for member in members for name in member.schemas}
    tables = {name for member in members for name in member.tables}
    shapes = {(bool(member.schemas), bool(member.tables)) for member in members}
    if len(shapes) == 1:
        return Filter(tuple(sorted(schemas)), tuple(sorted(tables)))
    for table in tables:
        schema = _schema_of(table)
        if schema is None:
            return UNFILTERED
        schemas.add(schema)
    return Filter(tuple(sorted(schemas)))


def _schema_of(table: str) -> str | None:
    """Return the schema of a table as the file spells it, with its catalog; None if it is not told.

    A wildcard in the last part leaves the schema known; one before it may stand for any.
    """
    schema, _, name = table.rpartition(".")
    untold = not name or "*" in schema or not all(schema.split("."))
    return None if untold or QUOTES & set(table) else schema


# The exact HTTP request of each call, in both generations of the API (omni-api.md 2.1, 2.3).

_LEGACY_REFRESH = "/api/v0/model/"
_PLAIN = re.compile(r"[A-Za-z0-9_-]*")


def _refresh_request(
    generation: Generation, carrier: Member, mode: Mode, narrowed: Filter
) -> Request:
    """Build a schema refresh.

    v1 always says hard or soft: the call's own default is hard, a native schedule's is soft
    (omni-api.md 3.2). The legacy call takes nothing but the id (SEED-0); its reply has no job.
    """
    model = _segment(carrier.model_id)
    if generation is Generation.LEGACY:
        return Request("POST", f"{_LEGACY_REFRESH}{model}/refresh")
    query = [("hard_refresh", "true" if mode is Mode.HARD else "false")]
    if carrier.branch_id is not None:
        query.append(("branch_id", carrier.branch_id))
    if narrowed.schemas:
        query.append(("schemas", ",".join(narrowed.schemas)))
    if narrowed.tables:
        query.append(("tables", ",".join(narrowed.tables)))
    return Request("POST", f"/api/v1/models/{model}/refresh", tuple(query))


def reset_request(
    generation: Generation, model_id: str, policy: str, stamp: datetime | None
) -> Request:
    """Build a cache reset. Without a stamp, the end of the refresh before it fills in the body."""
    model, name = _segment(model_id), _segment(policy)
    if generation is Generation.LEGACY:
        path = f"/api/unstable/model/{model}/cache_reset/{name}"
    else:
        path = f"/api/v1/models/{model}/cache_reset/{name}"
    return Request("POST", path, (), {"resetAt": None if stamp is None else stamp_text(stamp)})


@lru_cache(maxsize=4096)
def stamp_text(stamp: datetime) -> str:
    """Spell a `resetAt`: UTC with a `Z` and at most milliseconds, the resolution Omni shows.

    Cut, never rounded up: a stamp must not lie in Omni's future.
    """
    utc = stamp.astimezone(UTC)
    precision = "milliseconds" if utc.microsecond else "seconds"
    return utc.isoformat(timespec=precision).replace("+00:00", "Z")


def _segment(text: str) -> str:
    """Spell one segment of a path; most, such as UUIDs, need no quotes, and `quote` is slow."""
    return text if _PLAIN.fullmatch(text) else quote(text, safe="")
