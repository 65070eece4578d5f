"""`python -m reconcile`."""

from reconcile.cli.entry import entry

entry()
