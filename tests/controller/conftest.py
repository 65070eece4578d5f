"""The stage of the end-to-end tests, for this room too."""

from tests.cli.conftest import staged

__all__ = ["staged"]
