"""Random desired states, and states that a history of applies could really have left."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.desired import (
    AfterRefresh,
    At,
    Cadence,
    Cron,
    Desired,
    Every,
    Freeze,
    FrozenSpan,
    Item,
    Mode,
    OnChange,
    OnSignal,
    OpenHours,
    Pause,
    ResetAt,
)
from reconcile.model.journal import Marked, Numbered
from reconcile.model.recorded import Recorded, Signal
from reconcile.model.struct import replace
from reconcile.planning.plan import plan
from reconcile.planning.replay import replay
from reconcile.planning.signals import received
from tests.planning.making import FATES, NOON, carried_out, desired, of, refresh, reset

MODELS = ("ops", "sales", "web")
ZONES = st.sampled_from(["UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe"])
SPANS = st.integers(-72, 72).map(lambda quarters: timedelta(minutes=15 * quarters))
PAST = st.integers(-160, 0).map(lambda quarters: NOON + timedelta(minutes=15 * quarters))
"""Jobs are awaited for a day, so that it begins earlier."""
MOMENTS = SPANS.map(lambda span: NOON + span)
WAITS = st.sampled_from([timedelta(minutes=minutes) for minutes in (20, 120, 1000)])

CADENCES: st.SearchStrategy[Cadence] = st.one_of(
    st.sampled_from([Every(timedelta(minutes=minutes)) for minutes in (45, 360, 1440)]),
    st.sampled_from([Cron(text) for text in ("*/15 * * * *", "30 1 * * *", "0 6 * * mon-fri")]),
    st.sampled_from([At((time(6),)), At((time(1, 30), time(18)), frozenset({0, 3, 6}))]),
    st.builds(OnSignal, st.sampled_from([("crm",), ("crm", "dbt")]), st.booleans()),
)
SENT = st.lists(
    st.tuples(st.sampled_from(("crm", "dbt")), PAST | st.just(NOON + timedelta(minutes=5))),
    max_size=5,
)
"""Signals of the past, and of a clock that was a little ahead."""

TIMINGS = {
    "zone": ZONES,
    "deadline": st.none() | WAITS,
    "on_change": st.sampled_from(OnChange),
    "pause": st.none() | st.builds(Pause, st.none() | MOMENTS, st.just("why")),
    "hold_after": st.integers(1, 3),
}
WINDOWS = st.one_of(
    st.builds(lambda start, wait: FrozenSpan(start, start + wait), MOMENTS, WAITS),
    st.builds(OpenHours, st.just(((time(22), time(6)),)), ZONES),
)
FREEZES = st.builds(
    Freeze, st.just("freeze"), st.sampled_from([("*",), ("models.ops.*",)]), WINDOWS
)


@st.composite
def files(draw: st.DrawFn) -> Desired:
    """Draw a desired state of up to three models."""
    items: list[Item] = []
    for name in draw(st.sets(st.sampled_from(MODELS), min_size=1)):
        drawn = {key: draw(strategy) for key, strategy in TIMINGS.items()}
        place = draw(st.sampled_from([None, "warehouse", "warehouse", "lake"]))
        first = refresh(
            name,
            draw(CADENCES),
            connection=place,
            merges=place != "lake",
            mode=draw(st.sampled_from(Mode)),
            coalesce_within=draw(st.sampled_from([timedelta(), timedelta(hours=1)])),
            **drawn,
        )
        items.append(first)
        if draw(st.booleans()):
            times = st.one_of(CADENCES, MOMENTS.map(ResetAt), st.just(AfterRefresh(first.address)))
            after = draw(st.sampled_from([None, first.address]))
            cadence = draw(times)
            if isinstance(cadence, AfterRefresh):
                after = first.address
            drawn = {key: draw(strategy) for key, strategy in TIMINGS.items()}
            items.append(reset(name, cadence, after=after, **drawn))
    return desired(*items, freezes=tuple(draw(st.lists(FREEZES, max_size=2))))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Desired, Recorded]:
    """Draw files and a state that earlier applies of them left, with all that can befall a call."""
    declared = draw(files())
    state = told(of({}), draw(SENT))
    for moment in sorted(draw(st.lists(PAST, max_size=4))):
        if moment >= NOON:
            continue
        planned = plan(declared, state, moment)
        addresses = st.sampled_from([item.address for item in declared.items])
        fates = draw(st.dictionaries(addresses, st.sampled_from(FATES)))
        state = carried_out(planned, state, fates=fates)
        state = marked_due(state, draw(st.sets(addresses, max_size=1)), moment)
    return declared, told(state, draw(SENT))


def marked_due(state: Recorded, addresses: Iterable[Address], at: datetime) -> Recorded:
    """Return a state in which a person said that these are due again."""
    said = (Marked(at, address, None) for address in sorted(addresses))
    return replay(state, [Numbered(state.sequence + n, mark) for n, mark in enumerate(said, 1)])


def told(state: Recorded, sent: Iterable[tuple[str, datetime]]) -> Recorded:
    """Return a state that more signals have reached."""
    kept = state.signals
    for name, at in sent:
        kept = received(kept, name, Signal(at, at))
    return replace(state, signals=kept)
