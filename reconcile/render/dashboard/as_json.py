"""The situation of a controller for programs."""

from collections.abc import Iterator
from datetime import datetime

from reconcile.model.plan import Standing
from reconcile.model.recorded import Record
from reconcile.render.dashboard.situation import Cycle, Recent, Situation
from reconcile.render.dashboard.standing import used_budget
from reconcile.render.json_text import encode, instant_json
from reconcile.render.reader import Reader

SITUATION_FORMAT_VERSION = 1

_NO_RECORD = Record()


def situation_json(situation: Situation, now: datetime) -> str:
    """Return one document; keys are only ever added within a format version."""
    plan = situation.plan
    return encode(
        {
            "format_version": SITUATION_FORMAT_VERSION,
            "now": instant_json(now),
            "name": situation.name,
            "host": situation.host,
            "ready": situation.ready,
            "started_at": instant_json(situation.started_at),
            "wake_at": instant_json(situation.wake_at),
            "planned_at": None if plan is None else instant_json(plan.now),
            "under_way": situation.board is not None,
            "last_cycle": None if situation.cycle is None else _cycle(situation.cycle),
            "cycles": dict(sorted(situation.cycles.items())),
            "requests": {
                "used": used_budget(situation, now),
                "limit": 0 if plan is None else plan.load.requests_per_minute,
            },
            "refused": [diagnostic.code for diagnostic in situation.refused],
            "problems": [diagnostic.code for diagnostic in situation.problems],
            "recent": [_recent(recent) for recent in situation.recent],
            "items": list(_items(situation, now)),
        }
    )


def _cycle(cycle: Cycle) -> dict[str, object]:
    return {
        "at": instant_json(cycle.at),
        "verdict": cycle.verdict,
        "took_s": cycle.took_s,
        "calls": cycle.calls,
        "polls": cycle.polls,
    }


def _recent(recent: Recent) -> dict[str, object]:
    return {
        "at": instant_json(recent.at),
        "addresses": list(recent.addresses),
        "outcome": recent.word,
        "detail": recent.detail,
    }


def _items(situation: Situation, now: datetime) -> Iterator[dict[str, object]]:
    if situation.plan is not None:
        reader = Reader.of(situation.plan)
        for standing in situation.plan.standings:
            yield _item(standing, situation, reader, now)


def _item(
    standing: Standing, situation: Situation, reader: Reader, now: datetime
) -> dict[str, object]:
    address = standing.address
    records = situation.recorded.items if situation.recorded else {}
    record, late = records.get(address, _NO_RECORD), situation.late.get(address)
    return {
        "address": address,
        "status": standing.status.value,
        "late_s": 0.0 if late is None else (now - late).total_seconds(),
        "last_success": instant_json(record.last_success),
        "failures": record.failures,
        "newest_slot": instant_json(standing.newest_slot),
        "next_slot": instant_json(standing.next_slot),
        "reason": reader.account(address).tell(standing.reason),
    }
