"""What a benchmark comes to: figures beside their goals, as a table and as JSON."""

import json
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import asdict

MISSED = "MISSED"


class Figure(Struct, frozen=True, kw_only=True):
    """One line: what was reached, in which unit, and what it is measured against.

    `unit` "x" is a multiple of `against`, taken in the same run. `goal` is the most that is wanted,
    None where the figure is only told.
    """

    what: str
    value: float
    unit: str
    against: str = ""
    goal: float | None = None
    cpu_ms: float | None = None
    peak_mib: float | None = None

    @property
    def missed(self) -> bool:
        """Tell whether more was needed than is wanted."""
        return self.goal is not None and self.value > self.goal


HEAD = f"{'what':42} {'reached':>10} {'goal':>9} {'':6} {'CPU ms':>9} {'MiB':>6}  against\n"


def as_json(figures: Iterable[Figure]) -> str:
    """Spell the figures as a JSON array."""
    listed = [{**asdict(figure), "missed": figure.missed} for figure in figures]
    return json.dumps(listed, indent=2) + "\n"


def line(figure: Figure) -> str:
    """Lay a figure out on one line of the table; a goal that is missed is marked."""
    reached = f"{figure.value:,.2f} {figure.unit}".rstrip()
    goal = "" if figure.goal is None else f"<= {figure.goal:g}"
    cpu = "" if figure.cpu_ms is None else f"{figure.cpu_ms:,.1f}"
    peak = "" if figure.peak_mib is None else f"{figure.peak_mib:,.0f}"
    mark = MISSED if figure.missed else ""
    laid = f"{figure.what:42} {reached:>10} {goal:>9} {mark:6} {cpu:>9} {peak:>6}  {figure.against}"
    return laid.rstrip() + "\n"
