from collections.abc import Callable
from pathlib import Path
from time import sleep

import pytest

from reconcile.state import local as sessions
from reconcile.state.backend import load
from tests.state.acts import dice, entry, fold, open_at
from tests.state.children import child

pytestmark = pytest.mark.long

Say = Callable[[bytes], object]


def apply_for_ever(state: Path, seed: int) -> Callable[[Say], None]:
    """Append as fast as it goes, in sessions of any length, and say what was acknowledged."""

    def live(say: Say) -> None:
        random = dice(seed)
        sessions.MAX_JOURNAL_LENGTH = 2_000
        while True:
            with open_at(state, timeout_s=60) as session:
                for _ in range(random.randrange(20)):
                    first = session.recorded.sequence + 1
                    batch = [entry(first + place) for place in range(random.randrange(1, 3))]
                    say(b"%d\n" % session.append(*batch).sequence)

    return live


def survive(state: Path, kills: int) -> None:
    """Kill a run again and again; nothing it was told is written is ever gone."""
    random = dice(kills)
    for number in range(kills):
        with child(apply_for_ever(state, number)) as run:
            said = run.hears()
            sleep(random.random() / 50)
            acknowledged = int((said + run.kill()).split()[-1])
        recorded = load(str(state)).recorded
        assert recorded.sequence >= acknowledged
        assert recorded.items == fold(recorded.sequence).items
        left = [path for path in state.parent.iterdir() if f"{state.name}.tmp-" in path.name]
        assert len(left) <= 2


@pytest.mark.fault("P01", "S16", "S17", "S25", "S26")
def test_nothing_acknowledged_is_lost_and_nothing_damaged_by_kills(state: Path) -> None:
    survive(state, kills=60)


@pytest.mark.slow
@pytest.mark.fault("P01", "S16", "S17", "S25", "S26")
def test_nothing_is_lost_over_ten_thousand_kills(state: Path) -> None:
    for part in range(250):
        survive(state.with_name(f"part-{part}.json"), kills=40)


@pytest.mark.fault("X02")
def test_a_reader_without_a_lock_sees_whole_states_that_never_go_back(state: Path) -> None:
    with child(apply_for_ever(state, 1)) as run:
        run.hears()
        seen = 0
        for _ in range(150):
            for word in run.hears(0).split(b"\n")[:-1]:
                seen = max(seen, int(word))
            recorded = load(str(state)).recorded
            assert recorded.sequence >= seen
            assert recorded.items == fold(recorded.sequence).items
            seen = recorded.sequence
