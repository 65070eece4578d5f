"""What every code says, in one table: the codes of the process, and those of diagnostics."""

from collections.abc import Mapping
from enum import IntEnum
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
    """What a code says: its headline, a paragraph for `explain`, and how the process then ends."""

    headline: str
    explanation: str
    exit_code: ExitCode = ExitCode.ERROR


_LIMIT = "A limit blocks this apply"
_PROFILE = "The profile of Omni's CLI cannot be used"

MESSAGES: Final[Mapping[str, Message]] = {
    # Codes about connections and their native schedules.
    "connection-without-id": Message(
        "a connection without an id",
        "Omni names connections by id, and the id becomes part of the path that is called. A name "
        "without one could only be guessed at.",
    ),
    "same-connection": Message(
        "two names for one connection",
        "Two connections have the same id. Each would look at the schedules of the other as "
        "nobody's.",
    ),
    "bad-native-cron": Message(
        "not a cron expression of Omni's",
        "Native schedules take the six fields of AWS EventBridge: minute, hour, day of month, "
        "month, day of week (1 is Sunday) and year, of which one of the two day fields is `?`. "
        "It is not the five-field cron of refreshes and resets.",
    ),
    "schedule-without-time": Message(
        "a native schedule without a time",
        "A native schedule needs `cron`, or `at` with or without `days`. Omni has nothing like "
        "every or when_changed.",
    ),
    "several-expressions": Message(
        "times that one native schedule cannot hold",
        "One cron expression names every pairing of its minutes and hours, so that 06:00 and 18:30 "
        "need two. Each becomes a schedule with a name of its own.",
    ),
    "same-schedule": Message(
        "the same native schedule twice",
        "Omni's schedules have no name: two that say the same on one connection refresh it twice, "
        "and nothing could tell which is which.",
    ),
    # Codes about files, their TOML, and single values in it.
    "file-not-found": Message(
        "no such file",
        "The path given as desired state names neither a file nor a directory. Relative paths "
        "start from the directory the command runs in.",
    ),
    "file-unreadable": Message(
        "a file cannot be read",
        "The operating system refused to open or read the file, most often for its permissions.",
    ),
    "not-a-file": Message(
        "not a regular file",
        "Only regular files are read. A pipe, device or socket may block for ever, or give "
        "different content each time, and then a plan could not be repeated.",
    ),
    "file-too-large": Message(
        "a file is too large",
        "All files of one desired state may hold 64 MiB together. The size is checked before a "
        "file is read, so that a mistaken path costs no memory.",
    ),
    "no-files": Message(
        "no files to read",
        "A directory is one desired state: every file in it whose name ends in .toml and does "
        "not start with a dot. Directories below it are not searched.",
    ),
    "state-url": Message(
        "the state's URL cannot be used",
        "State is kept in a local file, by its path, or in a store: s3://BUCKET/KEY, "
        "gs://BUCKET/KEY, az://CONTAINER/KEY or postgresql://HOST/DATABASE#KEY. Nothing in it is "
        "expanded. A URL with a slip in it would be a path, and a file that is gone with the "
        "machine a run was on; so what looks like one is refused.",
    ),
    "not-utf8": Message(
        "the text is not UTF-8",
        "TOML is UTF-8. A byte order mark at the start is accepted; UTF-16, and bytes that form "
        "no character, are not.",
    ),
    "invalid-toml": Message(
        "the file is not valid TOML",
        "The text breaks TOML's grammar. The place is where the parser could not go on, which is "
        "sometimes just after the mistake: look for a missing quote or bracket before it.",
    ),
    "conflict-markers": Message(
        "the file holds merge conflict markers",
        "git leaves <<<<<<<, ======= and >>>>>>> where two changes to the same lines met. Choose "
        "what is meant and remove the marks.",
    ),
    "key-too-long": Message(
        "a key has too many parts",
        "A dotted key may have 32 parts. Longer ones are refused before the file is parsed, since "
        "they cost parsers seconds and gigabytes.",
    ),
    "nested-too-deeply": Message(
        "values are nested too deeply",
        "Arrays and inline tables may lie 64 deep. Deeper ones are refused before the file is "
        "parsed.",
    ),
    "declared-twice": Message(
        "declared twice",
        "A table, a key, a model or a policy is written in two places, in one file or in two files "
        "of one directory. Nothing says which of the two would count, so neither does.",
    ),
    "unknown-key": Message(
        "unknown key",
        "The key means nothing here. Unknown keys are errors because a misspelt one would "
        "otherwise be passed over in silence, and its default used instead.",
    ),
    "secret-in-file": Message(
        "a credential does not belong in this file",
        "Credentials come from the environment of whoever runs the command: OMNI_API_KEY beside "
        "OMNI_BASE_URL. A token that was committed to a repository should be revoked.",
    ),
    "wrong-type": Message(
        "a value of the wrong type",
        "The key is known and its value is of another kind than it takes: a number where text is "
        "expected, text where a table is. Nothing is converted silently.",
    ),
    "out-of-range": Message(
        "a number out of range",
        "The number is smaller or larger than the key can mean. The detail names both bounds.",
    ),
    "not-one-of": Message(
        "not one of the possible words",
        "The key takes one word of a short list, spelled as it is there.",
    ),
    "missing-key": Message(
        "a required key is missing",
        "The table needs this key, and there is no default that would be right.",
    ),
    "empty-list": Message(
        "an empty list",
        "The list has no elements, so the key would say nothing. Leave the key out, or fill it.",
    ),
    "more-problems": Message(
        "more problems than are shown",
        "A thousand problems are shown at most. Correct some of them, most often one that repeats, "
        "and run the command again for the rest.",
    ),
    "too-many-models": Message("too many models", "One desired state may declare 100,000 models."),
    "bad-duration": Message(
        "not a duration",
        "A duration is a number and a unit: 90s, 15m, 6h, 2d, 1w, or several from the longest "
        "unit to the shortest, as in 1h30m. It is at most 366 days. A day is always 24 hours.",
    ),
    "bad-time": Message(
        "not a time of day",
        "A time of day is written HH:MM, from 00:00 to 23:59, in quotes. It is a wall-clock time "
        "in the item's time zone.",
    ),
    "bad-days": Message(
        "not days of the week",
        "Days are mon, tue, wed, thu, fri, sat and sun, ranges of them such as mon-fri (fri-mon "
        "runs over the week's end), weekdays and weekends; several have commas between them.",
    ),
    "bad-window": Message(
        "not a window of time",
        "A window is two times of day with a dash between them, as in 22:00-06:00. If its end is "
        "not after its start it ends on the next day.",
    ),
    "bad-instant": Message(
        "not an instant",
        "An instant is a TOML date-time with an offset, or the same as text (RFC 3339).",
    ),
    "no-offset": Message(
        "an instant without an offset",
        "Without an offset from UTC a date and time mean another instant in every time zone, and "
        "none or two on the days clocks change.",
    ),
    "unknown-zone": Message(
        "unknown time zone",
        "Time zones are IANA names such as Europe/Berlin. Abbreviations such as EST are not "
        "unique, and offsets know no daylight saving.",
    ),
    "bad-name": Message(
        "an unusable name",
        "Names have 1 to 200 characters, all of which can be seen. Control characters, zero-width "
        "ones and those that turn the direction of text could make two names look the same.",
    ),
    "not-a-uuid": Message(
        "not a UUID",
        "Models and branches are named by UUID, such as bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed. "
        "The id becomes part of a request's path; anything else there could be another endpoint.",
    ),
    "bad-base-url": Message(
        "not a usable base URL",
        "The base URL is the https origin of an Omni instance. /api and /api/v1 may follow and are "
        "ignored. It only asserts which instance is meant: the credential brings its own.",
    ),
    "bad-cron": Message(
        "not a cron expression",
        "A cron expression has five fields: minute, hour, day of month, month, day of week.",
    ),
    # Codes about `fleet.toml`.
    "fleet-empty": Message(
        "the fleet has no instances",
        "A fleet without instances would have workers that wait for ever for nothing.",
    ),
    "fleet-database": Message(
        "the fleet's database cannot be used",
        "The database that hands out the work is a Postgres, given as postgresql://HOST/DATABASE "
        "without a password. Passwords come from where libpq looks for them: PGPASSWORD, "
        "PGPASSFILE, a service file, or a certificate.",
    ),
    "fleet-state-shared": Message(
        "two instances share one state",
        "A state remembers the calls made to one instance of Omni. Two instances that share one "
        "would each take the other's calls for their own.",
    ),
    # Codes about versions of the desired state that git keeps.
    "bad-ref": Message(
        "not a usable revision",
        "A revision is the name of a branch, a tag or a commit, as git understands it. It does "
        "not begin with a dash, is one line, and holds no colon.",
    ),
    "no-git": Message(
        "git is not installed",
        "An earlier version of the files is read with the git program, which was not found on the "
        "PATH. A file can be compared with a file without it.",
    ),
    "not-a-repository": Message(
        "not in a usable git repository",
        "The desired state does not lie in a git repository, or git refuses to open it, most "
        "often because it belongs to another user.",
    ),
    "unknown-ref": Message(
        "no such revision",
        "The repository knows no commit by that name. A checkout in a pipeline often holds one "
        "commit and no other branches: fetch what you compare with before. What begins with ./, "
        "../ or /, or ends in .toml, is taken for a file, and everything else for a revision: a "
        "file in a pull request cannot stand in for the branch it is compared with.",
    ),
    "no-merge-base": Message(
        "no commit in common",
        "REF... stands for the commit at which HEAD parted from REF, and the two have none in "
        "common here. In a shallow clone that commit may lie beyond what was fetched: fetch the "
        "whole history, or compare with the revision itself.",
    ),
    "path-not-in-ref": Message(
        "the path is not in that revision",
        "The commit holds nothing at the path of the desired state. It may have been added or "
        "renamed since.",
    ),
    "not-a-file-in-ref": Message(
        "not a regular file in that revision",
        "At this path the commit holds a symbolic link or a submodule. Links are not followed in "
        "a commit: they may lead out of it.",
    ),
    "git-failed": Message(
        "git could not read the revision",
        "The repository was found and then git failed. A partial clone may lack the file's "
        "content; nothing is fetched, since a plan opens no connection.",
    ),
    # Codes about what is declared: single items, and how they stand to each other.
    "two-cadences": Message(
        "more than one cadence",
        "An item has exactly one of every, cron, at, when_changed and on_signal; a cache "
        "reset may have reset_at or after instead. Two of them would be two items.",
    ),
    "no-cadence": Message(
        "no cadence",
        "An item needs a cadence: every, cron, at, when_changed or on_signal; for a cache reset "
        "also reset_at or after. It may come from [defaults].",
    ),
    "bad-signal-name": Message(
        "a name that no signal can have",
        "A signal's name stands in a URL, POST /signals/NAME, and on command lines. So it is made "
        "of letters, digits, dots, dashes and underscores.",
    ),
    "bad-webhook": Message(
        "a webhook that could not be told from a forgery",
        "The table of a signal says whose webhook sends it. dbt, Fivetran and GitHub sign the body "
        "with a secret, which stands in an environment variable (`secret_env`) or in a file "
        "(`secret_file`), never in the table. Without a signature whoever sends it shows the token "
        "of --signal-token-file.",
    ),
    "signal-awaited-by-none": Message(
        "a webhook for a signal that no item awaits",
        "Whatever it sends makes nothing due: most likely its name, or that in an `on_signal`, is "
        "misspelt.",
    ),
    "too-many-signals": Message(
        "an item that awaits too many signals",
        "An item may await 32 signals. Let what sends them send one when all is done.",
    ),
    "days-need-at": Message(
        "days without at",
        "`days` says on which days the times in `at` hold. cron has a field of its own for days.",
    ),
    "missing-needs-files": Message(
        "missing without when_changed",
        "`missing` says what to do while a file in `when_changed` does not exist.",
    ),
    "spread-needs-a-clock": Message(
        "spread without wall-clock times",
        "`spread` shifts wall-clock slots (cron, at) by a fixed offset, so that many items of one "
        "time do not all start at once. The other cadences have no common time to spread from.",
    ),
    "filters-need-soft": Message(
        "schemas or tables on a hard refresh",
        "Omni refreshes chosen schemas or tables only softly. A hard refresh is always of the "
        "whole model and drops what it does not find.",
    ),
    "legacy-refresh-is-hard": Message(
        "the legacy API cannot do this",
        "The legacy refresh call takes no parameters: it is always hard, unfiltered, and on no "
        "branch. Sending it for a soft declaration would drop what was to be kept.",
    ),
    "watched-file-missing": Message(
        "a watched file does not exist",
        "A file in `when_changed` is not there, so nothing can tell whether it changed. With "
        'missing = "wait" the item waits for it instead. The path starts from the folder of '
        "the file that says it.",
    ),
    "watched-file-outside": Message(
        "a watched file is outside of the repository",
        "`when_changed` reads files, and their hash is part of plans that others see. So the files "
        "are those of the repository that holds the file which names them, or, where there is "
        "none, those below its folder. A path that leads out by `..` or by a symbolic link is "
        "refused like any other.",
    ),
    "watched-file-unreadable": Message(
        "a watched file cannot be read",
        "A file in `when_changed` exists and cannot be read, is not a regular file, or is larger "
        "than 64 MiB.",
    ),
    "bad-freeze": Message(
        "a freeze without a clear window",
        "A freeze is either one stretch of time (from and until, from first) or everything outside "
        "the windows in allow. days and timezone belong to allow.",
    ),
    "model-without-id": Message(
        "a model without an id",
        "Cache policies of a model may stand in several files of a directory, but one of them must "
        "hold the model's own keys, among them its id.",
    ),
    "declares-nothing": Message(
        "nothing is declared",
        "The files declare no refresh and no cache reset. That is where every file begins; where "
        "something is recorded, a limit keeps an apply from forgetting all of it.",
    ),
    "same-name": Message(
        "two names that look the same",
        "Two names differ only in case, in how their accents are encoded, or in a dot at the end. "
        "People would take them for one.",
    ),
    "same-target": Message(
        "two items would make the same call",
        "Two models with one id declare a refresh of the same branch, or a reset of the same "
        "policy. One call would then be recorded twice.",
    ),
    "after-not-declared": Message(
        "after names nothing that is declared",
        "`after` holds the address of a declared refresh, such as models.sales.refresh.",
    ),
    "after-not-a-refresh": Message(
        "after names something other than a refresh",
        "A reset can follow a refresh, whose end can be seen. A cache reset has no end to wait "
        "for: let both resets follow the same refresh.",
    ),
    "after-cycle": Message(
        "items that wait for each other",
        "Following `after` from item to item comes back to where it started, so none of them could "
        "ever be first.",
    ),
    "after-not-observed": Message(
        "the end of this refresh cannot be seen",
        "The legacy API returns no job to ask about. A refresh then counts as completed once it "
        "is accepted, and the reset may come before the refresh has ended.",
    ),
    "never-runs": Message(
        "an item that never runs",
        "The item follows a refresh that is paused without an end, so nothing would ever "
        "make it due.",
    ),
    "model-without-items": Message(
        "a model without refresh or cache", "The model is declared with its id and nothing to do."
    ),
    "freeze-matches-nothing": Message(
        "a freeze that matches nothing",
        "None of the globs in `match` fits the address of a declared item.",
    ),
    "minute-over-budget": Message(
        "more calls in one minute than the budget takes",
        "Items whose wall-clock slots fall into one minute are called one after the other, as fast "
        "as requests_per_minute allows; the last of them wait. `spread` gives each item an offset "
        "of its own, and models that name one `connection` share one refresh call.",
    ),
    "budget-too-small": Message(
        "more work than the budget takes",
        "On average the declared cadences need more requests a minute than requests_per_minute "
        "allows, so the backlog grows without end and slots are missed for good.",
    ),
    # Codes about `[[select]]` and its lock file.
    "lock-missing": Message(
        "there is no lock file for [[select]]",
        "A [[select]] is a template for models that only the instance knows. Which they are is "
        "written to reconcile.models.toml beside the files by `reconcile lock`, and committed: a "
        "plan then needs no connection, and a review shows which models join or leave.",
    ),
    "lock-stale": Message(
        "the lock file is for other [[select]] blocks",
        "The lock file says for which [[select]] blocks it was written, and they are not those of "
        "the files. Which models the new ones stand for can only be asked of the instance: run "
        "`reconcile lock`, and review the change.",
    ),
    "select-without-items": Message(
        "a [[select]] without refresh or cache",
        "A [[select]] is a template of what its models have: a refresh, cache policies, or both.",
    ),
    "lock-unreadable": Message(
        "the lock file cannot be used",
        "reconcile.models.toml is not as `reconcile lock` writes it, most often after a merge. "
        "It holds nothing that cannot be found again: write it anew.",
    ),
    # Codes about what stops an apply before it sends anything, or is worth a warning then.
    "budget-not-shared": Message(
        "The request budget is not shared with other runs on this machine",
        "Runs with one key tell each other of their requests in a small file below the user's "
        "cache directory, so that together they keep to the budget. It cannot be used, so this "
        "run keeps to the budget alone; set XDG_CACHE_HOME to a directory that only you can write "
        "to.",
    ),
    "digest-differs": Message(
        "The plan is not the one that was approved",
        "apply --approve DIGEST plans again and goes on only if the plan still means the same. "
        "Between approval and apply a slot fell due, another run settled something, or the files "
        "changed. Nothing was sent; look at the plan again and approve that one.",
        ExitCode.STALE,
    ),
    "saved-plan-stale": Message(
        "The saved plan no longer matches",
        "A saved plan can ask for less than the files justify, never for more. It is refused when "
        "the desired state, the state's lineage or the instance differ, when the state went "
        "backwards, or when one of its actions would be planned differently now. One that follows "
        "a live look is confirmed by another: `apply --live PLAN`. The detail says which. Nothing "
        "was sent.",
        ExitCode.STALE,
    ),
    "plan-keeps-changing": Message(
        "The plan changed before it could be approved",
        "What was read is compared with what would be sent at the moment of the yes. Three times "
        "in a row another slot fell due in between. Nothing was sent.",
        ExitCode.STALE,
    ),
    "no-terminal": Message(
        "Nobody can be asked",
        "apply asks before it sends, and standard input is not a terminal. In a pipeline consent "
        "is given beforehand: by --yes, by a saved plan, or by --approve with the plan's digest.",
    ),
    "over-limit-calls": Message(
        _LIMIT,
        "The plan has more calls than [limits] calls allows one apply to make, so none is made. A "
        "sudden flood is more often a mistake in the files or a lost state than what is meant. "
        "--allow calls=N lets one apply pass and is written into the journal.",
        ExitCode.BLOCKED,
    ),
    "over-limit-hard-refreshes": Message(
        _LIMIT,
        "The plan has more hard refreshes than [limits] hard_refreshes allows one apply to make. "
        "Each of them rebuilds a schema from the warehouse, so many at once are refused together. "
        "--allow hard_refreshes=N lets one apply pass.",
        ExitCode.BLOCKED,
    ),
    "over-limit-share": Message(
        _LIMIT,
        "A larger share of all declared items is due at once than [limits] share allows. That "
        "happens after a long outage, and also when the state was lost or is another one. "
        "--allow share=S, 0 to 1, lets one apply pass.",
        ExitCode.BLOCKED,
    ),
    "over-limit-forget-all": Message(
        _LIMIT,
        "The plan would forget every record there is, because none of their addresses is declared "
        "any more. That is most often the wrong file or directory. --allow forget_all=N lets one "
        "apply pass.",
        ExitCode.BLOCKED,
    ),
    "bad-waiver": Message(
        "--allow takes LIMIT=VALUE",
        "A waiver names one limit and the value that is accepted this once, as in calls=80. The "
        "limits are calls, hard_refreshes, share and forget_all.",
    ),
    "foreign-state": Message(
        "The state belongs to another Omni instance",
        "A state is bound to the instance its calls were made to: what was done there says nothing "
        "about another one. Give each instance a state of its own.",
    ),
    "token-refused": Message(
        "Omni refuses the token",
        "Omni answered 401, or said in so many words that the token is bad, or answered 403 to the "
        "first calls of several connections and accepted none. A token that was revoked, has "
        "expired or may not refresh at all looks like this. It is said once, nothing further is "
        "sent, and no item is blamed: once the token is right, all that is due goes out at once. "
        "Make a token in Omni (Settings, API access) whose user may refresh these models, and set "
        "OMNI_API_KEY to it. A 403 to one item, after others were accepted, is that item's own.",
    ),
    "clock-differs": Message(
        "This machine's clock differs from Omni's",
        "Every reply of Omni carries its time. Where that is more than five minutes from this "
        "machine's, slots would be reckoned by the wrong time, and instants of the future would be "
        "recorded, so nothing further is sent. What this run had begun is dated by Omni's clock. "
        "Set the clock (chronyc tracking, timedatectl status show it) and run apply again.",
    ),
    "stamp-refused": Message(
        "This machine's clock is ahead of Omni's",
        "A cache reset names the instant before which cached results are invalid, and Omni refuses "
        "one that lies in its future. Slots lie in the past, so this machine's clock must be "
        "ahead. No further reset is sent and no item is blamed; refreshes go on.",
    ),
    "events-not-opened": Message(
        "The event stream cannot be opened",
        "--events FILE appends to a regular file, never through a symbolic link, and creates it "
        "readable by its owner only. That failed. Being observed is no condition of an apply, so "
        "it goes on without events; the journal has it all.",
    ),
    "events-stopped": Message(
        "The event stream ended early",
        "An event could not be written, most often because the disk is full or the reader went "
        "away. The apply goes on unchanged and no further event is written: what happened is in "
        "the journal.",
    ),
    "metrics-not-written": Message(
        "The metrics file was not written",
        "The metrics of --metrics FILE are written to a temporary file beside it, which then takes "
        "its place. That failed; the apply itself was not changed by it, and an older file, if "
        "there was one, still stands with its older time of the last run.",
    ),
    "traces-not-sent": Message(
        "The trace of this apply was not sent",
        "OpenTelemetry is configured (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER is set) "
        "and the exporter it names is not installed, could not be started, or got no answer from "
        "the collector within seconds. The apply itself was not changed by it. Its own words are "
        "not shown: they may hold the headers it was given. OTEL_TRACES_EXPORTER=none turns "
        "traces off.",
    ),
    # Codes about how commands are used, the embedded server, and the tool itself.
    "unknown-topic": Message(
        "no document of that name",
        "`reconcile docs` lists the documents that come with the tool; each is a topic.",
    ),
    "bad-usage": Message(
        "The command was not used as it can be",
        "The arguments contradict each other or mean nothing together. The help of the command, "
        "with --help, lists what it takes.",
    ),
    "not-declared": Message(
        "No such item is declared",
        "An item is named by its key path in the files: models.NAME.refresh or "
        "models.NAME.cache.POLICY, with quotes around parts that TOML would quote.",
    ),
    "output-over-input": Message(
        "An output would be written over an input",
        "What --out, --events, --metrics and init write must not be a file of what is declared, a "
        "saved plan, or a file of the state: one whose name begins with the state's.",
    ),
    "selects-nothing": Message(
        "--select matches nothing that is declared",
        "A glob is compared with whole addresses, and one that matches none leaves nothing to "
        "plan, which would look like a plan with nothing to do. What is only recorded is forgotten "
        "by a plan of all, or by state rm.",
    ),
    "not-recorded": Message(
        "Nothing is recorded under that address",
        "The state holds a record of an item once an apply has seen it. The address may be spelled "
        "differently, or no apply has run since it was declared.",
    ),
    "bad-move": Message(
        "A record cannot be moved there",
        "The new address is not the address of an item, or has a record of its own, which would be "
        "lost. Remove that one first if it is not wanted.",
    ),
    "out-with-at": Message(
        "A plan of another instant cannot be saved",
        "--at shows what would be due at another instant. Such a plan answers a question; applying "
        "it now would send what is not due.",
    ),
    "not-a-plan": Message(
        "The file is not a plan",
        "plan diff compares what plan --format json prints or plan --out saves, each read "
        "strictly. A file that was cut short or edited is refused.",
    ),
    "plan-of-another-format": Message(
        "The plan is of another format",
        "Another version of the tool printed this plan. Make both plans with one version to "
        "compare them.",
    ),
    "horizon-too-busy": Message(
        "The horizon holds too many runs",
        "Runs are counted by arithmetic, but those of refreshes that may ride along with others "
        "are followed one by one, and so many would take minutes. A shorter --horizon or --for "
        "shows the same over fewer days.",
    ),
    "bad-lateness": Message(
        "--lateness is not understood",
        "How late a simulated runner comes is none, github, fixed:DURATION or "
        "uniform:DURATION-DURATION, with ,skip=SHARE for runs that never come.",
    ),
    "bad-runner": Message(
        "--runner takes a cron expression",
        "The simulated runner comes by a five-field cron expression: minute, hour, day of month, "
        "month, day of week.",
    ),
    "bad-timezone": Message(
        "--runner-timezone takes a zone", "Time zones are IANA names such as Europe/Berlin or UTC."
    ),
    "bad-share": Message(
        "--fail takes a percentage",
        "A share is a number from 0 to 100 with a percent sign, as in 2.5%.",
    ),
    "fault-spec-invalid": Message(
        "The faults asked for cannot be read",
        "--faults lists seeded faults with commas between them; the detail names the part that was "
        "not understood, and the hint shows an example.",
    ),
    "sandbox-not-loopback": Message(
        "The sandbox serves this machine only",
        "The sandbox has a public token and is a rehearsal. It listens on loopback addresses.",
    ),
    "sandbox-port-unavailable": Message(
        "The sandbox cannot listen there",
        "Another program uses the port, or the system reserves it. Port 0 takes any that is free.",
    ),
    "file-exists": Message(
        "The file exists already",
        "init starts a file and never replaces one. With --model NAME=UUID it adds models to the "
        "file that is there and keeps the rest of it as it is.",
    ),
    "bad-model": Message(
        "--model takes NAME=UUID",
        "A model is added under a name of your own and with its id in Omni, a UUID: the last part "
        "of the address of the model's page.",
    ),
    "file-not-written": Message(
        "The file could not be written",
        "A new version is written beside the file and then takes its place, so that the file is "
        "always the old one or the new one. The system refused one of these steps, and the file is "
        "as it was.",
    ),
    "format-unsafe": Message(
        "The file was left as it is",
        "fmt writes only what keeps the meaning and every comment, and moves no table. It cannot "
        "where tables that belong together stand apart, such as two [[freeze]] with another table "
        "between them. Any other reason is a bug worth reporting. Nothing was written.",
    ),
    "unknown-code": Message(
        "No such code",
        "explain takes the code in brackets after error or warning. Without one it lists them all.",
    ),
    "system-error": Message(
        "The system refused an operation",
        "The operating system would not do what was asked, most often because a file is missing, "
        "may not be read, or a disk is full. The detail names the file where there is one.",
    ),
    "out-of-memory": Message(
        "There is not enough memory",
        "The system gave the process no more memory. Calls are written down before they are made, "
        "so the next apply knows of all that this one began.",
    ),
    "internal-error": Message(
        "A bug in reconcile",
        "Something happened that the program does not know. The state on disk is whole: it is only "
        "replaced once its successor is complete, and calls are written down before they are made. "
        "The place in the detail is what a bug report needs.",
    ),
    # Codes about staying: the page and the heartbeat of `run`.
    "bad-heartbeat-url": Message(
        "The heartbeat URL cannot be used",
        "Whoever sees the URL of a dead man's switch can keep the switch from going off, so it is "
        "only ever requested over https, or from this machine itself.",
    ),
    "bad-listen": Message(
        "--listen takes an address and a port",
        "The page listens at one IP address and port, such as 127.0.0.1:8470, or at a socket in "
        "the file system, such as unix:/run/reconcile/page.sock. Names are not looked up: what "
        "one stands for could change.",
    ),
    "bad-token-file": Message(
        "The token of the page cannot be used",
        "The file of --token-file must be readable and hold one token of 16 characters or more. "
        "What surrounds the token, such as a line break, does not count.",
    ),
    "controller-not-installed": Message(
        "The page's server is not installed",
        "The page of run, or of a fleet, is served by starlette and uvicorn, which come with the "
        "extra controller. "
        "Without --listen neither is needed.",
    ),
    "listen-unavailable": Message(
        "The page cannot listen there",
        "Another process listens at that port, the address is not one of this machine, or the "
        "system does not allow it. Port 0 takes a free one, which the log names.",
    ),
    "listen-without-token": Message(
        "The page would be open to the network",
        "The page names the models of an instance and when each is refreshed. Without a token it "
        "is served to this machine only; with --token-file also to others, who should reach it "
        "through a proxy that speaks TLS.",
    ),
    # Codes about the pair of token and instance that calls are made with.
    "no-credential": Message(
        "There is no token to call Omni with",
        "A credential is a pair, token and instance, and the operator brings both: OMNI_BASE_URL "
        "beside OMNI_API_KEY or OMNI_API_TOKEN in the environment (or OMNI_API_KEY_FILE, which "
        "names a file, or OMNI_API_KEY_COMMAND, which prints it), or a profile of Omni's own CLI. "
        "The files never hold one, and plan needs none.",
    ),
    "half-a-credential": Message(
        "Only one half of the credential is set",
        "A token without its instance, or an instance without a token, could be completed wrongly, "
        "and then a token would go where it does not belong. Set both in the same place.",
    ),
    "two-tokens": Message(
        "Two different tokens are set",
        "OMNI_API_KEY and OMNI_API_TOKEN are two names of one thing, which OMNI_API_KEY_FILE reads "
        "from a file and OMNI_API_KEY_COMMAND from a command, and hold different values. Which one "
        "is meant is not guessed.",
    ),
    "bad-token": Message(
        "The token cannot be right",
        "The token holds something that no token of Omni has, such as a space, a line break or "
        "quotes, or is far too short or long. It was not sent, and it is never shown.",
    ),
    "wrong-host": Message(
        "The files are for another Omni instance than the token",
        "base_url in the files says which instance is meant and never chooses where a token is "
        "sent: otherwise a pull request could. It differs from the credential's own, so nothing "
        "was sent.",
    ),
    "unknown-profile": Message(
        _PROFILE,
        "--profile names a profile of Omni's CLI that does not exist, or none was named and there "
        "is no default one.",
    ),
    "incomplete-profile": Message(
        _PROFILE,
        "The profile lacks its endpoint or the token of its way to authenticate. Omni's CLI writes "
        "both when it logs in.",
    ),
    "unreadable-profile-file": Message(
        _PROFILE,
        "The file is there and is not what Omni's CLI writes. Nothing of its content is shown, "
        "since it holds tokens.",
    ),
    "unsafe-profile-file": Message(
        _PROFILE,
        "The file holds tokens and is a symbolic link, belongs to somebody else, or may be read by "
        "others. It is only read as a private regular file.",
    ),
    # Codes about a state that is damaged or gone, and about mending it.
    "state-damaged": Message(
        "The state file is damaged",
        "The file carries a checksum over its own bytes, and they do not match: a disk, an editor "
        "or a merge changed it. It is the only memory of what was done, so nothing is planned from "
        "it. The version before it is kept beside it.",
    ),
    "state-missing": Message(
        "The state file is gone",
        "Files beside it show that there was one. Starting from nothing would repeat every call; "
        "bring it back, from the version before it or from a backup.",
    ),
    "state-newer-format": Message(
        "The state file is of a newer format",
        "A later version of the tool wrote the state. This one does not guess at what it does not "
        "know.",
    ),
    "state-replaced": Message(
        "The state file was changed by somebody else",
        "While this run held the lock the file was removed or replaced by something that does not "
        "ask for it, such as git or a copy. It was left alone, and what this run knows was written "
        "to a file of its own beside it.",
    ),
    "state-not-saved": Message(
        "The state file was not brought up to date",
        "The lock or the journal was lost in the middle of the run, so the state file was left as "
        "it is. The journal keeps what could be written down, and the next run folds it in.",
    ),
    "journal-damaged": Message(
        "The journal is damaged",
        "A line in the middle of the journal is not what was written. A crash can only cut off the "
        "last line, so something else did it. Repairing keeps all that can be trusted and sets the "
        "rest aside.",
    ),
    "journal-foreign": Message(
        "The journal does not belong to the state",
        "Its lines continue another state, or another version of this one: one of the two files "
        "was replaced or restored without the other.",
    ),
    "journal-torn": Message(
        "The journal ends in the middle of a line",
        "A crash cut off the last line while it was being written. A call is made only once its "
        "line is complete, so nothing was done on its strength, and it is dropped.",
    ),
    "journal-missing": Message(
        "The journal of an earlier run is missing",
        "A marker beside the state says that a run wrote down more than is there: its journal was "
        "removed, emptied or cut after it was killed, or did not travel with the state. Calls that "
        "Omni acknowledged may be made again. An apply goes on after this warning, and counts on "
        "after what is gone.",
    ),
    "journal-lost": Message(
        "The journal cannot be written any more",
        "The journal was removed, written to by somebody else, or failed while this run was using "
        "it. No call is begun that could not be written down.",
    ),
    "intent-not-recorded": Message(
        "A call could not be written down, so it was not made",
        "Every call is written down before it is made, or it is not made: otherwise a crash would "
        "lose it. It stays due.",
    ),
    "outcome-not-recorded": Message(
        "What happened could not be written down",
        "The call was made and its outcome is known, and the disk would not take it. The next run "
        "counts it as unknown and sends it again unless you say what happened. The detail holds "
        "the lines themselves.",
    ),
    "previous-run-died": Message(
        "An earlier run was cut short",
        "It ended without letting the lock go: killed, or the machine went down. What it wrote "
        "down is kept. A call that it was making counts as unknown.",
    ),
    "previous-damaged": Message(
        "The previous version is damaged",
        "The state itself is whole. The copy of the version before it is not, so there would be "
        "nothing to go back to until the next save replaces it.",
    ),
    "history-damaged": Message(
        "The history has gaps",
        "Some lines of what happened in the past cannot be read. Nothing is planned from them; "
        "only looking back is incomplete.",
    ),
    "nothing-to-repair": Message(
        "There is nothing to repair",
        "The state and its journal are whole, and repairing would throw something away for "
        "nothing.",
    ),
    "nothing-to-restore": Message(
        "There is nothing to go back to",
        "No earlier version is kept beside the state, and its history does not reach back to its "
        "beginning. A backup can be put in its place.",
    ),
    # Codes about a fleet at work; those about its file are explained with the other files'.
    "extra-missing": Message(
        "A part of reconcile is not installed",
        "A fleet needs a queue and a driver for PostgreSQL, which the extra fleet brings; its page "
        "needs the extra controller, and an object store the extra remote.",
    ),
    "fleet-database-lost": Message(
        "The fleet's database cannot be reached",
        "Workers end when it is gone, and a supervisor starts them again. What was done is in the "
        "states of the instances, so nothing is lost with it.",
    ),
    "fleet-schema-older": Message(
        "The tables in the fleet's database are of an older version",
        "They are brought to another version by `reconcile fleet migrate` alone, as workers of the "
        "older version cannot work with them afterwards. An empty database needs nothing.",
    ),
    "fleet-schema-newer": Message(
        "The tables in the fleet's database are of a newer version",
        "A newer version of this tool, or of the engine that hands out its work, has migrated "
        "them. This one leaves them alone: it cannot know what they mean.",
    ),
    "instance-paused": Message(
        "This instance is paused",
        "An operator said that no worker is to look at it, until an instant or until it is "
        "resumed. What it misses meanwhile is made up once.",
    ),
    "instance-run-failed": Message(
        "The last run of this instance did not end well",
        "The page repeats what the run told. It is tried again by itself, later each time.",
    ),
    "no-fleet-database": Message(
        "The fleet has no database",
        "[fleet] database or RECONCILE_FLEET_DATABASE says which PostgreSQL hands out the work.",
    ),
    "no-such-instance": Message(
        "The fleet has no such instance", "Instances go by the names that they have in fleet.toml."
    ),
    # Codes about looking at the live instance, and about what stops an apply just before it.
    "live-refused": Message(
        "Omni refused the token",
        "The instance answered 401 or 403 when its models were asked for. It may be the wrong "
        "token, one of another instance, or one that was revoked. Nothing else was asked with it: "
        "more attempts would look like guessing.",
    ),
    "live-unreadable": Message(
        "The instance could not be looked at",
        "The list of models did not arrive whole, and what it leaves out would look as if it did "
        "not exist. Without --live, plan needs no connection.",
    ),
    "live-part-unseen": Message(
        "A part of the instance could not be seen",
        "Connections are listed to admins only, native schedules to connection admins, and cache "
        "policies are read from a model's YAML, which needs the extra `live`. The detail has the "
        "words of Omni. What was seen is listed all the same, and in JSON what was not is null.",
    ),
    "nothing-to-compare": Message(
        "The files declare nothing to compare",
        "drift ends with 0 only where something was compared and agreed.",
    ),
    "not-all-checked": Message(
        "Not everything that is declared could be compared",
        "drift says that files and instance agree only where it has seen all that the files "
        "declare: the policies of each model with a reset, the schemas of each with a filtered "
        "refresh, the schedules of each connection that declares some, the connections where one "
        "is identified. What it was not told is listed "
        "with the reason. It ends with 1, or with 8 if what it did see differs.",
    ),
    "live-extra-missing": Message(
        "Cache policies cannot be read",
        "The names of cache policies stand in a model's YAML. PyYAML reads it, which the extra "
        "`live` brings.",
    ),
    "instance-file-invalid": Message(
        "The listing of an instance cannot be used",
        "sandbox --instance serves what discover printed as JSON. The detail names the part that "
        "is not as discover prints it.",
    ),
    "instance-file-unreadable": Message(
        "The listing of an instance cannot be read",
        "The file given to sandbox --instance is missing, not readable, not UTF-8, or larger than "
        "64 MiB.",
    ),
    "observation-damaged": Message(
        "The last live look cannot be used",
        "A live look is kept beside the state, in a file that ends in .observed, to spare requests "
        "while it is fresh. This one is not as it was written, and counts as absent. Nothing "
        "depends on it, and it may be removed at any time.",
    ),
    "observation-not-kept": Message(
        "The live look was not kept",
        "It could not be written beside the state, so the next command with --live asks again.",
    ),
    "connections-unseen": Message(
        "The token may not see connections",
        "Only an admin's token may list connections. A [[select]] that names one cannot be "
        "compared without that list: it would match nothing, and every model would leave.",
    ),
    "nothing-to-lock": Message(
        "The files select nothing",
        "lock writes down which models the [[select]] blocks stand for, and there is none.",
    ),
    "no-match": Message(
        "Nothing matches",
        "A pattern, a connection or a kind on the command line stands for nothing of the instance. "
        "Globs are matched against Omni's names letter by letter, case included; ids are taken as "
        "well. What was not done because of it the detail says.",
    ),
    "select-without-models": Message(
        "A [[select]] matches no model",
        "A block that is new or was edited and matches nothing is a mistake: lock leaves the lock "
        "file as it is. One that matched when the file was locked last is a warning: its models "
        "have left the instance.",
    ),
    "nothing-chosen": Message(
        "Nothing says what to import",
        "import takes globs over Omni's names of models, or ids. Without any it shows a list to "
        "choose from, which needs a terminal.",
    ),
    "bad-choice": Message(
        "The answer names no model of the list",
        "The list is answered with numbers, ranges such as 2-5, globs over the names, or * for "
        "all. Nothing was written.",
    ),
    "drift-is-no-plan": Message(
        "What drift prints cannot be applied",
        "drift compares and proposes nothing: it holds neither calls nor a digest that anybody "
        "could have approved. What to do about it is a plan, made by plan --live.",
    ),
    "preflight-refused": Message(
        "Omni refuses the token",
        "Before its first call an apply tried the token, and Omni answered 401 or 403. Each call "
        "would have been refused in the same way, so none was made. Every item stays due.",
    ),
    "preflight-failed": Message(
        "Omni could not be asked before the first call",
        "Before its first call an apply asks for the models it is about to act on. There was no "
        "usable answer, and no call was made. --no-preflight goes without.",
    ),
    "model-not-there": Message(
        "Models are missing, and their items are held for this apply",
        "A model that is about to be called is not listed or was deleted. Its calls would end in "
        "404; they are left out of this apply, which then ends with exit code 6. A refresh that "
        "other models of the connection share goes on without it.",
    ),
    "connection-shadowed": Message(
        "Omni's own schedule refreshes the same connection",
        "A native schedule that the files declare runs within an hour of a declared refresh, or at "
        "least as often as a soft one, which then adds nothing. Two refreshes of one connection "
        "cost twice as much as one.",
    ),
    "clock-off": Message(
        "The clocks differ",
        "The Date of Omni's replies and this machine's clock are more than half a minute apart. "
        "Slots are reckoned by this machine's clock, and Omni refuses a reset to an instant in its "
        "own future.",
    ),
    "role-may-not-do": Message(
        "The token's role may not be enough",
        "Omni tells the role of a token on each model. This one may not change some of the models; "
        "whether that is needed for a refresh or a reset its documents do not say.",
    ),
    # Codes about the files of a state and the lock on it.
    "history-elsewhere": Message(
        "The history is not here",
        "The history is a file beside the state, of the newest 2,000 entries. A state that was "
        "copied or committed without it has none, and what happened before shows only in the "
        "records. Nothing depends on it but `state history` and `state restore`.",
    ),
    "state-url-secret": Message(
        "The state's URL holds a secret",
        "A password in a URL travels with every file, log and plan that names the state. Stores "
        "find their credentials where their own tools do: AWS_*, profiles and roles, Google's "
        "application default, AZURE_*, PGPASSFILE or PGSERVICE.",
    ),
    "state-host-unsaid": Message(
        "Only a file names the host of the state's database",
        "PGPASSWORD belongs to whatever host it is sent to, and a file that names the host may "
        "come from anybody who can open a pull request. So the operator names it too: by --state, "
        "RECONCILE_STATE_URL, PGHOST or a service (PGSERVICE). An entry of the password file "
        "(PGPASSFILE) for that very host needs nothing else. Beyond this machine the server must "
        "also show a certificate that verifies (sslmode=verify-full, by the system's authorities), "
        "and is never sent a password it could read; PGSSLMODE, PGSSLROOTCERT and PGREQUIREAUTH "
        "say otherwise.",
    ),
    "state-url-option": Message(
        "A file may not say how the state's database is trusted",
        "Of the parameters of a PostgreSQL URL a file may give those that say where the database "
        "is. What decides how the server proves itself, or which files of this machine are read "
        "and written for it, comes from the environment (PGSSLMODE, PGSSLROOTCERT, ...), or from "
        "a URL that the operator gives by --state or RECONCILE_STATE_URL.",
    ),
    "state-url-differs": Message(
        "The files name another state than RECONCILE_STATE_URL",
        "The operator's environment decides where state is kept. [state] url in a file is an "
        "assertion beside it, like base_url beside a credential: where they differ, the files are "
        "for another place, and nothing is read or sent. --state overrides both.",
    ),
    "state-extra-missing": Message(
        "A package for this kind of state is not installed",
        "A local file needs nothing. Object stores need the extra `remote`, PostgreSQL the extra "
        "`postgres`; AWS profiles need boto3, and federated Google identities google-auth.",
    ),
    "state-store-error": Message(
        "The store of the state cannot be used",
        "The object store or the database did not answer in 10 s, or would not let this credential "
        "in. "
        "The detail has its own words, without what is secret. Nothing was sent to Omni on the "
        "strength of what could not be written down. On S3 the right to list the bucket is needed "
        "too: without it an object that is not there looks like one that must not be read.",
    ),
    "state-store-unsafe": Message(
        "This store cannot keep two runs apart",
        "A second create or a stale update went through, as it does in stores that speak S3 but "
        "know no conditional writes. Two runs would overwrite each other without noticing.",
    ),
    "state-conflict": Message(
        "Another run has changed the state",
        "What this run was about to replace is not what it last read or wrote, so another run has "
        "taken over, or somebody wrote to the store by hand. Nothing was overwritten.",
    ),
    "migrate-same": Message(
        "A state cannot be moved onto itself",
        "state migrate takes the URL where the state is and the one where it is to be.",
    ),
    "state-file-error": Message(
        "A state file cannot be used",
        "The operating system refused to open, read, lock or replace one of the files of the "
        "state. The detail says which, and why.",
    ),
    "state-not-a-file": Message(
        "A state file is not a regular file",
        "A directory, a pipe or a device stands where a file of the state should be.",
    ),
    "state-too-large": Message(
        "A state file is too large",
        "No state grows that large, so the file is something else. It is not read into memory.",
    ),
    "state-directory-open": Message(
        "Anybody may write to the state's directory",
        "In a directory that every user may write to, without a sticky bit, any of them could put "
        "another state or another lock in place.",
    ),
    "state-writable-by-others": Message(
        "Others may write to the state file",
        "Whoever may write the state decides what counts as done. The next save makes the file its "
        "owner's alone.",
    ),
    "as-of-refused": Message(
        "A forced reset cannot be made as of that instant",
        "A cache reset makes results invalid that are older than its stamp. `--as-of` gives a "
        "forced reset another stamp than its slot. One of the future is refused by Omni, and one "
        "before the newest stamp would invalidate nothing more.",
    ),
    "signal-not-awaited": Message(
        "no item awaits that signal",
        "A signal makes items due whose `on_signal` names it. The name that was sent stands in "
        "none of the files: it is misspelt, or the files are others than were meant.",
    ),
    "signal-of-the-future": Message(
        "A signal says what has happened",
        "The slot of an item is the instant of its signal, and a cache is reset as of that one. "
        "Omni refuses instants of the future. Where the clocks of two machines differ, leave --at "
        "out: the signal then counts as of now.",
    ),
    "signal-inbox-busy": Message(
        "The inbox of signals is held by another sender",
        "Signals are put into a small file beside the state, under a lock that is held for "
        "milliseconds. Somebody held it for seconds: a disk that hangs, or a stopped process. Send "
        "the signal again.",
        ExitCode.LOCKED,
    ),
    "signal-inbox-damaged": Message(
        "The inbox of signals cannot be read",
        "Signals wait beside the state in a file that ends in .inbox until the next run writes "
        "them into the journal. What is there now was not written by this program. Move it away "
        "and send the last signal of each name again: the same signal twice is one.",
    ),
    "state-busy": Message(
        "The state changes too fast to be read",
        "The state was replaced each time it was read. Another run is folding its journal in; try "
        "again in a moment.",
        ExitCode.LOCKED,
    ),
    "no-state": Message(
        "There is no state yet", "Nothing was ever recorded there, so there is nothing to copy."
    ),
    "push-damaged": Message(
        "What was pushed is not a state",
        "The file is not, byte for byte, what state pull printed. Nothing was replaced.",
    ),
    "push-not-later": Message(
        "The pushed state does not continue the present one",
        "The file is of another lineage or is older than the state that is there, and putting it "
        "in place would forget calls that were made. --force does it all the same.",
    ),
    "saved-plan-missing": Message(
        "There is no such saved plan", "The path given names no file. plan --out writes one."
    ),
    "saved-plan-unreadable": Message(
        "This is not a saved plan",
        "A saved plan is strict JSON as plan --out writes it. The file was cut short, edited, or "
        "is something else. Nothing was sent.",
    ),
    "saved-plan-of-another-tool": Message(
        "The saved plan was made by another version of the tool",
        "Saved plans are short-lived and are not carried over from one format to another. Make it "
        "again with this version.",
        ExitCode.STALE,
    ),
    "lock-held": Message(
        "Another run holds the lock",
        "One run at a time changes a state, or two would send the same calls twice. The lock dies "
        "with its owner: it need not be broken, only waited for, with --lock-timeout. That of a "
        "remote state outlives a killed owner by its ttl, [state] lock_ttl.",
        ExitCode.LOCKED,
    ),
    "lock-lost": Message(
        "The lock was taken away",
        "The lock file was removed or replaced while this run held it, or the lock of a remote "
        "state could not be renewed in time, so another run may have begun. No further call is "
        "begun; those in flight are written down.",
    ),
    "lock-unreliable": Message(
        "This file system does not keep locks",
        "The same lock was granted twice, as some network file systems do. Two runs could not be "
        "kept apart there.",
    ),
    "lock-id-differs": Message(
        "That is not the lock's id",
        "unlock clears what a dead run left, or takes the lock of a remote state from its holder. "
        "It takes the id so that nobody clears another run's lock by mistake.",
    ),
}
