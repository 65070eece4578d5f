"""`run`: stay, and reconcile whenever something falls due. Logs one line an event, to stderr."""

import asyncio
import ipaddress
import os
import re
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

import click
from msgspec import Struct

from reconcile import install_with
from reconcile.clock import wall_clock
from reconcile.controller.cycle import (
    Instance,
    Observer,
    Outcome,
    ThreadedCycles,
    Unobserved,
    Verdict,
)
from reconcile.controller.loop import Controller, Parts, Supervisor
from reconcile.controller.report import Desk, Pulse, Teller
from reconcile.controller.situation import LogLine, Situation, log_json, log_text
from reconcile.controller.watch import Keeper
from reconcile.errors import Diagnostic, ExitCode, ReconcileError, fail
from reconcile.model.plan import Choice
from reconcile.model.struct import replace
from reconcile.omni.credential import load_credential, require_same_origin
from reconcile.omni.http import Heart
from reconcile.terminal import options as shared
from reconcile.terminal.console import Console, collect_again
from reconcile.terminal.events import Notifier
from reconcile.terminal.inputs import operator_url, require_own_places
from reconcile.terminal.interruption import Interruption
from reconcile.terminal.progress import access_to

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.PARTLY: ExitCode.PARTLY,
    Verdict.BLOCKED: ExitCode.BLOCKED,
    Verdict.LOCKED: ExitCode.LOCKED,
    Verdict.FAILED: ExitCode.ERROR,
}


@click.command(cls=shared.StayingCommand)
@shared.file_option
@shared.state_option
@shared.output_options
@shared.select_option
@shared.on_unknown_option
@shared.profile_option
@shared.notify_options
@click.option("--once", is_flag=True, help="Make one cycle and exit.")
@shared.listen_options
@shared.signal_token_option
@click.option(
    "--heartbeat-url",
    metavar="URL",
    help="Request this URL after every good cycle and every minute (https).",
)
def run_run(options: shared.Options, console: Console) -> int:
    """Stay until told to stop, which is no failure; or make one cycle and tell what it came to."""
    require_own_places(options)
    collect_again()
    return asyncio.run(_Service(options, console).stay())


class _Service:
    """A controller of one instance, and what the command line adds to it."""

    def __init__(self, options: shared.Options, console: Console) -> None:
        self._options, self._console = options, console
        credential = load_credential(os.environ, profile=options.profile)
        self._instance = Instance(
            file=options.file,
            access=access_to(credential, console),
            state_url=operator_url(options),
            choice=Choice(select=tuple(options.select), hold_unknown=options.on_unknown == "hold"),
        )
        self._keeper = Keeper(self._instance)
        self._tell = Teller(log_to(console), wall_clock)
        names = (Path(file).absolute().name for file in options.file)
        self._desk = Desk(
            Situation(name=", ".join(names), host=str(credential.origin), started_at=wall_clock())
        )
        self._notifier: Notifier | None = None
        self._unheard: list[Diagnostic] = []
        self._pulse: Pulse | None = None
        self._after: list[Callable[[Outcome], None]] = []
        if options.metrics is not None:
            self._after.append(self._write_metrics)

    async def stay(self) -> int:
        """Run the controller, and beside it the page and the heartbeat."""
        controller = Controller(
            Parts(
                cycles=ThreadedCycles(self._renewed),
                keeper=self._keeper,
                desk=self._desk,
                tell=self._tell,
                observe=self._observe,
                after=self._ended,
            )
        )
        loop = asyncio.get_running_loop()
        supervisor = Supervisor(controller.stalled)
        interruption = Interruption(lambda: self._stop(controller, supervisor), _STOPPING)
        async with AsyncExitStack() as beside:
            url = await self._serve(beside, controller)
            self._beat(beside, controller)
            interruption.listen(loop)
            loop.add_signal_handler(signal.SIGHUP, self._reload, controller, supervisor)
            if url is not None:  # Told once signals are heeded: whoever reads it may send one.
                self._tell.say("serving", url=url)
            await beside.enter_async_context(supervisor.told())
            files = ", ".join(self._options.file)
            self._tell.say("started", file=files, host=self._desk.situation.host)
            outcome = await controller.run(once=self._options.once)
            if self._options.once and self._pulse is not None and outcome.well:
                await self._pulse.beat()
        self._tell.say("stopped")
        if not self._options.once:
            return 0
        return interruption.exit_code or _EXIT_CODES.get(outcome.verdict, 0)

    def _renewed(self) -> Instance:
        """Return the instance with its token as it is now: it may have been replaced meanwhile.

        Raises ReconcileError, also for a token of another instance.
        """
        credential = load_credential(os.environ, profile=self._options.profile)
        known = self._instance.access
        if credential.fingerprint() != known.credential.fingerprint():
            require_same_origin(str(known.credential.origin), credential)
            access = replace(access_to(credential, self._console), spent=known.spent)
            self._instance = replace(self._instance, access=access)
        return self._instance

    def _stop(self, controller: Controller, supervisor: Supervisor) -> None:
        self._tell.say("stopping")
        supervisor.tell("STOPPING=1")
        controller.stop()

    def _reload(self, controller: Controller, supervisor: Supervisor) -> None:
        controller.reload()
        supervisor.reloading()

    async def _serve(self, beside: AsyncExitStack, controller: Controller) -> str | None:
        """Serve the page where it is asked for, and return its address."""
        if self._options.listen is None:
            return None

        signal_token = load_secret(self._options.signal_token_file)
        listener, token = open_listener(self._options)
        from reconcile.controller.door import Door
        from reconcile.controller.web import served

        async def came(_: str, name: str, more: Mapping[str, str]) -> None:
            self._tell.say("signal", "warning" if more else "info", name=name, **more)
            if not more:
                controller.signalled()

        door = Door(lambda _: self._keeper.kept.desired, signal_token, wall_clock, came)
        page = served(listener, token, self._desk, wall_clock, controller.stalled, door)
        await beside.enter_async_context(page)
        return url_of(listener)

    def _beat(self, beside: AsyncExitStack, controller: Controller) -> None:
        if self._options.heartbeat_url is None:
            return

        async def gets_on() -> bool:
            cycle = self._desk.situation.cycle
            return cycle is not None and cycle.well and controller.stalled() is None

        self._pulse = Pulse(Heart(self._options.heartbeat_url), self._tell, gets_on)
        if self._options.once:
            return
        self._after.append(self._pulse.after)
        beating = asyncio.create_task(self._pulse.beat_on())
        beside.callback(beating.cancel)

    def _observe(self) -> Observer:
        if self._options.events is None:
            return Unobserved()
        # One a cycle: it remembers every call it was told of.
        self._unheard.clear()
        warn = self._unheard.extend
        self._notifier = Notifier(self._console, self._options.events, warn=warn)
        return self._notifier

    def _ended(self, outcome: Outcome) -> None:
        if self._notifier is not None:
            self._notifier.close(_EXIT_CODES.get(outcome.verdict, 0))
            self._tell.warned(self._unheard, "events")
        for tell in self._after:
            tell(outcome)

    def _write_metrics(self, _: Outcome) -> None:
        from reconcile.config.writer import replace_content
        from reconcile.controller.metrics import controller_metrics

        text = controller_metrics(self._desk.situation, wall_clock())
        try:
            replace_content(Path(self._options.metrics), text.encode())
        except Exception as error:  # noqa: BLE001 -- an observer changes nothing it observes
            self._tell.say("metrics-not-written", "warning", why=type(error).__name__)


def log_to(console: Console) -> Callable[[LogLine], None]:
    """Return what logs a line on standard error, in the format that was asked for."""
    show = log_json if console.format == "json" else log_text

    def write(line: LogLine) -> None:
        with suppress(OSError):  # The disk that the log is on may be full.
            console.note(show(line))

    return write


# Opens the socket of a page where `--listen` says, or says what is missing for that.

_PACKAGES = ("starlette", "uvicorn")


def open_listener(options: shared.Options) -> tuple[socket.socket, str | None]:
    """Listen, and return the token that whoever looks must know. Raises ReconcileError."""
    place = parse_place(options.listen)
    token = load_token(options.token_file, place)
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise _not_installed(package)
    return listen(place), token


def _not_installed(package: str) -> ReconcileError:
    return fail(
        "controller-not-installed",
        f"The package `{package}` is missing: it comes with the extra `controller`.",
        hint=install_with("controller"),
    )


# Where the page listens: this machine, unless there is a token.

SHORTEST_TOKEN = 16
_LONGEST_TOKEN = 4_096
_BACKLOG = 64
_HIGHEST_PORT = 65_535
_UNIX = "unix:"
_ADDRESS = re.compile(r"(?:(?P<host>[^:\[\]]*|\[[0-9A-Fa-f:.]+\]):)?(?P<port>[0-9]{1,5})")


class ListenAddress(Struct, frozen=True):
    """Where to listen. `path`: of a socket in the file system, instead of an address and a port."""

    host: str = ""
    port: int = 0
    path: str | None = None

    @property
    def private(self) -> bool:
        """Tell whether only this machine reaches it."""
        return self.path is not None or ipaddress.ip_address(self.host).is_loopback


def parse_place(text: str) -> ListenAddress:
    """Read `--listen`: HOST:PORT, PORT, or unix:PATH. Raises ReconcileError `bad-listen`."""
    if text.startswith(_UNIX) and text != _UNIX:
        return ListenAddress(path=text.removeprefix(_UNIX))
    match = _ADDRESS.fullmatch(text)
    host = (match["host"] or "127.0.0.1").strip("[]") if match else ""
    host = "127.0.0.1" if host == "localhost" else host
    if match is None or int(match["port"]) > _HIGHEST_PORT or not _is_address(host):
        raise fail(
            "bad-listen",
            f'"{text}" is neither ADDRESS:PORT with an IP address, nor a port, nor unix:PATH.',
            hint="reconcile run --listen 127.0.0.1:8470",
        )
    return ListenAddress(host, int(match["port"]))


def load_token(path: str | None, place: ListenAddress) -> str | None:
    """Read the token of the page. Raises ReconcileError if there is none and there has to be."""
    if path is None:
        if place.private:
            return None
        raise fail(
            "listen-without-token",
            f"{place.host} can be reached from other machines, and the page says what is "
            "refreshed when. Without a token it is served to this machine only.",
            hint="reconcile run --listen 127.0.0.1:8470",
        )
    return load_secret(path)


def load_secret(path: str | None) -> str | None:
    """Read a token from a file, None where none is named. Raises ReconcileError."""
    if path is None:
        return None
    try:
        with Path(path).open(encoding="utf-8") as file:
            token = file.read(_LONGEST_TOKEN + 1).strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise _bad_token(path, f"cannot be read: {why}") from None
    if not SHORTEST_TOKEN <= len(token) <= _LONGEST_TOKEN:
        raise _bad_token(path, f"holds fewer than {SHORTEST_TOKEN} characters, or far too many")
    return token


def listen(place: ListenAddress) -> socket.socket:
    """Open the socket. Raises ReconcileError `listen-unavailable`."""
    family = socket.AF_UNIX
    if place.path is None:
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if place.path is None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((place.host, place.port))
        else:
            _bind_path(listener, place.path)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        where = place.path or f"{place.host} port {place.port}"
        raise fail(
            "listen-unavailable",
            f"Listening on {where} failed: {error.strerror or error}.",
            hint="reconcile run --listen 127.0.0.1:0",
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return where the page is, for people."""
    if listener.family is socket.AF_UNIX:
        return f"{_UNIX}{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bind_path(listener: socket.socket, path: str) -> None:
    if Path(path).is_socket():
        # Left by a run that was killed; whoever still listened there would be cut off, but two
        # controllers of one state are kept apart by its lock.
        Path(path).unlink()
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)


def _bad_token(path: str, why: str) -> ReconcileError:
    return fail("bad-token-file", f"{path} {why}.", hint=f"openssl rand -hex 32 > {quote(path)}")
