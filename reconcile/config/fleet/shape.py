"""`fleet.toml`, as a person writes it. Its published JSON Schema is made from these classes."""

from typing import Literal

from reconcile.config.shape.table import Table, key, required
from reconcile.config.shape.words import Duration, Name
from reconcile.model.noun import noun

LookEvery = Literal["1s", "2s", "5s", "10s", "15s", "30s", "1m"]
"""Divisors of a minute, so that every worker looks at the same instants."""


@noun(frozen=True, slots=False, kw_only=True)
class FleetTable(Table):
    """How the fleet itself works."""

    database: str | None = key(
        "Postgres that hands out the work, without a password: that comes from where libpq looks "
        "for it. If absent, RECONCILE_FLEET_DATABASE says.",
        "postgresql://db.internal/reconcile",
    )
    look_every: LookEvery | None = key(
        "How often the database is asked which instances are due.", "15s", default="5s"
    )
    silent_after: Duration | None = key(
        "How long a worker may be silent before the others take its work over: 3s at least.",
        "1m",
        default="30s",
    )


@noun(frozen=True, slots=False, kw_only=True)
class InstanceTable(Table):
    """One Omni instance."""

    file: str = required(
        "Its desired state: a file or a directory, relative to this file's folder.",
        "acme",
        minLength=1,
    )
    state: str | None = key(
        "Where its state is kept; instead of the url in its own files.",
        "postgresql://db.internal/reconcile#acme",
    )
    credential: str | None = key(
        "Name of its credential: OMNI_BASE_URL_NAME beside OMNI_API_KEY_NAME in the environment, "
        "or a profile of Omni's own CLI. The instance's own name if not given.",
        "acme",
    )


@noun(frozen=True, slots=False, kw_only=True)
class FleetDocument(Table):
    """The instances of a fleet."""

    fleet: FleetTable | None = key("How the fleet itself works.")
    instances: dict[Name, InstanceTable] | None = key("Instances by a name of your own.")
