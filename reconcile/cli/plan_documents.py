"""Reads plans that were printed as JSON, or saved with `plan --out`, to compare them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from reconcile.config.problems import LeafError
from reconcile.config.toml import read_bounded
from reconcile.model.address import Address
from reconcile.model.comparison import PlanDocument, PlannedCall, Value
from reconcile.model.diagnostic import Diagnostic, Place, ReconcileError
from reconcile.render.documents import PLAN_FORMAT_VERSION
from reconcile.state.codec import MalformedError, array, count, decode_json, free_form, text

LARGEST = 10 * 1024 * 1024
"""Bytes of one plan read at most: that of ten thousand items is about half as large."""

_NEVER = datetime.min.replace(tzinfo=UTC)


def load_plan_document(path: Path) -> PlanDocument:
    """Load one plan; raise ReconcileError if the file is not one, whole and of a known format."""
    try:
        document = free_form(decode_json(read_bounded(path, LARGEST)))
        if "format" in document and "format_version" not in document:
            return _decode_saved(document)
        _require_version(count(document.get("format_version")), path)
        return _decode_printed(document)
    except LeafError as error:
        summary = "A plan cannot be read"
        raise _refusal(error.code, summary, error.detail, path) from None
    except MalformedError as error:
        raise _refusal(
            "not-a-plan",
            "The file is not a plan",
            "It is neither the JSON that plan --format json prints nor what plan --out saves: "
            f"{error}.",
            path,
        ) from None


def _require_version(version: int, path: Path) -> None:
    if version != PLAN_FORMAT_VERSION:
        raise _refusal(
            "plan-of-another-format",
            "The plan is of another format",
            f"It has format_version {version}, and this version reads {PLAN_FORMAT_VERSION}.",
            path,
        )


def _decode_printed(document: Mapping[str, object]) -> PlanDocument:
    items = [free_form(item) for item in array(document.get("items"))]
    actions = [free_form(action) for action in array(document.get("actions"))]
    return PlanDocument(
        now=_instant(document.get("now")),
        digest=text(document.get("digest")),
        host=_optional_text(document.get("host")),
        calls=_once(call for action in actions for call in _printed_calls(action)),
        statuses=tuple((Address(text(i.get("address"))), text(i.get("status"))) for i in items),
    )


def _printed_calls(action: Mapping[str, object]) -> Iterable[PlannedCall]:
    covers = [free_form(cover) for cover in array(action.get("covers"))]
    slots = {text(cover.get("address")): cover.get("slot") for cover in covers}
    for address in map(text, array(action.get("addresses"))):
        yield _call(address, text(action.get("kind")), slots.get(address), action.get("request"))


def _decode_saved(document: Mapping[str, object]) -> PlanDocument:
    """Read what `plan --out` wrote. It does not say where items stand."""
    actions = [free_form(action) for action in array(document.get("actions"))]
    return PlanDocument(
        now=_instant(document.get("now")),
        digest=text(document.get("digest")),
        host=_optional_text(document.get("host")),
        calls=_once(
            _call(address, text(action.get("kind")), slot, action.get("request"))
            for action in actions
            for address, slot in free_form(action.get("slots")).items()
        ),
        statuses=(),
    )


def _call(address: str, kind: str, slot: object, request: object) -> PlannedCall:
    fields: list[tuple[str, Value]] = [("kind", kind)]
    if slot is not None:
        fields.append(("slot", _instant(slot)))
    if request is not None:
        told = free_form(request)
        method, path = text(told.get("method")), text(told.get("path"))
        fields.append(("request", f"{method} {path}"))
        fields.append(("query", tuple(_pairs(told.get("query")))))
        if slot is not None and told.get("body") is not None:
            # A body without a slot holds the plan's own `now`, which means nothing: see `digest`.
            fields.append(("body", tuple(_pairs(told.get("body")))))
    return PlannedCall(Address(address), tuple(fields))


def _pairs(value: object) -> Iterable[str]:
    """Read names and values, from an object or from pairs; `name=value` each."""
    pairs = value if isinstance(value, list) else list(free_form(value).items())
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:  # noqa: PLR2004 -- a pair
            raise MalformedError("a name and a value are expected where there are none")
        name, told = pair
        for word in told if isinstance(told, list) else [told]:
            yield f"{text(name)}={'' if word is None else text(word)}"


def _once(calls: Iterable[PlannedCall]) -> tuple[PlannedCall, ...]:
    listed = tuple(calls)
    if len({call.address for call in listed}) < len(listed):
        raise MalformedError("an address is in two of its actions")
    return listed


def _instant(value: object) -> datetime:
    try:
        instant = datetime.fromisoformat(text(value))
    except ValueError:
        instant = _NEVER.replace(tzinfo=None)
    if instant.tzinfo is None:
        raise MalformedError("an instant with a zone is expected where there is none")
    return instant.astimezone(UTC)


def _optional_text(value: object) -> str | None:
    return None if value is None else text(value)


def _refusal(code: str, summary: str, detail: str, path: Path) -> ReconcileError:
    hint = "reconcile plan --format json > plan.json"
    place = Place(str(path))
    return ReconcileError(
        Diagnostic(code=code, summary=summary, detail=detail, hint=hint, places=(place,))
    )
