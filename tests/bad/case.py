"""One bad input: bytes, what reads them, and how that has to end."""

from typing import Literal

from msgspec import Struct

Kind = Literal["config", "state", "journal", "plan", "lock", "reply", "token", "url"]


class Case(Struct, frozen=True):
    """`name` is unique within its kind. `refused`: no reader may take it for good."""

    kind: Kind
    name: str
    data: bytes
    refused: bool = True
