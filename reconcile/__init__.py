"""Declare when Omni models are refreshed and their caches reset; plan it, review it, apply it."""

__version__ = "0.1.0"

DISTRIBUTION = "reconcile"
"""The name to install it by, which the extras follow in brackets; as pyproject.toml has it."""
