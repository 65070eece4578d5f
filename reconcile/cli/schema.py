"""`schema`: the JSON Schema of what people write, for editors, of the state, and of outputs."""

from argparse import Namespace

from reconcile.render.documents import encode
from reconcile.terminal.console import Console


def run_schema(options: Namespace, console: Console) -> int:
    """Print one schema."""
    if options.document in {"file", "fleet"}:
        from reconcile.config.schema import fleet_schema, schema

        console.give(encode(schema() if options.document == "file" else fleet_schema()))
    elif options.document == "state":
        from reconcile.state.schema import state_schema

        console.give(encode(state_schema()))
    else:
        from reconcile.render.published import PUBLISHED

        console.give(encode(PUBLISHED[options.document]()))
    return 0
