"""Loads `fleet.toml`, or reports every mistake in it at once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from os.path import normpath
from pathlib import Path
from shlex import quote
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from reconcile.config import toml
from reconcile.config.refusals import check_table, placed
from reconcile.config.tables import Duration, Name, NotEmpty, Table, key, published
from reconcile.config.timings import TableReader
from reconcile.config.values import check_name, parse_positive_duration
from reconcile.errors import LeafError, Problems, ReconcileError, Where
from reconcile.model.address import misplaced
from reconcile.model.struct import replace
from reconcile.planning.record import TOLERANCE

LookEvery = Literal["1s", "2s", "5s", "10s", "15s", "30s", "1m"]
"""Divisors of a minute, so that what is due at a full one is seen at it."""


class FleetTable(Table):
    """How the fleet itself works."""

    database: str | None = key(
        "Postgres that hands out the work, without a password: that comes from where libpq looks "
        "for it. If absent, RECONCILE_FLEET_DATABASE says.",
        "postgresql://db.internal/reconcile",
    )
    look_every: LookEvery = key(
        "How often the database is asked which instances are due.", "15s", default="5s"
    )
    silent_after: Duration = key(
        "How long a worker may be silent before the others take its work over: 3s at least.",
        "1m",
        default="30s",
    )


class InstanceTable(Table):
    """One Omni instance."""

    file: NotEmpty = key(
        "Its desired state: a file or a directory, relative to this file's folder.",
        "acme",
        default=...,
    )
    state: str | None = key(
        "Where its state is kept; instead of the url in its own files.",
        "postgresql://db.internal/reconcile#acme",
    )
    credential: str | None = key(
        "Name of its credential: OMNI_BASE_URL_NAME beside OMNI_API_KEY_NAME (or "
        "OMNI_API_KEY_FILE_NAME, a file, or OMNI_API_KEY_COMMAND_NAME, a command that prints it: "
        "both asked anew for each run) in the environment, or a profile of Omni's own CLI. The "
        "instance's own name if not given.",
        "acme",
    )


class FleetDocument(Table):
    """The instances of a fleet."""

    fleet: FleetTable | None = key("The fleet itself.", {"look_every": "15s"})
    instances: dict[Name, InstanceTable] | None = key(
        "Instances by a name of your own.", {"acme": {"file": "acme"}}
    )


def fleet_schema() -> dict[str, Any]:
    """Return the schema of `fleet.toml`."""
    return published(FleetDocument, "Fleet of reconcile")


# A fleet: many instances, each with its own files, state and credential.


class FleetMember(Struct, frozen=True, kw_only=True):
    """One instance that belongs to a fleet.

    `file`: absolute path of its desired state. `state_url`: where its state is kept, None where
    its own file says. `credential`: the name of a credential, never
    the token.
    """

    name: str
    file: str
    state_url: str | None
    credential: str

    @property
    def place(self) -> str | None:
        """A digest of where its state is; None if that is said elsewhere, or is a machine's own."""
        scheme, apart, rest = (self.state_url or "").partition("://")
        if not apart:
            return None
        host, *path = rest.split("/", 1)
        # Who logs in there may change, and a password does.
        place = [scheme, host.rpartition("@")[2], *path]
        return sha256("/".join(place).encode()).hexdigest()[:16]

    def seat(self, known: Mapping[str, "Seat"], now: datetime) -> "Seat":
        """Return what is known of it; in trouble if that is of another fleet's instance."""
        seat = known.get(self.name, Seat(instance=self.name))
        if not seat.is_anothers(self, now):
            return seat
        told = (
            "left alone, as the database has one of this name with another state. Give each fleet "
            f"its own database; was the state moved: reconcile fleet resume {quote(self.name)}"
        )
        return replace(seat, trouble=told)


class Fleet(Struct, frozen=True, kw_only=True):
    """What `fleet.toml` declares. `members` are sorted by name.

    `database`: the Postgres that hands out the work; None where the environment says.
    `look_every_s`: how often each worker asks it which instances are due. `silent_after_s`: how
    long a worker may be silent before the others take its work.
    """

    members: tuple[FleetMember, ...]
    database: str | None
    look_every_s: int
    silent_after_s: int

    @property
    def queue(self) -> str:
        """Where its work waits: apart from that of whoever declares other instances."""
        names = "\n".join(member.name for member in self.members)
        return f"fleet {sha256(names.encode()).hexdigest()[:16]}"


class Hold(Struct, frozen=True, kw_only=True):
    """A pause of a whole instance, until an instant (UTC) or until it is lifted."""

    until: datetime | None
    reason: str


class Seat(Struct, frozen=True, kw_only=True):
    """What the fleet knows of one instance, whichever worker had it last. All instants UTC.

    `wake_at`: when it is to be looked at again; None: only when its files change. `content`: a
    hash of the files it was last reconciled from. `failures`: failed runs in a row. `outcome`: how
    the last run ended, in one word, and `trouble` why if it did not end well. `worker`: who had it.
    `place`: a digest of where its state was then.
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
    place: str | None = None

    @property
    def is_new(self) -> bool:
        """Whether nobody has waited for a run of it so far."""
        return self.wake_at is None and self.ran_at is None

    def is_held(self, now: datetime) -> bool:
        """Tell whether an operator paused the instance."""
        return self.hold is not None and (self.hold.until is None or now < self.hold.until)

    def is_anothers(self, member: FleetMember, now: datetime) -> bool:
        """Tell whether whoever has its state elsewhere reconciled it, and may do so still."""
        if self.ran_at is None or self.place is None or abs(now - self.ran_at) >= _ANOTHERS_FOR:
            return False
        return member.place not in {None, self.place}

    def is_ahead(self, now: datetime) -> bool:
        """Tell whether a worker whose clock was ahead wrote this: nothing in it is waited for."""
        return self.ran_at is not None and self.ran_at - now > TOLERANCE


_ANOTHERS_FOR = timedelta(minutes=20)
"""Longer than whoever reconciles an instance leaves it alone."""

_LEAST_SILENCE = timedelta(seconds=3)
_SCHEMES = {"postgresql", "postgres"}


def load_fleet(path: Path) -> Fleet:
    """Load a fleet. Its instances' own files are not read. Raise `ReconcileError` with everything.

    Relative paths, those of local states too, start from the folder of `path`.
    """
    try:
        text = toml.decode_text(toml.read_bounded(path, toml.LARGEST))
    except LeafError as error:
        raise ReconcileError(toml.at_file(error, path)) from None
    source = toml.Source(str(path), text, path.absolute().parent)
    problems = Problems()
    document = check_table(FleetDocument, toml.parse_source(source), problems)
    fleet = _lower(document or FleetDocument(), TableReader((source,), problems))
    if problems.found():
        raise ReconcileError(*placed(problems, source))
    return fleet


def _lower(document: FleetDocument, reader: TableReader) -> Fleet:
    table = document.fleet or FleetTable()
    directory, problems = reader.sources[0].directory, reader.problems
    if table.database is not None:
        _check_database(table.database, problems)
    if not document.instances and not problems.found():
        problems.add(
            "fleet-empty",
            Where(0, ()).table(),
            "No [instances.NAME] is declared, so there is nothing for a worker to do.",
            'Add one: [instances.acme] with file = "acme.toml".',
        )
    for name, entry in (document.instances or {}).items():
        where = Where(0, ("instances", name))
        reader.read(check_name, name, where.key())
        reader.read(check_name, entry.credential or None, where.value("credential"))
        if not entry.file:
            problems.add(
                "missing-key", where.value("file"), "An empty path is none of a file or a folder."
            )
    members = tuple(
        FleetMember(
            name=name,
            file=str(directory / entry.file),
            state_url=_state_url(name, entry.state, directory, problems),
            credential=entry.credential or name,
        )
        for name, entry in sorted((document.instances or {}).items())
    )
    _check_states(members, problems)
    every = parse_positive_duration(table.look_every)
    return Fleet(
        members=members,
        database=table.database,
        look_every_s=int(every.total_seconds()),
        silent_after_s=int(_silence(table.silent_after, reader).total_seconds()),
    )


def _silence(text: str, reader: TableReader) -> timedelta:
    where = Where(0, ("fleet", "silent_after"))
    silence = reader.read(parse_positive_duration, text, where) or _LEAST_SILENCE
    if silence < _LEAST_SILENCE:
        detail = "A worker says every second at most that it lives: 3s is the least to wait for it."
        reader.problems.add("out-of-range", where, detail)
    return silence


def _state_url(name: str, url: str | None, directory: Path, problems: Problems) -> str | None:
    if url is not None and (wrong := misplaced(url)):
        where = Where(0, ("instances", name, "state"))
        problems.add("state-url", where, wrong.detail(url), wrong.meant)
    return url if url is None or "://" in url else str(directory / url)


def _check_database(url: str, problems: Problems) -> None:
    where = Where(0, ("fleet", "database"))
    try:
        parts = urlsplit(url)
        scheme, password = parts.scheme, parts.password
    except ValueError:
        scheme, password = "", None
    if password is not None:
        detail = "The URL carries a password, and a file is no place for one."
        problems.add("fleet-database", where, detail, "Put it into PGPASSFILE or PGPASSWORD.")
    elif scheme not in _SCHEMES:
        detail = "The work of a fleet is handed out by a Postgres: postgresql://HOST/DATABASE."
        problems.add("fleet-database", where, detail)


def _check_states(members: tuple[FleetMember, ...], problems: Problems) -> None:
    """Refuse a state that two instances share, as two of the same files do that name none."""
    seen: dict[str, tuple[str, Where]] = {}
    for member in members:
        place = member.state_url or member.file
        key = "state" if member.state_url else "file"
        this = member.name, Where(0, ("instances", member.name, key))
        other = seen.setdefault(place if "://" in place else normpath(place), this)
        if other != this:
            detail = f"{this[0]} and {other[0]} would take each other's calls for their own."
            both = this[1], other[1]
            problems.add("fleet-state-shared", both, detail, "Give each a `state` of its own.")
