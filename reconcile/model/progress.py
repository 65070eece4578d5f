"""What an apply tells while it runs, a closed union of events, and what it tells at its end.

`action` is an index into the plan's actions: one line of progress for each, whatever is retried.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from reconcile.model.address import Address
from reconcile.model.plan import Action

What = Literal["refresh", "reset", "await"]
"""The verb of a call, as a plan spells it."""


@dataclass(frozen=True, slots=True)
class Started:
    """The action's call is about to be sent, or its job is about to be polled."""

    at: datetime
    action: int
    addresses: tuple[Address, ...]
    what: What


@dataclass(frozen=True, slots=True)
class Waiting:
    """The action cannot start yet; `why` is part of a sentence of ours, addresses in it raw."""

    at: datetime
    action: int
    addresses: tuple[Address, ...]
    what: What
    why: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Omni took the call. Without a `job_id` its end cannot be observed."""

    at: datetime
    action: int
    addresses: tuple[Address, ...]
    job_id: str | None


@dataclass(frozen=True, slots=True)
class Polled:
    """The job was asked about. `word` is Omni's own; `age_s` counts from when the job started."""

    at: datetime
    action: int
    addresses: tuple[Address, ...]
    word: str
    age_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The action succeeded. `detail`: part of a sentence, or empty."""

    at: datetime
    action: int
    addresses: tuple[Address, ...]
    took_s: float
    detail: str


@dataclass(frozen=True, slots=True)
class FailedCall:
    """The action failed. `message` is Omni's own words or ours."""

    at: datetime
    action: int
    addresses: tuple[Address, ...]
    message: str
    may_have_happened: bool


@dataclass(frozen=True, slots=True)
class Throttled:
    """Omni said that there were too many requests; nothing is sent for `wait_s`."""

    at: datetime
    wait_s: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """The action is not done by this apply; `why` is part of a sentence of ours."""

    at: datetime
    action: int
    addresses: tuple[Address, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Budget:
    """Requests counted against the limit in the last minute."""

    at: datetime
    used: int
    limit: int


Progress = (
    Started | Waiting | Accepted | Polled | Finished | FailedCall | Throttled | Skipped | Budget
)

Ending = Literal["done", "failed", "unknown", "skipped", "running", "not_sent"]
"""How an action ended: `unknown` may have happened, `not_sent` certainly did not reach Omni,
`running` is a job left to the next apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one action of a plan ended. `message`: why it is not done, in Omni's words or ours."""

    action: Action
    status: Ending
    message: str = ""
    took_s: float = 0.0
    operation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What an apply did, one result for each action of the plan, in the plan's order.

    `calls` counts POSTs, `polls` the requests that asked about jobs.
    """

    results: tuple[Result, ...]
    calls: int
    polls: int
    took_s: float
    interrupted: bool = False
