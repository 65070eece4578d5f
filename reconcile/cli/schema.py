"""`schema`: the JSON Schemas of what people write, of the state, and of every output.

A document is described beside what prints it, and is imported only when it is asked for.
"""

from collections.abc import Mapping
from importlib import import_module
from types import FunctionType
from typing import Final

import click
from msgspec import UNSET, Struct, UnsetType, defstruct

from reconcile.render.documents import encode, schema_of
from reconcile.render.outline import PlanDocument
from reconcile.terminal.console import Console
from reconcile.terminal.options import Command, OneOf, Options, output_options

PUBLISHED: Final[Mapping[str, tuple[str, ...]]] = {
    "plan": ("render.outline", "PlanDocument"),
    "saved": ("render.documents", "SavedDocument"),
    "comparison": ("review.documents", "ComparisonDocument"),
    "difference": ("review.documents", "DifferenceOfPlans"),
    "show": ("render.records", "ItemsDocument"),
    "signal": ("render.records", "SignalsDocument"),
    "state-list": ("render.records", "RecordsDocument"),
    "state-show": ("render.records", "RecordedItem", "RecordedSchedule"),
    "state-history": ("render.records", "HistoryDocument"),
    "drift": ("live.documents", "DriftDocument"),
    "discover": ("live.discovery", "InventoryDocument"),
    "forecast": ("forecast.documents", "ForecastDocument"),
    "why": ("forecast.documents", "WhyDocument"),
    "simulation": ("simulation.figures", "Simulated"),
    "summary": ("render.documents", "SummaryDocument"),
    "event": ("terminal.events", "events"),
    "validation": ("render.diagnostics", "ValidationDocument"),
    "init": ("render.documents", "StartedDocument"),
    "fmt": ("render.documents", "FormattedDocument"),
    "import": ("render.documents", "ImportDocument"),
    "lock": ("render.documents", "LockedDocument"),
    "explain": ("render.documents", "ExplanationsDocument", "KeysDocument"),
    "docs": ("render.documents", "TopicsDocument", "TopicDocument"),
    "log": ("controller.situation", "LOG_ENTRIES"),
    "run-status": ("controller.situation", "SituationDocument"),
    "fleet-status": ("fleet.text", "FleetStatusDocument"),
    "diagnostics": ("render.documents", "DiagnosticsDocument"),
}
"""Every output by the name that `schema` knows it under: a module, and the documents it may be."""

DOCUMENTS = ("file", "fleet", "state", *PUBLISHED)


def schema(name: str) -> dict[str, object]:
    """Return a published schema by its name. Raises ModuleNotFoundError where its extra is gone."""
    match name:
        case "file":
            from reconcile.config.tables import file_schema

            return file_schema()
        case "fleet":
            from reconcile.config.fleet import fleet_schema

            return fleet_schema()
        case "state":
            return _state_schema()
        case "plan":
            return schema_of("plan", _whole_plan())
        case _:
            return schema_of(name.replace("-", " "), *_documents(*PUBLISHED[name]))


def _documents(place: str, *names: str) -> tuple[type[Struct], ...]:
    """Import what a document is described by; one name may stand for several."""
    module = import_module(f"reconcile.{place}")
    found = [getattr(module, name) for name in names]
    if isinstance(found[0], FunctionType):
        found[0] = found[0]()
    return found[0] if isinstance(found[0], tuple) else tuple(found)


def _whole_plan() -> type[Struct]:
    """Return the document of a plan with what extras add to it where they are asked."""
    (against,) = _documents("review.documents", "ComparisonDocument")
    (live,) = _documents("live.documents", "LiveDocument")
    asked = [("against", against | UnsetType, UNSET), ("live", live | UnsetType, UNSET)]
    said = {"__doc__": PlanDocument.__doc__}
    return defstruct("PlanDocument", asked, bases=(PlanDocument,), namespace=said, kw_only=True)


def _state_schema() -> dict[str, object]:
    """Return what a state file satisfies. That its checksum fits, no schema can say."""
    from reconcile.state.codec import SCHEDULES_VERSION, SavedState

    whole = schema_of("state", SavedState, grows=False)
    later = {"properties": {"format_version": {"minimum": SCHEDULES_VERSION}}}
    return {**whole, "allOf": [{"if": {"required": ["schedules"]}, "then": later}]}


@click.command(cls=Command)
@click.argument(
    "document",
    type=OneOf(DOCUMENTS),
    default="file",
    metavar="[DOCUMENT]",
    help=f"One of {', '.join(DOCUMENTS)}.",
)
@output_options
def run_schema(options: Options, console: Console) -> int:
    """Print one schema."""
    console.give(encode(schema(options.document)))
    return 0
