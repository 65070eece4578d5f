"""What a command starts from: the desired state, the recorded one, and what was asked for."""

import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from reconcile.applying.guard import require_same_host
from reconcile.clock import wall_clock
from reconcile.config.load import kept_at, load
from reconcile.config.values import RANGE, is_in_range
from reconcile.errors import Place, ReconcileError, fail
from reconcile.model.address import (
    VARIABLE,
    Address,
    EnvironmentUrl,
    OperatorUrl,
    misplaced,
    parse_address,
    require_no_secret,
)
from reconcile.model.desired import Desired
from reconcile.model.plan import Choice
from reconcile.model.recorded import Recorded
from reconcile.planning.item import declared_addresses, nearest, require_selected, unmatched
from reconcile.terminal.console import Console
from reconcile.terminal.options import Options


def gather_desired(options: Options, console: Console) -> Desired:
    """Load the desired state and print its warnings; the operator may say where state is kept."""
    loaded = load(options.file)
    console.diagnose(loaded.warnings)
    return kept_at(loaded, operator_url(options))


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
        raise fail(
            "state-url",
            wrong.detail(url),
            hint=wrong.meant,
            places=(Place(option),),
        )
    return OperatorUrl(url if "://" in url else Path(url).absolute())


def gather_recorded(desired: Desired, console: Console) -> Recorded:
    """Load the recorded state without a lock, print its warnings, and check whose it is."""
    from reconcile.state.backend import load as load_state

    loaded = load_state(desired.state_url)
    console.diagnose(loaded.warnings)
    require_same_host(desired.base_url, loaded.recorded, "The files say")
    return loaded.recorded


def gather_choice(options: Options, desired: Desired) -> Choice:
    """Read --select, --force and --on-unknown; what they name must be declared."""
    declared = declared_addresses(desired) if options.force else set()
    if options.select and unmatched(options.select, declared_addresses(desired)):
        require_selected(options.select, desired, _recorded_addresses(desired))
    return Choice(
        select=tuple(options.select),
        force=frozenset(declared_address(text, declared) for text in options.force),
        hold_unknown=options.on_unknown == "hold",
    )


def _recorded_addresses(desired: Desired) -> frozenset[Address]:
    """Return what is recorded, to tell of it; nothing where the state cannot be read."""
    from reconcile.state.backend import load as load_state

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
    if instant is None:
        summary = f"{option} needs an instant with a zone"
        raise _bad_instant(
            summary, f'"{at}" is not an RFC 3339 instant with an offset or a Z.', option
        )
    if not is_in_range(instant):
        detail = f'"{at}" cannot be planned for. {RANGE}.'
        raise _bad_instant(f"{option} is out of range", detail, option)
    return instant.astimezone(UTC)


_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def _instant(text: str) -> datetime | None:
    """Read an instant, seconds or not; ISO 8601 knows more spellings, which people misread."""
    try:
        return datetime.fromisoformat(text.upper()) if _INSTANT.fullmatch(text) else None
    except ValueError:
        return None


def _bad_instant(headline: str, detail: str, option: str) -> ReconcileError:
    hint = f"Write, for instance, {option} 2026-12-01T06:00:00Z"
    return fail("bad-instant", detail, hint=hint, headline=headline)


def declared_address(text: str, declared: set[Address]) -> Address:
    """Read an address of a declared item. Raises ReconcileError with the nearest that is."""
    address = parse_address(text)
    if address in declared and address is not None:
        return address
    near = nearest(text, declared)
    raise fail(
        "not-declared",
        f"{text} is not the address of an item in the files."
        + (f" Did you mean {near}?" if near else ""),
        hint="reconcile show",
    )


# Reading `--allow`: the waiver that lets one apply pass a limit.

_WAIVABLE = ("calls", "hard_refreshes", "share", "forget_all")


def gather_waivers(allowed: Iterable[str]) -> Mapping[str, float]:
    """Return what each named limit may be passed up to. Raises ReconcileError `bad-waiver`."""
    return dict(_waiver(text) for text in allowed)


def _waiver(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if name in _WAIVABLE and number >= 0:
        return name, number
    raise fail(
        "bad-waiver",
        f'"{text}" names none of the limits {", ".join(_WAIVABLE)} with a number.',
        hint="reconcile apply --allow calls=80",
    )
