"""What goes wrong, as values, and the one table of what every code says.

Diagnostics, mistakes in files by their key path, and mishaps: never a traceback, never an unknown
text. Only the terminal prints them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum, auto
from pathlib import Path
from typing import Final

from msgspec import Struct


class ExitCode(IntEnum):
    """What the process says by its exit code."""

    DONE = 0
    ERROR = 1
    CALLS = 2
    BLOCKED = 3
    STALE = 4
    LOCKED = 5
    PARTLY = 6
    DIFFERS = 8
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


_GO_ON = "Of an apply: state saved; run `reconcile apply` to continue."

EXIT_CODES: Final[Mapping[ExitCode, str]] = {
    ExitCode.DONE: "There was nothing to do, or everything that was asked for was done.",
    ExitCode.ERROR: "An error: in the files, on the command line, of the API, or of the tool.",
    ExitCode.CALLS: "With --detailed-exitcode: calls are due, or were made, or something changes.",
    ExitCode.BLOCKED: "Blocked by a limit; nothing was sent. Of plan, with --detailed-exitcode: it "
    "would be.",
    ExitCode.STALE: "The saved plan or the approved digest no longer matches; nothing was sent.",
    ExitCode.LOCKED: "Another run holds the lock.",
    ExitCode.PARTLY: "Partly applied: some items failed, go on, or have an unknown outcome. Of "
    "fleet status: an instance is in trouble.",
    ExitCode.DIFFERS: "drift: the live instance differs.",
    ExitCode.HUNG_UP: f"The terminal was closed (SIGHUP). {_GO_ON}",
    ExitCode.INTERRUPTED: f"Interrupted from the keyboard (SIGINT). {_GO_ON}",
    ExitCode.TERMINATED: f"Terminated (SIGTERM). {_GO_ON}",
}


class Message(Struct, frozen=True):
    """What a code says: its headline, and how the process then ends.

    The paragraph that explains it stands in `docs/messages.md`.
    """

    headline: str
    exit_code: ExitCode = ExitCode.ERROR


_LIMIT = "A limit blocks this apply"
_PROFILE = "The profile of Omni's CLI cannot be used"

MESSAGES: Final[Mapping[str, Message]] = {
    # Codes about connections and their native schedules.
    "connection-without-id": Message("a connection without an id"),
    "same-connection": Message("two names for one connection"),
    "bad-native-cron": Message("not a cron expression of Omni's"),
    "schedule-without-time": Message("a native schedule without a time"),
    "several-expressions": Message("times that one native schedule cannot hold"),
    "same-schedule": Message("the same native schedule twice"),
    # Codes about files, their TOML, and single values in it.
    "file-not-found": Message("no such file"),
    "file-unreadable": Message("a file cannot be read"),
    "not-a-file": Message("not a regular file"),
    "file-too-large": Message("a file is too large"),
    "no-files": Message("no files to read"),
    "state-url": Message("the state's URL cannot be used"),
    "not-utf8": Message("the text is not UTF-8"),
    "invalid-toml": Message("the file is not valid TOML"),
    "conflict-markers": Message("the file holds merge conflict markers"),
    "key-too-long": Message("a key has too many parts"),
    "nested-too-deeply": Message("values are nested too deeply"),
    "declared-twice": Message("declared twice"),
    "unknown-key": Message("unknown key"),
    "secret-in-file": Message("a credential does not belong in this file"),
    "wrong-type": Message("a value of the wrong type"),
    "out-of-range": Message("a number out of range"),
    "not-one-of": Message("not one of the possible words"),
    "missing-key": Message("a required key is missing"),
    "empty-list": Message("an empty list"),
    "more-problems": Message("more problems than are shown"),
    "too-many-models": Message("too many models"),
    "bad-duration": Message("not a duration"),
    "bad-time": Message("not a time of day"),
    "bad-days": Message("not days of the week"),
    "bad-window": Message("not a window of time"),
    "bad-instant": Message("not an instant"),
    "no-offset": Message("an instant without an offset"),
    "unknown-zone": Message("unknown time zone"),
    "bad-name": Message("an unusable name"),
    "not-a-uuid": Message("not a UUID"),
    "bad-base-url": Message("not a usable base URL"),
    "bad-cron": Message("not a cron expression"),
    # Codes about `fleet.toml`.
    "fleet-empty": Message("the fleet has no instances"),
    "fleet-database": Message("the fleet's database cannot be used"),
    "fleet-state-shared": Message("two instances share one state"),
    # Codes about versions of the desired state that git keeps.
    "bad-ref": Message("not a usable revision"),
    "no-git": Message("git is not installed"),
    "not-a-repository": Message("not in a usable git repository"),
    "unknown-ref": Message("no such revision"),
    "no-merge-base": Message("no commit in common"),
    "not-a-file-in-ref": Message("not a regular file in that revision"),
    "git-failed": Message("git could not read the revision"),
    # Codes about what is declared: single items, and how they stand to each other.
    "two-cadences": Message("more than one cadence"),
    "no-cadence": Message("no cadence"),
    "bad-signal-name": Message("a name that no signal can have"),
    "bad-webhook": Message("a webhook that could not be told from a forgery"),
    "signal-awaited-by-none": Message("a webhook for a signal that no item awaits"),
    "too-many-signals": Message("an item that awaits too many signals"),
    "days-need-at": Message("days without at"),
    "missing-needs-files": Message("missing without when_changed"),
    "spread-needs-a-clock": Message("spread without wall-clock times"),
    "filters-need-soft": Message("schemas or tables on a hard refresh"),
    "legacy-refresh-is-hard": Message("the legacy API cannot do this"),
    "watched-file-missing": Message("a watched file does not exist"),
    "watched-file-outside": Message("a watched file is outside of the repository"),
    "watched-file-unreadable": Message("a watched file cannot be read"),
    "bad-freeze": Message("a freeze without a clear window"),
    "model-without-id": Message("a model without an id"),
    "declares-nothing": Message("nothing is declared"),
    "same-name": Message("two names that look the same"),
    "same-target": Message("two items would make the same call"),
    "after-not-declared": Message("after names nothing that is declared"),
    "after-not-a-refresh": Message("after names something other than a refresh"),
    "after-cycle": Message("items that wait for each other"),
    "after-not-observed": Message("the end of this refresh cannot be seen"),
    "never-runs": Message("an item that never runs"),
    "model-without-items": Message("a model without refresh or cache"),
    "freeze-matches-nothing": Message("a freeze that matches nothing"),
    "minute-over-budget": Message("more calls in one minute than the budget takes"),
    "budget-too-small": Message("more work than the budget takes"),
    # Codes about `[[select]]` and its lock file.
    "lock-missing": Message("there is no lock file for [[select]]"),
    "lock-stale": Message("the lock file is out of date"),
    "select-without-items": Message("a [[select]] without refresh or cache"),
    "lock-unreadable": Message("the lock file cannot be used"),
    # Codes about what stops an apply before it sends anything, or is worth a warning then.
    "budget-not-shared": Message(
        "The request budget is not shared with other runs on this machine"
    ),
    "digest-differs": Message("The plan is not the one that was approved", ExitCode.STALE),
    "saved-plan-stale": Message("The saved plan no longer matches", ExitCode.STALE),
    "plan-keeps-changing": Message("The plan changed before it could be approved", ExitCode.STALE),
    "no-terminal": Message("Standard input is not a terminal, so nobody can be asked"),
    "over-limit-calls": Message(_LIMIT, ExitCode.BLOCKED),
    "over-limit-hard-refreshes": Message(_LIMIT, ExitCode.BLOCKED),
    "over-limit-share": Message(_LIMIT, ExitCode.BLOCKED),
    "over-limit-forget-all": Message(_LIMIT, ExitCode.BLOCKED),
    "bad-waiver": Message("--allow takes LIMIT=VALUE"),
    "foreign-state": Message("The state belongs to another Omni instance"),
    "token-refused": Message("Omni refuses the token"),
    "clock-differs": Message("This machine's clock differs from Omni's"),
    "stamp-refused": Message("This machine's clock is ahead of Omni's"),
    "events-not-opened": Message("The event stream cannot be opened"),
    "events-stopped": Message("The event stream ended early"),
    "metrics-not-written": Message("The metrics file was not written"),
    "traces-not-sent": Message("The trace of this apply was not sent"),
    # Codes about how commands are used, the embedded server, and the tool itself.
    "unknown-topic": Message("no document of that name"),
    "bad-usage": Message("The command was not used as it can be"),
    "not-declared": Message("No such item is declared"),
    "output-not-a-file": Message("An output is no file"),
    "output-over-input": Message("An output would be written over an input"),
    "selects-nothing": Message("--select matches nothing that is declared"),
    "not-recorded": Message("Nothing is recorded under that address"),
    "bad-move": Message("A record cannot be moved there"),
    "out-with-at": Message("A plan of another instant cannot be saved"),
    "not-a-plan": Message("The file is not a plan"),
    "plan-of-another-format": Message("The plan is of another format"),
    "horizon-too-busy": Message("The horizon holds too many runs"),
    "bad-lateness": Message("--lateness is not understood"),
    "bad-runner": Message("--runner takes a cron expression"),
    "bad-timezone": Message("--runner-timezone takes a zone"),
    "bad-share": Message("--fail takes a percentage"),
    "fault-spec-invalid": Message("The faults asked for cannot be read"),
    "sandbox-not-loopback": Message("The sandbox serves this machine only"),
    "sandbox-port-unavailable": Message("The sandbox cannot listen there"),
    "file-exists": Message("The file exists already"),
    "bad-model": Message("--model takes NAME=UUID"),
    "file-not-written": Message("The file could not be written"),
    "format-unsafe": Message("The file was left as it is"),
    "unknown-code": Message("No such code"),
    "system-error": Message("The system refused an operation"),
    "out-of-memory": Message("There is not enough memory"),
    "internal-error": Message("A bug in reconcile"),
    # Codes about staying: the page and the heartbeat of `run`.
    "bad-heartbeat-url": Message("The heartbeat URL cannot be used"),
    "bad-listen": Message("--listen takes an address and a port"),
    "bad-token-file": Message("A token file cannot be used"),
    "controller-not-installed": Message("The page's server is not installed"),
    "listen-unavailable": Message("The page cannot listen there"),
    "listen-without-token": Message("The page would be open to the network"),
    # Codes about the pair of token and instance that calls are made with.
    "no-credential": Message("There is no token to call Omni with"),
    "half-a-credential": Message("Only one half of the credential is set"),
    "two-tokens": Message("Two different tokens are set"),
    "bad-token": Message("The token cannot be right"),
    "wrong-host": Message("The files are for another Omni instance than the token"),
    "unknown-profile": Message(_PROFILE),
    "incomplete-profile": Message(_PROFILE),
    "unreadable-profile-file": Message(_PROFILE),
    "unsafe-profile-file": Message(_PROFILE),
    # Codes about a state that is damaged or gone, and about mending it.
    "state-damaged": Message("The state file is damaged"),
    "state-missing": Message("The state file is gone"),
    "state-newer-format": Message("The state file is of a newer format"),
    "state-replaced": Message("The state file was changed by somebody else"),
    "state-not-saved": Message("The state file was not brought up to date"),
    "journal-damaged": Message("The journal is damaged"),
    "journal-foreign": Message("The journal does not belong to the state"),
    "journal-torn": Message("The journal ends in the middle of a line"),
    "journal-missing": Message("The journal of an earlier run is missing"),
    "journal-lost": Message("The journal cannot be written any more"),
    "intent-not-recorded": Message("A call could not be written down, so it was not made"),
    "outcome-not-recorded": Message("What happened could not be written down"),
    "previous-run-died": Message("An earlier run was cut short"),
    "previous-damaged": Message("The previous version is damaged"),
    "history-damaged": Message("The history has gaps"),
    "history-ahead": Message("The history reaches past the state"),
    "nothing-to-repair": Message("There is nothing to repair"),
    "nothing-to-restore": Message("There is nothing to go back to"),
    # Codes about a fleet at work; those about its file are explained with the other files'.
    "extra-missing": Message("A part of reconcile is not installed"),
    "fleet-database-lost": Message("The fleet's database cannot be reached"),
    "fleet-database-refused": Message("The fleet's database refuses what is asked of it"),
    "fleet-schema-older": Message("The tables in the fleet's database are of an older version"),
    "fleet-schema-newer": Message("The tables in the fleet's database are of a newer version"),
    "instance-paused": Message("This instance is paused"),
    "instance-run-failed": Message("The last run of this instance did not end well"),
    "no-fleet-database": Message("The fleet has no database"),
    "no-such-instance": Message("The fleet has no such instance"),
    # Codes about looking at the live instance, and about what stops an apply just before it.
    "live-refused": Message("Omni refused the token"),
    "live-unreadable": Message("The instance could not be looked at"),
    "live-part-unseen": Message("A part of the instance could not be seen"),
    "nothing-to-compare": Message("The files declare nothing to compare"),
    "not-all-checked": Message("Not everything that is declared could be compared"),
    "live-extra-missing": Message("Cache policies cannot be read"),
    "instance-file-invalid": Message("The listing of an instance cannot be used"),
    "instance-file-unreadable": Message("The listing of an instance cannot be read"),
    "observation-damaged": Message("The last live look cannot be used"),
    "observation-not-kept": Message("The live look was not kept"),
    "connections-unseen": Message("The token may not see connections"),
    "nothing-to-lock": Message("The files select nothing"),
    "no-match": Message("Nothing matches"),
    "policies-left-out": Message("Cache policies were left out"),
    "leaves-select": Message("A model leaves its [[select]]"),
    "select-without-models": Message("A [[select]] matches no model"),
    "nothing-chosen": Message("Nothing says what to import"),
    "bad-choice": Message("The answer names no model of the list"),
    "drift-is-no-plan": Message("What drift prints cannot be applied"),
    "preflight-refused": Message("Omni refuses the token"),
    "preflight-failed": Message("Omni could not be asked before the first call"),
    "model-not-there": Message("Models are missing, and their items are held for this apply"),
    "connection-shadowed": Message("Omni's own schedule refreshes the same connection"),
    "clock-off": Message("The clocks differ"),
    "clock-went-back": Message("The record holds instants that are still to come"),
    "role-may-not-do": Message("The token's role may not be enough"),
    # Codes about the files of a state and the lock on it.
    "history-elsewhere": Message("The history is not here"),
    "state-url-secret": Message("The state's URL holds a secret"),
    "state-host-unsaid": Message("Only a file names the host of the state's database"),
    "state-url-option": Message("A file may not say how the state's database is trusted"),
    "state-url-differs": Message("The files name another state than RECONCILE_STATE_URL"),
    "state-extra-missing": Message("A package for this kind of state is not installed"),
    "state-store-error": Message("The store of the state cannot be used"),
    "state-store-unsafe": Message("This store cannot keep two runs apart"),
    "state-conflict": Message("Another run has changed the state"),
    "migrate-same": Message("A state cannot be moved onto itself"),
    "state-file-error": Message("A state file cannot be used"),
    "state-not-a-file": Message("A state or saved plan is no regular file"),
    "state-too-large": Message("A state file is too large"),
    "state-directory-open": Message("Anybody may write to the state's directory"),
    "state-writable-by-others": Message("Others may write to the state file"),
    "as-of-refused": Message("A forced reset cannot be made as of that instant"),
    "signal-not-awaited": Message("no item awaits that signal"),
    "signal-of-the-future": Message("A signal says what has happened"),
    "signal-inbox-busy": Message("The inbox of signals is held by another sender", ExitCode.LOCKED),
    "signal-inbox-damaged": Message("The inbox of signals cannot be read"),
    "state-busy": Message("The state changes too fast to be read", ExitCode.LOCKED),
    "no-state": Message("There is no state yet"),
    "push-damaged": Message("What was pushed is not a state"),
    "push-not-later": Message("The pushed state does not continue the present one"),
    "saved-plan-missing": Message("There is no such saved plan"),
    "saved-plan-unreadable": Message("This is not a saved plan"),
    "saved-plan-of-another-tool": Message(
        "The saved plan was made by another version of the tool", ExitCode.STALE
    ),
    "lock-held": Message("Another run holds the lock", ExitCode.LOCKED),
    "lock-lost": Message("The lock was taken away"),
    "lock-unreliable": Message("This file system does not keep locks"),
    "lock-id-differs": Message("That is not the lock's id"),
}


class Severity(StrEnum):
    """Errors stop; warnings do not."""

    ERROR = "error"
    WARNING = "warning"


class Place(Struct, frozen=True):
    """A spot in a file. `line` and `column` count from 1; `text` is that line; `width` >= 1."""

    file: str
    line: int | None = None
    column: int | None = None
    text: str | None = None
    width: int = 1


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One thing to tell a person, in four parts.

    `code`: stable, kebab-case. `summary`: fixed words. `places`: where, most important first.
    `detail`: full sentences, what then why. `hint`: one thing to do, with a command to copy.
    """

    code: str
    summary: str
    detail: str
    hint: str | None = None
    places: tuple[Place, ...] = ()
    severity: Severity = Severity.ERROR


class ReconcileError(Exception):
    """Carries diagnostics to the one place that prints them. `exit_code`: the first one's."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(f"{d.code}: {d.summary}" for d in diagnostics))
        self.diagnostics = diagnostics

    @property
    def exit_code(self) -> ExitCode:
        """Return how the process ends for it."""
        return next((MESSAGES[d.code].exit_code for d in self.diagnostics), ExitCode.ERROR)


def diagnose(
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    places: tuple[Place, ...] = (),
    severity: Severity = Severity.ERROR,
    headline: str | None = None,
) -> Diagnostic:
    """Make a diagnostic; `headline` names the culprit where the table's own words do not."""
    summary = MESSAGES[code].headline if headline is None else headline
    return Diagnostic(
        code=code, summary=summary, detail=detail, hint=hint, places=places, severity=severity
    )


def fail(
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    places: tuple[Place, ...] = (),
    headline: str | None = None,
) -> ReconcileError:
    """Make the error of one diagnostic; the table knows the exit code."""
    return ReconcileError(diagnose(code, detail, hint=hint, places=places, headline=headline))


# Cheap to import: the command line needs it before it knows what it will do.


def mishap(error: Exception) -> tuple[Diagnostic, ...]:
    """Describe whatever ended a command or a cycle."""
    match error:
        case ReconcileError(diagnostics=diagnostics):
            return tuple(diagnostics)
        case MemoryError():
            why = "This process may have no more of it. What was written down until then is kept."
            return (diagnose("out-of-memory", why, hint="reconcile validate"),)
        case OSError():
            place = f" ({error.filename})" if error.filename else ""
            why = f"{error.strerror or type(error).__name__}{place}."
            return (diagnose("system-error", why, hint="reconcile validate"),)
        case _:
            return (_internal(error),)


def _internal(error: Exception) -> Diagnostic:
    """Describe a bug by where it happened. Never by its text, which may hold anything."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "unknown place"
    if trace is not None:
        code = trace.tb_frame.f_code
        where = f"{Path(code.co_filename).name}:{trace.tb_lineno} in {code.co_name}"
    return diagnose(
        "internal-error",
        f"{type(error).__name__} at {where}. The state on disk is whole: it is only replaced once "
        "its successor is complete.",
        hint="reconcile plan",
    )


# Mistakes as they are found: by key path. Lines and columns are looked up only to report them.

KeyPath = tuple[str | int, ...]
"""Keys from the top of a file; an integer counts into an array, from 0."""


class Spot(Enum):
    """What a place points at."""

    KEY = auto()
    VALUE = auto()
    TABLE = auto()


class Where(Struct, frozen=True):
    """A key path in one of the sources. `offset` counts characters into a string value."""

    source: int
    path: KeyPath
    spot: Spot = Spot.VALUE
    offset: int | None = None

    def value(self, *keys: str | int) -> "Where":
        """Point at the value below this path."""
        return Where(self.source, (*self.path, *keys))

    def key(self, *keys: str | int) -> "Where":
        """Point at the key itself."""
        return Where(self.source, (*self.path, *keys), Spot.KEY)

    def table(self) -> "Where":
        """Point at the header of the table, for what is missing in it."""
        return Where(self.source, self.path, Spot.TABLE)


class Problem(Struct, frozen=True):
    """One mistake. `where` holds its places, the most important first."""

    code: str
    where: tuple[Where, ...]
    detail: str
    hint: str | None = None
    severity: Severity = Severity.ERROR


class LeafError(ValueError):
    """A single value cannot be understood. Knows nothing of where the value was written."""

    def __init__(
        self, code: str, detail: str, hint: str | None = None, offset: int | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        self.offset = offset
        self.element: int | None = None


MOST_PROBLEMS = 1_000
"""Kept at most of errors, and of warnings: nobody reads more, and placing them takes time."""


@dataclass(slots=True)
class Problems:
    """Collects problems; the same mistake met by way of several items is kept once.

    `left_out` counts those past the most that are kept; `is_full` once an error would only be
    counted, which is asked of every value that is read.
    """

    left_out: int = 0
    is_full: bool = False
    _found: dict[Problem, None] = field(default_factory=dict)
    _kept: Counter[Severity] = field(default_factory=Counter)

    def add(
        self,
        code: str,
        where: Where | tuple[Where, ...],
        detail: str,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Keep one problem."""
        places = where if isinstance(where, tuple) else (where,)
        problem = Problem(code, places, detail, hint, severity)
        if problem in self._found:
            return
        if self._kept[severity] >= MOST_PROBLEMS:
            self.left_out += 1
            return
        self._kept[severity] += 1
        self.is_full = self._kept[Severity.ERROR] >= MOST_PROBLEMS
        self._found[problem] = None

    def refuse(self, error: LeafError, where: Where) -> None:
        """Keep a value that was not understood, now that its place is known."""
        if error.element is not None:
            where = where.value(error.element)
        exactly = Where(where.source, where.path, where.spot, error.offset)
        self.add(error.code, exactly, error.detail, error.hint)

    def __len__(self) -> int:
        return len(self._found)

    def found(self) -> tuple[Problem, ...]:
        """Return everything kept, in the order it was found."""
        return tuple(self._found)
