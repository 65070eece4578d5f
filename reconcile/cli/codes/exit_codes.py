"""What the exit codes of the process mean."""

from collections.abc import Mapping

EXIT_CODES: Mapping[str, str] = {
    "0": "There was nothing to do, or everything that was asked for was done.",
    "1": "An error: in the files, on the command line, of the API, or of the tool.",
    "2": "With --detailed-exitcode: calls are due, or were made, or something changes.",
    "3": "Blocked by a limit; nothing was sent. Of plan, with --detailed-exitcode: it would be.",
    "4": "The saved plan or the approved digest no longer matches; nothing was sent.",
    "5": "Another run holds the lock.",
    "6": "Partly applied: some items failed, go on, or have an unknown outcome.",
    "8": "drift: the live instance differs.",
    "130": "Interrupted from the keyboard; the state is saved, and another apply goes on.",
    "143": "Terminated; the state is saved, and another apply goes on.",
}
