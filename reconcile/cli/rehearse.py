"""`rehearse`: the real plan and apply, against an embedded server, on a copy of the state."""

import shutil
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from reconcile.cli.plan import has_calls, say_plan
from reconcile.clock import wall_clock
from reconcile.model.desired import Desired
from reconcile.model.plan import Choice
from reconcile.model.struct import replace
from reconcile.omni.credential import Credential, Secret, parse_origin
from reconcile.planning.plan import plan
from reconcile.sandbox.command import make_world
from reconcile.sandbox.server import running
from reconcile.sandbox.world import SANDBOX_BEARER
from reconcile.state.files import is_remote
from reconcile.state.load import load
from reconcile.state.mend import pull
from reconcile.state.session import open_session
from reconcile.terminal.console import Console
from reconcile.terminal.events import NOTHING_DONE
from reconcile.terminal.inputs import gather_choice, gather_desired, gather_recorded
from reconcile.terminal.progress import exit_code_of, make_calls, say_summary


def run_rehearse(options: Namespace, console: Console) -> int:
    """Start the server, plan, apply, and plan once more to show that nothing is left."""
    desired = gather_desired(options, console)
    choice = gather_choice(options, desired)
    recorded = gather_recorded(desired, console)
    world = make_world(desired, options.faults, recorded=recorded)
    with (
        TemporaryDirectory(prefix="reconcile-rehearsal-") as folder,
        running(world, clock=wall_clock) as server,
    ):
        console.note(f"Rehearsing against an embedded Omni server at {server.base_url}.")
        console.note("Nothing is sent to Omni, and the state is a copy.")
        stage = replace(
            desired,
            base_url=server.base_url,
            state_url=_copied_state(desired, Path(folder)),
        )
        return _rehearse(stage, choice, options, console)


def _rehearse(stage: Desired, choice: Choice, options: Namespace, console: Console) -> int:
    origin = parse_origin(stage.base_url or "")
    credential = Credential(origin, Secret(SANDBOX_BEARER), private=True)
    with open_session(
        stage.state_url, command="reconcile rehearse", lock_timeout_s=0.0, now=wall_clock()
    ) as session:
        planned = plan(stage, session.recorded, wall_clock(), choice)
        if console.format == "text":
            say_plan(planned, console, host=stage.base_url, verbose=options.verbose)
        if not has_calls(planned):
            if console.format == "json":
                say_summary(NOTHING_DONE, console)
            return 0
        summary = make_calls(planned, session, credential, console)
        after = plan(stage, session.recorded, wall_clock(), Choice(select=choice.select))
        if console.format == "text":
            console.say("")
            say_plan(after, console, host=stage.base_url, verbose=options.verbose)
    return exit_code_of(summary, detailed=False)


def _copied_state(desired: Desired, folder: Path) -> str:
    """Copy the state and its journal, so that the rehearsal starts from what is known."""
    if is_remote(desired.state_url):
        copied = folder / "state.json"
        if load(desired.state_url).exists:
            copied.write_bytes(pull(desired.state_url))
        return str(copied)
    original = Path(desired.state_url)
    copy = folder / original.name
    for path in original.parent.glob(f"{original.name}*"):
        if path.is_file() and path.suffix not in {".lock", ".session"}:
            shutil.copyfile(path, folder / path.name)
    return str(copy)
