"""The options of commands that serve a page."""

from argparse import ArgumentParser


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
