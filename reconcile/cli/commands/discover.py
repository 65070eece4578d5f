"""`discover`: what the live instance has. Reads only; needs a token, but no file."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from reconcile.cli.console import Console
from reconcile.cli.live.lacking import not_read
from reconcile.cli.live.looking import gather_credential, look_now
from reconcile.cli.live.matching import require_matches
from reconcile.clock import wall_clock
from reconcile.config.load import load
from reconcile.model.desired import Desired
from reconcile.model.diagnostic import Severity
from reconcile.model.observed import Observed, ObservedConnection, ObservedModel
from reconcile.omni.reads import Wanted
from reconcile.planning.discovery import (
    Filters,
    inventory,
    listed_connections,
    listed_models,
    unmatched,
)
from reconcile.render.live import inventory_json, inventory_text

_WORTH_A_WORD = 60
"""Requests beyond which a look takes noticeably long."""


def run(options: Namespace, console: Console) -> int:
    """Look at the instance and list what was asked for."""
    desired = _gather_file(options)
    credential = gather_credential(options, desired)
    filters = Filters(
        patterns=tuple(options.patterns),
        connection=options.connection,
        kinds=frozenset() if "all" in options.kind else frozenset(options.kind or _KINDS),
        deleted=options.deleted,
    )
    now = wall_clock()

    def choose(
        models: tuple[ObservedModel, ...], connections: tuple[ObservedConnection, ...]
    ) -> Wanted:
        if options.brief:
            return Wanted()
        wanted = _wanted(filters, Observed(at=now, models=models, connections=connections))
        _announce(wanted, desired.requests_per_minute, console)
        return wanted

    seen = look_now(credential, choose, desired.requests_per_minute, console)
    _require_matches(filters, seen.observed)
    console.diagnose(not_read(seen.gaps, "The rest is listed.", severity=Severity.WARNING))
    found = inventory(filters, seen.observed, brief=options.brief)
    host = str(credential.origin)
    if console.format == "json":
        unseen = [(gap.part, gap.subject, gap.miss.message) for gap in seen.gaps]
        console.say(inventory_json(found, host=host, unseen=unseen, requests=seen.requests))
    else:
        coloured = console.coloured(console.out)
        console.say(inventory_text(found, host=host, width=console.width(), colour=coloured))
    return 0


_KINDS = ("SHARED", "SHARED_EXTENSION")
"""What is refreshed and reset; the rest are workbooks and branches, and there are many."""


def _require_matches(filters: Filters, observed: Observed) -> None:
    wrong = unmatched(
        observed,
        patterns=filters.patterns,
        connection=filters.connection,
        kinds=() if filters.kinds == frozenset(_KINDS) else filters.kinds,
        labels={},
        found=lambda pattern: listed_models(replace(filters, patterns=(pattern,)), observed),
    )
    require_matches("discover", wrong, "Nothing is listed.")


def _gather_file(options: Namespace) -> Desired:
    """Load the file for its `[omni]`, if there is one: discovering comes before writing it."""
    if any(Path(file).exists() for file in options.file):
        return load(options.file, unlocked=True).desired
    return Desired(items=(), state_url="")


def _wanted(filters: Filters, lists: Observed) -> Wanted:
    """Ask about all that is listed and not deleted."""
    models = listed_models(filters, lists)
    places = listed_connections(filters, lists)
    return Wanted(
        policies_of=tuple(model.model_id for model in models if model.deleted_at is None),
        schedules_of=tuple(
            place.connection_id for place in places if place and place.deleted_at is None
        ),
    )


def _announce(wanted: Wanted, requests_per_minute: int, console: Console) -> None:
    requests = len(wanted.policies_of) + len(wanted.schedules_of)
    if requests > _WORTH_A_WORD:
        minutes = max(1, round(requests / requests_per_minute))
        console.note(
            f"Reading policies and schedules takes {requests} requests, about {minutes} min; "
            "--brief leaves them out."
        )
