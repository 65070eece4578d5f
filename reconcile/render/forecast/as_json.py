"""A forecast as JSON: versioned, stable in order, ASCII only."""

from typing import Final

from reconcile.model.forecast import Day, ExpectedCall, Forecast
from reconcile.model.plan import Refresh
from reconcile.render.json_text import encode, instant_json
from reconcile.render.reader import Reader
from reconcile.render.reason_json import reason_json
from reconcile.render.riding import riding_json

FORECAST_FORMAT_VERSION: Final = 1


def forecast_json(told: Forecast) -> str:
    """Return a forecast as one JSON object, indented, ending with a line break.

    Instants are RFC 3339 in UTC; days are those of `zone`.
    """
    reader = Reader(told.zones, told.zone, told.now)
    return encode(
        {
            "format_version": FORECAST_FORMAT_VERSION,
            "now": instant_json(told.now),
            "until": instant_json(told.until),
            "zone": told.zone,
            "requests_per_minute": told.requests_per_minute,
            "calls": [_call(call) for call in told.calls],
            "days": [_day(day) for day in told.days],
            "riding": [riding_json(riding) for riding in told.riding],
            "idle": [
                {
                    "address": address,
                    "reason": reader.account(address).tell(reason),
                    "because": reason_json(reason),
                }
                for address, reason in told.idle
            ],
        }
    )


def _call(call: ExpectedCall) -> dict[str, object]:
    action = call.action
    shared = {"at": instant_json(call.at), "model_id": action.model_id}
    covers = [
        {"address": coverage.address, "slot": instant_json(coverage.slot)}
        for coverage in action.covers
    ]
    if isinstance(action, Refresh):
        return {"kind": "refresh", **shared, "mode": action.mode.value, "covers": covers}
    own = {"policy": action.policy, "waits_for": action.waits_for}
    return {"kind": "reset", **shared, **own, "covers": covers}


def _day(day: Day) -> dict[str, object]:
    return {
        "date": day.date.isoformat(),
        "calls": day.calls,
        "items": dict(sorted(day.covering.items())),
        "busiest_minute": instant_json(day.busiest),
        "peak_per_minute": day.peak,
        "hour_peaks": list(day.peaks),
    }
