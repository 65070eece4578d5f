"""Rows of the catalogue without a test, and why there is nothing to test."""

REMOTE = "State is kept in local files only; there is no remote store and no lease."
CONTROLLER = "There is no controller: each run plans, applies and ends."

NOT_APPLICABLE = {
    "S05": "The state's format is the first one: there is no older version to be migrated.",
    "L14": REMOTE,
    "L15": REMOTE,
    "L16": REMOTE,
    "L17": f"{REMOTE} A local lock goes with its process, whatever unlocking comes to.",
    "L18": REMOTE,
    "L19": CONTROLLER,
    "N21": CONTROLLER,
    "A05": "One lock lets one apply at a time use a state, and it reads the calls of the last "
    "minute there. Two states with one key meet 429s, which are waited out (A01, A04).",
    "A22": "Omni tells nothing of what a refresh would drop before it is made.",
    "A25": "Omni's ids are UUIDs. One that is gone answers 404 (A07); names are never sent.",
    "T02": "There is no lease. Deadlines are those of the loop's monotonic clock (T01).",
    "T05": "No instants of two machines are compared: the state is local, and entries are ordered "
    "by their number alone (T08).",
    "D08": "Whether a directory outlives its machine cannot be told from within it.",
    "D10": "Needs macOS; F_FULLFSYNC is used there in reconcile/state/files.py.",
    "D11": "Windows is not supported: there is no flock.",
    "X05": REMOTE,
    "X06": REMOTE,
    "X07": "Two states know nothing of each other, and Omni of neither.",
    "X08": CONTROLLER,
    "X10": "Machines that share a key share nothing else: 429s are waited out (A01, A04).",
    "Z29": "Nothing is released from this repository.",
}
