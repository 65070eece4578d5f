"""Faults on request: which befall a request, decided by a seed and not by the order of arrival."""

import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from reconcile.sandbox.exchange import Delivery, Operation

ALWAYS = 1.0


class FaultKind(StrEnum):
    """What can go wrong. A status code answers instead of carrying the request out.

    `FAIL`: the job ends FAILED. `STUCK`: the job never ends. `SLOW`: carried out at once, answered
    late. `DROP`: carried out, then the connection is cut. `REFUSE`: cut, nothing carried out.
    """

    STATUS = "status"
    FAIL = "fail"
    STUCK = "stuck"
    SLOW = "slow"
    DROP = "drop"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
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


@dataclass(frozen=True, slots=True)
class Faults:
    """All the rules, and the seed they are drawn with; None: the instance's own."""

    rules: tuple[FaultRule, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What befalls one request."""

    status: int | None = None
    job_fails: bool = False
    job_stuck: bool = False
    delay_s: float = 0.0
    delivery: Delivery = Delivery.ANSWERED


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
        kinds = {rule.kind for rule in fired}
        status, delivery = _decide(fired)
        return Fate(
            status=status,
            job_fails=FaultKind.FAIL in kinds,
            job_stuck=FaultKind.STUCK in kinds,
            delay_s=sum(rule.delay_s for rule in fired),
            delivery=delivery,
        )

    def _fires(self, index: int, rule: FaultRule, event: str) -> bool:
        self._counted[index] += 1
        if rule.nth is not None and rule.nth != self._counted[index]:
            return False
        if rule.share >= ALWAYS:
            return True
        seed = self.seed if self.faults.seed is None else self.faults.seed
        chance = random.Random(f"{seed}\x1f{index}\x1f{event}")  # noqa: S311 -- to be repeated
        return chance.random() < rule.share


def _decide(fired: list[FaultRule]) -> tuple[int | None, Delivery]:
    for rule in fired:
        match rule.kind:
            case FaultKind.STATUS:
                return rule.status, Delivery.ANSWERED
            case FaultKind.DROP:
                return None, Delivery.LOST
            case FaultKind.REFUSE:
                return None, Delivery.REFUSED
            case FaultKind.FAIL | FaultKind.STUCK | FaultKind.SLOW:
                continue
    return None, Delivery.ANSWERED
