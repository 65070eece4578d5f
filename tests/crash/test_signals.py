"""Whoever sends signals and whoever folds them in are killed: none that was taken is ever lost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest

from reconcile.model.recorded import Signal
from reconcile.state import local
from reconcile.state.backend import backend, load
from tests.state.acts import dice, open_at
from tests.state.children import child

Say = Callable[[bytes], object]
START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("crm", "dbt")


def signal(number: int) -> Signal:
    at = START + timedelta(seconds=number)
    return Signal(at, at)


def send_for_ever(state: Path, first: int) -> Callable[[Say], None]:
    """Send as fast as it goes, to each name in turn, and say what was taken."""

    def live(say: Say) -> None:
        number = first
        while True:
            backend(str(state)).inbox.deliver(NAMES[number % 2], signal(number))
            say(b"%d\n" % number)
            number += 1

    return live


def fold_for_ever(state: Path) -> Callable[[Say], None]:
    """Open one session after another, each of which folds in what waits."""

    def live(say: Say) -> None:
        local.MAX_JOURNAL_LENGTH = 2_000
        while True:
            with open_at(state, timeout_s=60):
                say(b"folded\n")

    return live


def survive(state: Path, rounds: int) -> None:
    random, reached = dice(rounds), 0
    for _ in range(rounds):
        with child(send_for_ever(state, reached)) as sender, child(fold_for_ever(state)) as session:
            said = sender.hears()
            session.hears()
            sleep(random.random() / 50)
            taken = int((said + sender.kill()).split()[-1])
            session.kill()
        signals = load(str(state)).recorded.signals
        for number in range(max(reached, taken - 1), taken + 1):
            assert signals[NAMES[number % 2]][-1].at >= signal(number).at
        reached = taken + 1


def test_no_signal_is_lost_by_a_kill_of_its_sender_or_of_the_session(tmp_path: Path) -> None:
    survive(tmp_path / "state.json", rounds=6)


@pytest.mark.slow  # Two processes a round, each of which waits for the disk.
def test_no_signal_is_lost_over_many_kills(tmp_path: Path) -> None:
    survive(tmp_path / "state.json", rounds=500)
