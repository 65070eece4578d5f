"""What a command wrote, or would write, into the files: for programs."""

from collections.abc import Iterable
from pathlib import Path

from reconcile.model.desired import LockedModel
from reconcile.model.observed import Imported, ImportedModel
from reconcile.render.json_text import encode

WRITTEN_FORMAT_VERSION = 1


def started_json(file: Path, result: str) -> str:
    """Return what `init` did to a file: created, added or unchanged."""
    return _encoded({"file": str(file), "result": result})


def formatted_json(files: Iterable[tuple[Path, bool]]) -> str:
    """Return which files `fmt` changes, and which have their canonical form already."""
    listed = [{"file": str(file), "changed": changed} for file, changed in files]
    return _encoded({"files": listed})


def imported_json(file: Path, added: Imported) -> str:
    """Return the models that `import` adds to a file, and how many native schedules."""
    schedules = sum(len(connection.schedules) for connection in added.connections)
    models = [_model(model) for model in added.models]
    return _encoded({"file": str(file), "models": models, "schedules": schedules})


def locked_json(
    file: Path, models: int, joined: Iterable[LockedModel], left: Iterable[LockedModel]
) -> str:
    """Return how many models a lock file names, and who joined and left."""
    changes = {"joined": [*map(_model, joined)], "left": [*map(_model, left)]}
    return _encoded({"file": str(file), "models": models, **changes})


def _model(model: ImportedModel | LockedModel) -> dict[str, object]:
    return {"name": model.name, "id": model.model_id, "title": model.title}


def _encoded(document: dict[str, object]) -> str:
    return encode({"format_version": WRITTEN_FORMAT_VERSION, **document})
