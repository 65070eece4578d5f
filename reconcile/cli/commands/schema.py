"""`schema`: the JSON Schema of the file, for editors."""

from argparse import Namespace

from reconcile.cli.console import Console
from reconcile.config.published import schema
from reconcile.render.json_text import encode


def run(options: Namespace, console: Console) -> int:
    """Print the schema."""
    del options
    console.say(encode(schema()))
    return 0
