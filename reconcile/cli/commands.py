"""The table of commands: every name, its help, its options. Importing it must stay cheap."""

from argparse import Action, ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping

from reconcile.terminal.options import (
    against_options,
    apply_options,
    approve_option,
    at_option,
    choice_options,
    exit_code_option,
    faults_option,
    file_option,
    lock_timeout_option,
    notify_options,
    on_unknown_option,
    out_option,
    output_options,
    profile_option,
    review_output_options,
    sandbox_options,
    saved_plan_option,
    select_option,
    state_option,
)

# The options of commands that serve a page.


def listen_options(parser: ArgumentParser) -> None:
    """Where a page is served, and to whom."""
    parser.add_argument(
        "--listen",
        metavar="PLACE",
        help="serve a page, metrics and probes at ADDRESS:PORT (or PORT, or unix:PATH)",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="whoever looks at the page must know this token; needed beyond this machine",
    )


# The shape of a table of commands.

Add = Callable[[ArgumentParser], None]
"""Adds options to the parser of a command."""

Table = Mapping[str, tuple[str, tuple[Add, ...]]]
"""Name of a command -> one line of help, and what adds its options."""

Verbs = Mapping[str, tuple[str, Add]]
"""Name of a verb of a command -> one line of help, and what adds its options."""


def add_verbs(parser: ArgumentParser, verbs: Verbs, shared: Iterable[Add]) -> None:
    """Give a command its verbs, each with its own options and those that all of them share."""
    parsers = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (summary, add) in verbs.items():
        verb = parsers.add_parser(
            name,
            help=summary,
            description=summary,
            allow_abbrev=False,
            formatter_class=parser.formatter_class,
        )
        for part in (add, *shared):
            part(verb)


# The command that stays.


def _run_options(parser: ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="make one cycle and exit")
    listen_options(parser)
    parser.add_argument(
        "--heartbeat-url",
        metavar="URL",
        help="request this URL after every good cycle and every minute (https)",
    )


SERVICE: Table = {
    "run": (
        "stay, and make the calls whenever they fall due",
        (
            file_option,
            state_option,
            output_options,
            select_option,
            on_unknown_option,
            profile_option,
            notify_options,
            _run_options,
        ),
    ),
}


# The commands that look at the live instance, and the options by which others do.


def live_option(parser: ArgumentParser) -> None:
    """Whether to look at the instance."""
    parser.add_argument(
        "--live", action="store_true", help="also look at the instance; needs a token, only reads"
    )
    age_option(parser)


def age_option(parser: ArgumentParser) -> None:
    """How old a look may be."""
    parser.add_argument(
        "--max-age",
        default="10m",
        metavar="DURATION",
        help="take the last live look if it is younger than this (default: 10m; 0s looks again)",
    )


def preflight_option(parser: ArgumentParser) -> None:
    """Whether to try the token before the first call."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--preflight",
        action="store_true",
        default=None,
        help="try token, models and clock before the first call (default with --live)",
    )
    how.add_argument("--no-preflight", dest="preflight", action="store_false", default=None)


def _import_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "patterns",
        nargs="*",
        metavar="PATTERN",
        help="globs over Omni's names of models, or ids; none: choose from a list",
    )
    add("--connection", metavar="PATTERN", help="only models on this connection, by name or id")
    add("--kind", default="SHARED", help="only models of this kind of Omni's (default: SHARED)")
    add("--policies", action="store_true", help="also their cache policies, after each refresh")
    add("--schedules", action="store_true", help="also the native schedules of their connections")
    add("--every", default="24h", metavar="DURATION", help="how often (default: 24h)")
    add("--diff", action="store_true", help="write nothing; show what it would")


def _discover_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("patterns", nargs="*", metavar="PATTERN", help="globs over names of models, or ids")
    add("--connection", metavar="PATTERN", help="only models on this connection, by name or id")
    add(
        "--kind",
        action="append",
        default=[],
        help="only models of this kind of Omni's, or all "
        "(may be given again; default: SHARED and SHARED_EXTENSION)",
    )
    add("--deleted", action="store_true", help="also what is deleted")
    add("--brief", action="store_true", help="neither policies nor schedules: fewer requests")


LIVE: Table = {
    "discover": (
        "list what the live instance has: connections, models, policies, native schedules",
        (_discover_options, file_option, output_options, profile_option),
    ),
    "drift": (
        "compare the files with the live instance; exit 8 if it differs",
        (file_option, state_option, output_options, age_option, profile_option),
    ),
    "import": (
        "write models of the live instance into the file; the rest of it stays as it is",
        (_import_options, file_option, output_options, profile_option),
    ),
    "lock": (
        "write down which models the [[select]] blocks stand for",
        (file_option, output_options, profile_option),
    ),
}


# The commands about when things are due.


def _span_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--for",
        dest="span",
        default="7d",
        metavar="DURATION",
        help="how far ahead, such as 36h or 2w (default: 7d; at most 366d)",
    )


def _forecast_output(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("text", "json", "ics"),
        default="text",
        help="ics is a calendar to subscribe to",
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")


def _item_address(parser: ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="such as models.sales.refresh")


def _simulate_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--state", metavar="URL", help="start from this state, which is only read (default: none)")
    add("--from", dest="start", metavar="INSTANT", help="when to start (default: now)")
    add("--for", dest="length", default="90d", metavar="DURATION", help="how long (default: 90d)")
    add(
        "--runner",
        default="*/15 * * * *",
        metavar="CRON",
        help='when the runner is meant to come (default: "*/15 * * * *")',
    )
    add("--runner-timezone", default="UTC", metavar="ZONE", help="zone of it (default: UTC)")
    add(
        "--lateness",
        default="none",
        metavar="SPEC",
        help="how late it comes: none, github, fixed:2m, uniform:0s-10m; "
        "with a share that never comes: none,skip=5%% (default: none)",
    )
    add("--fail", default="0%", metavar="SHARE", help="share of calls that fail (default: 0%%)")
    add("--seed", type=int, default=0, help="of all chance in it (default: 0)")


TIME: Table = {
    "forecast": (
        "show the calls of the coming days, and how full the request budget will be",
        (file_option, state_option, _forecast_output, at_option, _span_option),
    ),
    "why": (
        "show why one item is due or not, and when it will run",
        (_item_address, file_option, state_option, output_options, at_option),
    ),
    "simulate": (
        "play months of plan and apply in virtual time, against an in-memory Omni",
        (file_option, _simulate_options, output_options),
    ),
}


# The commands about reviewing and editing.

_DOCUMENTS = (
    "file",
    "fleet",
    "state",
    "plan",
    "saved",
    "comparison",
    "difference",
    "show",
    "state-list",
    "state-show",
    "state-history",
    "drift",
    "discover",
    "forecast",
    "why",
    "simulation",
    "summary",
    "event",
    "validation",
    "init",
    "fmt",
    "import",
    "lock",
    "explain",
    "log",
    "run-status",
    "fleet-status",
    "diagnostics",
)


def _models(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME=UUID",
        help="add this model, also to a file that exists (may be given again)",
    )


def _new_state(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--state",
        metavar="URL",
        help="where a new file keeps its state; a store is tried out first",
    )


def _writing(parser: ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it would")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what it would")


def _code(parser: ArgumentParser) -> None:
    parser.add_argument("code", nargs="?", metavar="CODE", help="such as lock-held, or 5")


def _shell(parser: ArgumentParser) -> None:
    # "addresses" is what the scripts ask for on a key press.
    shells = ("bash", "zsh", "fish", "addresses")
    parser.add_argument("shell", choices=shells, metavar="bash|zsh|fish")


def _document(parser: ArgumentParser) -> None:
    parser.add_argument(
        "document",
        nargs="?",
        choices=_DOCUMENTS,
        default="file",
        metavar="DOCUMENT",
        help=f"{', '.join(_DOCUMENTS)} (default: file)",
    )


REVIEW: Table = {
    "init": (
        "start a file, or add models to one",
        (file_option, _models, _new_state, output_options),
    ),
    "fmt": (
        "give files their canonical form, comments included",
        (file_option, _writing, output_options),
    ),
    "explain": ("explain a code of a message, or of the process", (_code, output_options)),
    "schema": (
        "print the JSON Schema of the file, or of what a command prints",
        (_document, output_options),
    ),
    "completion": (
        "print what completes commands in a shell",
        (_shell, file_option, output_options),
    ),
}


# The verbs of `state`.


def state_verbs(parser: ArgumentParser) -> None:
    """Add every verb with its own options."""
    add_verbs(
        parser, _STATE_VERBS, (file_option, state_option, output_options, lock_timeout_option)
    )


def _nothing(parser: ArgumentParser) -> None:
    del parser


def _recorded_address(parser: ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS")


def _any_address(parser: ArgumentParser) -> None:
    parser.add_argument("address", nargs="?", metavar="ADDRESS")


def _addresses(parser: ArgumentParser) -> None:
    parser.add_argument(
        "addresses", nargs="+", metavar="ADDRESS", help="an address, a model, or a glob in quotes"
    )


def _move(parser: ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="an address, or a model: models.sales")
    parser.add_argument("to", metavar="NEW-ADDRESS", help="an address, or the model's new name")


def _mark(parser: ArgumentParser) -> None:
    _recorded_address(parser)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--done", action="store_true", help="it was done, whatever is recorded")
    how.add_argument("--due", action="store_true", help="it is due again; ends a hold")


def _push(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE")
    parser.add_argument("--force", action="store_true", help="also another lineage or an older one")


def _unlock(parser: ArgumentParser) -> None:
    parser.add_argument("lock_id", metavar="LOCK-ID")


def _places(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="FROM-URL", help="a path, or a URL as in [state] url")
    parser.add_argument("target", metavar="TO-URL")


_STATE_VERBS: Verbs = {
    "list": ("list every recorded item", _nothing),
    "show": ("show all that is known of one item", _recorded_address),
    "history": ("show what happened, of all items or of one", _any_address),
    "verify": ("check that state, journal and history are whole", _nothing),
    "mark": ("say that an item is done, or due again", _mark),
    "mv": ("give a record, or a model's records, another name", _move),
    "rm": ("forget what is recorded of items", _addresses),
    "pull": ("print the state, journal folded in", _nothing),
    "push": ("replace the state by a later version of it", _push),
    "migrate": ("copy the state to another place, lineage and all", _places),
    "check": ("prove that the store of the state keeps two runs apart", _nothing),
    "unlock": ("clear what a dead run left in the lock; force a remote one", _unlock),
    "repair": ("keep the good part of a damaged journal", _nothing),
    "restore": ("go back to the previous version of a damaged state", _nothing),
}


# The verbs of `fleet`.


def fleet_verbs(parser: ArgumentParser) -> None:
    """Add every verb with its own options."""
    add_verbs(parser, _FLEET_VERBS, (_file, output_options))


def _file(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-f",
        "--file",
        action=_OneFile,
        default="fleet.toml",
        metavar="FILE",
        help="the fleet (default: fleet.toml)",
    )


class _OneFile(Action):
    """Takes one value and no second, which would silently replace the first."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Keep the value."""
        if getattr(namespace, self.dest) is not self.default:
            parser.error(f"argument {option_string}: there is one fleet, and this is a second file")
        setattr(namespace, self.dest, values)


def _worker(parser: ArgumentParser) -> None:
    parser.add_argument("--name", help="what this worker is called (default: host and process)")
    parser.add_argument(
        "--concurrency",
        type=int,
        default=16,
        metavar="N",
        help="instances reconciled at once (default: 16)",
    )
    listen_options(parser)


def _status(parser: ArgumentParser) -> None:
    del parser


def _instance(parser: ArgumentParser) -> None:
    parser.add_argument("instance", metavar="INSTANCE")


def _pause(parser: ArgumentParser) -> None:
    _instance(parser)
    parser.add_argument("--until", metavar="INSTANT", help="resume by itself (RFC 3339)")
    parser.add_argument("--reason", required=True, help="why; shown in every status")


_FLEET_VERBS: Verbs = {
    "worker": ("reconcile the instances that fall due, beside any number of workers", _worker),
    "status": ("show where every instance stands", _status),
    "pause": ("reconcile an instance no more, until an instant or until it is resumed", _pause),
    "resume": ("end the pause of an instance", _instance),
}


# The commands of the main job.


def _instance_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--instance",
        metavar="FILE",
        help="serve what `discover --format json` listed, in place of what the file declares",
    )
    parser.add_argument(
        "--spec",
        choices=("a", "b"),
        default="b",
        help="which published specification of Omni's API, the earlier or the later (default: b)",
    )


MAIN: Table = {
    "validate": (
        "check the files; opens no socket and reads no token",
        (file_option, output_options, at_option),
    ),
    "plan": (
        "show the calls that are due now, and where every item stands",
        (
            file_option,
            state_option,
            review_output_options,
            choice_options,
            exit_code_option,
            at_option,
            out_option,
            against_options,
            live_option,
            profile_option,
        ),
    ),
    "apply": (
        "make the calls that are due",
        (
            file_option,
            state_option,
            output_options,
            choice_options,
            exit_code_option,
            apply_options,
            profile_option,
            saved_plan_option,
            approve_option,
            notify_options,
            live_option,
            preflight_option,
        ),
    ),
    "show": (
        "show every item, or a saved plan",
        (file_option, state_option, review_output_options, saved_plan_option),
    ),
    "state": ("look at and mend the recorded state", (state_verbs,)),
    "fleet": ("reconcile many instances, with any number of workers", (fleet_verbs,)),
    "rehearse": (
        "plan and apply against an embedded Omni server, on a copy of the state",
        (file_option, state_option, output_options, choice_options, faults_option),
    ),
    "sandbox": (
        "serve an Omni server on loopback",
        (file_option, output_options, sandbox_options, _instance_options, faults_option),
    ),
}

MODULES = {
    "apply": "reconcile.cli.apply",
    "completion": "reconcile.cli.completion",
    "discover": "reconcile.live.command",
    "drift": "reconcile.live.command",
    "explain": "reconcile.cli.explain",
    "fleet": "reconcile.cli.fleet",
    "fmt": "reconcile.cli.files",
    "forecast": "reconcile.forecast.command",
    "import": "reconcile.live.command",
    "init": "reconcile.cli.files",
    "lock": "reconcile.live.command",
    "plan": "reconcile.cli.plan",
    "rehearse": "reconcile.cli.rehearse",
    "run": "reconcile.controller.command",
    "sandbox": "reconcile.sandbox.command",
    "schema": "reconcile.cli.schema",
    "show": "reconcile.cli.show",
    "simulate": "reconcile.simulation.command",
    "state": "reconcile.cli.state",
    "validate": "reconcile.cli.files",
    "why": "reconcile.forecast.command",
}
"""Where each command is: in the function `run_` and its name. Imported only if it is asked for."""
