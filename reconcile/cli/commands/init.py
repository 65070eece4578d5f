"""`init`: start a file, or add models to one."""

import os
from argparse import Namespace
from pathlib import Path

from reconcile.cli.console import Console
from reconcile.cli.gathering import absolute_url
from reconcile.cli.options import DEFAULT_FILE
from reconcile.cli.outputs import is_of_state, refused
from reconcile.config.edit import parse_models, start, with_models
from reconcile.model.address import OperatorUrl, require_no_secret
from reconcile.model.diagnostic import Diagnostic, ReconcileError
from reconcile.render.documents import started_json
from reconcile.render.escape import escape_terminal
from reconcile.render.words import counted
from reconcile.state.files import is_remote

IGNORED = ("*.lock", "*.reserve", "*.tmp-*", "*.prev", "*.observed")
"""What lies beside a state and means something on one machine only."""

_ADVICE = (
    "Beside the state lie files of one machine. Keep them out of git, in .gitignore:\n"
    + "".join(f"  state/{pattern}\n" for pattern in IGNORED)
    + "Where the state is committed, commit the rest of it together: state, journal, history and "
    "session.\n"
)


def run(options: Namespace, console: Console) -> int:
    """Write, and say what to do next."""
    path = _only_file(options.file)
    if path.is_dir():
        path /= DEFAULT_FILE
    models = parse_models(options.model)
    if models and options.state is None and os.path.lexists(path):
        file = with_models(path, models)
        if file.changed:
            file.save()
        _say(console, path, "added" if file.changed else "unchanged", len(models))
        return 0
    if options.state is not None and is_of_state(path, options.state):
        raise refused("init", str(path), "its own state would be kept there")
    _try_out(options.state)
    start(path, models, options.state)
    remote = options.state is not None and is_remote(options.state)
    _say(console, path, "created", len(models), "" if remote else _ADVICE)
    return 0


def _only_file(files: tuple[str, ...]) -> Path:
    if len(files) > 1:
        raise ReconcileError(
            Diagnostic(
                code="bad-usage",
                summary="init writes one file",
                detail=f"-f was given {len(files)} times, and nothing says which of them to write.",
                hint=f"reconcile init -f {files[0]}",
            )
        )
    return Path(files[0])


def _try_out(state_url: str | None) -> None:
    """See that two runs are kept apart where a new file is to keep its state."""
    if state_url is None:
        return
    require_no_secret(state_url, "--state")
    absolute_url(state_url)
    if is_remote(state_url):
        from reconcile.state.remote.stores import prove_store

        prove_store(OperatorUrl(state_url))


def _say(console: Console, path: Path, what: str, models: int, advice: str = "") -> None:
    if console.format == "json":
        console.say(started_json(path, what))
        return
    name = escape_terminal(str(path))
    match what:
        case "created":
            added = f" with {counted(models, 'model')}" if models else ""
            console.say(f"Created {name}{added}.\n\n{advice}")
            following = "plan" if models else "init --model NAME=UUID"
            console.say(f"Next: reconcile {following}")
        case "added":
            console.say(f"Added to {name}; nothing else in it has changed.\n\nNext: reconcile plan")
        case _:
            console.say(f"{name} has them already.")
