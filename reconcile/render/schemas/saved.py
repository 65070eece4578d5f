"""The published JSON Schema of `show PLAN`."""

from typing import get_args

from reconcile.model.plan import ActionKind
from reconcile.render.saved_review import SAVED_FORMAT_VERSION
from reconcile.render.schemas.parts import (
    ADDRESS,
    COUNT,
    FLAG,
    INSTANT,
    INSTANT_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    blocking,
    document,
    listed,
    one_of,
    or_null,
    record,
    request,
    table,
)


def saved_schema() -> Schema:
    """Return what `show PLAN --format json` satisfies."""
    action: Schema = {
        "kind": one_of(get_args(ActionKind)),
        "slots": table(INSTANT_OR_NULL),
        "request": or_null(request()),
        "reason": TEXT,
    }
    difference = record({"subject": TEXT, "field": TEXT_OR_NULL, "then": TEXT, "now": TEXT})
    return document(
        "saved plan",
        "show PLAN --format json",
        SAVED_FORMAT_VERSION,
        {
            "now": INSTANT,
            "valid_until": INSTANT_OR_NULL,
            "digest": TEXT,
            "host": TEXT_OR_NULL,
            "blocked_by": listed(blocking()),
            "force": listed(ADDRESS),
            "select": listed(TEXT),
            "on_unknown": one_of(("resend", "hold")),
            "live": FLAG,
            "files": listed(TEXT),
            "state": TEXT_OR_NULL,
            "actions": listed(record(action)),
            "stands": FLAG,
            "differences": listed(difference),
            "left": COUNT,
            "covered": listed(ADDRESS),
            "left_alone": listed(ADDRESS),
            "spent": listed(ADDRESS),
        },
    )
