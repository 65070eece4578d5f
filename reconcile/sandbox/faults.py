"""Read the text of `--faults`.

    SPEC   = PART *( "," PART )
    PART   = "seed=" INTEGER | "clock=" [ "-" ] DURATION | TARGET ":" KIND
    TARGET = NAME [ "@" ID ] [ "#" N ]
    NAME   = "refresh" | "reset" | "job" | "models" | "yaml" | "schemas" | "whoami" | "connections"
           | "connection" | "schedules" | "schedule" | "schedule_create" | "schedule_update"
           | "schedule_delete" | "any"
    KIND   = ( "fail" | "stuck" | "forgotten" | "nameless" | "drop" | "lost" | "refuse" | "echo"
             | STATUS ) [ "=" SHARE ]
           | "slow=" DURATION [ "/" SHARE ]

`refresh#3` is the third refresh, `refresh@ID#2` the second of that model; of a connection and its
schedules, ID is the connection's. STATUS is 400 to 599;
SHARE a percentage as `2.5%` (all, if left out); DURATION as `500ms`, `2s`, `1m` or `1h`. `lost` is
another word for `drop`. `clock=10m`: Omni's clock is ahead of this machine's, with `-` behind it.
"""

import random
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NoReturn

from msgspec import Struct

from reconcile.errors import fail
from reconcile.model.address import is_uuid
from reconcile.model.struct import replace
from reconcile.sandbox.instance import Delivery, Operation

# Faults on request: which befall a request, decided by a seed and not by the order of arrival.

ALWAYS = 1.0


class FaultKind(StrEnum):
    """What can go wrong. A status code answers instead of carrying the request out.

    `FAIL`: the job ends FAILED. `STUCK`: the job never ends. `FORGOTTEN`: nobody knows the id of
    the job when it is asked for. `NAMELESS`: the reply has no `jobId`. `SLOW`: carried out at once,
    answered late. `DROP`: carried out, then the connection is cut. `REFUSE`: cut, nothing carried
    out. `ECHO`: 400, in words that repeat the Authorization header.
    """

    STATUS = "status"
    ECHO = "echo"
    FAIL = "fail"
    STUCK = "stuck"
    FORGOTTEN = "forgotten"
    NAMELESS = "nameless"
    SLOW = "slow"
    DROP = "drop"
    REFUSE = "refuse"


class FaultRule(Struct, frozen=True, kw_only=True):
    """One rule. It concerns requests of `operation` about `model_id`; None: any.

    Where a request is about a connection, `model_id` is the id of that.

    `nth`: only that one of them, counted from 1. `share`: 0..1 of them, chosen by the seed.
    `status` goes with `STATUS`, `delay_s` (seconds) with `SLOW`.
    """

    kind: FaultKind
    operation: Operation | None = None
    model_id: str | None = None
    nth: int | None = None
    share: float = ALWAYS
    status: int | None = None
    delay_s: float = 0.0

    def concerns(self, operation: Operation, model_id: str | None) -> bool:
        """Say whether a request is one this rule counts."""
        return self.operation in {None, operation} and self.model_id in {None, model_id}


class Faults(Struct, frozen=True):
    """All the rules, and the seed they are drawn with; None: the instance's own.

    `ahead`: by how much Omni's clock is ahead of the caller's; negative where it is behind.
    """

    rules: tuple[FaultRule, ...] = ()
    seed: int | None = None
    ahead: timedelta = timedelta(0)


class Fate(Struct, frozen=True):
    """What befalls one request: the status it is answered with, if any, and every kind drawn."""

    status: int | None = None
    kinds: frozenset[FaultKind] = frozenset()
    delay_s: float = 0.0
    delivery: Delivery = Delivery.ANSWERED


UNTOUCHED = Fate()
"""What befalls a request as a rule: nothing."""


@dataclass(slots=True)
class FaultDice:
    """Draws the fate of each request. Remembers only how many requests each rule has counted."""

    faults: Faults
    seed: int
    _counted: Counter[int] = field(default_factory=Counter)

    def cast(self, operation: Operation, model_id: str | None, subject: str, ordinal: int) -> Fate:
        """Decide the fate of the `ordinal`-th request of this operation about `subject`.

        Where several rules fire, delays add up and the first of those that decide the answer
        (a status, `drop`, `refuse`) wins.
        """
        fired = [
            rule
            for index, rule in enumerate(self.faults.rules)
            if rule.concerns(operation, model_id)
            and self._fires(index, rule, f"{operation}\x1f{subject}\x1f{ordinal}")
        ]
        if not fired:
            return UNTOUCHED
        decisive = next((rule for rule in fired if rule.kind in _ANSWERS), fired[0])
        return Fate(
            status=decisive.status,
            kinds=frozenset(rule.kind for rule in fired),
            delay_s=sum(rule.delay_s for rule in fired),
            delivery=_ANSWERS.get(decisive.kind, Delivery.ANSWERED),
        )

    def _fires(self, index: int, rule: FaultRule, event: str) -> bool:
        self._counted[index] += 1
        if rule.nth is not None and rule.nth != self._counted[index]:
            return False
        if rule.share >= ALWAYS:
            return True
        chance = random.Random(f"{self.seed}\x1f{index}\x1f{event}")  # noqa: S311 -- to be repeated
        return chance.random() < rule.share


_ANSWERS = {
    FaultKind.STATUS: Delivery.ANSWERED,
    FaultKind.ECHO: Delivery.ANSWERED,
    FaultKind.DROP: Delivery.LOST,
    FaultKind.REFUSE: Delivery.REFUSED,
}
"""The kinds that decide the answer, and what becomes of it."""

LONGEST_DELAY_S = 3600.0
_FURTHEST_CLOCK_S = 100 * 24 * 3600.0

_EXAMPLE = "refresh:fail=10%,refresh#3:503,any:slow=500ms/20%,any:drop=1%,seed=7"
_SEED = re.compile(r"seed=(-?[0-9]{1,18})")
_CLOCK = re.compile(r"clock=(-?)(.+)")
_TARGET = re.compile(r"([a-z_]+)(?:@([^#]+))?(?:#([0-9]{1,9}))?")
_KIND = re.compile(r"([a-z]+|[0-9]+)(?:=(.+))?")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)%")
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_WITHOUT_VALUE = {kind.value: kind for kind in FaultKind} | {"lost": FaultKind.DROP}
del _WITHOUT_VALUE["status"], _WITHOUT_VALUE["slow"]
_STARTS_JOB = {Operation.REFRESH, None}
_HAS_JOB = dict.fromkeys((FaultKind.STUCK, FaultKind.FORGOTTEN, FaultKind.NAMELESS), _STARTS_JOB)
_HAS_JOB[FaultKind.FAIL] = {*_STARTS_JOB, Operation.JOB}


def parse_faults(text: str) -> Faults:
    """Read a specification; `ReconcileError` `fault-spec-invalid` names the part that is wrong."""
    rules: list[FaultRule] = []
    seed: int | None = None
    ahead = timedelta(0)
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        if match := _SEED.fullmatch(part):
            seed = int(match[1])
        elif match := _CLOCK.fullmatch(part):
            ahead = timedelta(seconds=_parse_duration(part, match[2], _FURTHEST_CLOCK_S))
            ahead = -ahead if match[1] else ahead
        else:
            rules.append(_parse_rule(part))
    return Faults(tuple(rules), seed, ahead)


def _parse_rule(part: str) -> FaultRule:
    target, colon, kind = part.partition(":")
    if not colon:
        kinds = "a target, a colon and a kind of fault, or `seed=` and a number, or `clock=`"
        _reject(part, f"A part is {kinds} and a duration.")
    operation, model_id, nth = _parse_target(part, target)
    rule = _parse_kind(part, kind)
    if operation not in _HAS_JOB.get(rule.kind, {operation}):
        _reject(part, f"`{rule.kind}` is about a job, and `{target}` starts or reads none.")
    return replace(rule, operation=operation, model_id=model_id, nth=nth)


def _parse_target(part: str, target: str) -> tuple[Operation | None, str | None, int | None]:
    match = _TARGET.fullmatch(target)
    names = [*Operation, "any"]
    if match is None or match[1] not in names:
        _reject(part, f"The target is one of {', '.join(names)}, then perhaps @ID and #N.")
    name, model_id, nth = match.groups()
    if model_id is not None and not is_uuid(model_id):
        _reject(part, f"`{model_id}` is not an id: ids are UUIDs.")
    if nth is not None and int(nth) < 1:
        _reject(part, "Requests are counted from 1.")
    return (
        None if name == "any" else Operation(name),
        model_id and model_id.lower(),
        None if nth is None else int(nth),
    )


def _parse_kind(part: str, kind: str) -> FaultRule:
    match = _KIND.fullmatch(kind)
    if match is None:
        _reject(part, "After the colon stands a kind of fault, then perhaps `=` and a share.")
    word, value = match.groups()
    status: int | None = None
    delay_s = 0.0
    if word == "slow":
        found = FaultKind.SLOW
        duration, slash, value = (value or "").partition("/")
        delay_s = _parse_duration(part, duration, LONGEST_DELAY_S)
        value = value if slash else None
    elif word in _WITHOUT_VALUE:
        found = _WITHOUT_VALUE[word]
        status = 400 if found is FaultKind.ECHO else None
    elif re.fullmatch(r"[45][0-9]{2}", word):
        found, status = FaultKind.STATUS, int(word)
    else:
        kinds = ", ".join([*_WITHOUT_VALUE, "slow"])
        _reject(part, f"`{word}` is neither a status from 400 to 599 nor one of {kinds}.")
    return FaultRule(
        kind=found,
        share=ALWAYS if value is None else _parse_share(part, value),
        status=status,
        delay_s=delay_s,
    )


def parse_share(text: str) -> float | None:
    """Read a percentage such as `2.5%` as 0..1; None if it is none."""
    match = _SHARE.fullmatch(text)
    share = float(match[1]) / 100 if match else None
    return share if share is not None and share <= ALWAYS else None


def _parse_share(part: str, text: str) -> float:
    share = parse_share(text)
    if share is None:
        _reject(part, f"`{text}` is not a share: write a percentage from 0% to 100%.")
    return share


def _parse_duration(part: str, text: str, most_s: float) -> float:
    match = _DURATION.fullmatch(text)
    if match is None or (duration_s := float(match[1]) * _UNIT_S[match[2]]) > most_s:
        most = f"{most_s / 3600:.0f}h"
        _reject(
            part,
            f"`{text}` is not a duration: write one up to {most}, as `500ms`, `2s`, `1m` or `1h`.",
        )
    return duration_s


def _reject(part: str, why: str) -> NoReturn:
    raise fail(
        "fault-spec-invalid",
        f"The part `{part}` was not understood. {why}",
        hint=f'reconcile sandbox --faults "{_EXAMPLE}"',
    )
