"""What an apply came to, for people and for programs."""

from collections import Counter
from collections.abc import Iterable, Iterator

from reconcile.model.plan import (
    ActionKind,
    Await,
    Forget,
    Refresh,
    Request,
    ResetCache,
    ScheduleWrite,
    action_kind,
)
from reconcile.model.progress import Result, ResultStatus, Summary
from reconcile.render.actions import action_addresses
from reconcile.render.escape import escape_terminal
from reconcile.render.instants import duration_text
from reconcile.render.jobs import freeing_command, left_job_json, left_job_text
from reconcile.render.json_text import encode
from reconcile.render.layout import DOT, LEAST_WIDTH, Cell, Ink, Row, listing, paint, wrap
from reconcile.render.names import addresses_text, counted, request_text, words_text
from reconcile.render.plan_json import request_json

SUMMARY_FORMAT_VERSION = 1

_WORDS_LIMIT = 600
_STATUS_WORDS: dict[ResultStatus, str] = {
    "failed": "failed",
    "unknown": "unknown",
    "not_sent": "not sent",
    "running": "running",
    "unseen": "unseen",
    "skipped": "skipped",
}
_EFFECTS: dict[ResultStatus, str] = {
    "failed": "It was refused or its job failed; it stays due.",
    "unknown": "It may have happened; a later apply sends it again.",
    "not_sent": "It did not reach Omni; it stays due.",
    "running": "Its job goes on; the next apply awaits it.",
    "unseen": "Nobody saw it end; it is made again once, and after that at its next slot.",
    "skipped": "It stays due.",
}
_QUOTED: frozenset[ResultStatus] = frozenset({"failed", "unknown", "not_sent"})
_BAD: frozenset[ResultStatus] = _QUOTED | {"unseen"}


def summary_text(summary: Summary, *, width: int, colour: bool) -> str:
    """Return what was done and, for each action that was not, why and whether it may have been.

    Ends with a line break.
    """
    width = max(width, LEAST_WIDTH)
    good = all(result.status == "done" for result in summary.results)
    head = wrap(DOT.join(_headline(summary)), width, DOT)
    lines = [paint(line, Ink.BOLD if good else Ink.BAD_LOUD, colour=colour) for line in head]
    rows = map(_row, _told_once(result for result in summary.results if result.status != "done"))
    lines.extend(listing(rows, width, colour=colour, stacked=True))
    if summary.interrupted:
        lines.extend(wrap("Interrupted; the state is saved, and another apply goes on.", width))
    return "\n".join(lines) + "\n"


def summary_json(summary: Summary) -> str:
    """Return the same as one JSON object, indented, ending with a line break."""
    statuses = Counter(result.status for result in summary.results)
    return encode(
        {
            "format_version": SUMMARY_FORMAT_VERSION,
            "results": [_document(result) for result in summary.results],
            "statuses": {status: statuses[status] for status in ("done", *_STATUS_WORDS)},
            "calls": summary.calls,
            "polls": summary.polls,
            "took_s": summary.took_s,
            "interrupted": summary.interrupted,
            "troubles": [
                {
                    "code": trouble.code,
                    "summary": trouble.summary,
                    "detail": trouble.detail,
                    "hint": trouble.hint,
                }
                for trouble in summary.troubles
            ],
        }
    )


def _headline(summary: Summary) -> Iterator[str]:
    results = summary.results
    calls = [r for r in results if isinstance(r.action, Refresh | ResetCache | ScheduleWrite)]
    done = [result for result in calls if result.status == "done"]
    kinds = Counter(action_kind(result.action) for result in done)
    told = ", ".join(_counted_kind(count, kind) for kind, count in sorted(kinds.items()))
    yield f"{len(done):,} of {counted(len(calls), 'call')} done" + (f" ({told})" if told else "")
    awaited = [result for result in results if isinstance(result.action, Await)]
    if awaited:
        ended = sum(result.status == "done" for result in awaited)
        yield f"{ended:,} of {counted(len(awaited), 'awaited job')} done"
    if forgotten := sum(isinstance(result.action, Forget) for result in results):
        yield f"{counted(forgotten, 'record')} forgotten"
    if summary.polls:
        jobs = _jobs(results)
        share = f", {summary.polls / jobs:.1f} a job" if jobs else ""
        yield f"{counted(summary.polls, 'poll')}{share}"
    yield duration_text(summary.took_s)


def _counted_kind(count: int, kind: ActionKind) -> str:
    """Return `2 refreshes`, or `1 schedule created`."""
    verb, _, noun = kind.partition("_")
    return f"{counted(count, noun)} {verb}d" if noun else counted(count, kind)


def _jobs(results: tuple[Result, ...]) -> int:
    return sum(
        isinstance(result.action, Refresh | Await) and result.status not in {"skipped", "not_sent"}
        for result in results
    )


def _told_once(results: Iterable[Result]) -> Iterator[tuple[Result, ...]]:
    """Put together what was left out, or did not reach Omni, for one and the same reason."""
    alike: dict[object, list[Result]] = {}
    for result in results:
        shared = result.status in {"skipped", "not_sent"}
        key = (result.status, result.message) if shared else id(result)
        alike.setdefault(key, []).append(result)
    return map(tuple, alike.values())


def _row(alike: tuple[Result, ...]) -> Row:
    result = alike[0]
    why: list[str] = []
    if result.job is not None:
        why.append(left_job_text(result.job))
    elif result.message and result.status in _QUOTED:
        why.append(words_text(result.message, _WORDS_LIMIT))
    elif result.message:
        why.append(escape_terminal(result.message, _WORDS_LIMIT))
    request = _request(result)
    if request is not None and len(alike) == 1:
        why.append(request_text(request))
    why.append(_EFFECTS[result.status])
    addresses = [address for one in alike for address in action_addresses(one.action)]
    if result.job is not None:
        why.append(f"To call again without waiting: {freeing_command(addresses)}")
    verb = Cell(_STATUS_WORDS[result.status], Ink.BAD if result.status in _BAD else Ink.DIM)
    return Row(verb, addresses_text(addresses), Cell(""), tuple(why))


def _request(result: Result) -> Request | None:
    action = result.action
    return action.request if isinstance(action, Refresh | ResetCache | ScheduleWrite) else None


def _document(result: Result) -> dict[str, object]:
    action = result.action
    request = _request(result)
    return {
        "kind": action_kind(action),
        "addresses": list(action_addresses(action)),
        "request": None if request is None else request_json(request),
        "status": result.status,
        "may_have_happened": result.status in {"done", "unknown", "running", "unseen"},
        "message": result.message,
        "took_s": result.took_s,
        "operation": result.operation,
        "job": None if result.job is None else left_job_json(result.job),
    }
