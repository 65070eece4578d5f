"""Starts a file, and adds models to one: what is there stays as it is, to the byte."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from reconcile.config.codes import diagnose
from reconcile.config.editing.editing import Edited, edited, not_written
from reconcile.config.editing.files import create_file
from reconcile.config.editing.layout import end_of_statements
from reconcile.config.loading import load_text
from reconcile.config.names import check_uuid
from reconcile.config.parsing import parse_source
from reconcile.config.places.segments import cut_segments
from reconcile.config.problems import LeafError
from reconcile.config.reading import Source, decode_text, read_bounded
from reconcile.model.address import quote_key
from reconcile.model.diagnostic import Diagnostic, Place, ReconcileError

STARTER = """\
# When the models of one Omni instance are refreshed, and when their caches are reset.
# `reconcile plan` shows the calls that are due now, `reconcile apply` makes them.

[omni]
# base_url = "https://myorg.omniapp.co"  # asserts which instance; a token never comes from here

[state]
url = "state/reconcile.json"  # the memory of what was done: keep it, or every call is due again

[defaults]
timezone = "UTC"  # of every time of day below

[limits]
hard_refreshes = 10  # one apply makes no more of them, unless told to

# [models.sales]  # a name of your own
# id = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"  # the model's id, from its address in Omni
# connection = "warehouse"  # models on one connection share one refresh
#
# [models.sales.refresh]
# every = "24h"  # or at = "06:00", cron = "0 */6 * * *", when_changed = ["a/file"]
#
# [models.sales.cache.daily_cache_policy]  # the policy's name, as in Omni
# at = "06:00"  # cached results older than the latest 06:00 are invalid
# days = "mon-fri"
# after = "models.sales.refresh"  # only once that refresh has completed
"""

_STATE_URL = '"state/reconcile.json"'
_PAIR = re.compile(r"(?P<name>.+)=(?P<id>[^=]+)", re.DOTALL)


def parse_models(pairs: list[str]) -> dict[str, str]:
    """Read `NAME=UUID` pairs. Raises ReconcileError `bad-model`."""
    models: dict[str, str] = {}
    for pair in pairs:
        match = _PAIR.fullmatch(pair)
        if match is None or match["name"] in models:
            raise _bad_model(f'"{pair[:120]}" is not a name, an equals sign and a UUID, given once')
        try:
            models[match["name"]] = check_uuid(match["id"])
        except LeafError as error:
            raise _bad_model(f'"{pair[:120]}": {error.detail.rstrip(".")}') from None
    return models


def start(path: Path, models: Mapping[str, str], state_url: str | None = None) -> None:
    """Create a commented file with these models, and its state there if not beside it.

    Raises ReconcileError; never replaces a file.
    """
    starter = STARTER
    if state_url is not None:
        starter = STARTER.replace(_STATE_URL, json.dumps(state_url), 1)
    text = _with_models(starter, models, inherits=False)
    if models:
        load_text(text, str(path), path.absolute().parent)
    try:
        create_file(path, text.encode())
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise not_written(path, error) from None


def with_models(path: Path, models: Mapping[str, str]) -> Edited:
    """Return the file with models added that it does not have; nothing is written.

    Raises ReconcileError: a file that is not valid TOML, a model that is there with another id,
    or what would be wrong with the result.
    """
    content, before = read_file(path)
    document = parse_source(Source(str(path), before, path.absolute().parent))
    there = document.get("models")
    known = there if isinstance(there, dict) else {}
    missing = {name: model_id for name, model_id in models.items() if name not in known}
    for name in models.keys() - missing.keys():
        if not (isinstance(known[name], dict) and known[name].get("id") == models[name]):
            raise _bad_model(f'The file has a model "{name}" already, with another id')
    defaults = document.get("defaults")
    inherits = isinstance(defaults, dict) and "refresh" in defaults
    after = _with_models(before, missing, inherits=inherits) if missing else before
    load_text(after, str(path), path.absolute().parent)
    return edited(path, content, after)


def _with_models(text: str, models: Mapping[str, str], *, inherits: bool) -> str:
    """Add tables below the last model, or at the end."""
    cadence = "" if inherits else 'every = "24h"\n'
    tables = "\n".join(
        f'[models.{quote_key(name)}]\nid = "{model_id}"\n\n'
        f"[models.{quote_key(name)}.refresh]\n{cadence}"
        for name, model_id in models.items()
    )
    last = [part for part in cut_segments(text) if part.path[:1] == ("models",)]
    position = end_of_statements(text, last[-1]) if last else len(text)
    before, following = text[:position], text[position:]
    if before and not before.endswith("\n"):
        before += "\n"
    return f"{before}\n{tables}{following}" if tables else text


def read_file(path: Path) -> tuple[bytes, str]:
    """Return a file's bytes, and its text with LF line ends. Raises ReconcileError."""
    try:
        content = read_bounded(path)
        return content, decode_text(content)
    except LeafError as error:
        found = diagnose(error.code, error.detail, hint=error.hint, places=(Place(str(path)),))
        raise ReconcileError(found) from None


def _exists(path: Path) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="file-exists",
            summary="The file exists already",
            detail="init starts a file and never replaces one.",
            hint="reconcile init --model NAME=UUID",
            places=(Place(str(path)),),
        )
    )


def _bad_model(detail: str) -> ReconcileError:
    return ReconcileError(
        Diagnostic(
            code="bad-model",
            summary="--model takes NAME=UUID",
            detail=f"{detail}.",
            hint="reconcile init --model sales=bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed",
        )
    )
