"""What is fuzzed: the five readers, each as a function that lets none but our own errors through.

State and journal are sealed by checksums, which would keep all that is random out. Where the first
byte says so, what follows it is therefore sealed before it is read.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from zlib import crc32

from msgspec import Struct

from reconcile.config.load import load_text
from reconcile.errors import ReconcileError
from reconcile.omni.replies import Reply, classify_job, classify_refresh, classify_reset
from reconcile.planning.replay import replay
from reconcile.state.codec import MalformedError, NewerFormatError, decode_state, encode_state
from reconcile.state.journal import entries_beyond, read_lines
from reconcile.state.saved_plans import load_plan
from tests.bad.calls import REFRESH, RESET, STATUS
from tests.bad.configs import WHOLE
from tests.bad.states import PLAN, STATE, line, plain, samples, sealed
from tests.omni.calling import JOB, MODEL, STAMP

HEAD = b'{"format_version": 3, "writer": "reconcile 0.1.0", "sha256": "'
STATUSES = (200, 201, 204, 302, 400, 401, 404, 408, 422, 429, 500, 503)


def config(data: bytes) -> None:
    with suppress(ReconcileError, UnicodeDecodeError):
        load_text(data.decode(), "reconcile.toml", Path("/nowhere"))


def state(data: bytes) -> None:
    if data[:1] == b"{":
        with suppress(MalformedError, NewerFormatError):
            decode_state(data)
        return
    after = b'",\n' + data[1:]
    with suppress(MalformedError):
        known = decode_state(HEAD + sha256(HEAD + after).hexdigest().encode() + after)
        assert decode_state(encode_state(known)) == known


def journal(data: bytes) -> None:
    if data[:1] == b"!":
        bodies = data[1:].split(b"\n")
        data = b"".join(b"%08x %b\n" % (crc32(body), body) for body in bodies)
    with suppress(MalformedError):
        known = decode_state(sealed(STATE))
        lines = read_lines(data).lines
        replay(known, entries_beyond(known, lines))


def plan(data: bytes) -> None:
    path = Path(gettempdir()) / f"reconcile-fuzzed-plan-{os.getpid()}.json"
    path.write_bytes(data)
    try:
        with suppress(ReconcileError):
            load_plan(path)
    finally:
        path.unlink()


def reply(data: bytes) -> None:
    status = STATUSES[data[0] % len(STATUSES)] if data else 200
    retry = data[1:9].decode("latin-1")
    answer = Reply(status, {"location": retry, "retry-after": retry, "date": retry}, data[9:])
    classify_refresh(answer, model_id=MODEL)
    classify_reset(answer, model_id=MODEL, policy="daily", reset_at=STAMP)
    classify_job(answer, job_id=JOB)


class Target(Struct, frozen=True):
    """A reader, and good inputs to begin from."""

    read: Callable[[bytes], None]
    good: tuple[bytes, ...]


def _bodies() -> tuple[bytes, ...]:
    lines = [line(plain(sample), 8) for sample in samples()]
    return (*lines, *(b"!" + sealed_line[9:-1] for sealed_line in lines))


TARGETS: Mapping[str, Target] = {
    "config": Target(config, (WHOLE.encode(),)),
    "state": Target(state, (sealed(STATE), b"!" + sealed(STATE).partition(b"\n")[2])),
    "journal": Target(journal, _bodies()),
    "plan": Target(plan, (json.dumps(PLAN).encode(),)),
    "reply": Target(
        reply, tuple(b"\0" * 9 + json.dumps(shape).encode() for shape in (REFRESH, RESET, STATUS))
    ),
}
