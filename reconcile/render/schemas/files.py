"""The published JSON Schemas of commands about the files: validate, init, fmt, import, lock."""

from reconcile.render.forecast.clocks import VALIDATION_FORMAT_VERSION
from reconcile.render.schemas.parts import (
    COUNT,
    FLAG,
    INSTANT,
    ITEM_ADDRESS,
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    WALL,
    Schema,
    document,
    listed,
    one_of,
    record,
    told,
)
from reconcile.render.written import WRITTEN_FORMAT_VERSION

_FILE = told(TEXT, "path as it was given")
_MODELS = listed(
    record(
        {
            "name": told(TEXT, "what addresses call it"),
            "id": TEXT,
            "title": told(TEXT_OR_NULL, "Omni's name of it"),
        }
    )
)


def validation_schema() -> Schema:
    """Return what `validate --format json` satisfies; for invalid files it prints diagnostics."""
    return document(
        "validation",
        "validate --format json",
        VALIDATION_FORMAT_VERSION,
        {
            "valid": told({"const": True}, "else nothing is printed but diagnostics"),
            "models": COUNT,
            "refreshes": COUNT,
            "resets": COUNT,
            "clock_changes": told(
                listed(_clock_change()), "of the coming year, where a slot falls into one"
            ),
        },
        optional={
            "schedules": told({**COUNT, "minimum": 1}, "of Omni's own; left out if there are none")
        },
    )


def _clock_change() -> Schema:
    slot: Schema = {
        "wall_time": told(WALL, "local time, without an offset"),
        "change": told(one_of(("skipped", "repeated")), "no such time that day, or two of it"),
        "before": told(INSTANT, "what it means by the offset before the change"),
        "after": told(INSTANT, "what it means by the offset after the change"),
        "runs": told({**listed(INSTANT), "maxItems": 2}, "when it runs, before any spread"),
        "addresses": {**listed(ITEM_ADDRESS), "minItems": 1},
    }
    return record(
        {
            "zone": told(TEXT, "IANA name"),
            "at": INSTANT,
            "offset_before_s": told(NUMBER, "east of UTC"),
            "offset_after_s": told(NUMBER, "east of UTC"),
            "slots": {**listed(record(slot)), "minItems": 1},
        }
    )


def init_schema() -> Schema:
    """Return what `init --format json` satisfies."""
    result = told(one_of(("created", "added", "unchanged")), "what became of the file")
    return _written("init", {"file": _FILE, "result": result})


def fmt_schema() -> Schema:
    """Return what `fmt --format json` satisfies."""
    changed = told(FLAG, "it was not in its canonical form; with --check or --diff it still is not")
    return _written("fmt", {"files": listed(record({"file": _FILE, "changed": changed}))})


def import_schema() -> Schema:
    """Return what `import --format json` satisfies."""
    added: Schema = {
        "models": told(_MODELS, "that are added; with --diff, would be"),
        "schedules": told(COUNT, "of Omni's own, added with them"),
    }
    return _written("import", {"file": _FILE, **added})


def lock_schema() -> Schema:
    """Return what `lock --format json` satisfies."""
    return _written(
        "lock",
        {
            "file": told(TEXT, "path of the lock file"),
            "models": told(COUNT, "that the selections stand for now"),
            "joined": told(_MODELS, "since the lock file before"),
            "left": told(_MODELS, "since the lock file before"),
        },
    )


def _written(command: str, properties: Schema) -> Schema:
    return document(command, f"{command} --format json", WRITTEN_FORMAT_VERSION, properties)
