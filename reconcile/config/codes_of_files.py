"""Codes about files, their TOML, and single values in it."""

from reconcile.config.explained import Explained

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
