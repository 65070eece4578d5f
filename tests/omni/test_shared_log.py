"""The file in which processes with one key tell each other of their requests."""

import asyncio
import fcntl
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from reconcile.errors import Diagnostic
from reconcile.omni.credential import load_credential
from reconcile.omni.limiter import PacedLimiter, SharedLog, find_shared_log
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


def others(shared: SharedLog, now_s: float) -> list[float] | None:
    with shared.held(now_s) as sends:
        return None if sends is None else [send.at_s for send in sends.sends]


def sent(shared: SharedLog, now_s: float) -> None:
    with shared.held(now_s):
        shared.note(Turn.CALL, now_s)


async def clocked(limiter: PacedLimiter, count: int, into: list[float]) -> None:
    for _ in range(count):
        await limiter.turn(Turn.CALL)
        into.append(asyncio.get_running_loop().time())


def test_each_process_sees_what_the_others_sent_in_the_last_minute(tmp_path: Path) -> None:
    one, two = log(tmp_path), log(tmp_path)
    sent(one, 10.0)
    sent(two, 20.0)
    assert (others(one, 21.0), others(two, 21.0)) == ([20.0], [10.0])
    assert others(two, 75.0) == []


def test_the_file_stays_small_and_private(tmp_path: Path) -> None:
    shared = log(tmp_path)
    for second in range(600):
        sent(shared, float(second))
    found = (tmp_path / "one.sends").stat()
    assert found.st_size < 61 * 80
    assert stat.S_IMODE(found.st_mode) == 0o600


def test_a_removed_file_is_filled_again_by_who_still_runs(tmp_path: Path) -> None:
    one = log(tmp_path)
    sent(one, 10.0)
    (tmp_path / "one.sends").unlink()
    sent(one, 11.0)
    assert others(log(tmp_path), 12.0) == [10.0, 11.0]


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
    path = found(XDG_CACHE_HOME=str(tmp_path))
    assert isinstance(path, Path)
    for name, age_s in (("old.sends", 90_000), ("young.sends", 80_000), ("not-ours", 90_000)):
        (path.parent / name).touch()
        os.utime(path.parent / name, times=(NOW.timestamp() - age_s,) * 2)
    found(XDG_CACHE_HOME=str(tmp_path))
    assert {p.name for p in path.parent.iterdir()} == {path.name, "young.sends", "not-ours"}
