from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.address import Address
from reconcile.model.recorded import Record
from reconcile.state.session import Versioned
from tests.strategies import few_addresses

Step = tuple[Address, int | None]


@given(
    st.lists(st.tuples(few_addresses, st.none() | st.integers(0, 3)), max_size=30),
)
def test_every_version_stays_what_it_was(steps: list[Step]) -> None:
    live, expected, kept = Versioned({}), dict[Address, Record](), []
    for address, failures in steps:
        if failures is None:
            live.pop(address, None)
            expected.pop(address, None)
        else:
            live[address] = expected[address] = Record(failures=failures)
        kept.append((live.version(), dict(expected)))
    for version, was in kept:
        assert version == was
    assert live == expected


@given(st.lists(st.tuples(few_addresses, st.integers(0, 3)), min_size=1, max_size=30))
def test_versions_read_newest_first_are_right_too(steps: list[tuple[Address, int]]) -> None:
    live, kept = Versioned({}), []
    for address, failures in steps:
        before = dict(live)
        kept.append((live.version(), before))
        live[address] = Record(failures=failures)
    for version, was in reversed(kept):
        assert dict(version.items()) == was
        assert len(version) == len(was)
