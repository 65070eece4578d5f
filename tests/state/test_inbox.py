"""Signals wait beside the state until a session has written them down, and none is lost."""

import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconcile.errors import ReconcileError
from reconcile.model.journal import Signalled
from reconcile.model.recorded import Signal
from reconcile.model.struct import replace
from reconcile.planning.signals import newest
from reconcile.state import inbox
from reconcile.state.backend import backend, load, open_session
from reconcile.state.inbox import Inbox, Unheeded
from reconcile.state.mend import history
from reconcile.state.remote import session as remote_session
from tests.state.acts import open_at, refused
from tests.state.remote.local_stores import DirectoryStore

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LOADED = Signal(NOON, NOON, "airflow", "run 41")


@pytest.fixture(params=["local", "remote"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "local":
        return str(tmp_path / "state.json")
    monkeypatch.setattr(remote_session, "open_store", lambda _: DirectoryStore(tmp_path))
    return "s3://bucket/state.json"


@pytest.fixture
def box(url: str) -> Inbox:
    return backend(url).inbox


def minutes(number: int) -> Signal:
    at = NOON + timedelta(minutes=number)
    return Signal(at, at)


def test_what_is_delivered_waits(box: Inbox) -> None:
    box.deliver("load", LOADED)
    assert box.waiting() == {"load": (LOADED,)}


def test_an_inbox_of_a_later_version_is_called_so_and_left_alone(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    later = b'{"inbox_version":2,"letters":[]}'
    (tmp_path / "state.json.inbox").write_bytes(later)
    with refused("state-newer-format"):
        backend(str(state)).inbox.deliver("load", LOADED)
    with open_at(state) as session:
        assert [found.code for found in session.warnings] == ["state-newer-format"]
    assert (tmp_path / "state.json.inbox").read_bytes() == later


def test_the_same_signal_twice_is_one(box: Inbox) -> None:
    box.deliver("load", LOADED)
    box.deliver("load", Signal(NOON, NOON + timedelta(hours=1)))
    assert box.waiting() == {"load": (LOADED,)}


@pytest.mark.fault("S17")
def test_the_next_signal_sweeps_what_a_killed_sender_left(tmp_path: Path) -> None:
    left = tmp_path / "s.json.inbox.tmp-0"
    left.touch()
    backend(str(tmp_path / "s.json")).inbox.deliver("load", minutes(0))
    assert not left.exists()


@pytest.mark.parametrize("note", ["caf\udce9", "\x1b[31mloaded", "x" * 5000])
def test_no_note_keeps_a_signal_from_being_told(box: Inbox, note: str) -> None:
    box.deliver("load", replace(minutes(0), note=note))
    ((kept,),) = box.waiting().values()
    assert kept.note is not None
    assert (kept.note.isprintable(), len(kept.note) <= 500) == (True, True)


def test_two_that_send_at_once_lose_nothing(box: Inbox) -> None:
    with ThreadPoolExecutor(4) as senders:
        list(senders.map(lambda n: box.deliver(f"load-{n}", minutes(n)), range(12)))
    assert box.waiting() == {f"load-{n}": (minutes(n),) for n in range(12)}


def test_what_came_since_it_was_read_is_not_cleared(box: Inbox) -> None:
    box.deliver("load", minutes(1))
    taken = box.waiting()
    box.deliver("load", minutes(2))
    box.clear(taken)
    assert box.waiting() == {"load": (minutes(2),)}


def test_a_state_is_read_with_the_signals_that_wait(tmp_path: Path) -> None:
    url = str(tmp_path / "state.json")
    backend(url).inbox.deliver("load", LOADED)
    assert load(url).recorded.signals == {"load": (LOADED,)}


def test_a_session_writes_down_what_waits_and_takes_it_out(tmp_path: Path) -> None:
    url = str(tmp_path / "state.json")
    box = backend(url).inbox
    box.deliver("load", LOADED)
    with open_at(Path(url)) as session:
        assert session.recorded.signals == {"load": (LOADED,)}
        assert box.waiting() == {}
    assert load(url).recorded.signals == {"load": (LOADED,)}
    entries = [one.entry for one in history(url)]
    assert [(e.name, e.signal) for e in entries if isinstance(e, Signalled)] == [("load", LOADED)]


def test_a_signal_that_is_written_down_already_is_not_written_again(tmp_path: Path) -> None:
    url = str(tmp_path / "state.json")
    for _ in range(2):
        backend(url).inbox.deliver("load", LOADED)
        with open_at(Path(url)):
            pass
    assert len([one for one in history(url) if isinstance(one.entry, Signalled)]) == 1


@pytest.mark.fault("T01")
def test_signals_of_a_clock_that_was_ahead_hide_no_other_before_and_after_a_session(
    url: str, box: Inbox
) -> None:
    for day in range(1, 10):
        ahead = NOON + timedelta(days=day)
        box.deliver("load", Signal(ahead, ahead))
    box.deliver("load", LOADED)
    assert newest(load(url).recorded.signals, "load", NOON) == LOADED
    for _ in range(2):
        with open_session(url, command="test", lock_timeout_s=0, now=NOON) as session:
            assert newest(session.recorded.signals, "load", NOON) == LOADED


@pytest.fixture
def held(tmp_path: Path) -> Iterator[str]:
    lock = os.open(tmp_path / "state.json.inbox.lock", os.O_CREAT | os.O_WRONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield str(tmp_path / "state.json")
    os.close(lock)


def test_a_sender_waits_for_another_no_longer_than_it_may(
    held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "PATIENCE_S", 0.05)
    with pytest.raises(ReconcileError, match="another sender"):
        backend(held).inbox.deliver("load", LOADED)


def test_a_damaged_inbox_holds_no_plan_up_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "state.json.inbox").write_text("{}")
    (told,) = load(str(tmp_path / "state.json")).warnings
    assert told.code == "signal-inbox-damaged"
    with pytest.raises(ReconcileError, match="cannot be read"):
        backend(str(tmp_path / "state.json")).inbox.deliver("load", LOADED)


def test_a_session_on_a_store_takes_in_what_waits_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_session, "open_store", lambda _: DirectoryStore(tmp_path))
    url = "s3://bucket/state.json"
    box = backend(url).inbox
    box.deliver("load", LOADED)
    with open_session(url, command="test", lock_timeout_s=0, now=NOON) as session:
        assert session.recorded.signals == {"load": (LOADED,)}
    assert (box.waiting(), load(url).recorded.signals) == ({}, {"load": (LOADED,)})


def test_what_was_no_signal_is_remembered_until_one_comes(box: Inbox) -> None:
    box.note("load", Unheeded(NOON, "the run failed"))
    assert (box.waiting(), box.unheeded()) == (
        {},
        {"load": Unheeded(NOON, "the run failed")},
    )
    box.deliver("load", LOADED)
    assert (box.waiting(), box.unheeded()) == (
        {"load": (LOADED,)},
        {},
    )
