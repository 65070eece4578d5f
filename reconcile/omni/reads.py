"""What an instance holds, read politely: each request waits its turn, some are repeated."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final, Generic, Literal, Protocol, TypeVar
from urllib.parse import quote

from msgspec import Struct

from reconcile import install_with
from reconcile.model.desired import NativeSchedule
from reconcile.model.observed import Observed, ObservedConnection, ObservedModel
from reconcile.model.plan import Request
from reconcile.model.progress import CallNotSent, CallRejected, CallUnknown, Proof
from reconcile.omni import replies
from reconcile.planning.budget import Turn

# What asking Omni came to: a closed union. A read is safe to repeat, so nothing is in doubt.

T = TypeVar("T")


class Found(Struct, Generic[T], frozen=True):
    """The answer. `server_date`: the reply's Date header."""

    value: T
    server_date: datetime | None = None


class Absent(Struct, frozen=True):
    """404: it does not exist, or this generation of the API cannot tell (omni-api.md 4.1)."""

    message: str
    server_date: datetime | None = None


class Forbidden(Struct, frozen=True):
    """401 or 403: a bad token (`token`), or one that may not see this (omni-api.md 4, row 10)."""

    message: str
    token: bool = False
    server_date: datetime | None = None


class Unreadable(Struct, frozen=True):
    """No usable answer: unreachable, refused, throttled, broken off, or not understood."""

    message: str
    server_date: datetime | None = None


Miss = Absent | Forbidden | Unreadable
Finding = Found[T] | Miss


def find(answer: replies.Answer, decode: Callable[[object], T]) -> Finding[T]:
    """Decode what was asked for, or say why there is nothing.

    `decode` raises UnusableReplyError where the reply does not say what it has to.
    """
    reply = replies.open_reply(answer)
    if not isinstance(reply, replies.Reply):
        return _miss(reply)
    try:
        return Found(decode(replies.decode_json(reply.body)), reply.date)
    except replies.UnusableReplyError as error:
        return Unreadable(str(error), reply.date)


def _miss(failure: replies.Failure) -> Miss:
    match failure:
        case CallRejected(Proof.NOT_FOUND, message=message):
            return Absent(message, failure.server_date)
        case CallRejected(Proof.TOKEN | Proof.FORBIDDEN, message=message):
            bad = failure.proof is Proof.TOKEN
            return Forbidden(message, token=bad, server_date=failure.server_date)
        case CallRejected(message=message) | CallUnknown(message):
            return Unreadable(message, failure.server_date)
        case CallNotSent(message):
            return Unreadable(message)


# Reads Omni's lists of models and connections, tolerant of every published shape. Pure.

PAGE_SIZE = 100
"""What clients send [code]; the maximum for models is not documented (omni-api.md 1.6)."""


class ModelPage(Struct, frozen=True):
    """One page. `cursor`: where the next one begins; None: this is the last, "": it is not said."""

    models: tuple[ObservedModel, ...]
    cursor: str | None


def models_request(cursor: str | None, *, model_id: str | None = None) -> Request:
    """Build one page of all models, deleted ones and active branches included [SPEC-A/B].

    In order of creation, because refreshes that run meanwhile would reorder the server's own order
    and move models from page to page.
    """
    query = [
        ("pageSize", str(PAGE_SIZE)),
        ("sortField", "createdAt"),
        ("sortDirection", "asc"),
        ("includeDeleted", "true"),
        ("include", "activeBranches"),
    ]
    if model_id is not None:
        query.append(("modelId", model_id))
    if cursor is not None:
        query.append(("cursor", cursor))
    return Request("GET", "/api/v1/models", tuple(query))


def read_models(body: object) -> ModelPage:
    """Read one page of models. Raises UnusableReplyError."""
    records = replies.records_field(body, "records", "models")
    info = body.get("pageInfo") if isinstance(body, dict) else None
    return ModelPage(tuple(map(_model, records)), _cursor(info if isinstance(info, dict) else {}))


def read_connections(body: object) -> tuple[ObservedConnection, ...]:
    """Read the connections. Raises UnusableReplyError."""
    return tuple(
        ObservedConnection(
            connection_id=replies.id_field(fields, "id", "connectionId"),
            name=replies.text_field(fields, "name"),
            dialect=replies.text_field(fields, "dialect"),
            database=replies.text_field(fields, "database"),
            deleted_at=replies.instant_field(fields, "deletedAt", "deleted_at"),
        )
        for fields in replies.records_field(body, "connections", "records")
    )


def _model(fields: Mapping[str, object]) -> ObservedModel:
    branches = fields.get("branches")
    return ObservedModel(
        model_id=replies.id_field(fields, "id", "modelId"),
        name=replies.text_field(fields, "name"),
        kind=replies.text_field(fields, "modelKind", "model_kind", "kind"),
        connection_id=replies.text_field(fields, "connectionId", "connection_id"),
        base_model_id=replies.text_field(fields, "baseModelId", "base_model_id"),
        deleted_at=replies.instant_field(fields, "deletedAt", "deleted_at"),
        # Docs give whole models here, the spec an id and a name (omni-api.md 4, row 19).
        branches=MappingProxyType(
            {
                replies.id_field(branch, "id"): replies.text_field(branch, "name") or ""
                for branch in replies.records_field(branches or [], "branches")
            }
        ),
    )


def _cursor(info: Mapping[str, object]) -> str | None:
    """Return the next cursor; "" where more is promised and no cursor given."""
    more = info.get("hasNextPage", info.get("hasMore"))
    cursor = replies.text_field(info, "nextCursor", "cursor")
    if more is False:
        return None
    return (cursor or "") if more is True else (cursor or None)


# Reads the names of cache policies from a model's YAML (omni-api.md 3.4). Pure.

FILE: Final = "model"
"""The model file's key, as Omni's own skills spell it [infer]; a suffix is tolerated."""

_SPELLINGS: Final = (FILE, f"{FILE}.yaml", f"{FILE}.yml")


def read_policies(body: object) -> tuple[str, ...]:
    """Read the policy names from `{files: {name: yaml}}`; none where there is no such file.

    Raises UnusableReplyError.
    """
    files = body.get("files") if isinstance(body, dict) else None
    if not isinstance(files, dict):
        raise replies.UnusableReplyError("the reply has no files")
    # A server that was asked for one file may call it what it likes.
    alone = next(iter(files.values())) if len(files) == 1 else None
    text = next((files[name] for name in _SPELLINGS if name in files), alone)
    if not isinstance(text, str | None):
        raise replies.UnusableReplyError("the model's file in the reply is not text")
    return section_keys(text or "", "cache_policies")


# Reads the names of a model's schemas: what the filters of a refresh choose from. Pure.


def read_schemas(body: object) -> tuple[str, ...]:
    """Read the names, `{schemas: [name]}` or a bare array (omni-api.md 4, row 14).

    Raises UnusableReplyError.
    """
    names = body.get("schemas") if isinstance(body, dict) else body
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise replies.UnusableReplyError("the reply has no list of schemas")
    return tuple(names)


# Reads Omni's own schedules of a connection (omni-api.md 5). Pure.


def schedules_request(connection_id: str) -> Request:
    """Build the list of a connection's schedules, which is not paged [SPEC-A]."""
    return Request("GET", f"/api/v1/connections/{quote(connection_id, safe='')}/schedules")


def read_schedules(body: object, *, connection_id: str) -> tuple[NativeSchedule, ...]:
    """Read the schedules of a connection, in the server's order. Raises UnusableReplyError."""
    return tuple(
        replies.read_schedule(fields, connection_id=connection_id)
        for fields in replies.records_field(body, "schedules", "records")
    )


# Reads who a token is and what it may do to models (omni-api.md 1.3 [SPEC-B only]). Pure.


Permissions = Mapping[str, frozenset[str]]
"""What a token may do, by model id, in Omni's words, such as UPDATE. Empty where it is not told."""


def read_whoami(body: object) -> Permissions:
    """Read what the token may do. Raises UnusableReplyError."""
    if not isinstance(body, dict):
        raise replies.UnusableReplyError("the reply is not a JSON object")
    roles = body.get("rolesByModel") or {}
    if not isinstance(roles, dict):
        raise replies.UnusableReplyError("rolesByModel in the reply is not an object")
    return {model_id: _permissions(found) for model_id, found in roles.items()}


def _permissions(found: object) -> frozenset[str]:
    """Read those of a role; the spec does not say how they are spelled."""
    if isinstance(found, str):
        return frozenset()
    if not isinstance(found, dict):
        raise replies.UnusableReplyError("a role in the reply is neither text nor an object")
    named = found.get("permissions", found.get("effectivePermissions")) or []
    if isinstance(named, dict):  # {UPDATE: true, ...}
        named = [name for name, held in named.items() if held]
    if not isinstance(named, list):
        raise replies.UnusableReplyError("permissions in the reply are no list")
    return frozenset(name for name in named if isinstance(name, str))


# Reads what an instance holds, politely: each request waits its turn, some are repeated.
#
# A GET is safe to repeat, unlike every call of `http`.

MOST_PAGES = 500
"""50,000 models; a server that promises more is taken to be lost in a circle [code OF]."""

_WAITS_S = (1.0, 2.0, 4.0)
"""Before each further attempt; a budget that a 429 has closed makes the wait longer."""

_THROTTLED = 429
_AT_ONCE = 10


class Exchanging(Protocol):
    """Whatever sends one request and ends in an answer."""

    async def exchange(self, request: Request) -> replies.Answer:
        """Send one request, once."""


class Turns(Protocol):
    """The request budget."""

    def turn(self, kind: Turn) -> Awaitable[None]:
        """Wait until one request may be sent right now, and count it."""

    def penalise(self, retry_after_s: float | None) -> float:
        """Slow down after a 429; returns for how many seconds nothing is sent."""


class OmniReader:
    """Reads from one instance. Make it inside a loop.

    `requests` counts what was sent, repeats included. `clock_ahead_s`: how far the clock `now` runs
    ahead of Omni's, by the Date of its replies; None as long as none had one.
    """

    def __init__(self, omni: Exchanging, limiter: Turns, now: Callable[[], datetime]) -> None:
        self.requests = 0
        self.clock_ahead_s: float | None = None
        self._omni = omni
        self._limiter = limiter
        self._now = now
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def fetch_models(self, model_id: str | None = None) -> Finding[tuple[ObservedModel, ...]]:
        """Read every model there is, deleted ones and branches included, or one by its id.

        A list that breaks off is no list: what it leaves out would look as if it did not exist.
        """
        models: dict[str, ObservedModel] = {}
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            page = await self._read(models_request(cursor, model_id=model_id), read_models)
            if not isinstance(page, Found):
                return page
            models.update((model.model_id, model) for model in page.value.models)
            cursor = page.value.cursor
            if cursor is None:
                return Found(tuple(models.values()), page.server_date)
            if not cursor or cursor in seen:
                return Unreadable("the list of models promises more and does not say where")
            seen.add(cursor)
        return Unreadable(f"the list of models has more than {MOST_PAGES} pages")

    async def fetch_connections(self) -> Finding[tuple[ObservedConnection, ...]]:
        """Read every connection, which is not paged; for admins only (omni-api.md 2.6)."""
        request = Request("GET", "/api/v1/connections", (("includeDeleted", "true"),))
        return await self._read(request, read_connections)

    async def fetch_policies(self, model_id: str) -> Finding[tuple[str, ...]]:
        """Read the names of a model's own cache policies; models that extend it may have more."""
        path = f"/api/v1/models/{quote(model_id, safe='')}/yaml"
        return await self._read(Request("GET", path, (("fileName", FILE),)), read_policies)

    async def fetch_schemas(self, subject: str) -> Finding[tuple[str, ...]]:
        """Read the names of the schemas that a model knows, or a branch as `branch_of` names it."""
        model_id, _, branch_id = subject.partition(" ")
        path = f"/api/v1/models/{quote(model_id, safe='')}/schemas"
        query = (("branch_id", branch_id),) if branch_id else ()
        return await self._read(Request("GET", path, query), read_schemas)

    async def fetch_schedules(self, connection_id: str) -> Finding[tuple[NativeSchedule, ...]]:
        """Read Omni's own schedules of a connection; for connection admins (omni-api.md 5)."""
        read = partial(read_schedules, connection_id=connection_id)
        return await self._read(schedules_request(connection_id), read)

    async def fetch_whoami(self, model_ids: Iterable[str] = ()) -> Finding[Permissions]:
        """Ask what the token may do to each of these models; an older server answers `Absent`."""
        wanted = ",".join(model_ids)
        query = (("modelId", wanted),) if wanted else ()
        return await self._read(Request("GET", "/api/v1/whoami", query), read_whoami)

    async def _read(self, request: Request, decode: Callable[[object], T]) -> Finding[T]:
        return find(await self._ask(request), decode)

    async def _ask(self, request: Request) -> replies.Answer:
        """Send a request until the answer is worth having, a few times at most."""
        async with self._gate:
            for wait_s in _WAITS_S:
                answer = await self._send(request)
                if not _worth_repeating(answer):
                    return answer
                await asyncio.sleep(wait_s)
            return await self._send(request)

    async def _send(self, request: Request) -> replies.Answer:
        await self._limiter.turn(Turn.CALL)
        self.requests += 1
        answer = await self._omni.exchange(request)
        failure = replies.open_reply(answer)
        if isinstance(failure, CallRejected) and failure.proof is Proof.THROTTLED:
            self._limiter.penalise(failure.retry_after_s)
        if isinstance(answer, replies.Reply) and answer.date is not None:
            # The least difference: whole seconds and a slow network only ever add to it.
            ahead_s = (self._now() - answer.date) / timedelta(seconds=1)
            known_s = self.clock_ahead_s
            self.clock_ahead_s = ahead_s if known_s is None else min(known_s, ahead_s)
        return answer


def _worth_repeating(answer: replies.Answer) -> bool:
    """Whether another attempt may end otherwise: throttled, a server in trouble, or broken off."""
    if isinstance(answer, replies.NoReply):
        return answer.sent
    redirected = 300 <= answer.status < 400  # noqa: PLR2004 - a class of HTTP statuses
    passing = replies.proves_nothing(answer.status) and not redirected
    return answer.status == _THROTTLED or passing or answer.cut


# One look at a live instance, with as few requests as it takes.
#
# At most one request for every hundred models, one for every model whose policies or schemas and
# every connection whose schedules are wanted, and one for the connections.

K = TypeVar("K", str, None)


class LookRequest(Struct, frozen=True):
    """What to look at beside the two lists: ids of models and of connections, without repeats.

    `schemas_of`: models and branches, as `branch_of` names them.
    """

    policies_of: tuple[str, ...] = ()
    schedules_of: tuple[str, ...] = ()
    schemas_of: tuple[str, ...] = ()


Choose = Callable[[tuple[ObservedModel, ...], tuple[ObservedConnection, ...]], LookRequest]
"""Decides what else to look at once the lists are known; a list that cannot be read is empty."""

Part = Literal["models", "connections", "policies", "schedules", "schemas"]


class Gap(Struct, frozen=True):
    """A part that was asked for and not told.

    `subject`: a model's or a connection's id, of schemas as `branch_of` names it.
    """

    part: Part
    subject: str | None
    miss: Miss


class LiveLook(Struct, frozen=True, kw_only=True):
    """What was seen, what was not, and how many requests it took, repeats included."""

    observed: Observed
    gaps: tuple[Gap, ...]
    requests: int


async def observe(
    omni: Exchanging, limiter: Turns, wanted: Choose, now: Callable[[], datetime]
) -> LiveLook:
    """Look at an instance. Every failure is a gap, and only a part is lost to it.

    But a token that may not list models is not tried on anything else: it is a wrong one, and more
    attempts would look like guessing.
    """
    reader = OmniReader(omni, limiter, now)
    models = await reader.fetch_models()
    if isinstance(models, Forbidden):
        gap = Gap("models", None, models)
        return LiveLook(observed=Observed(at=now()), gaps=(gap,), requests=reader.requests)
    connections = await reader.fetch_connections()
    chosen = wanted(_value(models) or (), _value(connections) or ())
    policies, schedules, schemas = await asyncio.gather(
        _each(chosen.policies_of, reader.fetch_policies),
        _each(chosen.schedules_of, reader.fetch_schedules),
        _each(chosen.schemas_of, reader.fetch_schemas),
    )
    observed = Observed(
        at=now(),
        models=_value(models),
        connections=_value(connections),
        policies=_values(policies),
        schemas=_values(schemas),
        schedules=_values(schedules),
        clock_ahead_s=reader.clock_ahead_s,
    )
    gaps = (
        *_gaps("models", {None: models}),
        *_gaps("connections", {None: connections}),
        *_gaps("policies", policies),
        *_gaps("schedules", schedules),
        *_gaps("schemas", schemas),
    )
    return LiveLook(observed=observed, gaps=gaps, requests=reader.requests)


async def _each(
    subjects: Iterable[str], fetch: Callable[[str], Awaitable[Finding[T]]]
) -> dict[str, Finding[T]]:
    """Ask about each subject once, side by side; the reader paces them."""
    wanted = tuple(dict.fromkeys(subjects))
    found = await asyncio.gather(*map(fetch, wanted))
    return dict(zip(wanted, found, strict=True))


def _value(finding: Finding[T]) -> T | None:
    return finding.value if isinstance(finding, Found) else None


def _values(findings: Mapping[str, Finding[T]]) -> Mapping[str, T]:
    found = {name: item.value for name, item in findings.items() if isinstance(item, Found)}
    return MappingProxyType(found)


def _gaps(part: Part, findings: Mapping[K, Finding[T]]) -> Iterator[Gap]:
    for subject, finding in findings.items():
        if not isinstance(finding, Found):
            yield Gap(part, subject, finding)


# Lists the keys of one mapping at the top of a YAML document, from its events alone.
#
# Nothing is constructed: an alias is never followed and a merge never carried out, so a small
# hostile document stays small, and one of a thousand levels costs no stack.

_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})
_IN_SECTION: Final = 2


def section_keys(text: str, section: str) -> tuple[str, ...]:
    """Return the keys of a top-level section in the order of the document; none if it is not there.

    Raises UnusableReplyError for what is no YAML, no mapping, or has keys that are not plain text,
    and where no YAML reader is installed.
    """
    try:
        import yaml  # noqa: PLC0415 - an extra, and only who looks at policies needs it
    except ImportError as error:
        raise replies.UnusableReplyError(
            f"reading it needs PyYAML: {install_with('live')}"
        ) from error
    walk = _Walk(section)
    try:
        # The C parser is far faster; where it was not built, the other reads the same.
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.CollectionEndEvent):
                walk.leave()
            elif isinstance(event, yaml.NodeEvent):
                scalar = event.value if isinstance(event, yaml.ScalarEvent) else None
                walk.begin(scalar, is_mapping=isinstance(event, yaml.MappingStartEvent))
                if isinstance(event, yaml.CollectionStartEvent):
                    walk.open_counts.append(0)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise replies.UnusableReplyError(f"the model's YAML cannot be read{where}") from None
    return tuple(dict.fromkeys(walk.keys))


class _Walk:
    """Follows the events of one document. `open_counts`: nodes begun in each open collection."""

    def __init__(self, section: str) -> None:
        self.keys: list[str] = []
        self._section = section
        self.open_counts: list[int] = []
        self._at_section = False
        self._inside = False

    def leave(self) -> None:
        """Come back out of a collection."""
        self.open_counts.pop()
        self._inside = self._inside and len(self.open_counts) >= _IN_SECTION

    def begin(self, text: str | None, *, is_mapping: bool) -> None:
        """Look at a node at its beginning. `text`: of a scalar, None for anything else."""
        depth = len(self.open_counts)
        is_key = False
        if depth:
            is_key = self.open_counts[-1] % 2 == 0
            self.open_counts[-1] += 1
        match depth:
            case 0:
                _require(is_mapping or text in _NOTHING, "the model's YAML is not a mapping")
            case 1 if is_key:
                self._at_section = text == self._section
            case 1 if self._at_section:
                self._inside = is_mapping
                _require(is_mapping or text in _NOTHING, f"{self._section} is not a mapping")
            case 2 if self._inside and is_key:
                # A merge (`<<`) brings in names that are written elsewhere: the list is not whole.
                _require(text not in {None, "<<"}, f"a key of {self._section} is not plain text")
                self.keys.append(text or "")


def _require(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise replies.UnusableReplyError(otherwise)
