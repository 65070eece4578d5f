"""The options that say which items a plan is about, one by one."""

from argparse import ArgumentParser


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
