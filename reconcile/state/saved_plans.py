"""Saved plans on disk: strict JSON, bounded, a regular file, and nothing that is executed."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import cast, get_args

from reconcile.errors import ExitCode, ReconcileError
from reconcile.model.address import Address
from reconcile.model.comparison import SavedAction, SavedPlan
from reconcile.model.plan import ActionKind
from reconcile.model.recorded import Declaration
from reconcile.planning.saved import fingerprint
from reconcile.state.codec import (
    MalformedError,
    array,
    count,
    decode_instant,
    decode_json,
    decode_request,
    encode_instant,
    encode_request,
    fields,
    flag,
    free_form,
    text,
)
from reconcile.state.errors import refusal
from reconcile.state.files import read_file, replace_file

FORMAT = "reconcile-plan-2"
_FORMER = "reconcile-plan-1"
"""Kept a short hash of every item, and of the options only those that choose items."""

MAX_BYTES = 64 << 20
_KINDS = get_args(ActionKind)


def save_plan(path: Path, plan: SavedPlan) -> None:
    """Write a saved plan, readable by its owner only. Raises ReconcileError.

    Where what all items declare would be too much to be read again, it is kept of those in its
    actions, and a short hash of all others.
    """
    data = _encode(plan, plan.items)
    if len(data) > MAX_BYTES:
        acting = {address for action in plan.actions for address in action.slots}
        data = _encode(
            plan,
            {
                address: kept if isinstance(kept, str) or address in acting else fingerprint(kept)
                for address, kept in plan.items.items()
            },
        )
    replace_file(path, data)


def _encode(plan: SavedPlan, items: Mapping[Address, Declaration | str]) -> bytes:
    document = {
        "format": FORMAT,
        "tool": plan.tool,
        "now": encode_instant(plan.now),
        "valid_until": _optional(plan.valid_until),
        "digest": plan.digest,
        "state": {"lineage": plan.lineage, "serial": plan.serial, "sequence": plan.sequence},
        "host": plan.host,
        "choice": {
            "select": list(plan.select),
            "force": list(plan.force),
            "hold_unknown": plan.hold_unknown,
            "live": plan.live,
            "files": list(plan.files),
            "state": plan.state,
            "succeeded": {a: encode_instant(at) for a, at in sorted(plan.succeeded.items())},
        },
        "actions": [_encode_action(action) for action in plan.actions],
    }
    # One item a line: thousands of them, indented, would be mostly white space.
    told = json.dumps(document, indent=1).removesuffix("\n}")
    lines = ",\n".join(f"  {json.dumps(a)}: {json.dumps(kept)}" for a, kept in items.items())
    return f'{told},\n "items": {{\n{lines}\n }}\n}}\n'.encode()


def load_plan(path: Path) -> SavedPlan:
    """Read a saved plan. Raises ReconcileError for anything that is not one, whole."""
    data = read_file(path, MAX_BYTES)
    if data is None:
        raise refusal(
            "saved-plan-missing",
            "There is no such saved plan",
            f"{path} does not exist.",
            path=path,
            hint=f"reconcile plan --out {path}",
        )
    try:
        document = free_form(decode_json(data))
        _require_format(path, document.get("format"))
        return _decode(document)
    except MalformedError as error:
        raise _unreadable(path, str(error)) from None


def _require_format(path: Path, found: object) -> None:
    if found in {FORMAT, _FORMER}:
        return
    if isinstance(found, str) and found.startswith(FORMAT[:-1]):
        raise refusal(
            "saved-plan-of-another-tool",
            "The saved plan was made by another version of the tool",
            f"{path} has the format {found}; this version reads {FORMAT}. Nothing was sent.",
            path=path,
            hint=f"reconcile plan --out {path}",
            exit_code=ExitCode.STALE,
        )
    raise MalformedError(f"its format is not {FORMAT}")


def _decode(known: Mapping[str, object]) -> SavedPlan:
    state = fields(known.get("state"), "lineage", "serial", "sequence")
    choice = fields(known.get("choice"), *_CHOICE)
    host, until, url = known.get("host"), known.get("valid_until"), choice.get("state")
    succeeded = free_form(choice.get("succeeded", {}))
    return SavedPlan(
        tool=text(known.get("tool")),
        now=decode_instant(known.get("now")),
        valid_until=None if until is None else decode_instant(until),
        digest=text(known.get("digest")),
        lineage=text(state.get("lineage")),
        serial=count(state.get("serial")),
        sequence=count(state.get("sequence")),
        host=None if host is None else text(host),
        items={Address(a): _decode_kept(v) for a, v in free_form(known.get("items")).items()},
        select=tuple(map(text, array(choice.get("select")))),
        force=tuple(Address(text(value)) for value in array(choice.get("force"))),
        hold_unknown=flag(choice.get("hold_unknown")),
        actions=tuple(map(_decode_action, array(known.get("actions")))),
        live=flag(choice.get("live", False)),
        succeeded={Address(key): decode_instant(at) for key, at in succeeded.items()},
        files=tuple(map(text, array(choice.get("files", [])))),
        state=None if url is None else text(url),
    )


_CHOICE = ("select", "force", "hold_unknown", "live", "files", "state", "succeeded")


def _decode_kept(value: object) -> Declaration | str:
    return value if isinstance(value, str) else free_form(value)


def _encode_action(action: SavedAction) -> dict[str, object]:
    return {
        "kind": action.kind,
        "slots": {address: _optional(slot) for address, slot in action.slots.items()},
        "request": None if action.request is None else encode_request(action.request),
        "reason": action.reason,
    }


def _decode_action(value: object) -> SavedAction:
    known = fields(value, "kind", "slots", "request", "reason")
    kind, request = text(known.get("kind")), known.get("request")
    if kind not in _KINDS:
        raise MalformedError("an action is of an unknown kind")
    return SavedAction(
        kind=cast("ActionKind", kind),
        slots={
            Address(key): None if slot is None else decode_instant(slot)
            for key, slot in free_form(known.get("slots")).items()
        },
        request=None if request is None else decode_request(request),
        reason=text(known.get("reason")),
    )


def _optional(instant: datetime | None) -> str | None:
    return None if instant is None else encode_instant(instant)


def _unreadable(path: Path, why: str) -> ReconcileError:
    return refusal(
        "saved-plan-unreadable",
        "This is not a saved plan",
        f"{path} cannot be read as one: {why}. Nothing was sent.",
        path=path,
        hint=f"reconcile plan --out {path}",
    )
