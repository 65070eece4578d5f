"""Every published schema of an output, by the name that `schema` knows it under."""

from collections.abc import Callable, Mapping

from reconcile.render.schemas.comparison import comparison_schema, difference_schema
from reconcile.render.schemas.controller import log_schema, run_status_schema
from reconcile.render.schemas.explanations import explain_schema
from reconcile.render.schemas.files import (
    fmt_schema,
    import_schema,
    init_schema,
    lock_schema,
    validation_schema,
)
from reconcile.render.schemas.fleet import fleet_status_schema
from reconcile.render.schemas.history import state_history_schema
from reconcile.render.schemas.inventory import inventory_schema
from reconcile.render.schemas.live import drift_schema
from reconcile.render.schemas.parts import Schema
from reconcile.render.schemas.plan import plan_schema
from reconcile.render.schemas.records import show_schema, state_list_schema, state_show_schema
from reconcile.render.schemas.running import diagnostics_schema, event_schema, summary_schema
from reconcile.render.schemas.saved import saved_schema
from reconcile.render.schemas.time import forecast_schema, simulation_schema, why_schema

PUBLISHED: Mapping[str, Callable[[], Schema]] = {
    "plan": plan_schema,
    "saved": saved_schema,
    "comparison": comparison_schema,
    "difference": difference_schema,
    "show": show_schema,
    "state-list": state_list_schema,
    "state-show": state_show_schema,
    "state-history": state_history_schema,
    "drift": drift_schema,
    "discover": inventory_schema,
    "forecast": forecast_schema,
    "why": why_schema,
    "simulation": simulation_schema,
    "summary": summary_schema,
    "event": event_schema,
    "validation": validation_schema,
    "init": init_schema,
    "fmt": fmt_schema,
    "import": import_schema,
    "lock": lock_schema,
    "explain": explain_schema,
    "log": log_schema,
    "run-status": run_status_schema,
    "fleet-status": fleet_status_schema,
    "diagnostics": diagnostics_schema,
}
