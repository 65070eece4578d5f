"""The options of a plan: kept with it when it is saved, and taken up again by who is given it."""

from collections.abc import Iterator
from pathlib import Path
from shlex import join

from reconcile.errors import Place, ReconcileError, fail
from reconcile.model.comparison import Difference, SavedPlan
from reconcile.model.plan import EXCEPT
from reconcile.render.saved import differences_text
from reconcile.state.backend import backend
from reconcile.state.saved_plans import load_plan
from reconcile.terminal.options import DEFAULT_FILE, Options

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
    differences = list(_contradictions(options, kept))
    if kept.files and options.file == (DEFAULT_FILE,):
        options.file = kept.files
    if options.state is None and kept.state is not None and backend(kept.state).file is not None:
        options.state = kept.state
    options.select, options.force = kept.select, kept.force
    options.on_unknown = _HOLD if kept.hold_unknown else _RESEND
    if differences:
        raise stale(options, differences_text(differences))
    return kept


def _contradictions(options: Options, kept: SavedPlan) -> Iterator[Difference]:
    """Tell which of the options that were given are not those of the plan."""
    for name in ("select", "force"):
        given, known = sorted(getattr(options, name, ())), sorted(getattr(kept, name))
        if given and given != known:
            yield Difference(f"--{name}", tuple(known), tuple(given), f"--{name}")
    if getattr(options, "on_unknown", _RESEND) == _HOLD and not kept.hold_unknown:
        yield Difference("--on-unknown", _RESEND, _HOLD, plain=True)
    if kept.state is not None and options.state is None and backend(kept.state).file is None:
        yield Difference("--state", kept.state, "not given; a store is only named by you")


def stale(options: Options, differences: str, *, lacks_look: bool = False) -> ReconcileError:
    """Return why a saved plan cannot be applied any more, and what makes it anew."""
    anew = ["reconcile", "plan", *planning_arguments(options), "--out", options.plan]
    looking = ["reconcile", "apply", "--live", options.plan]
    return fail(
        "saved-plan-stale",
        f"{differences}\nNothing was sent.",
        hint=join(looking if lacks_look else anew),
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
