"""A lean prototype to measure against: which items are due, without any check or safety.

python lean.py DESIRED STATE INSTANT. It knows what the measured files hold and nothing else.
"""

import gc
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import tomli

loads = import_module("orjson").loads if find_spec("orjson") else json.loads
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def field(text: str, size: int) -> Sequence[int]:
    if text == "*":
        return range(size)
    if text.startswith("*/"):
        return range(0, size, int(text[2:]))
    return (int(text),)


@lru_cache
def newest(form: str, text: str, days: str | None, zone: str, now: datetime) -> datetime | None:
    if form == "cron":
        minute, hour, _, _, weekday = text.split()
        hours = field(hour, 24)
        times = [f"{h:02}:{m:02}" for h in hours for m in field(minute, 60)]
        wanted: Sequence[str] = DAYS if weekday == "*" else (weekday,)
    else:
        times, wanted = [text], DAYS
        if days:
            first, last = map(DAYS.index, days.split("-"))
            wanted = DAYS[first : last + 1]
    local = now.astimezone(ZoneInfo(zone))
    for back in range(8):
        day = local.date() - timedelta(days=back)
        for at in reversed(times if DAYS[day.weekday()] in wanted else ()):
            slot = datetime.combine(day, time.fromisoformat(at), ZoneInfo(zone))
            if slot <= now:
                return slot
    return None


def due(desired: Any, recorded: Any, now: datetime) -> Iterator[str]:
    zone, items = desired["defaults"]["timezone"], recorded["items"]
    for name, model in desired["models"].items():
        named = {f"cache.{policy}": cache for policy, cache in model["cache"].items()}
        for key, item in {"refresh": model["refresh"], **named}.items():
            address = f"models.{name}.{key}"
            record = items[address]
            if every := item.get("every"):
                interval = timedelta(seconds=int(every[:-1]) * UNITS[every[-1]])
                if datetime.fromisoformat(record["last_success"]) + interval <= now:
                    yield address
            else:
                form = "cron" if "cron" in item else "at"
                slot = newest(form, item[form], item.get("days"), zone, now)
                if slot and datetime.fromisoformat(record["covered_slot"]) < slot:
                    yield address


if __name__ == "__main__":
    gc.disable()
    files, state, instant = sys.argv[1:]
    both = tomli.loads(Path(files).read_text()), loads(Path(state).read_bytes())
    sys.stdout.write("\n".join(due(*both, datetime.fromisoformat(instant))))
