"""Every diagnostic code of the tool, with what it means."""

from collections.abc import Mapping

from reconcile.config.messages import CODES, Explained

# Codes about what stops an apply before it sends anything, or is worth a warning then.

_LIMIT = "A limit blocks this apply"

CODES_OF_APPLY = {
    "budget-not-shared": Explained(
        "The request budget is not shared with other runs on this machine",
        "Runs with one key tell each other of their requests in a small file below the user's "
        "cache directory, so that together they keep to the budget. It cannot be used, so this "
        "run keeps to the budget alone; set XDG_CACHE_HOME to a directory that only you can write "
        "to.",
    ),
    "digest-differs": Explained(
        "The plan is not the one that was approved",
        "apply --approve DIGEST plans again and goes on only if the plan still means the same. "
        "Between approval and apply a slot fell due, another run settled something, or the files "
        "changed. Nothing was sent; look at the plan again and approve that one.",
    ),
    "saved-plan-stale": Explained(
        "The saved plan no longer matches",
        "A saved plan can ask for less than the files justify, never for more. It is refused when "
        "the desired state, the state's lineage or the instance differ, when the state went "
        "backwards, or when one of its actions would be planned differently now. One that follows "
        "a live look is confirmed by another: `apply --live PLAN`. The detail says which. Nothing "
        "was sent.",
    ),
    "plan-keeps-changing": Explained(
        "The plan changed before it could be approved",
        "What was read is compared with what would be sent at the moment of the yes. Three times "
        "in a row another slot fell due in between. Nothing was sent.",
    ),
    "no-terminal": Explained(
        "Nobody can be asked",
        "apply asks before it sends, and standard input is not a terminal. In a pipeline consent "
        "is given beforehand: by --yes, by a saved plan, or by --approve with the plan's digest.",
    ),
    "over-limit-calls": Explained(
        _LIMIT,
        "The plan has more calls than [limits] calls allows one apply to make, so none is made. A "
        "sudden flood is more often a mistake in the files or a lost state than what is meant. "
        "--allow calls=N lets one apply pass and is written into the journal.",
    ),
    "over-limit-hard-refreshes": Explained(
        _LIMIT,
        "The plan has more hard refreshes than [limits] hard_refreshes allows one apply to make. "
        "Each of them rebuilds a schema from the warehouse, so many at once are refused together. "
        "--allow hard_refreshes=N lets one apply pass.",
    ),
    "over-limit-share": Explained(
        _LIMIT,
        "A larger share of all declared items is due at once than [limits] share allows. That "
        "happens after a long outage, and also when the state was lost or is another one. "
        "--allow share=S, 0 to 1, lets one apply pass.",
    ),
    "over-limit-forget-all": Explained(
        _LIMIT,
        "The plan would forget every record there is, because none of their addresses is declared "
        "any more. That is most often the wrong file or directory. --allow forget_all=N lets one "
        "apply pass.",
    ),
    "bad-waiver": Explained(
        "--allow takes LIMIT=VALUE",
        "A waiver names one limit and the value that is accepted this once, as in calls=80. The "
        "limits are calls, hard_refreshes, share and forget_all.",
    ),
    "foreign-state": Explained(
        "The state belongs to another Omni instance",
        "A state is bound to the instance its calls were made to: what was done there says nothing "
        "about another one. Give each instance a state of its own.",
    ),
    "token-refused": Explained(
        "Omni refuses the token",
        "Omni answered 401, or said in so many words that the token is bad, or answered 403 to the "
        "first calls of several connections and accepted none. A token that was revoked, has "
        "expired or may not refresh at all looks like this. It is said once, nothing further is "
        "sent, and no item is blamed: once the token is right, all that is due goes out at once. "
        "Make a token in Omni (Settings, API access) whose user may refresh these models, and set "
        "OMNI_API_KEY to it. A 403 to one item, after others were accepted, is that item's own.",
    ),
    "clock-differs": Explained(
        "This machine's clock differs from Omni's",
        "Every reply of Omni carries its time. Where that is more than five minutes from this "
        "machine's, slots would be reckoned by the wrong time, and instants of the future would be "
        "recorded, so nothing further is sent. What this run had begun is dated by Omni's clock. "
        "Set the clock (chronyc tracking, timedatectl status show it) and run apply again.",
    ),
    "stamp-refused": Explained(
        "This machine's clock is ahead of Omni's",
        "A cache reset names the instant before which cached results are invalid, and Omni refuses "
        "one that lies in its future. Slots lie in the past, so this machine's clock must be "
        "ahead. No further reset is sent and no item is blamed; refreshes go on.",
    ),
    "events-not-opened": Explained(
        "The event stream cannot be opened",
        "--events FILE appends to a regular file, never through a symbolic link, and creates it "
        "readable by its owner only. That failed. Being observed is no condition of an apply, so "
        "it goes on without events; the journal has it all.",
    ),
    "events-stopped": Explained(
        "The event stream ended early",
        "An event could not be written, most often because the disk is full or the reader went "
        "away. The apply goes on unchanged and no further event is written: what happened is in "
        "the journal.",
    ),
    "metrics-not-written": Explained(
        "The metrics file was not written",
        "The metrics of --metrics FILE are written to a temporary file beside it, which then takes "
        "its place. That failed; the apply itself was not changed by it, and an older file, if "
        "there was one, still stands with its older time of the last run.",
    ),
    "traces-not-sent": Explained(
        "The trace of this apply was not sent",
        "OpenTelemetry is configured (OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER is set) "
        "and the exporter it names is not installed, could not be started, or got no answer from "
        "the collector within seconds. The apply itself was not changed by it. Its own words are "
        "not shown: they may hold the headers it was given. OTEL_TRACES_EXPORTER=none turns "
        "traces off.",
    ),
}


# Codes about how commands are used, the embedded server, and the tool itself.

CODES_OF_COMMANDS = {
    "bad-usage": Explained(
        "The command was not used as it can be",
        "The arguments contradict each other or mean nothing together. The help of the command, "
        "with --help, lists what it takes.",
    ),
    "not-declared": Explained(
        "No such item is declared",
        "An item is named by its key path in the files: models.NAME.refresh or "
        "models.NAME.cache.POLICY, with quotes around parts that TOML would quote.",
    ),
    "output-over-input": Explained(
        "An output would be written over an input",
        "What --out, --events, --metrics and init write must not be a file of what is declared, a "
        "saved plan, or a file of the state: one whose name begins with the state's.",
    ),
    "selects-nothing": Explained(
        "--select matches nothing that is declared",
        "A glob is compared with whole addresses, and one that matches none leaves nothing to "
        "plan, which would look like a plan with nothing to do. What is only recorded is forgotten "
        "by a plan of all, or by state rm.",
    ),
    "not-recorded": Explained(
        "Nothing is recorded under that address",
        "The state holds a record of an item once an apply has seen it. The address may be spelled "
        "differently, or no apply has run since it was declared.",
    ),
    "bad-move": Explained(
        "A record cannot be moved there",
        "The new address is not the address of an item, or has a record of its own, which would be "
        "lost. Remove that one first if it is not wanted.",
    ),
    "out-with-at": Explained(
        "A plan of another instant cannot be saved",
        "--at shows what would be due at another instant. Such a plan answers a question; applying "
        "it now would send what is not due.",
    ),
    "not-a-plan": Explained(
        "The file is not a plan",
        "plan diff compares what plan --format json prints or plan --out saves, each read "
        "strictly. A file that was cut short or edited is refused.",
    ),
    "plan-of-another-format": Explained(
        "The plan is of another format",
        "Another version of the tool printed this plan. Make both plans with one version to "
        "compare them.",
    ),
    "horizon-too-busy": Explained(
        "The horizon holds too many runs",
        "Runs are counted by arithmetic, but those of refreshes that may ride along with others "
        "are followed one by one, and so many would take minutes. A shorter --horizon or --for "
        "shows the same over fewer days.",
    ),
    "bad-lateness": Explained(
        "--lateness is not understood",
        "How late a simulated runner comes is none, github, fixed:DURATION or "
        "uniform:DURATION-DURATION, with ,skip=SHARE for runs that never come.",
    ),
    "bad-runner": Explained(
        "--runner takes a cron expression",
        "The simulated runner comes by a five-field cron expression: minute, hour, day of month, "
        "month, day of week.",
    ),
    "bad-timezone": Explained(
        "--runner-timezone takes a zone",
        "Time zones are IANA names such as Europe/Berlin or UTC.",
    ),
    "bad-share": Explained(
        "--fail takes a percentage",
        "A share is a number from 0 to 100 with a percent sign, as in 2.5%.",
    ),
    "fault-spec-invalid": Explained(
        "The faults asked for cannot be read",
        "--faults lists seeded faults with commas between them; the detail names the part that was "
        "not understood, and the hint shows an example.",
    ),
    "sandbox-not-installed": Explained(
        "The sandbox server is not installed",
        "The embedded Omni server comes with the extra `sandbox` of the package. Nothing else "
        "needs it.",
    ),
    "sandbox-not-loopback": Explained(
        "The sandbox serves this machine only",
        "The sandbox has a public token and is a rehearsal. It listens on loopback addresses.",
    ),
    "sandbox-port-unavailable": Explained(
        "The sandbox cannot listen there",
        "Another program uses the port, or the system reserves it. Port 0 takes any that is free.",
    ),
    "file-exists": Explained(
        "The file exists already",
        "init starts a file and never replaces one. With --model NAME=UUID it adds models to the "
        "file that is there and keeps the rest of it as it is.",
    ),
    "bad-model": Explained(
        "--model takes NAME=UUID",
        "A model is added under a name of your own and with its id in Omni, a UUID: the last part "
        "of the address of the model's page.",
    ),
    "file-not-written": Explained(
        "The file could not be written",
        "A new version is written beside the file and then takes its place, so that the file is "
        "always the old one or the new one. The system refused one of these steps, and the file is "
        "as it was.",
    ),
    "format-unsafe": Explained(
        "The file was left as it is",
        "fmt reads what it is about to write and compares: the meaning and every comment must be "
        "the same. They were not, which is a bug worth reporting; nothing was written.",
    ),
    "unknown-code": Explained(
        "No such code",
        "explain takes the code in brackets after error or warning. Without one it lists them all.",
    ),
    "system-error": Explained(
        "The system refused an operation",
        "The operating system would not do what was asked, most often because a file is missing, "
        "may not be read, or a disk is full. The detail names the file where there is one.",
    ),
    "out-of-memory": Explained(
        "There is not enough memory",
        "The system gave the process no more memory. Calls are written down before they are made, "
        "so the next apply knows of all that this one began.",
    ),
    "internal-error": Explained(
        "A bug in reconcile",
        "Something happened that the program does not know. The state on disk is whole: it is only "
        "replaced once its successor is complete, and calls are written down before they are made. "
        "The place in the detail is what a bug report needs.",
    ),
}


# Codes about staying: the page and the heartbeat of `run`.

CODES_OF_CONTROLLER = {
    "bad-heartbeat-url": Explained(
        "The heartbeat URL cannot be used",
        "Whoever sees the URL of a dead man's switch can keep the switch from going off, so it is "
        "only ever requested over https, or from this machine itself.",
    ),
    "bad-listen": Explained(
        "--listen takes an address and a port",
        "The page listens at one IP address and port, such as 127.0.0.1:8470, or at a socket in "
        "the file system, such as unix:/run/reconcile/page.sock. Names are not looked up: what "
        "one stands for could change.",
    ),
    "bad-token-file": Explained(
        "The token of the page cannot be used",
        "The file of --token-file must be readable and hold one token of 16 characters or more. "
        "What surrounds the token, such as a line break, does not count.",
    ),
    "controller-not-installed": Explained(
        "The page's server is not installed",
        "The page of run, or of a fleet, is served by starlette and uvicorn, which come with the "
        "extra controller. "
        "Without --listen neither is needed.",
    ),
    "listen-unavailable": Explained(
        "The page cannot listen there",
        "Another process listens at that port, the address is not one of this machine, or the "
        "system does not allow it. Port 0 takes a free one, which the log names.",
    ),
    "listen-without-token": Explained(
        "The page would be open to the network",
        "The page names the models of an instance and when each is refreshed. Without a token it "
        "is served to this machine only; with --token-file also to others, who should reach it "
        "through a proxy that speaks TLS.",
    ),
}


# Codes about the pair of token and instance that calls are made with.

_PROFILE = "The profile of Omni's CLI cannot be used"

CODES_OF_CREDENTIALS = {
    "no-credential": Explained(
        "There is no token to call Omni with",
        "A credential is a pair, token and instance, and the operator brings both: OMNI_BASE_URL "
        "beside OMNI_API_KEY or OMNI_API_TOKEN in the environment, or a profile of Omni's own CLI. "
        "The files never hold one, and plan needs none.",
    ),
    "half-a-credential": Explained(
        "Only one half of the credential is set",
        "A token without its instance, or an instance without a token, could be completed wrongly, "
        "and then a token would go where it does not belong. Set both in the same place.",
    ),
    "two-tokens": Explained(
        "Two different tokens are set",
        "OMNI_API_KEY and OMNI_API_TOKEN are two names of one thing and hold different values. "
        "Which one is meant is not guessed.",
    ),
    "bad-token": Explained(
        "The token cannot be right",
        "The token holds something that no token of Omni has, such as a space, a line break or "
        "quotes, or is far too short or long. It was not sent, and it is never shown.",
    ),
    "wrong-host": Explained(
        "The files are for another Omni instance than the token",
        "base_url in the files says which instance is meant and never chooses where a token is "
        "sent: otherwise a pull request could. It differs from the credential's own, so nothing "
        "was sent.",
    ),
    "unknown-profile": Explained(
        _PROFILE,
        "--profile names a profile of Omni's CLI that does not exist, or none was named and there "
        "is no default one.",
    ),
    "incomplete-profile": Explained(
        _PROFILE,
        "The profile lacks its endpoint or the token of its way to authenticate. Omni's CLI writes "
        "both when it logs in.",
    ),
    "unreadable-profile-file": Explained(
        _PROFILE,
        "The file is there and is not what Omni's CLI writes. Nothing of its content is shown, "
        "since it holds tokens.",
    ),
    "unsafe-profile-file": Explained(
        _PROFILE,
        "The file holds tokens and is a symbolic link, belongs to somebody else, or may be read by "
        "others. It is only read as a private regular file.",
    ),
}


# Codes about a state that is damaged or gone, and about mending it.

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


# Codes about a fleet at work; those about its file are explained with the other files'.

CODES_OF_FLEET = {
    "extra-missing": Explained(
        "A part of reconcile is not installed",
        "A fleet needs a queue and a driver for PostgreSQL, which the extra fleet brings; its page "
        "needs the extra controller, and an object store the extra remote.",
    ),
    "fleet-database-lost": Explained(
        "The fleet's database cannot be reached",
        "Workers end when it is gone, and a supervisor starts them again. What was done is in the "
        "states of the instances, so nothing is lost with it.",
    ),
    "instance-paused": Explained(
        "This instance is paused",
        "An operator said that no worker is to look at it, until an instant or until it is "
        "resumed. What it misses meanwhile is made up once.",
    ),
    "instance-run-failed": Explained(
        "The last run of this instance did not end well",
        "The page repeats what the run told. It is tried again by itself, later each time.",
    ),
    "no-fleet-database": Explained(
        "The fleet has no database",
        "[fleet] database or RECONCILE_FLEET_DATABASE says which PostgreSQL hands out the work.",
    ),
    "no-such-instance": Explained(
        "The fleet has no such instance",
        "Instances go by the names that they have in fleet.toml.",
    ),
}


# Codes about looking at the live instance, and about what stops an apply just before it.

CODES_OF_LIVE = {
    "live-refused": Explained(
        "Omni refused the token",
        "The instance answered 401 or 403 when its models were asked for. It may be the wrong "
        "token, one of another instance, or one that was revoked. Nothing else was asked with it: "
        "more attempts would look like guessing.",
    ),
    "live-unreadable": Explained(
        "The instance could not be looked at",
        "The list of models did not arrive whole, and what it leaves out would look as if it did "
        "not exist. Without --live, plan needs no connection.",
    ),
    "live-part-unseen": Explained(
        "A part of the instance could not be seen",
        "Connections are listed to admins only, native schedules to connection admins, and cache "
        "policies are read from a model's YAML, which needs the extra `live`. The detail has the "
        "words of Omni. What was seen is listed all the same, and in JSON what was not is null.",
    ),
    "not-all-checked": Explained(
        "Not everything that is declared could be compared",
        "drift says that files and instance agree only where it has seen all that the files "
        "declare: the policies of each model with a reset, the schedules of each connection that "
        "declares some, the connections where one is identified. What it was not told is listed "
        "with the reason. It ends with 1, or with 8 if what it did see differs.",
    ),
    "live-extra-missing": Explained(
        "Cache policies cannot be read",
        "The names of cache policies stand in a model's YAML. PyYAML reads it, which the extra "
        "`live` brings.",
    ),
    "instance-file-invalid": Explained(
        "The listing of an instance cannot be used",
        "sandbox --instance serves what discover printed as JSON. The detail names the part that "
        "is not as discover prints it.",
    ),
    "instance-file-unreadable": Explained(
        "The listing of an instance cannot be read",
        "The file given to sandbox --instance is missing, not readable, not UTF-8, or larger than "
        "64 MiB.",
    ),
    "observation-damaged": Explained(
        "The last live look cannot be used",
        "A live look is kept beside the state, in a file that ends in .observed, to spare requests "
        "while it is fresh. This one is not as it was written, and counts as absent. Nothing "
        "depends on it, and it may be removed at any time.",
    ),
    "observation-not-kept": Explained(
        "The live look was not kept",
        "It could not be written beside the state, so the next command with --live asks again.",
    ),
    "connections-unseen": Explained(
        "The token may not see connections",
        "Only an admin's token may list connections. A [[select]] that names one cannot be "
        "compared without that list: it would match nothing, and every model would leave.",
    ),
    "nothing-to-lock": Explained(
        "The files select nothing",
        "lock writes down which models the [[select]] blocks stand for, and there is none.",
    ),
    "no-match": Explained(
        "Nothing matches",
        "A pattern, a connection or a kind on the command line stands for nothing of the instance. "
        "Globs are matched against Omni's names letter by letter, case included; ids are taken as "
        "well. What was not done because of it the detail says.",
    ),
    "selects-nothing": Explained(
        "A [[select]] matches no model",
        "A block that is new or was edited and matches nothing is a mistake: lock leaves the lock "
        "file as it is. One that matched when the file was locked last is a warning: its models "
        "have left the instance.",
    ),
    "nothing-chosen": Explained(
        "Nothing says what to import",
        "import takes globs over Omni's names of models, or ids. Without any it shows a list to "
        "choose from, which needs a terminal.",
    ),
    "bad-choice": Explained(
        "The answer names no model of the list",
        "The list is answered with numbers, ranges such as 2-5, globs over the names, or * for "
        "all. Nothing was written.",
    ),
    "drift-is-no-plan": Explained(
        "What drift prints cannot be applied",
        "drift compares and proposes nothing: it holds neither calls nor a digest that anybody "
        "could have approved. What to do about it is a plan, made by plan --live.",
    ),
    "preflight-refused": Explained(
        "Omni refuses the token",
        "Before its first call an apply tried the token, and Omni answered 401 or 403. Each call "
        "would have been refused in the same way, so none was made. Every item stays due.",
    ),
    "preflight-failed": Explained(
        "Omni could not be asked before the first call",
        "Before its first call an apply asks for the models it is about to act on. There was no "
        "usable answer, and no call was made. --no-preflight goes without.",
    ),
    "model-not-there": Explained(
        "Models are missing, and their items are held for this apply",
        "A model that is about to be called is not listed or was deleted. Its calls would end in "
        "404; they are left out of this apply, which then ends with exit code 6. A refresh that "
        "other models of the connection share goes on without it.",
    ),
    "connection-shadowed": Explained(
        "Omni's own schedule refreshes the same connection",
        "A native schedule that the files declare runs within an hour of a declared refresh, or at "
        "least as often as a soft one, which then adds nothing. Two refreshes of one connection "
        "cost twice as much as one.",
    ),
    "clock-off": Explained(
        "The clocks differ",
        "The Date of Omni's replies and this machine's clock are more than half a minute apart. "
        "Slots are reckoned by this machine's clock, and Omni refuses a reset to an instant in its "
        "own future.",
    ),
    "role-may-not-do": Explained(
        "The token's role may not be enough",
        "Omni tells the role of a token on each model. This one may not change some of the models; "
        "whether that is needed for a refresh or a reset its documents do not say.",
    ),
}


# Codes about the files of a state and the lock on it.

CODES_OF_STATE = {
    "history-elsewhere": Explained(
        "The history is not here",
        "The history is a file beside the state, of the newest 2,000 entries. A state that was "
        "copied or committed without it has none, and what happened before shows only in the "
        "records. Nothing depends on it but `state history` and `state restore`.",
    ),
    "state-url-secret": Explained(
        "The state's URL holds a secret",
        "A password in a URL travels with every file, log and plan that names the state. Stores "
        "find their credentials where their own tools do: AWS_*, profiles and roles, Google's "
        "application default, AZURE_*, PGPASSFILE or PGSERVICE.",
    ),
    "state-host-unsaid": Explained(
        "Only a file names the host of the state's database",
        "PGPASSWORD belongs to whatever host it is sent to, and a file that names the host may "
        "come from anybody who can open a pull request. So the operator names it too: by --state, "
        "RECONCILE_STATE_URL, PGHOST or a service (PGSERVICE). An entry of the password file "
        "(PGPASSFILE) for that very host needs nothing else. Beyond this machine the server must "
        "also show a certificate that verifies (sslmode=verify-full, by the system's authorities), "
        "and is never sent a password it could read; PGSSLMODE, PGSSLROOTCERT and PGREQUIREAUTH "
        "say otherwise.",
    ),
    "state-url-option": Explained(
        "A file may not say how the state's database is trusted",
        "Of the parameters of a PostgreSQL URL a file may give those that say where the database "
        "is. What decides how the server proves itself, or which files of this machine are read "
        "and written for it, comes from the environment (PGSSLMODE, PGSSLROOTCERT, ...), or from "
        "a URL that the operator gives by --state or RECONCILE_STATE_URL.",
    ),
    "state-url-differs": Explained(
        "The files name another state than RECONCILE_STATE_URL",
        "The operator's environment decides where state is kept. [state] url in a file is an "
        "assertion beside it, like base_url beside a credential: where they differ, the files are "
        "for another place, and nothing is read or sent. --state overrides both.",
    ),
    "state-extra-missing": Explained(
        "A package for this kind of state is not installed",
        "A local file needs nothing. Object stores need the extra `remote`, PostgreSQL the extra "
        "`postgres`; AWS profiles need boto3, and federated Google identities google-auth.",
    ),
    "state-store-error": Explained(
        "The store of the state cannot be used",
        "The object store or the database did not answer, or would not let this credential in. "
        "The detail has its own words, without what is secret. Nothing was sent to Omni on the "
        "strength of what could not be written down. On S3 the right to list the bucket is needed "
        "too: without it an object that is not there looks like one that must not be read.",
    ),
    "state-store-unsafe": Explained(
        "This store cannot keep two runs apart",
        "A second create or a stale update went through, as it does in stores that speak S3 but "
        "know no conditional writes. Two runs would overwrite each other without noticing.",
    ),
    "state-conflict": Explained(
        "Another run has changed the state",
        "What this run was about to replace is not what it last read or wrote, so another run has "
        "taken over, or somebody wrote to the store by hand. Nothing was overwritten.",
    ),
    "migrate-same": Explained(
        "A state cannot be moved onto itself",
        "state migrate takes the URL where the state is and the one where it is to be.",
    ),
    "state-file-error": Explained(
        "A state file cannot be used",
        "The operating system refused to open, read, lock or replace one of the files of the "
        "state. The detail says which, and why.",
    ),
    "state-not-a-file": Explained(
        "A state file is not a regular file",
        "A directory, a pipe or a device stands where a file of the state should be.",
    ),
    "state-too-large": Explained(
        "A state file is too large",
        "No state grows that large, so the file is something else. It is not read into memory.",
    ),
    "state-directory-open": Explained(
        "Anybody may write to the state's directory",
        "In a directory that every user may write to, without a sticky bit, any of them could put "
        "another state or another lock in place.",
    ),
    "state-writable-by-others": Explained(
        "Others may write to the state file",
        "Whoever may write the state decides what counts as done. The next save makes the file its "
        "owner's alone.",
    ),
    "state-busy": Explained(
        "The state changes too fast to be read",
        "The state was replaced each time it was read. Another run is folding its journal in; try "
        "again in a moment.",
    ),
    "no-state": Explained(
        "There is no state yet",
        "Nothing was ever recorded there, so there is nothing to copy.",
    ),
    "push-damaged": Explained(
        "What was pushed is not a state",
        "The file is not, byte for byte, what state pull printed. Nothing was replaced.",
    ),
    "push-not-later": Explained(
        "The pushed state does not continue the present one",
        "The file is of another lineage or is older than the state that is there, and putting it "
        "in place would forget calls that were made. --force does it all the same.",
    ),
    "saved-plan-missing": Explained(
        "There is no such saved plan",
        "The path given names no file. plan --out writes one.",
    ),
    "saved-plan-unreadable": Explained(
        "This is not a saved plan",
        "A saved plan is strict JSON as plan --out writes it. The file was cut short, edited, or "
        "is something else. Nothing was sent.",
    ),
    "saved-plan-of-another-tool": Explained(
        "The saved plan was made by another version of the tool",
        "Saved plans are short-lived and are not carried over from one format to another. Make it "
        "again with this version.",
    ),
    "lock-held": Explained(
        "Another run holds the lock",
        "One run at a time changes a state, or two would send the same calls twice. The lock dies "
        "with its owner: it need not be broken, only waited for, with --lock-timeout. That of a "
        "remote state outlives a killed owner by its ttl, [state] lock_ttl.",
    ),
    "lock-lost": Explained(
        "The lock was taken away",
        "The lock file was removed or replaced while this run held it, or the lock of a remote "
        "state could not be renewed in time, so another run may have begun. No further call is "
        "begun; those in flight are written down.",
    ),
    "lock-unreliable": Explained(
        "This file system does not keep locks",
        "The same lock was granted twice, as some network file systems do. Two runs could not be "
        "kept apart there.",
    ),
    "lock-id-differs": Explained(
        "That is not the lock's id",
        "unlock clears what a dead run left, or takes the lock of a remote state from its holder. "
        "It takes the id so that nobody clears another run's lock by mistake.",
    ),
}


# `config` comes last: where a command line is read by the same rules as a file, such as a
# duration, the code is the same and the rules are explained once.
ALL_CODES: Mapping[str, Explained] = (
    CODES_OF_APPLY
    | CODES_OF_COMMANDS
    | CODES_OF_CONTROLLER
    | CODES_OF_CREDENTIALS
    | CODES_OF_DAMAGE
    | CODES_OF_FLEET
    | CODES_OF_LIVE
    | CODES_OF_STATE
    | CODES
)
