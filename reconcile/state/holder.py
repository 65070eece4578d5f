"""Who holds a lock, in their own words: they are shown, and nothing is ever decided by them."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from reconcile.model.diagnostic import ReconcileError
from reconcile.state.codec import decode_instant, encode_instant
from reconcile.state.files import open_regular, read_open
from reconcile.state.strict import MalformedError, count, decode_json, fields, text

_MAX_HOLDER_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class Holder:
    """One run that takes the lock. `id` is that taking's own; `since` is UTC."""

    id: str
    host: str
    user: str
    pid: int
    command: str
    since: datetime


def ourselves(command: str, since: datetime) -> Holder:
    """Describe this process, which runs `command` and has the lock since `since` (UTC)."""
    return Holder(
        uuid4().hex[:8],
        os.uname().nodename,
        user_name(),
        os.getpid(),
        command,
        since.replace(microsecond=0),
    )


def encode_holder(holder: Holder) -> bytes:
    """Encode a holder as one line of JSON."""
    return json.dumps(holder_fields(holder)).encode() + b"\n"


def holder_fields(holder: Holder) -> dict[str, object]:
    """Encode a holder as plain JSON values."""
    return {**asdict(holder), "since": encode_instant(holder.since)}


def decode_holder(value: object) -> Holder:
    """Decode a holder. Raises MalformedError."""
    known = fields(value, "id", "host", "user", "pid", "command", "since")
    return Holder(
        text(known.get("id")),
        text(known.get("host")),
        text(known.get("user")),
        count(known.get("pid")),
        text(known.get("command")),
        decode_instant(known.get("since")),
    )


def read_holder(path: Path) -> Holder | None:
    """Read who holds the lock, or died holding it; None if nobody, or nobody can tell."""
    try:
        descriptor = open_regular(path, os.O_RDONLY)
    except (OSError, ReconcileError):
        return None
    try:
        return holder_in(descriptor, path)
    finally:
        os.close(descriptor)


def holder_in(descriptor: int, path: Path) -> Holder | None:
    """Read the holder from an open lock file; None if there is none, or none that makes sense."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return decode_holder(decode_json(read_open(descriptor, path, _MAX_HOLDER_BYTES)))
    except (OSError, MalformedError, ReconcileError):
        return None


def user_name() -> str:
    """Name the user this process runs as."""
    import pwd  # noqa: PLC0415 - only a run that takes the lock asks for it

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        # Containers run as users that have no name.
        return str(os.geteuid())
