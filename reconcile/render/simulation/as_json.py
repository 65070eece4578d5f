"""A simulation for programs."""

from reconcile.model.simulation import Night, Simulated, SimulatedItem
from reconcile.render.instants import rfc3339
from reconcile.render.json_text import encode, instant_json

SIMULATION_FORMAT_VERSION = 1


def simulation_json(simulated: Simulated) -> str:
    """Return the whole result as one JSON object. Seconds are numbers, instants RFC 3339 in UTC."""
    scenario, ticks, requests = simulated.scenario, simulated.ticks, simulated.requests
    return encode(
        {
            "format_version": SIMULATION_FORMAT_VERSION,
            "scenario": {
                "from": rfc3339(scenario.start),
                "until": rfc3339(scenario.until),
                "runner": scenario.runner,
                "timezone": scenario.zone,
                "lateness": scenario.lateness,
                "fail_share": scenario.fail_share,
                "seed": scenario.seed,
            },
            "ticks": {
                "scheduled": ticks.scheduled,
                "ran": ticks.ran,
                "dropped": ticks.dropped,
                "locked": ticks.locked,
                "blocked": ticks.blocked,
            },
            "requests": {
                "refreshes": requests.refreshes,
                "resets": requests.resets,
                "polls": requests.polls,
                "throttled": requests.throttled,
                "peak_per_minute": requests.peak_per_minute,
                "requests_per_minute": requests.requests_per_minute,
            },
            "items": [_item(item) for item in simulated.items],
            "nights": [_night(night) for night in simulated.nights],
        }
    )


def _item(item: SimulatedItem) -> dict[str, object]:
    late = item.lateness
    return {
        "address": item.address,
        "status": item.status.value,
        "expected": item.expected,
        "successes": item.successes,
        "lateness": None
        if late is None
        else {
            "slots": late.slots,
            "p50_s": late.p50_s,
            "p95_s": late.p95_s,
            "max_s": late.max_s,
        },
        "collapsed": item.collapsed,
        "missed": item.missed,
        "failures": item.failures,
        "doubts": item.doubts,
    }


def _night(night: Night) -> dict[str, object]:
    return {
        "timezone": night.zone,
        "at": rfc3339(night.instant),
        "offset_change_s": night.change.total_seconds(),
        "items": [
            {
                "address": item.address,
                "wall": item.wall.isoformat(),
                "times": item.times,
                "slots": [rfc3339(slot) for slot in item.slots],
                "sent": [instant_json(sent) for sent in item.sent],
            }
            for item in night.items
        ],
    }
