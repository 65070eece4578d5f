"""Ends whatever process imports it at the first socket that it touches."""

import sys


def _refuse(event: str, _: object) -> None:
    if event.startswith("socket."):
        raise SystemExit(f"a socket was used: {event}")


sys.addaudithook(_refuse)
