"""What a command starts from: the desired state, the recorded one, and what was asked for."""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from glob import escape
from pathlib import Path
from stat import S_ISREG
from typing import get_args

import click

from reconcile.clock import wall_clock
from reconcile.config.load import Understood, kept_at, load
from reconcile.config.merge import lock_beside
from reconcile.config.toml import list_files
from reconcile.config.values import RANGE, is_in_range, parse_positive_duration
from reconcile.errors import LeafError, Place, ReconcileError, fail
from reconcile.model.address import (
    VARIABLE,
    Address,
    EnvironmentUrl,
    OperatorUrl,
    misplaced,
    parse_address,
    require_no_secret,
)
from reconcile.model.comparison import Difference, SavedChoice, SavedPlan
from reconcile.model.desired import DEFAULT_LOCK_TTL_S, Desired
from reconcile.model.plan import EXCEPT, Choice, LimitName
from reconcile.model.recorded import Recorded
from reconcile.planning import guards
from reconcile.render.plan import differences_text
from reconcile.state.backend import backend, open_session
from reconcile.state.backend import load as load_state
from reconcile.state.origin import origin_here
from reconcile.state.saved_plans import load_plan
from reconcile.state.session import Session
from reconcile.terminal.console import Console
from reconcile.terminal.options import DEFAULT_FILE, STANDARD_OUTPUT, Options, shell_words


def gather_desired(options: Options, console: Console) -> Desired:
    """Load the desired state and print its warnings; the operator may say where state is kept."""
    return gather_understood(options, console, keep=False)[0]


def gather_understood(
    options: Options, console: Console, *, keep: bool
) -> tuple[Desired, Understood]:
    """Do the same; with `keep`, also return what an earlier version may share."""
    loaded = load(options.file, keep=keep)
    console.diagnose(loaded.warnings)
    return kept_at(loaded, operator_url(options)), loaded.understood


def operator_url(options: Options) -> OperatorUrl | None:
    """Return where the operator says that state is kept: by `--state` or by the environment."""
    if getattr(options, "state", None) is not None:
        return absolute_url(options.state)
    url = os.environ.get(VARIABLE)
    if not url:
        return None
    require_no_secret(url, VARIABLE)
    return EnvironmentUrl(absolute_url(url, VARIABLE))


def absolute_url(url: str, option: str = "--state") -> OperatorUrl:
    """Anchor a path given on the command line to the working directory; leave URLs alone.

    Raises ReconcileError `state-url` for what names no place.
    """
    if wrong := misplaced(url):
        raise fail("state-url", wrong.detail(url), hint=wrong.meant, places=(Place(option),))
    return OperatorUrl(url if "://" in url else Path(url).absolute())


def gather_recorded(desired: Desired, console: Console) -> Recorded:
    """Load the recorded state without a lock, print its warnings, and check whose it is."""
    recorded = load_recorded(desired.state_url, console)
    guards.require_same_host(desired.base_url, recorded, "The files say")
    return recorded


def load_recorded(url: str, console: Console) -> Recorded:
    """Load a recorded state without a lock, and print its warnings."""
    loaded = load_state(url)
    console.diagnose(loaded.warnings)
    return loaded.recorded


@contextmanager
def session_on(
    url: str,
    options: Options,
    console: Console,
    *,
    lock_ttl_s: float = DEFAULT_LOCK_TTL_S,
) -> Iterator[Session]:
    """Hold a session on a state; print what it warns of as it opens, and by the time it is over."""
    session = open_session(
        url,
        command=click.get_current_context().command_path,
        lock_timeout_s=options.lock_timeout,
        now=wall_clock(),
        lock_ttl_s=lock_ttl_s,
        origin=origin_here(options.file),
        tell=console.note,
    )
    told = 0
    try:
        with session:
            console.diagnose(session.warnings)
            told = len(session.warnings)
            yield session
    finally:
        console.diagnose(session.warnings[told:])


def gather_choice(options: Options, desired: Desired) -> Choice:
    """Read --select, --force and --on-unknown; what they name must be declared."""
    declared = guards.declared_addresses(desired) if options.force else set()
    if options.select and guards.unmatched(options.select, guards.declared_addresses(desired)):
        guards.require_selected(options.select, desired, _recorded_addresses(desired))
    return Choice(
        select=tuple(options.select),
        force=frozenset(declared_address(text, declared) for text in options.force),
        hold_unknown=options.on_unknown == "hold",
    )


def _recorded_addresses(desired: Desired) -> frozenset[Address]:
    """Return what is recorded, to tell of it; nothing where the state cannot be read."""
    try:
        recorded = load_state(desired.state_url).recorded
    except ReconcileError:
        return frozenset()
    return frozenset((*recorded.items, *recorded.schedules))


def gather_now(at: str | None, option: str = "--at") -> datetime:
    """Return the instant that an option names, or else the present one. UTC.

    Raises ReconcileError `bad-instant`.
    """
    if at is None:
        return wall_clock()
    instant = _instant(at)
    if instant is not None and is_in_range(instant):
        return instant.astimezone(UTC)
    wrong, why = "is out of range", f"cannot be planned for. {RANGE}."
    if instant is None:
        wrong = "needs an instant with a zone"
        why = "is not an RFC 3339 instant with an offset or a Z."
    hint = f"Write, for instance, {option} 2026-12-01T06:00:00Z"
    raise fail("bad-instant", f'"{at}" {why}', hint=hint, headline=f"{option} {wrong}")


def gather_duration(
    text: str,
    option: str,
    hint: str,
    parse: Callable[[str], timedelta] = parse_positive_duration,
) -> timedelta:
    """Read an option. Raises ReconcileError with the code that a duration in a file would have."""
    try:
        return parse(text)
    except LeafError as error:
        headline = f"{option} takes a duration"
        raise fail(error.code, error.detail, hint=hint, headline=headline) from None


_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def _instant(text: str) -> datetime | None:
    """Read an instant, seconds or not; ISO 8601 knows more spellings, which people misread."""
    try:
        return datetime.fromisoformat(text.upper()) if _INSTANT.fullmatch(text) else None
    except ValueError:
        return None


def declared_address(text: str, declared: Collection[str]) -> Address:
    """Read an address of a declared item. Raises ReconcileError with the nearest that is."""
    address = parse_address(text)
    if address in declared and address is not None:
        return address
    near = guards.nearest(text, declared)
    raise fail(
        "not-declared",
        f"{text} is not the address of an item in the files."
        + (f" Did you mean {near}?" if near else ""),
        hint="reconcile show",
        headline=f"no such item is declared: {text}",
    )


def gather_waivers(allowed: Iterable[str]) -> Mapping[str, float]:
    """Read `--allow`: what each named limit may be passed up to. Raises ReconcileError."""
    waivers: dict[str, float] = {}
    for text in allowed:
        name, _, value = text.partition("=")
        try:
            waivers[name] = float(value)
        except ValueError:
            waivers[name] = -1.0
        limits = get_args(LimitName)
        if name not in limits or not waivers[name] >= 0:
            detail = f'"{text}" names none of the limits {", ".join(limits)} with a number.'
            raise fail("bad-waiver", detail, hint="Write, for instance, --allow calls=80")
    return waivers


# The options of a plan: kept with it when it is saved, and taken up again by who is given it.


_HOLD, _RESEND = "hold", "resend"


def planning_arguments(options: Options) -> Iterator[str]:
    """Yield what `plan` or `apply` must be given to plan the same."""
    for file in options.file if options.file != (DEFAULT_FILE,) else ():
        yield from ("--file", file)
    if options.state is not None:
        yield from ("--state", options.state)
    for pattern in options.select:
        is_out = pattern.startswith(EXCEPT)
        yield from ("--exclude" if is_out else "--select", pattern.removeprefix(EXCEPT))
    for address in options.force:
        yield from ("--force", address)
    if options.on_unknown != _RESEND:
        yield from ("--on-unknown", options.on_unknown)
    if options.live:
        yield "--live"


def take_up(options: Options) -> SavedPlan | None:
    """Load the saved plan that is given, and go on with its options; None if none is given.

    Another state or other files may be named beside it; the plan then says what differs. What it
    chose cannot be chosen anew: that would be another plan. The address of a store is not taken
    from it, as credentials are sent there.

    Raises ReconcileError: it is no plan, or the options that were given are not its own.
    """
    if options.plan is None:
        return None
    kept = load_saved(Path(options.plan).absolute())
    chosen = kept.choice
    differences = list(_contradictions(options, chosen))
    if chosen.files and options.file == (DEFAULT_FILE,):
        options.file = chosen.files
    state = chosen.state
    if options.state is None and state is not None and backend(state).file is not None:
        options.state = state
    options.select, options.force = chosen.select, chosen.force
    options.on_unknown = _HOLD if chosen.hold_unknown else _RESEND
    if differences:
        raise stale(options, differences_text(differences))
    return kept


def _contradictions(options: Options, chosen: SavedChoice) -> Iterator[Difference]:
    """Tell which of the options that were given are not those of the plan."""
    for name in ("select", "force"):
        given, known = sorted(getattr(options, name, ())), sorted(getattr(chosen, name))
        if given and given != known:
            yield Difference(f"--{name}", tuple(known), tuple(given), f"--{name}")
    if getattr(options, "on_unknown", _RESEND) == _HOLD and not chosen.hold_unknown:
        yield Difference("--on-unknown", _RESEND, _HOLD, plain=True)
    if chosen.state is not None and options.state is None and backend(chosen.state).file is None:
        yield Difference("--state", chosen.state, "not given; a store is only named by you")


def stale(options: Options, differences: str, *, lacks_look: bool = False) -> ReconcileError:
    """Return why a saved plan cannot be applied any more, and what makes it anew."""
    anew = ["reconcile", "plan", *planning_arguments(options), "--out", options.plan]
    looking = ["reconcile", "apply", "--live", options.plan]
    return fail(
        "saved-plan-stale",
        f"{differences}\nNothing was sent.",
        hint=shell_words(looking if lacks_look else anew),
        places=(Place(options.plan),),
    )


def load_saved(path: Path) -> SavedPlan:
    """Load a saved plan; tell plainly if somebody means to apply what `drift` printed."""
    try:
        return load_plan(path)
    except ReconcileError:
        if not _is_drift(path):
            raise
    raise fail(
        "drift-is-no-plan",
        "The file says how an instance differs from the files. It holds no calls, and "
        "nobody has approved any. Nothing was sent.",
        hint="reconcile plan --live --out plan.json",
        places=(Place(str(path)),),
    )


def _is_drift(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return b'"kind": "drift"' in file.read(200)


def file_to_write(place: str) -> Path:
    """Return the file that `-f` names to a command that writes one: a folder's own in a folder.

    Raises ReconcileError for a folder that is not there, which a slash at the end tells.
    """
    path = Path(place)
    if path.is_dir():
        return path / DEFAULT_FILE
    if place.endswith("/"):
        raise fail(
            "file-not-found",
            f"{place} ends with a slash, which names a folder. Nothing was written.",
            hint=f"mkdir -p {shell_words([place])}",
            headline=f"there is no such folder: {place}",
        )
    return path


# What a command writes is nothing that it, or a later one, reads: declared, recorded or saved.


_OURS = {
    "--metrics": re.compile(rb"# (HELP|TYPE) "),
    "--events": re.compile(rb'\s*\{"format_version": \d+, "event": '),
}
"""How what an earlier run wrote to such a file begins."""


def require_own_places(options: Options) -> None:
    """Refuse `--events` and `--metrics` that name no file, or an input. Raises ReconcileError.

    They are written to even where the files are wrong. Nobody knows then which state is meant, so
    only what looks like an earlier run's output is written over.
    """
    given = {"--events": options.events, "--metrics": options.metrics}
    if options.events == STANDARD_OUTPUT:
        del given["--events"]
    named = {name: path for name, path in given.items() if path is not None}
    if not named:
        return
    for option, path in named.items():
        require_file(option, path)
    wanted = Options(**vars(options))
    try:
        if getattr(wanted, "plan", None) is not None:
            take_up(wanted)
        url = load(wanted.file).desired.state_url if wanted.state is None else wanted.state
    except ReconcileError:
        url = None
    for option, path in named.items():
        require_no_input(option, path, wanted, url)
        if url is None and not _is_ours(Path(path), option):
            raise refused(option, path, "what is there was not written by an earlier run")


def require_text(option: str, *values: str | None) -> None:
    """Refuse what no file of ours can hold: bytes that are not UTF-8. Raises ReconcileError."""
    for value in values:
        try:
            (value or "").encode()
        except UnicodeEncodeError:
            raise fail(
                "bad-usage",
                headline=f"{option} is not UTF-8",
                detail=f"{value} would have to stand in a file of UTF-8. Nothing was written.",
                hint="Use another name.",
            ) from None


def require_file(option: str, output: str, *, follow: bool = True) -> None:
    """Refuse an output that is there and no regular file: a device would be replaced by one.

    `follow`: whether a link stands for what it leads to; else it is no file. Raises ReconcileError.
    """
    try:
        mode = Path(output).stat(follow_symlinks=follow).st_mode
        why = None if S_ISREG(mode) else "it is no regular file"
    except FileNotFoundError:
        why = None
    except OSError as error:
        why = error.strerror
    if output == STANDARD_OUTPUT:
        why = "this option writes to no stream"
    if why is not None:
        raise fail(
            "output-not-a-file",
            headline=f"{option} needs a file",
            detail=f"{output}: {why}. Nothing was written.",
            hint="Name a file of its own.",
            places=(Place(output),),
        )


def require_no_input(option: str, output: str, options: Options, state_url: str | None) -> None:
    """Refuse an output that is an input. Raises ReconcileError.

    Links are followed. `state_url`: None where it is not known.
    """
    path = Path(output)
    for place in _inputs(options):
        if _is_same(path, place):
            raise refused(option, output, "it is read as what is declared, or as a plan")
    if state_url is not None and is_of_state(path, state_url):
        raise refused(option, output, "the state is kept there, or beside it under that name")


def is_of_state(path: Path, state_url: str) -> bool:
    """Tell whether a file is a local state or one of those beside it: all that begin with its name.

    Links are followed in both directions.
    """
    state = backend(absolute_url(state_url)).file
    if state is None:
        return False
    for given, kept in ((path, state), (_real(path), _real(state))):
        if given.absolute().parent == kept.parent and f"{given.name}.".startswith(f"{kept.name}."):
            return True
    try:
        family = [state, *state.parent.glob(f"{escape(state.name)}.*")]
    except OSError:
        family = [state]
    return any(_is_same(path, member) for member in family)


def _inputs(options: Options) -> Iterator[Path]:
    for place in map(Path, options.file):
        yield place
        yield lock_beside(place)
        try:
            yield from list_files(place)
        except LeafError:
            continue
    if getattr(options, "plan", None) is not None:
        yield Path(options.plan)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # One of them is not there yet.
        return _real(one) == _real(other)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is_ours(path: Path, option: str) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(80)
    except OSError:
        return True  # There is nothing, or nothing that could be written over.
    return not start or _OURS[option].match(start) is not None


def refused(option: str, output: str, why: str) -> ReconcileError:
    """Return why nothing is written to `output`."""
    return fail(
        "output-over-input",
        headline=f"{option} would be written over an input",
        detail=f"{output}: {why}. Nothing was written.",
        hint="Name a file of its own.",
        places=(Place(output),),
    )
