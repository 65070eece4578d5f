"""One bad input: bytes, what reads them, and how that has to end."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["config", "state", "journal", "plan", "lock", "reply", "token", "url"]


@dataclass(frozen=True)
class Case:
    """`name` is unique within its kind. `refused`: no reader may take it for good."""

    kind: Kind
    name: str
    data: bytes
    refused: bool = True
