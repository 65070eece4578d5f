from pathlib import Path

import pytest

from reconcile.config.fleet import FleetMember, load_fleet
from reconcile.errors import Diagnostic, ReconcileError


def _refused(path: Path, text: str) -> tuple[Diagnostic, ...]:
    path.write_text(text)
    with pytest.raises(ReconcileError) as caught:
        load_fleet(path)
    return caught.value.diagnostics


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.toml"


def test_instances_are_sorted_and_their_paths_start_at_the_fleet_file(path: Path) -> None:
    path.write_text(
        '[instances.zeta]\nfile = "zeta.toml"\n'
        '[instances.acme]\nfile = "acme"\nstate = "states/acme.json"\ncredential = "agency"\n'
    )
    fleet = load_fleet(path)
    here = str(path.parent)
    assert fleet.members == (
        FleetMember(
            name="acme",
            file=f"{here}/acme",
            state_url=f"{here}/states/acme.json",
            credential="agency",
        ),
        FleetMember(name="zeta", file=f"{here}/zeta.toml", state_url=None, credential="zeta"),
    )
    assert (fleet.database, fleet.look_every_s, fleet.silent_after_s) == (None, 5, 30)


def test_a_remote_state_is_left_as_it_is(path: Path) -> None:
    path.write_text('[instances.acme]\nfile = "a"\nstate = "postgresql://db/omni#acme"\n')
    assert load_fleet(path).members[0].state_url == "postgresql://db/omni#acme"


def test_a_password_in_the_database_url_is_refused_and_not_repeated(path: Path) -> None:
    (found,) = _refused(
        path,
        '[fleet]\ndatabase = "postgresql://me:hunter2@db/omni"\n[instances.acme]\nfile = "a"\n',
    )
    assert found.code == "fleet-database"
    assert "hunter2" not in found.detail
    assert found.places[0].line == 2


@pytest.mark.parametrize("url", ["mysql://db/omni", "db", "postgresql://[::1/omni"])
def test_another_database_than_postgres_is_refused(path: Path, url: str) -> None:
    text = f'[fleet]\ndatabase = "{url}"\n[instances.acme]\nfile = "a"\n'
    assert [found.code for found in _refused(path, text)] == ["fleet-database"]


@pytest.mark.fault("Z19")
@pytest.mark.parametrize(("name", "credential"), [("t\\u0000z", "a"), ("..", "a"), ("a", "t\\n")])
def test_a_name_that_cannot_be_seen_or_stored_is_refused(
    name: str, credential: str, path: Path
) -> None:
    text = f'[instances."{name}"]\nfile = "a"\ncredential = "{credential}"\n'
    (found,) = _refused(path, text)
    assert found.code == "bad-name"
    assert found.places[0].line == (3 if name == "a" else 1)


SHARED = [
    ('file = "a"\nstate = "s.json"', 'file = "b"\nstate = "x/../s.json"', {3, 6}),
    ('file = "a"\nstate = "s3://b/s.json"', 'file = "b"\nstate = "s3://b/s.json"', {3, 6}),
    ('file = "a"', 'file = "./a/"', {2, 4}),
]


@pytest.mark.parametrize(("acme", "bolt", "lines"), SHARED, ids=["path", "url", "files"])
def test_two_instances_may_not_share_a_state_however_it_is_spelled(
    acme: str, bolt: str, lines: set[int], path: Path
) -> None:
    (found,) = _refused(path, f"[instances.acme]\n{acme}\n[instances.bolt]\n{bolt}\n")
    assert found.code == "fleet-state-shared"
    assert {place.line for place in found.places} == lines


def test_two_instances_may_have_the_same_files_and_a_state_each(path: Path) -> None:
    path.write_text(
        '[instances.acme]\nfile = "a"\n[instances.bolt]\nfile = "a"\nstate = "bolt.json"\n'
    )
    assert len(load_fleet(path).members) == 2


def test_a_fleet_without_instances_is_refused(path: Path) -> None:
    assert [found.code for found in _refused(path, '[fleet]\nlook_every = "5s"\n')] == [
        "fleet-empty"
    ]


def test_an_unknown_key_is_told_the_keys_of_a_fleet(path: Path) -> None:
    (found,) = _refused(path, '[instances.acme]\nflie = "a"\nfile = "a"\n')
    assert found.code == "unknown-key"
    assert "`file`" in (found.hint or "")


def test_a_look_that_does_not_divide_a_minute_is_refused(path: Path) -> None:
    text = '[fleet]\nlook_every = "7s"\n[instances.acme]\nfile = "a"\n'
    assert [found.code for found in _refused(path, text)] == ["not-one-of"]


@pytest.mark.parametrize(("text", "code"), [("2s", "out-of-range"), ("soon", "bad-duration")])
def test_a_silence_too_short_or_no_duration_is_refused(path: Path, text: str, code: str) -> None:
    text = f'[fleet]\nsilent_after = "{text}"\n[instances.acme]\nfile = "a"\n'
    assert [found.code for found in _refused(path, text)] == [code]


def test_a_missing_file_and_broken_toml_are_said_plainly(path: Path) -> None:
    with pytest.raises(ReconcileError) as caught:
        load_fleet(path)
    assert caught.value.diagnostics[0].code == "file-not-found"
    assert [found.code for found in _refused(path, "[instances")] == ["invalid-toml"]
