"""The shape of a table of commands."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping

Add = Callable[[ArgumentParser], None]
"""Adds options to the parser of a command."""

Table = Mapping[str, tuple[str, tuple[Add, ...]]]
"""Name of a command -> one line of help, and what adds its options."""
