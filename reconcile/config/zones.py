"""Time zones by IANA name, checked against the database this machine or `tzdata` has."""

import re
import zoneinfo
from functools import lru_cache

from reconcile.config.problems import LeafError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_MACHINE_DEPENDENT = frozenset(("localtime", "posixrules", "Factory"))


@lru_cache(maxsize=4_096)
def check_zone(name: str) -> str:
    """Return the name if it is a time zone; raise `LeafError`, with near names, if not."""
    if len(name) <= 64 and name not in _MACHINE_DEPENDENT and _NAME.fullmatch(name):  # noqa: PLR2004
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            pass  # `America` alone is a folder of the database: an OSError there
        else:
            return name
    raise LeafError(
        "unknown-zone",
        f'"{name[:60]}" is not a time zone. Zones have IANA names, which keep their rules for '
        "daylight saving; offsets and abbreviations do not.",
        _suggestion(name),
    )


def _suggestion(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 -- most files are right

    wanted = name[:64].lower().replace(" ", "_")
    # Nearness is slow to tell, and a thousand zones may be wrong: only compare what could be near.
    alike = [
        low
        for low in _known_zones()
        if low[0] == wanted[:1] and abs(len(low) - len(wanted)) <= 3  # noqa: PLR2004
    ]
    near = get_close_matches(wanted, alike, n=1, cutoff=0.6)
    by_city = [zone for low, zone in _known_zones().items() if low.endswith(f"/{wanted}")]
    if by_city or near:
        return f'Did you mean "{by_city[0] if by_city else _known_zones()[near[0]]}"?'
    return 'Write, for instance, "UTC", "Europe/Berlin" or "America/New_York".'


@lru_cache(maxsize=1)
def _known_zones() -> dict[str, str]:
    return {zone.lower(): zone for zone in sorted(zoneinfo.available_timezones())}
