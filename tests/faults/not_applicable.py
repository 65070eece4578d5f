"""Rows of the catalogue without a test, and why there is nothing to test."""

NOT_APPLICABLE = {
    "S05": "The state's format is the first one: there is no older version to be migrated.",
    "L18": "No statement needs the session of the one before: nothing is prepared, and no session "
    "lock is taken. There is no pooler here to try it with.",
    "A05": "One lock lets one apply at a time use a state, and it reads the calls of the last "
    "minute there. Two states with one key meet 429s, which are waited out (A01, A04).",
    "A22": "Omni tells nothing of what a refresh would drop before it is made.",
    "A25": "Omni's ids are UUIDs. One that is gone answers 404 (A07); names are never sent.",
    "T02": "Leases and deadlines are those of monotonic clocks (T01).",
    "D08": "Whether a directory outlives its machine cannot be told from within it.",
    "D10": "Needs macOS; F_FULLFSYNC is used there in reconcile/state/files.py.",
    "D11": "Windows is not supported: there is no flock.",
    "X07": "Two states know nothing of each other, and Omni of neither.",
    "Z29": "Nothing is released from this repository.",
}
