"""Faults that belong to no room: of the environment, the command line, the whole tool."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from reconcile.config.load import load_text
from reconcile.errors import ReconcileError
from reconcile.model.desired import Every
from reconcile.model.plan import Forget
from reconcile.model.progress import RefreshAccepted
from reconcile.model.recorded import Record
from reconcile.planning.plan import plan
from reconcile.state.backend import load
from reconcile.state.files import locate
from tests.canary import CANARY
from tests.forkserver import forkserver
from tests.omni.calling import JOB, REFRESH, call
from tests.omni.fault_server import FaultServer, reply
from tests.planning.making import HOURS_6, NOON, desired, recorded, refresh
from tests.state.acts import entry, open_at

ROOT = Path(__file__).parents[2]
SCRIPT = Path(sys.executable).with_name("reconcile")
ONE = '[models.a]\nid = "bc1f9c9f-208d-48a2-9ae3-ff80f2c79fed"\nrefresh.every = "6h"\n'
SHADOWED = ("httpx", "tomli", "json", "reconcile", "pydantic", "sitecustomize")


@pytest.mark.slow
@pytest.mark.fault("C24")
def test_one_model_more_than_the_most_is_refused_with_the_limit() -> None:
    text = "".join(
        f'[models.m{n}]\nid = "{n:08d}-0000-4000-8000-000000000000"\nrefresh.every = "6h"\n'
        for n in range(100_001)
    )
    with pytest.raises(ReconcileError) as caught:
        load_text(text, "reconcile.toml")
    assert any("100,000 is the most" in told.detail for told in caught.value.diagnostics)


@pytest.mark.fault("C24")
def test_ten_thousand_models_are_planned() -> None:
    items = [refresh(f"m{number}", HOURS_6) for number in range(10_000)]
    assert len(plan(desired(*items), recorded(), NOON).standings) == 10_000


@pytest.mark.fault("C27", "S23")
def test_what_is_declared_no_longer_is_forgotten_without_a_call() -> None:
    covered = Record(last_success=NOON, covered_slot=NOON)
    kept = refresh("kept", Every(HOURS_6.interval))
    planned = plan(desired(kept), recorded(kept=covered, gone=covered), NOON)
    assert [type(action) for action in planned.actions] == [Forget]


@pytest.mark.fault("N17")
def test_a_name_with_a_dead_address_and_a_live_one_is_reached() -> None:
    words = f'{{"jobId": "{JOB}", "status": "running"}}'
    with FaultServer((reply(words),)) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        outcome = call(url, lambda omni: omni.send_refresh(REFRESH))
    assert isinstance(outcome, RefreshAccepted)


@pytest.mark.fault("P17")
def test_files_beside_the_declarations_are_never_imported(tmp_path: Path) -> None:
    (tmp_path / "reconcile.toml").write_text(ONE)
    for name in SHADOWED:
        (tmp_path / f"{name}.py").write_text(f"open({name!r}, 'w').close()\nraise SystemExit(9)\n")
    done = subprocess.run([SCRIPT, "plan"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not [name for name in SHADOWED if (tmp_path / name).exists()]


@pytest.mark.fault("P18")
def test_descriptors_stay_as_many_over_many_sessions(tmp_path: Path) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(60):
        with open_at(tmp_path / "state.json") as session:
            session.append(entry(session.recorded.sequence + 1))
        load(str(tmp_path / "state.json"))
    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.fault("Z05")
@pytest.mark.parametrize("option", ["--token", "--api-key", "--key", "--password"])
def test_no_option_takes_a_token_and_none_that_is_tried_is_repeated(
    option: str, tmp_path: Path
) -> None:
    for words in ([option, CANARY], ["plan.json", option, CANARY], [f"{option}={CANARY}"]):
        ran = forkserver().run(tmp_path, ("apply", *words), os.environ)
        assert ran.code == 1
        assert CANARY not in ran.out + ran.err


@pytest.mark.fault("Z15")
def test_nothing_is_ever_written_to_the_files_of_a_runner() -> None:
    for path in (ROOT / "reconcile").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not any(name in text for name in ("GITHUB_OUTPUT", "GITHUB_ENV")), path


@pytest.mark.fault("Z19")
@pytest.mark.parametrize(
    "url",
    ["", ".", "..", "/", "a\0b", "a/..", "s3://bucket/key", "https://host/x", "file://host/x"],
)
def test_what_names_no_local_file_is_no_place_for_a_state(url: str) -> None:
    with pytest.raises(ReconcileError):
        locate(url)


@pytest.mark.fault("Z19", "D04")
@pytest.mark.parametrize("name", ["x" * 300, "a\nb", "-rf", "CON"])
def test_a_strange_name_is_a_state_of_that_name_or_one_plain_error(
    tmp_path: Path, name: str
) -> None:
    try:
        with open_at(tmp_path / name) as session:
            session.append(entry(1))
    except ReconcileError:
        assert len(name) > 255
    else:
        assert load(str(tmp_path / name)).recorded.sequence == 1
        assert all(path.name.startswith(name) for path in tmp_path.iterdir())


@pytest.mark.fault("Z28")
def test_few_packages_are_needed_to_run() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert len(project["dependencies"]) <= 11
