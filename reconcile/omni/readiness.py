"""What the first exchange would import while it is under way, imported before anything is sent.

An import needs a free descriptor. Where there is none, it fails with a reply half read, and a call
that was answered would be in doubt for it.
"""

import codecs
import sys
from functools import cache
from importlib import import_module

_CODECS = ("utf-8", "utf-8-sig", "ascii", "latin-1", "idna")
_MODULES = (
    "anyio._backends._asyncio",
    "concurrent.futures.thread",  # host names are resolved in a thread
    "http.client",
    "stringprep",
    "unicodedata",
)


@cache
def get_ready() -> None:
    """Import all of it, once in a process."""
    for name in _CODECS:
        codecs.lookup(name)
    for name in _MODULES:
        import_module(name)
    try:
        import_module("sniffio")
    except ModuleNotFoundError:
        # httpcore looks for it at every exchange, through every folder of the path. It is of use
        # beside another event loop than asyncio's alone.
        sys.modules["sniffio"] = None  # type: ignore[assignment] # what the import system itself knows as "not there"
