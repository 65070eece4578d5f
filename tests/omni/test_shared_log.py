"""The file in which processes with one key tell each other of their requests."""

import asyncio
import fcntl
import os
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.errors import Diagnostic
from reconcile.omni.credential import load_credential
from reconcile.omni.limiter import LARGEST_BYTES, PacedLimiter, SharedLog, find_shared_log
from reconcile.planning.budget import Turn
from reconcile.simulation.virtual import run_in_virtual_time
from tests.omni.test_pacing import most_in_a_window

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN = "omni_osk_0123456789abcdef"  # noqa: S105 -- opens nothing
OMNI = {"OMNI_BASE_URL": "https://myorg.omniapp.co", "OMNI_API_KEY": TOKEN}
CREDENTIAL = load_credential(OMNI)
SPREAD = Random(1)  # noqa: S311 -- spreads waits only


def log(folder: Path) -> SharedLog:
    return SharedLog(folder / "one.sends", wall=lambda: NOW)


def told(shared: SharedLog, now_s: float) -> list[float] | None:
    """Say what was sent by others since it was last asked; None while the file is taken."""
    with shared.held(now_s) as sends:
        return None if sends is None else [send.at_s for send in sends.sends]


def sent(shared: SharedLog, now_s: float) -> list[float]:
    """Send, and say what others sent before."""
    with shared.held(now_s) as sends:
        assert sends is not None
        shared.note(Turn.CALL, now_s, now_s)
        return [send.at_s for send in sends.sends]


async def clocked(limiter: PacedLimiter, count: int, into: list[float]) -> None:
    for _ in range(count):
        await limiter.turn(Turn.CALL)
        into.append(asyncio.get_running_loop().time())


def test_each_process_is_told_once_what_others_sent_in_the_last_minute(tmp_path: Path) -> None:
    one, two = log(tmp_path), log(tmp_path)
    assert sent(one, 10.0) == []
    assert (sent(two, 20.0), told(two, 21.0)) == ([10.0], [])
    assert (told(one, 21.0), told(one, 22.0)) == ([20.0], [])
    assert (told(log(tmp_path), 75.0), told(log(tmp_path), 90.0)) == ([20.0], [])


def test_a_turn_adds_a_line_and_reads_what_is_new(tmp_path: Path) -> None:
    """P1: nothing that stands there already is written again."""
    one, two, path = log(tmp_path), log(tmp_path), tmp_path / "one.sends"
    for second in range(32):
        sent(one, float(second))
        told(two, float(second))
    before = path.read_bytes()
    sent(one, 32.0)
    assert path.read_bytes().startswith(before)
    assert told(two, 32.0) == [32.0]


def test_the_file_stays_small_and_private(tmp_path: Path) -> None:
    shared, largest = log(tmp_path), 0
    for second in range(600):
        sent(shared, float(second))
        largest = max(largest, (tmp_path / "one.sends").stat().st_size)
    assert largest < 2 * 61 * 60
    assert stat.S_IMODE((tmp_path / "one.sends").stat().st_mode) == 0o600


LOST = {
    "removed": b"",
    "cut short": None,
    "foreign": b"not ours\n" * 100,
    "of an earlier version": b"reconcile-sends-1 0b1c\ncall 10.0 20.0 a1\n",
    "too large": b"x" * (LARGEST_BYTES + 1),
}


@pytest.mark.parametrize("instead", LOST.values(), ids=LOST.keys())
def test_a_file_that_was_lost_is_filled_again_by_who_still_runs(
    tmp_path: Path, instead: bytes | None
) -> None:
    one, path = log(tmp_path), tmp_path / "one.sends"
    for second in range(10):
        sent(one, float(second))
    path.write_bytes(path.read_bytes()[:200] if instead is None else instead)
    sent(one, 10.0)
    assert told(log(tmp_path), 12.0) == [float(second) for second in range(11)]


@pytest.mark.parametrize("left", [1, 20])
def test_a_process_that_dies_in_the_middle_of_a_line_spoils_no_other(
    tmp_path: Path, left: int
) -> None:
    one, two, path = log(tmp_path), log(tmp_path), tmp_path / "one.sends"
    sent(one, 1.0)
    sent(two, 2.0)
    whole = path.read_bytes()
    sent(two, 3.0)
    path.write_bytes(path.read_bytes()[: len(whole) + left])
    sent(one, 4.0)
    assert told(log(tmp_path), 5.0) == [1.0, 2.0, 4.0]


def test_a_process_that_dies_as_it_begins_the_file_anew_loses_nothing(tmp_path: Path) -> None:
    one, path = log(tmp_path), tmp_path / "one.sends"
    for second in range(14):
        sent(one, float(second))
    before = path.read_bytes()
    sent(one, 65.0)
    after = path.read_bytes()
    assert after.split()[2] != before.split()[2]
    for cut in range(len(after)):
        path.write_bytes(after[:cut] + before[cut:])
        assert set(told(log(tmp_path), 65.0) or ()) >= set(map(float, range(5, 14)))


class Visit(NamedTuple):
    """A process: when it begins, how many calls it makes, whether it dies in mid-line."""

    begins_s: float
    calls: int
    dies: bool


visits = st.builds(Visit, st.floats(0, 150), st.integers(1, 30), st.booleans())


@settings(max_examples=25, deadline=None)
@given(st.lists(visits, min_size=1, max_size=5), st.sampled_from([6, 20]))
def test_no_window_holds_more_however_processes_come_and_go(
    visited: list[Visit], limit: int
) -> None:
    taken: list[float] = []

    async def visit(folder: Path, one: Visit) -> None:
        await asyncio.sleep(one.begins_s)
        await clocked(PacedLimiter(limit, random=SPREAD, shared=log(folder)), one.calls, taken)
        if one.dies:
            with (folder / "one.sends").open("ab") as file:
                file.write(b"call 12.0 12")

    async def run(folder: Path) -> None:
        await asyncio.gather(*(visit(folder, one) for one in visited))

    with TemporaryDirectory() as folder:
        run_in_virtual_time(run(Path(folder)))
    assert most_in_a_window(taken) <= limit
    assert len(taken) == sum(one.calls for one in visited)


RUNNER = """
import asyncio, sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple
from reconcile.clock import wall_clock
from reconcile.omni.limiter import PacedLimiter, SharedLog
from reconcile.planning.budget import Turn

async def run():
    log = SharedLog(Path(sys.argv[1]), wall=wall_clock)
    limiter = PacedLimiter(int(sys.argv[2]), random=Random(), shared=log)
    await asyncio.gather(*(one(limiter) for _ in range(int(sys.argv[3]))))

async def one(limiter):
    try:
        async with asyncio.timeout(float(sys.argv[4])):
            await limiter.turn(Turn.CALL)
            print(asyncio.get_running_loop().time(), flush=True)
    except TimeoutError:
        pass

asyncio.run(run())
"""


def run_together(path: Path, limit: int, calls: int, patience_s: float) -> list[float]:
    """Let three real processes share a file; returns when each call of any of them went."""
    command = [sys.executable, "-c", RUNNER, str(path), *map(str, (limit, calls, patience_s))]
    ran = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate(timeout=60)[0] for process in ran]
    assert [process.returncode for process in ran] == [0, 0, 0]
    return sorted(float(line) for output in outputs for line in output.split())


def test_real_processes_keep_one_pace_together(tmp_path: Path) -> None:
    went = run_together(tmp_path / "one.sends", 6_000, 50, 30.0)
    assert len(went) == 150
    assert went[-1] - went[10] >= 138 * 60 / 6_000 - 1.0
    assert len(told(log(tmp_path), went[-1]) or ()) == 150


def test_real_processes_obey_what_ran_before_them(tmp_path: Path) -> None:
    earlier, before = log(tmp_path), time.monotonic() - 30.0
    for _ in range(57):
        sent(earlier, before)
    assert len(run_together(tmp_path / "one.sends", 60, 5, 2.5)) == 3


@pytest.mark.parametrize("limit", [6, 30, 60])
def test_processes_that_share_a_log_stay_under_the_limit_together(
    tmp_path: Path, limit: int
) -> None:
    async def run() -> list[float]:
        limiters = [PacedLimiter(limit, random=SPREAD, shared=log(tmp_path)) for _ in range(3)]
        taken: list[float] = []
        await asyncio.gather(*(clocked(limiter, limit, taken) for limiter in limiters))
        return taken

    taken = run_in_virtual_time(run())
    assert most_in_a_window(taken) <= limit
    assert taken[-1] <= 1.03 * 3 * 60


def test_a_429_that_one_process_gets_closes_and_halves_the_others(tmp_path: Path) -> None:
    async def run() -> tuple[float, int]:
        one, two = (PacedLimiter(60, random=SPREAD, shared=log(tmp_path)) for _ in range(2))
        await two.turn(Turn.CALL)
        one.penalise(30.0)
        await two.turn(Turn.CALL)
        return asyncio.get_running_loop().time(), two.snapshot().limit

    reopened_s, limit = run_in_virtual_time(run())
    assert 30.0 <= reopened_s <= 32.0
    assert 30 <= limit <= 31


def test_a_call_that_the_journal_and_the_log_both_hold_counts_once(tmp_path: Path) -> None:
    async def run() -> tuple[int, int]:
        first = PacedLimiter(60, random=SPREAD, shared=log(tmp_path))
        await clocked(first, 10, [])
        await asyncio.sleep(5)
        ages_s = [5.0] * 10 + [30.0]
        second = PacedLimiter(60, random=SPREAD, shared=log(tmp_path), history=ages_s)
        await second.turn(Turn.CALL)
        return first.snapshot().used, second.snapshot().used

    assert run_in_virtual_time(run()) == (10, 12)


def test_a_lock_that_is_never_let_go_ends_in_going_alone(tmp_path: Path) -> None:
    shared = log(tmp_path)
    with (tmp_path / "one.sends").open("w") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        limiter = PacedLimiterIn(shared)
        assert run_in_virtual_time(limiter.one_turn_s()) < 3.0


def test_a_file_that_vanishes_for_good_ends_in_going_alone(tmp_path: Path) -> None:
    limiter = PacedLimiterIn(log(tmp_path / "gone"))
    assert run_in_virtual_time(limiter.one_turn_s()) == 0.0


class PacedLimiterIn:
    """A limiter over one log, made inside the loop that it needs."""

    def __init__(self, shared: SharedLog) -> None:
        self._shared = shared

    async def one_turn_s(self) -> float:
        await PacedLimiter(60, random=SPREAD, shared=self._shared).turn(Turn.CALL)
        return asyncio.get_running_loop().time()


def found(**environment: str) -> Path | Diagnostic | None:
    return find_shared_log(CREDENTIAL, environment, NOW)


def test_the_name_tells_nothing_and_differs_for_every_key_and_instance(tmp_path: Path) -> None:
    keys = [OMNI, {**OMNI, "OMNI_API_KEY": TOKEN[:-1] + "0"}]
    keys += [{**OMNI, "OMNI_BASE_URL": "https://other.omniapp.co"}]
    paths = {find_shared_log(load_credential(key), {"HOME": str(tmp_path)}, NOW) for key in keys}
    assert len(paths) == 3
    assert not any(part in str(paths) for part in (TOKEN, TOKEN[9:17], "myorg"))


def test_a_user_without_a_home_goes_alone_and_nothing_is_said() -> None:
    assert found() is None
    assert found(HOME="relative", XDG_CACHE_HOME="also") is None


@pytest.fixture
def unusable(tmp_path: Path) -> Path:
    (tmp_path / "reconcile").write_text("a file where the directory should be")
    return tmp_path


def test_a_directory_that_cannot_be_used_is_warned_of(unusable: Path) -> None:
    warning = found(XDG_CACHE_HOME=str(unusable))
    assert isinstance(warning, Diagnostic)
    assert (warning.code, warning.severity) == ("budget-not-shared", "warning")


def test_a_directory_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "reconcile").mkdir()
    (tmp_path / "reconcile").chmod(0o777)
    assert isinstance(found(XDG_CACHE_HOME=str(tmp_path)), Diagnostic)


def test_a_link_or_a_pipe_in_place_of_the_file_is_not_opened(tmp_path: Path) -> None:
    path = found(XDG_CACHE_HOME=str(tmp_path))
    assert isinstance(path, Path)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert isinstance(found(XDG_CACHE_HOME=str(tmp_path)), Diagnostic)
    path.unlink()
    os.mkfifo(path)
    assert isinstance(found(XDG_CACHE_HOME=str(tmp_path)), Diagnostic)


def test_files_of_keys_that_nobody_used_for_a_day_are_removed(tmp_path: Path) -> None:
    (folder := tmp_path / "reconcile").mkdir(mode=0o700)
    for name, age_s in (("old.sends", 90_000), ("young.sends", 80_000), ("not-ours", 90_000)):
        (folder / name).touch()
        os.utime(folder / name, times=(NOW.timestamp() - age_s,) * 2)
    path = found(XDG_CACHE_HOME=str(tmp_path))
    assert isinstance(path, Path)
    assert {p.name for p in path.parent.iterdir()} == {path.name, "young.sends", "not-ours"}
