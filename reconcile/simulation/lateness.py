"""How late a runner comes, and how often it does not come at all: seeded models.

SPEC = "none" | "github" | MODEL [ ",skip=" SHARE ]
MODEL = "none" | "fixed:" DURATION | "uniform:" DURATION "-" DURATION
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log
from random import Random
from typing import NoReturn

from reconcile.config.problems import LeafError
from reconcile.config.values import parse_duration
from reconcile.model.diagnostic import Diagnostic, ReconcileError

_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)%")
_EXAMPLE = "uniform:0s-10m,skip=2%"

_GITHUB_SKIP = 0.04
_GITHUB_SOONEST = timedelta(minutes=1)
_GITHUB_LATEST = timedelta(minutes=60)
_GITHUB_MEDIAN_S = 480.0
_GITHUB_SPREAD = 0.7
_FULL_HOUR_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class Between:
    """Evenly between two delays; a share of ticks (0..1) does not come."""

    shortest: timedelta
    longest: timedelta
    skip: float = 0.0

    def delay(self, slot: datetime, chance: Random) -> timedelta | None:
        """Draw the delay of one tick; None if it does not come."""
        del slot
        skipped = chance.random() < self.skip
        delay = self.shortest + (self.longest - self.shortest) * chance.random()
        return None if skipped else delay


@dataclass(frozen=True, slots=True)
class GitHub:
    """Scheduled workflows of GitHub Actions as their users find them.

    Nearly all start 3 to 20 minutes late, some an hour, more so at the full hour, which GitHub's
    documentation calls a time of high load, in which queued runs may also be dropped.
    """

    def delay(self, slot: datetime, chance: Random) -> timedelta | None:
        """Draw the delay of one tick; None if it does not come."""
        if chance.random() < _GITHUB_SKIP:
            return None
        usual_s = chance.lognormvariate(log(_GITHUB_MEDIAN_S), _GITHUB_SPREAD)
        factor = _FULL_HOUR_FACTOR if slot.minute == 0 else 1.0
        seconds = timedelta(seconds=round(usual_s * factor))
        return min(max(seconds, _GITHUB_SOONEST), _GITHUB_LATEST)


LatenessModel = Between | GitHub


def parse_lateness(text: str) -> LatenessModel:
    """Read `--lateness`; ReconcileError `bad-lateness` if it follows no form of this module."""
    if text == "github":
        return GitHub()
    model, comma, skip = text.partition(",skip=")
    share = parse_share(skip) if comma else 0.0
    name, _, bounds = model.partition(":")
    shortest, dash, longest = bounds.partition("-")
    if share is None or (name == "none") != (not bounds):
        _refuse(text)
    try:
        if name == "uniform" and dash:
            between = Between(parse_duration(shortest), parse_duration(longest), share)
        elif name == "fixed" and not dash:
            between = Between(parse_duration(bounds), parse_duration(bounds), share)
        elif name == "none":
            return Between(timedelta(), timedelta(), share)
        else:
            _refuse(text)
    except LeafError as error:
        _refuse(text, str(error))
    if between.longest < between.shortest:
        _refuse(text, "The longest delay comes after the shortest.")
    return between


def parse_share(text: str) -> float | None:
    """Read a percentage such as `2.5%` as 0..1; None if it is none."""
    match = _SHARE.fullmatch(text)
    share = float(match[1]) / 100 if match else None
    return share if share is not None and share <= 1 else None


def _refuse(text: str, why: str = "") -> NoReturn:
    detail = f'"{text[:60]}" is none of none, github, fixed:DURATION and uniform:DURATION-DURATION.'
    raise ReconcileError(
        Diagnostic(
            code="bad-lateness",
            summary="--lateness is not understood",
            detail=f"{detail} {why}".rstrip(),
            hint=f"reconcile simulate --lateness {_EXAMPLE}",
        )
    )
