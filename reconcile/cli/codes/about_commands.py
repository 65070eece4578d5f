"""Codes about how commands are used, the embedded server, and the tool itself."""

from reconcile.config.messages import Explained

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
