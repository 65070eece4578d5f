"""Codes about a state that is damaged or gone, and about mending it."""

from reconcile.config.messages import Explained

CODES_OF_DAMAGE = {
    "state-damaged": Explained(
        "The state file is damaged",
        "The file carries a checksum over its own bytes, and they do not match: a disk, an editor "
        "or a merge changed it. It is the only memory of what was done, so nothing is planned from "
        "it. The version before it is kept beside it.",
    ),
    "state-missing": Explained(
        "The state file is gone",
        "Files beside it show that there was one. Starting from nothing would repeat every call; "
        "bring it back, from the version before it or from a backup.",
    ),
    "state-newer-format": Explained(
        "The state file is of a newer format",
        "A later version of the tool wrote the state. This one does not guess at what it does not "
        "know.",
    ),
    "state-replaced": Explained(
        "The state file was changed by somebody else",
        "While this run held the lock the file was removed or replaced by something that does not "
        "ask for it, such as git or a copy. It was left alone, and what this run knows was written "
        "to a file of its own beside it.",
    ),
    "state-not-saved": Explained(
        "The state file was not brought up to date",
        "The lock or the journal was lost in the middle of the run, so the state file was left as "
        "it is. The journal keeps what could be written down, and the next run folds it in.",
    ),
    "journal-damaged": Explained(
        "The journal is damaged",
        "A line in the middle of the journal is not what was written. A crash can only cut off the "
        "last line, so something else did it. Repairing keeps all that can be trusted and sets the "
        "rest aside.",
    ),
    "journal-foreign": Explained(
        "The journal does not belong to the state",
        "Its lines continue another state, or another version of this one: one of the two files "
        "was replaced or restored without the other.",
    ),
    "journal-torn": Explained(
        "The journal ends in the middle of a line",
        "A crash cut off the last line while it was being written. A call is made only once its "
        "line is complete, so nothing was done on its strength, and it is dropped.",
    ),
    "journal-missing": Explained(
        "The journal of an earlier run is missing",
        "A marker beside the state says that a run wrote down more than is there: its journal was "
        "removed, emptied or cut after it was killed, or did not travel with the state. Calls that "
        "Omni acknowledged may be made again. An apply goes on after this warning, and counts on "
        "after what is gone.",
    ),
    "journal-lost": Explained(
        "The journal cannot be written any more",
        "The journal was removed, written to by somebody else, or failed while this run was using "
        "it. No call is begun that could not be written down.",
    ),
    "intent-not-recorded": Explained(
        "A call could not be written down, so it was not made",
        "Every call is written down before it is made, or it is not made: otherwise a crash would "
        "lose it. It stays due.",
    ),
    "outcome-not-recorded": Explained(
        "What happened could not be written down",
        "The call was made and its outcome is known, and the disk would not take it. The next run "
        "counts it as unknown and sends it again unless you say what happened. The detail holds "
        "the lines themselves.",
    ),
    "previous-run-died": Explained(
        "An earlier run was cut short",
        "It ended without letting the lock go: killed, or the machine went down. What it wrote "
        "down is kept. A call that it was making counts as unknown.",
    ),
    "previous-damaged": Explained(
        "The previous version is damaged",
        "The state itself is whole. The copy of the version before it is not, so there would be "
        "nothing to go back to until the next save replaces it.",
    ),
    "history-damaged": Explained(
        "The history has gaps",
        "Some lines of what happened in the past cannot be read. Nothing is planned from them; "
        "only looking back is incomplete.",
    ),
    "nothing-to-repair": Explained(
        "There is nothing to repair",
        "The state and its journal are whole, and repairing would throw something away for "
        "nothing.",
    ),
    "nothing-to-restore": Explained(
        "There is nothing to go back to",
        "No earlier version is kept beside the state, and its history does not reach back to its "
        "beginning. A backup can be put in its place.",
    ),
}
