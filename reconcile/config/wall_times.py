"""Wall-clock words: `06:00`, `22:00-06:00`, `mon-fri`. All of them are in the item's own zone."""

import re
from collections.abc import Callable
from datetime import time
from functools import lru_cache
from typing import TypeVar

from reconcile.config.problems import LeafError
from reconcile.model.desired import ALL_DAYS

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
_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GROUPS = {"weekdays": frozenset(range(5)), "weekends": frozenset((5, 6))}


@lru_cache(maxsize=4_096)
def parse_times(texts: tuple[str, ...]) -> tuple[time, ...]:
    """Read wall-clock times, sorted and each once; raise `LeafError` at the first that is none."""
    if not texts:
        raise LeafError("bad-time", "The list of times is empty, so there is no time to keep to.")
    return tuple(sorted(set(_each(_parse_time, texts))))


@lru_cache(maxsize=4_096)
def parse_windows(texts: tuple[str, ...]) -> tuple[tuple[time, time], ...]:
    """Read windows of wall-clock time, each with its end after a dash.

    An end that is not after its start lies on the next day; `24:00` is the midnight a day ends
    with. Raise `LeafError` at the first text that is no window.
    """
    if not texts:
        raise LeafError("bad-window", "The list of windows is empty, which would freeze for ever.")
    return tuple(sorted(set(_each(_parse_window, texts))))


@lru_cache(maxsize=4_096)
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
            'Write, for instance, "mon-fri", "mon,wed" or ["sat", "sun"].',
        )
    return frozenset[int]().union(*(_named_days(word.strip(" ")) for word in text.split(",")))


def _parse_time(text: str) -> time:
    if not _TIME.fullmatch(text):
        raise LeafError(
            "bad-time",
            f'"{text[:60]}" is not a time of day. One has two digits for the hour, 00 to 23, and '
            "two for the minute.",
            'Write, for instance, "06:00" or "18:30".',
        )
    return time(int(text[:2]), int(text[3:]))


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
    start = _NAMES.index(first)
    length = (_NAMES.index(last or first) - start) % 7
    return frozenset((start + step) % 7 for step in range(length + 1))
