"""A fleet: many instances, each with its own files, state and credential."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One instance that belongs to a fleet.

    `file`: absolute path of its desired state. `state_url`: where its state is kept, None where
    its own file says. `credential`: the name of a credential, never
    the token.
    """

    name: str
    file: str
    state_url: str | None
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What `fleet.toml` declares. `members` are sorted by name.

    `database`: the Postgres that hands out the work; None where the environment says.
    `look_every_s`: how often it is asked which instances are due. `silent_after_s`: how long a
    worker may be silent before the others take its work.
    """

    members: tuple[Member, ...]
    database: str | None
    look_every_s: int
    silent_after_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A pause of a whole instance, until an instant (UTC) or until it is lifted."""

    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What the fleet knows of one instance, whichever worker had it last. All instants UTC.

    `wake_at`: when it is to be looked at again; None: only when its files change. `content`: a
    hash of the files it was last reconciled from. `failures`: failed runs in a row. `outcome`: how
    the last run ended, in one word, and `trouble` why if it did not end well. `worker`: who had it.
    """

    instance: str
    wake_at: datetime | None = None
    hold: Hold | None = None
    content: str | None = None
    ran_at: datetime | None = None
    took_s: float | None = None
    failures: int = 0
    outcome: str | None = None
    trouble: str | None = None
    worker: str | None = None
