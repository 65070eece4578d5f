"""Saved plans on disk: strict JSON, bounded, a regular file, and nothing that is executed."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, json

from reconcile.errors import ReconcileError
from reconcile.model.address import Address
from reconcile.model.comparison import SavedPlan
from reconcile.model.recorded import Declaration
from reconcile.model.struct import replace
from reconcile.planning.saved import fingerprint
from reconcile.state.codec import MalformedError, decode, encode
from reconcile.state.errors import refusal
from reconcile.state.files import read_file, replace_file

FORMAT = "reconcile-plan-2"
_FORMER = "reconcile-plan-1"
"""Kept a short hash of every item, and of the options only those that choose items."""

MAX_BYTES = 64 << 20


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
    told = json.format(encode(replace(plan, items={})), indent=1).removeprefix(b"{")
    # One item a line: thousands of them, indented, would be mostly white space.
    lines = b",\n".join(b"  %b: %b" % (encode(a), encode(kept)) for a, kept in items.items())
    return b'{\n "format": "%b",%b{\n%b\n }\n}\n' % (
        FORMAT.encode(),
        told.removesuffix(b"{}\n}"),
        lines,
    )


def load_plan(path: Path) -> SavedPlan:
    """Read a saved plan. Raises ReconcileError for anything that is not one, whole."""
    data = read_file(path, MAX_BYTES)
    if data is None:
        raise refusal(
            "saved-plan-missing",
            f"{path} does not exist.",
            path=path,
            hint=f"reconcile plan --out {path}",
        )
    try:
        _require_format(path, decode(data, _Format).format)
        return decode(data, SavedPlan)
    except MalformedError as error:
        raise _unreadable(path, str(error)) from None


class _Format(Struct, frozen=True):
    format: object = None


def _require_format(path: Path, found: object) -> None:
    if found in {FORMAT, _FORMER}:
        return
    if isinstance(found, str) and found.startswith(FORMAT[:-1]):
        raise refusal(
            "saved-plan-of-another-tool",
            f"{path} has the format {found}; this version reads {FORMAT}. Nothing was sent.",
            path=path,
            hint=f"reconcile plan --out {path}",
        )
    raise MalformedError(f"its format is not {FORMAT}")


def _unreadable(path: Path, why: str) -> ReconcileError:
    return refusal(
        "saved-plan-unreadable",
        f"{path} cannot be read as one: {why}. Nothing was sent.",
        path=path,
        hint=f"reconcile plan --out {path}",
    )
