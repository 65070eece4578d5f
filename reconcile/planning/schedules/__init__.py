"""Omni's own schedules of a connection: what is declared, recorded and, if looked at, there."""
