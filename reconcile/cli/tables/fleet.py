"""The verbs of `fleet`."""

from argparse import Action, ArgumentParser, Namespace

from reconcile.cli.options import output_options
from reconcile.cli.tables.page import listen_options
from reconcile.cli.tables.table import Verbs, add_verbs


def fleet_verbs(parser: ArgumentParser) -> None:
    """Add every verb with its own options."""
    add_verbs(parser, _VERBS, (_file, output_options))


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


_VERBS: Verbs = {
    "worker": ("reconcile the instances that fall due, beside any number of workers", _worker),
    "status": ("show where every instance stands", _status),
    "pause": ("reconcile an instance no more, until an instant or until it is resumed", _pause),
    "resume": ("end the pause of an instance", _instance),
}
