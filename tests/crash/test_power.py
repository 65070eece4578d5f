"""Power that goes while a state is being written: on a model of a disk, and on a real ext4.

`--slow` makes 2,000 real cuts, or as many as the variable CUTS says; it needs root and a loop
device. The model needs neither, and knows crash states that one kernel may never show.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.state import local as sessions
from reconcile.state.backend import load
from tests.crash.disk import Disk, Step, recording
from tests.state.acts import dice, entry, fold, open_at
from tests.state.children import child
from tests.strategies import examples

SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, struct.pack("I", 2)

Acknowledge = Callable[[int], object]


def write(state: Path, batches: tuple[int, ...], acknowledge: Acknowledge) -> None:
    """Append batches of entries in sessions of a few, folding in the journal in between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "MAX_JOURNAL_LENGTH", 600)
        for begin in range(0, len(batches), 3):
            with open_at(state) as session:
                for size in batches[begin : begin + 3]:
                    first = session.recorded.sequence + 1
                    session.append(*(entry(first + place) for place in range(size)))
                    acknowledge(session.recorded.sequence)


def require_whole(state: Path, acknowledged: int) -> None:
    loaded = load(str(state))
    recorded = loaded.recorded
    assert "journal-missing" not in [found.code for found in loaded.warnings]
    assert recorded.sequence >= acknowledged
    assert recorded.items == fold(recorded.sequence).items


@examples(50)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=8), st.randoms(use_true_random=False))
@pytest.mark.fault("D06", "S01", "S02", "S11", "S13", "S25")
def test_a_crash_leaves_what_was_acknowledged(batches: list[int], random: Random) -> None:
    with TemporaryDirectory() as name:
        state = Path(name) / "before" / "prod.json"
        state.parent.mkdir(mode=0o700)
        told: list[tuple[int, int]] = [(0, 0)]
        with recording(state.parent) as recorder:
            write(state, tuple(batches), lambda last: told.append((len(recorder.steps), last)))
        for _ in range(6):
            crash_anywhere(Path(name), recorder.steps, told, random)


def crash_anywhere(
    scratch: Path, steps: list[Step], told: list[tuple[int, int]], random: Random
) -> None:
    instant = random.randint(0, len(steps))
    disk = Disk()
    for step in steps[:instant]:
        disk.take(step)
    with TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        disk.crash(folder, lambda most: random.randint(0, most))
        require_whole(folder / "prod.json", max(last for at, last in told if at <= instant))


@pytest.mark.parametrize("forgotten", ["sync"])
def test_the_model_notices_a_sync_that_is_left_out(tmp_path: Path, forgotten: str) -> None:
    state = tmp_path / "before" / "prod.json"
    state.parent.mkdir(mode=0o700)
    told: list[tuple[int, int]] = [(0, 0)]
    steps: list[Step] = []
    with recording(state.parent) as recorder:
        write(state, (2,) * 6, lambda last: told.append((len(recorder.steps), last)))
        steps = recorder.steps
    weaker = [("write", 0, b"") if step[0] == forgotten else step for step in steps]
    random, failures = dice(1), 0
    for _ in range(200):
        try:
            crash_anywhere(tmp_path, weaker, told, random)
        except Exception:  # noqa: BLE001 - any way of noticing will do
            failures += 1
    assert failures > 20


@contextmanager
def mounted(image: Path, folder: Path, options: str = "loop") -> Iterator[Path]:
    subprocess.run(["mount", "-o", options, str(image), str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Make a disk of 16 MiB, if this machine lets us."""
    image, folder = tmp_path / "disk.img", tmp_path / "mounted"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("needs root and mkfs.ext4")
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    tried = ["mount", "-o", "loop", str(image), str(folder)]
    if subprocess.run(tried, check=False, capture_output=True).returncode:
        pytest.skip("needs a loop device")
    subprocess.run(["umount", str(folder)], check=True)
    return image


def cut_after(state: Path, steps: int, batches: tuple[int, ...]) -> Callable[..., None]:
    """Live until so many steps are taken, then take the power away from the disk below."""

    def live(say: Callable[[bytes], object]) -> None:
        left = steps

        def step() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                with suppress(OSError):
                    descriptor = real_open(state.parent.parent, os.O_RDONLY)
                    fcntl.ioctl(descriptor, SHUTDOWN, NO_LOG_FLUSH)
                    say(b"cut\n")
                os._exit(0)

        real_open = os.open
        with recording(state.parent, before=step):
            write(state, batches, lambda last: say(b"%d\n" % last))

    return live


def survive_cuts(image: Path, cuts: int, options: str) -> None:
    random, folder, number = dice(cuts), image.with_name("mounted"), 0
    while number < cuts:
        batches = tuple(random.randint(1, 3) for _ in range(random.randint(1, 9)))
        with mounted(image, folder, options):
            state = folder / f"state-{number}" / "prod.json"
            with child(cut_after(state, random.randint(1, 160), batches)) as run:
                said = b""
                while words := run.hears():
                    said += words
        with mounted(image, folder, options):
            *acknowledged, last = [b"0", *said.split()]
            if last == b"cut":
                number += 1
                require_whole(state, int(acknowledged[-1]))
            shutil.rmtree(state.parent, ignore_errors=True)


@pytest.mark.needs_root
@pytest.mark.fault("D06", "S25")
def test_power_cuts_lose_nothing_acknowledged(image: Path) -> None:
    survive_cuts(image, 15, "loop")


@pytest.mark.needs_root
@pytest.mark.slow
@pytest.mark.fault("D06", "S25")
@pytest.mark.parametrize("options", ["loop", "loop,noauto_da_alloc"])
def test_two_thousand_power_cuts_lose_nothing_acknowledged(image: Path, options: str) -> None:
    survive_cuts(image, int(os.environ.get("CUTS", "2000")), options)
