"""Single values as people write them: durations, instants, times of day, zones, names, origins."""

import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from reconcile import install
from reconcile.errors import LeafError
from reconcile.model.address import UUID, is_loopback, is_uuid, read_host
from reconcile.model.desired import ALL_DAYS, WEEK
from reconcile.planning.time.cron import CronError, parse_cron

# Instants: a date and a time with an offset, as TOML or RFC 3339 spells them.

_DATE_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
INSTANT_PATTERN = rf"^{_DATE_TIME}(?:[Zz]|[+-][0-9]{{2}}:[0-9]{{2}})$"

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""No slot is looked for before the first or from the last on."""

RANGE = "Instants lie between 1970 and 2200"

_INSTANT = re.compile(INSTANT_PATTERN)
_WITHOUT_OFFSET = re.compile(_DATE_TIME)


def parse_instant(value: datetime | str) -> datetime:
    """Return the instant in UTC; raise `LeafError` if it has no offset or is not one."""
    instant = _from_text(value) if isinstance(value, str) else value
    if instant.tzinfo is None:
        raise _without_offset(instant.isoformat())
    if not is_in_range(instant):
        detail = f"{str(value)[:60]} is out of range. {RANGE}."
        raise LeafError("bad-instant", detail, "Leave an end out where there is to be none.")
    return instant.astimezone(UTC)


def is_in_range(instant: datetime) -> bool:
    """Tell whether an instant with an offset is one that anything is planned for."""
    return FIRST <= instant < LAST


def _from_text(text: str) -> datetime:
    if _WITHOUT_OFFSET.fullmatch(text):
        raise _without_offset(text)
    if not _INSTANT.fullmatch(text):
        raise _not_an_instant(text)
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise _not_an_instant(text) from None


def _without_offset(text: str) -> LeafError:
    return LeafError(
        "no-offset",
        f"{text} has no offset from UTC, so it is another instant in every time zone.",
        f'Add the offset it is meant in, for instance "{text}Z" for UTC.',
    )


def _not_an_instant(text: str) -> LeafError:
    return LeafError(
        "bad-instant",
        f'"{text[:60]}" is not an instant. One is a date, a time with seconds, and an offset.',
        'Write, for instance, "2026-12-01T07:00:00-05:00".',
    )


# Durations as people write them: `90s`, `15m`, `6h`, `2d`, `1w`, `1h30m`.

LONGEST = timedelta(days=366)
"""No cadence, deadline or timeout is longer than a leap year."""

DURATION_PATTERN = (
    r"^(?=[0-9])(?:[0-9]{1,9}w)?(?:[0-9]{1,9}d)?(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?$"
)
"""Shared with the published schema, so written in the syntax both regex dialects know."""

_DURATION = re.compile(DURATION_PATTERN)
_PART = re.compile(r"([0-9]+)([wdhms])")
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def parse_duration(text: str) -> timedelta:
    """Read a duration, zero included; raise `LeafError` if it is none or longer than `LONGEST`."""
    if not _DURATION.fullmatch(text):
        raise LeafError(
            "bad-duration",
            f'"{text[:60]}" is not a duration. One is made of numbers with a unit, the longest '
            "unit first: w (7 days), d (24 hours), h, m, s.",
            _meant_duration(text),
        )
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    if seconds > LONGEST.total_seconds():
        raise LeafError(
            "bad-duration",
            f'"{text[:60]}" is longer than 366 days, the longest duration that is accepted.',
        )
    return timedelta(seconds=seconds)


_IN_WORDS = re.compile(
    r"([0-9]{1,6}) ?(?:(w)eeks?|(d)ays?|(h)(?:ou)?rs?|(m)in(?:ute)?s?|(s)ec(?:ond)?s?)",
    re.IGNORECASE,
)


def _meant_duration(text: str) -> str:
    if found := _IN_WORDS.fullmatch(text):
        number, *units = found.groups()
        return f'"{number}{next(unit for unit in units if unit).lower()}"'
    return 'Write, for instance, "15m", "6h" or "1h30m".'


def parse_positive_duration(text: str) -> timedelta:
    """Read a duration that must be longer than nothing; raise `LeafError` otherwise."""
    duration = parse_duration(text)
    if not duration:
        raise LeafError("bad-duration", f'"{text}" is no time at all, and must be some.')
    return duration


# Wall-clock words: `06:00`, `22:00-06:00`, `mon-fri`. All of them are in the item's own zone.

R = TypeVar("R")

_HOUR_MINUTE = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)"
_DAYS = rf"(?:{_DAY}(?:-{_DAY})?|weekdays|weekends)"

TIME_PATTERN = rf"^{_HOUR_MINUTE}$"
WINDOW_PATTERN = rf"^{_HOUR_MINUTE}-(?:{_HOUR_MINUTE}|24:00)$"
DAYS_PATTERN = rf"^{_DAYS}(?: *, *{_DAYS})*$"

_TIME = re.compile(TIME_PATTERN)
_WINDOW = re.compile(WINDOW_PATTERN)
_DAYS_WORDS = re.compile(DAYS_PATTERN)
_GROUPS = {"weekdays": frozenset(range(5)), "weekends": frozenset((5, 6))}


def parse_times(texts: tuple[str, ...]) -> tuple[time, ...]:
    """Read wall-clock times, sorted and each once; raise `LeafError` at the first that is none."""
    if not texts:
        raise LeafError("bad-time", "The list of times is empty, so there is no time to keep to.")
    return tuple(sorted(set(_each(_parse_time, texts))))


def parse_windows(texts: tuple[str, ...]) -> tuple[tuple[time, time], ...]:
    """Read windows of wall-clock time, each with its end after a dash.

    An end that is not after its start lies on the next day; `24:00` is the midnight a day ends
    with. Raise `LeafError` at the first text that is no window.
    """
    if not texts:
        raise LeafError("bad-window", "The list of windows is empty, which would freeze for ever.")
    return tuple(sorted(set(_each(_parse_window, texts))))


def parse_days(texts: tuple[str, ...]) -> frozenset[int]:
    """Read weekdays (0 = Monday); a range may run over the week's end, as in `fri-mon`."""
    if not texts:
        raise LeafError("bad-days", "The list of days is empty, so there is no day to keep to.")
    days = frozenset[int]().union(*_each(_parse_days, texts))
    return ALL_DAYS if days == ALL_DAYS else days


def _each(parse: Callable[[str], R], texts: tuple[str, ...]) -> list[R]:
    """Parse every text, telling the error which element it is about."""
    parsed: list[R] = []
    for number, text in enumerate(texts):
        try:
            parsed.append(parse(text))
        except LeafError as error:
            error.element = number
            raise
    return parsed


def _parse_days(text: str) -> frozenset[int]:
    if not _DAYS_WORDS.fullmatch(text):
        raise LeafError(
            "bad-days",
            f'"{text[:60]}" does not name days. Days are mon, tue, wed, thu, fri, sat, sun, a '
            "range of them with a dash, weekdays or weekends.",
            f'"{text.lower()}"'
            if _DAYS_WORDS.fullmatch(text.lower())
            else 'Write, for instance, "mon-fri", "mon,wed" or ["sat", "sun"].',
        )
    return frozenset[int]().union(*(_named_days(word.strip(" ")) for word in text.split(",")))


_SUCH_TIMES = 'Write, for instance, "06:00" or "18:30".'


def _parse_time(text: str) -> time:
    if not _TIME.fullmatch(text):
        raise LeafError(
            "bad-time",
            f'"{text[:60]}" is not a time of day. One has two digits for the hour, 00 to 23, and '
            "two for the minute.",
            _meant_time(text),
        )
    return time(int(text[:2]), int(text[3:]))


def _meant_time(text: str) -> str:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 1 and all(map(_TIME.fullmatch, parts)):
        listed = ", ".join(f'"{part}"' for part in parts)
        return f"Write a list: [{listed}]."
    return f'"0{text}"' if _TIME.fullmatch(f"0{text}") else _SUCH_TIMES


def _parse_window(text: str) -> tuple[time, time]:
    if not _WINDOW.fullmatch(text):
        raise LeafError(
            "bad-window",
            f'"{text[:60]}" is not a window of time. One has a start and an end, both HH:MM, with '
            "a dash between them.",
            'Write, for instance, "22:00-06:00".',
        )
    end = "00:00" if text[6:] == "24:00" else text[6:]
    return _parse_time(text[:5]), _parse_time(end)


def _named_days(word: str) -> frozenset[int]:
    if word in _GROUPS:
        return _GROUPS[word]
    first, _, last = word.partition("-")
    start = WEEK.index(first)
    length = (WEEK.index(last or first) - start) % 7
    return frozenset((start + step) % 7 for step in range(length + 1))


def check_cron(expression: str) -> str:
    """Return the expression if it can be read; raise `LeafError` at the offset where it cannot."""
    try:
        parse_cron(expression)
    except CronError as error:
        raise LeafError("bad-cron", error.message, offset=error.position) from None
    return expression


# Time zones by IANA name, checked against the database this machine or `tzdata` has.

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_MACHINE_DEPENDENT = frozenset(("localtime", "posixrules", "Factory", "right", "posix"))
"""Names, or the folders of them. Those in `right` count leap seconds, which instants have not."""


def check_zone(name: str) -> str:
    """Return the name if it is a time zone; raise `LeafError`, with near names, if not."""
    own = name.partition("/")[0] in _MACHINE_DEPENDENT
    if len(name) <= 64 and not own and _NAME.fullmatch(name):  # noqa: PLR2004
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            pass  # `America` alone is a folder of the database: an OSError there
        else:
            return name
    if not _known_zones():
        raise LeafError(
            "unknown-zone",
            f'"{name[:60]}" cannot be looked up: no database of time zones is installed.',
            install("tzdata"),
        )
    raise LeafError(
        "unknown-zone",
        f'"{name[:60]}" is not a time zone. Zones have IANA names, which keep their rules for '
        "daylight saving; offsets and abbreviations do not.",
        _suggestion(name),
    )


_OFFSET = re.compile(r"(UTC|GMT|Z)?\s*[+-]\s*\d.*", re.IGNORECASE)


def _suggestion(name: str) -> str:
    if _OFFSET.fullmatch(name):
        return "Offsets are no zones: name a place, such as Europe/Berlin."
    wanted = name[:64].lower().replace(" ", "_").removeprefix("right/").removeprefix("posix/")
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


# Names people give: of models, policies and connections. Whatever is shown must be seen.

LONGEST_NAME = 200

_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Unicode categories that are not seen or turn the text around them: control, format, breaks."""

UUID_PATTERN = f"^{UUID.pattern}$"

SIGNAL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_SIGNAL = re.compile(SIGNAL_PATTERN)
MOST_SIGNALS = 32


def check_signal(name: str) -> None:
    """Raise `LeafError` unless the name of a signal can stand in a URL and in any shell."""
    if not _SIGNAL.fullmatch(name):
        raise LeafError(
            "bad-signal-name",
            f'"{name[:100]}" is not the name of a signal: up to 100 letters, digits, dots, dashes '
            "and underscores, the first a letter or a digit.",
            'Write, for instance, "warehouse-load".',
        )


def parse_signals(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of signals, each once, sorted. Raises `LeafError`."""
    if not names:
        raise LeafError("empty-list", "`on_signal` names no signal, so nothing could make it due.")
    for name in names:
        check_signal(name)
    distinct = tuple(sorted(set(names)))
    if len(distinct) > MOST_SIGNALS:
        raise LeafError(
            "too-many-signals",
            f"`on_signal` names {len(distinct)} signals; {MOST_SIGNALS} is the most.",
        )
    return distinct


def check_name(name: str) -> str:
    """Return the name; raise `LeafError` unless it is 1 to 200 characters that can all be seen."""
    seen = name.isprintable() and name.strip() and name not in (".", "..")
    if seen and len(name) <= LONGEST_NAME:
        return name
    if not name.strip():
        raise LeafError("bad-name", "The name is empty, so nothing could be called by it.")
    if len(name) > LONGEST_NAME:
        raise LeafError(
            "bad-name", f"The name has {len(name)} characters; {LONGEST_NAME} is the most."
        )
    if name in (".", ".."):
        # As a path segment these mean another endpoint, and percent-encoding leaves them alone.
        raise LeafError("bad-name", f'"{name}" would be a step through the path of a request.')
    for character in name:
        if unicodedata.category(character) in _UNSEEN:
            raise LeafError(
                "bad-name",
                f"The name holds U+{ord(character):04X}, a character that is not seen or turns "
                "the text around it. Two names could then look the same.",
                "Write the name again by hand.",
            )
    return name


def check_uuid(text: str) -> str:
    """Return the UUID in lower case; raise `LeafError` if the text is none."""
    if is_uuid(text):
        return text.lower()
    raise LeafError(
        "not-a-uuid",
        f'"{text[:60]}" is not a UUID. Omni names models and branches by UUID, and the id becomes '
        "part of the path that is called.",
        "Copy the id from the model's address in Omni, or from `GET /api/v1/models`.",
    )


def fold_name(name: str) -> str:
    """Spell alike what people and Omni could take for the same name."""
    if name.isascii():
        return name.lower().rstrip(".")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).rstrip(".")


def did_you_mean(wrong: str, known: Iterable[str]) -> str | None:
    """Word the nearest of the known names as a question; None if none is near."""
    wanted = wrong[:LONGEST_NAME]
    names = list(known)
    near = get_close_matches(wanted, names, n=1, cutoff=0.6)
    near = near or [name for name in names if name.lower() == wanted.lower()]
    return f"Did you mean `{near[0]}`?" if near else None


# The instance a file asserts: an https origin, reduced to `scheme://host[:port]`.

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.?")

_API_PATHS = frozenset(("", "/api", "/api/v1"))
_DEFAULT_PORTS = {"https": 443, "http": 80}


def parse_origin(text: str) -> str:
    """Return the origin of a base URL; raise `LeafError` unless it is https, or http on loopback.

    The message never repeats a URL that carries a user or password.
    """
    parts, port = _split(text)
    if parts.username is not None or parts.password is not None:
        raise _refused("It carries a user or a password, and a file is no place for either.")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _refused("It carries a query or a fragment, which an origin has not.")
    if "${" in text or text.startswith("$"):
        raise _refused("It names a variable, and nothing in the file is expanded.")
    if not parts.scheme and _HOST.fullmatch(parts.path.split("/")[0]):
        raise _refused("It has no scheme.", f'base_url = "https://{parts.path[:100]}"')
    if parts.path.rstrip("/") not in _API_PATHS:
        raise _refused(f'Its path is "{parts.path[:60]}"; only `/api` or `/api/v1` may follow it.')
    host = _host(parts)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise _refused("A token is only ever sent over https; http is for loopback alone.")
    written = f"[{host}]" if ":" in host else host
    default = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{written}" if default else f"{parts.scheme}://{written}:{port}"


def _split(text: str) -> tuple[SplitResult, int | None]:
    # urlsplit drops tabs and line ends, so what it returns may not be what was written.
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        raise _refused("It holds spaces or characters that are not plain ASCII.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _refused("Its host or port cannot be read.") from None
    if port == 0:
        raise _refused("No server listens on port 0.")
    return parts, port


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower().rstrip(".")
    try:
        return read_host(f"[{host}]" if ":" in host else host)
    except ValueError as refused:
        raise _refused(f"It {refused}.") from None


def _refused(
    why: str, hint: str = 'Write, for instance, base_url = "https://myorg.omniapp.co".'
) -> LeafError:
    return LeafError("bad-base-url", f"The base URL is not an origin to call. {why}", hint)
