"""Whatever a name or a message holds, no renderer lets it command, hide or forge anything."""

import unicodedata
from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import Diagnostic, Place
from reconcile.model.address import Address, refresh_address, reset_address
from reconcile.model.plan import Forget, Plan, Refresh, Request
from reconcile.model.progress import (
    FailedCall,
    Finished,
    JobAccepted,
    Polled,
    Result,
    Skipped,
    Started,
    Summary,
    Waiting,
)
from reconcile.model.reason import (
    AwaitsSignals,
    BackingOff,
    BlockedBy,
    ContentChanged,
    FollowsRefresh,
    FrozenBy,
    HeldAfterFailures,
    PausedUntil,
    Reason,
    RefreshCompleted,
    SignalCame,
    Status,
    WaitsForFiles,
)
from reconcile.model.recorded import Coverage, Failure, Pending, Record, Recorded
from reconcile.model.struct import replace
from reconcile.render.actions import plan_document
from reconcile.render.apply import Board, board_lines, event_line
from reconcile.render.diagnostics import annotation, diagnostic_text
from reconcile.render.documents import diagnostics_json, encode
from reconcile.render.records import records_json
from tests.render.moments import NEW_YORK, NOW, SIX, ago, later
from tests.render.plans import (
    items_json,
    items_text,
    plan_text,
    record_json,
    record_text,
    summary_json,
    summary_text,
)
from tests.render.samples import awaiting, plan, refresh, reset
from tests.render.samples import standing as standing_of
from tests.strategies import examples

pytestmark = pytest.mark.long

UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
FORGED = "\nNo calls are due.\n"
FRAGMENTS = (
    "\x1b[2J",
    "\x1b]8;;http://evil\x07",
    "\x9b31m",
    "\r",
    "\x08",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200b",
    "\u2028",
    "\x85",
    "\ud800",
    "[link=http://evil]x[/link]",
    "[/]",
    "::add-mask::x",
    "##[error]",
    "'; rm -rf ~",
    "x" * 10_000,
    FORGED,
    "\n",
    "`$(reboot)`",
    "%0A::error::",
    "{}",
    "%s",
)
HOSTILE = st.lists(
    st.sampled_from(FRAGMENTS) | st.text(st.characters(exclude_categories=()), max_size=8),
    min_size=1,
    max_size=4,
).map("".join)


def reasons(name: str, address: Address) -> tuple[Reason, ...]:
    backing_off = BackingOff(2, ago(20), later(3), name)
    return (
        ContentChanged((name,)),
        SignalCame((name,), SIX, name, name),
        AwaitsSignals((name,), (name,), all=True),
        RefreshCompleted(address, SIX),
        FollowsRefresh(address),
        WaitsForFiles((name,)),
        FrozenBy(name, None),
        PausedUntil(None, name),
        backing_off,
        HeldAfterFailures(5, ago(9), name),
        BlockedBy(address, backing_off),
    )


def hostile_plan(name: str) -> Plan:
    address = refresh_address(name)
    standings = tuple(
        standing_of(Address(f"{address}{number}"), list(Status)[number % 7], reason)
        for number, reason in enumerate(reasons(name, address))
    )
    request = Request("POST", name, ((name, name),), {name: name})
    actions = (
        replace(refresh(address, Address(name)), request=request),
        replace(reset(reset_address("m", name), FollowsRefresh(address)), waits_for=address),
        replace(awaiting(address), job_id=name, operation=name),
        Forget(address=Address(name)),
    )
    return replace(plan(actions, standings), missed=((address, SIX),), noted={address: {}})


def plan_outputs(name: str) -> Iterator[str]:
    hostile = hostile_plan(name)
    yield plan_text(hostile, width=40, colour=False)
    yield plan_text(hostile, width=118, colour=False, verbose=True)
    yield encode(plan_document(hostile, host=name))


def record_outputs(name: str) -> Iterator[str]:
    address = Address(name)
    record = Record(
        declared={name: name, "timing": {name: name}},
        content=name,
        last_failure=Failure(NOW, name),
        pending=Pending(name, "refresh", NOW, Coverage(address), job_id=name, accepted=False),
    )
    recorded = Recorded(lineage=name, host=name, items={address: record})
    standings = hostile_plan(name).standings
    yield items_text(standings, recorded, NOW, width=80, colour=False)
    yield items_json(standings, recorded, NOW)
    yield records_json(recorded)
    yield record_text(address, record, NOW, NEW_YORK, width=80)
    yield record_json(address, record)


def diagnostic_outputs(name: str) -> Iterator[str]:
    told = Diagnostic(
        code=name, summary=name, detail=name, hint=name, places=(Place(name, 1, 2, name, 3),)
    )
    yield diagnostic_text(told, width=80, colour=False)
    yield diagnostics_json([told])
    yield annotation(told)


def progress_outputs(name: str) -> Iterator[str]:
    addresses = (Address(name),)
    waiting = Waiting(at=NOW, addresses=addresses, why=name)
    started = Started(at=NOW, addresses=(refresh_address(name),), what=name)
    polled = Polled(at=NOW, addresses=(refresh_address(name),), word=name, age_s=3.0)
    events = (
        waiting,
        started,
        polled,
        JobAccepted(at=NOW, addresses=addresses, job_id=name),
        Finished(at=NOW, addresses=addresses, took_s=1.0, detail=name),
        FailedCall(at=NOW, addresses=addresses, message=name, may_have_happened=True),
        Skipped(at=NOW, addresses=addresses, why=name),
    )
    yield from (f"{event_line(event, NEW_YORK)}\n" for event in events)
    board = Board(total=2).after(waiting).after(started).after(polled)
    yield "".join(f"{line}\n" for line in board_lines(board, NOW, 80))


def summary_outputs(name: str) -> Iterator[str]:
    calls = (action for action in hostile_plan(name).actions if isinstance(action, Refresh))
    results = tuple(Result(action=call, status="unknown", message=name) for call in calls)
    summary = Summary(results=results, calls=1, polls=0, took_s=1.0)
    yield summary_text(summary, width=80, colour=False)
    yield summary_json(summary)


RENDERERS = (plan_outputs, record_outputs, diagnostic_outputs, progress_outputs, summary_outputs)


@pytest.mark.fault("Z10", "Z11", "Z25")
@examples(1000)
@given(name=HOSTILE)
def test_no_hostile_name_gets_through(name: str) -> None:
    for output in chain.from_iterable(outputs(name) for outputs in RENDERERS):
        *lines, after_the_last = output.split("\n")
        assert after_the_last == ""
        assert FORGED.strip() not in lines
        seen = set("".join(lines))
        assert not {character for character in seen if unicodedata.category(character) in UNSAFE}
