import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Timer
from time import sleep

import pytest

from reconcile.errors import ReconcileError
from reconcile.state.backend import backend, load
from reconcile.state.lock import Lock, acquire, read_holder
from tests.state.acts import NOON, dice, done, entry, fold, intent, open_at, refused
from tests.state.children import child

Say = Callable[[bytes], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prod.json.lock"


def take(path: Path, timeout_s: float = 0) -> Lock:
    return acquire(path, command="apply", now=NOON, timeout_s=timeout_s)


def hold(path: Path) -> Callable[[Say], None]:
    def live(say: Say) -> None:
        take(path)
        say(b"held")
        os.read(os.pipe()[0], 1)

    return live


@pytest.mark.fault("L01", "L20")
def test_a_second_run_is_told_who_holds_the_lock_and_for_how_long(path: Path) -> None:
    with child(hold(path)) as holder:
        holder.hears()
        with refused("lock-held", exit_code=5) as caught:
            acquire(path, command="apply", now=NOON + timedelta(hours=24), timeout_s=0)
    detail = caught.value.diagnostics[0].detail
    for part in ("apply of", os.uname().nodename, f"process {holder.pid}", "T12:00:00Z, 86400 s"):
        assert part in detail


@pytest.mark.fault("L02")
def test_a_killed_holder_frees_the_lock_and_leaves_its_name(path: Path) -> None:
    with child(hold(path)) as holder:
        holder.hears()
        holder.kill()
        lock = take(path)
    assert lock.previous is not None
    assert lock.previous.pid == holder.pid
    lock.release()
    assert read_holder(path) is None


@pytest.mark.fault("L02")
def test_a_run_after_a_killed_one_says_so(state: Path) -> None:
    state.parent.mkdir()
    with child(hold(state.with_name("prod.json.lock"))) as holder:
        holder.hears()
    with open_at(state) as session:
        assert [found.code for found in session.warnings] == ["previous-run-died"]
    with open_at(state) as session:
        assert session.warnings == []


@pytest.mark.fault("L01")
def test_a_waiting_run_gets_the_lock_once_it_is_free(path: Path) -> None:
    with child(hold(path)) as holder:
        holder.hears()
        killing = Timer(0.2, holder.kill)
        killing.start()
        take(path, timeout_s=20).release()
        killing.join()


@pytest.mark.fault("L10")
def test_one_process_cannot_have_the_lock_twice(path: Path) -> None:
    lock = take(path)
    with refused("lock-held", exit_code=5):
        take(path)
    assert lock.still_mine()
    lock.release()
    take(path).release()


@pytest.mark.fault("L03")
@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.rename(f"{path}.away")])
def test_a_lock_file_taken_away_stops_new_calls_but_no_outcome(
    state: Path, harm: Callable[[Path], object]
) -> None:
    with open_at(state) as session:
        session.append(intent(1))
        harm(state.with_name("prod.json.lock"))
        assert not session.still_mine()
        with refused("intent-not-recorded"):
            session.append(intent(2))
        session.append(done(1))
    assert [found.code for found in session.warnings] == ["state-not-saved"]
    assert load(str(state)).recorded.sequence == 2


@pytest.mark.fault("L03")
def test_a_replaced_lock_file_is_noticed(path: Path) -> None:
    lock = take(path)
    path.unlink()
    path.touch()
    assert not lock.still_mine()
    lock.release()


@pytest.mark.fault("L06")
@pytest.mark.parametrize("words", [b"", b'{"id": "01', b"\x1b[31m", b"\0" * 99, b"x" * 100_000])
def test_what_stands_in_the_lock_file_decides_nothing(path: Path, words: bytes) -> None:
    path.write_bytes(words)
    lock = take(path)
    assert lock.previous is None
    path.write_bytes(words)
    with refused("lock-held", exit_code=5) as caught:
        take(path)
    assert caught.value.diagnostics[0].detail.startswith("Another run holds")
    lock.release()


@pytest.mark.fault("L09")
def test_a_program_the_holder_started_does_not_hold_the_lock_on(path: Path) -> None:
    def live(say: Say) -> None:
        take(path)
        subprocess.Popen(["cat"], stdin=reading, stdout=subprocess.DEVNULL, close_fds=False)
        say(b"started")
        sleep(60)

    # The program lives until this end is closed, and the holder does not.
    reading, writing = os.pipe()
    with child(live) as holder:
        holder.hears()
        holder.kill()
        take(path, timeout_s=5).release()
    os.close(writing)
    os.close(reading)


@pytest.mark.fault("L12", "L13")
def test_unlock_refuses_while_the_holder_lives(state: Path) -> None:
    with open_at(state):
        holder = read_holder(state.with_name("prod.json.lock"))
        assert holder is not None
        with refused("lock-held", exit_code=5):
            backend(str(state)).unlock(holder.id, now=NOON)


@pytest.mark.fault("L12")
def test_unlock_clears_the_name_of_a_dead_holder_for_its_id_alone(state: Path) -> None:
    path = state.with_name("prod.json.lock")
    state.parent.mkdir()
    with child(hold(path)) as holder:
        holder.hears()
    left = read_holder(path)
    assert left is not None
    with refused("lock-id-differs"):
        backend(str(state)).unlock("another", now=NOON)
    assert read_holder(path) == left
    assert backend(str(state)).unlock(left.id, now=NOON) == left
    assert backend(str(state)).unlock(left.id, now=NOON) is None


def test_unlock_of_nothing_is_nothing(state: Path) -> None:
    assert backend(str(state)).unlock("any", now=NOON) is None
    assert not state.parent.exists()


def contend(path: Path, seed: int) -> Callable[[Say], None]:
    """Enter and leave for ever; say `!` if somebody else is inside too."""

    def live(say: Say) -> None:
        random = dice(seed)
        witness = os.open(path.with_name("witness"), os.O_CREAT | os.O_RDWR)
        while True:
            lock = take(path, timeout_s=60)
            try:
                fcntl.flock(witness, fcntl.LOCK_EX | fcntl.LOCK_NB)
                say(b".")
            except BlockingIOError:
                say(b"!")
            fcntl.flock(witness, fcntl.LOCK_UN)
            if random.random() < 0.2:
                path.unlink(missing_ok=True)
            lock.release()
            sleep(0.001)

    return live


def entered_until_killed(path: Path, kills: int) -> bytes:
    said, random = b"", dice(7)
    for number in range(kills):
        with child(contend(path, number)) as one, child(contend(path, -number)) as other:
            for forked in (one, other):
                said += forked.hears()
            sleep(random.random() / 50)
            said += one.kill() + other.kill()
    return said


@pytest.mark.fault("L02", "L04")
def test_no_two_are_ever_inside_though_holders_die_and_lock_files_go(path: Path) -> None:
    said = entered_until_killed(path, kills=15)
    assert said.count(b".") >= 30
    assert b"!" not in said


@pytest.mark.slow
@pytest.mark.fault("L02", "L04")
def test_no_two_are_ever_inside_over_many_kills(path: Path) -> None:
    assert b"!" not in entered_until_killed(path, kills=2_500)


@pytest.mark.fault("X01")
def test_of_two_applies_one_works_and_one_is_told(state: Path) -> None:
    def apply(say: Say) -> None:
        try:
            with open_at(state) as session:
                session.append(entry(1))
                say(b"1")
                os.read(os.pipe()[0], 1)
        except ReconcileError as error:
            say(str(error.exit_code).encode())

    with child(apply) as one:
        assert one.hears() == b"1"
        with child(apply) as other:
            assert other.hears() == b"5"
    assert load(str(state)).recorded.items == fold(1).items


@pytest.mark.needs_root
@pytest.mark.fault("L07")
@pytest.mark.skipif(not shutil.which("unshare") or os.geteuid() != 0, reason="needs unshare")
def test_a_holder_in_another_process_namespace_is_excluded_too(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from reconcile.state.lock import acquire\n"
        "acquire(Path(sys.argv[1]), command='apply', now=datetime.now(UTC), timeout_s=0)"
    )
    lock = take(path)
    command = [
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
        sys.executable,
        "-c",
        program,
        str(path),
    ]
    inside = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "lock-held" in inside.stderr
    lock.release()


@pytest.mark.needs_root
@pytest.mark.fault("L08", "D09")
@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_a_file_system_whose_locks_do_not_lock_is_refused(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from reconcile.state.lock import acquire\n"
        "acquire(Path(sys.argv[1]), command='apply', now=datetime.now(UTC), timeout_s=0)"
    )
    pretend = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=flock:retval=0"]
    command = [*pretend, sys.executable, "-c", program, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "lock-unreliable" in result.stderr
