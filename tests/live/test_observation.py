"""A live look that is kept: believed as it was written, or not at all."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import Diagnostic
from reconcile.live.look import (
    Observation,
    load_observation,
    save_observation,
)
from reconcile.model.desired import NativeSchedule, ScheduleSpec
from reconcile.model.observed import Observed, ObservedConnection, ObservedModel
from reconcile.state.backend import backend

NOON = datetime(2026, 11, 22, 12, 0, 0, 123_000, tzinfo=UTC)
HOST = "https://myorg.omniapp.co"

texts = st.text(max_size=20)
instants = st.none() | st.just(NOON)
observations = st.builds(
    Observed,
    at=st.just(NOON),
    models=st.none()
    | st.lists(
        st.builds(
            ObservedModel,
            model_id=texts,
            name=st.none() | texts,
            deleted_at=instants,
            branches=st.dictionaries(texts, texts, max_size=2),
        ),
        max_size=3,
    ).map(tuple),
    connections=st.none()
    | st.lists(st.builds(ObservedConnection, connection_id=texts), max_size=2).map(tuple),
    policies=st.dictionaries(texts, st.lists(texts, max_size=2).map(tuple), max_size=2).map(
        MappingProxyType
    ),
    schemas=st.dictionaries(texts, st.lists(texts, max_size=2).map(tuple), max_size=2),
    schedules=st.dictionaries(
        texts,
        st.lists(
            st.builds(
                NativeSchedule,
                schedule_id=texts,
                connection_id=texts,
                spec=st.builds(ScheduleSpec, texts, texts, st.booleans()),
                disabled_at=instants,
            ),
            max_size=2,
        ).map(tuple),
        max_size=2,
    ),
    clock_ahead_s=st.none() | st.floats(-1e6, 1e6),
)


@given(observations, st.frozensets(texts), st.frozensets(texts))
def test_a_look_comes_back_as_it_was_kept(
    observed: Observed, policies: frozenset[str], schedules: frozenset[str]
) -> None:
    kept = Observation(
        host=HOST, observed=observed, policies_asked=policies, schedules_asked=schedules
    )
    with TemporaryDirectory() as folder:
        assert save_observation(f"{folder}/s.json", kept) is None
        assert load_observation(f"{folder}/s.json") == kept


def test_nothing_is_kept_where_there_is_no_directory_for_the_state(tmp_path: Path) -> None:
    state = str(tmp_path / "missing" / "s.json")
    assert save_observation(state, Observation(host=HOST, observed=Observed(at=NOON))) is None
    assert load_observation(state) is None
    assert list(tmp_path.iterdir()) == []


def test_one_changed_byte_makes_it_unusable_and_no_more(tmp_path: Path) -> None:
    state = str(tmp_path / "s.json")
    save_observation(state, Observation(host=HOST, observed=Observed(at=NOON)))
    path = backend(state).observed
    assert path is not None
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        path.write_bytes(whole[:position] + b"\x00" + whole[position + 1 :])
        found = load_observation(state)
        assert isinstance(found, Diagnostic)
        assert found.code == "observation-damaged"


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "s.json.observed").symlink_to("/etc/passwd")
    assert isinstance(load_observation(str(tmp_path / "s.json")), Diagnostic)


def test_what_was_not_asked_for_is_not_answered() -> None:
    look = Observation(
        host=HOST,
        observed=Observed(at=NOON),
        policies_asked=frozenset("ab"),
        schedules_asked=frozenset("c"),
    )
    assert look.answers("a", "c", "")
    assert not look.answers("x", "", "")
    assert not look.answers("", "a", "")
    assert not look.answers("", "", "a")


def test_a_state_that_is_not_a_file_keeps_no_look() -> None:
    assert backend("s3://bucket/state.json").observed is None
