"""The rules of a model's YAML, as far as a reader of cache policies needs it."""

import hashlib
from datetime import datetime

from reconcile.sandbox.asking import Asked
from reconcile.sandbox.exchange import Json, Refusal, Reply
from reconcile.sandbox.instance import Instance, Model, ModelKind
from reconcile.sandbox.reading import Query, read_uuid

MODES = ("combined", "extension", "staged", "merged", "history")
_FILE = "model"


def model_yaml(instance: Instance, asked: Asked, now: datetime) -> Reply:  # noqa: ARG001 -- a rule
    """Give the model file, the one in which cache policies are defined [SPEC-A, SKILL]."""
    model_id = read_uuid("modelId", asked.parameters["modelId"])
    query = Query(asked.query)
    query.choice("mode", MODES)
    query.flag("fullyResolved", default=False)
    query.text("includeSchemas")
    checksums = query.flag("includeChecksums", default=False)
    branch_id, name = query.uuid("branchId"), query.text("fileName")
    model = instance.live_model(model_id)
    if branch_id is not None:
        _check_branch(instance, model, branch_id)
    files = {_FILE: _text(model)} if name in {None, _FILE} else {}
    body: dict[str, Json] = {"files": files, "version": 1, "viewNames": {}}
    if checksums:
        body["checksums"] = {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()
        }
    return Reply(200, body)


def _check_branch(instance: Instance, model: Model, branch_id: str) -> None:
    branch = instance.live_model(branch_id)
    if branch.kind is not ModelKind.BRANCH or branch.base_id != model.id:
        raise Refusal(404, f"Not Found: Branch with id {branch_id} does not exist")


def _text(model: Model) -> str:
    """Spell the file."""
    lines = [f"label: {_quoted(model.name)}"]
    if model.policies:
        lines.append("cache_policies:")
        lines += [
            f"  {_quoted(policy)}:\n    max_cache_age: 6 hours" for policy in sorted(model.policies)
        ]
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    """Quote a text for YAML. JSON's quoting would not do: it spells some characters as pairs."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    plain = character.isascii() and character.isprintable()
    return character if plain else f"\\U{ord(character):08X}"
