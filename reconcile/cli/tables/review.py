"""The commands about reviewing and editing."""

from argparse import ArgumentParser

from reconcile.cli.options import file_option, output_options
from reconcile.cli.tables.table import Table

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
