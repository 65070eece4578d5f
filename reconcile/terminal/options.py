"""The options that commands share, each added to the parsers of the commands that use it."""

from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace

DEFAULT_FILE = "reconcile.toml"


def file_option(parser: ArgumentParser) -> None:
    """Where the desired state is."""
    parser.add_argument(
        "-f",
        "--file",
        action=_AddFile,
        default=(DEFAULT_FILE,),
        metavar="FILE|DIR",
        help="the desired state: a TOML file or a directory of them "
        f"(may be given again; default: {DEFAULT_FILE})",
    )


class _AddFile(Action):
    """Collects what is given into a tuple, which replaces the default."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Add one more file."""
        del parser, option_string
        given = getattr(namespace, self.dest)
        setattr(namespace, self.dest, (*(given if given is not self.default else ()), values))


def state_option(parser: ArgumentParser) -> None:
    """Where the recorded state is."""
    parser.add_argument("--state", metavar="URL", help="use this state instead of the file's")


def output_options(parser: ArgumentParser) -> None:
    """How the result is printed."""
    _output_options(parser, "text", "json")


def review_output_options(parser: ArgumentParser) -> None:
    """How the result is printed, for a command whose result goes into a review."""
    _output_options(parser, "text", "json", "markdown", "html")


def _output_options(parser: ArgumentParser, *formats: str) -> None:
    parser.add_argument("--format", choices=formats, default=formats[0])
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show also what is covered, and all of a long list",
    )


def choice_options(parser: ArgumentParser) -> None:
    """Add what the operator may ask beyond the files."""
    select_option(parser)
    parser.add_argument(
        "--force",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="make this item due whatever is recorded (may be given again)",
    )
    on_unknown_option(parser)


def exit_code_option(parser: ArgumentParser) -> None:
    """Whether the exit code tells of calls."""
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 2 if calls are due or were made, 3 if a limit blocks them",
    )


def at_option(parser: ArgumentParser) -> None:
    """As of when."""
    parser.add_argument(
        "--at", metavar="INSTANT", help="plan as of this instant (RFC 3339, e.g. 2026-12-01T06:00Z)"
    )


def apply_options(parser: ArgumentParser) -> None:
    """Add what only an apply may be told."""
    parser.add_argument("--yes", action="store_true", help="do not ask before sending")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="LIMIT=VALUE",
        help="let this one apply pass a limit, e.g. calls=80 (may be given again)",
    )
    lock_timeout_option(parser)


def lock_timeout_option(parser: ArgumentParser) -> None:
    """How long to wait for the lock."""
    parser.add_argument(
        "--lock-timeout",
        type=_seconds,
        default=0.0,
        metavar="DURATION",
        help="wait this long for another run to end, such as 10m, or seconds (default: 0)",
    )


def _seconds(text: str) -> float:
    """Read a duration, or a plain number of seconds."""
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    from reconcile.config.values import parse_duration
    from reconcile.errors import LeafError

    try:
        return parse_duration(text).total_seconds()
    except LeafError as error:
        raise ArgumentTypeError(error.detail.rstrip(".")) from None


def profile_option(parser: ArgumentParser) -> None:
    """Which credential."""
    parser.add_argument("--profile", help="take the credential from this profile of Omni's own CLI")


def sandbox_options(parser: ArgumentParser) -> None:
    """Where the embedded server listens."""
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=8460, help="port, 0 for any (default: 8460)")


def faults_option(parser: ArgumentParser) -> None:
    """Which faults the embedded server has."""
    parser.add_argument(
        "--faults", default="", metavar="SPEC", help='seeded faults, e.g. "job:fail=20%%,seed=7"'
    )


def out_option(parser: ArgumentParser) -> None:
    """Where to save the plan."""
    parser.add_argument("--out", metavar="PLAN", help="save the plan, to be applied as it is")


def against_options(parser: ArgumentParser) -> None:
    """With what to compare."""
    parser.add_argument(
        "diff",
        nargs="*",
        metavar="diff A.json B.json",
        help="compare two plans that were printed with --format json, or saved with --out",
    )
    parser.add_argument(
        "--against",
        metavar="REF|REF...|FILE",
        help="show what changes compared with a git revision, with where HEAD parted from one "
        "(origin/main...), or with a file: ./OLD.toml",
    )
    parser.add_argument(
        "--horizon",
        default="7d",
        metavar="DURATION",
        help="with --against, how far ahead to look (default: 7d)",
    )


def saved_plan_option(parser: ArgumentParser) -> None:
    """Which saved plan."""
    parser.add_argument("plan", nargs="?", metavar="PLAN", help="a plan saved by plan --out")


def approve_option(parser: ArgumentParser) -> None:
    """Which plan was approved."""
    parser.add_argument(
        "--approve",
        metavar="DIGEST",
        help="go on only if the plan still has this digest (12 or more of its hex digits)",
    )


def notify_options(parser: ArgumentParser) -> None:
    """Whom to tell of an apply."""
    parser.add_argument(
        "--events",
        metavar="FILE|-",
        help="append what happens to this file as it happens, one JSON object a line",
    )
    parser.add_argument(
        "--metrics", metavar="FILE", help="write Prometheus metrics to this file at the end"
    )


# The options that say which items a plan is about, one by one.


def select_option(parser: ArgumentParser) -> None:
    """Which items."""
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only addresses that match this glob (may be given again)",
    )


def on_unknown_option(parser: ArgumentParser) -> None:
    """Say what to do about doubt."""
    parser.add_argument(
        "--on-unknown",
        choices=("resend", "hold"),
        default="resend",
        help="what to do with calls whose outcome is unknown (default: send them again)",
    )
