"""What hypothesis draws from: every noun that is ever saved."""

from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import settings
from hypothesis import strategies as st

from reconcile.model.address import Address, refresh_address, reset_address, schedule_address
from reconcile.model.desired import ScheduleSpec
from reconcile.model.journal import (
    Accepted,
    Began,
    Blamed,
    ClockMended,
    Done,
    Doubted,
    EndUnseen,
    Entry,
    Failed,
    Forgotten,
    Intent,
    Lack,
    Looked,
    Marked,
    Missed,
    Moved,
    Noted,
    NotSent,
    Numbered,
    Redated,
    Rejected,
    Renamed,
    ScheduleGone,
    ScheduleIntent,
    ScheduleKept,
    Signalled,
    Waived,
)
from reconcile.model.plan import Request, ScheduleAct
from reconcile.model.recorded import (
    Carrier,
    Coverage,
    Failure,
    Kind,
    Look,
    Pending,
    PendingWrite,
    Record,
    Recorded,
    ScheduleRecord,
    Signal,
    Signals,
    Unseen,
)
from reconcile.planning.signals import received

HOUR = timedelta(hours=1)
FEWEST = 20


def examples(number: int) -> settings:
    """Let a law run so many examples in the long run, and fewer in every other: see conftest."""
    scaled = number * settings().max_examples // 100
    return settings(max_examples=max(scaled, min(number, FEWEST)), deadline=None)


ACTS: st.SearchStrategy[ScheduleAct] = st.sampled_from(("create", "update", "delete"))
KINDS: st.SearchStrategy[Kind] = st.sampled_from(("refresh", "reset"))
LACKS: st.SearchStrategy[Lack | None] = st.sampled_from((None, "absent", "forbidden", "unreadable"))

words = st.text(max_size=12)
"""Any text that can be written as UTF-8, control characters and all."""

instants = st.one_of(
    st.datetimes(timezones=st.just(UTC)),
    st.integers(0, 100).map(lambda hours: datetime(2026, 1, 1, tzinfo=UTC) + hours * HOUR),
)
any_addresses = st.one_of(
    st.builds(refresh_address, words.filter(bool)),
    st.builds(reset_address, words.filter(bool), words.filter(bool)),
)
few_addresses = st.sampled_from(
    [Address(f"models.{model}.refresh") for model in "abc"]
    + [Address(f"models.{model}.cache.daily") for model in "ab"]
)
any_schedule_addresses = st.builds(schedule_address, words.filter(bool), words.filter(bool))
few_schedule_addresses = st.sampled_from([schedule_address("w", name) for name in "abc"])
few_operations = st.sampled_from(["one", "two", "three"])

finite = st.floats(allow_nan=False, allow_infinity=False)
_leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | finite | words
plain_json = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
)
declarations = st.dictionaries(
    st.sampled_from(["timing", "identity", "request"]), plain_json, max_size=3
)


few_names = st.sampled_from(("crm", "dbt", "load"))
consumed = st.dictionaries(few_names | words, instants, max_size=3).map(
    lambda spent: tuple(sorted(spent.items()))
)
signals = st.builds(Signal, instants, instants, st.none() | words, st.none() | words)


def all_signals() -> st.SearchStrategy[Signals]:
    """Draw signals as they are kept: the newest of each name, ascending."""
    told = st.lists(st.tuples(few_names, signals), max_size=6)
    return told.map(lambda listed: reduce(lambda kept, it: received(kept, *it), listed, {}))


def coverages(addresses: st.SearchStrategy[Address]) -> st.SearchStrategy[Coverage]:
    return st.builds(
        Coverage,
        addresses,
        st.none() | instants,
        st.none() | instants,
        st.none() | words,
        st.just(1) | st.integers(1, 9),
        consumed,
    )


carriers = st.builds(Carrier, words, words)
counts = st.integers(0, 3)
failures = st.builds(Failure, instants, words)
looks = st.builds(Look, instants, words, counts, counts, st.none() | instants)


def pendings(addresses: st.SearchStrategy[Address]) -> st.SearchStrategy[Pending]:
    return st.builds(
        Pending,
        few_operations | words,
        KINDS,
        instants,
        coverages(addresses),
        st.booleans(),
        st.none() | words,
        st.none() | carriers,
        st.none() | looks,
    )


def records(addresses: st.SearchStrategy[Address] = any_addresses) -> st.SearchStrategy[Record]:
    return st.builds(
        Record,
        declared=st.none() | declarations,
        since=st.none() | instants,
        covered_slot=st.none() | instants,
        stamp=st.none() | instants,
        content=st.none() | words,
        last_success=st.none() | instants,
        completed_at=st.none() | instants,
        missed_slot=st.none() | instants,
        failures=st.integers(0, 9),
        last_failure=st.none() | failures,
        pending=st.none() | pendings(addresses),
        durations_s=st.lists(finite, max_size=8).map(tuple),
        carrier=st.none() | carriers,
        doubts=counts,
        last_doubt=st.none() | failures,
        unseen=st.none() | st.builds(Unseen, instants, words, pendings(addresses), st.booleans()),
        marked_at=st.none() | instants,
        consumed=consumed,
    )


specs = st.builds(ScheduleSpec, words, words, st.booleans())


def schedules() -> st.SearchStrategy[ScheduleRecord]:
    pending = st.builds(
        PendingWrite, few_operations | words, instants, st.booleans(), st.booleans()
    )
    return st.builds(
        ScheduleRecord,
        connection_id=words,
        spec=specs,
        schedule_id=st.none() | words,
        pending=st.none() | pending,
    )


def states(
    addresses: st.SearchStrategy[Address] = any_addresses, *, max_items: int = 4
) -> st.SearchStrategy[Recorded]:
    return st.builds(
        Recorded,
        lineage=words,
        serial=st.integers(0, 2**62),
        sequence=st.integers(0, 2**62),
        host=st.none() | words,
        items=st.dictionaries(addresses, records(addresses), max_size=max_items),
        schedules=st.dictionaries(any_schedule_addresses, schedules(), max_size=2),
        signals=all_signals(),
    )


requests = st.builds(
    Request,
    words,
    words,
    st.lists(st.tuples(words, words), max_size=2).map(tuple),
    st.none() | st.dictionaries(words, st.none() | st.booleans() | words, max_size=3),
)


spans = st.floats(-1e6, 1e6)
origins = st.builds(
    Began,
    at=instants,
    command=words,
    who=st.none() | words,
    machine=st.none() | words,
    commit=st.none() | words,
    run=st.none() | words,
)


def renames(
    addresses: st.SearchStrategy[Address],
) -> st.SearchStrategy[tuple[tuple[Address, Address], ...]]:
    """Draw moves of few records to addresses of their own, swaps among them."""
    some = st.lists(addresses, min_size=1, max_size=3, unique=True)
    return some.flatmap(
        lambda olds: st.one_of(
            st.permutations(olds),
            st.lists(addresses, min_size=len(olds), max_size=len(olds), unique=True),
        ).map(lambda news: tuple(zip(olds, news, strict=True)))
    )


def entries(
    addresses: st.SearchStrategy[Address] = any_addresses,
    operations: st.SearchStrategy[str] = words,
) -> st.SearchStrategy[Entry]:
    covers = st.lists(coverages(addresses), max_size=3).map(tuple)
    several = st.lists(addresses, max_size=2, unique=True).map(tuple)
    return st.one_of(
        st.builds(
            Intent, instants, operations, KINDS, covers, requests, words, st.none() | carriers
        ),
        st.builds(NotSent, instants, operations, words),
        st.builds(Rejected, instants, operations, words, st.none() | several),
        st.builds(Blamed, instants, several, words),
        st.builds(Accepted, instants, operations, st.none() | words),
        st.builds(Doubted, instants, operations, words, st.booleans()),
        st.builds(Looked, instants, operations, words, LACKS),
        st.builds(EndUnseen, instants, operations, words, st.booleans()),
        st.builds(Done, instants, operations, instants),
        st.builds(Failed, instants, operations, words),
        st.builds(Noted, instants, addresses, declarations),
        st.builds(Missed, instants, addresses, instants),
        st.builds(Forgotten, instants, addresses),
        st.builds(Marked, instants, addresses, st.none() | coverages(addresses)),
        st.builds(Moved, instants, addresses, addresses),
        st.builds(Renamed, instants, renames(addresses)),
        st.builds(ClockMended, instants),
        st.builds(Redated, instants, st.lists(operations, max_size=2).map(tuple), spans),
        origins,
        st.builds(Waived, instants, words, finite),
        st.builds(Signalled, instants, few_names | words, signals),
        schedule_entries(operations),
    )


def schedule_entries(
    operations: st.SearchStrategy[str] = words,
    addresses: st.SearchStrategy[Address] = few_schedule_addresses,
) -> st.SearchStrategy[Entry]:
    known = {"at": instants, "address": addresses}
    told = {"connection_id": words, "spec": specs, **known}
    return st.one_of(
        st.builds(
            ScheduleIntent,
            operation=operations,
            act=ACTS,
            schedule_id=st.none() | words,
            request=requests,
            host=words,
            **told,
        ),
        st.builds(ScheduleKept, schedule_id=words, operation=st.none() | operations, **told),
        st.builds(ScheduleGone, operation=st.none() | operations, **known),
        st.builds(Forgotten, instants, addresses),
        st.builds(Moved, instants, addresses, addresses),
    )


def journals(max_size: int = 20) -> st.SearchStrategy[list[Numbered]]:
    """Draw journals about few addresses and operations, so that entries meet each other."""
    drawn = st.lists(entries(few_addresses, few_operations), max_size=max_size)
    return drawn.map(lambda found: [Numbered(place, entry) for place, entry in enumerate(found, 1)])
