"""A plan or a change for whoever is to review it: as a comment, as a page, as a comparison."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from reconcile.clock import wall_clock
from reconcile.config.load import Understood
from reconcile.config.toml import read_bounded
from reconcile.config.values import parse_positive_duration
from reconcile.errors import Diagnostic, ExitCode, LeafError, Place, ReconcileError, fail
from reconcile.model.address import Address
from reconcile.model.comparison import BothVersions, Comparison, PlannedCall, PrintedPlan, Value
from reconcile.model.desired import Desired
from reconcile.model.plan import Plan
from reconcile.model.recorded import Recorded
from reconcile.model.struct import Count, Instant, replace
from reconcile.planning.compare import compare
from reconcile.planning.forecast import timeline
from reconcile.planning.plan import plan
from reconcile.planning.walk import Outset, covered_by
from reconcile.render.actions import PLAN_FORMAT_VERSION
from reconcile.render.layout import Told
from reconcile.render.outline import outlined
from reconcile.review.git import commit_of, load_version
from reconcile.review.outline import reviewed
from reconcile.review.text import (
    ComparisonDocument,
    comparison_document,
    comparison_text,
    plan_difference_json,
    plan_difference_text,
    plan_difference_told,
)
from reconcile.state.codec import MalformedError, convert, decode
from reconcile.terminal.console import Console
from reconcile.terminal.inputs import operator_url, planning_arguments
from reconcile.terminal.options import Options

# A plan for people who were not there: as a comment on a change, or as a page.

WIDTHS = {"markdown": 96, "html": 40}
"""Cells of a line that is told: a comment is read on a desktop, a page also on a phone."""


class Beside(Struct, frozen=True):
    """What a review shows beside the plan.

    `before`: the version compared with. `live`: the lines of what a look at the instance found,
    for a page; a comment has them below.
    """

    comparison: Comparison | None = None
    before: Desired | None = None
    live: Sequence[str] = ()


def say_review(
    planned: Plan,
    desired: Desired,
    recorded: Recorded,
    options: Options,
    console: Console,
    beside: Beside,
) -> None:
    """Print a plan with the next days, and with what changes where that was asked."""
    arguments = tuple(planning_arguments(options))
    outline = outlined(
        planned,
        host=desired.base_url,
        dated=True,
        recorded=recorded,
        complete=console.complete,
    )
    review, comparison, horizon = None, beside.comparison, horizon_of(options.horizon)
    if comparison is not None:
        # The days of both start from the same record, be it only assumed.
        recorded = comparison.recorded
        review = reviewed(comparison, options.against, commit_of(options.against, options.file))
    ahead = before = None
    if review is None or console.format == "html":
        ahead = timeline(desired, recorded, planned, horizon, wall_clock())
    if console.format != "html":
        from reconcile.review.markdown import plan_markdown

        console.say(plan_markdown(outline, ahead, arguments=arguments, review=review))
        return
    from reconcile.review.page import plan_html

    if beside.before is not None:
        earlier = plan(beside.before, recorded, planned.now, clock=wall_clock())
        before = timeline(beside.before, recorded, earlier, horizon, wall_clock())
    console.say(
        plan_html(
            outline, ahead, arguments=arguments, review=review, before=before, live=beside.live
        )
    )


def say_no_plan(diagnostics: Sequence[Diagnostic], options: Options, console: Console) -> None:
    """Print why there is no plan as a comment or a page; it takes the place of an earlier one."""
    if console.format == "html":
        from reconcile.review.page import no_plan_html

        console.say(no_plan_html(diagnostics, options.against))
        return
    from reconcile.review.markdown import no_plan_markdown

    console.say(no_plan_markdown(diagnostics, options.against))


def say_told(told: Told, console: Console) -> None:
    """Print what is told in lines of text, as a comment or as a page."""
    if console.format == "html":
        from reconcile.render.page import told_html

        console.say(told_html(told))
        return
    from reconcile.review.markdown import told_markdown

    console.say(told_markdown(told))


# `plan --against` and `plan diff`: what changes, for whoever is to review or approve it.

LONGEST_HORIZON = timedelta(days=92)


def both_versions(options: Options, desired: Desired, present: Understood) -> BothVersions:
    """Load the version that `--against` names, and nothing else: no token, no socket, no state."""
    before, lacking = load_version(options.against, options.file, present)
    said: str | None = operator_url(options)
    if lacking and not before.items:
        said = desired.state_url  # What declared nothing kept no state that could be left behind.
    before = before if said is None else replace(before, state_url=said)
    return BothVersions(before, desired, lacking)


def compare_with(
    versions: BothVersions, options: Options, recorded: Recorded, planned: Plan
) -> Comparison:
    """Compare what is declared, and planned, with an earlier version."""
    horizon = horizon_of(options.horizon)
    outset = Outset(clock=wall_clock(), covered=covered_by(planned))
    before, after = versions.before, versions.after
    compared = compare(before, after, recorded, planned.now, horizon, outset)
    return replace(compared, lacking=versions.lacking)


def comparison_told(comparison: Comparison, options: Options) -> ComparisonDocument:
    """Return a comparison as the key `against` of the plan's JSON."""
    return comparison_document(comparison, options.against)


def say_comparison(comparison: Comparison, options: Options, console: Console) -> None:
    """Print a comparison as text by itself.

    A reviewer wants the change, not what happens to be due at this minute; --verbose adds that.
    """
    coloured, width = console.coloured(console.out), console.width()
    console.say(comparison_text(comparison, options.against, width=width, colour=coloured))


def diff_files(options: Options, console: Console) -> int:
    """Print what changed between two plans; with --detailed-exitcode, 2 if anything did."""
    from reconcile.planning.fields import diff_plans

    first, second = (load_plan_document(Path(name)) for name in _two_files(options))
    if not (first.statuses and second.statuses):
        # A saved plan does not say where items stand.
        first, second = replace(first, statuses=()), replace(second, statuses=())
    difference = diff_plans(first, second)
    if console.format == "json":
        console.say(plan_difference_json(difference))
    elif console.format == "text":
        coloured = console.coloured(console.out)
        console.say(plan_difference_text(difference, width=console.width(), colour=coloured))
    else:
        say_told(plan_difference_told(difference, width=WIDTHS[console.format]), console)
    return ExitCode.CALLS if options.detailed_exitcode and not difference.is_empty else 0


def _two_files(options: Options) -> tuple[str, str]:
    match options.diff:
        case ["diff", first, second] if options.against is None and options.out is None:
            return first, second
    raise fail(
        "bad-usage",
        headline="plan diff takes two plans and nothing else",
        detail="It compares two files; --against compares the desired state with another "
        "version of it.",
        hint="reconcile plan diff APPROVED.json NOW.json",
    )


def horizon_of(text: str) -> timedelta:
    """Read `--horizon`."""
    try:
        horizon = parse_positive_duration(text)
        if horizon <= LONGEST_HORIZON:
            return horizon
        detail = f"{text} is longer than {LONGEST_HORIZON.days} days, the most there is."
    except LeafError as error:
        detail = error.detail
    raise fail(
        "bad-duration",
        headline="--horizon needs a duration",
        detail=detail,
        hint="reconcile plan --against origin/main --horizon 7d",
    )


# Reads plans that were printed as JSON, or saved with `plan --out`, to compare them.

LARGEST = 10 * 1024 * 1024
"""Bytes of one plan read at most: that of ten thousand items is about half as large."""


class _Cover(Struct, frozen=True):
    address: Address
    slot: Instant | None = None


_Word = str | bool | tuple[str | None, ...] | None
_Pairs = dict[str, _Word] | tuple[tuple[str, _Word], ...]


class _Request(Struct, frozen=True):
    method: str
    path: str
    query: _Pairs
    body: _Pairs | None = None


class _PrintedAction(Struct, frozen=True):
    kind: str
    addresses: tuple[Address, ...]
    covers: tuple[_Cover, ...]
    request: _Request | None = None

    def each(self) -> Iterable[tuple[Address, datetime | None]]:
        slots = {cover.address: cover.slot for cover in self.covers}
        return ((address, slots.get(address)) for address in self.addresses)


class _SavedAction(Struct, frozen=True):
    kind: str
    slots: dict[Address, Instant | None]
    request: _Request | None = None

    def each(self) -> Iterable[tuple[Address, datetime | None]]:
        return self.slots.items()


class _Stands(Struct, frozen=True):
    address: Address
    status: str


class _Head(Struct, frozen=True, kw_only=True):
    now: Instant
    digest: str
    host: str | None = None


class _Printed(_Head, frozen=True, kw_only=True):
    items: tuple[_Stands, ...]
    actions: tuple[_PrintedAction, ...]


class _Saved(_Head, frozen=True, kw_only=True):
    """What `plan --out` wrote. It does not say where items stand."""

    actions: tuple[_SavedAction, ...]


def load_plan_document(path: Path) -> PrintedPlan:
    """Load one plan; raise ReconcileError if the file is not one, whole and of a known format."""
    try:
        data = read_bounded(path, LARGEST)
        document = decode(data, dict[str, object])
        if "format" in document and "format_version" not in document:
            return _plan_of(convert(document, _Saved), ())
        _require_version(convert(document.get("format_version"), Count), path)
        printed = convert(document, _Printed)
        return _plan_of(printed, tuple((item.address, item.status) for item in printed.items))
    except LeafError as error:
        raise _refusal(error.code, error.detail, path, "A plan cannot be read") from None
    except MalformedError as error:
        raise _refusal(
            "not-a-plan",
            "It is neither the JSON that plan --format json prints nor what plan --out saves: "
            f"{error}.",
            path,
        ) from None


def _require_version(version: int, path: Path) -> None:
    if version != PLAN_FORMAT_VERSION:
        raise _refusal(
            "plan-of-another-format",
            f"It has format_version {version}, and this version reads {PLAN_FORMAT_VERSION}.",
            path,
        )


def _plan_of(told: _Printed | _Saved, statuses: tuple[tuple[Address, str], ...]) -> PrintedPlan:
    calls = (
        _call(address, action.kind, slot, action.request)
        for action in told.actions
        for address, slot in action.each()
    )
    return PrintedPlan(
        now=told.now.astimezone(UTC),
        digest=told.digest,
        host=told.host,
        calls=_once(calls),
        statuses=statuses,
    )


def _call(
    address: Address, kind: str, slot: datetime | None, request: _Request | None
) -> PlannedCall:
    fields: list[tuple[str, Value]] = [("kind", kind)]
    if slot is not None:
        fields.append(("slot", slot.astimezone(UTC)))
    if request is not None:
        fields.append(("request", f"{request.method} {request.path}"))
        fields.append(("query", tuple(_pairs(request.query))))
        if request.body is not None and not (kind == "reset" and slot is None):
            # A reset without a slot holds the plan's own `now`, which means nothing: see `digest`.
            fields.append(("body", tuple(_pairs(request.body))))
    return PlannedCall(address, tuple(fields))


def _pairs(told: _Pairs) -> Iterable[str]:
    """Yield names and values, from an object or from pairs; `name=value` each."""
    for name, value in told.items() if isinstance(told, dict) else told:
        for word in value if isinstance(value, tuple) else [value]:
            yield f"{name}={str(word).lower() if isinstance(word, bool) else word or ''}"


_RENAMED = ("kind", "rename")


def _once(calls: Iterable[PlannedCall]) -> tuple[PlannedCall, ...]:
    """Refuse two actions of one address, but for a rename: it sends nothing, so the call counts."""
    told = tuple(calls)
    called = {call.address for call in told if _RENAMED not in call.fields}
    listed = tuple(
        call for call in told if _RENAMED not in call.fields or call.address not in called
    )
    if len({call.address for call in listed}) < len(listed):
        raise MalformedError("an address is in two of its actions")
    return listed


def _refusal(code: str, detail: str, path: Path, headline: str | None = None) -> ReconcileError:
    hint = "reconcile plan --format json > plan.json"
    return fail(code, detail, hint=hint, places=(Place(str(path)),), headline=headline)
