"""`sandbox` and `rehearse`: an embedded Omni server, until interrupted or for one apply."""

import asyncio
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Protocol
from urllib.parse import parse_qsl

import click
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconcile.clock import wall_clock
from reconcile.config.toml import read_bounded
from reconcile.errors import LeafError, Place, fail
from reconcile.model.address import is_loopback
from reconcile.model.desired import Desired
from reconcile.model.plan import Choice
from reconcile.model.recorded import Recorded
from reconcile.model.struct import replace
from reconcile.omni.credential import Credential, Secret, parse_origin
from reconcile.planning.guards import has_effects, require_within_limits, unwaived
from reconcile.planning.plan import follow, plan
from reconcile.sandbox import instance
from reconcile.sandbox.faults import parse_faults
from reconcile.sandbox.instance import ArrivedCall, Delivery, SandboxReply
from reconcile.sandbox.world import SANDBOX_BEARER, World
from reconcile.state.backend import backend, load, open_session
from reconcile.state.mend import pull
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console, collect_again, say_plan, warn_of_clock
from reconcile.terminal.events import NOTHING_DONE
from reconcile.terminal.inputs import (
    gather_choice,
    gather_desired,
    gather_recorded,
    gather_waivers,
)
from reconcile.terminal.progress import exit_code_of, make_calls, say_summary

# HTTP over a world, on loopback: beside a caller's own work, or in the foreground.

Clock = Callable[[], datetime]

BODY_LIMIT = 1_048_576


class Answering(Protocol):
    """Whatever can answer calls; a `World`, as a rule."""

    def answer(self, call: ArrivedCall, now: datetime) -> SandboxReply:
        """Carry out one request at an instant."""


class SandboxApp:
    """The ASGI application. `clock` is asked once a request.

    There is one endpoint and no router: a path has to be split before it is percent-decoded, so
    that a policy named `a/b` can be told from two path segments, and a router sees it too late.
    """

    def __init__(self, world: Answering, clock: Clock) -> None:
        self._world, self._clock = world, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI asks."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        with suppress(ClientDisconnect):
            response = await self._respond(request)
            if response is None:
                scope["state"][_TRANSPORT].abort()
                await _until_disconnected(request)
            else:
                await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response | None:
        path = _raw_path(request.scope)
        body = await _read_body(request)
        if body is None:
            detail = f"Content Too Large: more than {BODY_LIMIT} bytes"
            return JSONResponse({"detail": detail, "status": 413}, 413, {"connection": "close"})
        query = request.scope["query_string"].decode("latin-1")
        call = ArrivedCall(
            method=request.method,
            path=path,
            query=tuple(parse_qsl(query, keep_blank_values=True)),
            authorization=request.headers.get("authorization"),
            body=body,
        )
        reply = self._world.answer(call, self._clock())
        if reply.delay_s:
            await _hold(request, reply.delay_s)
        if reply.delivery is not Delivery.ANSWERED:
            return None
        return JSONResponse(reply.body, reply.status, dict(reply.headers))


def _raw_path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    # A path of non-ASCII bytes cannot be one of ours, whatever it turns into here.
    return raw.partition(b"?")[0].decode("latin-1")


async def _read_body(request: Request) -> bytes | None:
    """Read the body; None as soon as it is longer than the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    return bytes(body)


async def _hold(request: Request, delay_s: float) -> None:
    """Wait, but not for a client that has gone: a closing server would wait with us."""
    with suppress(TimeoutError):
        async with asyncio.timeout(delay_s):
            await _until_disconnected(request)


async def _until_disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


# Uvicorn, taught two things: to cut a connection, and to stop without waiting for clients.

GRACE_S = 1
_TRANSPORT = "transport"


class SandboxProtocol(H11Protocol):
    """Keeps the transport where the application finds it: ASGI hands it no connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Note the transport in the state that every request's scope carries a copy of."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


class LoopbackServer(uvicorn.Server):
    """Says when it accepts connections, and drops every connection when it stops."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=SandboxProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            # The reply's Date is the world's instant, not the machine's.
            date_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        super().__init__(config)
        self.ready = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then say so."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop idle and busy connections alike: nothing here is worth a client's patience."""
        for protocol in list(self.server_state.connections):
            if isinstance(protocol, H11Protocol):
                protocol.transport.abort()
        await super().shutdown(sockets)


# Where it listens, and for how long.

_START_TIMEOUT_S = 10.0
_BACKLOG = 128


@contextmanager
def running(world: Answering, *, host: str = "127.0.0.1", clock: Clock) -> Iterator[str]:
    """Serve a world from a thread of its own while the block runs, on a free port of `host`.

    Gives the server's origin. Raises `ReconcileError` `sandbox-not-loopback` or
    `sandbox-port-unavailable`.
    """
    server = LoopbackServer(SandboxApp(world, clock))
    with _listen(host, 0) as listener:
        thread = Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
        thread.start()
        try:
            if not server.ready.wait(_START_TIMEOUT_S):
                raise RuntimeError("the sandbox server did not start")
            yield _base_url(listener)
        finally:
            server.should_exit = True
            thread.join()


def serve(
    world: Answering, host: str, port: int, clock: Clock, announce: Callable[[str], None]
) -> None:
    """Serve a world in the foreground until SIGINT or SIGTERM, then let that signal take effect.

    Port 0 takes a free one. `announce` is called with the server's origin once connections are
    accepted from the caller's point of view. Raises as `running` does, and `KeyboardInterrupt`
    after an orderly stop by SIGINT.
    """
    server = LoopbackServer(SandboxApp(world, clock))
    with _listen(host, port) as listener:
        announce(_base_url(listener))
        server.run([listener])


def _listen(host: str, port: int) -> socket.socket:
    if not is_loopback(host):
        raise fail(
            "sandbox-not-loopback",
            f"`{host}` is not a loopback address: the sandbox is a rehearsal, its "
            "token is public, and nobody else should reach it.",
            hint="reconcile sandbox --host 127.0.0.1",
        )
    address = "127.0.0.1" if host == "localhost" else host
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's delay off only for sockets that name it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        # Listening from here on, so that whoever is told the port may connect at once.
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise fail(
            "sandbox-port-unavailable",
            f"Listening on {host} port {port} failed: {reason}.",
            hint="reconcile sandbox --port 0",
        ) from error
    return listener


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@click.command(cls=shared.StayingCommand)
@shared.file_option
@shared.output_options
@click.option("--host", default="127.0.0.1", help="Loopback address to listen on.")
@click.option("--port", type=int, default=8460, help="Port; 0 for any.")
@click.option(
    "--instance",
    type=shared.FILE,
    metavar="FILE",
    help="Serve what `discover --format json` listed, in place of what the file declares.",
)
@click.option(
    "--spec",
    type=shared.OneOf(("a", "b")),
    default="b",
    help="Which published specification of Omni's API, the earlier or the later.",
)
@click.option(
    "--vocabulary",
    type=shared.OneOf(("docs", "spec")),
    default="spec",
    help="Whose words for jobs: refresh_schema and RUNNING as in Omni's docs, or REFRESH_SCHEMA "
    "and IN_PROGRESS as in its specifications.",
)
@shared.faults_option
def run_sandbox(options: shared.Options, console: Console) -> int:
    """Serve what the file declares, or what was discovered of an instance."""
    collect_again()
    settings = instance.Settings(
        published=instance.Published(options.spec),
        vocabulary=instance.Vocabulary(options.vocabulary),
    )
    if options.instance is None:
        world = make_world(gather_desired(options, console), options.faults, settings)
    else:
        faults = parse_faults(options.faults)
        seeds = instance.seeds_in(_load(options.instance), options.instance)
        world = World(seeds, settings=settings, faults=faults)

    def announce(base_url: str) -> None:
        console.say(
            f"Omni sandbox at {base_url} (OpenAPI at {base_url}/openapi.json)\n"
            f"export OMNI_BASE_URL={base_url} OMNI_API_KEY={SANDBOX_BEARER}\n"
            "Stop it with Ctrl-C."
        )

    serve(world, options.host, options.port, wall_clock, announce)
    return 0


# Making an embedded Omni server: one that holds what the files declare, or a copy of another.

_LARGEST_BYTES = 64 << 20
_PLAIN = instance.Settings()


def make_world(
    desired: Desired,
    faults: str,
    settings: instance.Settings = _PLAIN,
    recorded: Recorded | None = None,
) -> World:
    """Seed a world with the declared models, connections, branches and policies.

    The files say how many requests a minute it takes. `recorded`: native schedules and jobs that an
    apply would take to be there.
    """
    parsed = parse_faults(faults)
    settings = replace(settings, requests_per_minute=desired.requests_per_minute)
    seeds = instance.seeds_of(desired)
    if recorded is not None:
        seeds = (*seeds, *_recorded_schedules(recorded, desired))
    world = World(seeds, settings=settings, faults=parsed)
    if recorded is not None:
        world.instance.take_up(desired, follow(desired.items, recorded)[1], wall_clock())
    return world


def _recorded_schedules(recorded: Recorded, desired: Desired) -> Iterator[instance.Seed]:
    declared = {connection.id for connection in desired.connections}
    records = recorded.schedules.values()
    for gone in sorted({record.connection_id for record in records} - declared):
        yield instance.SeedConnection(name=gone, id=gone)
    for record in records:
        if record.schedule_id is not None:
            spec = record.spec
            yield instance.SeedSchedule(
                connection=record.connection_id,
                cron=spec.cron,
                zone=spec.zone,
                hard=spec.hard,
                id=record.schedule_id,
            )


def _load(file: str) -> str:
    try:
        return read_bounded(Path(file), _LARGEST_BYTES).decode()
    except LeafError as error:
        why = error.detail
    except UnicodeDecodeError:
        why = "It is not UTF-8."
    raise fail(
        "instance-file-unreadable",
        f"It was to be served. {why}",
        hint="reconcile discover --format json > instance.json",
        places=(Place(file),),
    )


# `rehearse`: the real plan and apply, on a copy of the state.


@click.command(cls=shared.Command)
@shared.file_option
@shared.state_option
@shared.output_options
@shared.choice_options
@shared.allow_option
@shared.faults_option
def run_rehearse(options: shared.Options, console: Console) -> int:
    """Start the server, plan, apply, and plan once more to show that nothing is left."""
    desired = gather_desired(options, console)
    choice, waivers = gather_choice(options, desired), gather_waivers(options.allow)
    recorded = gather_recorded(desired, console)
    world = make_world(desired, options.faults, recorded=recorded)
    with (
        TemporaryDirectory(prefix="reconcile-rehearsal-") as folder,
        running(world, clock=wall_clock) as base_url,
    ):
        console.note(f"Rehearsing against an embedded Omni server at {base_url}.")
        console.note("Nothing is sent to Omni, and the state is a copy.")
        state_url = _copied_state(desired, Path(folder))
        stage = replace(desired, base_url=base_url, state_url=state_url)
        return _rehearse(stage, choice, waivers, options, console)


def _rehearse(
    stage: Desired,
    choice: Choice,
    waivers: Mapping[str, float],
    options: shared.Options,
    console: Console,
) -> int:
    origin = parse_origin(stage.base_url or "")
    credential = Credential(origin, Secret(SANDBOX_BEARER), private=True)
    with open_session(
        stage.state_url, command="reconcile rehearse", lock_timeout_s=0.0, now=wall_clock()
    ) as session:
        planned = plan(stage, session.recorded, wall_clock(), choice)
        warn_of_clock(planned.clock_went_back, console)
        if console.format == "text":
            shown = replace(planned, blocked_by=unwaived(planned, waivers))
            say_plan(shown, console, host=stage.base_url, verbose=options.verbose)
        waived = require_within_limits(planned, waivers, "reconcile rehearse")
        if not has_effects(planned):
            if console.format == "json":
                say_summary(NOTHING_DONE, console)
            return 0
        summary = make_calls(planned, session, credential, console, waived)
        after = plan(stage, session.recorded, wall_clock(), Choice(select=choice.select))
        if console.format == "text":
            console.say("")
            say_plan(after, console, host=stage.base_url, verbose=options.verbose)
    return exit_code_of(summary, detailed=False)


def _copied_state(desired: Desired, folder: Path) -> str:
    """Copy the state and its journal, so that the rehearsal starts from what is known."""
    original = backend(desired.state_url).file
    if original is None:
        copied = folder / "state.json"
        if load(desired.state_url).exists:
            copied.write_bytes(pull(desired.state_url))
        return str(copied)
    copy = folder / original.name
    for path in original.parent.glob(f"{original.name}*"):
        if path.is_file() and path.suffix not in {".lock", ".session"}:
            shutil.copyfile(path, folder / path.name)
    return str(copy)
