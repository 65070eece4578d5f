"""What the process says by its exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """DESIGN's table; what each of them means to a person is in `cli.codes.exit_codes`."""

    DONE = 0
    ERROR = 1
    CALLS = 2
    BLOCKED = 3
    STALE = 4
    LOCKED = 5
    PARTLY = 6
    DIFFERS = 8
    INTERRUPTED = 130
    TERMINATED = 143
