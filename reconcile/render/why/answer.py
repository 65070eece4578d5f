"""Why one item is due or not: its verdict, the steps that led there, and what would change it."""

from collections.abc import Iterator
from typing import Final

from reconcile.model.desired import RefreshItem
from reconcile.model.explanation import Explanation, Obstacle, ObstacleKind, Without
from reconcile.model.plan import Status
from reconcile.model.reason import JobRunningSince
from reconcile.render.instants import Vantage
from reconcile.render.json_text import encode, instant_json
from reconcile.render.layout import LEAST_WIDTH, Ink, both_ends, paint, wrap
from reconcile.render.names import address_text, words_text
from reconcile.render.reason_json import reason_json
from reconcile.render.reasons import Account
from reconcile.render.standings import STATUS_INKS, status_word
from reconcile.render.why.steps import account, steps

WHY_FORMAT_VERSION: Final = 1
_LABEL: Final = 15


def why_text(told: Explanation, *, width: int, colour: bool, elsewhere: bool = False) -> str:
    """Return an explanation as text that ends with a line break. `width` is in terminal cells.

    `elsewhere`: it may be read on another day.
    """
    width = max(width, LEAST_WIDTH)
    view = Vantage(told.standing.zone, told.now)
    as_of = view.in_full(told.now) if elsewhere else view.both(told.now)
    lines = list(_headline(told, as_of, width, colour=colour))
    for label, fact in steps(told, view):
        first, *rest = wrap(fact, width - _LABEL - 2)
        lines.append(f"  {paint(label.ljust(_LABEL), Ink.DIM, colour=colour)}{first}")
        lines += [" " * (_LABEL + 2) + line for line in rest]
    for sentence in _verdict(told, view):
        lines += wrap(sentence, width)
    return "\n".join(lines) + "\n"


def why_json(told: Explanation) -> str:
    """Return the same as one JSON object, indented, ending with a line break."""
    standing = told.standing
    view = Vantage(standing.zone, told.now)
    call = None
    if told.call is not None and told.place is not None:
        covers = [coverage.address for coverage in told.call.covers]
        call = {"covers": covers, "place": told.place[0], "of": told.place[1]}
    return encode(
        {
            "format_version": WHY_FORMAT_VERSION,
            "now": instant_json(told.now),
            "address": standing.address,
            "kind": "refresh" if isinstance(told.item, RefreshItem) else "reset",
            "zone": standing.zone,
            "status": standing.status.value,
            "reason": Account(standing.address, view).tell(standing.reason),
            "because": reason_json(standing.reason),
            "newest_slot": instant_json(standing.newest_slot),
            "next_slot": instant_json(standing.next_slot),
            "missed": standing.missed,
            "steps": [{"step": label, "found": fact} for label, fact in steps(told, view)],
            "call": call,
            "earliest": instant_json(told.earliest),
            "searched": instant_json(told.searched),
            "without": [_without(without, view) for without in told.without],
        }
    )


def _without(without: Without, view: Vantage) -> dict[str, object]:
    return {
        "obstacle": without.obstacle.kind.value,
        "name": without.obstacle.name or None,
        "status": without.status.value,
        "because": reason_json(without.reason),
        "earliest": instant_json(without.earliest),
        "told": _sentence(without, view),
    }


def _headline(told: Explanation, as_of: str, width: int, *, colour: bool) -> Iterator[str]:
    standing = told.standing
    word = status_word(standing)
    name = address_text(standing.address)
    first, *rest = both_ends(f"{name} is {word}", f"as of {as_of}", width)
    ink = STATUS_INKS[standing.status]
    yield first.replace(f" is {word}", f" is {paint(word, ink, colour=colour)}", 1)
    yield from rest


def _verdict(told: Explanation, view: Vantage) -> Iterator[str]:
    yield ""
    first, *commands = account(told, view)
    word = status_word(told.standing)
    sentence = first if first.startswith(word) else f"{word}: {first}"
    yield f"{sentence[:1].upper()}{sentence[1:]}."
    if isinstance(told.standing.reason, JobRunningSince):
        yield "An apply awaits the job and starts nothing."
    elif told.searched is None:
        yield "It does not run as things stand: nothing ends this by itself."
    elif told.earliest is None:
        yield f"As things stand it does not run before {view.both(told.searched)}."
    elif told.standing.status is Status.DUE:
        yield "It would run now."
    else:
        yield f"Earliest run: {view.both(told.earliest)}, {view.distance(told.earliest)}."
    for without in told.without:
        yield _sentence(without, view)
    for command in commands:
        yield command[:1].upper() + command[1:]


def _sentence(without: Without, view: Vantage) -> str:
    removed = _named(without.obstacle)
    if without.status is Status.DUE:
        return f"Without {removed} it would be due now."
    return f"Without {removed} the earliest run would be {view.both(without.earliest)}."


def _named(obstacle: Obstacle) -> str:
    match obstacle.kind:
        case ObstacleKind.PAUSE:
            return "the pause"
        case ObstacleKind.FREEZE:
            return f"the freeze {words_text(obstacle.name)}"
        case ObstacleKind.FAILURES:
            return "the failures"
        case ObstacleKind.JOB:
            return "the running job"
        case ObstacleKind.UNSEEN:
            return "the refresh whose end was not seen"
        case ObstacleKind.DOUBT:
            return "the unknown outcome"
        case ObstacleKind.DEADLINE:
            return "the deadline"
        case ObstacleKind.ON_CHANGE:
            return 'on_change = "next"'
        case ObstacleKind.AFTER:
            return f"waiting for {words_text(obstacle.name)}"
