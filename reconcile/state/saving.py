"""Writing the state file. Apart from reading it, which most commands do without writing.

Imported by whoever may save, at once: an import is no thing to try when descriptors run out or a
disk is failing, with calls made and not yet saved.
"""

from pydantic_core import to_json

from reconcile import __version__
from reconcile.model.recorded import Recorded
from reconcile.state.codec import encode_instant, encode_record
from reconcile.state.collector import collector_paused
from reconcile.state.schedule_codec import encode_schedule
from reconcile.state.snapshot import FORMAT_VERSION, checksum_of


def encode_state(recorded: Recorded) -> bytes:
    """Encode a state. The same state gives the same bytes."""
    wrong_at = recorded.clock_wrong_at
    with collector_paused():
        plain = {
            "lineage": recorded.lineage,
            "serial": recorded.serial,
            "sequence": recorded.sequence,
            **({} if recorded.host is None else {"host": recorded.host}),
            **({} if wrong_at is None else {"clock_wrong_at": encode_instant(wrong_at)}),
            **_schedules(recorded),
            "items": {
                address: encode_record(record) for address, record in sorted(recorded.items.items())
            },
        }
        rest = to_json(plain, indent=2).removeprefix(b"{\n") + b"\n"
    before = b'{"format_version": %d, "writer": "reconcile %s", "sha256": "' % (
        FORMAT_VERSION,
        __version__.encode(),
    )
    after = b'",\n' + rest
    return b"".join((before, checksum_of(before, after), after))


def _schedules(recorded: Recorded) -> dict[str, object]:
    """Leave out what there is none of: a state without schedules keeps its bytes."""
    if not recorded.schedules:
        return {}
    return {
        "schedules": {
            address: encode_schedule(record)
            for address, record in sorted(recorded.schedules.items())
        }
    }
