"""The commands about when things are due."""

from reconcile.cli.tables.table import Table

TIME: Table = {}
