"""The verbs of `state`."""

from argparse import ArgumentParser

from reconcile.cli.options import file_option, lock_timeout_option, output_options, state_option
from reconcile.cli.tables.table import Verbs, add_verbs


def state_verbs(parser: ArgumentParser) -> None:
    """Add every verb with its own options."""
    add_verbs(parser, _VERBS, (file_option, state_option, output_options, lock_timeout_option))


def _nothing(parser: ArgumentParser) -> None:
    del parser


def _address(parser: ArgumentParser) -> None:
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
    _address(parser)
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


_VERBS: Verbs = {
    "list": ("list every recorded item", _nothing),
    "show": ("show all that is known of one item", _address),
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
