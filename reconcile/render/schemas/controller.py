"""The published JSON Schemas of a running controller: its log, and how it stands."""

from typing import get_args

from reconcile.model.plan import Status
from reconcile.render.dashboard.as_json import SITUATION_FORMAT_VERSION
from reconcile.render.dashboard.situation import RecentWord
from reconcile.render.log_line import LOG_FORMAT_VERSION, Level
from reconcile.render.schemas.parts import (
    ADDRESS,
    CODE,
    COUNT,
    FLAG,
    INSTANT,
    INSTANT_OR_NULL,
    SECONDS,
    TEXT,
    VERDICTS,
    Schema,
    by_word,
    headed,
    listed,
    one_of,
    or_null,
    record,
    told,
)

_SERVED = "What `reconcile run --listen PLACE` serves at /state.json."
_LOGGED = "A line that `reconcile run --format json` logs, on standard error."


def log_schema() -> Schema:
    """Return what each line of the log of `run --format json` satisfies."""
    words = _events()
    head: Schema = {
        "format_version": {"const": LOG_FORMAT_VERSION},
        "at": INSTANT,
        "level": one_of(get_args(Level)),
        "event": one_of(words),
    }
    return headed("log", _LOGGED, {**record(head), "allOf": by_word("event", words)})


def _events() -> dict[str, Schema]:
    why = record({"why": TEXT})
    found = record({"code": CODE, "summary": TEXT, "detail": TEXT}, {"place": TEXT, "hint": TEXT})
    nothing = record({})
    ended = record(
        {"verdict": one_of(VERDICTS), "took_s": SECONDS},
        {"calls": COUNT, "polls": COUNT, "next": told(INSTANT, "when another has something to do")},
    )
    touched: Schema = {"slots_missed": COUNT, "items_late": COUNT}
    gap = record({"last_seen": INSTANT, "for_s": SECONDS, **touched})
    left = told(
        record(
            {"item": TEXT, "job": TEXT, "since": INSTANT},
            {"looked_at": INSTANT_OR_NULL, "answer": or_null(TEXT), "until": INSTANT_OR_NULL},
        ),
        "its end is left to a later cycle",
    )
    failed = record({"item": TEXT, "message": TEXT, "may_have_happened": FLAG})
    return {
        "started": record({"file": TEXT, "host": TEXT}),
        "serving": record({"url": TEXT}),
        "absent": told(gap, "nobody reconciled for that long"),
        "item-late": record({"item": ADDRESS, "since": INSTANT}),
        "cycle": ended,
        "cycle-problem": found,
        "note": found,
        "item-failed": failed,
        "job-left": left,
        "end-unseen": left,
        "throttled": record({"wait_s": SECONDS}),
        "files-reloaded": record({"items": COUNT}),
        "files-refused": found,
        "files-kept": why,
        "metrics-not-written": why,
        "heartbeat-failed": why,
        "heartbeat-resumed": nothing,
        "stopping": nothing,
        "stopped": nothing,
    }


def run_status_schema() -> Schema:
    """Return what the page of `run` serves to programs."""
    codes = listed(CODE)
    by_verdict = record({}, dict.fromkeys(VERDICTS, COUNT))
    return headed(
        "run-status",
        _SERVED,
        record(
            {
                "format_version": {"const": SITUATION_FORMAT_VERSION},
                "now": INSTANT,
                "name": TEXT,
                "host": TEXT,
                "ready": told(FLAG, "the files are valid and the last cycle went well"),
                "started_at": INSTANT,
                "wake_at": told(INSTANT_OR_NULL, "the next cycle; null: under way, or none"),
                "planned_at": told(INSTANT_OR_NULL, "as of when the items are told"),
                "under_way": told(FLAG, "an apply is being made"),
                "last_cycle": or_null(_cycle()),
                "cycles": told(by_verdict, "since the start, by verdict"),
                "requests": told(_requests(), "of the last minute, against the budget"),
                "refused": told(codes, "why the newest version of the files is not used"),
                "problems": told(codes, "why the last cycle did not end well"),
                "recent": told(listed(_recent()), "newest first"),
                "items": listed(_item()),
            }
        ),
    )


def _requests() -> Schema:
    return record({"used": COUNT, "limit": COUNT})


def _cycle() -> Schema:
    counts: Schema = {"calls": COUNT, "polls": COUNT}
    return record({"at": INSTANT, "verdict": one_of(VERDICTS), "took_s": SECONDS, **counts})


def _recent() -> Schema:
    word = one_of(get_args(RecentWord))
    return record({"at": INSTANT, "addresses": listed(ADDRESS), "outcome": word, "detail": TEXT})


def _item() -> Schema:
    return record(
        {
            "address": ADDRESS,
            "status": one_of(Status),
            "late_s": told(SECONDS, "for how long it has been due"),
            "last_success": INSTANT_OR_NULL,
            "failures": COUNT,
            "newest_slot": INSTANT_OR_NULL,
            "next_slot": INSTANT_OR_NULL,
            "reason": TEXT,
        }
    )
