"""`python -m reconcile`."""

from reconcile.cli.main import entry

entry()
