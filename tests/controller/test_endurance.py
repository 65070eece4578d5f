"""Many cycles, with a real state on disk: what is held does not grow with what was done."""

import gc
import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.controller.virtual import Virtual, for_a_while
from tests.stage import SALES
from tests.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.long

EVERY_MINUTE = f"""
[state]
url = "state.json"

[models.sales]
id = "{SALES}"
cache.one.every = "1m"
cache.two.every = "1m"
"""
MEGABYTE = 1 << 20


def resident() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def largest(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.glob("state.json*"))


def endure(folder: Path, cycles: int) -> dict[str, int]:
    """Make that many cycles; return by how much things grew after the first tenth."""
    virtual = Virtual(folder, look_every_s=30, keep=False, fail_share=0.01)
    virtual.file.write_text(EVERY_MINUTE)
    grown: dict[str, int] = {"journal": 0, "cycles": 0}
    # One cycle a minute or, once a failure has set the two items apart, two.
    tenth = timedelta(minutes=cycles // 20 + 1)

    async def play() -> None:
        controller = virtual.controller()
        await for_a_while(controller, tenth)
        grown["cycles"] = sum(virtual.desk.situation.cycles.values())
        gc.collect()
        before, files = resident(), open_files()
        while grown["cycles"] < cycles:
            controller = virtual.controller()
            await for_a_while(controller, tenth)
            grown["cycles"] += sum(virtual.desk.situation.cycles.values())
            grown["journal"] = max(grown["journal"], largest(folder))
        gc.collect()
        grown["resident"], grown["files"] = resident() - before, open_files() - files

    run_in_virtual_time(play())
    return grown


def check(grown: dict[str, int], cycles: int) -> None:
    assert grown["cycles"] >= cycles
    assert grown["resident"] < 10 * MEGABYTE
    assert grown["files"] == 0
    assert grown["journal"] < MEGABYTE


def test_memory_files_and_journal_stay_small(tmp_path: Path) -> None:
    check(endure(tmp_path, 200), 200)


@pytest.mark.slow
def test_and_do_so_for_a_hundred_thousand_cycles(tmp_path: Path) -> None:
    check(endure(tmp_path, 100_000), 100_000)
