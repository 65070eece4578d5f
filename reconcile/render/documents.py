"""What is printed as JSON: a Struct a document, of which the published schema is made too.

Within a format version keys may be added, and readers ignore what they do not know. What a `_json`
function returns is indented and ends with a line break; instants are RFC 3339 in UTC.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from json import dumps
from pathlib import Path
from typing import Annotated, Final, Literal, get_args, get_origin

from msgspec import Meta, Struct, convert, field, inspect, json, to_builtins
from msgspec.json import schema_components
from msgspec.structs import asdict, astuple

from reconcile.errors import Diagnostic, Severity
from reconcile.model.address import Address
from reconcile.model.comparison import Difference, SavedPlan, Value
from reconcile.model.desired import LockedModel
from reconcile.model.observed import Imported, ImportedModel
from reconcile.model.plan import ActionKind, Excess, LimitName, Request, Standing, addresses_of
from reconcile.model.progress import LeftJob, Result, ResultStatus, Summary
from reconcile.model.reason import Status
from reconcile.model.struct import Instant, Telling, replace
from reconcile.render.reasons import Reader, reason_json, reason_kinds
from reconcile.render.words import file_words

# How every document is spelled, and how its schema is published.
#
# What `extra_json_schema` says is for readers and is not checked: it was, where it came from.

AnyAddress = Annotated[Address, Meta(extra_json_schema={"pattern": r"^(models|connections)\."})]
ItemAddress = Annotated[Address, Meta(extra_json_schema={"pattern": r"^models\."})]
ScheduleAddress = Annotated[Address, Meta(extra_json_schema={"pattern": r"^connections\."})]
Count = Annotated[int, Meta(extra_json_schema={"minimum": 0})]
Seconds = Annotated[float, Meta(extra_json_schema={"minimum": 0})]
Code = Annotated[str, Meta(extra_json_schema={"pattern": "^[a-z0-9-]+$"})]
Because = Annotated[
    dict[str, object],
    Meta(
        description="a reason: its kind, and facts that depend on it",
        extra_json_schema={
            "required": ["kind"],
            "properties": {"kind": {"enum": reason_kinds()}},
            "additionalProperties": True,
        },
    ),
]

_UNITS: Final = "Instants are RFC 3339 in UTC; what ends in _s is in seconds."
_GROWTH: Final = "Within a format version keys may be added: ignore what you do not know."


def encode(document: object) -> str:
    """Return indented JSON, ASCII only, ending with a line break.

    ASCII because bidi and zero-width characters are as harmful here as anywhere.
    """
    return f"{_spelled(document)}\n"


def encoded(document: Struct, **passing: Iterable[object]) -> Iterator[str]:
    """Yield what `encode` returns in pieces, so that a list told as it is read is held nowhere.

    `passing`: what stands in the place of fields, and is gone through once.
    """
    told = {name: getattr(document, name) for name in document.__struct_fields__} | passing
    lists = {n: value for n, value in told.items() if n in passing or isinstance(value, Telling)}
    rest = encode(replace(document, **dict.fromkeys(lists, ())))
    for name, entries in lists.items():
        # A line break stands in no string: there is one such line, at the top of the document.
        key = f'\n  "{name}": '
        before, rest = rest.split(f"{key}[]", 1)
        yield before + key
        yield from _listed(entries)
    yield rest


_AT_ONCE: Final = 100
"""Entries of a long list that are spelled together."""


def _listed(entries: Iterable[object]) -> Iterator[str]:
    """Yield a list as it stands one level deep in a document."""
    left, before = iter(entries), "["
    while some := list(islice(left, _AT_ONCE)):
        yield before + _spelled(some)[1:-2].replace("\n", "\n  ")
        before = ","
    yield "\n  ]" if before == "," else "[]"


def _spelled(value: object, indent: int = 2) -> str:
    try:
        text = json.format(_COMPILED.encode(value), indent=indent).decode()
    except UnicodeEncodeError:
        # msgspec knows no half surrogate pairs, which names of files may hold.
        plain = to_builtins(value, enc_hook=plain_value)
        text = dumps(plain, indent=indent or None, ensure_ascii=True, allow_nan=False)
    if not text.isascii() or _DELETE in text:
        text = _BEYOND_ASCII.sub(lambda found: dumps(found[0])[1:-1], text)
    return unheeded(text)


def unheeded(text: str) -> str:
    """Return the same JSON without `##`, by which CI runners find commands anywhere in a log."""
    # Only in a string can one stand next to another, and there it has a second spelling.
    return text.replace("##", "\\u0023\\u0023")


def plain_value(value: object) -> object:
    """Put a plain mapping in the place of a read-only one, and a list in that of a `Telling`."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Telling):
        return list(value)
    raise NotImplementedError


_COMPILED: Final = json.Encoder(enc_hook=plain_value)
_DELETE: Final = "\x7f"
_BEYOND_ASCII: Final = re.compile("[^\x00-~]")


def schema_of(title: str, *documents: type[Struct], grows: bool = True) -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of a document, which is one of these.

    What the first of them says of itself is the description. `grows`: keys may be added to it.
    A key with a default is there all the same, but in what leaves out its defaults.
    """
    omit = set(_leaving_out(documents))
    shapes, definitions = schema_components(
        documents, schema_hook=_anything, ref_template="#/$defs/{name}"
    )
    for name in definitions.keys() - omit:
        shape = definitions[name]
        known = shape.get("properties", {}).items()
        always = [key for key, value in known if "default" in value]
        shape["required"] = [*shape.get("required", ()), *always]
    one_of: dict[str, object] = {"anyOf": list(shapes)}
    if len(documents) == 1:
        one_of = definitions.pop(documents[0].__name__)
    said = " ".join((documents[0].__doc__ or "").split())
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"reconcile {title}",
        "description": " ".join([said, _UNITS, *([_GROWTH] if grows else [])]),
    }
    rest = {key: value for key, value in one_of.items() if key not in head}
    return {**head, **rest, "$defs": definitions}


def _leaving_out(documents: tuple[type[Struct], ...]) -> Iterator[str]:
    """Yield the names of the documents, and of what is in them, that leave out their defaults."""
    met: set[object] = set()
    left: list[object] = list(inspect.multi_type_info(documents))
    while left:
        match left.pop():
            case inspect.StructType(cls=kind, fields=fields) if kind not in met:
                met.add(kind)
                left += [one.type for one in fields]
                plain = get_origin(kind) or kind
                if plain.__struct_config__.omit_defaults:
                    yield plain.__name__
            case inspect.StructType():
                pass
            case inspect.Type() as whole:
                left += astuple(whole)
            case tuple() as parts:
                left += parts


def _anything(kind: type) -> dict[str, object]:
    if kind is object:
        return {"description": "any value"}
    raise NotImplementedError


class Printed(Struct, frozen=True, kw_only=True):
    """What every document begins with."""

    format_version: Literal[1] = 1


class RequestDocument(Struct, frozen=True, kw_only=True):
    """A request as a plan shows it; a repeated name of the query has a list of values."""

    method: str
    path: Annotated[str, Meta(extra_json_schema={"pattern": "^/"})]
    query: dict[str, str | list[str]]
    body: dict[str, str | bool | None] | None

    @staticmethod
    def of(request: Request | None) -> "RequestDocument | None":
        """Lay the query out by name."""
        if request is None:
            return None
        query: dict[str, str | list[str]] = {}
        for name, _ in request.query:
            values = [value for key, value in request.query if key == name]
            query[name] = values[0] if len(values) == 1 else values
        body = None if request.body is None else dict(request.body)
        return RequestDocument(method=request.method, path=request.path, query=query, body=body)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the query as it is sent."""
        for name, values in self.query.items():
            yield from ((name, one) for one in ([values] if isinstance(values, str) else values))


class Move(Struct, frozen=True):
    """A record that belongs to another address now."""

    old: AnyAddress = field(name="from")
    new: AnyAddress = field(name="to")


Moves = Annotated[tuple[Move, ...], Meta(extra_json_schema={"minItems": 1})]


class RidingDocument(Struct, frozen=True, kw_only=True):
    """An item that runs more often than its cadence alone would, by the whole time looked at."""

    address: AnyAddress
    along_with: AnyAddress
    runs: Count
    alone: Count


class Blocking(Struct, frozen=True):
    """A limit that an apply would not pass, and what lets one pass it."""

    limit: LimitName
    allowed: float
    planned: float
    waiver: Annotated[str, Meta(extra_json_schema={"pattern": "^--allow "})]

    @staticmethod
    def of(excess: Excess) -> "Blocking":
        """Return a limit that is passed."""
        return Blocking(excess.limit, excess.allowed, excess.planned, excess.waiver)


# A saved plan, and what became of it.


class SavedActionDocument(Struct, frozen=True, kw_only=True):
    """One action as it was approved, with the slot of each address."""

    kind: ActionKind
    slots: dict[Address, Instant | None]
    request: RequestDocument | None
    reason: str


class DifferenceDocument(Struct, frozen=True, kw_only=True):
    """One value that is another one now, in words of the file."""

    subject: str
    field: str | None
    then: str
    now: str

    @staticmethod
    def of(one: Difference) -> "DifferenceDocument":
        """Spell both sides."""

        def side(value: Value) -> str:
            return file_words(value) if one.field else str(value)

        return DifferenceDocument(
            subject=one.subject, field=one.field or None, then=side(one.then), now=side(one.now)
        )


class WaitingDocument(Struct, frozen=True, kw_only=True):
    """An approved item that nothing has settled since, and that is not called now either."""

    address: AnyAddress
    status: Status
    reason: str
    because: Because
    until: Instant | None

    @staticmethod
    def of(standing: Standing, reader: Reader) -> "WaitingDocument":
        """Say where the item stands."""
        return WaitingDocument(
            address=standing.address,
            status=standing.status,
            reason=reader.account(standing.address).tell(standing.reason),
            because=reason_json(standing.reason),
            until=standing.until,
        )


class SavedDocument(Printed, frozen=True, kw_only=True):
    """What `reconcile show PLAN --format json` prints."""

    now: Instant
    valid_until: Instant | None
    digest: str
    host: str | None
    blocked_by: tuple[Blocking, ...]
    force: tuple[AnyAddress, ...]
    select: tuple[str, ...]
    on_unknown: Literal["resend", "hold"]
    live: bool
    files: tuple[str, ...]
    state: str | None
    actions: tuple[SavedActionDocument, ...]
    stands: bool
    differences: tuple[DifferenceDocument, ...]
    left: Count
    covered: tuple[AnyAddress, ...]
    left_alone: tuple[AnyAddress, ...]
    spent: tuple[AnyAddress, ...]
    waiting: tuple[WaitingDocument, ...]


class SavedFate(Struct, frozen=True, kw_only=True):
    """What became of a saved plan.

    `differences`: why an apply would refuse it; there is none where it stands. Of one that stands
    `left` actions are to be done, `covered` was settled since, and `left_alone` fell due since.
    `spent`: forced by the plan, and done since. `waiting`: approved, not settled, and not called
    now. `blocked_by`: the limits an apply would not pass.
    """

    differences: Sequence[Difference] = ()
    left: int = 0
    covered: Sequence[Address] = ()
    left_alone: Sequence[Address] = ()
    spent: Sequence[Address] = ()
    waiting: Sequence[WaitingDocument] = ()
    blocked_by: Sequence[Blocking] = ()


def saved_json(plan: SavedPlan, fate: SavedFate) -> str:
    """Return a saved plan, and whether it still stands."""
    told = {
        **asdict(plan),
        **asdict(plan.choice),
        **asdict(fate),
        "format_version": 1,
        "on_unknown": "hold" if plan.choice.hold_unknown else "resend",
        "actions": [
            {**asdict(action), "request": RequestDocument.of(action.request)}
            for action in plan.actions
        ],
        "stands": not fate.differences,
        "differences": tuple(map(DifferenceDocument.of, fate.differences)),
    }
    return encode(convert(told, SavedDocument, from_attributes=True))


# What an apply came to.


class ResultDocument(Struct, frozen=True, kw_only=True):
    """How one action ended."""

    kind: ActionKind
    addresses: tuple[AnyAddress, ...]
    request: RequestDocument | None
    status: ResultStatus
    may_have_happened: bool
    message: str | None
    took_s: Seconds
    operation: str | None
    job: LeftJob | None

    @staticmethod
    def of(result: Result) -> "ResultDocument":
        """Return what became of an action."""
        action = result.action
        return ResultDocument(
            kind=action.kind,
            addresses=addresses_of(action),
            request=RequestDocument.of(getattr(action, "request", None)),
            status=result.status,
            may_have_happened=result.status in {"done", "unknown", "running", "unseen"},
            message=result.message,
            took_s=result.took_s,
            operation=result.operation,
            job=result.job,
        )


class TroubleDocument(Struct, frozen=True, kw_only=True):
    """What kept calls of many items back."""

    code: Code
    summary: str
    detail: str
    hint: str | None


class SummaryDocument(Printed, frozen=True, kw_only=True):
    """What `reconcile apply --format json` prints."""

    results: tuple[ResultDocument, ...]
    statuses: dict[ResultStatus, Count]
    calls: Count
    polls: Count
    took_s: Seconds
    interrupted: bool
    troubles: tuple[TroubleDocument, ...]


class ApplyOutline(Struct, frozen=True, kw_only=True):
    """What JSON prints of an apply, and what people are told besides.

    `done` of `calls` were made, by kind in `kinds`; `ended` of the `awaited` jobs. `noted`: new or
    changed items that were recorded. `jobs`: that were asked after. `undone`: what was left out, or
    did not reach Omni, for one reason is together.
    """

    document: SummaryDocument
    calls: int
    done: int
    kinds: tuple[tuple[ActionKind, int], ...]
    awaited: int
    ended: int
    forgotten: int
    adopted: int
    noted: int
    jobs: int
    undone: tuple[tuple[ResultDocument, ...], ...]


def summed(summary: Summary) -> ApplyOutline:
    """Return what an apply came to as a document."""
    results = tuple(map(ResultDocument.of, summary.results))
    statuses = Counter(result.status for result in results)
    counted = {status: statuses[status] for status in get_args(ResultStatus)}
    told = {**asdict(summary), "results": results, "statuses": counted}
    document = convert(told, SummaryDocument, from_attributes=True)
    silent = {"await", "forget", "rename", "adopt_schedule"}
    calls = [one for one in results if one.kind not in silent]
    kinds = Counter(one.kind for one in calls if one.status == "done")
    awaited = [one.status for one in results if one.kind == "await"]
    alike: dict[object, list[ResultDocument]] = {}
    for place, one in enumerate(results):
        shared = one.status in {"skipped", "not_sent"}
        if one.status != "done":
            alike.setdefault((one.status, one.message) if shared else place, []).append(one)
    return ApplyOutline(
        document=document,
        calls=len(calls),
        done=kinds.total(),
        kinds=tuple(sorted(kinds.items())),
        awaited=len(awaited),
        ended=awaited.count("done"),
        noted=summary.noted,
        forgotten=sum(one.kind == "forget" for one in results),
        adopted=sum(one.kind == "adopt_schedule" for one in results),
        jobs=sum(
            one.kind in {"refresh", "await"} and one.status not in {"skipped", "not_sent"}
            for one in results
        ),
        undone=tuple(map(tuple, alike.values())),
    )


class PlaceDocument(Struct, frozen=True, kw_only=True):
    """A spot in a file; lines and columns count from 1."""

    file: str
    line: Count | None
    column: Count | None
    width: Count
    text: str | None


class DiagnosticDocument(Struct, frozen=True, kw_only=True):
    """One thing to tell a person."""

    code: Code
    severity: Severity
    summary: str
    detail: str
    hint: str | None
    places: tuple[PlaceDocument, ...]


class DiagnosticsDocument(Printed, frozen=True, kw_only=True):
    """What any command prints on standard error with --format json, once or more."""

    diagnostics: tuple[DiagnosticDocument, ...]


def diagnostics_json(diagnostics: Iterable[Diagnostic], indent: int = 2) -> str:
    """Return diagnostics as one JSON object; on one line without an indent."""
    listed = convert(tuple(diagnostics), tuple[DiagnosticDocument, ...], from_attributes=True)
    return f"{_spelled(DiagnosticsDocument(diagnostics=listed), indent)}\n"


# What a command wrote, or would write, into the files.

Become = Literal["created", "added", "unchanged", "ignoring"]
"""What `init` did to a file."""


class StartedDocument(Printed, frozen=True, kw_only=True):
    """What `reconcile init --format json` prints: what became of the file."""

    file: str
    result: Become


class SaidDocument(Printed, frozen=True, kw_only=True):
    """What a verb of `state` prints that shows no record: what it did or found, line by line."""

    said: tuple[str, ...]


class FormattedFile(Struct, frozen=True, kw_only=True):
    """A file, and whether it was not in its canonical form; --check and --diff leave it so."""

    file: str
    changed: bool


class FormattedDocument(Printed, frozen=True, kw_only=True):
    """What `reconcile fmt --format json` prints."""

    files: tuple[FormattedFile, ...]


class NamedModel(Struct, frozen=True, kw_only=True):
    """A model: what addresses call it, and Omni's id and name of it."""

    name: str
    id: str
    title: str | None

    @staticmethod
    def of(model: ImportedModel | LockedModel) -> "NamedModel":
        """Return the names of a model."""
        return NamedModel(name=model.name, id=model.model_id, title=model.title)


class ImportDocument(Printed, frozen=True, kw_only=True):
    """What `reconcile import --format json` prints: what is added; with --diff, would be."""

    file: str
    models: tuple[NamedModel, ...]
    schedules: Annotated[Count, Meta(description="of Omni's own")]


class LockedDocument(Printed, frozen=True, kw_only=True):
    """What `reconcile lock --format json` prints: the models it names, who joined and who left.

    `moved`: those that are on another connection than the lock file said.
    """

    file: str
    models: Count
    joined: tuple[NamedModel, ...]
    left: tuple[NamedModel, ...]
    moved: tuple[NamedModel, ...]


def imported_json(file: Path, added: Imported) -> str:
    """Return the models that `import` adds to a file, and how many native schedules."""
    schedules = sum(len(connection.schedules) for connection in added.connections)
    models = tuple(map(NamedModel.of, added.models))
    return encode(ImportDocument(file=str(file), models=models, schedules=schedules))


def locked_json(
    file: Path,
    models: int,
    joined: Iterable[LockedModel],
    left: Iterable[LockedModel],
    moved: Iterable[LockedModel],
) -> str:
    """Return how many models a lock file names, who joined, who left, and who moved."""
    came, went, turned = (tuple(map(NamedModel.of, some)) for some in (joined, left, moved))
    return encode(
        LockedDocument(file=str(file), models=models, joined=came, left=went, moved=turned)
    )


# What codes mean.


class Meaning(Struct, frozen=True, kw_only=True):
    """What a diagnostic says, and a paragraph that explains it."""

    summary: str
    explanation: str


class ExplanationsDocument(Printed, frozen=True, kw_only=True):
    """What `reconcile explain --format json` prints: codes of diagnostics, and of the process."""

    codes: Annotated[
        dict[str, Meaning], Meta(extra_json_schema={"propertyNames": {"pattern": "^[a-z0-9-]+$"}})
    ]
    exit_codes: Annotated[
        dict[str, str], Meta(extra_json_schema={"propertyNames": {"pattern": "^[0-9]{1,3}$"}})
    ]


class KeyMeaning(Struct, frozen=True):
    """One key of the file: what it means and takes, and what it is where it is left out."""

    meaning: str
    takes: str
    default: str | None
    inherits: tuple[str, ...]
    example: str | None


class KeysDocument(Printed, frozen=True, kw_only=True):
    """What `reconcile explain KEY --format json` prints: keys by their path in a file."""

    keys: dict[str, KeyMeaning]


class TopicsDocument(Printed, frozen=True, kw_only=True):
    """What `reconcile docs --format json` prints: the title of each topic."""

    topics: dict[str, str]


class TopicDocument(Printed, frozen=True, kw_only=True):
    """What `docs TOPIC`, `help` and `completion` print with `--format json`: one text."""

    text: str
