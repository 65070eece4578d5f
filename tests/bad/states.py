"""Bad states, journals, saved plans and lock files."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from zlib import crc32

from reconcile.model import journal as entries
from reconcile.model.address import Address
from reconcile.model.journal import Entry
from reconcile.model.plan import Request
from reconcile.model.recorded import Carrier, Coverage
from reconcile.state.codec import encode_entry
from tests.bad.case import Case
from tests.bad.damage import damaged, wrongly_typed
from tests.state.acts import dice

NOON, AT = datetime(2026, 11, 22, 12, tzinfo=UTC), "2026-11-22T12:00:00Z"
SALES = Address("models.sales.refresh")
LINEAGE = "5d0f7a52-64b3-4c1c-9d0e-2f6a51a3b7c4"
COVERAGE: dict[str, Any] = {
    "address": SALES, "slot": AT, "stamp": AT, "content": "a", "attempt": 2
}  # fmt: skip
CARRIER: dict[str, Any] = {"model_id": "a", "group": "b"}
PENDING: dict[str, Any] = {
    "operation": "one",
    "kind": "refresh",
    "since": AT,
    "coverage": COVERAGE,
    "accepted": True,
    "job_id": "job",
    "carrier": CARRIER,
    "look": {"at": AT, "answer": "no", "absent": 1, "forbidden": 1, "counted_at": AT},
}
REQUEST: dict[str, Any] = {"method": "POST", "path": "/a", "query": [["a", "b"]], "body": None}
RECORD: dict[str, Any] = {
    "declared": {"timing": {"every": "6h"}},
    **dict.fromkeys(("since", "covered_slot", "stamp", "last_success", "completed_at"), AT),
    "missed_slot": AT,
    "content": "a",
    "failures": 1,
    "last_failure": {"at": AT, "message": "no"},
    "pending": PENDING,
    "durations_s": [1.5],
    "carrier": CARRIER,
    "doubts": 1,
    "last_doubt": {"at": AT, "message": "no"},
    "unseen": {"at": AT, "answer": "no", "forbidden": True, "call": PENDING},
    "marked_at": AT,
}
STATE: dict[str, Any] = {
    "lineage": LINEAGE, "serial": 3, "sequence": 7, "host": "https://omni", "items": {SALES: RECORD}
}  # fmt: skip
PLAN: dict[str, Any] = {
    "format": "reconcile-plan-1",
    "tool": "0.1.0",
    "now": AT,
    "valid_until": AT,
    "digest": "0" * 64,
    "state": {"lineage": LINEAGE, "serial": 3, "sequence": 7},
    "host": "https://omni",
    "choice": {"select": ["models.*"], "force": [SALES], "hold_unknown": False},
    "actions": [{"kind": "refresh", "slots": {SALES: AT}, "request": REQUEST, "reason": "due"}],
    "items": {SALES: "abc"},
}
HOLDER: dict[str, Any] = {
    "id": "1f", "host": "h", "user": "u", "pid": 7, "command": "reconcile apply", "since": AT
}  # fmt: skip

OPTIONAL = "is without"
"""Of some keys the absence means something; none may be missed by an accident."""

INSTANTS = (
    "noon",
    "2026-11-22",
    "2026-13-01T00:00:00Z",
    "2026-11-22T12:00:00",
    "0000-01-01T00:00:00Z",
    "2026-11-22T25:00:00Z",
)


def sealed(state: Any) -> bytes:
    """Write a state as the tool does, its checksum right whatever it says."""
    rest = json.dumps(state, indent=2).removeprefix("{\n").encode()
    before, after = (
        b'{"format_version": 3, "writer": "reconcile 0.1.0", "sha256": "',
        b'",\n' + rest,
    )
    return before + sha256(before + after).hexdigest().encode() + after


def line(entry: Any, sequence: int, **more: Any) -> bytes:
    """Write a line as the tool does, its checksum right whatever it says."""
    plain = {"v": 2, "seq": sequence, "lineage": LINEAGE, "base": 3, **entry, **more}
    body = json.dumps(plain).encode()
    return b"%08x %b\n" % (crc32(body), body)


def samples() -> tuple[Entry, ...]:
    coverage, carrier = Coverage(SALES, NOON, NOON, "a"), Carrier("a", "b")
    request = Request("POST", "/a", (("a", "b"),))
    return (
        entries.Intent(NOON, "one", "refresh", (coverage,), request, "https://omni", carrier),
        entries.NotSent(NOON, "one", "no"),
        entries.Rejected(NOON, "one", "no", blames=()),
        entries.Accepted(NOON, "one", "job"),
        entries.Rejected(NOON, "one", "no", blames=(SALES,)),
        entries.Blamed(NOON, (SALES,), "no"),
        entries.Doubted(NOON, "one", "no", cut_off=True),
        entries.Looked(NOON, "one", "no", "absent"),
        entries.EndUnseen(NOON, "one", "no", forbidden=True),
        entries.Done(NOON, "one", NOON),
        entries.Failed(NOON, "one", "no"),
        entries.Noted(NOON, SALES, {"a": 1}),
        entries.Missed(NOON, SALES, NOON),
        entries.Forgotten(NOON, SALES),
        entries.Marked(NOON, SALES, coverage),
        entries.Moved(NOON, SALES, SALES),
        entries.Renamed(NOON, ((SALES, SALES),)),
        entries.ClockMended(NOON),
        entries.Redated(NOON, ("one",), 1.5),
        entries.Began(at=NOON, command="a", who="b", machine="c", commit="d", run="e"),
        entries.Waived(NOON, "calls", 1.0),
    )


def states() -> Iterator[Case]:
    whole = sealed(STATE)
    for name, data in damaged(whole, dice(1)):
        yield Case("state", name, data)
    for name, value in wrongly_typed(STATE):
        data = sealed(value) if isinstance(value, dict) else json.dumps(value).encode()
        yield Case("state", name, data, refused=OPTIONAL not in name)
    for key in ("since", "stamp", "last_success"):
        for instant in INSTANTS:
            spoiled = {**STATE, "items": {SALES: {**RECORD, key: instant}}}
            yield Case("state", f"{key} is {instant}", sealed(spoiled))
    newer = whole.replace(b'"format_version": 3', b'"format_version": 5')
    yield Case("state", "a newer version", newer)
    yield Case("state", "no head", whole.partition(b"\n")[2])
    # Only the tool's own hand can have sealed it: what was declared is taken at its word.
    yield Case("state", "a deep declaration", sealed(_deep()), refused=False)


def _deep() -> dict[str, Any]:
    deep: Any = {}
    for _ in range(60):
        deep = {"a": deep}
    return {**STATE, "items": {SALES: {"declared": deep}}}


def plain(entry: Entry) -> dict[str, object]:
    """Return an entry as the plain values of its line."""
    told: dict[str, object] = json.loads(encode_entry(entry))
    return told


def journals() -> Iterator[Case]:
    """Yield journals beside a state that is good. One that ends half way in a line is no error."""
    good = line(plain(samples()[0]), 8)
    torn = {"nothing"} | {f"cut at {part}/12" for part in range(1, 12)}
    maybe_torn = torn | {"deep arrays", "deep objects", "deep and closed", "an archive"}
    for name, data in damaged(good, dice(2)):
        loose = name in maybe_torn or not data.endswith(b"\n") or b"\n" not in data
        yield Case("journal", name, data, refused=not loose)
        yield Case("journal", f"{name}, in the middle", data + b"\n" + good)
    for place, entry in enumerate(samples()):
        for name, value in wrongly_typed(plain(entry)):
            if isinstance(value, dict):
                called, data = f"{place}: {type(entry).__name__} {name}", line(value, 8)
                yield Case("journal", called, data, refused=OPTIONAL not in name)
    yield Case("journal", "another lineage", line(plain(samples()[1]), 8, lineage="other"))
    for base in (0, 2, 4, 2**63 - 1):
        yield Case("journal", f"on serial {base}", line(plain(samples()[1]), 8, base=base))
    yield Case("journal", "a gap", line(plain(samples()[1]), 9))
    yield Case("journal", "a repeated number", good + line(plain(samples()[1]), 8))
    yield Case("journal", "version 4", line(plain(samples()[1]), 8, v=4))


def plans() -> Iterator[Case]:
    whole = json.dumps(PLAN, indent=1).encode() + b"\n"
    for name, data in damaged(whole, dice(3)):
        # A plan has no checksum: it is data only, and what it may do is planned again.
        yield Case("plan", name, data, refused="bit" not in name)
    for name, value in wrongly_typed(PLAN):
        known = "unknown key" not in name or name.startswith(("/state", "/choice", "/actions"))
        refused = known and "/slots has an unknown key" not in name and OPTIONAL not in name
        yield Case("plan", name, json.dumps(value).encode(), refused=refused)
    for instant in INSTANTS:
        yield Case("plan", f"now is {instant}", json.dumps({**PLAN, "now": instant}).encode())


def locks() -> Iterator[Case]:
    """Yield lock files: their words decide nothing, so that none of them is ever refused."""
    whole = json.dumps(HOLDER).encode() + b"\n"
    for name, data in damaged(whole, dice(4)):
        yield Case("lock", name, data, refused=False)
    for name, value in wrongly_typed(HOLDER):
        yield Case("lock", name, json.dumps(value).encode(), refused=False)
    hostile = {**HOLDER, "command": "\x1b]0;x\x07\u202e", "host": "\n::error::x"}
    yield Case("lock", "a hostile holder", json.dumps(hostile).encode(), refused=False)
