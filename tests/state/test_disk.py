import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from reconcile.errors import ReconcileError
from reconcile.state.backend import load
from tests.state.acts import done, entry, fold, intent, open_at, refused
from tests.state.children import child

Say = Callable[[bytes], object]


def beside(state: Path, suffix: str) -> Path:
    return state.with_name(f"{state.name}.{suffix}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=40,mode=700", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path, leave: int = 0) -> None:
    """Take all the room there is."""
    with (disk / "filler").open("ab", buffering=0) as filler:
        for size in (4096, 1):
            with suppress(OSError):
                while True:
                    filler.write(b"x" * size)
        filler.truncate(max(0, filler.tell() - leave))


@pytest.mark.needs_root
@pytest.mark.fault("D01", "D07")
def test_on_a_full_disk_no_call_is_begun_but_outcomes_are_kept(small_disk: Path) -> None:
    state = small_disk / "prod.json"
    with open_at(state) as session:
        session.append(entry(1))
        fill(small_disk)
        begun = 1
        with refused("intent-not-recorded"):
            for begun in range(2, 200):
                session.append(intent(begun))
        session.append(done(1), done(2))
        assert not beside(state, "reserve").exists()
    assert load(str(state)).recorded.sequence == begun + 1


@pytest.mark.needs_root
@pytest.mark.fault("D02")
def test_an_outcome_that_fits_nowhere_is_in_the_error(small_disk: Path) -> None:
    state = small_disk / "prod.json"
    with open_at(state) as session:
        session.append(entry(1))
        fill(small_disk)
        with refused("outcome-not-recorded") as caught:
            for number in range(10_000):
                session.append(done(number))
                fill(small_disk)
        assert f'"operation":"operation-{number}"' in caught.value.diagnostics[0].detail
        assert [warning.code for warning in session.warnings] == []
    assert [warning.code for warning in session.warnings] == ["state-not-saved"]
    assert load(str(state)).recorded.sequence == number + 1


@pytest.mark.needs_root
@pytest.mark.fault("D01", "S20")
def test_no_session_opens_on_a_full_disk(small_disk: Path) -> None:
    fill(small_disk, leave=8192)
    with refused("state-file-error") as caught:
        open_at(small_disk / "prod.json")
    assert os.strerror(errno.ENOSPC) in caught.value.diagnostics[0].detail
    assert not beside(small_disk / "prod.json", "reserve").exists()


@pytest.mark.needs_root
@pytest.mark.fault("D04")
def test_a_disk_that_turns_read_only_is_one_plain_error(small_disk: Path) -> None:
    with open_at(small_disk / "prod.json") as session:
        session.append(entry(1))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with refused("state-file-error") as caught:
        open_at(small_disk / "prod.json")
    assert os.strerror(errno.EROFS) in caught.value.diagnostics[0].detail
    assert load(str(small_disk / "prod.json")).recorded.sequence == 1


@pytest.mark.fault("D04", "P12", "D03")
def test_after_a_failed_write_nothing_more_is_taken(state: Path) -> None:
    """A limit on the size of files lets a write fail half way, without a special disk."""

    def live(say: Say) -> None:
        with suppress(ReconcileError), open_at(state) as session:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
            try:
                while True:
                    say(b"%d\n" % session.append(done(1)).sequence)
            except ReconcileError as error:
                say(error.diagnostics[0].code.encode() + b"\n")
            try:
                session.append(done(2))
            except ReconcileError as error:
                say(error.diagnostics[0].detail.partition("\n")[0].encode() + b"\n")

    with child(live) as run:
        said = b""
        while words := run.hears():
            said += words
    *acknowledged, code, detail, _ = said.split(b"\n")
    assert code == b"outcome-not-recorded"
    assert b"an earlier line could not be written" in detail
    loaded = load(str(state))
    assert loaded.recorded.sequence == int(acknowledged[-1])
    assert [warning.code for warning in loaded.warnings] == ["journal-torn"]


@pytest.mark.fault("D04")
def test_no_descriptor_left_is_one_plain_error(state: Path) -> None:
    def live(say: Say) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        try:
            open_at(state)
        except ReconcileError as error:
            say(error.diagnostics[0].code.encode())

    with child(live) as run:
        assert run.hears() in {b"state-file-error", b""}
    assert load(str(state)).recorded.items == fold(0).items
