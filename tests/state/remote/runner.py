"""A process on some machine, there to be stopped or killed: what it does is its first argument.

Says `N` once something is acknowledged, and `!CODE` for what was refused.
"""

import sys
from time import sleep

from reconcile.errors import ReconcileError
from reconcile.state.remote.stores import ConflictError
from tests.state.acts import entry
from tests.state.remote.backends import open_place, session_at

COUNTED = 20


def say(words: object) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def count_up(place: str) -> None:
    """Add to a number that others add to as well, each time from what was read last."""
    store, address = open_place(place)
    for _ in range(COUNTED):
        while True:
            there = store.get(address.key)
            number = int(there.data) if there else 0
            try:
                store.put(address.key, b"%d" % (number + 1), there and there.version)
            except ConflictError:
                continue
            break


def append(place: str, ttl_s: str) -> None:
    """Append as long as it is let, then say why no more."""
    session = session_at(place, ttl_s=float(ttl_s), timeout_s=60)
    try:
        while True:
            say(session.append(entry(session.recorded.sequence + 1)).sequence)
            sleep(0.02)
    except ReconcileError as error:
        say(f"!{error.diagnostics[0].code}")
    session.close()
    say("end")


if __name__ == "__main__":
    if sys.argv[1] == "count":
        count_up(sys.argv[2])
    else:
        append(*sys.argv[2:])
