"""The plainly spelled addresses of a desired state, for a shell to complete; fast and never wrong.

Nothing is checked and nothing heavy is imported: a key press waits for this. What cannot be read
is left out, since a prompt is no place for diagnostics.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli

from reconcile.config.problems import LeafError
from reconcile.config.reading import Locations, decode_text, list_files, paths_of, read_bounded
from reconcile.model.address import Address, refresh_address, reset_address, schedule_address

LARGEST = 4 * 1024 * 1024
"""Bytes of one file read at most: what takes longer to read than a person waits is left out."""

_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


def plain_addresses(locations: Locations) -> list[Address]:
    """List addresses that need no quotes, sorted. A shell would expand what others hold."""
    found: set[Address] = set()
    for path in (path for location in paths_of(locations) for path in _files(location)):
        try:
            document = tomli.loads(decode_text(read_bounded(path, LARGEST)))
        except (LeafError, ValueError, RecursionError):
            continue
        addresses = *_addresses(document.get("models")), *_schedules(document.get("connections"))
        found.update(filter(_PLAIN.fullmatch, addresses))
    return sorted(found)


def _files(location: Path) -> tuple[Path, ...]:
    try:
        return list_files(location)
    except LeafError:
        return ()


def _addresses(models: Any) -> Iterator[Address]:
    for name, model in models.items() if isinstance(models, dict) else ():
        if not isinstance(model, dict):
            continue
        if "refresh" in model:
            yield refresh_address(name)
        policies = model.get("cache")
        for policy in policies if isinstance(policies, dict) else ():
            yield reset_address(name, policy)


def _schedules(connections: Any) -> Iterator[Address]:
    for name, connection in connections.items() if isinstance(connections, dict) else ():
        schedules = connection.get("schedules") if isinstance(connection, dict) else None
        for schedule in schedules if isinstance(schedules, dict) else ():
            yield schedule_address(name, schedule)
