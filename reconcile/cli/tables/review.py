"""The commands about reviewing and editing."""

from reconcile.cli.tables.table import Table

REVIEW: Table = {}
