"""Reads the names of cache policies from a model's YAML (omni-api.md 3.4). Pure."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from reconcile.model.plan import Request
from reconcile.omni.decoding import UnusableReplyError
from reconcile.omni.yaml_keys import section_keys

FILE: Final = "model"
"""The model file's key, as Omni's own skills spell it [infer]; a suffix is tolerated."""

_SPELLINGS: Final = (FILE, f"{FILE}.yaml", f"{FILE}.yml")


def policies_request(model_id: str) -> Request:
    """Build the read of the one file in which cache policies are defined."""
    path = f"/api/v1/models/{quote(model_id, safe='')}/yaml"
    return Request("GET", path, (("fileName", FILE),))


def read_policies(body: object) -> tuple[str, ...]:
    """Read the policy names from `{files: {name: yaml}}`; none where there is no such file.

    Raises UnusableReplyError.
    """
    files = body.get("files") if isinstance(body, dict) else None
    if not isinstance(files, dict):
        raise UnusableReplyError("the reply has no files")
    text = _model_file(files)
    if not isinstance(text, str | None):
        raise UnusableReplyError("the model's file in the reply is not text")
    return section_keys(text or "", "cache_policies")


def _model_file(files: Mapping[str, object]) -> object:
    """Return the model's file; a server that was asked for one may call it what it likes."""
    alone = next(iter(files.values())) if len(files) == 1 else None
    return next((files[name] for name in _SPELLINGS if name in files), alone)
