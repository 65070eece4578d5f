"""Every diagnostic code of the files: its fixed summary, and a paragraph that explains it."""

from reconcile.model.diagnostic import Diagnostic, Place, Severity
from reconcile.model.noun import noun

# What one diagnostic code always says.


@noun(frozen=True, slots=True)
class Explained:
    """A code's fixed summary, and a paragraph for whoever asks what it means."""

    summary: str
    explanation: str


# Codes about connections and their native schedules.

CODES_OF_CONNECTIONS = {
    "connection-without-id": Explained(
        "a connection without an id",
        "Omni names connections by id, and the id becomes part of the path that is called. A name "
        "without one could only be guessed at.",
    ),
    "same-connection": Explained(
        "two names for one connection",
        "Two connections have the same id. Each would look at the schedules of the other as "
        "nobody's.",
    ),
    "bad-native-cron": Explained(
        "not a cron expression of Omni's",
        "Native schedules take the six fields of AWS EventBridge: minute, hour, day of month, "
        "month, day of week (1 is Sunday) and year, of which one of the two day fields is `?`. "
        "It is not the five-field cron of refreshes and resets.",
    ),
    "schedule-without-time": Explained(
        "a native schedule without a time",
        "A native schedule needs `cron`, or `at` with or without `days`. Omni has nothing like "
        "every or when_changed.",
    ),
    "several-expressions": Explained(
        "times that one native schedule cannot hold",
        "One cron expression names every pairing of its minutes and hours, so that 06:00 and 18:30 "
        "need two. Each becomes a schedule with a name of its own.",
    ),
    "same-schedule": Explained(
        "the same native schedule twice",
        "Omni's schedules have no name: two that say the same on one connection refresh it twice, "
        "and nothing could tell which is which.",
    ),
}


# Codes about files, their TOML, and single values in it.

CODES_OF_FILES = {
    "file-not-found": Explained(
        "no such file",
        "The path given as desired state names neither a file nor a directory. Relative paths "
        "start from the directory the command runs in.",
    ),
    "file-unreadable": Explained(
        "a file cannot be read",
        "The operating system refused to open or read the file, most often for its permissions.",
    ),
    "not-a-file": Explained(
        "not a regular file",
        "Only regular files are read. A pipe, device or socket may block for ever, or give "
        "different content each time, and then a plan could not be repeated.",
    ),
    "file-too-large": Explained(
        "a file is too large",
        "All files of one desired state may hold 64 MiB together. The size is checked before a "
        "file is read, so that a mistaken path costs no memory.",
    ),
    "no-files": Explained(
        "no files to read",
        "A directory is one desired state: every file in it whose name ends in .toml and does "
        "not start with a dot. Directories below it are not searched.",
    ),
    "state-url": Explained(
        "the state's URL cannot be used",
        "State is kept in a local file, by its path, or in a store: s3://BUCKET/KEY, "
        "gs://BUCKET/KEY, az://CONTAINER/KEY or postgresql://HOST/DATABASE#KEY. Nothing in it is "
        "expanded. A URL with a slip in it would be a path, and a file that is gone with the "
        "machine a run was on; so what looks like one is refused.",
    ),
    "not-utf8": Explained(
        "the text is not UTF-8",
        "TOML is UTF-8. A byte order mark at the start is accepted; UTF-16, and bytes that form "
        "no character, are not.",
    ),
    "invalid-toml": Explained(
        "the file is not valid TOML",
        "The text breaks TOML's grammar. The place is where the parser could not go on, which is "
        "sometimes just after the mistake: look for a missing quote or bracket before it.",
    ),
    "conflict-markers": Explained(
        "the file holds merge conflict markers",
        "git leaves <<<<<<<, ======= and >>>>>>> where two changes to the same lines met. Choose "
        "what is meant and remove the marks.",
    ),
    "key-too-long": Explained(
        "a key has too many parts",
        "A dotted key may have 32 parts. Longer ones are refused before the file is parsed, since "
        "they cost parsers seconds and gigabytes.",
    ),
    "nested-too-deeply": Explained(
        "values are nested too deeply",
        "Arrays and inline tables may lie 64 deep. Deeper ones are refused before the file is "
        "parsed.",
    ),
    "declared-twice": Explained(
        "declared twice",
        "A table, a key, a model or a policy is written in two places, in one file or in two files "
        "of one directory. Nothing says which of the two would count, so neither does.",
    ),
    "unknown-key": Explained(
        "unknown key",
        "The key means nothing here. Unknown keys are errors because a misspelt one would "
        "otherwise be passed over in silence, and its default used instead.",
    ),
    "secret-in-file": Explained(
        "a credential does not belong in this file",
        "Credentials come from the environment of whoever runs the command: OMNI_API_KEY beside "
        "OMNI_BASE_URL. A token that was committed to a repository should be revoked.",
    ),
    "wrong-type": Explained(
        "a value of the wrong type",
        "The key is known and its value is of another kind than it takes: a number where text is "
        "expected, text where a table is. Nothing is converted silently.",
    ),
    "out-of-range": Explained(
        "a number out of range",
        "The number is smaller or larger than the key can mean. The detail names both bounds.",
    ),
    "not-one-of": Explained(
        "not one of the possible words",
        "The key takes one word of a short list, spelled as it is there.",
    ),
    "missing-key": Explained(
        "a required key is missing",
        "The table needs this key, and there is no default that would be right.",
    ),
    "empty-list": Explained(
        "an empty list",
        "The list has no elements, so the key would say nothing. Leave the key out, or fill it.",
    ),
    "more-problems": Explained(
        "more problems than are shown",
        "A thousand problems are shown at most. Correct some of them, most often one that repeats, "
        "and run the command again for the rest.",
    ),
    "too-many-models": Explained(
        "too many models",
        "One desired state may declare 100,000 models.",
    ),
    "bad-duration": Explained(
        "not a duration",
        "A duration is a number and a unit: 90s, 15m, 6h, 2d, 1w, or several from the longest "
        "unit to the shortest, as in 1h30m. It is at most 366 days. A day is always 24 hours.",
    ),
    "bad-time": Explained(
        "not a time of day",
        "A time of day is written HH:MM, from 00:00 to 23:59, in quotes. It is a wall-clock time "
        "in the item's time zone.",
    ),
    "bad-days": Explained(
        "not days of the week",
        "Days are mon, tue, wed, thu, fri, sat and sun, ranges of them such as mon-fri (fri-mon "
        "runs over the week's end), weekdays and weekends; several have commas between them.",
    ),
    "bad-window": Explained(
        "not a window of time",
        "A window is two times of day with a dash between them, as in 22:00-06:00. If its end is "
        "not after its start it ends on the next day.",
    ),
    "bad-instant": Explained(
        "not an instant",
        "An instant is a TOML date-time with an offset, or the same as text (RFC 3339).",
    ),
    "no-offset": Explained(
        "an instant without an offset",
        "Without an offset from UTC a date and time mean another instant in every time zone, and "
        "none or two on the days clocks change.",
    ),
    "unknown-zone": Explained(
        "unknown time zone",
        "Time zones are IANA names such as Europe/Berlin. Abbreviations such as EST are not "
        "unique, and offsets know no daylight saving.",
    ),
    "bad-name": Explained(
        "an unusable name",
        "Names have 1 to 200 characters, all of which can be seen. Control characters, zero-width "
        "ones and those that turn the direction of text could make two names look the same.",
    ),
    "not-a-uuid": Explained(
        "not a UUID",
        "Models and branches are named by UUID, such as bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed. "
        "The id becomes part of a request's path; anything else there could be another endpoint.",
    ),
    "bad-base-url": Explained(
        "not a usable base URL",
        "The base URL is the https origin of an Omni instance. /api and /api/v1 may follow and are "
        "ignored. It only asserts which instance is meant: the credential brings its own.",
    ),
    "bad-cron": Explained(
        "not a cron expression",
        "A cron expression has five fields: minute, hour, day of month, month, day of week.",
    ),
}


# Codes about `fleet.toml`.

CODES_OF_FLEETS = {
    "fleet-empty": Explained(
        "the fleet has no instances",
        "A fleet without instances would have workers that wait for ever for nothing.",
    ),
    "fleet-database": Explained(
        "the fleet's database cannot be used",
        "The database that hands out the work is a Postgres, given as postgresql://HOST/DATABASE "
        "without a password. Passwords come from where libpq looks for them: PGPASSWORD, "
        "PGPASSFILE, a service file, or a certificate.",
    ),
    "fleet-state-shared": Explained(
        "two instances share one state",
        "A state remembers the calls made to one instance of Omni. Two instances that share one "
        "would each take the other's calls for their own.",
    ),
}


# Codes about versions of the desired state that git keeps.

CODES_OF_HISTORY = {
    "bad-ref": Explained(
        "not a usable revision",
        "A revision is the name of a branch, a tag or a commit, as git understands it. It does "
        "not begin with a dash, is one line, and holds no colon.",
    ),
    "no-git": Explained(
        "git is not installed",
        "An earlier version of the files is read with the git program, which was not found on the "
        "PATH. A file can be compared with a file without it.",
    ),
    "not-a-repository": Explained(
        "not in a usable git repository",
        "The desired state does not lie in a git repository, or git refuses to open it, most "
        "often because it belongs to another user.",
    ),
    "unknown-ref": Explained(
        "no such revision",
        "The repository knows no commit by that name. A checkout in a pipeline often holds one "
        "commit and no other branches: fetch what you compare with before. What begins with ./, "
        "../ or /, or ends in .toml, is taken for a file, and everything else for a revision: a "
        "file in a pull request cannot stand in for the branch it is compared with.",
    ),
    "no-merge-base": Explained(
        "no commit in common",
        "REF... stands for the commit at which HEAD parted from REF, and the two have none in "
        "common here. In a shallow clone that commit may lie beyond what was fetched: fetch the "
        "whole history, or compare with the revision itself.",
    ),
    "path-not-in-ref": Explained(
        "the path is not in that revision",
        "The commit holds nothing at the path of the desired state. It may have been added or "
        "renamed since.",
    ),
    "not-a-file-in-ref": Explained(
        "not a regular file in that revision",
        "At this path the commit holds a symbolic link or a submodule. Links are not followed in "
        "a commit: they may lead out of it.",
    ),
    "git-failed": Explained(
        "git could not read the revision",
        "The repository was found and then git failed. A partial clone may lack the file's "
        "content; nothing is fetched, since a plan opens no connection.",
    ),
}


# Codes about what is declared: single items, and how they stand to each other.

CODES_OF_ITEMS = {
    "two-cadences": Explained(
        "more than one cadence",
        "An item has exactly one of every, cron, at and when_changed; a cache reset may have "
        "reset_at or after instead. Two of them would be two items.",
    ),
    "no-cadence": Explained(
        "no cadence",
        "An item needs a cadence: every, cron, at or when_changed; for a cache reset also reset_at "
        "or after. It may come from [defaults].",
    ),
    "days-need-at": Explained(
        "days without at",
        "`days` says on which days the times in `at` hold. cron has a field of its own for days.",
    ),
    "missing-needs-files": Explained(
        "missing without when_changed",
        "`missing` says what to do while a file in `when_changed` does not exist.",
    ),
    "spread-needs-a-clock": Explained(
        "spread without wall-clock times",
        "`spread` shifts wall-clock slots (cron, at) by a fixed offset, so that many items of one "
        "time do not all start at once. The other cadences have no common time to spread from.",
    ),
    "filters-need-soft": Explained(
        "schemas or tables on a hard refresh",
        "Omni refreshes chosen schemas or tables only softly. A hard refresh is always of the "
        "whole model and drops what it does not find.",
    ),
    "legacy-refresh-is-hard": Explained(
        "the legacy API cannot do this",
        "The legacy refresh call takes no parameters: it is always hard, unfiltered, and on no "
        "branch. Sending it for a soft declaration would drop what was to be kept.",
    ),
    "watched-file-missing": Explained(
        "a watched file does not exist",
        "A file in `when_changed` is not there, so nothing can tell whether it changed. With "
        'missing = "wait" the item waits for it instead. The path starts from the folder of '
        "the file that says it.",
    ),
    "watched-file-outside": Explained(
        "a watched file is outside of the repository",
        "`when_changed` reads files, and their hash is part of plans that others see. So the files "
        "are those of the repository that holds the file which names them, or, where there is "
        "none, those below its folder. A path that leads out by `..` or by a symbolic link is "
        "refused like any other.",
    ),
    "watched-file-unreadable": Explained(
        "a watched file cannot be read",
        "A file in `when_changed` exists and cannot be read, is not a regular file, or is larger "
        "than 64 MiB.",
    ),
    "bad-freeze": Explained(
        "a freeze without a clear window",
        "A freeze is either one stretch of time (from and until, from first) or everything outside "
        "the windows in allow. days and timezone belong to allow.",
    ),
    "model-without-id": Explained(
        "a model without an id",
        "Cache policies of a model may stand in several files of a directory, but one of them must "
        "hold the model's own keys, among them its id.",
    ),
    "declares-nothing": Explained(
        "nothing is declared",
        "The files declare no refresh and no cache reset. An empty desired state is more likely a "
        "wrong path or a lost file than a wish to forget everything, so it is an error.",
    ),
    "same-name": Explained(
        "two names that look the same",
        "Two names differ only in case, in how their accents are encoded, or in a dot at the end. "
        "People would take them for one.",
    ),
    "same-target": Explained(
        "two items would make the same call",
        "Two models with one id declare a refresh of the same branch, or a reset of the same "
        "policy. One call would then be recorded twice.",
    ),
    "after-not-declared": Explained(
        "after names nothing that is declared",
        "`after` holds the address of a declared refresh, such as models.sales.refresh.",
    ),
    "after-not-a-refresh": Explained(
        "after names something other than a refresh",
        "A reset can follow a refresh, whose end can be seen. A cache reset has no end to wait "
        "for: let both resets follow the same refresh.",
    ),
    "after-cycle": Explained(
        "items that wait for each other",
        "Following `after` from item to item comes back to where it started, so none of them could "
        "ever be first.",
    ),
    "after-not-observed": Explained(
        "the end of this refresh cannot be seen",
        "The legacy API returns no job to ask about. A refresh then counts as completed once it "
        "is accepted, and the reset may come before the refresh has ended.",
    ),
    "never-runs": Explained(
        "an item that never runs",
        "The item follows a refresh that is paused without an end, so nothing would ever "
        "make it due.",
    ),
    "model-without-items": Explained(
        "a model without refresh or cache",
        "The model is declared with its id and nothing to do.",
    ),
    "freeze-matches-nothing": Explained(
        "a freeze that matches nothing",
        "None of the globs in `match` fits the address of a declared item.",
    ),
}


# Codes about `[[select]]` and its lock file.

CODES_OF_SELECTING = {
    "lock-missing": Explained(
        "there is no lock file for [[select]]",
        "A [[select]] is a template for models that only the instance knows. Which they are is "
        "written to reconcile.models.toml beside the files by `reconcile lock`, and committed: a "
        "plan then needs no connection, and a review shows which models join or leave.",
    ),
    "lock-stale": Explained(
        "the lock file is for other [[select]] blocks",
        "The lock file says for which [[select]] blocks it was written, and they are not those of "
        "the files. Which models the new ones stand for can only be asked of the instance: run "
        "`reconcile lock`, and review the change.",
    ),
    "select-without-items": Explained(
        "a [[select]] without refresh or cache",
        "A [[select]] is a template of what its models have: a refresh, cache policies, or both.",
    ),
    "lock-unreadable": Explained(
        "the lock file cannot be used",
        "reconcile.models.toml is not as `reconcile lock` writes it, most often after a merge. "
        "It holds nothing that cannot be found again: write it anew.",
    ),
}


# Every diagnostic code of this room: its fixed summary, and a paragraph that explains it.

CODES: dict[str, Explained] = (
    CODES_OF_CONNECTIONS
    | CODES_OF_FILES
    | CODES_OF_FLEETS
    | CODES_OF_HISTORY
    | CODES_OF_ITEMS
    | CODES_OF_SELECTING
)


def diagnose(
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    places: tuple[Place, ...] = (),
    severity: Severity = Severity.ERROR,
) -> Diagnostic:
    """Make a diagnostic with the code's own summary."""
    return Diagnostic(
        code=code,
        summary=CODES[code].summary,
        detail=detail,
        hint=hint,
        places=places,
        severity=severity,
    )
