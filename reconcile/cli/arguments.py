"""The command line: options follow the command, and each command takes only what it uses."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence

from reconcile import __version__

DEFAULT_FILE = "reconcile.toml"

_EPILOGUE = """\
exit codes: 0 nothing to do or all done · 1 error · 2 calls due or made (--detailed-exitcode)
  3 blocked by a limit · 4 saved plan no longer matches · 5 lock held · 6 partly applied
  130, 143 interrupted, state saved
"""

Add = Callable[[ArgumentParser], None]


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line; exits by itself for --help, --version and mistakes in usage."""
    parser = ArgumentParser(
        prog="reconcile",
        description="Declare when Omni models are refreshed and their caches reset; plan, apply.",
        epilog=_EPILOGUE,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"reconcile {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (summary, parts) in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        for part in parts:
            part(command)
    return parser.parse_args(arguments)


def _file(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-f",
        "--file",
        default=DEFAULT_FILE,
        metavar="FILE|DIR",
        help=f"the desired state: a TOML file or a directory of them (default: {DEFAULT_FILE})",
    )


def _state(parser: ArgumentParser) -> None:
    parser.add_argument("--state", metavar="URL", help="use this state instead of the file's")


def _output(parser: ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    parser.add_argument("-v", "--verbose", action="store_true", help="also show what is covered")


def _choice(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only addresses that match this glob (may be given again)",
    )
    parser.add_argument(
        "--force",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="make this item due whatever is recorded (may be given again)",
    )
    parser.add_argument(
        "--on-unknown",
        choices=("resend", "hold"),
        default="resend",
        help="what to do with calls whose outcome is unknown (default: send them again)",
    )


def _exit_code(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 2 if calls are due or were made"
    )


def _at(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--at", metavar="INSTANT", help="plan as of this instant (RFC 3339, e.g. 2026-12-01T06:00Z)"
    )


def _apply(parser: ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask before sending")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="LIMIT=VALUE",
        help="let this one apply pass a limit, e.g. calls=80 (may be given again)",
    )
    _lock_timeout(parser)


def _lock_timeout(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--lock-timeout",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="wait this long for another run to end (default: 0)",
    )


def _profile(parser: ArgumentParser) -> None:
    parser.add_argument("--profile", help="take the credential from this profile of Omni's own CLI")


def _sandbox(parser: ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=8460, help="port, 0 for any (default: 8460)")


def _faults(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--faults", default="", metavar="SPEC", help='seeded faults, e.g. "job:fail=20%%,seed=7"'
    )


def _state_command(parser: ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="list every recorded item")
    show = verbs.add_parser("show", help="show all that is known of one item")
    remove = verbs.add_parser("rm", help="forget what is recorded of items")
    show.add_argument("address")
    remove.add_argument("addresses", nargs="+", metavar="ADDRESS")
    _lock_timeout(remove)
    for verb in (listing, show, remove):
        for part in (_file, _state, _output):
            part(verb)


_COMMANDS: dict[str, tuple[str, tuple[Add, ...]]] = {
    "validate": ("check the files; opens no socket and reads no token", (_file, _output)),
    "plan": (
        "show the calls that are due now, and where every item stands",
        (_file, _state, _output, _choice, _exit_code, _at),
    ),
    "apply": (
        "make the calls that are due",
        (_file, _state, _output, _choice, _exit_code, _apply, _profile),
    ),
    "show": ("show every item: cadence, last success, next slot", (_file, _state, _output)),
    "state": ("look at and mend the recorded state", (_state_command,)),
    "rehearse": (
        "plan and apply against an embedded Omni server, on a copy of the state",
        (_file, _state, _output, _choice, _faults),
    ),
    "sandbox": ("serve an Omni server on loopback", (_file, _output, _sandbox, _faults)),
    "schema": ("print the JSON Schema of the file", (_output,)),
}
