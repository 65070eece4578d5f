"""Loads `fleet.toml`, or reports every mistake in it at once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic_core import ValidationError

from reconcile.config.refusals import errors_by_path, word_refusal
from reconcile.config.tables import FleetDocument, FleetTable, InstanceTable, check, key_names
from reconcile.config.toml import LARGEST, Atlas, Source, decode_text, parse_source, read_bounded
from reconcile.config.values import parse_positive_duration
from reconcile.errors import KeyPath, LeafError, Place, Problems, ReconcileError, Where
from reconcile.messages import diagnose
from reconcile.model.address import misplaced

# A fleet: many instances, each with its own files, state and credential.


class Member(Struct, frozen=True, kw_only=True):
    """One instance that belongs to a fleet.

    `file`: absolute path of its desired state. `state_url`: where its state is kept, None where
    its own file says. `credential`: the name of a credential, never
    the token.
    """

    name: str
    file: str
    state_url: str | None
    credential: str


class Fleet(Struct, frozen=True, kw_only=True):
    """What `fleet.toml` declares. `members` are sorted by name.

    `database`: the Postgres that hands out the work; None where the environment says.
    `look_every_s`: how often it is asked which instances are due. `silent_after_s`: how long a
    worker may be silent before the others take its work.
    """

    members: tuple[Member, ...]
    database: str | None
    look_every_s: int
    silent_after_s: int


class Hold(Struct, frozen=True, kw_only=True):
    """A pause of a whole instance, until an instant (UTC) or until it is lifted."""

    until: datetime | None
    reason: str


class Seat(Struct, frozen=True, kw_only=True):
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


_LOOK_EVERY = "5s"
_SILENT_AFTER = "30s"
_LEAST_SILENCE = timedelta(seconds=3)
_SCHEMES = {"postgresql", "postgres"}


def load_fleet(path: Path) -> Fleet:
    """Load a fleet. Its instances' own files are not read. Raise `ReconcileError` with everything.

    Relative paths, those of local states too, start from the folder of `path`.
    """
    try:
        text = decode_text(read_bounded(path, LARGEST))
    except LeafError as error:
        place = Place(str(path))
        raise ReconcileError(
            diagnose(error.code, error.detail, hint=error.hint, places=(place,))
        ) from None
    source = Source(str(path), text, path.absolute().parent)
    problems = Problems()
    fleet = _lower(_document(parse_source(source), problems), source.directory, problems)
    atlas = Atlas(source)
    if problems.found():
        raise ReconcileError(
            *(
                diagnose(
                    problem.code,
                    problem.detail,
                    hint=problem.hint,
                    places=tuple(atlas.find(where) for where in problem.where),
                )
                for problem in problems.found()
            )
        )
    return fleet


def known_fleet_keys(table: KeyPath) -> tuple[str, ...]:
    """Return the keys of the table at that path of a fleet's file."""
    match table:
        case ("fleet", *_):
            return key_names(FleetTable)
        case ("instances", _, *_):
            return key_names(InstanceTable)
        case _:
            return key_names(FleetDocument)


def _document(raw: dict[str, Any], problems: Problems) -> FleetDocument:
    try:
        return check(FleetDocument, raw)
    except ValidationError as refused:
        for path, found in errors_by_path(raw, refused).items():
            word_refusal(Where(0, path), _at(raw, path), found, problems, known_fleet_keys)
        return FleetDocument()


def _at(raw: object, path: KeyPath) -> object:
    for part in path:
        if not isinstance(raw, Mapping) or part not in raw:
            return None
        raw = raw[part]
    return raw


def _lower(document: FleetDocument, directory: Path, problems: Problems) -> Fleet:
    table = document.fleet or FleetTable()
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
        if not entry.file:
            where = Where(0, ("instances", name, "file"))
            problems.add("missing-key", where, "An empty path is none of a file or a folder.")
    members = tuple(
        Member(
            name=name,
            file=str(directory / entry.file),
            state_url=_state_url(name, entry.state, directory, problems),
            credential=entry.credential or name,
        )
        for name, entry in sorted((document.instances or {}).items())
    )
    _check_states(members, problems)
    every = parse_positive_duration(table.look_every or _LOOK_EVERY)
    return Fleet(
        members=members,
        database=table.database,
        look_every_s=int(every.total_seconds()),
        silent_after_s=int(_silence(table.silent_after, problems).total_seconds()),
    )


def _silence(text: str | None, problems: Problems) -> timedelta:
    where = Where(0, ("fleet", "silent_after"))
    try:
        silence = parse_positive_duration(text or _SILENT_AFTER)
    except LeafError as error:
        problems.refuse(error, where)
        return _LEAST_SILENCE
    if silence < _LEAST_SILENCE:
        detail = "A worker says every second at most that it lives: 3s is the least to wait for it."
        problems.add("out-of-range", where, detail)
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


def _check_states(members: tuple[Member, ...], problems: Problems) -> None:
    seen: dict[str, str] = {}
    for member in members:
        if member.state_url is None:
            continue
        other = seen.setdefault(member.state_url, member.name)
        if other != member.name:
            both = tuple(Where(0, ("instances", name, "state")) for name in (member.name, other))
            detail = f"{member.name} and {other} would take each other's calls for their own."
            problems.add("fleet-state-shared", both, detail, "Give each a key of its own.")
