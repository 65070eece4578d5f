"""`schema`: the JSON Schema of the file, for editors, and of each output, for programs."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.render.json_text import encode


def run(options: Namespace, console: Console) -> int:
    """Print one schema."""
    if options.document == "file":
        from reconcile.config.published import schema

        console.give(encode(schema()))
    else:
        from reconcile.render.schemas.published import PUBLISHED

        console.give(encode(PUBLISHED[options.document]()))
    return 0
