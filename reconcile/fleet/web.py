"""The page of a fleet and its metrics over HTTP, from any of its workers. Read-only."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from http import HTTPStatus
from shlex import quote
from urllib.parse import quote as quote_url
from urllib.parse import urlencode

from msgspec import Struct
from procrastinate.exceptions import ConnectorException
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from reconcile.config.fleet import Fleet, FleetMember, Seat
from reconcile.controller.cycle import load_with_state
from reconcile.controller.door import Door
from reconcile.controller.page import (
    LivePage,
    dashboard_html,
    dashboard_parts,
    live_html,
    live_parts,
)
from reconcile.controller.report import next_days
from reconcile.controller.situation import Cycle, Situation
from reconcile.controller.web import (
    METRICS,
    MOST_CLIENTS,
    REFRESH_S,
    Access,
    Hub,
    Sketch,
    event,
    guarded,
    probed,
    watched,
)
from reconcile.errors import Diagnostic, diagnose, mishap
from reconcile.fleet.database import Roster
from reconcile.fleet.text import (
    Totals,
    due_since,
    fleet_json,
    is_troubled,
    notes,
    ranked,
    standing,
)
from reconcile.metrics import Family, exposition, gauge, gauges
from reconcile.model.desired import Desired
from reconcile.model.struct import replace, rfc3339
from reconcile.planning.item import overdue
from reconcile.planning.plan import plan
from reconcile.render.layout import Ink, escape_terminal
from reconcile.render.page import Head, Room, Tone, fitting
from reconcile.render.table import FieldEntry, ItemEntry, ItemsTable
from reconcile.render.words import Vantage, counted, duration_text
from reconcile.state.backend import load as load_recorded

# Every instance in one table, whole and in parts.

_SHOWN = 300
_ROOM = Room(240_000, _SHOWN, "instance", "reconcile fleet status")
_HEADINGS = ("Instance", "Late", "Last run", "Next", "Worker")
_NAME_LIMIT = 100
_DIGITS = 6


class Excerpt(Struct, frozen=True):
    """Which of the instances are listed: those whose names match a glob, so many to a page."""

    match: str = "*"
    page: int = 1

    @staticmethod
    def asked_for(query: Mapping[str, str]) -> "Excerpt":
        """Read `?match=eu-*&page=2`; what is no number of a page means the first."""
        page = query.get("page", "")[:_DIGITS]
        return Excerpt(
            query.get("match", "")[:_NAME_LIMIT] or "*", int(page) if page.isdecimal() else 1
        )

    def of(self, seats: Sequence[Seat], now: datetime) -> tuple[ItemEntry | str, ...]:
        """Return the rows of this page, those in trouble first, and how to see others."""
        found = [seat for seat in ranked(seats, now) if fnmatchcase(seat.instance, self.match)]
        first = max(0, self.page - 1) * _SHOWN
        rows = fitting(found[first : first + _SHOWN], lambda seat: _row(seat, now), _ROOM)
        after = len(found) - first - _SHOWN
        if after <= 0:
            return rows
        query = urlencode(
            ({} if self.match == "*" else {"match": self.match}) | {"page": self.page + 1}
        )
        return (*rows, f"{counted(after, 'more instance')}: /?{query}, or by name: /?match=eu-*")


_ALL = Excerpt()


def fleet_page(
    seats: Sequence[Seat], now: datetime, worker: str, excerpt: Excerpt = _ALL
) -> LivePage:
    """Return what the page of a fleet shows. `worker`: who serves it. `now`: UTC.

    Totals are of all instances, whichever are listed.
    """
    counts, totals = Counter(standing(seat, now).text for seat in seats), Totals.of(seats, now)
    tone, headline = _headline(totals)
    return LivePage(
        head=Head(
            tab=f"{headline} - fleet",
            tone=tone,
            subject="reconcile fleet",
            where=f"served by {escape_terminal(worker, _NAME_LIMIT)}",
            headline=headline,
            facts=tuple(_facts(totals, seats)),
        ),
        items=ItemsTable(
            heading="All instances",
            noun="instances",
            columns=_HEADINGS,
            choices=tuple((_key(word), f"{word} ({n:,})") for word, n in sorted(counts.items())),
            total=len(seats),
            rows=excerpt.of(seats, now),
        ),
    )


def _headline(totals: Totals) -> tuple[Tone, str]:
    if totals.in_trouble:
        return "bad", f"{counted(totals.in_trouble, 'instance')} in trouble"
    due = totals.due
    if due:
        return "due", f"{counted(due, 'instance')} due"
    return "calm", "All instances are as declared"


def _facts(totals: Totals, seats: Sequence[Seat]) -> Iterator[tuple[str, str]]:
    yield "Instances", f"{totals.instances:,}"
    yield "In trouble", f"{totals.in_trouble:,}"
    yield "Due", f"{totals.due:,}"
    yield "Paused", f"{totals.paused:,}"
    workers = {seat.worker for seat in seats if seat.worker}
    yield "Workers last seen", f"{len(workers):,}"


def _key(word: str) -> str:
    """Return a status as filters and styles name it."""
    return word.replace(" ", "-")


def _row(seat: Seat, now: datetime) -> ItemEntry:
    word, view = standing(seat, now), Vantage("UTC", now)
    since = due_since(seat, now)
    failures = (f"{counted(seat.failures, 'failure')} in a row",) if seat.failures else ()
    wake_at = None if seat.is_held(now) else seat.wake_at
    return ItemEntry(
        name=escape_terminal(seat.instance, _NAME_LIMIT),
        link=f"/instances/{quote_url(seat.instance, safe='')}/",
        statuses=_key(word.text),
        word=word.text,
        tone="failed" if word.ink is Ink.BAD else _key(word.text),
        fields=(
            FieldEntry(
                "Late", "-" if since is None else duration_text((now - since).total_seconds())
            ),
            FieldEntry("Last run", "-" if seat.ran_at is None else view.local(seat.ran_at)),
            FieldEntry("Next", "-" if wake_at is None else view.local(wake_at)),
            FieldEntry("Worker", escape_terminal(seat.worker or "-", _NAME_LIMIT)),
        ),
        why="; ".join([*failures, *notes(seat, view)]),
    )


# The gauges of a fleet.


def fleet_metrics(seats: Sequence[Seat], now: datetime) -> str:
    """Return the exposition as of `now`, UTC; ends with a line break."""
    return exposition(_metrics(seats, now))


def _metrics(seats: Sequence[Seat], now: datetime) -> Iterator[Family]:
    outcomes = Counter(seat.outcome or "never run" for seat in seats)
    words = "Instances by what their last run came to."
    yield gauges("fleet_instances", words, "outcome", sorted(outcomes.items()))
    totals = Totals.of(seats, now)
    yield gauge("fleet_instances_due", "Instances that wait for a worker.", totals.due)
    yield gauge("fleet_instances_paused", "Instances left alone.", totals.paused)
    words = "1 if something of it does not go on as declared, which fleet status names; else 0."
    troubled = ((seat.instance, float(is_troubled(seat, now))) for seat in seats)
    yield gauges("fleet_instance_in_trouble", words, "instance", troubled)
    words = "How long it has waited for a worker."
    late = ((seat.instance, _late_s(seat, now)) for seat in seats)
    yield gauges("fleet_instance_lateness_seconds", words, "instance", late)
    words = "Runs in a row that did not end well."
    failures = ((seat.instance, seat.failures) for seat in seats)
    yield gauges("fleet_instance_failures", words, "instance", failures)
    words = "When its last run ended."
    ran = ((it.instance, it.ran_at.timestamp()) for it in seats if it.ran_at is not None)
    yield gauges("fleet_instance_last_run_timestamp_seconds", words, "instance", ran)


def _late_s(seat: Seat, now: datetime) -> float:
    since = due_since(seat, now)
    return 0.0 if since is None else (now - since).total_seconds()


# What the page shows of all instances: the rows of the roster, read again and again.


class Lobby:
    """Keeps the newest look at the roster. `looked_at` (UTC): None before the first."""

    def __init__(self, fleet: Fleet, roster: Roster, now: Callable[[], datetime]) -> None:
        self._look_every_s, self._roster, self._now = fleet.look_every_s, roster, now
        self._known: Mapping[str, Seat] = {}
        self.members: Mapping[str, FleetMember] = {}
        self.looked_at: datetime | None = None
        self.changed: Callable[[], None] = lambda: None
        self.take_up(fleet)

    def take_up(self, fleet: Fleet) -> None:
        """Show these instances."""
        self.members = {member.name: member for member in fleet.members}
        self.changed()

    def desired(self, name: str) -> Desired | None:
        """Load the desired state of an instance; None if there is none. Raises ReconcileError."""
        member = self.members.get(name)
        return None if member is None else load_with_state(member.file, member.state_url)[0]

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Every declared instance, by name, whether it ever ran or not."""
        return tuple(self.seat(name) for name in self.members)

    def seat(self, name: str) -> Seat:
        """Return what is known of one instance."""
        return self.members[name].seat(self._known, self._now())

    async def watch(self) -> None:
        """Look for ever, as often as workers look for what is due."""
        while True:
            # A database that is gone is for the worker to tell of; here it shows in `looked_at`.
            with suppress(ConnectorException):
                known = await self._roster.load()
                self.looked_at = self._now()
                if known != self._known:
                    self._known = known
                    self.changed()
            await asyncio.sleep(self._look_every_s)


# What the server of a fleet's page answers. Read-only, like that of a controller.

LONGEST_SILENCE = timedelta(seconds=60)
_MOST_LOOKS = 2
"""At once: a look at an instance reads files and a state, and shares the machine with the work."""


class Drawn(Struct, frozen=True):
    """A page, whole and in parts by id."""

    whole: str
    parts: Mapping[str, str]


class FleetPages:
    """The answers of the worker called `worker`; `now` is UTC."""

    def __init__(
        self,
        lobby: Lobby,
        access: Access,
        worker: str,
        now: Callable[[], datetime],
        stalled: Callable[[], str | None] = lambda: None,
        door: Door | None = None,
    ) -> None:
        self._lobby, self._access, self._door = lobby, access, door
        self._worker, self._now, self._stalled = worker, now, stalled
        self._watching = 0
        self._looks = asyncio.Semaphore(_MOST_LOOKS)
        self._sketches: dict[FleetMember | Excerpt, Sketch[Drawn]] = {}
        self._hub = Hub(lambda: live_parts(fleet_page(lobby.seats, now(), worker)))
        lobby.changed = self._hub.changed

    def app(self) -> ASGIApp:
        """Return the ASGI application."""
        routes = [
            Route("/", self._page),
            Route("/events", self._events),
            Route("/state.json", self._state),
            Route("/metrics", self._metrics),
            Route("/healthz", self._health),
            Route("/readyz", self._readiness),
            Route("/instances/{name:path}/events", self._instance_events),
            Route("/instances/{name:path}/", self._instance),
        ]
        if self._door is not None:
            routes.append(self._door.route("/signals/{instance:path}/{name}"))
        return guarded(routes, self._access)

    async def publish(self) -> None:
        """Keep everything up to date, for ever."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._lobby.watch())
            both.create_task(self._hub.publish())

    async def _page(self, request: Request) -> Response:
        return await self._whole(Excerpt.asked_for(request.query_params))

    async def _events(self, request: Request) -> Response:
        excerpt = Excerpt.asked_for(request.query_params)
        if excerpt != _ALL:
            return self._parts(excerpt)
        return watched(self._hub.stream, full=self._hub.full)

    async def _state(self, _: Request) -> Response:
        return Response(fleet_json(self._lobby.seats, self._now()), media_type="application/json")

    async def _metrics(self, _: Request) -> Response:
        body = fleet_metrics(self._lobby.seats, self._now())
        return Response(body, headers={"Content-Type": METRICS})

    async def _health(self, _: Request) -> Response:
        # A database that is gone is no reason to be killed in the middle of an apply: started
        # again, it would be as gone. A run that hangs is.
        return probed(self._stalled(), "ok")

    async def _readiness(self, _: Request) -> Response:
        # One bad instance is no reason to take a worker out: what became of each is in /metrics.
        seen = self._lobby.looked_at
        silent = seen is None or self._now() - seen > LONGEST_SILENCE
        return probed("the database has not answered" if silent else None, "ready")

    async def _instance(self, request: Request) -> Response:
        return await self._whole(self._asked_for(request))

    async def _instance_events(self, request: Request) -> Response:
        return self._parts(self._asked_for(request))

    def _asked_for(self, request: Request) -> FleetMember:
        member = self._lobby.members.get(request.path_params["name"])
        if member is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "the fleet has no such instance\n")
        return member

    async def _whole(self, subject: FleetMember | Excerpt) -> Response:
        async with self._looks:
            return HTMLResponse((await self._sketch(subject).drawn()).whole)

    def _parts(self, subject: FleetMember | Excerpt) -> Response:
        full = self._watching >= MOST_CLIENTS
        return watched(lambda: self._stream(subject), full=full)

    async def _stream(self, subject: FleetMember | Excerpt) -> AsyncIterator[bytes]:
        self._watching += 1
        shown: Mapping[str, str] = {}
        try:
            while True:
                async with self._looks:
                    parts = (await self._sketch(subject).drawn()).parts
                yield event({id_: html for id_, html in parts.items() if shown.get(id_) != html})
                shown = parts
                await asyncio.sleep(REFRESH_S / 2)
        finally:
            self._watching -= 1

    def _sketch(self, subject: FleetMember | Excerpt) -> Sketch[Drawn]:
        """Return the page of that, which the few who look at once share."""
        if subject not in self._sketches and len(self._sketches) >= MOST_CLIENTS:
            del self._sketches[next(iter(self._sketches))]
        return self._sketches.setdefault(subject, Sketch(lambda: self._draw(subject)))

    def _draw(self, subject: FleetMember | Excerpt) -> Drawn:
        now = self._now()
        if isinstance(subject, Excerpt):
            page = fleet_page(self._lobby.seats, now, self._worker, subject)
            return Drawn(live_html(page), live_parts(page))
        known = look(subject, self._lobby.seat(subject.name), now)
        return Drawn(dashboard_html(known, now), dashboard_parts(known, now))


# One instance of a fleet, as its files and its state tell it just now. Blocking.


def look(member: FleetMember, seat: Seat, now: datetime) -> Situation:
    """Plan as of `now`, UTC, without a lock and without a call.

    What keeps it from planning is part of the situation: nothing is raised.
    """
    known = Situation(
        name=member.name,
        host="",
        started_at=now,
        cycle=_last_run(seat),
        wake_at=None if seat.is_held(now) else seat.wake_at,
        problems=_troubles(seat, now),
        of_fleet=True,
    )
    try:
        desired, _ = load_with_state(member.file, member.state_url)
        recorded = load_recorded(desired.state_url).recorded
        planned = plan(desired, recorded, now)
        return replace(
            known,
            host=desired.base_url or "",
            plan=planned,
            recorded=recorded,
            late=overdue(desired, recorded, planned),
            timeline=next_days(desired, recorded, planned),
        )
    except Exception as error:  # noqa: BLE001 -- a page about a broken instance tells what broke
        return replace(known, refused=mishap(error))


def _last_run(seat: Seat) -> Cycle | None:
    if seat.ran_at is None or seat.outcome is None:
        return None
    return Cycle(
        at=seat.ran_at,
        verdict=seat.outcome,
        well=seat.failures == 0,
        took_s=seat.took_s or 0.0,
    )


def _troubles(seat: Seat, now: datetime) -> tuple[Diagnostic, ...]:
    found = []
    if seat.hold is not None and seat.is_held(now):
        end = seat.hold.until
        until = "until it is resumed" if end is None else f"until {rfc3339(end)}"
        found.append(
            diagnose(
                "instance-paused",
                f"No worker looks at it {until}: {seat.hold.reason}",
                hint=f"reconcile fleet resume {quote(seat.instance)}",
            )
        )
    if seat.trouble is not None and not seat.is_held(now):
        found.append(diagnose("instance-run-failed", seat.trouble))
    return tuple(found)
